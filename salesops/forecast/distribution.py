"""The exact distribution of what a pipeline will bring: a sum of uncertain deals, not a simulation of it."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._faults import count, raise_all, refuse
from salesops.errors import InvalidInput, Problem, show
from salesops.forecast import _chances_plot, _sums
from salesops.forecast._arrays import check_same_order
from salesops.forecast._inversion import Law, step_law
from salesops.forecast._sums import Draws, Sum
from salesops.forecast.survival import check_level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Distribution"]

Floats = npt.NDArray[np.floating[Any]]

_LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)

_SAME = 1e-11


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Distribution:
    """How likely each total is: of deals that are won or not, or of values that were seen.

    Make one with :meth:`of_deals` or :meth:`from_samples`; every figure is computed, none is simulated.

    Attributes
    ----------
    parts : Sum or Law
        What the total is made of, or the values that were seen.
    shock : float
        Variance of a gamma factor with mean 1 by which the whole sum is multiplied.
    scale : float
        A fixed factor.
    deals : tuple of hashable
        Names of the deals, if they were given.

    Notes
    -----
    Few deals are enumerated. Otherwise the characteristic function, a product of one factor for each deal, is
    inverted by a fast Fourier transform on a window that holds all but exp(-30) of the chance on each side
    (Chernoff's bound). Amounts that are whole multiples of one unit stay on their lattice; others enter
    exactly when the transform dies out in time, and else are split between two of 16,384 points so that means
    stay. Frequencies that a part of the deals has already brought under 1e-13 are left out for the others.

    References
    ----------
    Gil-Pelaez (1951), "Note on the inversion theorem". Gneiting & Raftery (2007), "Strictly proper scoring
    rules, prediction, and estimation".

    Examples
    --------
    >>> from salesops import forecast
    >>> total = forecast.Distribution.of_deals([0.9, 0.5, 0.25, 0.1], [10_000, 25_000, 40_000, 120_000])
    >>> total.mean, total.quantile(0.5), round(total.probability_of(60_000), 6)
    (43500.0, 35000.0, 0.2125)
    """

    parts: Sum | Law
    shock: float = 0.0
    scale: float = 1.0
    deals: tuple[Hashable, ...] | None = None

    @classmethod
    def of_deals(
        cls,
        probabilities: Any,
        amounts: Any,
        *,
        deals: Sequence[Hashable] | None = None,
        shock: float = 0.0,
        new_deals: float = 0.0,
        new_amounts: Any = None,
    ) -> Distribution:
        """Make the distribution of the amount won from independent deals.

        Parameters
        ----------
        probabilities : array-like of shape (n_deals,)
            Probability that each deal is won, from 0 to 1.
        amounts : array-like of shape (n_deals,)
            What each brings when it is won, 0 or more.
        deals : sequence of hashable, optional
            Names of the deals, for :meth:`without`.
        shock : float, default 0.0
            Variance of a common factor with a gamma distribution of mean 1: a market that lifts or lowers
            all deals at once.
        new_deals : float, default 0.0
            Expected number of wins that are not among the deals yet; their number is Poisson.
        new_amounts : array-like, optional
            Amounts of past wins, from which those of new ones are drawn; needed with `new_deals`.

        Returns
        -------
        Distribution

        Raises
        ------
        InvalidInput
            If a probability, an amount or an option cannot be meant.

        Examples
        --------
        >>> from salesops import forecast
        >>> coins = forecast.Distribution.of_deals([0.5] * 10, [1] * 10)
        >>> coins.cdf(2) == 56 / 1024, coins.variance
        (True, 2.5)
        """
        faults: list[Problem] = []
        check_same_order(probabilities=probabilities, amounts=amounts)
        p = _numbers("probabilities", probabilities, faults, upper=1.0)
        a = _numbers("amounts", amounts, faults)
        drawn = _numbers("new_amounts", () if new_amounts is None else new_amounts, faults)
        names = None if deals is None else tuple(deals)
        if not faults and (len(p) != len(a) or (names is not None and len(names) != len(p))):
            lengths = f"{len(p)}, {len(a)}" + ("" if names is None else f", {len(names)}")
            faults.append(
                Problem(path="probabilities, amounts", message="have one length", values=(lengths,))
            )
        if names is not None and len(set(names)) < len(names):
            twice = sorted({show(name) for name in names if names.count(name) > 1})
            faults.append(Problem(path="deals", message="names a deal twice", values=twice[:5]))
        for argument, value in (("shock", shock), ("new_deals", new_deals)):
            if not _is_amount(value):
                faults.append(Problem(path=argument, message="is a number, 0 or more", values=(show(value),)))
            elif argument == "new_deals" and value > 0 and not len(drawn):
                rule = "is needed with new_deals: amounts of past wins"
                faults.append(Problem(path="new_amounts", message=rule))
        raise_all("distribution", faults)
        new = None
        if new_deals > 0:
            new = (float(new_deals), Draws(values=drawn, weights=np.full(len(drawn), 1.0 / len(drawn))))
        return cls(parts=Sum(p=p, a=a, new=new), shock=float(shock), deals=names)

    @classmethod
    def from_samples(cls, values: Any, weights: Any = None) -> Distribution:
        """Make the distribution that gives each value its weight.

        Parameters
        ----------
        values : array-like of shape (n_values,)
            Totals, such as those of past periods.
        weights : array-like of shape (n_values,), optional
            How much each counts; equal when left out.

        Returns
        -------
        Distribution

        Raises
        ------
        InvalidInput
            If there is no value, or a value or weight is no number.

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.Distribution.from_samples([1.0, 2.0, 4.0, 5.0]).quantile([0.25, 0.6]).tolist()
        [1.0, 4.0]
        """
        faults: list[Problem] = []
        points = _numbers("values", values, faults, lower=-math.inf)
        mass = np.ones(len(points)) if weights is None else _numbers("weights", weights, faults)
        if not faults and (len(mass) != len(points) or not len(points) or mass.sum() <= 0):
            rule = "are as many as the weights, at least one, with some weight"
            faults.append(Problem(path="values", message=rule, values=(f"{len(points)}, {len(mass)}",)))
        raise_all("distribution", faults)
        kept = mass > 0
        return cls(parts=step_law(points[kept], mass[kept]))

    @cached_property
    def mean(self) -> float:
        """Expected total."""
        if isinstance(self.parts, Sum):
            return self.scale * self.parts.mean
        return self.scale * float(_masses(self.parts) @ _middles(self.parts))

    @cached_property
    def variance(self) -> float:
        """Variance of the total."""
        if isinstance(self.parts, Sum):
            mean, own = self.parts.mean, self.parts.variance
        else:
            mass, at = _masses(self.parts), _middles(self.parts)
            mean = float(mass @ at)
            own = float(mass @ (at - mean) ** 2)
        return self.scale**2 * ((1.0 + self.shock) * own + self.shock * mean**2)

    @cached_property
    def law(self) -> Law:
        """The distribution function at points, before the factor `scale`."""
        inner = self.parts.law if isinstance(self.parts, Sum) else self.parts
        return _sums.shaken(inner, self.shock) if self.shock > 0.0 else inner

    def cdf(self, x: Any) -> Any:
        """Give the probability that the total is at most x.

        Parameters
        ----------
        x : float or array-like

        Returns
        -------
        float or ndarray

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.Distribution.of_deals([0.5, 0.5], [1, 1]).cdf([0, 1]).tolist()
        [0.25, 0.75]
        """
        at = _asked("x", x)
        if self.scale <= 0:
            return _shaped((at.ravel() >= 0) * 1.0, at)
        x = at.ravel() / self.scale
        found = self.law.cdf(x + _SAME * np.abs(x) if self.law.is_step else x)
        return _shaped(found, at)

    def probability_of(self, target: Any) -> Any:
        """Give the probability that the total is `target` or more.

        Parameters
        ----------
        target : float or array-like

        Returns
        -------
        float or ndarray

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.Distribution.of_deals([0.5, 0.5], [1, 1]).probability_of(1)
        0.75
        """
        at = _asked("target", target)
        if self.scale <= 0:
            return _shaped((at.ravel() <= 0) * 1.0, at)
        x = at.ravel() / self.scale
        below = np.nextafter(x - _SAME * np.abs(np.where(np.isfinite(x), x, 0.0)), -np.inf)
        return _shaped(1.0 - self.law.cdf(below), at)

    def quantile(self, q: Any) -> Any:
        """Give the smallest total whose cumulative probability is at least q.

        Parameters
        ----------
        q : float or array-like
            Between 0 and 1.

        Returns
        -------
        float or ndarray

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.Distribution.of_deals([0.5, 0.5], [1, 1]).quantile([0.25, 0.5, 0.9]).tolist()
        [0.0, 1.0, 2.0]
        """
        at = _asked("q", q)
        if not ((at >= 0) & (at <= 1)).all():
            raise refuse("q", "lies between 0 and 1", q)
        return _shaped(self.scale * self.law.quantile(at.ravel() - 1e-13), at)

    def interval(self, level: float = 0.8) -> tuple[float, float]:
        """Give the central interval of a level: as much probability below it as above.

        Parameters
        ----------
        level : float, default 0.8

        Returns
        -------
        tuple of float

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.Distribution.of_deals([0.5] * 10, [1] * 10).interval(0.8)
        (3.0, 7.0)
        """
        check_level(level)
        low, high = self.quantile([(1.0 - level) / 2.0, (1.0 + level) / 2.0])
        return float(low), float(high)

    def crps(self, actual: float) -> float:
        """Score the distribution against what happened: 0 is perfect, in units of the total.

        Parameters
        ----------
        actual : float
            What the total came to.

        Returns
        -------
        float
            Continuous ranked probability score; the absolute error if the distribution is one value.

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.Distribution.from_samples([3.0]).crps(5.0)
        2.0
        """
        at = _asked("actual", actual)
        if at.ndim or not np.isfinite(at):
            raise refuse("actual", "is one number", actual)
        if self.scale <= 0:
            return abs(float(at))
        return self.scale * self.law.crps(float(at) / self.scale)

    def without(self, deal: Hashable) -> Distribution:
        """Take one deal out of the sum.

        Parameters
        ----------
        deal : hashable
            Its name, or its position if the deals have no names.

        Returns
        -------
        Distribution

        Raises
        ------
        InvalidInput
            If there is no such deal.

        Examples
        --------
        >>> from salesops import forecast
        >>> total = forecast.Distribution.of_deals([0.9, 0.1], [10, 500], deals=["small", "big"])
        >>> total.without("big").quantile(0.99)
        10.0
        """
        place = self.place(deal)
        if place is None or not isinstance(self.parts, Sum):
            fault = Problem(path="deal", message="is not a deal of this distribution", values=(show(deal),))
            raise InvalidInput("deal: 1 problem", [fault])
        names = None if self.deals is None else (*self.deals[:place], *self.deals[place + 1 :])
        return attrs.evolve(self, parts=self.parts.without(place), deals=names)

    def scaled(self, factor: float, *, shock: float | None = None) -> Distribution:
        """Multiply the total by a factor, and perhaps state another common shock.

        Parameters
        ----------
        factor : float
            0 or more.
        shock : float, optional
            Variance of the common factor; unchanged when left out.

        Returns
        -------
        Distribution

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.Distribution.of_deals([0.5], [10]).scaled(2).mean
        10.0
        """
        for argument, value in (("factor", factor), ("shock", self.shock if shock is None else shock)):
            if not _is_amount(value):
                raise refuse(argument, "is a number, 0 or more", value)
        change = self.shock if shock is None else float(shock)
        return attrs.evolve(self, scale=self.scale * float(factor), shock=change)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each of some quantiles.

        Returns
        -------
        DataFrame
            Columns probability and quantile.

        Examples
        --------
        >>> from salesops import forecast
        >>> frame = forecast.Distribution.of_deals([0.5], [10]).to_frame()
        >>> frame.iloc[-1].tolist()
        [0.975, 10.0]
        """
        return pd.DataFrame({"probability": _LEVELS, "quantile": self.quantile(_LEVELS)})

    def to_dict(self) -> dict[str, Any]:
        """Return mean, variance and quantiles as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.Distribution.of_deals([0.5], [10]).to_dict()["mean"]
        5.0
        """
        quantiles = {str(q): float(x) for q, x in zip(_LEVELS, self.quantile(_LEVELS), strict=True)}
        return {
            "kind": "distribution",
            "mean": self.mean,
            "variance": self.variance,
            "shock": self.shock,
            "quantiles": quantiles,
        }

    def explain(self) -> str:
        """Say in words what the distribution is made of and how it was computed.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.Distribution.of_deals([0.5], [10]).explain()
        '1 deal; mean 5; every total listed'
        """
        return f"{self._made_of}; mean {_display.number(self.mean)}; {self._method}"

    @property
    def _made_of(self) -> str:
        if not isinstance(self.parts, Sum):
            return f"{count(len(self.parts.points), 'value')} seen"
        n = len(self.parts.p) + sum(len(p) for p, _ in self.parts.groups)
        words = count(n, "deal")
        if self.parts.new is not None:
            words += f" and {_display.number(self.parts.new[0])} new wins expected"
        return words + (f", common factor of variance {_display.number(self.shock)}" if self.shock else "")

    @property
    def _method(self) -> str:
        if not isinstance(self.parts, Sum):
            return "as seen"
        transform = self.parts.solved[1]
        if transform is None:
            return "every total listed"
        return {
            "lattice": f"exact on multiples of {transform.step:g}",
            "smooth": "exact by inversion",
            "rounded": f"by inversion, amounts split between multiples of {transform.step:g}",
        }[transform.kind]

    def plot(self, *, target: float | None = None, ax: Axes | None = None) -> Axes:
        """Draw the probability of reaching each total.

        Parameters
        ----------
        target : float, optional
            A total to mark.
        ax : Axes, optional
            Where to draw.

        Returns
        -------
        Axes

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.Distribution.of_deals([0.5], [10]).plot().get_xlabel()
        'total'
        """
        low, high = self.quantile([0.002, 0.998])
        x = np.linspace(low, high, 400) if high > low else np.array([low - 1.0, low, low + 1.0])
        mark = None if target is None else (float(target), self.probability_of(target))
        interval = self.interval(0.8)
        return _chances_plot.chances(x, self.probability_of(x), self.mean, interval, target=mark, ax=ax)

    def __repr__(self) -> str:
        low, high = self.interval(0.8)
        show_number = _display.number
        return f"Distribution(mean {show_number(self.mean)}, 80 % {show_number(low)} to {show_number(high)})"

    def _repr_html_(self) -> str:
        facts = {"mean": self.mean, "made of": self._made_of, "computed": self._method}
        return _display.html_card("Distribution of a total", facts, [("quantiles", self.to_frame())])

    def place(self, deal: Hashable) -> int | None:
        """Find the position of a deal; None if it is not one of the sum's.

        Parameters
        ----------
        deal : hashable

        Returns
        -------
        int or None

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.Distribution.of_deals([0.5], [10], deals=["a"]).place("b") is None
        True
        """
        if not isinstance(self.parts, Sum) or isinstance(deal, bool) or not isinstance(deal, Hashable):
            return None
        if self.deals is None:
            return deal if isinstance(deal, int) and 0 <= deal < len(self.parts.p) else None
        return self._places.get(deal) if isinstance(deal, Hashable) else None

    @cached_property
    def _places(self) -> dict[Hashable, int]:
        return {name: k for k, name in enumerate(self.deals or ())}


def _numbers(
    argument: str, given: Any, faults: list[Problem], *, lower: float = 0.0, upper: float = math.inf
) -> Floats:
    """Read an array of finite numbers within bounds; Decimal and whole numbers are welcome."""
    try:
        found = np.asarray(given)
        kind_fits = found.dtype.kind in "iuf" or (
            found.dtype.kind == "O" and all(isinstance(v, (int, float, Decimal)) for v in found.ravel())
        )
        values = found.astype(np.float64) if kind_fits or not found.size else None
    except (TypeError, ValueError, OverflowError):
        values = None
    if values is None or values.ndim != 1:
        faults.append(Problem(path=argument, message="is a list of numbers", values=(show(given),)))
        return np.zeros(0)
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= lower) & (values <= upper)))
    if len(wrong):
        between = "0 or more" if upper == math.inf else "from 0 to 1"
        faults.append(
            Problem(
                path=argument,
                message="are finite numbers" if lower < 0 else f"are finite numbers, {between}",
                rows=wrong.tolist(),
                values=[show(values[k]) for k in wrong.tolist()],
            )
        )
        return np.zeros(len(values))
    return values


def _is_amount(value: object) -> bool:
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return is_number and math.isfinite(cast("float", value)) and cast("float", value) >= 0


def _holds_text(cells: npt.NDArray[Any]) -> bool:
    return cells.dtype.kind == "O" and any(isinstance(cell, str) for cell in cells.ravel().tolist())


def _asked(argument: str, value: Any) -> Floats:
    """Read one number or an array of them; text is never converted."""
    try:
        cells = np.asarray(value)
        at = cells.astype(np.float64)
    except (TypeError, ValueError):
        raise refuse(argument, "is a number or an array of numbers", value) from None
    is_text = cells.dtype.kind not in "iufO" or _holds_text(cells)
    if is_text or np.isnan(at).any():
        raise refuse(argument, "is a number or an array of numbers", value)
    return at


def _shaped(found: Floats, like: Floats) -> Any:
    return float(found[0]) if like.ndim == 0 else found.reshape(like.shape)


def _masses(law: Law) -> Floats:
    return np.diff(law.cumulative, prepend=0.0)


def _middles(law: Law) -> Floats:
    if law.is_step:
        return law.points
    return np.concatenate([law.points[:1], (law.points[1:] + law.points[:-1]) / 2.0])
