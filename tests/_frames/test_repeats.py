"""Long columns in which few values repeat are numbered by a shorter road, which leads to the same place."""

import numpy as np
import pandas as pd
import pytest

from salesops._frames import Reader
from salesops._frames.ids import factorize
from salesops._frames.repeats import MANY, repeats
from salesops.errors import InvalidInput

N = MANY + 1_000


def _drawn(values, seed=0):
    cells = np.empty(N, dtype=object)
    cells[:] = [values[k] for k in np.random.default_rng(seed).integers(0, len(values), N)]
    return cells


def _plainly(cells):
    """Number by a dictionary of types and values, in order of first appearance."""
    place, codes = {}, []
    for value in cells:
        if value is None or value is pd.NA or value != value:
            codes.append(-1)
        else:
            codes.append(place.setdefault((type(value), value), len(place)))
    return codes, [value for _, value in place]


def _is_as_plain(column, cells):
    ids, unfit = factorize(column)
    codes, distinct = _plainly(cells)
    assert not unfit
    assert ids.codes.tolist() == codes
    assert [(type(v), v) for v in ids.distinct.tolist()] == [(type(v), v) for v in distinct]


MIXES = {
    "text": ["won", "lost", "open"],
    "of one length": [f"segment {k:02d}" for k in range(50)],
    "equal but not the same object": ["north", "northern"[:5], "south"],
    "not ASCII": ["Zürich", "Bern", "Genève", ""],
    "with the byte 0": ["a", "a\0", "b"],
    "long": ["x" * 40, "x" * 39 + "y", "z"],
    "one": ["all"],
}


@pytest.mark.parametrize("values", MIXES.values(), ids=MIXES)
def test_texts_are_numbered_by_first_appearance(values):
    cells = _drawn(values)
    _is_as_plain(pd.Series(cells, dtype=object), cells)


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("values", MIXES.values(), ids=MIXES)
def test_an_arrow_column_is_numbered_alike_also_from_several_pieces_and_with_holes(values, holes):
    pytest.importorskip("pyarrow")
    cells = _drawn([*values, None]) if holes else _drawn(values)
    column = pd.Series(cells, dtype="string[pyarrow]")
    _is_as_plain(column, cells)
    _is_as_plain(column.iloc[7:-100], cells[7:-100])
    _is_as_plain(pd.concat([column, column.iloc[3:]]), [*cells, *cells[3:]])


def test_short_texts_of_an_arrow_column_take_the_shorter_road():
    pytest.importorskip("pyarrow")
    assert repeats(pd.Series(_drawn(MIXES["text"]), dtype="string[pyarrow]")) is not None
    assert repeats(pd.Series(_drawn(MIXES["of one length"]), dtype="string[pyarrow]")) is not None


@pytest.mark.parametrize(
    "values",
    [[1, 2, 3], [1, 1.0, True, "1"], ["a", None, float("nan")], [2**70, 5], [(1, "a"), (1, "b")]],
    ids=str,
)
def test_ids_of_other_kinds_keep_their_type(values):
    cells = _drawn(values)
    _is_as_plain(pd.Series(cells, dtype=object), cells)


def test_a_column_of_many_different_values_is_left_to_the_longer_road():
    assert repeats(pd.Series([f"deal {k}" for k in range(N)], dtype=object)) is None


def test_every_row_that_cannot_be_an_id_is_named():
    odd = ["unhashable"]
    cells = _drawn(["a", odd, None])
    reader = Reader({"team": cells}, "deals")
    reader.ids("team")
    with pytest.raises(InvalidInput) as caught:
        reader.finish()
    rows = {problem.message: problem.rows for problem in caught.value.problems}
    assert rows == {
        "an id must be hashable": tuple(k for k, v in enumerate(cells) if v is odd),
        "the id is missing": tuple(k for k, v in enumerate(cells) if v is None),
    }


def test_an_array_given_by_the_caller_is_not_kept():
    cells = np.array([f"deal {k}" for k in range(N)], dtype=object)
    ids, _ = factorize(pd.Series(cells, dtype=object, copy=False))
    cells[0] = "changed"
    assert ids.label(0) == "deal 0"
