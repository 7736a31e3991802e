"""Reps taken together as teams: their tables united, and what the kept pairs of a team score."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._frames import Ids, Labels, Reader, id_column
from salesops.territory import _kernels
from salesops.territory._eligible import distinct_sets
from salesops.territory._prices import FloatArray, IntArray
from salesops.territory.inputs import Rows, column_of
from salesops.territory.results import Proximity


def read_teams(reps: Rows, team: str) -> tuple[Labels, IntArray]:
    """Read the team of each rep, in label order of the reps."""
    column = reps.table.ids(team)
    labels = Labels.of(column)
    return labels, reps.column(labels.codes(column))


def united_table(reps: Rows, teams: Labels, team_of: IntArray, united: list[str]) -> pd.DataFrame:
    """Make the table of teams: capacities, shares and limits added up, skills and the like united."""
    table, n = reps.table, len(teams)
    columns: dict[str, Any] = {"rep_id": id_column(teams.values)}
    if table.has("capacity"):
        columns["capacity"] = _added(reps, team_of, n, table.numbers("capacity", minimum=0))
    columns["share"] = _added(reps, team_of, n, table.numbers("share", minimum=0, default=1))
    for name in _limits(table):
        # One member without a limit leaves the team without one; without a least amount she adds nothing.
        nothing = np.inf if name.endswith("_max") else 0.0
        total = _added(reps, team_of, n, table.numbers(name, minimum=0, missing=nothing))
        columns[name] = np.where(np.isfinite(total), total, np.nan)
    for name in united:
        sets, code = distinct_sets(table, name, is_many=True)
        theirs: list[set[Any]] = [set() for _ in range(n)]
        for team, k in zip(team_of.tolist(), reps.column(code).tolist(), strict=True):
            if team >= 0:
                theirs[team] |= sets[k]
        cells = [
            tuple(value for _, value in sorted(each, key=lambda key: (key[0], repr(key[1]))))
            for each in theirs
        ]
        columns[name] = pd.Series(column_of(cells), dtype=object)
    columns["n_reps"] = np.bincount(team_of[team_of >= 0], minlength=n)
    return pd.DataFrame(columns)


def _limits(table: Reader) -> list[str]:
    names = [str(name) for name in table.frame.columns]
    return sorted(name for name in names if name.endswith(("_min", "_max")))


def _added(reps: Rows, team_of: IntArray, n: int, amount: FloatArray) -> FloatArray:
    known = team_of >= 0
    return np.asarray(
        np.bincount(team_of[known], weights=reps.column(amount)[known], minlength=n), dtype=float
    )


def united_proximity(
    prox: Proximity, teams: Labels, team_of: npt.NDArray[np.int64], combine: str
) -> Proximity:
    """Combine the kept pairs of each team's members; `team_of` gives the team of each rep, -1 for none."""
    lead = np.repeat(np.arange(prox.n_leads), np.diff(prox.starts))
    team = team_of[prox.reps]
    inside = np.flatnonzero(team >= 0)
    # The pairs of a lead come best first, so that the first of each team is her nearest member.
    order = inside[np.lexsort((inside, team[inside], lead[inside]))]
    lead, team, score = lead[order], team[order], prox.scores[order]
    first = np.flatnonzero((np.diff(lead, prepend=-1) != 0) | (np.diff(team, prepend=-1) != 0))
    if not len(first):
        total = np.zeros(0)
    elif combine == "max":
        total = score[first]
    else:
        total = np.add.reduceat(score, first)
        if combine == "mean":
            total = total / np.bincount(team_of[team_of >= 0], minlength=len(teams))[team[first]]
        total = _kernels.rounded(total)
    lead, team, nearest = lead[first], team[first], prox.reps[order][first]
    rank = np.lexsort((team, -total, lead))
    starts = np.zeros(prox.n_leads + 1, dtype=np.int64)
    np.cumsum(np.bincount(lead, minlength=prox.n_leads), out=starts[1:])
    through = prox.persons[nearest] if prox.through is None else prox.through[order][first]
    error = np.zeros(len(teams))
    (np.maximum if combine == "max" else np.add).at(error, team_of[team_of >= 0], prox.error[team_of >= 0])
    return attrs.evolve(
        prox,
        rep_labels=teams,
        starts=starts,
        reps=team[rank].astype(np.int32),
        scores=total[rank],
        # What the members who were not kept would add is left out by definition, except from a maximum.
        floor=prox.floor if combine == "max" else np.zeros(prox.n_leads),
        error=error,
        persons=np.full(len(teams), -1, dtype=np.int64),
        through=through[rank],
    )


def ids_of(labels: Labels) -> Ids:
    """Give labels as a column of ids."""
    return Ids(np.arange(len(labels)), labels.values)
