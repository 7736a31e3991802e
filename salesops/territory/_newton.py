"""Prices by a softened dual: Newton's method at a temperature, whose curvature is in the torn leads alone."""

from __future__ import annotations

import math

import attrs
import numpy as np

from salesops.territory._chunks import in_chunks
from salesops.territory._curvature import SLIGHT, Curvature
from salesops.territory._prices import FloatArray, Instance
from salesops.territory._smooth import Smooth, Units

_MOST_CROSSINGS = 1_000_000
"""Where torn leads have more pairs of reps than that, evenly spaced leads stand for all in the curvature."""
_FIRST_REACH, _WIDER = 10.0, 2.0
"""No price moves by more than so many temperatures in a first step, so many times more after a good one."""
_DAMPING = 1e-3
_DESCENT = 1e-4
_MOST_HALVINGS = 6
_EXACTNESS, _MOST_PRODUCTS = 1e-3, 200
_WORTHLESS = 1e-9
"""A step that gains less of the mean best score for each lead is the last one."""


def find_prices(
    instance: Instance, prices: FloatArray, units: Units, *, temperature: float, max_steps: int
) -> tuple[FloatArray, float]:
    """Minimise the dual, its maxima softened by a temperature, from given prices.

    The temperature is in units of the mean best score. Prices that are 0 while their limit holds stay there
    (a projected method); a step is halved until the dual falls. Gives the prices and the price of a move.

    References
    ----------
    F. Roosta-Khorasani, M. W. Mahoney (2019), "Sub-sampled Newton methods".
    D. P. Bertsekas (1982), "Projected Newton methods for optimization problems with simple constraints".
    """
    problem = _Problem(smooth=Smooth.of(instance, units), temperature=temperature)
    if not instance.n_leads or not problem.smooth.n_limits:
        return np.zeros(instance.upper.shape), instance.stay
    here = problem.at(problem.smooth.pack(prices))
    reach = _FIRST_REACH * temperature
    for _ in range(max_steps):
        ahead = problem.direction(here, reach)
        if ahead is None:
            break
        there, share = problem.descend(here, ahead)
        if there is None:
            break
        gained, here = here.value - there.value, there
        if gained <= _WORTHLESS:
            break
        reach *= _WIDER if share == 1 else share
    return problem.smooth.unpack(here.x)


@attrs.frozen(kw_only=True, eq=False)
class _Point:
    """Prices, the softened dual for a mean lead, its slopes to either side of them, and how many bend it."""

    x: FloatArray
    value: float
    right: FloatArray
    left: FloatArray
    n_torn: int
    n_shares: int

    def slope(self) -> FloatArray:
        """Give the slope that each price can follow down, 0 where it cannot move."""
        ahead = (self.x > 0) | ((self.x == 0) & (self.right < 0))
        back = (self.x < 0) | ((self.x == 0) & (self.left > 0))
        return np.where(ahead, self.right, np.where(back, self.left, 0.0))


