"""How near two people are on the map: a measure beside those of the network, and a radius."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._faults import check_choice, raise_all, refuse
from salesops._frames import id_column
from salesops.errors import Problem
from salesops.territory import _sphere
from salesops.territory._checks import is_number, is_positive
from salesops.territory.inputs import Rows, read_rows, tables

__all__ = ["Geography", "too_far"]

FloatArray = npt.NDArray[np.float64]
Missing = Literal["refuse", "nowhere"]

_MOST_PAIRS = 10_000_000
_ROWS = 1 << 14


def _radius(instance: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
    if value is not None:
        is_number(instance, attribute, value)
        is_positive(instance, attribute, value)


def _missing(_: object, __: attrs.Attribute[Any], value: object) -> None:
    check_choice("Geography.missing", value, ("refuse", "nowhere"))


@attrs.frozen(kw_only=True)
class Geography:
    r"""Geography: how near the rep is to the lead on the globe.

    Reps and leads have columns ``latitude`` and ``longitude``, in degrees. The score is 1 at the same place
    and is halved by every `half_distance`. It says nothing of who knows whom: in a :class:`Blend` it is one
    more measure with a weight of its own, and with `within` it is a radius.

    Parameters
    ----------
    half_distance : float, default 50.0
        Kilometres that halve the score.
    within : float or None, default None
        Kilometres beyond which the score is 0, in a blend as well, whatever else the pair scores there. With
        ``fallback="none"`` in :func:`assign` no lead then goes to a rep who is farther away;
        :func:`too_far` makes the same rule of a plan that lets leads go to reps without a connection.
    missing : {"refuse", "nowhere"}, default "refuse"
        What becomes of a rep or lead without coordinates: "refuse" names it in an error, "nowhere" takes it
        to be far from everybody.

    Notes
    -----
    :math:`2^{-d / \text{half\_distance}}`, d the great-circle distance on a sphere of 6,371.0088 km, which
    is within 0.6 % of that on the ellipsoid. The nearest reps of each lead are looked up in a k-d tree of
    unit vectors, in time that grows as the number of leads times the logarithm of that of the reps; the
    floor is exact.

    References
    ----------
    J. L. Bentley (1975), "Multidimensional binary search trees used for associative searching".
    R. W. Sinnott (1984), "Virtues of the haversine".

    Examples
    --------
    >>> from salesops import territory
    >>> reps = {"rep_id": ["ann", "bo"], "latitude": [52.52, 48.14], "longitude": [13.41, 11.58]}
    >>> leads = {"lead_id": ["acme"], "latitude": [50.94], "longitude": [6.96]}
    >>> near = territory.proximity(None, reps, leads, method=territory.Geography(half_distance=200))
    >>> near.to_frame().round(3)
      rep_id lead_id  score  rank
    0     bo    acme  0.206     1
    1    ann    acme  0.191     2
    >>> blend = territory.Blend(
    ...     measures=["random_walk", territory.Geography(within=300)], weights=[1, 0.2], scales=[1e-3, 1]
    ... )
    """

    kind: ClassVar[str] = "geography"
    half_distance: float = attrs.field(default=50.0, validator=[is_number, is_positive])
    within: float | None = attrs.field(default=None, validator=_radius)
    missing: Missing = attrs.field(default="refuse", validator=_missing)


def read_place(rows: Rows, missing: Missing, faults: list[Problem]) -> FloatArray:
    """Read where each row is as unit vectors in label order; NaN for nowhere."""
    nothing = np.nan if missing == "nowhere" else None
    hint = "Geography(missing='nowhere') takes whoever has no place to be far from everybody"
    where = [
        rows.table.numbers(
            name, minimum=-most, maximum=most, missing=nothing, hint=None if nothing is not None else hint
        )
        for name, most in (("latitude", 90.0), ("longitude", 180.0))
    ]
    if missing == "nowhere" and not faults:
        half = np.isnan(where[0]) != np.isnan(where[1])
        rows.table.fault("latitude", half, "a place has both a latitude and a longitude, or neither")
    return _sphere.vectors(rows.column(where[0]), rows.column(where[1]))


def too_far(
    reps: object,
    leads: object,
    *,
    within: float,
    missing: Missing = "refuse",
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """List the pairs of a rep and a lead that are farther apart than a radius, to forbid them.

    Parameters
    ----------
    reps, leads : table
        ``rep_id`` and ``lead_id``, each with ``latitude`` and ``longitude`` in degrees.
    within : float
        The radius in kilometres.
    missing : {"refuse", "nowhere"}, default "refuse"
        As for :class:`Geography`; who is nowhere is too far from everybody.
    columns : mapping, optional
        ``{"name in your table": "name above"}``.

    Returns
    -------
    DataFrame
        ``lead_id``, ``rep_id``, in label order: what ``forbidden`` of :func:`assign` takes.

    Raises
    ------
    InvalidInput
        With every fault of the tables, or if there are more than 10 million pairs in all.

    Examples
    --------
    >>> from salesops import territory
    >>> reps = {"rep_id": ["ann", "bo"], "latitude": [52.52, 48.14], "longitude": [13.41, 11.58]}
    >>> leads = {"lead_id": ["acme"], "latitude": [52.4], "longitude": [13.06]}
    >>> territory.too_far(reps, leads, within=100)
      lead_id rep_id
    0    acme     bo
    """
    check_choice("missing", missing, ("refuse", "nowhere"))
    if isinstance(within, bool) or not isinstance(within, (int, float)) or not 0 < within < np.inf:
        raise refuse("within", "must be a finite number above 0", within)
    faults: list[Problem] = []
    frames = tables(columns, reps=reps, leads=leads)
    of_reps = read_rows(frames["reps"], "reps", "rep_id", faults)
    of_leads = read_rows(frames["leads"], "leads", "lead_id", faults)
    here, there = read_place(of_reps, missing, faults), read_place(of_leads, missing, faults)
    size = len(here) * len(there)
    if size > _MOST_PAIRS:
        hint = "measure proximity with Geography(within=...), and assign with fallback='none'"
        rule = "are at most 10 million pairs"
        faults.append(Problem(path="reps, leads", message=rule, values=(f"{size:,}",), hint=hint))
    raise_all("too_far", faults)
    lead, rep = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for first in range(0, len(there), _ROWS):
        far = np.nonzero(_sphere.every_pair(there[first : first + _ROWS], here) > within)
        lead.append(far[0] + first)
        rep.append(far[1])
    return pd.DataFrame(
        {
            "lead_id": id_column(of_leads.labels.values[np.concatenate(lead)]),
            "rep_id": id_column(of_reps.labels.values[np.concatenate(rep)]),
        }
    )
