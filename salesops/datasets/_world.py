"""A seeded world of reps, leads and ties, of any size."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _faults, _run
from salesops.datasets._tables import Tables
from salesops.errors import Problem, show

_DEGREE_EXPONENT = 2.5
_INSIDE = 0.8
_SPARE_CAPACITY = 0.1
_TIES_PER_PERSON = 10
_PLANTED_ROUNDS = 12
_DENSEST = 4

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@attrs.frozen(kw_only=True, repr=False, eq=False)
class TerritoryWorld(Tables):
    """The tables of :func:`make_territory`.

    Parameters
    ----------
    reps : pandas.DataFrame
        ``rep_id``, ``capacity``, ``community``; a rep is the person of the same id.
    leads : pandas.DataFrame
        ``lead_id``, ``value``, ``workload``, ``community``; a lead is the person of the same id.
    ties : pandas.DataFrame
        ``source``, ``target``, ``weight``; undirected, each pair once, source below target.

    Examples
    --------
    >>> make_territory(n_leads=200, n_reps=4, n_ties=1000, rng=7)
    TerritoryWorld(reps=4 rows, leads=200 rows, ties=1,000 rows)
    """

    reps: pd.DataFrame
    leads: pd.DataFrame
    ties: pd.DataFrame

    _title: ClassVar[str] = "A seeded world of reps, leads and ties"


def make_territory(
    *, n_leads: int = 1_000, n_reps: int = 20, n_ties: int | None = None, rng: _run.RngLike = None
) -> TerritoryWorld:
    """Make a world of reps and leads who know each other the way people do.

    A few know very many, most know few, and most ties stay inside a community. Nothing is fitted to a real
    company: use it to test, to teach and to measure speed at any size.

    Parameters
    ----------
    n_leads : int, default 1000
        Number of leads, 1 or more.
    n_reps : int, default 20
        Number of reps, 1 or more.
    n_ties : int, optional
        Number of distinct ties; at most a quarter of all pairs. By default 10 per person, or that quarter
        where it is less.
    rng : int, numpy.random.Generator or SeedSequence, optional
        Where chance comes from; the same number gives the same world.

    Returns
    -------
    TerritoryWorld
        Reps are the people 0 to n_reps - 1, leads the people after them. Capacities are equal and add up to
        at least 1.1 times the leads; values are whole and heavy-tailed; every workload is 1.

    Raises
    ------
    InvalidInput
        If a number is not whole, below 1, or there are too few pairs for the ties.

    Notes
    -----
    Each person has a sociability drawn from a Pareto law whose degrees fall with exponent 2.5, cut at the
    square root of the number of people, and belongs to one of about ``sqrt(people) / 2`` communities of
    uneven size. Both ends of a tie are drawn in proportion to sociability, the second one inside the first
    one's community four times in five (a degree-corrected planted partition). Repeated pairs and ties to
    oneself are drawn again, so dense communities fill up and the share inside falls. Weights are log-normal
    around 1. Some people may have no tie, as in life. Time and memory grow as ``n_ties`` (times its
    logarithm).

    References
    ----------
    Karrer, B. and Newman, M. E. J. (2011). Stochastic blockmodels and community structure in networks.

    Examples
    --------
    >>> world = make_territory(n_leads=300, n_reps=5, rng=1)
    >>> int(world.reps["capacity"].sum()), len(world.ties)
    (330, 3050)
    """
    n_pairs = _check(n_leads, n_reps, n_ties)
    chance = _run.generator(rng)
    n_people = n_leads + n_reps
    wanted = min(_TIES_PER_PERSON * n_people, n_pairs // _DENSEST) if n_ties is None else n_ties
    community = _communities(n_people, chance)
    source, target = _pairs(wanted, community, _sociability(n_people, chance), chance)
    person = np.arange(n_people)
    capacity = -(-int(np.ceil(n_leads * (1 + _SPARE_CAPACITY))) // n_reps)
    return TerritoryWorld(
        reps=pd.DataFrame({"rep_id": person[:n_reps], "capacity": capacity, "community": community[:n_reps]}),
        leads=pd.DataFrame(
            {
                "lead_id": person[n_reps:],
                "value": np.ceil(1000 * chance.lognormal(0.0, 1.0, n_leads)).astype(np.int64),
                "workload": 1,
                "community": community[n_reps:],
            }
        ),
        ties=pd.DataFrame({"source": source, "target": target, "weight": chance.lognormal(0.0, 0.5, wanted)}),
    )


def _check(n_leads: Any, n_reps: Any, n_ties: Any) -> int:
    """Refuse impossible sizes, all at once; return the number of pairs of people."""
    sizes = {"n_leads": n_leads, "n_reps": n_reps} | ({} if n_ties is None else {"n_ties": n_ties})
    problems = [
        Problem(path=name, message="is a whole number, 1 or more", values=(show(size),))
        for name, size in sizes.items()
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1
    ]
    _faults.raise_all("make_territory", problems)
    n_people = int(n_leads) + int(n_reps)
    n_pairs = n_people * (n_people - 1) // 2
    if n_ties is not None and n_ties > n_pairs // _DENSEST:
        raise _faults.refuse(
            "n_ties",
            "at most a quarter of all pairs of people may be tied",
            n_ties,
            hint="ask for fewer ties or for more leads",
        )
    return n_pairs


def _communities(n_people: int, chance: np.random.Generator) -> IntArray:
    """Give every person a community; sizes are uneven."""
    n_communities = max(1, int(np.sqrt(n_people) / 2))
    share = chance.dirichlet(np.full(n_communities, 2.0))
    return chance.choice(n_communities, size=n_people, p=share).astype(np.int64)


def _sociability(n_people: int, chance: np.random.Generator) -> FloatArray:
    """Draw how often each person is an end of a tie, relative to the least sociable."""
    return np.minimum(1 + chance.pareto(_DEGREE_EXPONENT - 1, n_people), np.sqrt(n_people))


def _pairs(
    wanted: int, community: IntArray, sociability: FloatArray, chance: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Draw distinct pairs until there are as many as wanted.

    People stand in community order, so that a community is one stretch of the cumulative sociability and
    an end inside it is one binary search. A crowded world is filled up with even-handed pairs at the end.
    """
    n_people = len(community)
    order = np.argsort(community, kind="stable")
    ladder = np.concatenate([[0.0], np.cumsum(sociability[order])])
    first = np.searchsorted(community[order], np.arange(community.max() + 2))
    inside_from, inside_to = ladder[first[:-1]], ladder[first[1:]]
    keys = np.empty(0, dtype=np.int64)
    for turn in itertools.count():
        missing = wanted - len(keys)
        if missing <= 0:
            break
        size = missing + missing // 4 + 16
        if turn < _PLANTED_ROUNDS:
            one = _draw(ladder, np.zeros(size), np.full(size, ladder[-1]), chance)
            group = community[order[one]]
            stays = chance.random(size) < _INSIDE
            low = np.where(stays, inside_from[group], 0.0)
            high = np.where(stays, inside_to[group], ladder[-1])
            two = _draw(ladder, low, high, chance)
        else:
            one, two = chance.integers(0, n_people, (2, size))
        a, b = order[one], order[two]
        drawn = np.minimum(a, b) * n_people + np.maximum(a, b)
        fresh = np.sort(drawn[a != b])
        fresh = fresh[np.diff(fresh, prepend=-1) > 0]
        fresh = fresh[~_among(fresh, keys)]
        if len(fresh) > missing:
            fresh = np.sort(chance.choice(fresh, missing, replace=False, shuffle=False))
        keys = np.sort(np.concatenate([keys, fresh]), kind="stable")
    return keys // n_people, keys % n_people


def _draw(ladder: FloatArray, low: FloatArray, high: FloatArray, chance: np.random.Generator) -> IntArray:
    """Draw one position per stretch of the ladder, in proportion to the steps."""
    height = low + (high - low) * chance.random(len(low))
    return np.clip(np.searchsorted(ladder, height, side="right") - 1, 0, len(ladder) - 2)


def _among(values: IntArray, ladder: IntArray) -> npt.NDArray[np.bool_]:
    """Tell which values stand in a sorted array."""
    if not len(ladder):
        return np.zeros(len(values), dtype=bool)
    found: npt.NDArray[np.bool_] = (
        ladder[np.minimum(np.searchsorted(ladder, values), len(ladder) - 1)] == values
    )
    return found
