"""Tables of a run: what became of each credit, what was attained, and how it all adds up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops import _money as money
from salesops._faults import refuse
from salesops._frames import id_column
from salesops._money import EXPONENTS, IntArray
from salesops.comp import plot as _plot
from salesops.comp._lines import Names
from salesops.comp._tables import Attained, CreditTable, Totals
from salesops.comp._triage import STATUSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BARS = 40


def credit_frame(table: CreditTable, names: Names, rows: IntArray, *, extra: bool = False) -> pd.DataFrame:
    """Lay credits out as a table; `extra` adds the columns of the caller that the run did not read."""
    columns: dict[str, Any] = {
        "credit_id": names.credit_column(rows),
        "rep_id": id_column(table.rep_id[rows]),
        "period": names.period_column(table.period[rows]),
        "amount": pd.Series(table.amount[rows], dtype="Int64").mask(~table.is_read[rows]),
        "currency": id_column(table.currency[rows]),
        "status": id_column(np.array(STATUSES, dtype=object)[table.status[rows]]),
        "reason": id_column(table.reason[rows]),
        "detail": id_column(table.detail[rows]),
    }
    frame = pd.DataFrame(columns)
    others = table.extra.iloc[rows].reset_index(drop=True) if extra else pd.DataFrame(index=frame.index)
    others = others[[name for name in others.columns if name not in columns]]
    return pd.concat([frame, others], axis=1)


def attained_frame(table: Attained, names: Names) -> pd.DataFrame:
    """Lay out what was credited against quotas."""
    parts = [
        (names.plans[plan].plan_id, names.plans[plan].components[part].name)
        for plan, part in zip(table.plan.tolist(), table.part.tolist(), strict=True)
    ]
    quota = table.quota.astype(np.float64)
    columns = {
        "rep_id": names.rep_column(table.rep),
        "period": names.period_column(table.period),
        "plan_id": id_column(np.array([plan for plan, _ in parts], dtype=object)),
        "component": id_column(np.array([part for _, part in parts], dtype=object)),
        "credited": table.credited.copy(),
        "quota": table.quota.copy(),
        "attainment": table.credited / np.where(quota > 0, quota, np.nan),
        "attainment_percent": id_column(_percents(table.credited, table.quota)),
    }
    return pd.DataFrame(columns)


def reconciled(table: CreditTable) -> pd.DataFrame:
    """Count and add up credits by currency and status, all of them and each kind."""
    codes, currencies = pd.factorize(table.currency, sort=True, use_na_sentinel=True)
    names = [*currencies.tolist(), None] if (codes < 0).any() or not len(codes) else currencies.tolist()
    group = np.where(codes < 0, len(names) - 1, codes)
    n = len(names) * len(STATUSES)
    key = np.asarray(group * len(STATUSES) + table.status, dtype=np.int64)
    amount = money.group_totals(np.where(table.is_read, table.amount, 0), key, n)
    tally = np.bincount(key, minlength=n)
    rows = []
    for k, name in enumerate(names):
        part = slice(k * len(STATUSES), (k + 1) * len(STATUSES))
        mine = group == k
        total = sum(table.amount[mine & table.is_read].tolist())
        rows.append((name, "in", int(mine.sum()), total))
        rows += zip([name] * 3, STATUSES, tally[part].tolist(), amount[part].tolist(), strict=True)
    return pd.DataFrame(rows, columns=["currency", "status", "credits", "amount"])


def _percents(credited: IntArray, quota: IntArray) -> NDArray[Any]:
    """Write shares in percent with two decimals, half up; None without a quota."""
    texts = np.full(len(quota), None, dtype=object)
    known = np.flatnonzero(quota > 0)
    shares = money.mul_div(credited[known], 10_000, quota[known])
    texts[known] = [money.format_minor(share, 2) for share in shares.tolist()]
    return texts


def readable_payouts(payouts: pd.DataFrame) -> pd.DataFrame:
    """Write payouts for people; what is held or owed only where there is any."""
    places = [EXPONENTS.get(code or "", 2) for code in payouts["currency"].tolist()]
    shown = payouts[["rep_id", "period"]].copy()
    for name in ("earned", "paid", "held", "balance"):
        amounts = payouts[name]
        plain = payouts["earned"] if name == "paid" else 0
        if name == "earned" or (amounts != plain).any():
            pairs = zip(amounts.tolist(), places, strict=True)
            shown[name] = [money.format_minor(amount, k, thousands=True) for amount, k in pairs]
    return shown.assign(currency=payouts["currency"])


def draw_payouts(totals: Totals, names: Names, ax: Axes | None) -> Axes:
    """Draw what each rep earned, cut by period."""
    codes = sorted({str(code) for code in totals.currency})
    if len(codes) > 1:
        raise refuse("currency", "a picture shows one currency", ", ".join(codes))
    rows = pd.DataFrame({"rep": totals.rep, "period": totals.period, "earned": totals.earned})
    table = rows.pivot_table(index="rep", columns="period", values="earned", aggfunc="sum", fill_value=0)
    most = table.sum(axis=1).sort_values(ascending=False, kind="stable").index[:_BARS]
    table = table.loc[most].rename(columns=dict(enumerate(names.periods)))
    reps = [str(names.reps[int(rep)]) for rep in most]
    code = totals.currency[0] if len(codes) else None
    return _plot.payouts(reps, table, EXPONENTS.get(code or "", 2), currency=code, ax=ax)
