"""Limits as they are asked for: bands around fair shares, and the reps' own."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from salesops._faults import refuse
from salesops.errors import Problem, show
from salesops.territory._prices import FloatArray
from salesops.territory.inputs import Rows

Band = float | tuple[float, float] | None
"""How far a rep may be from her fair share: the same on both sides, (below, above), or anything."""


@attrs.frozen(kw_only=True, eq=False)
class Bounds:
    """One reason for a limit of one quantity, for every rep; infinite where it sets none.

    Attributes
    ----------
    path : str
        Where it stands: ``reps.capacity``, ``balance.value``, ``reps.value_min`` ...
    resource : int
    is_upper : bool
    amount : ndarray of shape (R,)
    """

    path: str
    resource: int
    is_upper: bool
    amount: FloatArray


def own_limits(reps: Rows, quantities: tuple[str, ...]) -> list[Bounds]:
    """Read the reps' own limits of a quantity: columns such as ``value_min`` and ``value_max``."""
    found = []
    for k, name in enumerate(quantities):
        sides = {}
        for side, nothing in (("min", -np.inf), ("max", np.inf)):
            column = f"{name}_{side}"
            if reps.table.has(column):
                sides[side] = reps.table.numbers(column, minimum=0, default=nothing, missing=nothing)
                found.append(
                    Bounds(path=f"reps.{column}", resource=k, is_upper=side == "max", amount=sides[side])
                )
        if len(sides) == 2:
            message = f"is below {name}_min of the same rep"
            reps.table.fault(f"{name}_max", sides["min"] > sides["max"], message)
    return found


def read_bands(balance: object, faults: list[Problem]) -> dict[str, Band]:
    if balance is None:
        return {}
    if not isinstance(balance, Mapping):
        hint = 'write balance={"value": 0.1}'
        raise refuse("balance", "is not a mapping of a column to its band", balance, hint=hint)
    bands: dict[str, Band] = {}
    for name, band in balance.items():
        sides = band if isinstance(band, (tuple, list)) else (band, band)
        fit = band is None or (len(sides) == 2 and all(map(_is_share, sides)))
        if not fit or not isinstance(name, str):
            faults.append(
                Problem(
                    path="balance",
                    message="names a column and its band, a finite number of 0 or more",
                    values=(f"{show(name)}: {show(band)}",),
                    hint="0.1 keeps every rep within 10 % of her fair share; a pair is (below, above); None "
                    "sets no band",
                )
            )
        elif band is None or len(set(sides)) == 1:
            bands[name] = None if band is None else float(sides[0])
        else:
            bands[name] = (float(sides[0]), float(sides[1]))
    return bands


def _is_share(part: object) -> bool:
    return isinstance(part, (int, float)) and not isinstance(part, bool) and 0 <= part < float("inf")
