"""What past origins teach: corrections need evidence, widths follow errors, parts must fit."""

import attrs
import numpy as np
import pytest

from salesops.forecast import _blend

STEP = np.array([1.04, 0.97, 1.0, 1.02, 0.98, 1.01, 0.99, 1.03, 0.96, 1.0, 1.01, 0.99])


def origins(open_ratio, new_ratio, n=12, share=1.0):
    """Four units; the structure says 60 from open deals and 40 from new ones, for each."""
    here = STEP[:n, None]
    said = np.ones((n, 4))
    return _blend.Origins(
        open=60.0 * said,
        new=40.0 * said,
        wins=100.0 * said,
        actual=here * (60.0 * open_ratio + 40.0 * new_ratio) * said,
        actual_open=here * 60.0 * open_ratio * said,
        variance=25.0 * said,
        share=share,
    )


def test_a_structure_that_fits_is_not_corrected():
    found = _blend.learn_blend(origins(1.0, 1.0), 28)
    assert found.open == pytest.approx(1.0, abs=0.005)
    assert found.weight > 0.6


def test_a_ratio_within_noise_is_left_alone_and_one_beyond_it_is_followed():
    small = _blend.learn_blend(origins(0.97, 1.0), 28).open
    large = _blend.learn_blend(origins(0.6, 1.0), 28).open
    assert 0.98 < small < 1.0
    assert large == pytest.approx(0.6, abs=0.03)


def test_few_origins_correct_less():
    few, many = (_blend.learn_blend(origins(0.7, 1.0, n=n), 28).open for n in (2, 12))
    assert many < few < 1.0


def test_parts_that_err_against_each_other_cost_trust():
    whole = _blend.learn_blend(origins(1.0, 1.0), 28)
    parts = _blend.learn_blend(origins(0.4, 1.9), 28)
    assert parts.weight < whole.weight


def test_errors_smaller_than_chance_narrow_and_greater_ones_widen():
    usual = origins(1.0, 1.0)
    calm = attrs.evolve(usual, variance=36.0 * usual.variance)
    away = 8.0 * (usual.actual - 100.0)
    wild = attrs.evolve(usual, actual=100.0 + away, actual_open=60.0 + 0.6 * away)
    calm, usual, wild = (_blend.learn_blend(each, 28).shock for each in (calm, usual, wild))
    assert calm == _blend._LEAST_SHOCK
    assert calm < usual < _blend._PRIOR_SHOCK < wild


def test_a_longer_horizon_without_origins_keeps_the_correction_and_trusts_less():
    short = _blend.learn_blend(origins(0.6, 1.0), 28)
    longer = _blend.learn_blend(origins(1.0, 1.0, n=0), 112, short)
    assert longer.open == short.open
    assert longer.weight < short.weight
    assert longer.shock == pytest.approx(short.shock / 2.0)
    assert longer.n_origins == 0
