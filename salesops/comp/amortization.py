"""Commissions as an asset: capitalised, amortised over the benefit period, impaired on churn (ASC 340-40)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops import _money as money
from salesops._display import html_card
from salesops._faults import check_choice, closest, count, raise_all
from salesops._frames import Labels, Reader, check_known, id_column, jsonable
from salesops._money import EXPONENTS, ROUNDINGS, IntArray, Rounding
from salesops.comp._amortize import FAR, Movements, Spread, movements
from salesops.comp._amortize_tables import (
    month_numbers,
    month_text,
    read_amounts,
    read_currencies,
    read_terms,
)
from salesops.comp._lines import ARRAY
from salesops.comp._triage import open_tables
from salesops.comp.statement import money_text
from salesops.errors import InternalError, InvalidInput, Problem, show

__all__ = ["Amortization", "amortize"]

_COLUMNS = ("earned", "paid", "capitalised", "expensed", "amortised", "impaired", "asset", "accrued")
ACCOUNTS = {
    "asset": "Contract acquisition costs",
    "payable": "Commissions payable",
    "cash": "Cash",
    "expense": "Commission expense",
    "amortisation": "Amortisation of contract costs",
    "impairment": "Impairment of contract costs",
}


@attrs.frozen(kw_only=True, repr=False)
class Amortization:
    """Schedules of capitalised commissions; made by :func:`amortize`.

    Examples
    --------
    >>> paid = [{"contract_id": "k1", "amount": "5000.00", "paid_on": "2026-01-15"}]
    >>> contracts = [{"contract_id": "k1", "starts_on": "2026-01-10", "benefit_months": 36}]
    >>> amortize(paid, contracts, currency="USD")
    Amortization(1 contract, 36 months; earned 5,000.00 USD, all expensed by 2028-12)
    """

    _contract: NDArray[Any] = attrs.field(alias="_contract", **ARRAY)
    _month: IntArray = attrs.field(alias="_month", **ARRAY)
    _currency: NDArray[Any] = attrs.field(alias="_currency", **ARRAY)
    _moved: NDArray[Any] = attrs.field(alias="_moved", **ARRAY)
    _balance: NDArray[Any] = attrs.field(alias="_balance", **ARRAY)

    def __repr__(self) -> str:
        frame = self.to_frame()
        if not len(frame):
            return "Amortization(nothing earned)"
        sums = frame.groupby("currency", sort=True)["earned"].sum()
        earned = ", ".join(money_text(int(total), str(code)) for code, total in sums.items())
        last = month_text(int(self._month.max()))
        contracts = count(frame["contract_id"].nunique(), "contract")
        months = count(frame["period"].nunique(), "month")
        return f"Amortization({contracts}, {months}; earned {earned}, all expensed by {last})"

    def _repr_html_(self) -> str:
        totals = self.totals()
        places = [EXPONENTS.get(code, 2) for code in totals["currency"]]
        for name in (*_COLUMNS, "net"):
            cells = zip(totals[name].tolist(), places, strict=True)
            totals[name] = [money.format_minor(minor, k, thousands=True) for minor, k in cells]
        return html_card("Capitalised commissions", {"schedule": repr(self)}, [("By month", totals)])

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_frame().__arrow_c_stream__(requested_schema)

    def to_frame(self) -> pd.DataFrame:
        """Give one row for each contract and month in which something moves.

        Returns
        -------
        DataFrame
            ``contract_id, period`` ("2026-07"), ``earned, paid, capitalised, expensed`` (at once),
            ``amortised, impaired, asset`` and ``accrued`` (earned and not yet paid; both at the end of the
            month) in minor units of ``currency``.

        Examples
        --------
        >>> paid = [{"contract_id": "k1", "amount": "5000.00", "paid_on": "2026-01-15"}]
        >>> contracts = [{"contract_id": "k1", "starts_on": "2026-01-10", "benefit_months": 36}]
        >>> amortize(paid, contracts, currency="USD").to_frame()[["period", "amortised", "asset"]].head(2)
            period  amortised   asset
        0  2026-01      13889  486111
        1  2026-02      13889  472222
        """
        earned, paid, expensed, amortised, impaired = (self._moved[:, k] for k in range(5))
        return pd.DataFrame(
            {
                "contract_id": id_column(self._contract),
                "period": id_column(
                    np.array([month_text(month) for month in self._month.tolist()], dtype=object)
                ),
                "earned": earned.copy(),
                "paid": paid.copy(),
                "capitalised": earned - expensed,
                "expensed": expensed.copy(),
                "amortised": amortised.copy(),
                "impaired": impaired.copy(),
                "asset": self._balance[:, 0].copy(),
                "accrued": self._balance[:, 1].copy(),
                "currency": id_column(self._currency),
            }
        )

    def totals(self) -> pd.DataFrame:
        """Sum up by month and currency, every month from the first to the last.

        Returns
        -------
        DataFrame
            ``period, currency``, the columns of :meth:`to_frame`, and ``net``: what the months' expense is
            above what was capitalised (amortised and impaired less capitalised).

        Examples
        --------
        >>> paid = [{"contract_id": "k1", "amount": "3000.00", "paid_on": "2026-01-15"}]
        >>> contracts = [{"contract_id": "k1", "starts_on": "2026-01-10", "benefit_months": 6}]
        >>> amortize(paid, contracts, currency="USD").totals()[["period", "expensed", "asset"]]
            period  expensed  asset
        0  2026-01    300000      0
        """
        codes, currencies = pd.factorize(self._currency, sort=True)
        frames = []
        for k, code in enumerate(currencies.tolist()):
            mine = codes == k
            low, high = int(self._month[mine].min()), int(self._month[mine].max())
            place = self._month[mine] - low
            n = high - low + 1
            earned, paid, expensed, amortised, impaired = (
                money.group_sums(self._moved[mine, j], place, n) for j in range(5)
            )
            columns = {
                "period": [month_text(month) for month in range(low, high + 1)],
                "currency": [code] * n,
                "earned": earned,
                "paid": paid,
                "capitalised": earned - expensed,
                "expensed": expensed,
                "amortised": amortised,
                "impaired": impaired,
                "asset": np.cumsum(earned - expensed - amortised - impaired),
                "accrued": np.cumsum(earned - paid),
                "net": amortised + impaired - (earned - expensed),
            }
            frames.append(pd.DataFrame(columns))
        names = ["period", "currency", *_COLUMNS, "net"]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=names)

    def reconcile(self) -> pd.DataFrame:
        """Tie out every month: paid to date and the accrual are expense to date and the asset.

        Returns
        -------
        DataFrame
            ``period, currency, paid_to_date, accrued, expense_to_date, asset, difference`` in minor units;
            the difference is 0.

        Examples
        --------
        >>> paid = [{"contract_id": "k1", "amount": "3000.00", "paid_on": "2026-01-15"}]
        >>> contracts = [{"contract_id": "k1", "starts_on": "2026-01-10", "benefit_months": 36}]
        >>> amortize(paid, contracts, currency="USD").reconcile()["difference"].abs().sum()
        np.int64(0)
        """
        totals = self.totals()
        by = totals.groupby("currency", sort=False)
        paid = by["paid"].cumsum()
        expense = (
            (totals["expensed"] + totals["amortised"] + totals["impaired"])
            .groupby(totals["currency"], sort=False)
            .cumsum()
        )
        return pd.DataFrame(
            {
                "period": totals["period"],
                "currency": totals["currency"],
                "paid_to_date": paid,
                "accrued": totals["accrued"],
                "expense_to_date": expense,
                "asset": totals["asset"],
                "difference": paid + totals["accrued"] - expense - totals["asset"],
            }
        )

    def journal(self, *, accounts: Mapping[str, str] | None = None) -> pd.DataFrame:
        """Give the entries of each month; debits equal credits.

        Parameters
        ----------
        accounts : mapping, optional
            Names of accounts for ``asset, payable, cash, expense, amortisation, impairment``.

        Returns
        -------
        DataFrame
            ``period, entry`` ("capitalise", "expense", "pay", "amortise", "impair"), ``account, debit,
            credit`` in minor units of ``currency``.

        Raises
        ------
        InvalidInput
            If an account is none of these.

        Examples
        --------
        >>> paid = [{"contract_id": "k1", "amount": "3000.00", "paid_on": "2026-01-15"}]
        >>> contracts = [{"contract_id": "k1", "starts_on": "2026-01-10", "benefit_months": 6}]
        >>> amortize(paid, contracts, currency="USD").journal()[["entry", "account", "debit", "credit"]]
             entry              account   debit  credit
        0  expense   Commission expense  300000       0
        1  expense  Commissions payable       0  300000
        2      pay  Commissions payable  300000       0
        3      pay                 Cash       0  300000
        """
        names = {**ACCOUNTS, **(accounts or {})}
        unknown = [name for name in names if name not in ACCOUNTS]
        if unknown:
            near = closest(unknown[0], ACCOUNTS)
            hint = f"there are {', '.join(ACCOUNTS)}"
            fault = Problem(
                path="accounts",
                message="unknown account",
                values=(show(unknown[0]),),
                hint=hint,
                suggestions=near,
            )
            raise InvalidInput("journal: 1 problem", [fault])
        kinds = (
            ("capitalise", "capitalised", "asset", "payable"),
            ("expense", "expensed", "expense", "payable"),
            ("pay", "paid", "payable", "cash"),
            ("amortise", "amortised", "amortisation", "asset"),
            ("impair", "impaired", "impairment", "asset"),
        )
        rows = []
        for row in self.totals().to_dict("records"):
            for entry, column, debit, credit in kinds:
                amount = int(row[column])
                if amount:
                    if amount < 0:
                        debit, credit, amount = credit, debit, -amount
                    rows.append((row["period"], entry, names[debit], amount, 0, row["currency"]))
                    rows.append((row["period"], entry, names[credit], 0, amount, row["currency"]))
        return pd.DataFrame(rows, columns=["period", "entry", "account", "debit", "credit", "currency"])

    def explain(self, contract_id: object) -> str:
        """Say what becomes of the commissions of one contract.

        Parameters
        ----------
        contract_id : hashable

        Returns
        -------
        str

        Raises
        ------
        InvalidInput
            If nothing was earned on such a contract.

        Examples
        --------
        >>> paid = [{"contract_id": "k1", "amount": "3000.00", "paid_on": "2026-01-15"}]
        >>> contracts = [{"contract_id": "k1", "starts_on": "2026-01-10", "benefit_months": 6}]
        >>> amortize(paid, contracts, currency="USD").explain("k1")
        "Contract 'k1': 3,000.00 USD earned, 3,000.00 paid; 3,000.00 expensed at once,
        0.00 amortised, 0.00 impaired."
        """
        mine = np.array(
            [type(one) is type(contract_id) and one == contract_id for one in self._contract.tolist()]
        )
        if not mine.any():
            near = closest(contract_id, dict.fromkeys(self._contract.tolist()))
            message = "nothing was earned on such a contract"
            fault = Problem(
                path="contract_id", message=message, values=(show(contract_id),), suggestions=near
            )
            raise InvalidInput("explain: 1 problem", [fault])
        code = str(self._currency[mine][0])
        sums = [
            money.format_minor(int(n), EXPONENTS.get(code, 2), thousands=True)
            for n in self._moved[mine].sum(axis=0)
        ]
        earned, paid, expensed, amortised, impaired = sums
        return (
            f"Contract {show(contract_id)}: {earned} {code} earned, {paid} paid; "
            f"{expensed} expensed at once, {amortised} amortised, {impaired} impaired."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return schedule and journal as plain JSON types; amounts are minor units.

        Returns
        -------
        dict

        Examples
        --------
        >>> paid = [{"contract_id": "k1", "amount": "3000.00", "paid_on": "2026-01-15"}]
        >>> contracts = [{"contract_id": "k1", "starts_on": "2026-01-10", "benefit_months": 6}]
        >>> amortize(paid, contracts, currency="USD").to_dict()["totals"][0]["expensed"]
        300000
        """
        return {
            "schedule": jsonable(self.to_frame()),
            "totals": jsonable(self.totals()),
            "journal": jsonable(self.journal()),
        }


