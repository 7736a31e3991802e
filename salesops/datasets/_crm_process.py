"""How the deals of a seeded company move: daily hazards by stage, age, calendar and rep; a common shock."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops._faults import raise_all
from salesops.errors import Problem, show

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

STAGES = ("qualify", "demo", "proposal", "negotiation")
WON, LOST = len(STAGES), len(STAGES) + 1
SEGMENTS = ("small", "mid", "large")

# Rows: stage. Daily hazards on a working day of a deal of the middle segment, at its usual age.
_FORWARD = np.array([0.055, 0.060, 0.055, 0.0])
_SKIP = np.array([0.006, 0.005, 0.0, 0.0])
_BACK = np.array([0.0, 0.004, 0.006, 0.012])
_LOST = np.array([0.026, 0.018, 0.014, 0.013])
_WON = np.array([0.0, 0.0015, 0.010, 0.038])

# Columns: time in the stage, in bands that begin on these days.
_BANDS = np.array([0, 5, 30, 90])
_LONGEST = 91
_PACE = np.array([0.5, 1.25, 0.7, 0.3])
_DECAY = np.array([0.7, 1.0, 1.2, 1.5])

_SEGMENT_SHARE = np.array([0.50, 0.35, 0.15])
_SEGMENT_PACE = np.array([1.4, 1.0, 0.65])
_SEGMENT_WIN = np.array([1.25, 1.0, 0.8])
_SEGMENT_AMOUNT = np.array([8_000.0, 25_000.0, 90_000.0])
_SEGMENT_PLAN = np.array([30.0, 45.0, 75.0])

_STARTS_AT_DEMO = 0.12
_REVISED = 0.3
_REVISION = 0.2
_PUSH = 0.2
_TALLEST = 30.0


@attrs.frozen(kw_only=True)
class CrmProcess:
    """How the company of :func:`make_crm` works: the true parameters.

    Parameters
    ----------
    deals_per_day : float, default 8.0
        Deals created on a working day of the first year, before season.
    n_reps : int, default 24
    n_teams : int, default 4
        Reps are dealt to the teams in turn.
    growth : float, default 0.15
        Growth of creation in a year, 0 for none, above -1.
    season : float, default 0.2
        Amplitude of creation over the year, from 0 to below 1; the peak is in October.
    amount_spread : float, default 0.9
        Standard deviation of the logarithm of amounts within a segment; one deal in thirty is drawn from a
        Pareto tail of exponent 1.8 on top.
    skill_spread : float, default 0.35
        Standard deviation of the logarithm of each rep's factor on the hazard of a win.
    shock : float, default 0.2
        Standard deviation of the factor, of mean 1, that all deals share in a calendar month (gamma).
    quarter_end : float, default 3.0
        Factor on the hazard of a win on the last day of a calendar quarter; it fades over about a week.
    foresight : float, default 0.5
        How much the expected close tells, from 0 (nothing) to 1.

    Examples
    --------
    >>> CrmProcess(n_reps=6, n_teams=2).shock
    0.2
    """

    deals_per_day: float = 8.0
    n_reps: int = 24
    n_teams: int = 4
    growth: float = 0.15
    season: float = 0.2
    amount_spread: float = 0.9
    skill_spread: float = 0.35
    shock: float = 0.2
    quarter_end: float = 3.0
    foresight: float = 0.5

    def __attrs_post_init__(self) -> None:
        bounds: dict[str, tuple[float, float]] = {
            "deals_per_day": (1e-6, 1e6),
            "growth": (-0.999, 100.0),
            "season": (0.0, 0.999),
            "amount_spread": (0.0, 5.0),
            "skill_spread": (0.0, 5.0),
            "shock": (0.0, 5.0),
            "quarter_end": (0.0, 100.0),
            "foresight": (0.0, 1.0),
        }
        faults = [
            Problem(path=name, message=f"is a number from {low:g} to {high:g}", values=(show(value),))
            for name, (low, high) in bounds.items()
            if not _between(value := getattr(self, name), low, high)
        ]
        faults += [
            Problem(path=name, message="is a whole number, 1 or more", values=(show(value),))
            for name in ("n_reps", "n_teams")
            if isinstance(value := getattr(self, name), bool)
            or not isinstance(value, (int, np.integer))
            or value < 1
        ]
        raise_all("CrmProcess", faults)


def _between(value: Any, low: float, high: float) -> bool:
    known = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return known and low <= float(value) <= high


@attrs.define(kw_only=True, eq=False)
class Standing:
    """Open deals, one row each, on a day: arrays that :func:`step` replaces.

    `draw` tells apart parallel worlds; `deal` numbers the deals; `since` is the day the stage was entered.
    Days are numbers of days since 1970-01-01.
    """

    draw: Ints
    deal: Ints
    stage: Ints
    since: Ints
    rep: Ints
    segment: Ints
    amount: Floats
    expected: Ints

    def __len__(self) -> int:
        return len(self.deal)

    def take(self, rows: Mask | Ints) -> Standing:
        """Keep some rows."""
        return Standing(**{name: column[rows] for name, column in attrs.asdict(self).items()})

    def plus(self, other: Standing) -> Standing:
        """Put rows of another below."""
        mine, yours = attrs.asdict(self), attrs.asdict(other)
        return Standing(**{name: np.concatenate([mine[name], yours[name]]) for name in mine})


def works(day: int) -> bool:
    """Say whether a day is Monday to Friday (1970-01-01 was a Thursday)."""
    return (day + 3) % 7 < 5


def intake(process: CrmProcess, day: int, first: int) -> float:
    """Give the expected number of deals created on a day."""
    if not works(day):
        return 0.0
    start = np.datetime64(day, "D")
    of_year = int((start - start.astype("datetime64[Y]")) / np.timedelta64(1, "D"))
    wave = 1.0 + process.season * np.cos(2.0 * np.pi * (of_year - 287) / 365.25)
    return float(process.deals_per_day * (1.0 + process.growth) ** ((day - first) / 365.25) * wave)


def created(
    process: CrmProcess, share: Floats, day: int, draw: Ints, deal: Ints, chance: np.random.Generator
) -> Standing:
    """Draw the facts of new deals, one for each entry of `draw`."""
    n = len(draw)
    segment = chance.choice(len(SEGMENTS), n, p=_SEGMENT_SHARE).astype(np.int64)
    tail = np.where(chance.random(n) < 1 / 30, 1.0 + chance.pareto(1.8, n), 1.0)
    height = np.minimum(np.exp(process.amount_spread * chance.standard_normal(n)) * tail, _TALLEST)
    wait = _SEGMENT_PLAN[segment] * np.exp(0.5 * chance.standard_normal(n))
    return Standing(
        draw=draw,
        deal=deal,
        stage=(chance.random(n) < _STARTS_AT_DEMO).astype(np.int64),
        since=np.full(n, day, dtype=np.int64),
        rep=chance.choice(process.n_reps, n, p=share).astype(np.int64),
        segment=segment,
        amount=np.round(_SEGMENT_AMOUNT[segment] * height),
        expected=_planned(day + np.ceil(wait).astype(np.int64), chance),
    )


def _planned(day: Ints, chance: np.random.Generator) -> Ints:
    """Move half of the planned days to the end of their quarter: people plan in quarters."""
    return np.where(chance.random(len(day)) < 0.5, quarter_end(day), day)


def quarter_end(day: Ints) -> Ints:
    """Last day of the calendar quarter of each day."""
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    following = (month - month % 3 + 3).astype("datetime64[M]").astype("datetime64[D]")
    return following.astype(np.int64) - 1


def win_hazard(process: CrmProcess, skill: Floats, open_deals: Standing, day: int) -> Floats:
    """Give each open deal's hazard of a win on a day, before the common shock."""
    left = float(quarter_end(np.array([day]))[0] - day)
    calendar = 1.0 + (process.quarter_end - 1.0) * np.exp(-left / 5.0)
    if left > 75:
        calendar *= 0.8
    away = open_deals.expected - day
    near = (away <= 12) & (away >= -4)
    plan = np.where(near, 1.0 + 1.5 * process.foresight, 1.0 - 0.5 * process.foresight)
    by_cell = (_WON[:, None] * _PACE).ravel()
    factor = calendar * skill[open_deals.rep] * (_SEGMENT_PACE * _SEGMENT_WIN)[open_deals.segment]
    hazard: Floats = by_cell[_cell(open_deals, day)] * factor * plan
    return hazard


