"""From a snapshot to arrays: the state of each deal from day to day, and what was known then."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Hashable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._faults import raise_all
from salesops._frames import Reader
from salesops.errors import Problem
from salesops.forecast._carried import number_of
from salesops.forecast.history import History
from salesops.models import FiscalCalendar

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NO_DAY = np.iinfo(np.int64).min // 4
_AHEAD = 800
_USUAL_LEVELS = ("region", "team", "manager_id", "rep_id")


@attrs.frozen(kw_only=True, eq=False)
class Panel:
    """One row for each deal and day on which something was noted, sorted by deal and day.

    States are 0..S-1 for the stages, S for won, S+1 for any other end. Facts are those last known at the end
    of that day; -1 and NaN where nothing was. `until` is the day before the deal's next row, or `as_of`.
    """

    as_of: int
    stages: tuple[str, ...]
    deals: tuple[Hashable, ...]
    deal: Ints
    state: Ints
    day: Ints
    until: Ints
    moves_to: Ints
    entered: Ints
    amount: Floats
    expected: Ints
    commit: Ints
    segment: Ints
    segments: tuple[Hashable, ...]
    unit: Ints
    units: tuple[tuple[Hashable, ...], ...]
    levels: tuple[str, ...]
    observed_from: int
    quarter_left: Ints
    quarter_origin: int
    notes: tuple[str, ...]

    @property
    def n_stages(self) -> int:
        return len(self.stages)

    @property
    def is_open(self) -> Mask:
        return self.state < self.n_stages

    def left(self, day: Ints) -> Ints:
        """Give the days left in the fiscal quarter after each day."""
        return self.quarter_left[day - self.quarter_origin]

    def standing(self, day: int) -> Ints:
        """Find the row of each deal that holds at the end of a day."""
        return np.flatnonzero((self.day <= day) & (np.maximum(self.until, self.day) >= day))


def panel(
    history: History,
    *,
    levels: Sequence[str] | None,
    segments: Sequence[str],
    calendar: FiscalCalendar | None,
) -> Panel:
    """Read a snapshot into arrays; columns that are not there are left out, and said to be."""
    events = history.events
    as_of = number_of(history.as_of or dt.date.min)
    ends = (history.won, history.lost, *history.no_decision)
    names = np.array([*events.stages, ""], dtype=object)[events.stage]
    is_end = np.isin(names, list(ends))
    day = events.day.astype(np.int64)
    stages = _in_order(events.deal, names, day, is_end)
    place = {name: k for k, name in enumerate(stages)} | {end: len(stages) + 1 for end in ends}
    place[history.won] = len(stages)
    state = np.array([place[name] for name in names.tolist()], dtype=np.int64)
    order = np.lexsort((state, events.moment, events.deal))
    deal, state, day = events.deal[order], state[order], day[order]
    facts, notes = _facts(history, order, deal, levels, segments)
    last = np.append((deal[1:] != deal[:-1]) | (day[1:] != day[:-1]), True)[: len(deal)]
    kept = np.flatnonzero(last)
    deal, state, day = deal[kept], state[kept], day[kept]
    same = np.append(deal[1:] == deal[:-1], False)[: len(deal)]
    until, moves_to = np.full(len(deal), as_of), np.full(len(deal), -1)
    until[same] = day[np.flatnonzero(same) + 1] - 1
    moves_to[same] = state[np.flatnonzero(same) + 1]
    closes = day[state >= len(stages)]
    origin, left = _quarters(day, as_of, calendar)
    return Panel(
        as_of=as_of,
        stages=stages,
        deals=tuple(events.deals[k] for k in range(len(events.deals))),
        deal=deal,
        state=state,
        day=day,
        until=until,
        moves_to=moves_to,
        entered=_entered(deal, state, day),
        observed_from=int(closes.min()) if len(closes) else int(day.min(initial=as_of)),
        quarter_left=left,
        quarter_origin=origin,
        notes=notes,
        levels=facts.pop("levels"),
        segments=facts.pop("segments"),
        units=facts.pop("units"),
        **{name: column[kept] for name, column in facts.items()},
    )


def _in_order(deal: Ints, names: npt.NDArray[Any], day: Ints, is_end: Mask) -> tuple[str, ...]:
    """List the stages by how long after its first event a deal enters them, on average."""
    begun = np.full(int(deal.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(begun, deal, day)
    age: dict[str, list[int]] = {}
    for name in dict.fromkeys(names[~is_end].tolist()):
        mine = names == name
        age[name] = [int((day[mine] - begun[deal[mine]]).sum()), int(mine.sum())]
    return tuple(sorted(age, key=lambda name: (age[name][0] / age[name][1], name)))


def _entered(deal: Ints, state: Ints, day: Ints) -> Ints:
    begins = np.ones(len(deal), dtype=bool)
    begins[1:] = (deal[1:] != deal[:-1]) | (state[1:] != state[:-1])
    place = np.maximum.accumulate(np.where(begins, np.arange(len(deal)), 0))
    return day[place] if len(day) else day


def _facts(
    history: History, order: Ints, deal: Ints, levels: Sequence[str] | None, segments: Sequence[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Read the columns that models use, each as last known of the deal."""
    facts = history.events.facts.iloc[order]
    notes: list[str] = []
    faults: list[Problem] = []
    reader = Reader(facts, "history", key=("deal_id",), faults=faults)
    amount = np.full(len(order), math.nan)
    if reader.has("amount"):
        amount = _carried(reader.numbers("amount", missing=math.nan), deal)
        negative = np.flatnonzero(amount < 0)
        if len(negative):
            reader.fault("amount", amount < 0, "an amount is 0 or more")
    else:
        notes.append("no column amount: every win counts 1")
        amount[:] = 1.0
    expected = np.full(len(order), NO_DAY)
    if reader.has("expected_close"):
        days = reader.moments("expected_close", zone=history.zone, optional=True)[1]
        raw = np.where(np.isnat(days), np.nan, days.astype(np.int64))
        carried = _carried(raw, deal)
        expected = np.where(np.isnan(carried), NO_DAY, np.nan_to_num(carried)).astype(np.int64)
    raise_all("history", faults)
    asked = _USUAL_LEVELS if levels is None else levels
    used = tuple(name for name in asked if name in facts.columns)
    notes += [f"no column {name}: no forecast by it" for name in levels or () if name not in facts.columns]
    unit, units = _combined(facts, used, deal)
    chosen = tuple(name for name in segments if name in facts.columns)
    if not chosen:
        notes.append("no segment: one set of hazards for all deals")
    segment, found = _combined(facts, chosen, deal)
    commit, said = _combined(facts, ("commit",) if "commit" in facts.columns else (), deal)
    judged = np.array([_is_yes(label[0]) if label else -1 for label in said], dtype=np.int64)
    columns = {
        "amount": amount,
        "expected": expected,
        "commit": judged[commit],
        "segment": segment,
        "unit": unit,
    }
    return columns | {"levels": used, "units": units, "segments": found}, tuple(notes)


