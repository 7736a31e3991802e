"""The door for tables: what comes in, what is refused, and in which words."""

from __future__ import annotations

import datetime as dt
import enum
import warnings
from decimal import Decimal
from fractions import Fraction

import attrs
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops._frames import Ids, Labels, Reader, check_known, check_same_type, id_column, warn_look_alikes
from salesops.errors import InvalidInput, Problem, SalesOpsWarning


def ids_of(values, **options) -> Ids:
    reader = Reader({"rep_id": values}, "reps")
    ids = reader.ids("rep_id", **options)
    reader.finish()
    return ids


def refusal(data, take, name="table", **options) -> InvalidInput:
    def read():
        reader = Reader(data, name, **options)
        take(reader)
        reader.finish()

    with pytest.raises(InvalidInput) as caught:
        read()
    return caught.value


@attrs.frozen(kw_only=True)
class Row:
    rep_id: str
    capacity: int


TABLE = {"rep_id": ["r2", "r1", "r3"], "capacity": [5, 4, 3]}


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame(TABLE),
        pd.DataFrame(TABLE, index=[9, 9, 9]),
        TABLE,
        {name: np.array(column) for name, column in TABLE.items()},
        {name: pd.Series(column, index=[5, 5, 5]) for name, column in TABLE.items()},
        [dict(zip(TABLE, row, strict=True)) for row in zip(*TABLE.values(), strict=True)],
        [Row(rep_id=rep, capacity=n) for rep, n in zip(*TABLE.values(), strict=True)],
        pl.DataFrame(TABLE),
        pa.table(TABLE),
        pa.table(TABLE).to_reader(),
    ],
    ids=[
        "pandas",
        "repeated index",
        "lists",
        "arrays",
        "series",
        "mappings",
        "attrs",
        "polars",
        "arrow",
        "stream",
    ],
)
def test_every_kind_of_table_reads_the_same(data):
    reader = Reader(data, "reps")
    assert reader.ids("rep_id").labels().tolist() == ["r2", "r1", "r3"]
    assert reader.numbers("capacity").tolist() == [5, 4, 3]
    reader.finish()


@pytest.mark.parametrize("make", [pl.DataFrame, pa.table])
def test_an_arrow_column_with_a_hole_keeps_whole_numbers_whole(make):
    reader = Reader(make({"rep_id": [2**60 + 1, None]}), "reps")
    assert reader.ids("rep_id", optional=True).label(0) == 2**60 + 1


def test_a_table_is_never_touched():
    frame = pd.DataFrame({"rep_id": ["b", "a"], "capacity": [np.nan, 1.0], "on": ["2024-01-01", None]})
    before = frame.copy(deep=True)
    reader = Reader(frame, "reps")
    reader.ids("rep_id")
    reader.numbers("capacity", missing=0.0)
    reader.dates("on", optional=True)
    pd.testing.assert_frame_equal(frame, before)


def test_read_only_arrays_are_read():
    capacity = np.array([1.0, 2.0])
    capacity.flags.writeable = False
    assert Reader({"capacity": capacity}, "reps").numbers("capacity", missing=0.0).tolist() == [1, 2]


def test_names_are_mapped_by_the_caller():
    reader = Reader({"Owner": ["a"]}, "reps", columns={"Owner": "rep_id"})
    assert reader.ids("rep_id").label(0) == "a"


def test_a_mapped_name_that_is_not_there_is_refused():
    error = refusal({"Owner": ["a"]}, lambda reader: None, columns={"owner": "rep_id"})
    assert error.problems[0].suggestions == ("'Owner'",)


def test_columns_that_no_verb_reads_pass_through():
    reader = Reader({"rep_id": ["a"], "mood": ["good"]}, "reps")
    reader.ids("rep_id")
    assert reader.extra().to_dict("list") == {"mood": ["good"]}


def test_an_empty_list_is_a_table_without_rows():
    reader = Reader([], "ties")
    assert len(reader.ids("source")) == len(reader.numbers("weight")) == len(reader.dates("on")) == 0
    reader.finish()


