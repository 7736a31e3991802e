"""What to believe of several measures: weights learnt from past wins or from hidden ties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops import _run
from salesops._faults import raise_all, refuse
from salesops._frames import Labels, Reader, check_known, is_networkx
from salesops.errors import Problem
from salesops.territory import _holdout
from salesops.territory._scorers import prepare
from salesops.territory.graph import SocialGraph
from salesops.territory.inputs import tables
from salesops.territory.measures import Blend, BlendEvidence, Single
from salesops.territory.proximity import proximity

__all__ = ["learn_blend"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_DEFAULT = ("random_walk", "adamic_adar", "katz", "effective_resistance")
_SHRINKAGE = 1.0
_LOW = 0.1
_MOST_ROUNDS = 5
_ENOUGH = 4000


def learn_blend(
    graph: SocialGraph | Any,
    measures: Sequence[str | Single] = _DEFAULT,
    *,
    wins: object = None,
    reps: object = None,
    leads: object = None,
    share: float = 0.1,
    rng: _run.RngLike = None,
    columns: Mapping[str, str] | None = None,
) -> Blend:
    r"""Learn how much each measure of proximity tells, from past wins or from hidden ties.

    Past wins say what proximity is worth on your market. Beware of ties that were made by the deal itself:
    keep only ties from before it. Without wins, a share of the ties is hidden, and the weights are those that
    best tell hidden ties from as many random pairs without one.

    Parameters
    ----------
    graph : SocialGraph or networkx.Graph
        Who knows whom.
    measures : sequence of names and options objects
        What to blend.
    wins : table, optional
        ``rep_id``, ``lead_id`` and ``won`` (True or False): what came of pairs that were tried.
    reps, leads : table, optional
        ``rep_id``, and ``lead_id``, each perhaps with ``person_id``. Without them everyone stands for
        themselves. Without `wins`, both or none: only ties between reps and leads are then hidden.
    share : float, default 0.1
        Share of the ties to hide; in a small graph, anew up to five times.
    rng : int, numpy Generator or SeedSequence, optional
        Draws the ties to hide and the pairs without one.
    columns : mapping, optional
        ``{"name in your table": "name above"}``, for all tables together.

    Returns
    -------
    Blend
        With weights, scales and the evidence they rest on.

    Raises
    ------
    InvalidInput
        If a table or a measure is faulty, or all pairs are of one kind, so that there is nothing to learn.

    Notes
    -----
    A logistic regression with weights of 0 or more and a ridge penalty of 1 on standardised scores. Each
    score s enters as :math:`\log_2(1 + s / \text{scale})`, the scale being the lowest tenth of its positive
    scores, so that a measure whose scores span many orders of magnitude is not read by its largest alone.
    Where the blend, learnt on one half of the pairs, tells the other half no better than the best single
    measure does, that measure gets all the weight.

    References
    ----------
    M. Al Hasan, V. Chaoji, S. Salem, M. Zaki (2006), "Link prediction using supervised learning".
    S. le Cessie, J. C. van Houwelingen (1992), "Ridge estimators in logistic regression".

    Examples
    --------
    >>> import networkx as nx
    >>> from salesops import territory
    >>> blend = territory.learn_blend(nx.karate_club_graph(), ["random_walk", "jaccard"], rng=1)
    >>> blend.evidence.source, blend.evidence.n_positive
    ('hidden ties', 35)
    >>> territory.proximity(nx.karate_club_graph(), {"rep_id": [0]}, {"lead_id": [33]}, method=blend)
    Proximity(1 rep, 1 lead, 1 pair, blend)
    """
    blend = Blend(measures=tuple(measures) if not isinstance(measures, str) else (measures,))
    people = as_graph(graph)
    if wins is not None:
        features, won = _from_wins(people, blend, tables(columns, wins=wins, reps=reps, leads=leads))
        return _fitted(blend, features, won, "past wins")
    check_share("share", share)
    sides = read_sides(people, tables(columns, reps=reps, leads=leads))
    learnt = from_hidden(people.adjacency, people.is_directed, blend, share, _run.generator(rng), sides)
    if learnt is None:
        hint = "pass a larger graph, a larger share=, or wins="
        raise_all("learn_blend", [Problem(path="graph", message="has too few ties to hide some", hint=hint)])
    return learnt or blend


def as_graph(graph: object) -> SocialGraph:
    """Take a social graph, or make one of a networkx graph."""
    if isinstance(graph, SocialGraph):
        return graph
    if is_networkx(graph):
        return SocialGraph.from_networkx(graph)  # type: ignore[arg-type]  # the line above has looked
    hint = "make one with SocialGraph.from_ties or SocialGraph.from_networkx"
    raise refuse("graph", "is not a social graph", type(graph).__name__, hint=hint)


def check_share(argument: str, value: object) -> None:
    """Refuse what is no number between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        raise refuse(argument, "must be a number between 0 and 1, both excluded", value)


