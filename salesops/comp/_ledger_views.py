"""What a ledger shows: sums by rep and period, statements as they were known, and sentences."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import attrs
import numpy as np
import pandas as pd

from salesops import _money as money
from salesops._display import html_card, text_card
from salesops._frames import id_column, jsonable
from salesops._frames.ids import family
from salesops._money import EXPONENTS
from salesops.comp._ledger_book import Book, sums_by
from salesops.comp._ledger_documents import LedgerEntry, LedgerStep
from salesops.comp.statement import money_text
from salesops.errors import show

_ON_HOLD = ("held", "released", "forfeited")
_EARNING = ("earned", "clawback")
SUMS = ("earned", "adjustments", "paid", "held", "balance")


def payouts_frame(book: Book, periods: Mapping[str, int]) -> pd.DataFrame:
    """Add entries up by rep, period in which they were posted, and currency; `periods` gives their order."""
    keys: dict[tuple[str, Hashable, str], int] = {}
    places: dict[tuple[int, int], int] = {}
    who = []
    said = zip(book["rep_id"].tolist(), book["currency"].tolist(), book["posted_in"].tolist(), strict=True)
    for rep, currency, period in said:
        owner = keys.setdefault((family(rep), rep, currency or ""), len(keys))
        who.append(places.setdefault((owner, periods[period]), len(places)))
    owners, at = list(keys), list(places)
    order = sorted(range(len(at)), key=lambda k: (*_sortable(owners[at[k][0]]), at[k][1]))
    code = np.argsort(np.array(order, dtype=np.int64), kind="stable")[np.array(who, dtype=np.int64)]
    n, nature, amount = len(at), book.nature(), book["amount"]
    own = book["type"] != "adjustment"
    earns, holds = np.isin(nature.astype(str), _EARNING), np.isin(nature.astype(str), _ON_HOLD)
    sums = {
        "earned": sums_by(code, amount * (own & earns), n),
        "adjustments": sums_by(code, amount * ~own, n),
        "paid": sums_by(code, amount, n),
        "held": sums_by(code, -amount * holds, n),
        "balance": sums_by(code, book["owed"], n),
    }
    owner_of = np.array([at[k][0] for k in order], dtype=np.int64)
    for name in ("held", "balance"):
        for k in range(1, n):
            if owner_of[k] == owner_of[k - 1]:
                sums[name][k] += sums[name][k - 1]
    names = list(periods)
    reps, codes = np.empty(n, dtype=object), np.empty(n, dtype=object)
    for k, owner in enumerate(owner_of.tolist()):
        reps[k], codes[k] = owners[owner][1], owners[owner][2] or None
    shown = np.array([names[at[k][1]] for k in order], dtype=object)
    columns = {"rep_id": id_column(reps), "period": id_column(shown), **sums, "currency": id_column(codes)}
    return pd.DataFrame(columns)


def _sortable(owner: tuple[str, Hashable, str]) -> tuple[Any, ...]:
    kind, rep, currency = owner
    return (kind, rep if kind in ("int", "str", "float") else repr(rep), currency)


def readable(payouts: pd.DataFrame) -> pd.DataFrame:
    """Write payouts for people; sums that are 0 everywhere are left out."""
    places = [EXPONENTS.get(code or "", 2) for code in payouts["currency"].tolist()]
    shown = payouts[["rep_id", "period"]].copy()
    for name in SUMS:
        if name == "paid" or (payouts[name] != 0).any():
            pairs = zip(payouts[name].tolist(), places, strict=True)
            shown[name] = [money.format_minor(amount, k, thousands=True) for amount, k in pairs]
    return shown.assign(currency=payouts["currency"])


@attrs.frozen(kw_only=True, repr=False)
class LedgerStatement:
    """What a ledger says to one rep in one period: its own entries, and corrections of closed periods.

    Parameters
    ----------
    rep_id : hashable
    period : str
    as_of : str
        Up to which posting it was known.
    is_closed : bool
        Whether the period was closed, so that the statement never changes.
    totals : tuple of dict
        For each currency ``earned, adjustments, paid, held, balance`` in minor units: what the period earned,
        what corrects closed periods, what is paid, and what is then on hold and owed.

    Examples
    --------
    >>> from salesops import comp
    >>> plan = comp.CompPlan(
    ...     plan_id="ae", currency="USD", components=[comp.Commission(tiers=[{"from": "0", "rate": "0.1"}])]
    ... )
    >>> run = comp.calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
    >>> statement = comp.Ledger().post(run).statement("anna", "all")
    >>> statement.paid, statement.to_dict()["totals"][0]["earned"]
    (2500, 2500)
    """

    rep_id: Hashable
    period: str
    as_of: str
    is_closed: bool
    totals: tuple[dict[str, Any], ...] = attrs.field(hash=False)
    _entries: pd.DataFrame = attrs.field(eq=False, alias="_entries")

    def _sum(self, name: str) -> int:
        return sum(int(total[name]) for total in self.totals)

    @property
    def earned(self) -> int:
        """What the period has earned, in minor units, of a statement in one currency."""
        return self._sum("earned")

    @property
    def adjustments(self) -> int:
        """What corrects closed periods, in minor units, of a statement in one currency."""
        return self._sum("adjustments")

    @property
    def paid(self) -> int:
        """What the statement pays, in minor units, of a statement in one currency."""
        return self._sum("paid")

    @property
    def held(self) -> int:
        """What is on hold after it, in minor units, of a statement in one currency."""
        return self._sum("held")

    @property
    def balance(self) -> int:
        """What the rep owes after it, in minor units, of a statement in one currency."""
        return self._sum("balance")

    @property
    def _title(self) -> str:
        paid = ", ".join(money_text(total["paid"], total["currency"]) for total in self.totals) or "nothing"
        return f"Statement of {self.rep_id!r} for {self.period}: {paid}"

    def _facts(self) -> dict[str, object]:
        facts: dict[str, object] = {"period": "closed" if self.is_closed else "open", "known": self.as_of}
        for name in SUMS:
            texts = [money_text(total[name], total["currency"]) for total in self.totals if total[name]]
            if texts:
                facts[name] = ", ".join(texts)
        return facts

    def _table(self) -> pd.DataFrame:
        frame = self._entries
        names = ["number", "type", "period", "component", "rule", "credit_id", "tier", "reason"]
        shown = frame[[name for name in names if frame[name].notna().any()]].copy()
        pairs = zip(frame["amount"].tolist(), frame["currency"].tolist(), strict=True)
        texts = [money.format_minor(a, EXPONENTS.get(code or "", 2), thousands=True) for a, code in pairs]
        return shown.assign(amount=pd.Series(texts, index=shown.index, dtype=object))

    def __repr__(self) -> str:
        return text_card(self._title, self._facts(), self._table())

    def _repr_html_(self) -> str:
        frame, tables = self._entries, []
        late = (frame["type"] == "adjustment").to_numpy(dtype=bool)
        table = self._table()
        for title, mine in (("Earned and paid", ~late), ("Corrections of closed periods", late)):
            if mine.any():
                tables.append((title, table[mine]))
        return html_card(self._title, self._facts(), tables)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_frame().__arrow_c_stream__(requested_schema)

    def to_frame(self) -> pd.DataFrame:
        """Give the entries; the columns are those of ``Ledger.to_frame``.

        Returns
        -------
        DataFrame

        Examples
        --------
        >>> from salesops.comp import CompPlan, Ledger, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> Ledger().post(run).statement("anna", "all").to_frame()["amount"].tolist()
        [2500]
        """
        return self._entries.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return the statement as plain JSON types; amounts are minor units.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops.comp import CompPlan, Ledger, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> Ledger().post(run).statement("anna", "all").to_dict()["is_closed"]
        False
        """
        return {
            "rep_id": jsonable(self.rep_id),
            "period": self.period,
            "as_of": self.as_of,
            "is_closed": self.is_closed,
            "totals": [dict(total) for total in self.totals],
            "entries": jsonable(self._entries),
        }


