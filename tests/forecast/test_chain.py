"""Where deals end up from each stage, by any road."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from salesops.errors import InvalidInput
from salesops.forecast import absorbing_chain, funnel
from tests.forecast.logs import STAGES, events, frame


def walk(q, r, start, end, steps=400):
    """Push one deal through the chain until hardly anything is left."""
    here, gone = np.eye(len(q))[start], 0.0
    for _ in range(steps):
        gone += here @ np.array(r)[:, end]
        here = here @ np.array(q)
    return gone


def test_absorption_is_what_a_long_walk_gives():
    q = [[0.1, 0.6, 0.1], [0.2, 0.0, 0.5], [0.0, 0.3, 0.1]]
    r = [[0.1, 0.1], [0.1, 0.2], [0.5, 0.1]]
    chain = absorbing_chain(q, r, absorbing=["won", "lost"])
    for stage in range(3):
        for end in range(2):
            assert chain.absorption[stage, end] == pytest.approx(walk(q, r, stage, end), abs=1e-9)
    assert chain.absorption.sum(axis=1) == pytest.approx(1.0, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(events())
def test_the_chain_of_a_funnel_sums_to_one_and_agrees_with_its_moves(rows):
    result = funnel(frame(rows), STAGES)
    matrix = result.transition_matrix()
    closes = bool(matrix[["won", "lost"]].to_numpy().sum())
    try:
        chain = result.chain()
    except InvalidInput:
        # Deals that only go round in a circle reach no end.
        assert matrix.loc[STAGES, STAGES].to_numpy().sum() >= 2
        return
    assert closes or not chain.transient or any("still in" in end for end in chain.absorbing)
    assert chain.absorption.sum(axis=1) == pytest.approx(1.0, abs=1e-9)
    left = matrix.loc[list(chain.transient)].drop(columns="(still there)").sum(axis=1)
    assert left.tolist() == chain.n.tolist()


def test_skips_and_regressions_are_roads_to_a_win():
    rows = [("a", "new"), ("a", "proposal"), ("a", "qualified"), ("a", "proposal"), ("a", "won")]
    rows += [("b", "new"), ("b", "qualified"), ("b", "lost")]
    log = frame([(deal, stage, f"2024-01-{k + 1:02d}") for k, (deal, stage) in enumerate(rows)])
    chain = funnel(log, STAGES).chain()
    # new -> proposal or qualified; proposal -> qualified or won; qualified -> proposal or lost; halves all.
    by_stage = dict(zip(chain.transient, chain.absorption[:, 0], strict=True))
    assert by_stage == pytest.approx(
        {"new": Fraction(1, 2), "qualified": Fraction(1, 3), "proposal": Fraction(2, 3)}
    )


def test_the_interval_of_one_stage_is_that_of_a_share():
    log = frame(
        [(f"d{k}", "new", "2024-01-01") for k in range(20)]
        + [(f"d{k}", "won" if k < 5 else "lost", "2024-01-09") for k in range(20)]
    )
    chain = funnel(log, ["new"]).chain()
    assert chain.variance[0] == pytest.approx([0.25 * 0.75 / 20] * 2)
    row = chain.to_frame().iloc[0]
    assert row["lower"] < 0.25 < row["upper"]
    assert row["n"] == 20


def test_a_stage_that_nobody_left_counts_as_an_end():
    log = frame(
        [
            ("a", "new", "2024-01-01"),
            ("a", "qualified", "2024-01-02"),
            ("b", "new", "2024-01-01"),
            ("b", "lost", "2024-01-05"),
        ]
    )
    chain = funnel(log, STAGES).chain()
    assert chain.absorbing == ("won", "lost", "still in qualified")
    assert chain.absorption.tolist() == [[0.0, 0.5, 0.5]]


@pytest.mark.parametrize(
    ("between", "into_ends", "message"),
    [
        ([[0.5]], [[0.4]], "sum to one"),
        ([[1.0]], [[0.0]], "no end can be reached"),
        ([[-0.1]], [[1.1]], "between 0 and 1"),
        ([[0.5, 0.5]], [[0.0]], "a row for each stage"),
        ([0.5], [[0.5]], "is a matrix of chances"),
        ("x", [[0.5]], "is a matrix of chances"),
    ],
)
def test_chances_that_cannot_be_are_refused(between, into_ends, message):
    with pytest.raises(InvalidInput, match=message):
        absorbing_chain(between, into_ends)


def test_states_have_names_of_their_own():
    with pytest.raises(InvalidInput, match="names every state once"):
        absorbing_chain([[0.0, 0.5], [0.5, 0.0]], [[0.5], [0.5]], transient=["a", "a"])
    with pytest.raises(InvalidInput, match="is not a stage of the chain"):
        absorbing_chain([[0.5]], [[0.5]]).explain("new")
