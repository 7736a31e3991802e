"""Leads taken together that some rules cannot tell apart, and the rows of a programme over them."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from scipy import sparse

from salesops.territory._prices import FloatArray, IntArray
from salesops.territory._rules import Mask, System


@attrs.frozen(kw_only=True, eq=False)
class Classes:
    """Leads of a system by what they use and where they may go: c classes, m reps with limits.

    A lead that may also go to a rep without limits, or need not have an owner, is at home "outside": only
    what it must keep clear of, or help to fill, matters.

    Attributes
    ----------
    reps : ndarray of shape (m,)
        The reps with limits.
    leads, kind : ndarray
        The leads that matter, and the class of each.
    first, count : ndarray of shape (c,)
        A lead of each class, and how many leads it has.
    outside : ndarray of bool, shape (c,)
    fits : ndarray of bool, shape (c, m + 1)
        Where a class may go: to each rep with limits, and last to stay with a rep without any.
    home : ndarray of shape (c,)
        The place in `fits` that is no move, -1 for none; only where moves are limited.
    """

    system: System
    reps: IntArray
    leads: IntArray
    kind: IntArray
    first: IntArray
    count: IntArray
    outside: Mask
    fits: Mask
    home: IntArray

    @classmethod
    def of(cls, system: System) -> Classes:
        """Take the leads of a system together."""
        reps = np.flatnonzero(system.is_limited)
        free, m = ~system.is_limited, len(reps)
        outside = (system.allowed & free).any(axis=1) | ~system.must
        home = _homes(system, reps)
        fits = np.concatenate([system.allowed[:, reps], (home == m)[:, None]], axis=1)
        # At home outside, a lead goes to a rep with limits to fill her, or to stay.
        fills = np.append((system.lower[reps] > 0).any(axis=1), True)
        idle = outside[:, None] & ~fills
        idle[np.flatnonzero(home >= 0), home[home >= 0]] = False
        fits &= ~idle
        leads = np.flatnonzero(fits.any(axis=1))
        table = np.concatenate(
            [
                np.ascontiguousarray(system.use[leads]).view(np.uint8),
                np.packbits(np.column_stack([fits[leads], outside[leads]]), axis=1),
                home[leads, None].astype(np.int64).view(np.uint8),
            ],
            axis=1,
        )
        rows = np.ascontiguousarray(table).view(np.dtype((np.void, table.shape[1]))).ravel()
        _, first, kind, count = np.unique(rows, return_index=True, return_inverse=True, return_counts=True)
        return cls(
            system=system,
            reps=reps,
            leads=leads,
            kind=kind.ravel().astype(np.int64),
            first=leads[first],
            count=count.astype(np.int64),
            outside=outside[leads[first]],
            fits=fits[leads[first]],
            home=home[leads[first]],
        )

    @property
    def use(self) -> FloatArray:
        """What a lead of each class uses, shape (c, d)."""
        return np.asarray(self.system.use[self.first])

    @property
    def unit(self) -> FloatArray:
        """The largest use of each resource, in which programmes count."""
        most = self.use.max(axis=0, initial=0.0)
        return np.where(most > 0, most, 1.0)

    def once(self, row: IntArray) -> sparse.csr_array[Any]:
        """Count the leads of each class that go anywhere, for columns of the classes `row`."""
        n = len(row)
        return sparse.csr_array((np.ones(n), (row, np.arange(n))), shape=(len(self.first), n))

    def limits(self, row: IntArray, column: IntArray) -> tuple[sparse.csr_array[Any], FloatArray, IntArray]:
        """Write the limits as rows ``matrix @ x <= right``, in units, the limit of moves last.

        The third array names the rows: position of the rep, resource, and 1 for a limit from above or -1 for
        one from below.
        """
        system, n, m, unit = self.system, len(row), len(self.reps), self.unit
        parts: list[Any] = [sparse.csr_array((0, n))]
        right, names = [np.empty(0)], [np.empty((0, 3), dtype=np.int64)]
        for k in range(system.use.shape[1]):
            use = np.where(column < m, self.use[row, k] / unit[k], 0.0)
            part = sparse.csr_array((use, (column, np.arange(n))), shape=(m + 1, n))
            for limit, sign in ((system.upper, 1), (system.lower, -1)):
                has = np.flatnonzero(np.isfinite(limit[self.reps, k]))
                parts.append(sign * part[has])
                right.append(sign * limit[self.reps[has], k] / unit[k])
                names.append(np.stack([has, np.full(len(has), k), np.full(len(has), sign)], axis=1))
        if np.isfinite(system.max_moves):
            parts.append(-sparse.csr_array((column == self.home[row])[None].astype(float)))
            right.append(np.array([system.max_moves - (system.today >= 0).sum()]))
        return sparse.vstack(parts).tocsr(), np.concatenate(right), np.concatenate(names)

    def owners(self, row: IntArray, column: IntArray, amount: IntArray) -> IntArray:
        """Send so many leads of each class to each place, the others to a rep without limits or to nobody."""
        system = self.system
        owner = np.full(len(system.use), -1, dtype=np.int64)
        away = system.allowed & ~system.is_limited
        rest = np.flatnonzero(away.any(axis=1) & system.must)
        owner[rest] = away[rest].argmax(axis=1)
        order = np.argsort(self.kind, kind="stable")
        place = np.concatenate([[0], np.cumsum(self.count)])[:-1]
        for c, at, share in zip(row.tolist(), column.tolist(), amount.tolist(), strict=True):
            leads = self.leads[order[place[c] : place[c] + share]]
            owner[leads] = system.today[leads] if at == len(self.reps) else self.reps[at]
            place[c] += share
        return owner


def _homes(system: System, reps: IntArray) -> IntArray:
    """Give the place of each lead that is no move: a position in reps, or behind them all; -1 for none."""
    home = np.full(len(system.use), -1, dtype=np.int64)
    if np.isfinite(system.max_moves):
        place = np.full(len(system.upper), len(reps), dtype=np.int64)
        place[reps] = np.arange(len(reps))
        home[system.may_stay] = place[system.today[system.may_stay]]
    return home
