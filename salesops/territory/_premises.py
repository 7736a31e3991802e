"""What a plan was asked to keep, and what edits have changed since it was drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt

from salesops.errors import Problem
from salesops.territory._pairs import Scores
from salesops.territory._prices import FloatArray, IntArray
from salesops.territory._task import Task

TOUCHED = ("owner", "reason", "score", "proximity", "work", "runner_up", "runner_up_score", "hops")
"""What a plan says of a lead that depends on its owner; "work" is the first column of ``use``."""


@attrs.frozen(kw_only=True, eq=False)
class Premises:
    """Rules of a plan that stand beside the limits of its reps, for n leads.

    Attributes
    ----------
    locked : ndarray of shape (n,)
        The rep that each lead is locked to, or -1.
    forbidden : ndarray of shape (m, 2)
        Pairs (lead, rep).
    require_all : bool
    max_moves : float
        Infinite without a limit.
    own_work : ndarray of shape (n,), or None
        Workload of each lead where that of a pair may differ.
    is_scored : bool
        Whether the plan was made from a table of scores, not from value times proximity.
    pairs : Scores or None
        That table; not part of a document.
    """

    locked: IntArray
    forbidden: IntArray
    require_all: bool
    max_moves: float
    own_work: FloatArray | None
    is_scored: bool
    pairs: Scores | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all but the table of scores as plain JSON types."""
        held = np.flatnonzero(self.locked >= 0)
        return {
            "locked": np.stack([held, self.locked[held]], axis=1).tolist(),
            "forbidden": self.forbidden.tolist(),
            "require_all": self.require_all,
            "max_moves": self.max_moves if np.isfinite(self.max_moves) else None,
            "own_work": None if self.own_work is None else self.own_work.tolist(),
            "is_scored": self.is_scored,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], n_leads: int) -> Self:
        """Read what :meth:`to_dict` wrote."""
        locked = np.full(n_leads, -1, dtype=np.int64)
        for lead, rep in document["locked"]:
            locked[lead] = rep
        most, work = document["max_moves"], document["own_work"]
        return cls(
            locked=locked,
            forbidden=np.array(document["forbidden"], dtype=np.int64).reshape(-1, 2),
            require_all=bool(document["require_all"]),
            max_moves=np.inf if most is None else float(most),
            own_work=None if work is None else np.array(work, dtype=np.float64),
            is_scored=bool(document["is_scored"]),
        )

    def without_rep(self, gone: int) -> Self:
        """Leave a rep out: her locks and bans go with her, and who stands behind her moves up."""
        locked = np.where(self.locked == gone, -1, self.locked - (self.locked > gone))
        bans = self.forbidden[self.forbidden[:, 1] != gone].copy()
        bans[:, 1] -= bans[:, 1] > gone
        return attrs.evolve(self, locked=locked, forbidden=bans)


def premises_of(task: Task) -> Premises:
    """Keep of an assignment what tells whether another plan would keep its rules."""
    return Premises(
        locked=task.locked,
        forbidden=task.forbidden,
        require_all=task.require_all,
        max_moves=task.max_moves,
        own_work=None if task.pair_work is None else task.own_work,
        is_scored=task.scored is not None,
        pairs=task.scored,
    )


@attrs.frozen(kw_only=True, eq=False)
class Edits:
    """How an edited plan was drawn: enough to take every edit back.

    Attributes
    ----------
    leads : ndarray of shape (m,)
        The leads whose owner is another one than the plan was drawn with, in rising order.
    drawn : mapping of str to ndarray of shape (m,)
        What the plan said of them; see :data:`TOUCHED`.
    gap, no_gap_reason, violations
        What the plan said of itself.
    """

    leads: IntArray
    drawn: Mapping[str, npt.NDArray[Any]]
    gap: float | None
    no_gap_reason: str | None
    violations: tuple[Problem, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON types."""
        return {
            "leads": self.leads.tolist(),
            "drawn": {name: values.tolist() for name, values in self.drawn.items()},
            "gap": self.gap,
            "no_gap_reason": self.no_gap_reason,
            "violations": [violation.to_dict() for violation in self.violations],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` wrote."""
        kinds: dict[str, Any] = {"owner": np.int64, "reason": object, "runner_up": np.int32, "hops": np.int8}
        return cls(
            leads=np.array(document["leads"], dtype=np.int64),
            drawn={
                name: np.array(values, dtype=kinds.get(name, np.float64))
                for name, values in document["drawn"].items()
            },
            gap=document["gap"],
            no_gap_reason=document["no_gap_reason"],
            violations=tuple(Problem(**violation) for violation in document["violations"]),
        )
