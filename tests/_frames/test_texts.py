"""A column of text is read by its different values, whatever type of column holds it."""

import numpy as np
import pandas as pd
import pytest

from salesops._frames import Reader

CELLS = ["won", None, "lost", "won"]


@pytest.mark.parametrize("dtype", ["object", "string", "category"])
def test_every_type_of_column_gives_the_same_texts(dtype):
    read = Reader({"outcome": pd.Series(CELLS, dtype=dtype)}, "deals")
    found = read.texts("outcome", choices=("won", "lost", "open"), default="open")
    assert found.tolist() == ["won", "open", "lost", "won"]
    assert not read.faults


def test_what_is_no_text_and_what_is_unknown_are_told_apart():
    read = Reader({"outcome": pd.Series(["won", 1, True, ["won"], "wonn", np.nan], dtype=object)}, "deals")
    read.texts("outcome", choices=("won", "lost"))
    told = {problem.message: len(problem.rows) for problem in read.faults}
    assert told == {"is not text": 3, "the text is missing": 1, "unknown choice": 1}
