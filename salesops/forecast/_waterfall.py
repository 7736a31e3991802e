"""What moved between two forecasts: parts that add up to the difference."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd

_PARTS = ("created", "won", "lost", "pushed", "amount changed")


def parts(
    previous: tuple[pd.DataFrame, float, dt.date], now: tuple[pd.DataFrame, float], closed: pd.DataFrame
) -> pd.DataFrame:
    """Compare deal by deal: those open before, those that ended since, those open now."""
    before, mean_before, day = previous
    table, mean_now = now
    ended = closed[closed["closed_on"].to_numpy().astype("datetime64[D]") > np.datetime64(day, "D")]
    since = {
        deal: (1.0 if outcome == "won" else 0.0, amount)
        for deal, outcome, amount in zip(
            ended["deal_id"].tolist(), ended["outcome"].tolist(), ended["amount"].tolist(), strict=True
        )
    }
    today = _stand(table)
    moved: dict[str, list[float]] = {name: [] for name in _PARTS}
    known = _stand(before)
    for deal, (chance, amount) in known.items():
        is_open = deal in today
        later, new_amount = today.get(deal) or since.get(deal) or (0.0, amount)
        if math.isnan(new_amount):
            new_amount = amount
        part = "pushed" if is_open else "won" if later > 0.0 else "lost"
        moved[part].append((later - chance) * amount)
        moved["amount changed"].append(later * (new_amount - amount))
    for deal, (chance, amount) in (since | today).items():
        if deal not in known and not math.isnan(amount):
            moved["created"].append(chance * amount)
    new_before = mean_before - math.fsum(p * a for p, a in known.values())
    new_now = mean_now - math.fsum(p * a for p, a in today.values())
    moved["created"].append(new_now - new_before)
    won = math.fsum(p * a for p, a in since.values() if not math.isnan(a))
    amounts = {name: math.fsum(values) for name, values in moved.items()}
    total = mean_now + won
    amounts["model"] = total - mean_before - math.fsum(amounts.values())
    rows = {"previous": mean_before, **amounts, "now": total}
    return pd.DataFrame({"part": list(rows), "amount": list(rows.values())})


def _stand(table: pd.DataFrame) -> dict[object, tuple[float, float]]:
    columns = (table[name].tolist() for name in ("deal_id", "probability", "amount"))
    return {deal: (p, a) for deal, p, a in zip(*columns, strict=True)}
