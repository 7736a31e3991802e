"""All tables of a run, read in one go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import attrs
import pandas as pd

from salesops._money import Rounding
from salesops.comp._assignments import read_assignments
from salesops.comp._balances import open_balances, read_balances
from salesops.comp._columns import with_tenure
from salesops.comp._credits import Credits, read_credits
from salesops.comp._desk import Desk, Paid
from salesops.comp._events import Events, no_events, read_events
from salesops.comp._fx import read_rates
from salesops.comp._metrics import read_metrics
from salesops.comp._only import Key
from salesops.comp._periods import Terms
from salesops.comp._quotas import Prorate, QuotaTerms, read_quotas
from salesops.comp._reporting import read_reporting
from salesops.comp._seats import Given
from salesops.comp.plan import CompPlan
from salesops.errors import Problem


@attrs.frozen(kw_only=True)
class Options:
    """How the tables of a run are read; see ``calculate``."""

    holds: bool
    prorate: Prorate
    first_day: Literal["counts", "free"]
    zone: str | None
    rounding: Rounding | None


@attrs.frozen(kw_only=True, eq=False)
class Call:
    """What ``calculate`` was asked: plans, tables opened, periods and options; and how to carry it out."""

    plans: tuple[CompPlan, ...]
    tables: Mapping[str, pd.DataFrame]
    terms: Terms
    options: Options
    opening: Mapping[tuple[str, Key], int]
    only: frozenset[Key] | None
    detail: Literal["lines", "totals"]
    columns: Mapping[str, str]
    pay: Callable[[Desk], Paid]
    carry_out: Callable[[Call], Any]


def _events(
    tables: Mapping[str, pd.DataFrame], sheet: Credits, faults: list[Problem], zone: str | None
) -> Events:
    """Read events; only they need the credit ids in order and by name."""
    if "events" not in tables:
        return no_events()
    return read_events(tables["events"], sheet.names, sheet.deals, sheet.places_by_name(), faults, zone=zone)


def read_given(
    tables: Mapping[str, pd.DataFrame],
    plans: Sequence[CompPlan],
    terms: Terms,
    options: Options,
    faults: list[Problem],
) -> Given:
    """Read every table of a run; what is wrong with any of them is added to the faults."""
    assigned = read_assignments(tables.get("assignments"), tables.get("reps"), plans, faults)
    tree = read_reporting(tables.get("reporting"), tables.get("reps"), faults)
    owed = open_balances(tables.get("balances"), assigned, faults)
    also = () if tree is None else (tree.rep, tree.manager)
    sheet = read_credits(
        tables["credits"],
        plans,
        assigned,
        terms,
        faults,
        holds=options.holds,
        zone=options.zone,
        rounding=options.rounding,
        fx=read_rates(tables.get("fx"), faults),
        also=also if owed is None else (*also, owed.reps),
    )
    employed = None if assigned.employed is None else assigned.employed.by_rep(sheet.reps)
    sheet = attrs.evolve(
        sheet,
        columns=with_tenure(
            sheet.columns,
            plans,
            sheet.rep,
            sheet.day,
            None if employed is None else employed[0],
            faults,
        ),
    )
    quota_terms = QuotaTerms(
        terms=terms,
        reps=sheet.reps,
        reps_known_as=assigned.known_as,
        measures=sheet.measures,
        currencies=tuple(dict.fromkeys(sheet.currencies)),
        prorate=options.prorate,
        rounding=options.rounding,
        employed=employed,
        first_day=options.first_day,
    )
    return Given(
        sheet=sheet,
        assigned=assigned,
        terms=terms,
        quotas=read_quotas(tables.get("quotas"), quota_terms, faults),
        target_pay=read_quotas(tables.get("target_pay"), quota_terms, faults, name="target_pay"),
        metrics=read_metrics(tables.get("metrics"), terms, sheet.reps, assigned.known_as, faults),
        events=_events(tables, sheet, faults, options.zone),
        reporting=tree,
        opening=read_balances(owed, sheet, plans, faults),
    )
