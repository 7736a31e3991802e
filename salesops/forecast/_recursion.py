"""Probability of being won by the horizon: backwards day by day, from the last one.

Letters: ``V[s, a]`` chance of a win by the horizon for a deal that has been in stage s for a days; ``w``,
``l``, ``m`` hazards of a win, of another end, of a move; ``U[t, s]`` the same for one that enters
stage s on day t.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def entry_values(win: Floats, lost: Floats, move: Floats, target: Floats, calendar: Floats) -> Floats:
    """Give the chance of a win by the horizon for a deal that enters a stage at the end of a day.

    Parameters: `win`, `lost`, `move` hazards of shape (lanes, n_stages, n_ages) at ages 1..n_ages; `target`
    (n_stages, n_stages) where moves go; `calendar` (lanes, H, 3) factors on them on days 1..H.
    Returns shape (lanes, H + 1, n_stages).
    """
    lanes, n_stages, n_ages = win.shape
    horizon = calendar.shape[1]
    value = np.zeros((lanes, n_stages, n_ages + 1))
    entry = np.zeros((lanes, horizon + 1, n_stages))
    for day in range(horizon, 0, -1):
        factor = calendar[:, day - 1, :, None, None]
        w, m = win * factor[:, 0], move * factor[:, 2]
        total = w + m + lost * factor[:, 1]
        leaves = -np.expm1(-total)
        share = np.divide(leaves, total, out=np.ones_like(total), where=total > 0.0)
        onward = entry[:, day] @ target.T
        stays = value[:, :, 1:]
        value[:, :, :-1] = share * (w + m * onward[:, :, None]) + (1.0 - leaves) * stays
        value[:, :, -1] = value[:, :, -2]
        entry[:, day - 1] = value[:, :, 0]
    return entry


def stay_values(win: Floats, lost: Floats, move: Floats, onward: Floats) -> Floats:
    """Give the chance of a win by the horizon for deals in the middle of a stage.

    All of shape (n_deals, H): hazards on days 1..H, and the value of a move on each day.
    """
    total = win + lost + move
    leaves = -np.expm1(-total)
    share = np.divide(leaves, total, out=np.ones_like(total), where=total > 0.0)
    value = np.zeros(len(win))
    for day in range(win.shape[1] - 1, -1, -1):
        value = share[:, day] * (win[:, day] + move[:, day] * onward[:, day]) + (1.0 - leaves[:, day]) * value
    return value