def read_sides(graph: SocialGraph, frames: Mapping[str, Any]) -> _holdout.Sides | None:
    """Find the people of reps and leads in the graph; None if neither table is given."""
    if not frames:
        return None
    faults: list[Problem] = []
    found = {}
    for name, key in (("reps", "rep_id"), ("leads", "lead_id")):
        if name not in frames:
            hint = "pass both reps= and leads=, or none of them"
            faults.append(Problem(path=name, message="is missing beside the other side", hint=hint))
            continue
        table = Reader(frames[name], name, key=(key,), faults=faults)
        ids = table.ids("person_id" if table.has("person_id") else key, optional=table.has("person_id"))
        codes = np.unique(graph.labels.codes(ids))
        found[name] = codes[codes >= 0]
        if not len(found[name]):
            faults.append(Problem(path=name, message="none of them is in the graph"))
    raise_all("sides", faults)
    return _holdout.Sides(reps=found["reps"], leads=found["leads"])


def from_hidden(
    adjacency: Any,
    is_directed: bool,
    blend: Blend,
    share: float,
    rng: np.random.Generator,
    sides: _holdout.Sides | None,
) -> Blend | None:
    """Learn a blend on a graph by hiding some of its ties; None if it has too few."""
    scores, won = [], []
    for _ in range(_MOST_ROUNDS):
        split = _holdout.hide(adjacency, share, rng, sides)
        if split is None or not len(split.others):
            return None
        scores.append(_asked(split, is_directed, blend, both_ways=sides is None))
        won.append(np.arange(len(split.hidden) + len(split.others)) < len(split.hidden))
        if sum(map(len, won)) >= _ENOUGH:
            break
    return _fitted(blend, np.concatenate(scores, axis=2), np.concatenate(won), "hidden ties")


def _asked(split: _holdout.Split, is_directed: bool, blend: Blend, *, both_ways: bool) -> FloatArray:
    """Score the pairs of a split by every measure and from either end: (n_measures, n_ways, n_pairs)."""
    columns = []
    for measure in blend.measures:
        scorer = prepare(measure, split.adjacency, is_directed)
        first = np.concatenate([split.hidden.first, split.others.first])
        second = np.concatenate([split.hidden.second, split.others.second])
        ways = [_holdout.pair_scores(scorer, first, second)]
        if both_ways:
            back = ways[0] if scorer.is_mutual else _holdout.pair_scores(scorer, second, first)
            ways.append(back)
        columns.append(np.stack(ways))
    return np.stack(columns)