def test_a_missing_column_suggests_the_one_that_was_meant():
    error = refusal({"capcity": [1]}, lambda reader: reader.numbers("capacity"), "reps")
    assert str(error) == (
        "reps: 1 problem\n"
        "- reps.capacity: the column is missing (columns there: capcity); "
        "add it, or name yours with columns={'yours': 'capacity'}; did you mean 'capcity'?"
    )


def test_a_repeated_column_is_refused_with_its_count():
    frame = pd.DataFrame([[1, 2, 3]], columns=["credit_id", "amount", "amount"])
    error = refusal(frame, lambda reader: None, "credits")
    assert "credits.amount" in str(error)
    assert "2 columns" in str(error)


@pytest.mark.parametrize(
    "data", [None, 5, "text", pd.Series([1]), [1, 2], {"a": [1, 2], "b": [1]}, [("r1", 5)]]
)
def test_what_is_no_table_is_refused(data):
    refusal(data, lambda reader: None)


def test_all_faults_of_all_columns_come_at_once():
    def take(reader):
        reader.ids("source")
        reader.ids("target")
        reader.numbers("weight", minimum=0)

    ties = [
        {"source": "r1", "target": "p1", "weight": -0.5},
        {"source": None, "target": "p1", "weight": 1},
        {"source": "r1", "target": "", "weight": "3"},
        {"source": float("nan"), "target": "p1", "weight": float("inf")},
    ]
    error = refusal(ties, take, "ties", key=("source", "target"))
    assert [(p.path, p.rows, p.values) for p in error.problems] == [
        ("ties.source", (1, 3), ("None", "nan")),
        ("ties.target", (2,), ("''",)),
        ("ties.weight", (2,), ("'3'",)),
        ("ties.weight", (0, 3), ("-0.5", "inf")),
    ]
    assert "'r1', 'p1'" in str(error)


def test_row_labels_are_the_callers_own_where_they_tell_rows_apart():
    frame = pd.DataFrame({"capacity": [1, -1]}, index=["anna", "bob"])
    error = refusal(frame, lambda reader: reader.numbers("capacity", minimum=0))
    assert error.problems[0].rows == ("bob",)


def test_a_repeated_index_falls_back_to_positions():
    frame = pd.DataFrame({"capacity": [1, -1]}, index=["x", "x"])
    error = refusal(frame, lambda reader: reader.numbers("capacity", minimum=0))
    assert error.problems[0].rows == (1,)


def test_a_repeated_id_names_both_rows():
    error = refusal({"rep_id": ["r1", "r2", "r1"]}, lambda reader: reader.ids("rep_id", unique=True), "reps")
    assert error.problems[0].rows == (0, 2)


def test_one_and_one_point_zero_and_true_are_never_one_id():
    error = refusal({"source": [1, 1.0, True, 2]}, lambda reader: reader.ids("source"), "ties")
    assert error.problems[0].rows == (1, 2)
    assert error.problems[0].values == ("1.0", "True")


def test_a_missing_id_that_made_a_column_float_is_explained():
    error = refusal({"rep_id": [101.0, np.nan, 103.0]}, lambda reader: reader.ids("rep_id"), "reps")
    assert error.problems[0].rows == (1,)
    assert "float" in error.problems[0].hint


def test_an_unhashable_id_is_refused():
    assert refusal({"rep_id": [["a"]]}, lambda reader: reader.ids("rep_id")).problems[0].rows == (0,)


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    "values",
    [
        [3, 1, 2],
        ["b", "a", "é"],
        [(1, "a"), (1, "b")],
        [dt.date(2024, 1, 2), dt.date(2024, 1, 1)],
        [b"x", b"y"],
        [Colour.RED],
        [1.5, 2.5],
        [True, False],
        [1, "1", (1,), None.__class__],
        [frozenset({1}), frozenset({2})],
        [2**70, 1],
    ],
)
def test_ids_of_every_hashable_kind_come_back_as_they_were(values):
    ids = ids_of(values)
    assert ids.labels().tolist() == values
    assert [type(v) for v in ids.labels().tolist()] == [type(v) for v in values]
    labels = Labels.of(ids)
    assert [labels[code] for code in labels.codes(ids)] == values
    assert [labels.position(value) for value in values] == labels.codes(ids).tolist()


