"""Does a measure of proximity know what it claims on this graph? Hidden ties, and ties of tomorrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display, _run
from salesops._calendar import day_of
from salesops._faults import count, raise_all, refuse
from salesops._frames import Reader, is_networkx, to_frame
from salesops.errors import Problem, show
from salesops.territory import _holdout
from salesops.territory._scorers import prepare
from salesops.territory.blend import as_graph, check_share, from_hidden, read_sides
from salesops.territory.graph import SocialGraph
from salesops.territory.inputs import tables
from salesops.territory.measures import Blend, Measure, measure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Validation", "validate"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_DEFAULT = ("random_walk", "introduction_path", "adamic_adar", "resource_allocation", "katz")
_BASELINES = ("popularity", "chance")


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Validation:
    """How well each measure told hidden ties from pairs without one, made by :func:`validate`.

    Attributes
    ----------
    methods : mapping of str to Measure or None
        What was asked about; None for the two baselines.
    splits : DataFrame
        One row for each split and measure: ``split``, ``measure``, ``auc`` and, where reps and leads were
        given, ``hit_1``, ``hit_5`` ...
    protocol : str
        What was hidden from whom, in a sentence.
    n_hidden, n_others : int
        Ties to find in each split, and pairs without a tie beside them.
    n_people : int
        People in the graph.

    Examples
    --------
    >>> import networkx as nx
    >>> from salesops import territory
    >>> answer = territory.validate(
    ...     nx.karate_club_graph(), ["random_walk", "jaccard"], n_splits=5, rng=1
    ... )
    >>> answer.to_frame()["measure"].tolist()
    ['random_walk', 'popularity', 'jaccard', 'chance']
    >>> answer.best
    'random_walk'
    >>> print(answer.explain())
    5 times, 10 % of the ties between people hidden ... a coin does in 50 %.
    >>> len(answer.to_dict()["measures"])
    4
    >>> answer.plot().get_title(loc="left")
    '7 hidden ties a split'
    """

    methods: Mapping[str, Measure | None]
    splits: pd.DataFrame
    protocol: str
    n_hidden: int
    n_others: int
    n_people: int

    @property
    def best(self) -> str:
        """The measure with the highest mean AUC; of equals, the one asked about first."""
        frame = self.to_frame()
        return str(frame["measure"].iloc[0])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each measure, best first.

        Returns
        -------
        DataFrame
            ``measure``, ``auc`` (mean over splits), ``auc_sd`` (their standard deviation), and for each hit
            rate ``hit_k`` its mean and ``hit_k_sd``.
        """
        names = [name for name in self.splits.columns if name not in ("split", "measure")]
        rows = []
        for measure in self.methods:
            mine = self.splits.loc[self.splits["measure"] == measure, names]
            row: dict[str, Any] = {"measure": measure}
            for name in names:
                values = mine[name].to_numpy(dtype=float)
                known = values[~np.isnan(values)]
                row[name] = float(known.mean()) if len(known) else float("nan")
                row[f"{name}_sd"] = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
            rows.append(row)
        frame = pd.DataFrame(rows)
        return frame.sort_values("auc", ascending=False, kind="stable", ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Return protocol and table as plain JSON types.

        Returns
        -------
        dict
        """
        frame = self.to_frame().astype(object)
        return {
            "kind": "validation",
            "protocol": self.protocol,
            "n_hidden": self.n_hidden,
            "n_others": self.n_others,
            "n_people": self.n_people,
            "measures": frame.where(frame.notna(), None).to_dict("records"),
        }

    def explain(self) -> str:
        """Say in words what was asked and what the best measure answered.

        Returns
        -------
        str
        """
        frame = self.to_frame()
        top = frame.iloc[0]
        return (
            f"{self.protocol}. {top['measure']} told a tie from a pair without one in "
            f"{_display.percent(float(top['auc']))} of all comparisons; a coin does in 50 %."
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the AUC of each measure, with one standard deviation over splits.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure without it.

        Returns
        -------
        matplotlib Axes
        """
        frame = self.to_frame().iloc[::-1]
        ax = _display.axes(ax, (7.0, 1.0 + 0.42 * len(frame)))
        place = np.arange(len(frame))
        colours = ["#8a96a3" if name in _BASELINES else "#4878a8" for name in frame["measure"]]
        ax.errorbar(
            frame["auc"], place, xerr=frame["auc_sd"].fillna(0.0), fmt="none", ecolor="#8a96a3", zorder=1
        )
        ax.scatter(frame["auc"], place, c=colours, s=46, zorder=2)
        ax.set_yticks(place, list(frame["measure"]))
        ax.axvline(0.5, color="#d9dfe6", zorder=0)
        ax.set_xlabel("AUC: chance that a hidden tie scores above a pair without one")
        ax.set_title(f"{self.n_hidden:,} hidden ties a split", loc="left", fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
        return ax

    def _shown(self) -> pd.DataFrame:
        frame = self.to_frame()
        shown = pd.DataFrame({"measure": frame["measure"]})
        for name in [c for c in frame.columns if c != "measure" and not c.endswith("_sd")]:
            title = "AUC" if name == "auc" else name.replace("_", "@")
            spread = frame[f"{name}_sd"]
            shown[title] = [_display.percent(float(value)) for value in frame[name]]
            shown[f"± {title}"] = [_display.percent(float(value)) for value in spread]
        return shown

    def __repr__(self) -> str:
        facts = {"hidden ties a split": self.n_hidden, "pairs beside them": self.n_others}
        return _display.text_card(f"Validation: {self.protocol}", facts, self._shown())

    def _repr_html_(self) -> str:
        facts: dict[str, object] = {
            "people": f"{self.n_people:,}",
            "hidden ties a split": f"{self.n_hidden:,}",
            "pairs without a tie beside them": f"{self.n_others:,}",
        }
        return _display.html_card("Validation", facts, [("", self._shown())], notes=[self.protocol])


def validate(
    graph: SocialGraph | Any,
    methods: Sequence[str | Measure] | Mapping[str, str | Measure] = _DEFAULT,
    *,
    share: float = 0.1,
    n_splits: int = 10,
    reps: object = None,
    leads: object = None,
    split_on: object = None,
    hits: Sequence[int] = (1, 5),
    rng: _run.RngLike = None,
    mapper: _run.Mapper = map,
    progress: _run.Progress | None = None,
    columns: Mapping[str, str] | None = None,
) -> Validation:
    """Ask each measure of proximity to find ties that it was not shown.

    A share of the ties is hidden, every measure scores the hidden ties and as many random pairs without a tie
    on what is left, and the AUC says how often a tie scores above such a pair. With `split_on`, nothing is
    drawn: measures see the ties from before a day and must find those that were first seen on it or later.

    Parameters
    ----------
    graph : SocialGraph, networkx.Graph, or table
        Who knows whom. With `split_on` a table of dated contacts: ``source``, ``target``, ``observed_on``
        and perhaps ``weight``, a pair as often as it was seen; weights of one pair add up.
    methods : sequence or mapping
        Names and options objects, or ``{"a name for the table": either}``. A :class:`Blend` without weights
        learns them on each split, from ties that are hidden once more.
    share : float, default 0.1
        Share of the ties to hide.
    n_splits : int, default 10
        How often to draw. With `split_on` only the pairs without a tie are drawn anew.
    reps, leads : table, optional
        ``rep_id``, and ``lead_id``, each perhaps with ``person_id``; both or none. Only ties between a rep
        and a lead are then hidden and compared, pairs score from the rep's side as in :func:`proximity`, and
        the hit rates are told. Otherwise a pair scores the sum of both ways.
    split_on : date or ISO text, optional
        The first day that measures must not see.
    hits : sequence of int, default (1, 5)
        For each k, the share of leads with a hidden tie for whom one of the k best reps without a visible tie
        is right; among equal scores, averaged over all orders.
    rng : int, numpy Generator or SeedSequence, optional
        Draws what is hidden. Every measure answers the same questions.
    mapper : callable, default map
        Anything shaped like ``map``; called with splits. It cannot change the result.
    progress : callable, optional
        Wraps an iterable (``tqdm``); counts the splits.
    columns : mapping, optional
        ``{"name in your table": "name above"}``, for all tables together.

    Returns
    -------
    Validation
        With two baselines: ``popularity``, the number of ties of one times that of the other, and ``chance``,
        which scores all alike.

    Raises
    ------
    InvalidInput
        With every fault; among them a graph with too few ties to hide any.

    Notes
    -----
    Pairs are unordered and a hidden tie is hidden both ways, also in a directed graph. Everyone stays in the
    graph, so that a hidden tie may be someone's last. With `split_on`, new ties of people who were not seen
    before that day cannot be found by anyone and are left out.

    References
    ----------
    D. Liben-Nowell, J. Kleinberg (2007), "The link-prediction problem for social networks".
    M. Zhang, Y. Chen (2018), "Link prediction based on graph neural networks" (for the protocol).

    Examples
    --------
    >>> import networkx as nx
    >>> from salesops import territory
    >>> answer = territory.validate(nx.karate_club_graph(), ["katz"], n_splits=2, rng=0)
    >>> print(answer.protocol)
    2 times, 10 % of the ties between people hidden and drawn against as many pairs without a tie
    >>> seen = {
    ...     "source": ["a", "b", "c", "a", "d"],
    ...     "target": ["b", "c", "d", "c", "e"],
    ...     "observed_on": ["2024-01-05", "2024-01-07", "2024-02-01", "2024-03-02", "2024-03-09"],
    ... }
    >>> later = territory.validate(seen, ["adamic_adar"], split_on="2024-03-01", n_splits=3, rng=0)
    >>> later.n_hidden, later.best
    (1, 'adamic_adar')
    """
    check_share("share", share)
    for name, value in (("n_splits", n_splits), *(("hits", k) for k in hits)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise refuse(name, "must be a whole number of 1 or more", value)
    measures = _named(methods)
    frames = tables(columns, reps=reps, leads=leads) if reps is not None or leads is not None else {}
    if split_on is None:
        people, later = as_graph(graph), None
        what = f"{_display.number(100 * share)} % of the ties"
    else:
        people, later = _before_and_after(graph, split_on, columns if not frames else None)
        what = f"the new ties from {day_of('split_on', split_on)} on"
    sides = read_sides(people, frames)
    ends = "people" if sides is None else "reps and leads"
    job = _Job(graph=people, later=later, share=share, sides=sides, measures=measures, hits=tuple(hits))
    answers = _run.run(
        partial(_split, job), list(enumerate(_run.spawn(rng, n_splits))), mapper=mapper, progress=progress
    )
    verb = "hidden and drawn" if split_on is None else "asked for"
    return Validation(
        methods={**measures, **dict.fromkeys(_BASELINES)},
        splits=pd.DataFrame([row for rows, _, _ in answers for row in rows]),
        protocol=(f"{n_splits} times, {what} between {ends} {verb} against as many pairs without a tie"),
        n_hidden=answers[0][1],
        n_others=answers[0][2],
        n_people=people.n_people,
    )


def _named(methods: object) -> dict[str, Measure]:
    """Give every measure a name: the one it came with, its kind, or its options where kinds repeat."""
    if isinstance(methods, (str, Measure)):
        methods = [methods]
    if isinstance(methods, Mapping):
        named = {str(name): measure_of(method, f"methods[{name!r}]") for name, method in methods.items()}
    elif isinstance(methods, Sequence):
        found = [measure_of(method, "methods") for method in methods]
        kinds = [measure.kind for measure in found]
        named = {
            measure.kind if kinds.count(measure.kind) == 1 else repr(measure): measure for measure in found
        }
    else:
        raise refuse("methods", "is no list of measures and no mapping from names to them", methods)
    faults = [
        Problem(
            path="methods", message="is the name of a baseline that is always there", values=(show(name),)
        )
        for name in _BASELINES
        if name in named
    ]
    if not named:
        faults.append(Problem(path="methods", message="there is no measure to validate"))
    raise_all("methods", faults)
    return named


@attrs.frozen(kw_only=True, eq=False)
class _Job:
    """What every split needs; plain values, so that it travels to another process."""

    graph: SocialGraph
    later: IntArray | None
    share: float
    sides: _holdout.Sides | None
    measures: Mapping[str, Measure]
    hits: tuple[int, ...]


def _before_and_after(
    data: object, split_on: object, columns: Mapping[str, str] | None
) -> tuple[SocialGraph, IntArray]:
    """Make the graph from before a day, and number the pairs that were first seen on it or later."""
    if isinstance(data, SocialGraph) or is_networkx(data):
        hint = "pass the table of dated contacts: source, target, observed_on"
        raise refuse("graph", "holds no dates to split on", type(data).__name__, hint=hint)
    day = np.datetime64(day_of("split_on", split_on), "D")
    frame = to_frame(data, "ties", columns=columns)
    table = Reader(frame, "ties", key=("source", "target"))
    source, target = table.ids("source"), table.ids("target")
    observed = table.dates("observed_on")
    table.finish()
    before = observed < day
    if not before.any() or before.all():
        side = "before" if not before.any() else "on or after"
        raise refuse("split_on", f"no tie was observed {side} this day", str(day))
    graph = SocialGraph.from_ties(frame[before], combine="sum")
    n = graph.n_people
    first, second = graph.labels.codes(source)[~before], graph.labels.codes(target)[~before]
    known = (first >= 0) & (second >= 0) & (first != second)
    found = np.unique(_holdout.keys(first[known], second[known], n))
    return graph, found[~np.isin(found, _holdout.tie_keys(graph.adjacency))]


def _draw(job: _Job, rng: np.random.Generator) -> _holdout.Split:
    adjacency, n = job.graph.adjacency, job.graph.n_people
    if job.later is None:
        split = _holdout.hide(adjacency, job.share, rng, job.sides)
    else:
        found = _holdout.between(job.later, n, job.sides)
        known = np.union1d(_holdout.tie_keys(adjacency), found)
        others = _holdout.non_ties(known, n, len(found), rng, job.sides)
        split = _holdout.Split(
            adjacency=adjacency,
            hidden=_holdout.pairs_of(found, n, job.sides),
            others=_holdout.pairs_of(others, n, job.sides),
        )
    if split is None or not len(split.hidden) or not len(split.others):
        ends = "between reps and leads " if job.sides else ""
        lacks = "pairs without a tie" if split is not None and len(split.hidden) else f"ties {ends}to find"
        hint = "pass a larger graph or a larger share="
        raise_all("validate", [Problem(path="graph", message=f"has no {lacks}", hint=hint)])
    return split  # type: ignore[return-value]  # raise_all does not come back


def _split(job: _Job, item: tuple[int, np.random.Generator]) -> tuple[list[dict[str, Any]], int, int]:
    """Draw one split and ask every measure and baseline about it."""
    number, rng = item
    split = _draw(job, rng)
    learning = rng.spawn(1)[0]
    directed = job.graph.is_directed
    asked = None if job.sides is None else _holdout.candidates(split, job.sides)
    rows = []
    for name, measure in job.measures.items():
        ready = _learnt(measure, split, job, learning)
        scorer = prepare(ready, split.adjacency, directed)
        both = job.sides is None
        row = _row(number, name, *_holdout.split_scores(scorer, split, both_ways=both))
        if asked is not None and job.sides is not None:
            row |= _hits(_holdout.rep_scores(scorer, job.sides.reps, asked[0]), asked, job.hits)
        rows.append(row)
    degree = np.diff(split.adjacency.indptr) + np.bincount(
        split.adjacency.indices, minlength=job.graph.n_people
    )
    for name, worth in zip(_BASELINES, (degree.astype(float), np.zeros(len(degree))), strict=True):
        row = _row(
            number,
            name,
            worth[split.hidden.first] * worth[split.hidden.second],
            worth[split.others.first] * worth[split.others.second],
        )
        if asked is not None and job.sides is not None:
            scores = worth[job.sides.reps][:, None] * worth[asked[0]]
            row |= _hits(scores, asked, job.hits)
        rows.append(row)
    return rows, len(split.hidden), len(split.others)


def _learnt(measure: Measure, split: _holdout.Split, job: _Job, rng: np.random.Generator) -> Measure:
    """Learn the weights of a blend that has none, on what the split lets it see."""
    if not isinstance(measure, Blend) or measure.weights is not None:
        return measure
    learnt = from_hidden(split.adjacency, job.graph.is_directed, measure, job.share, rng, job.sides)
    if learnt is None:
        fault = Problem(
            path="methods",
            message="too few ties are left to learn a blend from",
            values=(count(len(split.hidden), "hidden tie"),),
            hint="give the blend weights, or pass a larger graph",
        )
        raise_all("validate", [fault])
    return learnt or measure


def _row(number: int, name: str, hidden: FloatArray, others: FloatArray) -> dict[str, Any]:
    return {"split": number, "measure": name, "auc": _holdout.auc(hidden, others)}


def _hits(scores: FloatArray, asked: tuple[Any, Any, Any], hits: tuple[int, ...]) -> dict[str, float]:
    return {f"hit_{k}": _holdout.hit_rate(scores, asked[1], asked[2], k) for k in hits}