def sentence_of(entry: LedgerEntry, step: LedgerStep, now: int) -> str:
    """Say what an entry does; `now` is what its line pays after it."""
    when = f" on {step.as_of}" if step.as_of is not None else ""
    if entry.type == "adjustment":
        head = f"corrects the closed period {entry.period} ({entry.nature}) in {entry.posted_in}"
    else:
        head = f"is posted in {entry.posted_in} as {entry.type}"
    about = [entry.component, entry.rule]
    about += [f"tier {entry.tier}"] if entry.tier is not None else []
    about += [f"credit {show(entry.credit_id)}"] if entry.credit_id is not None else []
    sign = "+" if entry.amount > 0 else ""
    change = f"{sign}{money_text(entry.amount, entry.currency)}"
    told = {
        "new": "the ledger did not have the line before",
        "changed": f"the line paid {money_text(now - entry.amount, entry.currency)} and pays "
        f"{money_text(now, entry.currency)} now",
        "cancelled": "the line is no more",
    }[entry.reason]
    owed = ""
    if entry.owed:
        word = "more" if entry.owed > 0 else "less"
        owed = f" The rep owes {money_text(abs(entry.owed), entry.currency)} {word} by it."
    return (
        f"Entry {entry.number} of {show(entry.rep_id)} {head}: {', '.join(about)}: {change}; {told}.{owed} "
        f"Posted in step {entry.posting}{when}."
    )
