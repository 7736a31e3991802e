"""The calibration certificate: what intervals covered in the past, and whether that is enough to say so."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._faults import closest, refuse
from salesops._frames import jsonable
from salesops.errors import InvalidInput, Problem, show
from salesops.forecast import _kernels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Calibration"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CALIBRATED, NARROW, WIDE, UNKNOWN = "calibrated", "too narrow", "too wide", "too little evidence"

_LEVEL = 0.8
_ENOUGH = 0.3
_EVIDENCE = 0.95
_FEWEST_BLOCKS = 8
_SAME = 1e-12
_LINE = np.linspace(0.05, 0.95, 19)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Calibration:
    """What the 80 % intervals of a backtest covered, with the evidence for it, from ``Backtest.calibration``.

    Attributes
    ----------
    table : DataFrame
        As :meth:`to_frame` gives it.
    lines : mapping
        For each (model, level, horizon) the share of actuals inside the central interval of 5, 10 ... 95 %.

    Notes
    -----
    Forecasts of one time are not independent: horizons overlap, and units share the same market. Origins less
    than a horizon apart form one block; the spread of the blocks gives the number of independent forecasts
    that carry the same evidence (`n_effective`), never above the number of forecasts, and with fewer than 8
    blocks their number. The Wilson interval of the share rests on it. The verdict is "too narrow" or "too
    wide" when 80 % lies outside the interval, "too little evidence" when it lies inside but the interval is
    wider than 30 points, else "calibrated".

    Examples
    --------
    >>> from salesops import datasets, forecast
    >>> history = forecast.History.from_events(datasets.make_crm(1, ends_on="2021-12-31").history)
    >>> result = forecast.backtest(forecast.LastPeriod(), history, ["2021-09-30", "2021-10-31"], horizons=28)
    >>> result.calibration
    Calibration(80 % intervals; LastPeriod company 28 days: too little evidence, 1 of 2)
    """

    table: pd.DataFrame
    lines: dict[tuple[str, str, int], Floats]

    def __repr__(self) -> str:
        """Show the verdict of the company for each model."""
        told = [
            f"{row['model']} {row['level']} {row['horizon']} days: "
            f"{row['verdict']}, {row['hits']} of {row['n']}"
            for row in _rows(self.table)
            if row["level"] == "company"
        ]
        return f"Calibration(80 % intervals; {'; '.join(told) or 'nothing was scored'})"

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each model, level and horizon.

        Returns
        -------
        DataFrame
            Columns model, level, horizon, interval (.8), hits, n, covered, lower and upper (95 %), n_blocks
            (stretches of time that do not overlap), n_effective, verdict.

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> history = forecast.History.from_events(datasets.make_crm(1, ends_on="2021-12-31").history)
        >>> result = forecast.backtest(forecast.LastPeriod(), history, ["2021-09-30"], horizons=28)
        >>> result.calibration.to_frame()["verdict"].tolist()[0]
        'too little evidence'
        """
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return the certificate as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> history = forecast.History.from_events(datasets.make_crm(1, ends_on="2021-12-31").history)
        >>> result = forecast.backtest(forecast.LastPeriod(), history, ["2021-09-30"], horizons=28)
        >>> result.calibration.to_dict()["kind"]
        'calibration'
        """
        return {"kind": "calibration", "rows": jsonable(self.table)}

    def explain(self, model: str | None = None, *, level: str = "company", horizon: int | None = None) -> str:
        """Say in words what the intervals covered and what follows.

        Parameters
        ----------
        model : str, optional
            Default: the first model.
        level : str, default "company"
        horizon : int, optional
            Days. Default: the shortest.

        Returns
        -------
        str

        Raises
        ------
        InvalidInput
            If nothing was scored under these names.

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> history = forecast.History.from_events(datasets.make_crm(1, ends_on="2021-12-31").history)
        >>> result = forecast.backtest(forecast.LastPeriod(), history, ["2021-09-30"], horizons=28)
        >>> print(result.calibration.explain())
        LastPeriod, company, 28 days: the 80 % intervals covered 1 of 1 actual amounts. That is too little
        evidence to say: the true share may be anything from 20.7 % to 100.0 %.
        """
        row = self._row(model, level, horizon)
        covered = f"the 80 % intervals covered {row['hits']} of {row['n']} actual amounts"
        span = f"{_display.percent(row['lower'])} to {_display.percent(row['upper'])}"
        head = f"{row['model']}, {row['level']}, {row['horizon']} days: {covered}."
        if row["verdict"] == UNKNOWN:
            return f"{head} That is too little evidence to say: the true share may be anything from {span}."
        judged = {
            CALIBRATED: "They mean what they say",
            NARROW: "They are too narrow: do not rely on them",
            WIDE: "They are wider than they need to be",
        }[row["verdict"]]
        return f"{head} {judged}, as far as can be seen: the share is {span} (95 %)."

    def _row(self, model: str | None, level: str, horizon: int | None) -> dict[str, Any]:
        chosen = pick(self.table, model, level, horizon)
        return _rows(self.table[chosen])[0]

    def _repr_html_(self) -> str:
        table = self.table
        words = [
            self.explain(row["model"], level="company", horizon=row["horizon"])
            for row in _rows(table[table["level"] == "company"])
        ]
        shown = table.assign(
            covered=[_display.percent(value) for value in table["covered"]],
            lower=[_display.percent(value) for value in table["lower"]],
            upper=[_display.percent(value) for value in table["upper"]],
        )[["model", "level", "horizon", "covered", "lower", "upper", "hits", "n", "n_effective", "verdict"]]
        return _display.html_card(
            "Calibration certificate", {"intervals": "80 %"}, [("coverage", shown)], notes=words
        )

    def plot(self, ax: Axes | None = None, *, level: str = "company", horizon: int | None = None) -> Axes:
        """Draw the share of actuals inside the central interval over the level of the interval.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure otherwise.
        level : str, default "company"
        horizon : int, optional
            Days. Default: the shortest.

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> history = forecast.History.from_events(datasets.make_crm(1, ends_on="2021-12-31").history)
        >>> result = forecast.backtest(forecast.LastPeriod(), history, ["2021-09-30"], horizons=28)
        >>> result.calibration.plot().get_xlabel()
        'level of the interval'
        """
        from salesops.forecast import _backtest_plot

        rows = self.table[pick(self.table, None, level, horizon, every=True)]
        lines = {
            row["model"]: (_LINE, self.lines[(row["model"], level, row["horizon"])]) for row in _rows(rows)
        }
        checked = {row["model"]: (_LEVEL, row["covered"], row["lower"], row["upper"]) for row in _rows(rows)}
        days = int(rows["horizon"].iloc[0])
        title = f"Calibration, {level}, {days} days ahead, {int(rows['n'].max()):,} forecasts"
        return _backtest_plot.calibration(lines, checked, title, ax=ax)


def pick(
    table: pd.DataFrame, model: str | None, level: str, horizon: int | None, *, every: bool = False
) -> npt.NDArray[np.bool_]:
    """Mark the rows of one model (or every one), level and horizon; refuse names that were not scored."""
    if not len(table):
        raise refuse("model", "nothing was scored", model)
    models, levels, horizons = ([*dict.fromkeys(table[c])] for c in ("model", "level", "horizon"))
    name = models[0] if model is None else model
    days = min(horizons) if horizon is None else horizon
    asked = {"model": (name, models), "level": (level, levels), "horizon": (days, horizons)}
    faults = [
        Problem(
            path=argument,
            message="was not scored",
            values=(show(value),),
            hint=f"there are {', '.join(map(show, known))}",
            suggestions=closest(value, known),
        )
        for argument, (value, known) in asked.items()
        if value not in known
    ]
    if faults:
        raise InvalidInput("calibration: some names were not scored", faults)
    chosen = (table["level"] == level) & (table["horizon"] == days)
    if not every:
        chosen &= table["model"] == name
    marked = chosen.to_numpy(dtype=bool)
    if not marked.any():
        raise refuse("model, level, horizon", "were not scored together", (name, level, days))
    return marked


def certify(details: pd.DataFrame) -> Calibration:
    """Judge the 80 % intervals of each model, level and horizon of a backtest."""
    rows, lines = [], {}
    for (model, level, horizon), part in _parts(details):
        came = part["actual"].to_numpy()
        inside = (part["q10"].to_numpy() <= came) & (came <= part["q90"].to_numpy())
        block = blocks(part["as_of"].to_numpy().astype("datetime64[D]").astype(np.int64), horizon)
        n, hits = len(part), int(inside.sum())
        effective = effective_size(inside, block)
        share = hits / n
        ends = _kernels.wilson(np.array([share * effective]), np.array([effective]), _EVIDENCE)
        lower, upper = (float(end[0]) for end in ends)
        rows.append(
            {
                "model": model,
                "level": level,
                "horizon": horizon,
                "interval": _LEVEL,
                "hits": hits,
                "n": n,
                "covered": share,
                "lower": lower,
                "upper": upper,
                "n_blocks": len(np.unique(block)),
                "n_effective": effective,
                "verdict": _verdict(lower, upper),
            }
        )
        lines[(model, level, horizon)] = np.array(
            [closed_coverage(part, width).mean() for width in _LINE.tolist()]
        )
    return Calibration(table=pd.DataFrame(rows, columns=list(_COLUMNS)), lines=lines)


_COLUMNS = (
    "model",
    "level",
    "horizon",
    "interval",
    "hits",
    "n",
    "covered",
    "lower",
    "upper",
    "n_blocks",
    "n_effective",
    "verdict",
)


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """List the rows as plain values."""
    names = [str(name) for name in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.itertuples(index=False, name=None)]


def _parts(details: pd.DataFrame) -> list[tuple[tuple[str, str, int], pd.DataFrame]]:
    """Part the forecasts by model, level and horizon, in their order."""
    key = list(
        zip(details["model"].tolist(), details["level"].tolist(), details["horizon"].tolist(), strict=True)
    )
    place = {one: k for k, one in enumerate(dict.fromkeys(key))}
    code = np.array([place[one] for one in key], dtype=np.int64)
    return [(one, details[code == k]) for one, k in place.items()]


def _verdict(lower: float, upper: float) -> str:
    if upper < _LEVEL:
        return NARROW
    if lower > _LEVEL:
        return WIDE
    return UNKNOWN if upper - lower > _ENOUGH else CALIBRATED


def blocks(day: Ints, horizon: int) -> Ints:
    """Give each origin its stretch of time; the next one begins at least a horizon after the last began."""
    place, start = {}, None
    n = -1
    for value in np.unique(day).tolist():
        if start is None or value - start >= horizon:
            start, n = value, n + 1
        place[value] = n
    return np.array([place[value] for value in day.tolist()], dtype=np.int64)


def effective_size(inside: npt.NDArray[np.bool_], block: Ints) -> float:
    """Find how many independent cases carry the evidence of these: by the spread of blocks."""
    n, n_blocks = len(inside), int(block.max()) + 1
    cases, hits = np.bincount(block).astype(float), np.bincount(block, weights=inside.astype(float))
    share = float(inside.mean())
    if n_blocks < _FEWEST_BLOCKS or share in (0.0, 1.0):
        return float(n_blocks)
    spread = float(((hits - share * cases) ** 2).sum()) * n_blocks / (n_blocks - 1) / n**2
    return float(np.clip(share * (1.0 - share) / spread, 1.0, n)) if spread > 0 else float(n)


def central_coverage(details: pd.DataFrame, width: float) -> Floats:
    """Share of each actual's own jump that lies inside the central interval of a width, 0 or 1 without one.

    Where a distribution jumps, as at 0, a closed interval covers more than its level; this does not.
    """
    below, at = details["below"].to_numpy(), details["at"].to_numpy()
    low, high = (1.0 - width) / 2.0, (1.0 + width) / 2.0
    overlap = np.maximum(np.minimum(at, high) - np.maximum(below, low), 0.0)
    inside = ((at >= low) & (at <= high)).astype(float)
    share: Floats = np.where(at > below, overlap / np.where(at > below, at - below, 1.0), inside)
    return share


def closed_coverage(details: pd.DataFrame, width: float) -> npt.NDArray[np.bool_]:
    """Mark the actuals that lie within the central interval of a width, ends included."""
    at, below = details["at"].to_numpy(), details["below"].to_numpy()
    low, high = (1.0 - width) / 2.0, (1.0 + width) / 2.0
    inside: npt.NDArray[np.bool_] = (at >= low - _SAME) & (below < high - _SAME)
    return inside


def mean_of(values: Floats) -> float:
    """Mean by exact summation; NaN of nothing."""
    return math.fsum(values.tolist()) / len(values) if len(values) else math.nan