def amortize(
    payouts: object,
    contracts: object,
    *,
    usage: object = None,
    currency: str | None = None,
    expedient: bool = True,
    spread: Spread = "cumulative",
    by_days: bool = False,
    rounding: Rounding = "half_up",
    columns: Mapping[str, str] | None = None,
    zone: str | None = None,
    input_rounding: Rounding | None = None,
) -> Amortization:
    """Capitalise commissions and amortise them over the benefit period of their contracts.

    The month of ``starts_on`` is the first one. What is earned later is caught up in that month;
    negative payouts, such as clawbacks, are exact mirrors. In the month of ``ended_on`` nothing more is
    amortised: what is left of the asset is impaired, and what is earned from then on is expensed at once.

    Parameters
    ----------
    payouts : table
        ``contract_id, amount`` (major units), ``paid_on[, earned_on, currency]``: what was paid to win
        contracts. What was earned before it is paid is an accrual meanwhile; with ``earned_on``, ``paid_on``
        may still be missing.
    contracts : table
        ``contract_id, starts_on, benefit_months[, ended_on]``. The benefit period is the expected life of the
        customer where renewals are not commissioned at the same rate, else the term.
    usage : table, optional
        ``contract_id, period, weight``: contracts listed here are amortised in proportion to the weights
        (such as revenue by month; ``period`` is any day of the month) instead of by equal months.
    currency : str, optional
        Of payouts that name none.
    expedient : bool, default True
        True expenses at once what belongs to a benefit period of 12 months or less (ASC 340-40-25-4).
    spread : {"cumulative", "largest_remainder", "last_month"}, default "cumulative"
        How minor units fall into months: the amount to date is rounded and months are differences; by largest
        remainder, the earlier month first; or equal months of which the last takes the difference.
    by_days : bool, default False
        True weighs each month by its days in the benefit period instead of equally.
    rounding : str, default "half_up"
    columns : mapping, optional
        ``{"name in your tables": "name here"}``, one mapping for all tables.
    zone : str, optional
        Business time zone in which moments with an offset become days.
    input_rounding : str, optional
        How amounts with more decimals than their currency are rounded at the door; refused by default.

    Returns
    -------
    Amortization

    Raises
    ------
    InvalidInput
        With every fault of every table, each with all its rows.

    References
    ----------
    Financial Accounting Standards Board, "Revenue from Contracts with Customers (Topic 606)", Accounting
    Standards Update 2014-09, Subtopic 340-40.

    Examples
    --------
    >>> paid = [{"contract_id": "k1", "amount": "5000.00", "paid_on": "2026-01-15"}]
    >>> contracts = [
    ...     {"contract_id": "k1", "starts_on": "2026-01-10", "benefit_months": 36, "ended_on": "2027-01-05"}
    ... ]
    >>> amortize(paid, contracts, currency="USD").explain("k1")
    "Contract 'k1': 5,000.00 USD earned, 5,000.00 paid; 0.00 expensed at once, 1,666.67 amortised,
    3,333.33 impaired."
    """
    check_choice("spread", spread, ("cumulative", "largest_remainder", "last_month"))
    check_choice("rounding", rounding, ROUNDINGS)
    faults: list[Problem] = []
    tables = open_tables({"payouts": payouts, "contracts": contracts, "usage": usage}, columns, faults)
    book = Reader(tables["contracts"], "contracts", key=("contract_id",), faults=faults)
    contract_ids = book.ids("contract_id", unique=True)
    known = Labels.of(contract_ids)
    terms = read_terms(
        book, contract_ids, tables.get("usage"), known, faults, expedient=expedient, by_days=by_days
    )
    table = Reader(tables["payouts"], "payouts", key=("contract_id",), faults=faults)
    ids = table.ids("contract_id")
    check_known(faults, "payouts.contract_id", ids, known, "contracts", table.rows)
    has_earned = table.has("earned_on")
    paid_month = month_numbers(table.dates("paid_on", optional=has_earned, zone=zone))
    earned_month = month_numbers(table.dates("earned_on", zone=zone)) if has_earned else paid_month
    codes, places = read_currencies(table, currency)
    amount = read_amounts(table, places, input_rounding)
    raise_all("amortize", faults)
    row_of = np.argsort(known.codes(contract_ids))
    owner = row_of[known.codes(ids)] if len(ids) else np.empty(0, dtype=np.int64)
    moved = movements(amount, owner, earned_month, paid_month, terms, spread, rounding)
    return _gathered(moved, known.codes(ids), codes, known)


