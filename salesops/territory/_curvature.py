"""How the softened dual bends at some prices: what Newton's method divides by."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from scipy import sparse

from salesops.territory._chunks import in_chunks
from salesops.territory._prices import FloatArray, IntArray
from salesops.territory._smooth import Smooth, Softened

SLIGHT = 1e-3
"""Parts of a lead below this, and leads that are torn by less, are left out."""


@attrs.frozen(kw_only=True, eq=False)
class Curvature:
    """How the softened dual bends: each torn lead adds the spread of its use over the reps who tear it.

    A lead with parts p at listed reps, and a part c at all the others, who tear it as their group's spread
    says, adds ``diag(q) - q q'`` times its uses over the temperature, q being both parts together.

    Attributes
    ----------
    own : ndarray of shape (R, d, d)
        The sums of q times two uses.
    beside : ndarray of shape (R, d)
        What bends along a price and the price of a move together, whose own bend is `keeping`.
    square : csr of shape (m, m)
        The sums of ``q q'``, by price (R * d of them), the price of a move if it has one, and, in place of
        the reps who are not listed, by group and use (G * d).
    spread : ndarray of shape (G, R)
    """

    own: FloatArray
    beside: FloatArray
    keeping: float
    square: sparse.csr_array[Any]
    spread: FloatArray
    scale: float

    @classmethod
    def of(cls, smooth: Smooth, x: FloatArray, heat: float, every: int) -> Curvature:
        """Look at prices at a temperature; every so many leads stand for all of them."""
        even, stay = smooth.split(x)
        groups = None if smooth.groups is None else smooth.groups.softened(even, heat)
        torn = _Torn.of(smooth, even, stay, heat, groups, every)
        d, n_reps = smooth.use.shape[0], smooth.instance.n_reps
        own, beside = np.empty((n_reps, d, d)), np.zeros((n_reps, d))
        group = np.empty(0, dtype=np.int64) if groups is None else groups.group[torn.lead]
        for k in range(d):
            for j in range(k, d):
                both = torn.use[:, k] * torn.use[:, j]
                own[:, k, j] = np.bincount(torn.rep, torn.share * both[torn.row], minlength=n_reps)
                if groups is not None:
                    each = np.bincount(group, torn.coldness * both, minlength=len(groups.part))
                    own[:, k, j] += groups.part.T @ each
                own[:, j, k] = own[:, k, j]
        n = len(torn.lead)
        columns = [_by_use(torn.share[:, None] * torn.use[torn.row], torn.row, torn.rep, n_reps, n)]
        keeping = 0.0
        if smooth.prices_moves and smooth.instance.current is not None:
            # The price of a move is what a lead's owner of today is paid: a price of use -1.
            owner = smooth.instance.current[torn.lead]
            for k in range(d):
                weight = -torn.keeps * torn.use[:, k]
                beside[:, k] = np.bincount(owner[owner >= 0], weight[owner >= 0], minlength=n_reps)
            keeping = float(torn.keeps.sum())
            columns.append(sparse.csr_array(-torn.keeps[:, None]))
        if groups is not None:
            cold = np.flatnonzero(torn.coldness > SLIGHT)
            weight = torn.coldness[cold, None] * torn.use[cold]
            columns.append(_by_use(weight, cold, group[cold], len(groups.part), n))
        listed: Any = sparse.hstack(columns).tocsr()
        return cls(
            own=own,
            beside=beside,
            keeping=keeping,
            square=listed.T.tocsr() @ listed,
            spread=np.zeros((0, n_reps)) if groups is None else groups.part,
            scale=heat * smooth.instance.n_leads / every,
        )

    def diagonal(self, n: int) -> FloatArray:
        """Give what bends along each of the n prices alone, or a little more."""
        own = np.append(np.diagonal(self.own, axis1=1, axis2=2).ravel(), self.keeping)
        return np.asarray(np.maximum((own[:n] - self.square.diagonal()[:n]) / self.scale, 0.0))

    def along(self, step: FloatArray) -> FloatArray:
        """Multiply by a step of all prices."""
        n_reps, d = self.own.shape[:2]
        prices, stay = step[: n_reps * d].reshape(n_reps, d), step[n_reps * d :]
        bent = np.einsum("rkj,rj->rk", self.own, prices)
        both = self.square @ np.append(step, self.spread @ prices)
        bent -= self.spread.T @ both[len(step) :].reshape(-1, d)
        moved = np.empty(0)
        if len(stay):
            bent += self.beside * stay
            moved = float((self.beside * prices).sum()) + self.keeping * stay
        return np.asarray((np.append(bent.ravel(), moved) - both[: len(step)]) / self.scale)


@attrs.frozen(kw_only=True, eq=False)
class _Torn:
    """Torn leads, and their parts at listed reps: (row of the lead, rep, share)."""

    lead: IntArray
    use: FloatArray
    coldness: FloatArray
    keeps: FloatArray
    row: IntArray
    rep: IntArray
    share: FloatArray

    @classmethod
    def of(
        cls, smooth: Smooth, even: FloatArray, stay: float, heat: float, groups: Softened | None, every: int
    ) -> _Torn:
        """Look for them among every so many leads."""

        def of_leads(piece: slice) -> tuple[Any, ...]:
            part = slice(piece.start, piece.stop, every)
            soft = smooth.soften(part, even, stay, heat, groups)
            torn = np.flatnonzero(soft.parts.max(axis=0, initial=0.0) < 1 - SLIGHT)
            shares = soft.parts[:, torn]
            place, row = np.nonzero(shares > SLIGHT)
            keeps = np.zeros(len(torn))
            if smooth.stays is not None:
                keeps = np.where(smooth.stays[:, part][:, torn], shares, 0.0).sum(axis=0)
            rep = soft.reps[place, torn[row]].astype(np.int64)
            return part.start + every * torn, soft.cold[torn], keeps, row, rep, shares[place, row]

        parts = in_chunks(of_leads, smooth.instance.n_leads)
        first = np.cumsum([0, *(len(part[0]) for part in parts)])
        lead = np.concatenate([part[0] for part in parts])
        return cls(
            lead=lead,
            use=smooth.use[:, lead].T,
            coldness=np.concatenate([part[1] for part in parts]),
            keeps=np.concatenate([part[2] for part in parts]),
            row=np.concatenate([part[3] + start for part, start in zip(parts, first[:-1], strict=True)]),
            rep=np.concatenate([part[4] for part in parts]),
            share=np.concatenate([part[5] for part in parts]),
        )


def _by_use(
    weight: FloatArray, row: IntArray, column: IntArray, n_columns: int, n_rows: int
) -> sparse.csr_array[Any]:
    """Lay weights of shape (m, d) out in d columns for each column."""
    d = weight.shape[1]
    place = np.repeat(row, d), (column[:, None] * d + np.arange(d)).ravel()
    return sparse.csr_array((weight.ravel(), place), shape=(n_rows, n_columns * d))
