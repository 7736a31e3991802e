"""What crediting has found: credits, and what became of each deal."""

from __future__ import annotations

import html
from collections.abc import Hashable
from fractions import Fraction
from typing import Any

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops import _money as money
from salesops._display import html_card
from salesops._faults import closest, count
from salesops._frames import Labels, id_column, jsonable
from salesops._money import EXPONENTS, BoolArray, IntArray
from salesops._version import __version__
from salesops.comp._crediting_parts import Parts
from salesops.comp._lines import ARRAY
from salesops.comp._periods import FIRST_DAY
from salesops.comp._triage import HELD, REJECTED
from salesops.comp.crediting import CreditRules
from salesops.errors import InvalidInput, Problem, show

__all__ = ["CreditRun", "DealExplanation"]

DEAL_STATUSES = ("credited", "held", "rejected")


@attrs.frozen(kw_only=True, repr=False)
class DealExplanation:
    """Why a deal is credited as it is, in words and as facts.

    Parameters
    ----------
    deal_id : hashable
    text : str
        What ``print`` shows.
    facts : dict
        Plain JSON types; amounts are minor units.

    Examples
    --------
    >>> DealExplanation(deal_id="d1", text="Deal 'd1' is credited to 'anna'.", facts={})
    Deal 'd1' is credited to 'anna'.
    """

    deal_id: Hashable
    text: str
    facts: dict[str, Any] = attrs.field(hash=False)

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.text)}</p>"

    def to_dict(self) -> dict[str, Any]:
        """Return the facts and the sentences as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> DealExplanation(deal_id="d1", text="Held.", facts={"status": "held"}).to_dict()
        {'status': 'held', 'text': 'Held.'}
        """
        return {**self.facts, "text": self.text}


@attrs.frozen(kw_only=True)
class DealTable:
    """The deals by row of the table given, and what became of each."""

    deal_id: NDArray[Any] = attrs.field(**ARRAY)
    rank: IntArray = attrs.field(**ARRAY)
    source: IntArray = attrs.field(**ARRAY)
    day: IntArray = attrs.field(**ARRAY)
    amount: IntArray = attrs.field(**ARRAY)
    is_read: BoolArray = attrs.field(**ARRAY)
    currency: NDArray[Any] = attrs.field(**ARRAY)
    status: NDArray[np.int8] = attrs.field(**ARRAY)
    reason: NDArray[Any] = attrs.field(**ARRAY)
    detail: NDArray[Any] = attrs.field(**ARRAY)
    dated: bool
    names: Labels = attrs.field(eq=False)
    extra: pd.DataFrame = attrs.field(eq=False, repr=False)


