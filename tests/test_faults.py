"""How the rooms gather faults, guess what was meant, warn, and ask for an extra."""

import warnings

import pytest

from salesops import _faults
from salesops.errors import InvalidInput, MissingExtra, Problem, SalesOpsWarning


def test_no_problem_raises_nothing():
    _faults.raise_all("reps", [])


def test_all_problems_are_raised_at_once():
    faults = [
        Problem(path="reps.capacity", message="0 or more"),
        Problem(path="reps.rep_id", message="unique"),
    ]
    with pytest.raises(InvalidInput, match=r"^reps: 2 problems\n") as caught:
        _faults.raise_all("reps", faults)
    assert caught.value.problems == tuple(faults)


@pytest.mark.parametrize(
    ("meant", "options", "found"),
    [
        ("random_wolk", ["random_walk", "katz"], ("'random_walk'",)),
        ("Random_Walk ", ["random_walk", "katz"], ("'random_walk'",)),
        ("101", [101, 102], ("101",)),
        ("zebra", ["random_walk", "katz"], ()),
        ("x" * 200, ["random_walk"], ()),
        ("katz", [], ()),
    ],
)
def test_a_near_miss_finds_the_name_that_was_meant(meant, options, found):
    assert _faults.closest(meant, options) == found


def test_a_fixed_choice_lists_all_that_are_allowed():
    with pytest.raises(InvalidInput) as caught:
        _faults.check_choice("method", "random_wolk", ["random_walk", "katz"])
    assert str(caught.value) == (
        "method: 1 problem\n"
        "- method: unknown choice ('random_wolk'); choose one of 'random_walk', 'katz'; "
        "did you mean 'random_walk'?"
    )


@pytest.mark.parametrize("value", [None, 3, True, b"katz", ["katz"]])
def test_a_fixed_choice_is_text(value):
    with pytest.raises(InvalidInput):
        _faults.check_choice("method", value, ["random_walk", "katz"])


def test_an_allowed_choice_passes():
    _faults.check_choice("method", "katz", ["random_walk", "katz"])


def test_a_warning_points_at_the_line_of_the_caller():
    with pytest.warns(SalesOpsWarning, match="not meant") as seen:
        _faults.warn("probably not meant")
    assert seen[0].filename == __file__


def test_a_warning_can_be_made_an_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SalesOpsWarning):
            _faults.warn("probably not meant")


def test_a_missing_extra_names_the_line_to_type():
    with pytest.raises(MissingExtra) as caught:
        _faults.import_extra("no_such_package.pyplot", "plot")
    assert str(caught.value) == 'no_such_package is not installed; type: pip install "salesops[plot]"'


def test_a_package_that_is_there_is_imported():
    assert _faults.import_extra("json.decoder", "plot").__name__ == "json.decoder"
