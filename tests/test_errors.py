"""The error tree: what an error says, what it carries, and that it survives a journey."""

import concurrent.futures
import copy
import json
import multiprocessing
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops import _faults
from salesops.errors import (
    Infeasible,
    InternalError,
    InvalidInput,
    MissingExtra,
    NotConverged,
    Problem,
    SalesOpsError,
    SalesOpsWarning,
    show,
)

KINDS = [InvalidInput, Infeasible, NotConverged, MissingExtra, InternalError, SalesOpsError]
FAULT = Problem(
    path="history",
    message="closed before it was created",
    rows=(0, 7),
    ids=("'o1'", "'o9'"),
    values=("created 2024-03-01, closed 2024-02-01", "created 2024-05-01, closed 2024-04-30"),
    hint="correct one of the dates",
    suggestions=("'o2'",),
)


@pytest.fixture(scope="module")
def pool():
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(max_workers=1, mp_context=spawn) as executor:
        yield executor


def test_an_error_says_what_where_and_what_to_do_word_for_word():
    error = InvalidInput("history: 1 problem", [FAULT])
    assert str(error) == (
        "history: 1 problem\n"
        "- history: closed before it was created (row 0 ('o1'): created 2024-03-01, closed 2024-02-01, "
        "row 7 ('o9'): created 2024-05-01, closed 2024-04-30); correct one of the dates; did you mean 'o2'?"
    )


@pytest.mark.parametrize(
    ("kind", "base"),
    [(InvalidInput, ValueError), (MissingExtra, ImportError), (SalesOpsWarning, UserWarning)],
)
def test_an_error_can_be_caught_by_the_built_in_name_for_it(kind, base):
    assert issubclass(kind, base)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_caught_by_the_root_of_the_tree(kind):
    assert issubclass(kind, SalesOpsError)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_survives_pickling_whole(kind, protocol):
    error = kind("history: 1 problem", [FAULT])
    twin = pickle.loads(pickle.dumps(error, protocol))
    assert (type(twin), str(twin), twin.problems) == (kind, str(error), error.problems)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_copying_whole(kind):
    error = kind("history: 1 problem", [FAULT])
    twin = copy.deepcopy(error)
    assert (type(twin), str(twin), twin.problems) == (kind, str(error), error.problems)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_returns_whole_from_another_process(kind, pool):
    error = kind("history: 1 problem", [FAULT])
    twin = pool.submit(copy.copy, error).result()
    assert (type(twin), str(twin), twin.problems) == (kind, str(error), error.problems)


def test_an_error_raised_in_another_process_arrives_whole(pool):
    with pytest.raises(InvalidInput) as caught:
        pool.submit(_faults.raise_all, "history", [FAULT]).result()
    assert str(caught.value) == str(InvalidInput("history: 1 problem", [FAULT]))
    assert caught.value.problems == (FAULT,)


def test_a_redacted_error_shows_position_and_rule_but_no_identifier():
    text = str(InvalidInput("history: 1 problem", [FAULT]).redacted())
    assert text == (
        "history: 1 problem\n- history: closed before it was created (row 0, row 7); correct one of the dates"
    )


def test_redacting_leaves_the_original_whole():
    error = InvalidInput("history: 1 problem", [FAULT])
    error.redacted()
    assert error.problems == (FAULT,)


@pytest.mark.parametrize("kind", KINDS)
def test_a_redacted_error_is_of_the_same_kind(kind):
    assert type(kind("x", [FAULT]).redacted()) is kind


def test_a_row_with_a_name_of_its_own_is_redacted_too():
    fault = Problem(path="reps.capacity", message="0 or more", rows=("anna", 2), values=("-1", "-2"))
    error = InvalidInput("reps: 1 problem", [fault])
    assert "anna" in str(error)
    assert "anna" not in str(error.redacted())
    assert "anna" not in json.dumps(error.to_dict(redact=True))
    assert "a row with a name of its own" in fault.sentence(redact=True)


