"""How near two people are: each measure a small options class that names its paper."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import attrs

from salesops._faults import check_choice, closest, raise_all
from salesops.errors import Problem, show
from salesops.territory._checks import (
    is_count,
    is_flag,
    is_hop_limit,
    is_not_negative,
    is_number,
    is_positive,
    is_share,
    is_whole,
)
from salesops.territory.geography import Geography
from salesops.territory.neighbours import (
    AdamicAdar,
    CommonNeighbours,
    Jaccard,
    PreferentialAttachment,
    ResourceAllocation,
)

__all__ = [
    "Blend",
    "BlendEvidence",
    "EffectiveResistance",
    "IntroductionPath",
    "Katz",
    "Measure",
    "RandomWalk",
]

Normalisation = Literal["out", "symmetric", "in"]
Transform = Literal["saturating", "relative", "identity"]
MethodName = Literal[
    "random_walk",
    "introduction_path",
    "common_neighbours",
    "jaccard",
    "preferential_attachment",
    "adamic_adar",
    "resource_allocation",
    "katz",
    "effective_resistance",
    "geography",
]


def _normalisation(_: object, __: attrs.Attribute[Any], value: object) -> None:
    check_choice("RandomWalk.normalisation", value, ("out", "symmetric", "in"))


def _transform(_: object, __: attrs.Attribute[Any], value: object) -> None:
    check_choice("IntroductionPath.transform", value, ("saturating", "relative", "identity"))


@attrs.frozen(kw_only=True)
class RandomWalk:
    r"""Random walk with restart: how often a walk that starts at the rep stands at the lead.

    The walk starts at the rep's person. At every step it returns there with the probability `restart`;
    otherwise it goes to someone the current person knows, with a probability proportional to the strength of
    the tie. The score is the share of time spent at the lead's person, so it is 0 where no chain of ties
    leads, grows with the number and strength of short chains, and is discounted by how many others the people
    in between know. In a directed graph the walk follows ties from source to target and ends where a person
    has none.

    A lead reached through several contacts scores the weighted sum of theirs: the share of time the walk
    stands at any of them.

    Parameters
    ----------
    restart : float, default 0.15
        Between 0 and 1. Larger keeps the walk nearer to the rep.
    tolerance : float, default 1e-6
        Each rep's scores are certified to differ from the exact ones by at most this, summed over all people
        (for "symmetric" the root of the sum of squares, for "in" the largest difference).
    normalisation : {"out", "symmetric", "in"}, default "out"
        How the weights W of the ties become the step P of the walk; d is the sum of a person's weights.
        "out" is :math:`W D^{-1}`, the walk from the rep, which favours leads whom many know. "symmetric" is
        :math:`D^{-1/2} W D^{-1/2}`, which discounts both ends alike. "in" is :math:`D^{-1} W`, the walk from
        the lead, read at the rep. The last two need undirected ties.

    Notes
    -----
    The scores of a rep solve :math:`x = \alpha P x + (1-\alpha) e`, :math:`\alpha = 1 - \text{restart}`.
    In an undirected graph they are found by the Chebyshev semi-iteration on an interval that holds the
    spectrum of the walk but for its resting distribution, which is known beforehand; in a directed graph,
    whose spectrum is not real, by plain iteration. Reps are walked in blocks, in double precision; the number
    of steps depends on the graph alone, so that no rep's scores depend on the others in the block. The
    certificate is the residual:
    :math:`\lVert x - x^* \rVert \le \lVert \alpha P x + b - x \rVert / (1-\alpha)`.

    The three normalisations are one walk: scores for "symmetric" and "in" are those for "out" times
    :math:`(d_\text{rep} / d_\text{lead})` to the power of one half and of one.

    References
    ----------
    H. Tong, C. Faloutsos, J.-Y. Pan (2006), "Fast random walk with restart and its applications".
    L. Page, S. Brin, R. Motwani, T. Winograd (1999), "The PageRank citation ranking:
    bringing order to the web".
    G. H. Golub, R. S. Varga (1961), "Chebyshev semi-iterative methods, successive overrelaxation iterative
    methods, and second order Richardson iterative methods".

    Examples
    --------
    >>> from salesops.territory import RandomWalk
    >>> RandomWalk(restart=0.2)
    RandomWalk(restart=0.2, tolerance=1e-06, normalisation='out')
    """

    kind: ClassVar[str] = "random_walk"
    restart: float = attrs.field(default=0.15, validator=[is_number, is_share])
    tolerance: float = attrs.field(default=1e-6, validator=[is_number, is_positive])
    normalisation: Normalisation = attrs.field(default="out", validator=_normalisation)


@attrs.frozen(kw_only=True)
class IntroductionPath:
    """The warmest introduction: the chain of ties with the largest product of strengths.

    Each tie gets a strength in (0, 1] by `transform`; the score of a rep and a lead is the largest product
    over all chains of at most `max_hops` ties, 1 for one and the same person, 0 where there is no chain.
    A lead reached through several contacts scores the best of theirs, each times its weight.

    Parameters
    ----------
    max_hops : int or None, default 4
        Longest chain; 2 means one contact in between. None sets no limit.
    transform : {"saturating", "relative", "identity"}, default "saturating"
        How a weight w becomes a strength: ``w / (w + half_weight)``; ``w`` divided by the largest weight of
        the graph; or ``w`` itself, which then must be at most 1.
    half_weight : float, default 1.0
        The weight of a tie of strength one half, for "saturating".

    Notes
    -----
    With strengths turned into lengths, minus their logarithms, this is the shortest path.

    References
    ----------
    E. W. Dijkstra (1959), "A note on two problems in connexion with graphs".
    R. Bellman (1958), "On a routing problem" (for the limit on hops).

    Examples
    --------
    >>> from salesops.territory import IntroductionPath
    >>> IntroductionPath(max_hops=2)
    IntroductionPath(max_hops=2, transform='saturating', half_weight=1.0)
    """

    kind: ClassVar[str] = "introduction_path"
    max_hops: int | None = attrs.field(default=4, validator=is_hop_limit)
    transform: Transform = attrs.field(default="saturating", validator=_transform)
    half_weight: float = attrs.field(default=1.0, validator=[is_number, is_positive])


def _beta(instance: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
    if value is not None:
        is_number(instance, attribute, value)
        is_positive(instance, attribute, value)


@attrs.frozen(kw_only=True)
class Katz:
    r"""Katz's index: all chains of ties from the rep to the lead, long ones counting less.

    A chain of l ties counts `beta` to the power of l times the product of their weights. In a directed graph
    chains follow ties from source to target. A lead reached through several contacts scores the weighted sum
    of theirs.

    Parameters
    ----------
    beta : float or None, default None
        What each further tie of a chain multiplies its count with. The sum over all chains is finite only
        below one over the largest eigenvalue of the graph; a larger one is refused, with the largest that is
        certain. None takes half of that, cut to three digits.
    weighted : bool, default False
        False counts every tie as 1; True reads the weights.
    tolerance : float, default 1e-9
        The scores of each rep are certified to differ from the exact ones, in sum over all people, by at
        most this share of their sum.

    Notes
    -----
    :math:`\sum_{l \ge 1} \beta^l (A^l)_{xy}`, summed chain length by chain length. With
    :math:`c_l = \lVert A^l \rVert_\infty`, counted for the first 128 lengths, the largest eigenvalue is at
    most :math:`c_{128}^{1/128}`, and what is left after :math:`m` lengths is at most
    :math:`\lVert (\beta A)^m e \rVert_1 \sum_{l \ge 1} \beta^l c_l`.

    References
    ----------
    L. Katz (1953), "A new status index derived from sociometric analysis".
    D. Liben-Nowell, J. Kleinberg (2007), "The link-prediction problem for social networks".

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["bo", "acme"]})
    >>> near = territory.proximity(
    ...     graph, {"rep_id": ["ann"]}, {"lead_id": ["acme"]}, method=territory.Katz(beta=0.1)
    ... )
    >>> round(near.score("ann", "acme"), 6)
    0.010204
    """

    kind: ClassVar[str] = "katz"
    beta: float | None = attrs.field(default=None, validator=_beta)
    weighted: bool = attrs.field(default=False, validator=is_flag)
    tolerance: float = attrs.field(default=1e-9, validator=[is_number, is_positive])


@attrs.frozen(kw_only=True)
class EffectiveResistance:
    r"""Effective resistance: how well many parallel chains of ties connect the rep and the lead.

    Every tie is a wire that conducts as well as its weight. Resistance falls with every further chain, not
    only with the best one, and the time a random walk takes to commute between two people is the resistance
    times the sum of all weights. The score is :math:`1 / (1 + R)`: 1 for one and the same person, 0 where no
    chain leads. A lead reached through several contacts scores the best of theirs, each times its weight.

    In a large dense graph resistance tends to :math:`1/s_x + 1/s_y` and so tells popularity rather than
    proximity (von Luxburg, Radl, Hein 2010); let :func:`validate` say whether it serves on yours.

    Parameters
    ----------
    weighted : bool, default True
        True reads weights as conductances; False counts every tie as 1.
    exact_up_to : int, default 5000
        Connected parts of the graph of at most this many people are solved exactly, with a certified error;
        that takes 8 bytes times the square of their number. In larger ones the resistance is a sketch.
    sketch : int, default 128
        How many random projections a sketch takes: its standard error is about ``sqrt(2 / sketch)`` of the
        lead's own part of the resistance, the same for all reps, so that who is nearer to a lead is told
        without it. A sketch carries no certificate: its ``error`` is infinite.
    rng : int, default 0
        Where the random projections start; the same number gives the same scores.

    Notes
    -----
    :math:`R_{xy} = G_{xx} + G_{yy} - 2 G_{xy}` with any generalised inverse G of the Laplacian. In large
    parts the columns of the reps are solved by conjugate gradients and the diagonal is projected.
    Undirected graphs only.

    References
    ----------
    D. J. Klein, M. Randić (1993), "Resistance distance".
    D. A. Spielman, N. Srivastava (2008), "Graph sparsification by effective resistances".
    U. von Luxburg, A. Radl, M. Hein (2010), "Getting lost in space: large sample analysis of the
    commute distance".

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["bo", "acme"]})
    >>> near = territory.proximity(
    ...     graph, {"rep_id": ["ann"]}, {"lead_id": ["acme"]}, method="effective_resistance"
    ... )
    >>> round(near.score("ann", "acme"), 4)
    0.3333
    """

    kind: ClassVar[str] = "effective_resistance"
    weighted: bool = attrs.field(default=True, validator=is_flag)
    exact_up_to: int = attrs.field(default=5000, validator=is_count)
    sketch: int = attrs.field(default=128, validator=is_count)
    rng: int = attrs.field(default=0, validator=is_whole)


Single = (
    RandomWalk
    | IntroductionPath
    | CommonNeighbours
    | Jaccard
    | PreferentialAttachment
    | AdamicAdar
    | ResourceAllocation
    | Katz
    | EffectiveResistance
)
"""Any measure that is no blend."""

_BY_NAME: dict[str, type[Single | Geography]] = {
    measure.kind: measure
    for measure in (
        RandomWalk,
        IntroductionPath,
        CommonNeighbours,
        Jaccard,
        PreferentialAttachment,
        AdamicAdar,
        ResourceAllocation,
        Katz,
        EffectiveResistance,
        Geography,
    )
}


def _as_singles(given: object) -> object:
    """Take names for measures with their defaults; what is no measure is left for the validator."""
    if isinstance(given, str) or not isinstance(given, (list, tuple)):
        return given
    return tuple(_BY_NAME[name]() if isinstance(name, str) and name in _BY_NAME else name for name in given)


def _are_singles(_: object, __: attrs.Attribute[Any], value: object) -> None:
    items = value if isinstance(value, tuple) else (value,)
    wrong = [item for item in items if not isinstance(item, Single | Geography)]
    faults = (
        [
            Problem(
                path="Blend.measures",
                message="is not a measure to blend",
                values=tuple(show(item) for item in wrong),
                hint=f"give options objects or names: {', '.join(map(repr, _BY_NAME))}",
                suggestions=closest(wrong[0], _BY_NAME),
            )
        ]
        if wrong
        else []
    )
    if not items:
        faults.append(Problem(path="Blend.measures", message="there is nothing to blend"))
    if sum(isinstance(item, Geography) for item in items) > 1:
        faults.append(Problem(path="Blend.measures", message="names more than one geography"))
    raise_all("Blend", faults)


def _floats(values: object) -> object:
    return tuple(values) if isinstance(values, (list, tuple)) else values


def _one_each(instance: Blend, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is None:
        return
    faults = []
    if not isinstance(value, tuple) or len(value) != len(instance.measures):
        faults.append(
            Problem(
                path=f"Blend.{attribute.name}",
                message="needs one number for each measure",
                values=(show(value), f"{len(instance.measures)} measures"),
            )
        )
    else:
        least = is_positive if attribute.name == "scales" else is_not_negative
        for item in value:
            is_number(instance, attribute, item)
            least(instance, attribute, item)
    raise_all("Blend", faults)


@attrs.frozen(kw_only=True)
class BlendEvidence:
    """What the weights of a blend were learnt from, and how well it told known pairs from others.

    Attributes
    ----------
    source : str
        ``"hidden ties"`` or ``"past wins"``.
    n_positive, n_negative : int
        Pairs that were ties or wins, and pairs that were not.
    auc : float
        Of the blend, learnt on one half of the pairs and asked about the other half, both ways.
    single_auc : tuple of float
        Of each measure alone, on all pairs.

    Examples
    --------
    >>> from salesops.territory import BlendEvidence
    >>> BlendEvidence(source="past wins", n_positive=40, n_negative=60, auc=0.81, single_auc=(0.8, 0.7)).auc
    0.81
    """

    source: str
    n_positive: int
    n_negative: int
    auc: float
    single_auc: tuple[float, ...]


@attrs.frozen(kw_only=True)
class Blend:
    r"""A blend: a weighted sum of other measures, each on a logarithmic scale.

    :func:`learn_blend` learns the weights from past wins or from hidden ties; they can also be given. No
    weight is negative, so being nearer by any measure never counts against a rep. A lead reached through
    several contacts scores the best of theirs, each times its weight.

    Parameters
    ----------
    measures : tuple of measures or of their names
        What to blend; at most one :class:`Geography` among them, which scores the lead itself, whatever its
        contacts.
    weights : tuple of float, optional
        One for each measure, 0 or more. Without weights a blend is a question that :func:`learn_blend` and
        :func:`validate` answer.
    scales : tuple of float, optional
        One for each measure, above 0: the score that counts as 1 on its logarithmic scale; default 1.
    evidence : BlendEvidence, optional
        Where the weights come from.

    Notes
    -----
    :math:`\sum_m w_m \log_2(1 + s_m / \text{scale}_m)`.

    References
    ----------
    D. Liben-Nowell, J. Kleinberg (2007), "The link-prediction problem for social networks".
    M. Al Hasan, V. Chaoji, S. Salem, M. Zaki (2006), "Link prediction using supervised learning".

    Examples
    --------
    >>> from salesops.territory import Blend
    >>> Blend(measures=["random_walk", "adamic_adar"], weights=[0.7, 0.3], scales=[1e-4, 0.5]).kind
    'blend'
    """

    kind: ClassVar[str] = "blend"
    measures: tuple[Single | Geography, ...] = attrs.field(converter=_as_singles, validator=_are_singles)
    weights: tuple[float, ...] | None = attrs.field(default=None, converter=_floats, validator=_one_each)
    scales: tuple[float, ...] | None = attrs.field(default=None, converter=_floats, validator=_one_each)
    evidence: BlendEvidence | None = None


Measure = Single | Geography | Blend
"""Any measure of proximity, with its options."""


def measure_of(method: object, argument: str = "method") -> Measure:
    """Take an options object as it is, and a name for the measure with its defaults."""
    if isinstance(method, Measure):
        return method
    check_choice(argument, method, tuple(_BY_NAME))
    return _BY_NAME[str(method)]()


def document(measure: Measure) -> dict[str, Any]:
    """Write a measure and its options as plain JSON types."""
    fields = attrs.asdict(measure, recurse=True)
    if isinstance(measure, Blend):
        fields["measures"] = [document(single) for single in measure.measures]
    return {"kind": measure.kind, **fields}