def _cell(open_deals: Standing, day: int) -> Ints:
    band = (np.searchsorted(_BANDS, np.arange(_LONGEST), side="right") - 1)[
        np.minimum(day - open_deals.since, _LONGEST - 1)
    ]
    cell: Ints = open_deals.stage * len(_BANDS) + band
    return cell


_OTHER = (
    np.stack(
        [_FORWARD[:, None] * _PACE, _SKIP[:, None] * _PACE, _BACK[:, None] * _PACE, _LOST[:, None] * _DECAY]
    )
    .reshape(4, -1)
    .cumsum(axis=0)
)
_JUMP = np.array([1, 2, -1, 0])


@attrs.frozen(kw_only=True, eq=False)
class Moved:
    """What happened on a day: rows whose stage, amount or expected close changed, closed ones with an end."""

    rows: Standing
    exposure: float
    n_won: int


def step(
    process: CrmProcess,
    skill: Floats,
    open_deals: Standing,
    day: int,
    shock: Floats,
    chance: np.random.Generator,
) -> tuple[Standing, Moved]:
    """Let one working day pass: give the deals still open, and the rows that changed.

    `shock` holds the factor of the month for each draw.
    """
    hazard = win_hazard(process, skill, open_deals, day)
    win = hazard * shock[open_deals.draw]
    cell, pace = _cell(open_deals, day), _SEGMENT_PACE[open_deals.segment]
    total = win + _OTHER[3][cell] * pace
    happens = chance.random(len(open_deals)) < -np.expm1(-total)
    places = np.flatnonzero(happens)
    kind = chance.random(len(places)) * total[places] - win[places]
    steps = _OTHER[:, cell[places]] * pace[places]
    other = np.minimum((kind >= steps).sum(axis=0), 3)
    stage = open_deals.stage[places]
    to = np.where(kind < 0, WON, np.where(other == 3, LOST, stage + _JUMP[other]))
    changed = open_deals.take(places)
    changed.stage, changed.since = to, np.full(len(places), day, dtype=np.int64)
    revised = (chance.random(len(places)) < _REVISED) & (to != LOST)
    noise = np.exp(_REVISION * chance.standard_normal(len(places)) - _REVISION**2 / 2)
    changed.amount = np.where(revised, np.maximum(np.round(changed.amount * noise), 1.0), changed.amount)
    overdue = np.flatnonzero(~happens & (open_deals.expected < day))
    overdue = overdue[chance.random(len(overdue)) < _PUSH]
    pushed = open_deals.take(overdue)
    wait = np.ceil(30.0 * np.exp(0.5 * chance.standard_normal(len(overdue)))).astype(np.int64)
    pushed.expected = _planned(day + wait, chance)
    kept = open_deals.take(np.setdiff1d(np.flatnonzero(~happens), overdue, assume_unique=True))
    still = kept.plus(changed.take(to < WON)).plus(pushed)
    moved = Moved(rows=changed.plus(pushed), exposure=float(hazard.sum()), n_won=int((to == WON).sum()))
    return still, moved