def _from_wins(graph: SocialGraph, blend: Blend, frames: dict[str, Any]) -> tuple[FloatArray, Mask]:
    """Score the pairs that were tried by every measure."""
    table = Reader(frames["wins"], "wins", key=("rep_id", "lead_id"))
    rep, lead = table.ids("rep_id"), table.ids("lead_id")
    cells = table.cells("won")
    won = table.flags("won", default=False)
    if cells is not None:
        table.fault("won", np.asarray(cells.isna(), dtype=bool), "won must be True or False")
    table.finish()
    ends = {}
    for name, key, ids in (("reps", "rep_id", rep), ("leads", "lead_id", lead)):
        labels = Labels.of(ids)
        ends[name] = frames.get(name, {key: labels.values})
        if name in frames:
            side = Reader(frames[name], name, key=(key,), faults=table.faults)
            known = Labels.of(side.ids(key, unique=True))
            check_known(table.faults, f"wins.{key}", ids, known, name, table.rows, who=table.who)
    table.finish()
    columns = []
    for measure in blend.measures:
        n_reps = max(len(ends["reps"]), len(rep.distinct), 1)
        near = proximity(graph, ends["reps"], ends["leads"], method=measure, top=n_reps)
        r, k = near.rep_labels.codes(rep), near.lead_labels.codes(lead)
        kept = np.repeat(np.arange(near.n_leads), np.diff(near.starts)) * near.n_reps + near.reps
        order = np.argsort(kept)
        wanted = k * near.n_reps + r
        at = np.minimum(np.searchsorted(kept[order], wanted), max(len(kept) - 1, 0))
        scores = np.zeros(len(wanted))
        if len(kept):
            scores = np.where(kept[order][at] == wanted, near.scores[order][at], 0.0)
        columns.append(scores[None, :])
    # One order of the pairs, whatever that of the rows: sums and halves are then the same.
    order = np.lexsort((won, Labels.of(rep).codes(rep), Labels.of(lead).codes(lead)))
    return np.stack(columns)[:, :, order], won[order]


def _fitted(blend: Blend, scores: FloatArray, won: Mask, source: str) -> Blend:
    """Fit weights to scores of shape (n_measures, n_ways, n_pairs)."""
    if won.all() or not won.any():
        hint = "pass pairs that were won and pairs that were not"
        fault = Problem(path="wins.won", message="all pairs are of one kind", hint=hint)
        raise_all("learn_blend", [fault])
    scales = np.array([float(np.quantile(s[s > 0], _LOW)) if (s > 0).any() else 1.0 for s in scores])
    features = np.log2(1.0 + scores / scales[:, None, None]).mean(axis=1).T
    weights = _weights(features, won)
    halves = np.arange(len(won)) % 2 == 0
    held = [
        _holdout.auc((features[part] @ fit)[won[part]], (features[part] @ fit)[~won[part]])
        for part, fit in (
            (~halves, _weights(features[halves], won[halves])),
            (halves, _weights(features[~halves], won[~halves])),
        )
    ]
    single = [_holdout.auc(s.sum(axis=0)[won], s.sum(axis=0)[~won]) for s in scores]
    blended = float(np.mean([value for value in held if value == value] or [np.nan]))
    if not blended >= max(single):
        weights = np.where(np.arange(len(single)) == int(np.argmax(single)), 1.0, 0.0)
    evidence = BlendEvidence(
        source=source,
        n_positive=int(won.sum()),
        n_negative=int((~won).sum()),
        auc=blended,
        single_auc=tuple(single),
    )
    return attrs.evolve(
        blend, weights=tuple(weights.tolist()), scales=tuple(scales.tolist()), evidence=evidence
    )


def _weights(features: FloatArray, won: Mask) -> FloatArray:
    """Minimise the logistic loss with a ridge penalty, weights 0 or more; the intercept is not kept."""
    from scipy import optimize

    spread = features.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    x = np.column_stack([features / spread, np.ones(len(features))])
    sign = np.where(won, 1.0, -1.0)
    ridge = np.append(np.full(features.shape[1], _SHRINKAGE), 0.0)

    def loss(beta: FloatArray) -> tuple[float, FloatArray]:
        margin = sign * (x @ beta)
        value = float(np.logaddexp(0.0, -margin).sum() + 0.5 * (ridge * beta * beta).sum())
        return value, -(x.T @ (sign / (1.0 + np.exp(np.minimum(margin, 700.0))))) + ridge * beta

    bounds = [(0.0, None)] * features.shape[1] + [(None, None)]
    found = optimize.minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds)
    # Digits beyond these depend on the last bits of sums.
    return np.array([float(f"{weight:.6g}") for weight in np.maximum(found.x[:-1], 0.0) / spread])
