"""The recursion for the chance of a win, against walking through every path."""

import numpy as np
import pytest

from salesops.forecast._hazards import fit_factors
from salesops.forecast._recursion import entry_values, stay_values


def walked(win, lost, move, target, calendar, stage, age, day):
    """Chance of a win by the last day, by going through every next step."""
    if day == calendar.shape[0]:
        return 0.0
    a = min(age, win.shape[1] - 1)
    w, o, m = (h[stage, a] * c for h, c in zip((win, lost, move), calendar[day], strict=True))
    total = w + o + m
    leaves = 1 - np.exp(-total)
    value = (1 - leaves) * walked(win, lost, move, target, calendar, stage, age + 1, day + 1)
    value += leaves * w / total
    for onward, share in enumerate(target[stage]):
        if share:
            value += (
                leaves * m / total * share * walked(win, lost, move, target, calendar, onward, 0, day + 1)
            )
    return value


@pytest.fixture
def hazards():
    rng = np.random.default_rng(4)
    win, lost, move = (rng.uniform(0, 0.3, (3, 6)) for _ in range(3))
    target = np.array([[0, 0.7, 0.3], [0.2, 0, 0.8], [0, 1.0, 0]])
    return win, lost, move, target, rng.uniform(0.5, 2, (6, 3))


def test_values_on_entry_equal_every_path_walked(hazards):
    win, lost, move, target, calendar = hazards
    found = entry_values(win[None], lost[None], move[None], target, calendar[None])[0]
    for day in range(7):
        for stage in range(3):
            expected = walked(win, lost, move, target, calendar, stage, 0, day)
            assert found[day, stage] == pytest.approx(expected, abs=1e-12)


def test_values_in_the_middle_of_a_stage_equal_every_path_walked(hazards):
    win, lost, move, target, calendar = hazards
    entry = entry_values(win[None], lost[None], move[None], target, calendar[None])[0]
    wide = [np.concatenate([h, h[:, -1:]], axis=1) for h in (win, lost, move)]
    daily = [h[1, 1 : 1 + 6] * calendar[:, k] for k, h in enumerate(wide)]
    found = stay_values(*(h[None] for h in daily), (entry[1:] @ target[1])[None])[0]
    assert found == pytest.approx(walked(*wide, target, calendar, 1, 1, 0), abs=1e-12)


def test_without_hazards_nothing_is_won():
    nothing = np.zeros((1, 2, 4))
    assert not entry_values(nothing, nothing, nothing, np.zeros((2, 2)), np.ones((1, 4, 3))).any()


def test_factors_find_the_effects_behind_many_events():
    rng = np.random.default_rng(0)
    codes = {"one": rng.integers(0, 3, 6000), "two": rng.integers(0, 4, 6000)}
    true = {"one": np.array([0.5, 1.0, 2.0]), "two": np.array([1.0, 1.5, 0.7, 1.2])}
    exposure = rng.uniform(50, 100, 6000)
    counts = rng.poisson(0.05 * exposure * true["one"][codes["one"]] * true["two"][codes["two"]])
    found = fit_factors(
        codes, {"one": 3, "two": 4}, exposure, counts.astype(float), {"one": 1.0, "two": None}
    )
    for name, effects in true.items():
        assert found.effects[name] / found.effects[name][0] == pytest.approx(effects / effects[0], rel=0.05)
    assert found.rate({k: c[:3] for k, c in codes.items()}).shape == (3,)


def test_a_level_with_few_events_stays_close_to_one():
    codes = {"rep": np.array([0, 1])}
    found = fit_factors(codes, {"rep": 2}, np.array([1000.0, 5.0]), np.array([100.0, 2.0]), {"rep": 20.0})
    assert 0.95 < found.effects["rep"][1] < 1.1