@attrs.frozen(kw_only=True, repr=False)
class CreditRun:
    """Credits from deals; made by :func:`credit` and taken by :func:`calculate` as they are.

    Attributes
    ----------
    rules : CreditRules

    Examples
    --------
    >>> from salesops import comp
    >>> rules = comp.CreditRules(currency="USD", rules=[comp.CreditRule(name="all")])
    >>> comp.credit([{"deal_id": "d1", "rep_id": "anna", "amount": "250.00"}], rules)
    CreditRun(1 credit; deals: 1 credited, 0 held, 0 rejected)
    """

    rules: CreditRules
    _parts: Parts = attrs.field(alias="_parts", eq=False)
    _deals: DealTable = attrs.field(alias="_deals")
    _reps: Labels = attrs.field(alias="_reps", eq=False)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_frame().__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"CreditRun({count(len(self._parts.row), 'credit')}; deals: {self._tally()})"

    def _tally(self) -> str:
        tally = np.bincount(self._deals.status, minlength=3).tolist()
        return ", ".join(f"{n:,} {name}" for n, name in zip(tally, DEAL_STATUSES, strict=True))

    def _repr_html_(self) -> str:
        facts = {"rules": self.rules.rules_id, "deals": self._tally()}
        tables = [("Credits", self.to_frame())]
        for title, frame in (("Held", self.held()), ("Rejected", self.rejected())):
            if len(frame):
                tables.append((title, frame))
        return html_card("Credits from deals", facts, tables)

    def to_frame(self) -> pd.DataFrame:
        """Give the credits, ready for :func:`calculate`.

        Returns
        -------
        DataFrame
            ``credit_id, deal_id, rep_id, measure, amount`` (exact text in major units), ``currency``,
            ``earned_on`` (if deals have a day), ``rule, role, is_overlay`` and ``deal_amount`` (the whole
            that the credit is a share of); by deal, rule and receiver. A ``credit_id`` stays the same when
            only the amount of its deal changes.

        Examples
        --------
        >>> from salesops import comp
        >>> rules = comp.CreditRules(currency="USD", rules=[comp.CreditRule(name="all")])
        >>> run = comp.credit([{"deal_id": "d1", "rep_id": "anna", "amount": "250.00"}], rules)
        >>> run.to_frame()[["credit_id", "rep_id", "measure", "amount"]]
                   credit_id rep_id measure  amount
        0  d1/all/owner/anna   anna  amount  250.00
        """
        parts, deals = self._parts, self._deals
        measures = np.array([rule.measure for rule in self.rules.rules], dtype=object)
        names = np.array([rule.name for rule in self.rules.rules], dtype=object)
        n_shares = np.array([len(rule.receivers) for rule in self.rules.rules], dtype=np.int64)
        deal_id, rep_id = deals.deal_id[parts.row], self._reps.values[parts.rep]
        roles = self._roles()
        rule = names[parts.rule]
        deal_text = _written(deals.names)[deals.rank[parts.row]]
        rep_text = _written(self._reps)[parts.rep]
        plain = {text: _escaped(text) for text in {*rule.tolist(), *roles}}
        ids = [
            f"{deal}/{plain[name]}/{plain[role]}/{rep}"
            for deal, name, role, rep in zip(deal_text, rule, roles, rep_text, strict=True)
        ]
        columns: dict[str, Any] = {
            "credit_id": id_column(np.array(ids, dtype=object)),
            "deal_id": id_column(deal_id),
            "rep_id": id_column(rep_id),
            "measure": id_column(measures[parts.rule]),
            "amount": pd.Series(self._texts(parts.amount), dtype=object),
            "currency": id_column(deals.currency[parts.row]),
        }
        if deals.dated:
            day = deals.day[parts.row].astype("datetime64[D]")
            day[deals.day[parts.row] == FIRST_DAY] = np.datetime64("NaT", "D")
            columns["earned_on"] = pd.Series(day.astype("datetime64[s]"))
        columns |= {
            "rule": id_column(rule),
            "role": id_column(np.array(roles, dtype=object)),
            "is_overlay": parts.receiver >= n_shares[parts.rule],
            "deal_amount": pd.Series(self._texts(parts.whole), dtype=object),
        }
        return pd.DataFrame(columns)

    def _roles(self) -> list[str]:
        """Call the role of each credit by its receiver, managers of every level by their level."""
        labels = [[part.label for part in (*rule.receivers, *rule.overlays)] for rule in self.rules.rules]
        parts = self._parts
        rows = zip(parts.rule.tolist(), parts.receiver.tolist(), parts.level.tolist(), strict=True)
        return [
            f"manager {level}" if level and labels[rule][receiver] == "manager" else labels[rule][receiver]
            for rule, receiver, level in rows
        ]

    def _texts(self, amount: IntArray) -> list[str]:
        texts = np.empty(len(amount), dtype=object)
        codes, currencies = pd.factorize(self._deals.currency[self._parts.row])
        for k, code in enumerate(currencies.tolist()):
            rows = np.flatnonzero(codes == k)
            one = np.ones(len(rows), dtype=np.int64)
            texts[rows] = money.format_column(amount[rows], one, EXPONENTS.get(code, 2))
        written: list[str] = texts.tolist()
        return written

    def deals(self) -> pd.DataFrame:
        """Give every deal with what became of it, in the order of the table given.

        Returns
        -------
        DataFrame
            ``deal_id, amount`` (minor units; missing if it could not be read), ``currency, status``
            ("credited", "held" or "rejected"), ``reason, detail``, and the caller's other columns.

        Examples
        --------
        >>> from salesops import comp
        >>> rules = comp.CreditRules(currency="USD", rules=[comp.CreditRule(name="all", when="amount > 500")])
        >>> run = comp.credit([{"deal_id": "d1", "rep_id": "anna", "amount": "250.00"}], rules)
        >>> run.deals()[["deal_id", "amount", "status", "reason"]]
          deal_id  amount    status            reason
        0      d1   25000  rejected  no crediting rule
        """
        table = self._deals
        frame = self._deal_frame(np.arange(len(table.status)))
        others = table.extra.reset_index(drop=True)
        others = others[[name for name in others.columns if name not in frame.columns]]
        return pd.concat([frame, others], axis=1)

    def _deal_frame(self, rows: IntArray) -> pd.DataFrame:
        table = self._deals
        columns = {
            "deal_id": id_column(table.deal_id[rows]),
            "amount": pd.Series(table.amount[rows], dtype="Int64").mask(~table.is_read[rows]),
            "currency": id_column(table.currency[rows]),
            "status": id_column(np.array(DEAL_STATUSES, dtype=object)[table.status[rows]]),
            "reason": id_column(table.reason[rows]),
            "detail": id_column(table.detail[rows]),
        }
        return pd.DataFrame(columns)

    def held(self) -> pd.DataFrame:
        """Give the deals that wait for something, such as an owner, with the reason.

        Returns
        -------
        DataFrame
            The columns of :meth:`deals` but those of the caller, by deal.

        Examples
        --------
        >>> from salesops import comp
        >>> rules = comp.CreditRules(currency="USD", rules=[comp.CreditRule(name="all")])
        >>> deals = [{"deal_id": "d1", "rep_id": None, "amount": "250.00"}]
        >>> comp.credit(deals, rules, on_error="hold").held()["reason"].tolist()
        ['no receiver']
        """
        return self._with_status(HELD)

    def rejected(self) -> pd.DataFrame:
        """Give the deals that are not credited as they stand, such as lost ones, with the reason.

        Returns
        -------
        DataFrame
            The columns of :meth:`deals` but those of the caller, by deal.

        Examples
        --------
        >>> from salesops import comp
        >>> rules = comp.CreditRules(currency="USD", rules=[comp.CreditRule(name="all")])
        >>> deals = [{"deal_id": "d1", "rep_id": "anna", "amount": "250.00", "outcome": "lost"}]
        >>> comp.credit(deals, rules).rejected()["reason"].tolist()
        ['not won']
        """
        return self._with_status(REJECTED)

    def _with_status(self, status: int) -> pd.DataFrame:
        rows = np.flatnonzero(self._deals.status == status)
        return self._deal_frame(rows[np.argsort(self._deals.rank[rows], kind="stable")])

    def reconcile(self) -> pd.DataFrame:
        """Show that every deal ended somewhere: deals in are those credited, held and rejected.

        Returns
        -------
        DataFrame
            ``currency, status`` ("in", "credited", "held", "rejected"), ``deals`` (how many) and ``amount``
            (minor units of those that could be read).

        Examples
        --------
        >>> from salesops import comp
        >>> rules = comp.CreditRules(currency="USD", rules=[comp.CreditRule(name="all")])
        >>> comp.credit([{"deal_id": "d1", "rep_id": "anna", "amount": "250.00"}], rules).reconcile()
          currency    status  deals  amount
        0      USD        in      1   25000
        1      USD  credited      1   25000
        2      USD      held      0       0
        3      USD  rejected      0       0
        """
        table = self._deals
        rows = []
        for code in sorted({str(code) for code in table.currency}):
            mine = np.array([str(found) == code for found in table.currency], dtype=np.bool_)
            for k, name in enumerate(("in", *DEAL_STATUSES)):
                these = mine if k == 0 else mine & (table.status == k - 1)
                total = sum(table.amount[these & table.is_read].tolist())
                rows.append((code, name, int(these.sum()), total))
        return pd.DataFrame(rows, columns=["currency", "status", "deals", "amount"])

    def explain(self, deal_id: Hashable) -> DealExplanation:
        """Say who is credited with what of a deal and by which rule, or why nobody is.

        Parameters
        ----------
        deal_id : hashable

        Returns
        -------
        DealExplanation

        Raises
        ------
        InvalidInput
            If there was no such deal.

        Examples
        --------
        >>> from salesops import comp
        >>> rule = comp.CreditRule(name="all", overlays=[comp.Receiver(to="manager", level=1)])
        >>> rules = comp.CreditRules(currency="USD", rules=[rule])
        >>> deals = [{"deal_id": "d1", "rep_id": "anna", "amount": "250.00"}]
        >>> tree = [{"rep_id": "anna", "manager_id": "bo"}]
        >>> print(comp.credit(deals, rules, reporting=tree).explain("d1"))
        Deal 'd1' of 250.00 USD: rule 'all' credits 250.00 of amount: 250.00 to 'anna' (owner); beyond the
        whole 250.00 to 'bo' (manager 1).
        """
        rank = self._deals.names.position(deal_id)
        if rank < 0:
            near = closest(deal_id, self._deals.names.values.tolist())
            message = "there was no such deal"
            fault = Problem(path="deal_id", message=message, values=(show(deal_id),), suggestions=near)
            raise InvalidInput("explain: 1 problem", [fault])
        rows = np.flatnonzero(self._deals.rank == rank)
        best = rows[np.argsort(self._deals.status[rows], kind="stable")][0]
        return self._explained(int(best))

    def _explained(self, row: int) -> DealExplanation:
        table, parts = self._deals, self._parts
        code = str(table.currency[row])
        places = EXPONENTS.get(code, 2)

        def text(minor: object) -> str:
            return money.format_minor(int(minor), places, thousands=True)  # type: ignore[call-overload]  # an int

        status = DEAL_STATUSES[table.status[row]]
        head = f"Deal {show(table.deal_id[row])} of {text(table.amount[row])} {code}"
        facts: dict[str, Any] = {"deal_id": jsonable(table.deal_id[row]), "status": status, "credits": []}
        if table.source[row] != row:
            head += f", which refunds {show(table.deal_id[table.source[row]])}"
            facts["refund_of"] = jsonable(table.deal_id[table.source[row]])
        if table.status[row]:
            facts |= {"reason": table.reason[row], "detail": table.detail[row]}
            detail = f"{head} is {status}: {table.reason[row]} ({table.detail[row]})."
            return DealExplanation(deal_id=table.deal_id[row], text=detail, facts=facts)
        mine = np.flatnonzero(parts.row == row)
        roles = self._roles()
        sentences = []
        for k in np.unique(parts.rule[mine]).tolist():
            rule = self.rules.rules[k]
            at = mine[parts.rule[mine] == k]
            told: list[list[str]] = [[], []]
            for j in at.tolist():
                beyond = int(parts.receiver[j] >= len(rule.receivers))
                rep = self._reps[int(parts.rep[j])]
                told[beyond].append(f"{text(parts.amount[j])} to {show(rep)} ({roles[j]})")
                facts["credits"].append(
                    {
                        "rule": rule.name,
                        "measure": rule.measure,
                        "role": roles[j],
                        "rep_id": jsonable(rep),
                        "amount": int(parts.amount[j]),
                        "whole": int(parts.whole[j]),
                        "share": str(_share(int(parts.amount[j]), int(parts.whole[j]))),
                        "is_overlay": bool(beyond),
                    }
                )
            sentence = f"rule {rule.name!r} credits {text(parts.whole[at[0]])} of {rule.measure}: "
            sentence += ", ".join(told[0])
            sentence += f"; beyond the whole {', '.join(told[1])}" if told[1] else ""
            sentences.append(sentence)
        return DealExplanation(
            deal_id=table.deal_id[row], text=f"{head}: {'. And '.join(sentences)}.", facts=facts
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the credits and what became of the deals as plain JSON types, whatever the order of rows.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import comp
        >>> rules = comp.CreditRules(currency="USD", rules=[comp.CreditRule(name="all")])
        >>> run = comp.credit([{"deal_id": "d1", "rep_id": "anna", "amount": "250.00"}], rules)
        >>> run.to_dict()["credits"][0]["amount"]
        '250.00'
        """
        return {
            "library": __version__,
            "rules": self.rules.to_dict(),
            "credits": jsonable(self.to_frame()),
            "held": jsonable(self.held()),
            "rejected": jsonable(self.rejected()),
            "reconcile": jsonable(self.reconcile()),
        }


def _share(amount: int, whole: int) -> Fraction:
    return Fraction(amount, whole) if whole else Fraction(0)


def _written(labels: Labels) -> NDArray[Any]:
    """Write ids so that no two of them read the same: as they are, or as Python would where kinds mix."""
    plain = len(labels.families) <= 1 and labels.families <= {"str", "int"}
    texts = np.empty(len(labels), dtype=object)
    texts[:] = [_escaped(str(value) if plain else repr(value)) for value in labels.values.tolist()]
    return texts


def _escaped(text: str) -> str:
    """Take the stroke that joins the parts of an id out of a part, as JSON pointers do."""
    return text.replace("~", "~0").replace("/", "~1") if "/" in text or "~" in text else text
