"""Amounts in several currencies: each converted at the rate of its own day, so that the past stays put."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from salesops._faults import refuse
from salesops._frames import Reader, id_column
from salesops.errors import Problem, show
from salesops.forecast._events import Events

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_HINT = "pass currency= and fx= when the history is read, or leave out the column of amounts"


@attrs.frozen(kw_only=True, eq=False)
class Fx:
    """Rates into one currency by the day they are dated: one unit of `base` is `rate` units of `into`."""

    into: str
    bases: tuple[str, ...]
    base: Ints
    day: npt.NDArray[np.datetime64]
    rate: Floats
    max_age: int | None

    def find(self, base: str, days: npt.NDArray[np.datetime64]) -> Floats:
        """Take the last rate dated on or before each day; NaN where there is none, or none young enough."""
        if base == self.into:
            return np.ones(len(days))
        if base not in self.bases:
            return np.full(len(days), np.nan)
        mine = self.base == self.bases.index(base)
        known, rates = self.day[mine], self.rate[mine]
        place = np.searchsorted(known, days, side="right") - 1
        held = np.maximum(place, 0)
        found = np.where(place >= 0, rates[held], np.nan)
        if self.max_age is not None:
            found[(days - known[held]).astype(np.int64) > self.max_age] = np.nan
        return found


def read_fx(currency: object, fx: object, max_age: object) -> Fx | None:
    """Read a table base, quote, rated_on, rate; both it and the currency are needed, or neither."""
    if currency is None and fx is None and max_age is None:
        return None
    if not isinstance(currency, str) or not currency:
        raise refuse("currency", "is the currency into which amounts are converted", currency)
    if max_age is not None and (
        isinstance(max_age, bool) or not isinstance(max_age, (int, np.integer)) or max_age < 0
    ):
        raise refuse("fx_max_age", "is a whole number of days, 0 or more", max_age)
    table = {"base": [], "quote": [], "rated_on": [], "rate": []} if fx is None else fx
    reader = Reader(table, "fx", key=("base", "quote", "rated_on"))
    base, quote = reader.texts("base"), reader.texts("quote")
    day, rate = reader.dates("rated_on"), reader.numbers("rate", above=0.0)
    reader.finish()
    mine = np.flatnonzero(quote == currency) if len(quote) else np.empty(0, dtype=np.int64)
    names, code = np.unique(base[mine].astype(str), return_inverse=True)
    order = np.lexsort((day[mine], code))
    rows = mine[order]
    again = (code[order][1:] == code[order][:-1]) & (day[rows][1:] == day[rows][:-1])
    reader.fault("rate", np.sort(rows[1:][again]), "two rates of one pair on one day")
    reader.finish()
    return Fx(
        into=currency,
        bases=tuple(str(name) for name in names),
        base=code[order].astype(np.int64),
        day=day[rows],
        rate=rate[rows],
        max_age=None if max_age is None else int(max_age),
    )


def in_one_currency(events: Events, fx: Fx | None, faults: list[Problem]) -> Events:
    """Give the amounts of events in one currency; without rates, refuse more than one currency."""
    facts = events.facts
    if "amount" not in facts.columns or "currency" not in facts.columns:
        if fx is not None and "amount" in facts.columns and len(facts):
            missing = "must be there for amounts to be converted"
            faults.append(Problem(path="history.currency", message=missing, hint="add the column"))
        return events
    reader = Reader(facts, "history", key=("deal_id",), faults=faults)
    before = len(faults)
    amount = reader.numbers("amount", missing=np.nan)
    stated = ~np.isnan(amount)
    currency = reader.texts("currency", optional=True)
    lacking = stated & np.array([name is None for name in currency], dtype=bool)
    if fx is None:
        names = sorted({name for name in currency[stated].tolist() if isinstance(name, str)})
        if len(names) > 1:
            message = "amounts in several currencies cannot be added"
            faults.append(
                Problem(path="history.currency", message=message, values=(show(names),), hint=_HINT)
            )
        return events
    reader.fault("currency", lacking, "an amount without its currency cannot be converted")
    rate = np.ones(len(amount))
    for name in sorted({name for name in currency[stated].tolist() if isinstance(name, str)}):
        mine = stated & (currency == name)
        rate[mine] = fx.find(name, events.day[mine])
    unknown = np.isnan(rate)
    told = f"no rate into {fx.into} is dated on or before this day"
    if fx.max_age is not None:
        told += f" and at most {fx.max_age} days older"
    reader.fault(
        "currency",
        unknown,
        "no exchange rate is dated on or shortly before the day of the event",
        value=lambda k: f"{show(currency[k])} on {events.day[k]}: {told}",
        hint="add the rate to fx; a later rate is never used",
    )
    if len(faults) > before:
        return events
    converted = facts.assign(
        amount=amount * rate,
        currency=id_column(np.where(stated, fx.into, currency)).to_numpy(),
    )
    converted.index = facts.index
    return attrs.evolve(events, facts=converted)