@attrs.frozen(kw_only=True, eq=False)
class _Problem:
    """The softened dual at one temperature."""

    smooth: Smooth
    temperature: float

    def at(self, x: FloatArray) -> _Point:
        """Look at some prices."""
        smooth, case, heat = self.smooth, self.smooth.instance, self.temperature
        even, stay = smooth.split(x)
        groups = None if smooth.groups is None else smooth.groups.softened(even, heat)
        d, n_reps = smooth.use.shape[0], case.n_reps

        def of_leads(part: slice) -> tuple[float, FloatArray, FloatArray, float, int, int]:
            soft = smooth.soften(part, even, stay, heat, groups)
            reps, use = soft.reps.ravel(), smooth.use[:, part]
            used, cold, kept = np.empty((n_reps, d)), np.empty((0, d)), 0.0
            for k in range(d):
                used[:, k] = np.bincount(reps, (soft.parts * use[k]).ravel(), minlength=n_reps)
            if groups is not None:
                group, n_groups = groups.group[part], len(groups.mean)
                cold = np.stack([np.bincount(group, soft.cold * each, minlength=n_groups) for each in use], 1)
            if smooth.stays is not None and smooth.prices_moves:
                kept = float(soft.parts[smooth.stays[:, part]].sum())
            is_torn = soft.parts.max(axis=0, initial=0.0) < 1 - SLIGHT
            n_shares = int(np.count_nonzero(soft.parts[:, is_torn] > SLIGHT))
            return soft.value, used, cold, kept, int(is_torn.sum()), n_shares

        value, each, cold, kept, n_torn, n_shares = zip(*in_chunks(of_leads, case.n_leads), strict=True)
        used: FloatArray = np.sum(each, axis=0)
        if groups is not None:
            used += groups.part.T @ np.sum(cold, axis=0)
        right, left, worth = self._limits(even, used)
        if smooth.prices_moves:
            room = case.max_moves - case.n_settled
            right, left = np.append(right, room + math.fsum(kept)), np.append(left, -np.inf)
            worth = np.append(worth, stay * room)
        return _Point(
            x=x,
            value=math.fsum([*value, *worth.tolist()]) / case.n_leads,
            right=right / case.n_leads,
            left=left / case.n_leads,
            n_torn=sum(n_torn),
            n_shares=sum(n_shares),
        )

    def _limits(self, even: FloatArray, used: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Say what the limits leave to either side, and what they are worth at the prices."""
        case, unit = self.smooth.instance, self.smooth.units.use
        upper, lower = case.upper / unit, case.lower / unit
        with np.errstate(invalid="ignore"):
            worth = np.where(even == 0, 0.0, even * np.where(even > 0, upper, lower))
        return (upper - used).ravel(), (lower - used).ravel(), worth.ravel()

    def direction(self, here: _Point, reach: float) -> FloatArray | None:
        """Solve for the step on the prices that can move, none by more than the reach; None if none can."""
        from scipy.sparse.linalg import LinearOperator, cg

        slope = here.slope()
        free = slope != 0
        if not free.any():
            return None
        every = max(1, math.ceil(here.n_shares**2 / max(here.n_torn, 1) / _MOST_CROSSINGS))
        curvature = Curvature.of(self.smooth, here.x, self.temperature, every)
        steep = curvature.diagonal(len(slope))
        steep += _DAMPING * max(float(steep[free].mean()), 1e-300)
        damping = _DAMPING * steep

        def bend(step: FloatArray) -> FloatArray:
            return np.where(free, curvature.along(np.where(free, step, 0.0)) + damping * step, step)

        shape = (len(slope), len(slope))
        step, _ = cg(
            LinearOperator(shape, matvec=bend, dtype=float),
            -slope,
            rtol=_EXACTNESS,
            maxiter=_MOST_PRODUCTS,
            M=LinearOperator(shape, matvec=lambda step: step / steep, dtype=float),
        )
        ahead = np.clip(np.where(free, step, 0.0), -reach, reach)
        if float(ahead @ slope) >= 0:
            ahead = np.clip(-slope / steep, -reach, reach)
        return np.asarray(ahead)

    def descend(self, here: _Point, ahead: FloatArray) -> tuple[_Point | None, float]:
        """Go along the step, half as far as long as the dual does not fall; None if it never does."""
        slope, share = here.slope(), 1.0
        for _ in range(_MOST_HALVINGS):
            x = here.x + share * ahead
            # A price that would cross 0 stops there: its slope is another on the other side.
            x[(here.x != 0) & (np.sign(x) != np.sign(here.x))] = 0.0
            x[(here.x == 0) & (np.sign(ahead) == np.sign(slope))] = 0.0
            there = self.at(x)
            if there.value <= here.value + _DESCENT * float(slope @ (x - here.x)):
                return there, share
            share /= 2
        return None, 0.0
