"""The fewest hires by bisection, and the cheapest ones by integer programme or exhaustive search."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Mapping, Sequence

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._calendar import day_of
from salesops._faults import closest, refuse
from salesops._frames import Reader
from salesops.errors import Infeasible, InvalidInput, NotConverged, Problem, show
from salesops.forecast import _laws
from salesops.forecast._laws import Part
from salesops.forecast._staffing import Role, Seats, Staffing, figure
from salesops.forecast.hiring import HiresNeeded, HiringPlan
from salesops.models import Period

Floats = npt.NDArray[np.float64]

_MOST_HIRES = 100_000
_MOST_TRIES = 20_000
_SLACK = 1e-9


def _role(roles: Sequence[Role], name: str | None) -> Role:
    found = [role for role in roles if role.name == name]
    if name is None and len(roles) == 1:
        found = list(roles)
    if found:
        return found[0]
    known = [role.name for role in roles if role.name is not None]
    fault = Problem(
        path="role",
        message="is not a role of this plan",
        values=(show(name),),
        suggestions=closest(name, known),
        hint=f"roles are {', '.join(map(show, known)) or 'not told apart'}",
    )
    raise InvalidInput("role: 1 problem", [fault])


def _seat(months: Sequence[Period], day: dt.date, role: Role, path: str) -> Seats:
    place = next((k for k, month in enumerate(months) if month.contains(day)), None)
    if place is None:
        reach = f"{months[0].start} to {months[-1].end - dt.timedelta(days=1)}"
        raise refuse(path, f"is a day of the horizon, {reach}", day.isoformat())
    share = (months[place].end - day).days / months[place].days
    return Seats(
        label=day.isoformat(),
        kind="hire",
        n=1,
        role=role,
        productivity=role.productivity,
        starts=((place, 1.0),),
        first_share=share,
    )


def _check_probability(probability: object) -> None:
    if probability is None:
        return
    if isinstance(probability, bool) or not isinstance(probability, (int, float)) or not 0 < probability < 1:
        raise refuse("probability", "is between 0 and 1, or left out", probability)


@attrs.frozen(eq=False)
class _Sum:
    """The law of a team with more hires."""

    base: tuple[Part, ...]
    hires: tuple[Part, ...]
    market_sd: float

    above: Floats | None = None
    """P(team >= each value of its law), where that is exact and nothing multiplies it."""

    @classmethod
    def of(cls, base: Sequence[Part], hires: Sequence[Part], market_sd: float) -> _Sum:
        """Sum up the team once, where its law is exact."""
        law = _laws.sum_of(base)
        if not law.is_exact:
            return cls(tuple(base), tuple(hires), market_sd)
        once = _laws.part(1, law.values, law.weights)
        above = np.append(np.cumsum(once.weights[::-1])[::-1], 0.0) if market_sd == 0.0 else None
        return cls((once,), tuple(hires), market_sd, above)

    def reaches(self, counts: Sequence[int], target: float) -> float:
        """Give the probability that the team and so many of each hire reach a target."""
        more = [attrs.evolve(hire, n=n) for hire, n in zip(self.hires, counts, strict=True) if n]
        extra = _laws.sum_of(more) if self.above is not None else None
        if self.above is not None and extra is not None and extra.is_exact:
            values = self.base[0].values
            slack = _SLACK * max(target, float(values[-1] + extra.values[-1]))
            place = np.searchsorted(values, target - extra.values - slack, side="left")
            return min(float(extra.weights @ self.above[place]), 1.0)
        return _laws.sum_of([*self.base, *more]).under_a_factor(self.market_sd).at_least(target)


def needed(
    staffing: Staffing,
    months: Sequence[Period],
    place: int,
    target: float,
    probability: float | None,
    starts_on: object,
    role: str | None,
) -> HiresNeeded:
    """Find the fewest further hires by bisection: more hires never lower capacity."""
    _check_probability(probability)
    day = months[0].start if starts_on is None else day_of("starts_on", starts_on)
    kind = _role(staffing.roles, role)
    seat = _seat(months, day, kind, "starts_on")
    base = tuple(staffing.parts(place))
    one = figure(seat, staffing.n_months, staffing.season, staffing.spans[place])
    law = _Sum.of(base, [one], staffing.market_sd)
    expected = math.fsum(part.n * part.mean for part in base)

    def enough(n: int) -> bool:
        if probability is None:
            return expected + n * one.mean >= target * (1 - _SLACK)
        return law.reaches([n], target) >= probability

    high = 0
    while not enough(high):
        high = max(1, 2 * high)
        if one.mean == 0.0 or high > _MOST_HIRES:
            raise _out_of_reach(target, probability, expected, one, day)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return HiresNeeded(
        n=high,
        target=target,
        starts_on=day,
        role=kind.name,
        asked=probability,
        expected=expected + high * one.mean,
        probability=law.reaches([high], target),
        probability_of_one_less=law.reaches([high - 1], target) if high else math.nan,
    )


def _out_of_reach(
    target: float, probability: float | None, expected: float, one: Part, day: dt.date
) -> Infeasible:
    if one.mean == 0.0:
        message = "a hire who starts then brings nothing in time"
        hint = "let them start earlier, or ask for a later period"
    else:
        message = f"{_MOST_HIRES} hires are not enough"
        hint = "lower the target or the probability; the market's factor alone may forbid it"
    short = target - expected
    fault = Problem(
        path="target", message=message, values=(f"short by {short:g}", day.isoformat()), hint=hint
    )
    asked = "" if probability is None else f" with probability {probability:g}"
    return Infeasible(f"hires cannot bring the target of {target:g}{asked}", [fault])


@attrs.frozen(eq=False)
class _Options:
    """Ways to hire, sorted: what one hire brings by target and what it costs."""

    seats: tuple[Seats, ...]
    cost: Floats
    most: Floats
    brings: Floats
    """Shape (n_targets, n_options)."""

    frame: pd.DataFrame


def _read_options(
    staffing: Staffing,
    months: Sequence[Period],
    places: Sequence[int],
    options: object,
    columns: Mapping[str, str] | None,
) -> _Options:
    table = Reader(options, "options", columns=columns)
    days, role = table.dates("starts_on"), table.texts("role", optional=True)
    cost = table.numbers("cost", minimum=0)
    monthly = table.numbers("monthly_cost", minimum=0, default=0, missing=0)
    most = table.numbers("max_hires", minimum=0, default=math.inf, missing=math.inf)
    outside = (days < np.datetime64(months[0].start)) | (days >= np.datetime64(months[-1].end))
    table.fault("starts_on", outside, "is a day of the horizon")
    known = [one.name for one in staffing.roles]
    strange = np.array([name not in known and not (name is None and len(known) == 1) for name in role])
    table.fault(
        "role", strange, "is not a role of this plan", hint=f"roles are {', '.join(map(show, known))}"
    )
    table.finish()
    order = sorted(range(len(table)), key=lambda k: (days[k], role[k] or "", cost[k], monthly[k], most[k]))
    seats = [
        _seat(months, days[k].item(), _role(staffing.roles, role[k]), f"options[{k}].starts_on")
        for k in order
    ]
    figures = [staffing.expected_of(seat) for seat in seats]
    total = np.array([cost[k] + monthly[k] * figures[j][0][-1] for j, k in enumerate(order)])
    brings = np.array([[made[place] for _, _, made in figures] for place in places]).reshape(
        len(places), len(seats)
    )
    frame = pd.DataFrame(
        {
            "starts_on": pd.to_datetime([days[k].item() for k in order]),
            "role": pd.Series([seat.role.name for seat in seats], dtype=object),
            "cost_of_one": total,
            "brings": [float(made[-1]) for _, _, made in figures],
        }
    )
    return _Options(tuple(seats), total, np.floor(most[order]), brings, frame)


def cheapest(
    staffing: Staffing,
    months: Sequence[Period],
    names: Mapping[int, str],
    targets: Mapping[int, float],
    options: object,
    probability: float | None,
    columns: Mapping[str, str] | None,
) -> HiringPlan:
    """Solve for the least cost: an integer programme in expectation, an exhaustive search in probability."""
    _check_probability(probability)
    places = sorted(targets, key=lambda place: (place < 0, place))
    if probability is not None and len(places) > 1:
        hint = "give one amount, for the horizon or for one period"
        raise refuse("target", "with a probability there is one target", len(places), hint=hint)
    given = _read_options(staffing, months, places, options, columns)
    base = staffing.expected()[2].sum(axis=0)
    need = np.array([targets[place] - base[place] for place in places])
    chance, tried = None, 0
    if probability is None:
        counts, bound = _by_expectation(given, need, [names[place] for place in places])
    else:
        counts, chance, tried = _by_probability(staffing, given, places[0], targets[places[0]], probability)
        bound = float(given.cost @ counts)
    frame = given.frame.assign(n=counts, cost=given.cost * counts)
    reached = pd.DataFrame(
        {
            "period": [names[place] for place in places],
            "target": [targets[place] for place in places],
            "reached": base[places] + given.brings @ counts,
        }
    )
    total = float(base[-1] + frame["brings"].to_numpy() @ counts)
    return HiringPlan(
        cost=float(given.cost @ counts),
        bound=min(bound, float(given.cost @ counts)),
        expected=total,
        probability=chance,
        n_tried=tried,
        options=frame,
        reached=reached,
    )


def _by_expectation(
    given: _Options, need: Floats, names: Sequence[str]
) -> tuple[npt.NDArray[np.int64], float]:
    """Cover every shortfall at least cost; the solver's dual bound is the certificate."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    scale = np.maximum(np.abs(need), 1.0)
    most = np.where(np.isfinite(given.most), given.most, _MOST_HIRES)
    short = need - given.brings @ most
    if (short > _SLACK * scale).any():
        raise _too_little(short, need, names, _SLACK * scale)
    if (need <= _SLACK * scale).all():
        return np.zeros(len(given.seats), dtype=np.int64), 0.0
    size = np.maximum(given.brings.max(axis=1, initial=0.0), 1e-300)
    cover = LinearConstraint(given.brings / size[:, None], lb=(need - _SLACK * scale) / size)
    unit = max(float(given.cost.max()), 1e-300)
    found = milp(
        given.cost / unit,
        constraints=cover,
        bounds=Bounds(0, most),
        integrality=np.ones(len(most), dtype=np.int64),
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None:
        raise NotConverged(f"the solver found no plan: {found.message}")
    counts = np.rint(found.x).astype(np.int64)
    bound = float(found.mip_dual_bound) * unit
    return counts, bound


def _too_little(short: Floats, need: Floats, names: Sequence[str], slack: Floats) -> Infeasible:
    faults = [
        Problem(
            path="target",
            message="all options together do not reach it",
            values=(f"{names[k]}: short by {short[k]:g} of {need[k]:g}",),
            hint="allow more hires, or earlier ones",
        )
        for k in np.flatnonzero(short > slack).tolist()
    ]
    return Infeasible("hires cannot bring the targets", faults)


def _by_probability(
    staffing: Staffing, given: _Options, place: int, target: float, probability: float
) -> tuple[npt.NDArray[np.int64], float, int]:
    """Try each count of all options but one, and the fewest of that one by bisection, below the best cost."""
    hires = tuple(
        figure(seat, staffing.n_months, staffing.season, staffing.spans[place]) for seat in given.seats
    )
    law = _Sum.of(staffing.parts(place), hires, staffing.market_sd)
    search = _Search(law, given, target, probability)
    if search.chance([0] * len(hires)) >= probability:
        return np.zeros(len(hires), dtype=np.int64), search.chance([0] * len(hires)), search.n_tried
    search.run()
    if search.best is None:
        fault = Problem(
            path="target", message="all options together do not reach it", values=(f"{target:g}",)
        )
        raise Infeasible(f"hires cannot bring {target:g} with probability {probability:g}", [fault])
    return np.array(search.best, dtype=np.int64), search.chance(search.best), search.n_tried


class _Search:
    """Depth-first over counts; what a bound of cost allows is tried, all else is proven dearer."""

    def __init__(self, law: _Sum, given: _Options, target: float, probability: float) -> None:
        self.law, self.target, self.probability = law, target, probability
        self.cost = given.cost
        self.most = np.where(np.isfinite(given.most), given.most, _MOST_HIRES).astype(np.int64)
        useful = np.array([float(part.values[-1]) > 0.0 for part in law.hires], dtype=bool)
        self.most = np.where(useful, self.most, 0)
        # The option searched by bisection is the one whose capacity costs least.
        price = np.array([c / max(part.mean, 1e-300) for c, part in zip(self.cost, law.hires, strict=True)])
        self.order = [int(k) for k in np.lexsort((np.arange(len(price)), -price)) if self.most[k] > 0]
        self.best: list[int] | None = None
        self.best_cost = math.inf
        self._seen: dict[tuple[int, ...], float] = {}

    @property
    def n_tried(self) -> int:
        """How many plans were computed."""
        return len(self._seen)

    def chance(self, counts: Sequence[int]) -> float:
        """Probability that a plan reaches the target."""
        key = tuple(counts)
        if key not in self._seen:
            if len(self._seen) >= _MOST_TRIES:
                raise NotConverged(
                    f"{_MOST_TRIES} plans were tried; the best so far costs {self.best_cost:g}; "
                    "offer fewer options or set max_hires"
                )
            self._seen[key] = self.law.reaches(counts, self.target)
        return self._seen[key]

    def run(self) -> None:
        """Find the cheapest plan; of equal ones the one with fewer hires, then the first in count order."""
        if self.order:
            for place in self.order:
                self._last([0] * len(self.cost), place)
            self._level(0, [0] * len(self.cost), 0.0)

    def _level(self, depth: int, counts: list[int], spent: float) -> None:
        place = self.order[depth]
        if depth == len(self.order) - 1:
            self._last(counts, place)
            return
        for n in itertools.count():
            cost = spent + n * float(self.cost[place])
            if n > self.most[place] or cost > self.best_cost * (1 + 1e-12):
                break
            counts[place] = n
            self._level(depth + 1, counts, cost)
            if self.cost[place] == 0.0 and self.chance(counts) >= self.probability:
                break
        counts[place] = 0

    def _last(self, counts: list[int], place: int) -> None:
        """Find the fewest of one option beside the given others."""
        spent = float(self.cost @ np.array(counts))
        room = int(self.most[place])
        if self.cost[place] > 0.0 and math.isfinite(self.best_cost):
            room = min(room, int((self.best_cost * (1 + 1e-12) - spent) // self.cost[place]))
        trial, low, high = list(counts), -1, 0
        while high <= room:
            trial[place] = high
            if self.chance(trial) >= self.probability:
                break
            low, high = high, min(max(1, 2 * high), room) if high < room else room + 1
        else:
            return
        while high - low > 1:
            middle = (low + high) // 2
            trial[place] = middle
            low, high = (low, middle) if self.chance(trial) >= self.probability else (middle, high)
        trial[place] = high
        cost = float(self.cost @ np.array(trial))
        if (cost, sum(trial), trial) < (self.best_cost, sum(self.best or ()), self.best or []):
            self.best, self.best_cost = list(trial), cost