SECRET = st.text("xyzqjk", min_size=6, max_size=12)


@given(st.lists(SECRET, min_size=1, max_size=8), st.lists(SECRET, min_size=1, max_size=8))
def test_no_identifier_or_value_is_left_after_redaction(ids, values):
    fault = Problem(
        path="t.c", message="a rule", rows=range(len(ids)), ids=ids, values=values, suggestions=ids
    )
    error = InvalidInput("t: 1 problem", [fault])
    told = str(error.redacted()) + json.dumps(error.to_dict(redact=True)) + repr(error.redacted().problems)
    assert not any(secret in told for secret in [*ids, *values])


def test_the_body_of_an_answer_is_plain_json():
    rows = (np.int64(3), "anna", ("a", 1), 2.5)
    error = InvalidInput("t: 1 problem", [Problem(path="t.c", message="a rule", rows=rows)])
    body = json.loads(json.dumps(error.to_dict()))
    assert body["kind"] == "InvalidInput"
    assert body["problems"][0]["rows"] == [3, "anna", "('a', 1)", "2.5"]


def test_only_the_first_rows_are_printed_and_all_are_kept():
    fault = Problem(
        path="ties.weight", message="a weight is 0 or more", rows=range(1000), values=["-1"] * 1000
    )
    error = InvalidInput("ties: 1 problem", [fault])
    assert "1000 rows: row 0: -1, row 1: -1" in str(error)
    assert "and 995 more" in str(error)
    assert len(error.problems[0].rows) == 1000


def test_only_the_first_problems_are_printed_and_all_are_kept():
    faults = [Problem(path=f"$.tiers[{k}]", message="a rate is 0 or more") for k in range(1000)]
    error = InvalidInput("plan: 1000 problems", faults)
    assert str(error).endswith("- and 988 more problems; all are in .problems")
    assert len(error.problems) == 1000


@given(
    st.lists(
        st.builds(
            Problem,
            path=st.text(max_size=300),
            message=st.text(max_size=300),
            rows=st.lists(st.integers() | st.text(max_size=40), max_size=20),
            values=st.lists(st.text(max_size=200), max_size=20),
        ),
        max_size=40,
    )
)
def test_a_message_is_never_longer_than_a_page(faults):
    assert len(str(InvalidInput("many", faults))) < 5_000


def test_the_repr_of_a_problem_with_many_rows_is_short():
    fault = Problem(path="t", message="m", rows=range(10_000))
    assert repr(fault) == "Problem(path='t', message='m', rows=(0, 1, 2, 3, 4, ... 10000 in all))"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("3", "'3'"),
        (3, "3"),
        (np.int64(3), "3"),
        (np.float64(0.5), "0.5"),
        (None, "None"),
        (True, "True"),
        (float("nan"), "nan"),
        ("x" * 500, repr("x" * 60) + "... (500 long)"),
        ("\ud800", r"'\ud800'"),
    ],
)
def test_a_value_is_shown_as_python_would_write_it(value, shown):
    assert show(value) == shown


@pytest.mark.parametrize("digits", [300, 400, 5_000, 1_000_000])
def test_a_huge_integer_is_shown_by_its_length(digits):
    """Python refuses to write more than 4,300 digits, and nobody wants to read them."""
    assert show(10 ** (digits - 1)) == f"an integer of about {digits} digits"


def test_a_message_with_a_lone_surrogate_can_be_printed():
    error = InvalidInput("t: 1 problem", [Problem(path="t", message="m", values=(show("\udfff"),))])
    str(error).encode("utf-8")


def test_a_redacted_conflict_names_nobody_in_its_message_either():
    lock = Problem(path="locked", message="lock of a lead to a rep", ids=("'acme'", "'ann'"))
    error = Infeasible("assign: lead 'acme' has a lock to rep 'ann' that is forbidden", [lock])
    for told in (str(error.redacted()), str(error.to_dict(redact=True))):
        assert "acme" not in told
        assert "ann" not in told
        assert "that is forbidden" in told