@given(
    st.lists(
        st.one_of(st.integers(-3, 3), st.text("ab1", min_size=1, max_size=2), st.tuples(st.integers(0, 2)))
    )
)
def test_the_index_of_ids_does_not_depend_on_row_order(values):
    labels, mirrored = Labels.of(ids_of(values)), Labels.of(ids_of(values[::-1]))
    assert labels.values.tolist() == mirrored.values.tolist()
    assert len(labels) == len({(type(value), value) for value in values})


@given(st.lists(st.integers(-(2**62), 2**62)), st.lists(st.integers(-(2**62), 2**62)))
def test_whole_numbers_are_found_exactly_or_not_at_all(known, asked):
    labels, wanted = Labels.of(ids_of(known)), ids_of(asked)
    found = [labels[code] if code >= 0 else None for code in labels.codes(wanted).tolist()]
    assert found == [value if value in set(known) else None for value in asked]


def test_text_and_number_are_different_ids():
    labels = Labels.of(ids_of([1, 2]))
    assert labels.codes(ids_of(["1", "2"])).tolist() == [-1, -1]
    assert labels.position(1.0) == labels.position(True) == labels.position("1") == -1


def test_ids_that_differ_only_by_type_between_tables_are_refused():
    faults: list[Problem] = []
    check_same_type(faults, "leads.lead_id", ids_of(["101", "x"]), Labels.of(ids_of([101])), "ties", range(2))
    assert faults[0].rows == (0,)
    assert faults[0].values == ("'101' (str), there 101 (int)",)


def test_an_unknown_id_suggests_the_known_one():
    faults: list[Problem] = []
    check_known(faults, "locks.rep_id", ids_of(["ana"]), Labels.of(ids_of(["anna"])), "reps", range(1))
    assert faults[0].suggestions == ("'anna'",)


def test_ids_that_look_alike_are_kept_apart_with_a_warning():
    labels = Labels.of(ids_of(["José", "Jose\u0301", "p1"]))
    with pytest.warns(SalesOpsWarning, match=r"U\+00E9.*U\+0301"):
        warn_look_alikes(labels, "people")
    assert len(labels) == 3


def test_plain_ids_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_look_alikes(Labels.of(ids_of(["José", "Ana", "r1", "R1"])), "people")


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), Decimal(1), Fraction(1)])
def test_every_exact_or_float_number_is_a_number(value):
    assert Reader({"weight": [value]}, "ties").numbers("weight").tolist() == [1.0]


@pytest.mark.parametrize("value", ["1", True, None, float("nan"), float("inf"), -1, 10**400, 1j, [1]])
def test_what_is_no_finite_number_in_bounds_is_refused(value):
    error = refusal({"weight": [0.5, value]}, lambda reader: reader.numbers("weight", minimum=0))
    assert error.problems[0].rows == (1,)


def test_a_column_of_booleans_is_no_column_of_numbers():
    refusal(pd.DataFrame({"weight": [True, False]}), lambda reader: reader.numbers("weight"))


def test_nullable_and_arrow_dtypes_are_numbers():
    frame = pd.DataFrame(
        {"a": pd.array([1, None], dtype="Int64"), "b": pd.array([1.5, None], dtype="double[pyarrow]")}
    )
    reader = Reader(frame, "t")
    assert reader.numbers("a", missing=0.0).tolist() == [1, 0]
    assert reader.numbers("b", missing=0.0).tolist() == [1.5, 0]
    reader.finish()


@pytest.mark.parametrize(
    "value",
    [
        "2024-03-31",
        dt.date(2024, 3, 31),
        dt.datetime(2024, 3, 31, 5),
        pd.Timestamp("2024-03-31"),
        np.datetime64("2024-03-31"),
    ],
)
def test_every_spelling_of_a_day_is_the_same_day(value):
    assert Reader({"on": [value]}, "deals").dates("on").tolist() == [dt.date(2024, 3, 31)]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_resolution_of_a_timestamp_does_not_matter(unit):
    times = pd.Series(np.array(["2024-03-31T10:00"], dtype=f"datetime64[{unit}]"))
    assert Reader({"on": times}, "deals").times("on").tolist() == [dt.datetime(2024, 3, 31, 10)]