def _is_yes(value: object) -> int:
    """Read what a rep says of a deal: 1 committed, 0 not, -1 nothing said."""
    if value is None or value != value:
        return -1
    if isinstance(value, str):
        return int(value.strip().casefold() in ("commit", "committed", "yes", "true", "1"))
    return int(bool(value))


def _combined(
    facts: pd.DataFrame, names: Sequence[str], deal: Ints
) -> tuple[Ints, tuple[tuple[Hashable, ...], ...]]:
    """Give each combination of some columns, as last known of the deal, its number in a stated order."""
    if not names:
        return np.zeros(len(deal), dtype=np.int64), ((),)
    codes, labels = [], []
    for name in names:
        code, found = pd.factorize(facts[name], use_na_sentinel=True)
        carried = _carried(np.where(code < 0, np.nan, code).astype(float), deal)
        codes.append(np.where(np.isnan(carried), len(found), np.nan_to_num(carried)).astype(np.int64))
        labels.append([*found.tolist(), None])
    rows, place = np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)
    tuples = [tuple(labels[j][k] for j, k in enumerate(row)) for row in rows.tolist()]
    order = sorted(range(len(tuples)), key=lambda k: [_sortable(v) for v in tuples[k]])
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[place.ravel()], tuple(tuples[k] for k in order)


def _sortable(value: object) -> tuple[int, str, Any]:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return 0, "", value
    return (1, type(value).__name__, str(value)) if value is not None else (2, "", 0)


def _carried(values: Floats, deal: Ints) -> Floats:
    """Carry the last known value of each deal forward."""
    place = np.where(np.isnan(values), -1, np.arange(len(values)))
    place = np.maximum.accumulate(place) if len(place) else place
    known = (place >= 0) & (deal[np.maximum(place, 0)] == deal)
    return np.where(known, values[np.maximum(place, 0)], np.nan)


def _quarters(day: Ints, as_of: int, calendar: FiscalCalendar | None) -> tuple[int, Ints]:
    """Days left in the quarter, for every day from the first to long after as_of."""
    origin = int(day.min(initial=as_of))
    days = np.arange(origin, as_of + _AHEAD)
    if calendar is None:
        months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        ends = (months - months % 3 + 3).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        return origin, ends - 1 - days
    first, after = (np.datetime64(int(k), "D").item() for k in (days[0], days[-1] + 1))
    starts = [number_of(period.end) for period in calendar.periods_between(first, after, by="quarter")]
    ends = np.array(starts, dtype=np.int64)
    return origin, ends[np.searchsorted(ends, days, side="right")] - 1 - days