def _gathered(moved: Movements, contract: IntArray, codes: NDArray[Any], known: Labels) -> Amortization:
    """Add movements up by contract, currency and month, and run the asset along."""
    currency, currencies = pd.factorize(codes, sort=True)
    n = max(len(currencies), 1)
    owner = contract[moved.payout] * n + currency[moved.payout]
    order = np.lexsort((moved.month, owner))
    owner, month = owner[order], moved.month[order]
    first = (np.diff(owner, prepend=-1) != 0) | (np.diff(month, prepend=-FAR) != 0)
    group = np.cumsum(first) - 1
    starts = np.flatnonzero(first)
    sums = np.column_stack([money.group_sums(column[order], group, len(starts)) for column in moved[2:]])
    owner, month = owner[starts], month[starts]
    fresh = np.diff(owner, prepend=-1) != 0
    left = sums[:, 0] - sums[:, 2] - sums[:, 3] - sums[:, 4]
    asset = money.narrow(money.cumulative(left, fresh))
    accrued = money.narrow(money.cumulative(sums[:, 0] - sums[:, 1], fresh))
    ends = np.flatnonzero(np.diff(owner, append=-1) != 0)
    if asset[ends].any():
        raise InternalError("amortize: broken invariant, please report: every payout is expensed in the end")
    return Amortization(
        _contract=known.values[owner // n],
        _month=month,
        _currency=np.asarray(currencies, dtype=object)[owner % n],
        _moved=sums,
        _balance=np.column_stack([asset, accrued]),
    )
