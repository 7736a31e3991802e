"""How long deals take and how they end, with open deals counted as unfinished instead of left out.

Three classical estimators, exact where tools differ: all causes that tie share one risk set, exits come
before censorings at the same age, and deals that were already open when the log starts enter late.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from salesops._faults import count, refuse, warn
from salesops._frames import Ids, Labels, Reader
from salesops.errors import InternalError, show
from salesops.forecast import _kernels
from salesops.forecast.curves import LogRank, SurvivalCurve
from salesops.forecast.incidence import IncidenceCurves

__all__ = ["competing_risks", "kaplan_meier", "log_rank"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def kaplan_meier(
    durations: Sequence[float] | npt.NDArray[Any],
    observed: Sequence[Any] | npt.NDArray[Any],
    *,
    entry: Sequence[float] | npt.NDArray[Any] | None = None,
    level: float = 0.95,
) -> SurvivalCurve:
    """Estimate the share still open by age (Kaplan-Meier).

    A deal that is still open has not failed to close: it is counted up to the age at which it was last seen,
    and no further.

    Parameters
    ----------
    durations : array-like of float, shape (n_deals,)
        Age at which each deal ended or was last seen open, 0 or more, in any one unit.
    observed : array-like of bool, shape (n_deals,)
        True (or 1) where the deal ended, False (or 0) where it was last seen open.
    entry : array-like of float, shape (n_deals,), optional
        Age at which each deal came under observation (delayed entry). A deal counts at age u only when
        ``entry < u <= duration``; 0 is no delay.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    SurvivalCurve

    Raises
    ------
    InvalidInput
        If a duration, an entry or an indicator cannot be meant.

    Notes
    -----
    ``S(t) = prod (1 - d / n)`` over ages up to t; Greenwood's variance ``S^2 sum d / (n (n - d))``; intervals
    on the log(-log) scale, missing where S is 0 or 1. Sorting dominates: O(n log n), O(n) for whole numbers.

    References
    ----------
    E. L. Kaplan, P. Meier (1958), "Nonparametric estimation from incomplete observations".
    M. Greenwood (1926), "The natural duration of cancer".

    Examples
    --------
    >>> curve = kaplan_meier([6, 6, 6, 6, 7], [1, 1, 1, 0, 1])
    >>> curve.at(6)["survival"].round(3).tolist()
    [0.4]
    """
    check_level(level)
    reader = _reader("kaplan_meier", durations=durations, observed=observed, entry=entry)
    age, late = _ages(reader)
    cause = _indicator(reader, "observed")
    reader.finish()
    curve = survival_curve(age, cause, late, level)
    warn_if_exhausted(curve.ages, curve.at_risk, curve.events)
    return curve


def survival_curve(
    age: Floats | Ints, cause: Ints, late: Floats | Ints | None, level: float
) -> SurvivalCurve:
    """Make the Kaplan-Meier curve from checked arrays."""
    ages, at_risk, events, censored = _kernels.exits(age, cause, late, 1)
    _, still_open, _, variance = _kernels.incidence(at_risk, events)
    return SurvivalCurve(
        ages=ages,
        at_risk=at_risk,
        events=events[:, 0],
        censored=censored,
        survival=still_open,
        variance=variance,
        n=len(age),
        n_delayed=0 if late is None else int((late > 0).sum()),
        level=level,
    )


def competing_risks(
    durations: Sequence[float] | npt.NDArray[Any],
    cause: Sequence[Any] | npt.NDArray[Any],
    *,
    entry: Sequence[float] | npt.NDArray[Any] | None = None,
    causes: Sequence[Hashable] | Mapping[Any, str] | None = None,
    censored: Hashable = 0,
    level: float = 0.95,
) -> IncidenceCurves:
    """Estimate the share that ends by each cause, by age (Aalen-Johansen): won against lost, with open deals.

    Parameters
    ----------
    durations : array-like of float, shape (n_deals,)
        Age at which each deal ended or was last seen open, 0 or more.
    cause : array-like, shape (n_deals,)
        How each deal ended (``"won"``, ``"lost"``, or any label); missing, or equal to `censored`, if still
        open.
    entry : array-like of float, shape (n_deals,), optional
        Age at which each deal came under observation (delayed entry). A deal counts at age u only when
        ``entry < u <= duration``; 0 is no delay.
    causes : sequence of labels, or mapping of labels to names, optional
        The causes to report, in this order, also those that never occur; default: those found, sorted.
    censored : hashable, default 0
        The label that means still open.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    IncidenceCurves

    Raises
    ------
    InvalidInput
        If a duration or an entry cannot be meant, or a cause is not among `causes`.

    Notes
    -----
    ``F_k(t) = sum S(u-) d_k / n`` over ages u up to t, where S is the Kaplan-Meier curve of leaving by any
    cause. Ties of different causes are exact: they share the risk set. The variance is the delta method on
    multinomial exits (Greenwood type), in O(number of ages). Intervals on the log(-log) scale.

    References
    ----------
    O. O. Aalen, S. Johansen (1978), "An empirical transition matrix for non-homogeneous Markov chains based
    on censored observations".
    E. Marubini, M. G. Valsecchi (1995), "Analysing Survival Data from Clinical Trials and Observational
    Studies", section 10.2.
    G. E. Dinse, M. G. Larson (1986), "A note on semi-Markov models for partially censored data".

    Examples
    --------
    >>> curves = competing_risks([10, 20, 20, 30], ["won", "lost", "won", None])
    >>> curves.at(20)
        age  lost  won  open
    0  20.0  0.25  0.5  0.25
    """
    check_level(level)
    reader = _reader("competing_risks", durations=durations, cause=cause, entry=entry)
    age, late = _ages(reader)
    column = reader.ids("cause", optional=True)
    names, code = _causes(reader, column, causes, censored)
    reader.finish()
    curves = incidence_curves(age, code, late, names, level)
    warn_if_exhausted(curves.ages, curves.at_risk, curves.events.sum(axis=1))
    return curves


def incidence_curves(
    age: Floats | Ints, cause: Ints, late: Floats | Ints | None, names: Sequence[str], level: float
) -> IncidenceCurves:
    """Make the Aalen-Johansen curves from checked arrays; cause 0 is open, 1 the first name."""
    n_delayed = 0 if late is None else int((late > 0).sum())
    return counted_curves(*_kernels.exits(age, cause, late, len(names)), n_delayed, names, level)


def counted_curves(
    ages: Floats,
    at_risk: Ints,
    events: Ints,
    censored: Ints,
    n_delayed: int,
    names: Sequence[str],
    level: float,
) -> IncidenceCurves:
    """Make the Aalen-Johansen curves from counts by age."""
    share, still_open, variance, open_variance = _kernels.incidence(at_risk, events)
    if len(ages) and float(np.abs(share.sum(axis=1) + still_open - 1.0).max()) > 1e-9:
        raise InternalError("the shares of all causes and of open deals must sum to one")
    return IncidenceCurves(
        causes=tuple(names),
        ages=ages,
        at_risk=at_risk,
        events=events,
        censored=censored,
        share=share,
        variance=variance,
        still_open=still_open,
        open_variance=open_variance,
        n=int(events.sum() + censored.sum()),
        n_delayed=n_delayed,
        level=level,
    )


def log_rank(
    durations: Sequence[float] | npt.NDArray[Any],
    observed: Sequence[Any] | npt.NDArray[Any],
    groups: Sequence[Any] | npt.NDArray[Any],
    *,
    entry: Sequence[float] | npt.NDArray[Any] | None = None,
) -> LogRank:
    """Test whether groups of deals end at the same pace (log-rank, any number of groups).

    Parameters
    ----------
    durations, observed, entry
        As in :func:`kaplan_meier`.
    groups : array-like, shape (n_deals,)
        The group of each deal.

    Returns
    -------
    LogRank
        Undefined, with the reason, when there are no events or only one group.

    Raises
    ------
    InvalidInput
        If a duration, an entry, an indicator or a group cannot be meant.

    Notes
    -----
    Chi-square with the hypergeometric variance; its rank is the degrees of freedom, so a group that was never
    at risk together with another does not count.

    References
    ----------
    N. Mantel (1966), "Evaluation of survival data and two new rank order statistics arising in its
    consideration".

    Examples
    --------
    >>> log_rank([6, 7, 10, 1, 2, 2], [1, 1, 0, 1, 1, 1], ["new", "new", "new", "old", "old", "old"])
    LogRank(chi2=4.738, degrees=1, p_value=0.02951)
    """
    reader = _reader("log_rank", durations=durations, observed=observed, entry=entry, groups=groups)
    age, late = _ages(reader)
    cause = _indicator(reader, "observed")
    column = reader.ids("groups")
    reader.finish()
    labels = Labels.of(column)
    code = labels.codes(column)
    ages = np.unique(age[cause > 0])
    place = np.searchsorted(ages, age[cause > 0])
    shape = (len(ages), len(labels))
    tally = np.bincount(place * shape[1] + code[cause > 0], minlength=shape[0] * shape[1]).reshape(shape)
    at_risk = np.zeros(shape, dtype=np.int64)
    for group in range(len(labels)):
        mine = code == group
        at_risk[:, group] = mine.sum() - np.searchsorted(np.sort(age[mine]), ages, side="left")
        if late is not None:
            delayed = np.sort(late[mine & (late > 0)])
            at_risk[:, group] -= len(delayed) - np.searchsorted(delayed, ages, side="left")
    statistic, degrees, expected = _kernels.log_rank(at_risk, tally)
    reason = None if degrees else _not_comparable(len(labels), len(ages))
    return LogRank(
        groups=tuple(labels[k] for k in range(len(labels))),
        n=np.bincount(code, minlength=len(labels)),
        observed=tally.sum(axis=0),
        expected=expected,
        chi2=statistic if degrees else float("nan"),
        degrees=degrees,
        p_value=_kernels.chi_square_tail(statistic, degrees) if degrees else float("nan"),
        reason=reason,
    )


def _not_comparable(n_groups: int, n_ages: int) -> str:
    if n_groups < 2:
        return "there are not two groups"
    return "no event was observed" if not n_ages else "no event was observed while two groups were at risk"


def check_level(level: object) -> None:
    """Refuse a level that is not between 0 and 1."""
    fits = isinstance(level, (float, np.floating)) and 0.0 < float(level) < 1.0
    if not fits:
        raise refuse("level", "is a number between 0 and 1", level, hint="write 0.95 for 95 %")


def _reader(verb: str, **columns: object) -> Reader:
    return Reader({name: values for name, values in columns.items() if values is not None}, verb)


def _ages(reader: Reader) -> tuple[Floats, Floats | None]:
    """Take durations and entries; an entry must come before the end."""
    age = reader.numbers("durations", minimum=0)
    if not reader.has("entry"):
        return age, None
    late = reader.numbers("entry", minimum=0)
    reader.fault(
        "entry",
        (late > 0) & (late >= age),
        "must come before the deal ends",
        value=lambda k: f"entry {show(float(late[k]))}, duration {show(float(age[k]))}",
        hint="leave out deals that ended before they came under observation",
    )
    return age, late


def _indicator(reader: Reader, column: str) -> Ints:
    """Take True and False, or 1 and 0."""
    cells = reader.cells(column)
    if cells is None:
        return np.zeros(len(reader), dtype=np.int64)
    found = reader.ids(column, optional=True)
    allowed = [isinstance(v, (bool, int, float)) and v in (0, 1) for v in found.distinct.tolist()]
    ok = np.append(np.array(allowed, dtype=bool), False)[found.codes]
    reader.fault(column, ~ok, "is True (1) where the deal ended and False (0) where it was last seen open")
    value = np.array(
        [bool(v) if fit else False for v, fit in zip(found.distinct.tolist(), allowed, strict=True)]
    )
    return np.append(value, False)[found.codes].astype(np.int64)


def _causes(
    reader: Reader, column: Ids, causes: Sequence[Hashable] | Mapping[Any, str] | None, censored: Hashable
) -> tuple[list[str], Ints]:
    """Give each cause a number from 1, open deals 0; unknown ones are faults."""
    found = column.distinct.tolist()
    is_open = np.array([value == censored for value in found] + [True], dtype=bool)
    if causes is None:
        labels = Labels.of(Ids(column.codes, column.distinct[~is_open[:-1]]))
        wanted: list[Hashable] = [labels[k] for k in range(len(labels))]
        names = [str(label) for label in wanted]
    else:
        if isinstance(causes, str) or not isinstance(causes, Iterable):
            raise refuse("causes", "is a list of labels, or a mapping of labels to names", causes)
        if isinstance(causes, Mapping):
            wanted = [label for label in causes if label != censored]
        else:
            wanted = list(causes)
            if censored in wanted:
                raise refuse("causes", "is not the label of deals that are still open", censored)
        names = [str(causes[label]) if isinstance(causes, Mapping) else str(label) for label in wanted]
    if len(set(names)) < len(names) or "open" in names:
        raise refuse("causes", "every cause has its own name, and none is called 'open'", tuple(names))
    place = {label: k + 1 for k, label in enumerate(wanted)}
    code = np.array(
        [0 if value == censored else place.get(value, -1) for value in found] + [0], dtype=np.int64
    )
    known = code[column.codes]
    reader.fault(
        "cause", known < 0, "is not one of the causes", hint=f"causes are {', '.join(map(show, wanted))}"
    )
    return names, known


def warn_if_exhausted(ages: Floats, at_risk: Ints, events: Ints) -> None:
    """Warn when late entries leave an early age at which every deal under observation ended."""
    emptied = np.flatnonzero(events[:-1] == at_risk[:-1])
    if len(emptied):
        k = int(emptied[0])
        warn(
            f"at age {ages[k]:g} all {count(int(at_risk[k]), 'deal')} then under observation ended, and "
            "deals that entered later tell nothing about the curve; it is not estimable beyond that age"
        )
