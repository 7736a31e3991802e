"""A sum of deal outcomes and new business: its moments, its law, and the same without one deal."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops.forecast import _inversion
from salesops.forecast._inversion import Law

Floats = npt.NDArray[np.floating[Any]]
Complexes = npt.NDArray[np.complex128]
Ints = npt.NDArray[np.int64]

_ENUMERATED = 22
_ATOMS = 1 << 15
_LATTICE = 1 << 17
_POINTS = 1 << 14
_CENTS = 100.0
_SMOOTH = 1e-10
_SINGULAR = 0.02
_MIXED = 512
_SHARP = 0.004


@attrs.frozen(kw_only=True, eq=False)
class Draws:
    """Amounts that are not known yet: what they may be, and how likely each is."""

    values: Floats
    weights: Floats

    @property
    def mean(self) -> float:
        return float(self.weights @ self.values)

    @property
    def square(self) -> float:
        return float(self.weights @ (self.values * self.values))


@attrs.frozen(kw_only=True, eq=False)
class Sum:
    """Independent deals of known amounts (p, a), deals of unknown ones, and new business.

    `groups` are (probabilities, Draws), deals whose amount is drawn when they are won; `new` is (rate,
    Draws), a Poisson number of wins whose amounts are drawn. `transform` is known where one deal was taken
    out; `points` is how finely amounts are placed that have no lattice.
    """

    p: Floats
    a: Floats
    groups: tuple[tuple[Floats, Draws], ...] = ()
    new: tuple[float, Draws] | None = None
    transform: Transform | None = None
    points: int = _POINTS

    @property
    def mean(self) -> float:
        whole = float(self.p @ self.a)
        whole += sum(float(p.sum()) * draws.mean for p, draws in self.groups)
        return whole + (self.new[0] * self.new[1].mean if self.new else 0.0)

    @property
    def variance(self) -> float:
        spread = float((self.p * (1.0 - self.p)) @ (self.a * self.a))
        for p, draws in self.groups:
            spread += float(p.sum()) * draws.square - float(p @ p) * draws.mean**2
        return spread + (self.new[0] * self.new[1].square if self.new else 0.0)

    @cached_property
    def law(self) -> Law:
        return self.solved[0]

    @cached_property
    def uncertain(self) -> npt.NDArray[np.bool_]:
        return np.asarray((self.p > 0.0) & (self.p < 1.0) & (self.a > 0.0))

    @cached_property
    def certain(self) -> float:
        return float(self.a[self.p >= 1.0].sum())

    @cached_property
    def solved(self) -> tuple[Law, Transform | None]:
        if self.transform is not None:
            return self.transform.law(self.certain), self.transform
        p, a = self.p[self.uncertain], self.a[self.uncertain]
        if not self.groups and self.new is None:
            if not len(p):
                point = np.array([self.certain])
                return Law(points=point, cumulative=np.ones(1), is_step=True), None
            if len(p) <= _ENUMERATED:
                law = _inversion.enumerate_sum(p, a, _ATOMS)
                if law is not None:
                    return attrs.evolve(law, points=law.points + self.certain), None
        transform = Transform.of(p, a, self.groups, self.new, self.points)
        return transform.law(self.certain), transform

    def without(self, place: int) -> Sum:
        """Take a deal of known amount out, dividing by its factor instead of starting again."""
        transform = self.solved[1]
        rest = attrs.evolve(self, p=np.delete(self.p, place), a=np.delete(self.a, place), transform=None)
        if transform is None:
            return rest
        if self.uncertain[place]:
            p, a = rest.p[rest.uncertain], rest.a[rest.uncertain]
            transform = transform.divided(float(self.p[place]), float(self.a[place]), p, a)
        return attrs.evolve(rest, transform=transform)


@attrs.frozen(kw_only=True, eq=False)
class Transform:
    """Characteristic function of a sum at the frequencies of a window, zero where it is negligible.

    `step` is the lattice the amounts lie on; on a smooth window amounts are exact and `step` only spaces the
    points that are shown. `rounded` says that amounts were split between lattice points.
    """

    n: int
    low: int
    step: float
    kind: str
    phi: Complexes
    groups: tuple[tuple[Floats, Draws], ...]
    new: tuple[float, Draws] | None

    @classmethod
    def of(
        cls,
        p: Floats,
        a: Floats,
        groups: tuple[tuple[Floats, Draws], ...],
        new: tuple[float, Draws] | None,
        points: int,
    ) -> Transform:
        order = np.argsort(-(p * (1.0 - p) * a * a), kind="stable")
        p, a = p[order], a[order]
        low, high = _inversion.reach(p, a, _jumps(groups, new))
        unit = _unit([a, *(draws.values for _, draws in groups), *([new[1].values] if new else [])])
        if unit is not None and (high - low) / unit < _LATTICE:
            n = 1 << max(4, int(np.ceil(np.log2((high - low) / unit + 3))))
            blank = cls(
                n=n,
                low=int(low // unit),
                step=unit,
                kind="lattice",
                phi=np.zeros(0, dtype=np.complex128),
                groups=groups,
                new=new,
            )
            return attrs.evolve(blank, phi=blank.evaluate(p, a))
        step = max(high - low, 1e-300) / (points - 4)
        blank = cls(
            n=points,
            low=int(low // step),
            step=step,
            kind="smooth",
            phi=np.zeros(0, dtype=np.complex128),
            groups=groups,
            new=new,
        )
        probes = np.linspace(points // 3, points // 2, 64).astype(np.int64)
        if np.abs(blank.product(probes, p, a)).max() <= _SMOOTH:
            phi = blank.evaluate(p, a)
            if np.abs(phi[points // 3 :]).max() <= _SMOOTH:
                return attrs.evolve(blank, phi=phi)
        blank = attrs.evolve(blank, kind="rounded")
        return attrs.evolve(blank, phi=blank.evaluate(p, a))

    def evaluate(self, p: Floats, a: Floats) -> Complexes:
        """Multiply all factors, leaving frequencies out as soon as they cannot matter."""
        phi = self.product(np.arange(self.n // 2 + 1), p, a)
        phi[np.abs(phi) <= _inversion.NEGLIGIBLE] = 0.0
        return phi

    def product(self, k: Ints, p: Floats, a: Floats) -> Complexes:
        """Multiply all factors at some frequencies."""
        phi = np.ones(len(k), dtype=np.complex128)
        for rows in _inversion.stages(len(p)):
            live = np.flatnonzero(np.abs(phi) > _inversion.NEGLIGIBLE)
            phi[live] *= self._deals(k[live], p[rows], a[rows])
        live = np.flatnonzero(np.abs(phi) > _inversion.NEGLIGIBLE)
        for chance, draws in self.groups:
            phi[live] *= self._mixed(k[live], chance, self._value(k[live], draws))
        if self.new is not None:
            phi[live] *= np.exp(self.new[0] * (self._value(k[live], self.new[1]) - 1.0))
        return phi

    def _deals(self, k: Ints, p: Floats, a: Floats) -> Complexes:
        if self.kind == "rounded":
            return _inversion.split_factors(k, self.n, p, a / self.step)
        place = np.rint(a / self.step) if self.kind == "lattice" else a / self.step
        return _inversion.deal_factors(2.0 * np.pi / self.n * k, p, place)

    def _value(self, k: Ints, draws: Draws) -> Complexes:
        """Give the characteristic function of one amount that is drawn."""
        place = draws.values / self.step
        if self.kind == "smooth":
            turn = np.exp(1j * np.multiply.outer(2.0 * np.pi / self.n * k, place))
            return np.asarray(turn @ draws.weights)
        if self.kind == "lattice":
            place = np.rint(place)
        whole = np.floor(place).astype(np.int64)
        part = place - whole
        mass = np.bincount(whole % self.n, weights=draws.weights * (1.0 - part), minlength=self.n)
        mass += np.bincount((whole + 1) % self.n, weights=draws.weights * part, minlength=self.n)
        return np.conj(np.fft.rfft(mass))[k]

    def _mixed(self, k: Ints, chance: Floats, value: Complexes) -> Complexes:
        phi = np.ones(len(k), dtype=np.complex128)
        size = max(1, 2_000_000 // max(len(k), 1))
        for start in range(0, len(chance), size):
            factor = 1.0 + np.multiply.outer(value - 1.0, chance[start : start + size])
            phi *= np.multiply.reduce(factor, axis=1)
        return phi

    def divided(self, p: float, a: float, rest_p: Floats, rest_a: Floats) -> Transform:
        """Divide out one deal; where its factor is close to zero, multiply the others again."""
        k = np.flatnonzero(self.phi)
        factor = self._deals(k, np.array([p]), np.array([a]))
        phi = self.phi.copy()
        safe = np.abs(factor) > _SINGULAR
        phi[k[safe]] /= factor[safe]
        again = k[~safe]
        if len(again):
            phi[again] = self._deals(again, rest_p, rest_a)
            for chance, draws in self.groups:
                phi[again] *= self._mixed(again, chance, self._value(again, draws))
            if self.new is not None:
                phi[again] *= np.exp(self.new[0] * (self._value(again, self.new[1]) - 1.0))
        return attrs.evolve(self, phi=phi)

    def law(self, certain: float) -> Law:
        if self.kind == "smooth":
            return _inversion.smooth_law(self.phi, self.n, self.low * self.step, self.n * self.step, certain)
        return _inversion.lattice_law(self.phi, self.n, self.low, self.step, certain)


def shaken(law: Law, variance: float) -> Law:
    """Multiply a sum by a gamma factor of mean 1: P(GS <= x) = sum of P(S = s) P(G <= x / s)."""
    from scipy.special import gammainc, gammaincinv

    n = _MIXED if variance < _SHARP else _MIXED // 2
    atoms, mass = _atoms(law, n)
    positive = atoms > 0.0
    none = float(mass[~positive].sum())
    atoms, mass = atoms[positive], mass[positive]
    if variance <= 0.0 or not len(atoms):
        return law
    shape = 1.0 / variance
    low, high = gammaincinv(shape, 1e-9) / shape, gammaincinv(shape, 1.0 - 1e-12) / shape
    table = np.linspace(np.log(max(low, 1e-12)), np.log(high), 4096)
    chance = gammainc(shape, shape * np.exp(table))
    ladder = np.linspace(np.log(atoms[0]) + table[0], np.log(atoms[-1]) + table[-1], n)
    depth = law.quantile(np.linspace(0.0, 1.0, n // 2 + 2)[1:-1])
    depth = depth[depth > 0.0]
    spread = np.exp(np.linspace(table[0], table[-1], n // 2))
    middle = np.log(np.outer(np.quantile(depth, [0.02, 0.5, 0.98]), spread)).ravel() if len(depth) else ladder
    at = np.unique(np.concatenate([ladder, middle]))
    ratio = np.subtract.outer(at, np.log(atoms))
    heights = none + np.interp(ratio, table, chance, left=0.0, right=1.0) @ mass
    points = np.exp(at)
    if none > 0.0:
        points, heights = np.append(0.0, points), np.append(none, heights)
    heights = np.maximum.accumulate(np.minimum(heights, 1.0))
    heights[-1] = 1.0
    return Law(points=points, cumulative=heights, is_step=False)


def _atoms(law: Law, n: int) -> tuple[Floats, Floats]:
    """Stand for a law by a limited number of values and their mass, keeping its mean."""
    mass = np.diff(law.cumulative, prepend=0.0)
    at = law.points
    if not law.is_step:
        at = np.concatenate([at[:1], (at[1:] + at[:-1]) / 2.0])
    kept = mass > 1e-15
    at, mass = at[kept], mass[kept]
    if len(at) <= n:
        return at, mass
    zero = at <= 0.0
    share = np.cumsum(mass) - mass / 2.0
    span = (at - at[0]) / (at[-1] - at[0])
    group = np.floor((share + span) / 2.0 * n).astype(np.int64)
    group[~zero] += 1
    _, group = np.unique(group, return_inverse=True)
    whole = np.bincount(group, weights=mass).astype(np.float64)
    centres: Floats = np.bincount(group, weights=mass * at) / whole
    return centres, whole


def _unit(amounts: list[Floats]) -> float | None:
    """Find the greatest amount of which all amounts are multiples, in whole cents; None if there is none."""
    cents = np.concatenate(amounts) * _CENTS
    whole = np.rint(cents)
    if not len(whole) or whole.max() > 2.0**52 or (np.abs(cents - whole) > 1e-6).any():
        return None
    unit = int(np.gcd.reduce(np.unique(whole).astype(np.int64)))
    return unit / _CENTS if unit else None


def _jumps(groups: tuple[tuple[Floats, Draws], ...], new: tuple[float, Draws] | None) -> _inversion.Jumps:
    """Bound deals of unknown amount by a Poisson number of them, which has the heavier tails."""
    jumps = [(float(p.sum()), draws.values, draws.weights) for p, draws in groups]
    if new is not None:
        jumps.append((new[0], new[1].values, new[1].weights))
    return jumps
