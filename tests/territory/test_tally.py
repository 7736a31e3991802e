"""What a plan adds up to: sums that do not depend on order, limits that are broken, the gap."""

import numpy as np
import pytest

from salesops import InternalError
from salesops._frames import Ids, Labels
from salesops.territory._tally import broken_limits, gap_of, used_by


def test_sums_do_not_depend_on_the_order_of_leads():
    chance = np.random.default_rng(0)
    owner, use = chance.integers(-1, 5, 400), chance.lognormal(0, 9, (400, 2))
    order = chance.permutation(400)
    assert (used_by(owner, use, (5, 2)) == used_by(owner[order], use[order], (5, 2))).all()


def test_a_lead_without_an_owner_uses_nothing():
    assert used_by(np.array([-1, 1]), np.array([[2.0], [3.0]]), (2, 1)).tolist() == [[0.0], [3.0]]


def test_each_end_of_a_limit_is_one_problem_with_every_rep():
    reps = Labels.of(Ids(np.arange(3), np.array(["ann", "bo", "cy"], dtype=object)))
    used, lower, upper = np.array([[5.0], [4.0], [1.0]]), np.full((3, 1), 2.0), np.full((3, 1), 3.0)
    above, below = broken_limits(reps, ("workload",), used, upper, lower)
    assert (above.path, above.ids, above.values) == (
        "reps.capacity",
        ("'ann'", "'bo'"),
        ("5, limit 3", "4, limit 3"),
    )
    assert (below.message, below.ids) == ("a rep stays below her band", ("'cy'",))


def test_a_plan_beyond_its_bound_is_a_defect():
    assert gap_of("assign", 3.0, 4.0, (), 4.0) == (0.25, None)
    with pytest.raises(InternalError, match="realign: a plan scored more than its certified bound"):
        gap_of("realign", 5.0, 4.0, (), 4.0)
