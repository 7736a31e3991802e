"""Numbers read from the bytes of a column are those that the texts say, and nothing else is taken for one."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops._texts import bytes_of, plain_numbers

pytest.importorskip("pyarrow")

NUMBERS = st.from_regex(r"-?[0-9]{1,16}\.[0-9]{1,7}", fullmatch=True)
TEXTS = st.lists(NUMBERS | st.text("0123456789.-+ e:/", max_size=20), min_size=1, max_size=40)


def column(texts):
    return pd.Series(texts, dtype="string[pyarrow]")


def slowly(text, places):
    """Read one text as the docstring says: digits with a point, 15 digits at most; None is no such text."""
    plain = re.fullmatch(rf"-?[0-9]+\.[0-9]{{{places}}}", text)
    is_short = len(text.lstrip("-")) <= 16
    return int(text.replace(".", "")) if plain and is_short else None


@settings(max_examples=50)
@given(TEXTS, st.integers(1, 6))
def test_each_text_is_read_as_python_reads_it_or_left_alone(texts, places):
    value, is_plain = plain_numbers(bytes_of(column(texts)), places)
    found = [int(v) if plain else None for v, plain in zip(value, is_plain, strict=True)]
    assert found == [slowly(text, places) for text in texts]
    assert not value[~is_plain].any()


@pytest.mark.parametrize("places", [0, 7])
def test_without_decimals_or_with_too_many_nothing_is_read(places):
    value, is_plain = plain_numbers(bytes_of(column(["1", "1.0000000"])), places)
    assert not is_plain.any()
    assert not value.any()


def test_a_part_of_a_column_is_read_by_its_own_bytes():
    texts = bytes_of(column(["9.99", "1.25", "-3.50", "7.00"]).iloc[1:3])
    assert plain_numbers(texts, 2)[0].tolist() == [125, -350]


def test_pieces_put_together_are_the_column():
    texts = bytes_of(column([f"{k}.{k % 100:02d}" for k in range(70_000)]))
    read = np.concatenate([plain_numbers(piece, 2)[0] for _, piece in texts.pieces()])
    assert read.tolist() == plain_numbers(texts, 2)[0].tolist() == [100 * k + k % 100 for k in range(70_000)]


@pytest.mark.parametrize(
    "cells",
    [[], ["1.00", None], ["1,00 \u20ac"], pd.Series(["1.00"], dtype=object), pd.Series([100])],
    ids=["empty", "missing", "not ASCII", "objects", "numbers"],
)
def test_a_column_that_is_not_plain_text_in_arrow_is_left_to_others(cells):
    assert bytes_of(cells if isinstance(cells, pd.Series) else column(cells)) is None
