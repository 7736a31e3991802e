"""From paths to counts and curves: measured once for each deal and stage, then counted for each segment."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops.errors import InternalError
from salesops.forecast import _paths, survival
from salesops.forecast._paths import Paths
from salesops.forecast._spans import Calendar, Spans
from salesops.forecast.history import History
from salesops.forecast.results import Funnel
from salesops.forecast.tally import Measures, Options, Periods, Tally

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]


@attrs.frozen(kw_only=True, eq=False)
class Measured:
    """What is measured once for each deal and stage, before deals are counted by segment."""

    paths: Paths
    options: Options
    amount: Floats | None
    changed: npt.NDArray[np.bool_]
    reached: npt.NDArray[np.bool_]
    beyond: npt.NDArray[np.bool_]
    skips: npt.NDArray[np.bool_]
    stage_age: Ints
    stage_cause: Ints
    stage_late: Ints
    visit_age: Ints
    visit_ended: Ints
    visit_late: Ints
    spans: Spans | None

    @classmethod
    def of(
        cls,
        paths: Paths,
        options: Options,
        calendar: Calendar | None,
        *,
        amount: Floats | None,
        changed: npt.NDArray[np.bool_],
    ) -> Measured:
        n, n_stages = paths.n_deals, paths.n_stages
        as_of = np.datetime64(options.as_of, "D")
        ended = np.where(np.isnat(paths.ended), as_of, paths.ended)
        furthest = np.full(n, -1, dtype=np.int64)
        np.maximum.at(furthest, paths.deal, paths.rank)
        columns: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in _PER_STAGE}
        for stage in range(n_stages):
            since = _paths.reached(paths, stage, passed=options.skipped == "passed")
            onward = _paths.moved_on(paths, stage, since)
            entered, leaving = _paths.left(paths, stage)
            is_reached, is_beyond = since >= 0, onward >= 0
            begin = np.where(is_reached, paths.day[since], as_of)
            until = np.where(is_beyond, paths.day[onward], ended)
            visit = np.where(entered >= 0, paths.day[entered], as_of)
            visit_until = np.where(leaving >= 0, paths.day[leaving], as_of)
            columns["reached"].append(is_reached)
            columns["beyond"].append(is_beyond)
            columns["skips"].append((entered < 0) & (furthest > stage))
            columns["stage_age"].append(_days(begin, until))
            columns["stage_cause"].append(
                np.where(is_beyond, 1, np.where(paths.outcome > 1, paths.outcome, 0))
            )
            columns["stage_late"].append(_late(begin, options))
            columns["visit_age"].append(np.where(entered >= 0, _days(visit, visit_until), -1))
            columns["visit_ended"].append((leaving >= 0).astype(np.int64))
            columns["visit_late"].append(_late(visit, options))
        spans = None
        if calendar is not None:
            spans = calendar.spans(paths.created.min().item() if n else options.as_of, options.as_of)
        stacked = {name: np.column_stack(parts) for name, parts in columns.items()}
        return cls(
            paths=paths,
            options=options,
            amount=amount,
            changed=changed,
            spans=spans,
            **stacked,
        )

    def funnel(self, history: History, segments: tuple[Hashable, ...], segment: Ints) -> Funnel:
        """Count all deals, and those of each segment; the segments must add up to the whole."""
        everyone = np.arange(self.paths.n_deals)
        order = np.argsort(segment, kind="stable")
        bounds = np.searchsorted(segment[order], np.arange(len(segments) + 1))
        parts = tuple(
            self._part(order[bounds[k] : bounds[k + 1]], label, history, ())
            for k, label in enumerate(segments)
        )
        result = self._part(everyone, _WHOLE, history, parts)
        _check_sums(result, len(history.events))
        curves = result.curves
        survival.warn_if_exhausted(curves.ages, curves.at_risk, curves.events.sum(axis=1))
        return result

    def _part(self, deals: Ints, segment: Hashable, history: History, parts: tuple[Funnel, ...]) -> Funnel:
        paths, options = self.paths, self.options
        names = ("lost", *options.no_decision)
        chosen = np.zeros(paths.n_deals, dtype=bool)
        chosen[deals] = True
        age = _days(paths.created[deals], self._until(deals))
        measures = Measures(
            options=options,
            tally=self._tally(deals, chosen),
            moves=self._transitions(chosen),
            conversion=tuple(
                survival.incidence_curves(*self._stage_rows(deals, k), ("moved on", *names), options.level)
                for k in range(paths.n_stages)
            ),
            time_in_stage=tuple(
                survival.survival_curve(*self._visit_rows(deals, k), options.level)
                for k in range(paths.n_stages)
            ),
            curves=survival.incidence_curves(
                *self._observed(age, paths.outcome[deals], self._entry(deals)),
                ("won", *names),
                options.level,
            ),
            cycle_days=np.sort(age[paths.outcome[deals] == 1]),
            won_amounts=None
            if self.amount is None
            else _sorted_known(self.amount[deals], paths.outcome[deals] == 1),
            periods=self._periods(deals),
            arrivals=self._arrivals(deals),
        )
        return Funnel(
            measures=measures,
            segment=None if segment is _WHOLE else segment,
            n_duplicates=None if segment is not _WHOLE else len(history.duplicates),
            rejected=None if segment is not _WHOLE else history.rejected,
            parts=parts,
        )

    def _entry(self, deals: Ints) -> Ints:
        """Age on the day before each deal came under observation: with the log, or with its first event."""
        created, begun = self.paths.created[deals], self.paths.begun[deals]
        eve = np.where(created < begun, _days(created, begun) - 1, 0)
        return np.maximum(_late(created, self.options), eve)

    def _until(self, deals: Ints) -> Dates:
        ended = self.paths.ended[deals]
        return np.where(np.isnat(ended), np.datetime64(self.options.as_of, "D"), ended)

    def _stage_rows(self, deals: Ints, stage: int) -> tuple[Ints, Ints, Ints | None]:
        mine = deals[self.reached[deals, stage]]
        return self._observed(
            self.stage_age[mine, stage], self.stage_cause[mine, stage], self.stage_late[mine, stage]
        )

    def _visit_rows(self, deals: Ints, stage: int) -> tuple[Ints, Ints, Ints | None]:
        mine = deals[self.visit_age[deals, stage] >= 0]
        return self._observed(
            self.visit_age[mine, stage], self.visit_ended[mine, stage], self.visit_late[mine, stage]
        )

    def _observed(self, age: Ints, cause: Ints, late: Ints) -> tuple[Ints, Ints, Ints | None]:
        """Leave out what ended before it came under observation."""
        if not (late > 0).any():
            return age, cause, None
        seen = (late <= 0) | (late < age)
        return age[seen], cause[seen], late[seen]

    def _tally(self, deals: Ints, chosen: npt.NDArray[np.bool_]) -> Tally:
        paths = self.paths
        reached, beyond = self.reached[deals], self.beyond[deals]
        outcome = paths.outcome[deals]
        stuck = reached & ~beyond
        inside = chosen[paths.deal]
        onward = np.flatnonzero(inside[1:] & (paths.deal[1:] == paths.deal[:-1])) + 1
        both_open = (paths.state[onward] < paths.n_stages) & (paths.state[onward - 1] < paths.n_stages)
        late = self._entry(deals)
        age = _days(paths.created[deals], self._until(deals))
        return Tally(
            deals=len(deals),
            outcomes=np.bincount(outcome, minlength=len(paths.ends) + 1),
            entered=reached.sum(axis=0),
            converted=beyond.sum(axis=0),
            stopped=np.stack(
                [(stuck & (outcome == k)[:, None]).sum(axis=0) for k in range(len(paths.ends) + 1)]
            ),
            visited=(self.visit_age[deals] >= 0).sum(axis=0),
            skipped=self.skips[deals].sum(axis=0),
            regressions=int((both_open & (paths.state[onward] < paths.state[onward - 1])).sum()),
            reopenings=int(paths.n_reopened[deals].sum()),
            events=int(inside.sum()),
            repeats=int(paths.n_repeats[deals].sum()),
            set_aside=int(paths.n_after_close[deals].sum()),
            ended_unobserved=int(((late > 0) & (late >= age)).sum()),
            opened_before_log=int((paths.created[deals] < paths.begun[deals]).sum()),
            changed_segment=int(self.changed[deals].sum()),
        )

    def _transitions(self, chosen: npt.NDArray[np.bool_]) -> Ints:
        """Count moves between states; first row: where deals begin, last column: where they still are."""
        paths = self.paths
        n_states = paths.n_stages + len(paths.ends)
        inside = chosen[paths.deal]
        state = np.append(paths.state, n_states)
        same = np.append(paths.deal[1:] == paths.deal[:-1], False)
        target = np.where(same, state[1:], n_states)
        rows = inside & (same | (paths.state < paths.n_stages))
        size = n_states + 1
        moves = np.bincount((paths.state[rows] + 1) * size + target[rows], minlength=size * size)
        starts = np.bincount(paths.state[paths.first[np.flatnonzero(chosen)]], minlength=size)
        matrix = moves.reshape(size, size)
        matrix[0, :] += starts
        return matrix

    def _arrivals(self, deals: Ints) -> tuple[int, int]:
        """Count the deals that were created while the log ran, and the days that it ran."""
        paths, options = self.paths, self.options
        if not paths.n_deals:
            return 0, 0
        start = paths.begun.min()
        if options.observed_from is not None:
            start = max(start, np.datetime64(options.observed_from, "D"))
        days = int((np.datetime64(options.as_of, "D") - start).astype(np.int64)) + 1
        return int((paths.created[deals] >= start).sum()), max(days, 0)

    def _periods(self, deals: Ints) -> Periods | None:
        if self.spans is None:
            return None
        paths, n = self.paths, len(self.spans.labels)
        created, ended = self.spans.of(paths.created[deals]), self.spans.of(paths.ended[deals])
        outcome = paths.outcome[deals]
        kinds = len(paths.ends) + 1
        cohort = np.bincount(created * kinds + outcome, minlength=n * kinds).reshape(n, kinds)
        is_closed = ended >= 0
        closed = np.bincount(ended[is_closed] * kinds + outcome[is_closed], minlength=n * kinds).reshape(
            n, kinds
        )
        value = None
        if self.amount is not None:
            amount = self.amount[deals]
            value = np.array(
                [
                    math.fsum(amount[(ended == k) & (outcome == 1) & ~np.isnan(amount)].tolist())
                    for k in range(n)
                ]
            )
        return Periods(
            labels=self.spans.labels,
            starts=self.spans.starts,
            cohort=cohort,
            closed=closed[:, 1:],
            open_at_end=np.cumsum(cohort.sum(axis=1) - closed.sum(axis=1)),
            won_amount=value,
        )


_WHOLE: Any = object()
_PER_STAGE = (
    "reached",
    "beyond",
    "skips",
    "stage_age",
    "stage_cause",
    "stage_late",
    "visit_age",
    "visit_ended",
    "visit_late",
)


def _days(begin: Dates, until: Dates) -> Ints:
    days: Ints = (until - begin).astype(np.int64)
    return days


def _late(begin: Dates, options: Options) -> Ints:
    """Age in days at which each came under observation: that on the day before the log starts."""
    if options.observed_from is None:
        return np.zeros(len(begin), dtype=np.int64)
    eve = np.datetime64(options.observed_from, "D") - np.timedelta64(1, "D")
    return _days(begin, np.full(len(begin), eve))


def _sorted_known(amount: Floats, is_won: npt.NDArray[np.bool_]) -> Floats:
    return np.sort(amount[is_won & ~np.isnan(amount)])


def _check_sums(result: Funnel, n_kept: int) -> None:
    """Check on every result that nothing was lost: rows, stages, segments."""
    tally = result.tally
    if tally.events + tally.repeats + tally.set_aside != n_kept:
        raise InternalError("every event is used, repeated or set aside")
    if (tally.converted + tally.stopped.sum(axis=0) != tally.entered).any():
        raise InternalError("deals that reached a stage moved on, ended there or are open")
    if result.parts:
        for field in attrs.fields(Tally):
            whole = getattr(tally, field.name)
            if not np.array_equal(sum(getattr(part.tally, field.name) for part in result.parts), whole):
                raise InternalError("segments must add up to the whole")
