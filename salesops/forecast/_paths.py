"""What each deal did, from a snapshot: the stages it reached, when, and how it stands."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

from salesops._faults import closest, raise_all, refuse
from salesops.errors import Problem, show
from salesops.forecast import _kernels
from salesops.forecast._events import Events
from salesops.forecast.history import History

Ints = npt.NDArray[np.int64]
Dates = npt.NDArray[np.datetime64]
Mask = npt.NDArray[np.bool_]

REOPENED = ("refused", "first close", "last close")
SKIPPED = ("passed", "not reached")

_REOPEN_HINT = "correct the log, or state a reopening rule: reopened='first close' or reopened='last close'"


@attrs.frozen(kw_only=True, eq=False)
class Paths:
    """Events that count, in order of deal, time and stage, and how each deal stands.

    States are 0..S-1 for the stages, S for won, S+1 for lost, S+2... for other ends. A rank is how far down
    the funnel a state is: its number for a stage, S for won, -1 for an end without success.
    """

    n_stages: int
    ends: tuple[str, ...]
    deal: Ints
    state: Ints
    rank: Ints
    day: Dates
    event: Ints
    first: Ints
    created: Dates
    outcome: Ints
    ended: Dates
    n_repeats: Ints
    n_after_close: Ints
    n_reopened: Ints

    @property
    def begun(self) -> Dates:
        """Day of the first event of each deal; `created` may lie before it."""
        return self.day[self.first]

    @property
    def n_deals(self) -> int:
        return len(self.first)


def declared(stages: Sequence[str], ends: tuple[str, ...]) -> tuple[str, ...]:
    """Check the stages in order; names of ends among them are left out."""
    try:
        names = [stages] if isinstance(stages, str) else list(stages)
    except TypeError:
        raise refuse("stages", "is a list of stage names, first to last", stages) from None
    wrong = [name for name in names if not isinstance(name, str) or not name]
    if wrong:
        raise refuse("stages", "is a list of stage names, first to last", wrong[0])
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise refuse("stages", "names a stage twice", tuple(doubled))
    open_stages = tuple(name for name in names if name not in ends)
    if not open_stages:
        raise refuse(
            "stages", "names no stage besides the ends", tuple(names), hint="list stages first to last"
        )
    spelled = {end.strip().casefold(): end for end in ends}
    faults = [
        Problem(
            path="stages",
            message="differs from the name of an end only by its spelling",
            values=(show(name),),
            hint="name the ends as the log writes them, with won=, lost= and no_decision=",
            suggestions=(show(spelled[name.strip().casefold()]),),
        )
        for name in open_stages
        if name.strip().casefold() in spelled
    ]
    raise_all("stages", faults)
    return open_stages


def follow(
    history: History, stages: tuple[str, ...], *, reopened: str, faults: list[Problem]
) -> Paths | None:
    """Order the events of every deal, check that they make sense, and apply the reopening rule.

    Events of a deal at the same time are taken in the order of the stages, ends last. Returns None when there
    are faults.
    """
    events = history.events
    ends = (history.won, history.lost, *history.no_decision)
    place = {name: k for k, name in enumerate((*stages, *ends))}
    state_of = np.array([place.get(name, -1) for name in events.stages] + [-1], dtype=np.int64)
    state = state_of[events.stage]
    _check_declared(events, state, (*stages, *ends), faults)
    order = np.lexsort((state, events.moment, events.deal))
    deal, state = events.deal[order], state[order]
    is_end = state >= len(stages)
    n_ends_before: Ints = np.cumsum(is_end) - is_end
    n_deals = len(events.deals)
    first = _kernels.first_of_each(np.arange(len(deal)), deal, n_deals)
    after_close = n_ends_before > n_ends_before[first[deal]] if len(deal) else is_end
    _check_ends(events, order, deal, is_end, after_close, reopened, faults)
    if faults:
        return None
    same = np.zeros(len(deal), dtype=bool)
    same[1:] = (deal[1:] == deal[:-1]) & (state[1:] == state[:-1]) & ~is_end[1:]
    set_aside = after_close if reopened == "first close" else np.zeros(len(deal), dtype=bool)
    back = np.zeros(len(deal), dtype=bool)
    back[1:] = is_end[:-1] & (deal[1:] == deal[:-1])
    kept = ~same & ~set_aside
    return _standing(
        events,
        len(stages),
        ends,
        order[kept],
        deal[kept],
        state[kept],
        back & after_close,
        deal,
        same,
        set_aside,
    )


def _standing(
    events: Events,
    n_stages: int,
    ends: tuple[str, ...],
    event: Ints,
    deal: Ints,
    state: Ints,
    back: Mask,
    deal_of_all: Ints,
    same: Mask,
    set_aside: Mask,
) -> Paths:
    """Find how each deal stands: the last event that counts is its close, or it is open."""
    n_deals = len(events.deals)
    day = events.day[event]
    first = _kernels.first_of_each(np.arange(len(deal)), deal, n_deals)
    last = np.append(first, len(deal))[1:] - 1
    closed = state[last] >= n_stages
    stands = np.zeros(len(deal), dtype=bool)
    stands[last] = closed
    rank = np.where(state < n_stages, state, -1)
    rank[stands & (state == n_stages)] = n_stages
    return Paths(
        n_stages=n_stages,
        ends=ends,
        deal=deal,
        state=state,
        rank=rank,
        day=day,
        event=event,
        first=first,
        created=day[first],
        outcome=np.where(closed, state[last] - n_stages + 1, 0),
        ended=np.where(closed, day[last], np.datetime64("NaT", "D")),
        n_repeats=np.bincount(deal_of_all[same & ~set_aside], minlength=n_deals),
        n_after_close=np.bincount(deal_of_all[set_aside], minlength=n_deals),
        n_reopened=np.bincount(deal_of_all[back], minlength=n_deals),
    )


def _check_declared(events: Events, state: Ints, names: tuple[str, ...], faults: list[Problem]) -> None:
    for unknown in sorted({events.stages[k] for k in np.unique(events.stage[state < 0]).tolist()}):
        rows = np.flatnonzero(events.stage == events.stages.index(unknown))
        faults.append(
            Problem(
                path="history.stage",
                message="is not one of the declared stages",
                rows=events.rows(rows),
                ids=events.who(rows),
                values=(show(unknown),) * len(rows),
                hint=f"stages are {', '.join(map(show, names))}",
                suggestions=closest(unknown, names),
            )
        )


def _check_ends(
    events: Events,
    order: Ints,
    deal: Ints,
    is_end: Mask,
    after_close: Mask,
    reopened: str,
    faults: list[Problem],
) -> None:
    """Refuse deals that close before they open, end twice, or go on after their end without a rule."""
    moment = events.moment[order]
    second = is_end & after_close
    if reopened != "refused":
        tied = np.zeros(len(deal), dtype=bool)
        tied[1:] = second[1:] & is_end[:-1] & (deal[1:] == deal[:-1]) & (moment[1:] == moment[:-1])
        _add(events, order, deal, is_end, tied, "ends twice at the same time", "correct the log", faults)
        return
    opens_after = ~is_end & after_close
    n_deals = len(events.deals)
    has_open_before = np.bincount(deal[~is_end & ~after_close], minlength=n_deals) > 0
    ends_twice = np.bincount(deal[second], minlength=n_deals) > 0
    early = opens_after & ~has_open_before[deal]
    late = opens_after & has_open_before[deal] & ~ends_twice[deal]
    _add(events, order, deal, is_end, early, "is closed before it was created", "correct the dates", faults)
    _add(events, order, deal, is_end, second, "has more than one end", _REOPEN_HINT, faults)
    _add(events, order, deal, is_end, late, "goes on after its end", _REOPEN_HINT, faults)


def _add(
    events: Events,
    order: Ints,
    deal: Ints,
    is_end: Mask,
    wrong: Mask,
    message: str,
    hint: str,
    faults: list[Problem],
) -> None:
    """Add one fault for all wrong events, each shown beside the first end of its deal."""
    places = np.flatnonzero(wrong)
    if not len(places):
        return
    end = _kernels.first_of_each(np.flatnonzero(is_end), deal, len(events.deals))
    rows = order[places]
    faults.append(
        Problem(
            path="history.entered_on",
            message=message,
            rows=events.rows(rows),
            ids=events.who(rows),
            values=tuple(
                f"{events.told(int(order[end[d]]))}, {events.told(int(e))}"
                for d, e in zip(deal[places].tolist(), rows.tolist(), strict=True)
            ),
            hint=hint,
        )
    )


def reached(paths: Paths, stage: int, *, passed: bool) -> Ints:
    """First event by which each deal reached a stage, -1 if it did not; jumping over counts if `passed`."""
    hit = paths.rank >= stage if passed else paths.state == stage
    return _kernels.first_of_each(np.flatnonzero(hit), paths.deal, paths.n_deals)


def moved_on(paths: Paths, stage: int, since: Ints) -> Ints:
    """First event at or after `since` by which each deal is beyond a stage, -1 if none."""
    start = since[paths.deal]
    hit = (paths.rank > stage) & (start >= 0) & (np.arange(len(paths.deal)) >= start)
    return _kernels.first_of_each(np.flatnonzero(hit), paths.deal, paths.n_deals)


def left(paths: Paths, stage: int) -> tuple[Ints, Ints]:
    """First visit of each deal to a stage and the event that ended that visit, -1 where there is none."""
    entered = _kernels.first_of_each(np.flatnonzero(paths.state == stage), paths.deal, paths.n_deals)
    following = entered + 1
    inside = (entered >= 0) & (following < np.append(paths.first, len(paths.deal))[1:])
    return entered, np.where(inside, following, -1)