@pytest.mark.parametrize(
    "value",
    ["31.03.2024", "2024-02-30", "20240331", 20240331, "2024-W13-7", "٢٠٢٤-٠٣-٣١", True, None, pd.NaT],
)
def test_what_is_no_date_is_refused(value):
    error = refusal({"on": ["2024-01-01", value]}, lambda reader: reader.dates("on"))
    assert error.problems[0].rows == (1,)


def test_an_aware_time_falls_on_the_day_of_the_business_zone():
    reader = Reader({"on": ["2024-04-01T02:30:00Z"]}, "deals")
    assert reader.dates("on", zone="America/Los_Angeles").tolist() == [dt.date(2024, 3, 31)]


def test_an_aware_time_needs_a_business_zone():
    refusal({"on": ["2024-04-01T02:30:00Z"]}, lambda reader: reader.dates("on"))
    refusal({"on": pd.to_datetime(["2024-04-01T02:30:00Z"])}, lambda reader: reader.dates("on"))


def test_naive_and_aware_times_in_one_column_are_refused_with_both_rows():
    times = ["2024-03-31T23:30:00-08:00", "2024-03-31T23:30:00"]
    error = refusal({"on": times}, lambda reader: reader.dates("on", zone="America/Los_Angeles"))
    assert error.problems[0].rows == (0, 1)


def test_a_choice_outside_the_list_is_refused_with_the_list():
    error = refusal(
        {"outcome": ["won", "Lots"]}, lambda reader: reader.texts("outcome", choices=("won", "lost"))
    )
    assert error.problems[0].rows == (1,)
    assert "'won', 'lost'" in error.problems[0].hint


def test_flags_are_true_or_false_only():
    reader = Reader({"consent": [True, None, np.False_]}, "ties")
    assert reader.flags("consent", default=True).tolist() == [True, True, False]
    refusal({"consent": ["yes", 1]}, lambda reader: reader.flags("consent", default=True))


def test_a_hundred_thousand_bad_rows_are_counted_and_not_printed():
    error = refusal({"weight": np.full(100_000, np.nan)}, lambda reader: reader.numbers("weight"), "ties")
    assert len(str(error)) < 4000
    assert "100000 rows" in str(error)
    assert len(error.problems[0].rows) == 100_000


def test_result_ids_stay_whole_or_text():
    assert id_column(np.array([1, 2])).dtype == np.int64
    assert id_column(np.array(["a", "b"], dtype=object)).tolist() == ["a", "b"]
    assert len(id_column(np.empty(0, dtype=object))) == 0
    assert id_column(np.array([1, None], dtype=object)).tolist() == [1, pd.NA]
    assert id_column(np.array([2**70, None], dtype=object)).tolist() == [2**70, None]


def test_a_column_that_is_no_list_is_a_fault():
    with pytest.raises(InvalidInput, match=r"ties.weight: a column is a list of values \(5\)"):
        Reader({"weight": 5}, "ties")


@pytest.mark.parametrize("slip", ["Weight", "wieght", "weights", "weigh", " weight", "WEIGHT"])
def test_a_column_that_is_all_but_spelt_as_an_optional_one_warns(slip):
    with pytest.warns(SalesOpsWarning, match=rf"ties has a column '{slip}' and no 'weight'.*columns="):
        assert not Reader({"source": ["a"], slip: [2]}, "ties").has("weight")


@pytest.mark.parametrize("other", ["height", "weight_kg", "kg", "w", "team", 7])
def test_other_columns_pass_without_a_word(other):
    table = Reader(pd.DataFrame([["a", 2]], columns=["source", other]), "ties")
    assert not table.has("weight")
    assert not table.has("teams") if other != "team" else True


def test_a_column_that_was_read_is_no_slip_of_another():
    table = Reader({"values": [1.0]}, "leads")
    table.numbers("values")
    assert not table.has("value")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("r1", "r1\u200b"),
        ("ann lee", "ann  lee"),
        ("ann lee", "ann\u00a0lee"),
        ("r1", "r1 "),
        ("Jos\u00e9", "Jose\u0301"),
    ],
)
def test_ids_that_a_person_cannot_tell_apart_warn(one, other):
    with pytest.warns(SalesOpsWarning, match="people look alike and are kept apart"):
        warn_look_alikes(Labels.of(ids_of([one, other, "someone else"])), "people")
