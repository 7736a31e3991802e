"""Pictures of plans and runs: each takes `ax`, returns it, and sets no global style."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesops import _display
from salesops._money import IntArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["payout_curve", "payouts"]

_LINE = "#4878a8"
_QUOTA = "#8a96a3"


def payout_curve(
    plan_id: str,
    credited: IntArray,
    payout: IntArray,
    places: int,
    *,
    quota: int | None = None,
    currency: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what a plan pays over what is credited, with the quota.

    Parameters
    ----------
    plan_id : str
    credited, payout : ndarray of int64, shape (n_points,)
        Minor units.
    places : int
        Decimals of the currency.
    quota : int, optional
        Minor units.
    currency : str, optional
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import numpy as np
    >>> axes = payout_curve("ae", np.array([0, 10000]), np.array([0, 500]), 2, currency="USD")
    >>> axes.get_xlabel()
    'credited (USD)'
    """
    ax = _display.axes(ax, (7.0, 4.2))
    unit = 10.0**places
    ax.plot(credited / unit, payout / unit, color=_LINE, linewidth=2)
    if quota is not None and credited[-1] >= quota:
        ax.axvline(quota / unit, color=_QUOTA, linestyle="--", linewidth=1)
        ax.annotate(
            "quota", (quota / unit, 1.0), xycoords=("data", "axes fraction"), xytext=(5, -14),
            textcoords="offset points", color=_QUOTA,
        )  # fmt: skip
    _money_axis(ax, "x")
    _money_axis(ax, "y")
    tail = f" ({currency})" if currency else ""
    ax.set_xlabel(f"credited{tail}")
    ax.set_ylabel(f"paid{tail}")
    ax.set_title(f"What {plan_id} pays")
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=min(0.0, float(payout.min()) / unit))
    ax.grid(alpha=0.25)
    return ax


def payouts(
    names: list[str],
    earned: pd.DataFrame,
    places: int,
    *,
    currency: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what each rep earned, a bar for each, cut by period.

    Parameters
    ----------
    names : list of str
        Reps, from top to bottom.
    earned : DataFrame
        Minor units: a row for each rep, a column for each period.
    places : int
        Decimals of the currency.
    currency : str, optional
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import pandas as pd
    >>> payouts(["anna"], pd.DataFrame({"Q1": [2500]}), 2, currency="USD").get_xlabel()
    'earned (USD)'
    """
    ax = _display.axes(ax, (7.5, 1.2 + 0.28 * max(len(names), 3)))
    place = np.arange(len(names))
    unit = 10.0**places
    up, down = np.zeros(len(names)), np.zeros(len(names))
    shades = np.linspace(0.95, 0.35, max(len(earned.columns), 1))
    for period, shade in zip(earned.columns, shades.tolist(), strict=False):
        size = earned[period].to_numpy(dtype=float) / unit
        start = np.where(size >= 0, up, down)
        ax.barh(place, size, left=start, color=_LINE, alpha=shade, height=0.72, label=str(period))
        up, down = up + np.maximum(size, 0), down + np.minimum(size, 0)
    ax.set_yticks(place, names, fontsize=8)
    ax.margins(y=0.01)
    ax.invert_yaxis()
    _money_axis(ax, "x")
    ax.set_xlabel(f"earned ({currency})" if currency else "earned")
    ax.set_title("What each rep earned")
    if len(earned.columns) > 1:
        ax.legend(fontsize=8, frameon=False, loc="lower right")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _money_axis(ax: Axes, which: str) -> None:
    """Write thousands apart."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_formatter(
        lambda value, _: f"{value:,.0f}" if abs(value) >= 10 or value == 0 else f"{value:g}"
    )
