"""How near two people are: each measure a small options class that names its paper."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import attrs

from salesops._faults import check_choice, refuse

__all__ = ["IntroductionPath", "Measure", "RandomWalk"]

Normalisation = Literal["out", "symmetric", "in"]
Transform = Literal["saturating", "relative", "identity"]


def _number(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    path = f"{type(instance).__name__}.{attribute.name}"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise refuse(path, "is not a number", value)


def _share(instance: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if not 0 < value < 1:
        path = f"{type(instance).__name__}.{attribute.name}"
        raise refuse(path, "must be a number between 0 and 1, both excluded", value)


def _positive(instance: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if not 0 < value < float("inf"):
        path = f"{type(instance).__name__}.{attribute.name}"
        raise refuse(path, "must be a finite number above 0", value)


def _hops(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        path = f"{type(instance).__name__}.{attribute.name}"
        raise refuse(path, "must be a whole number of 1 or more, or None for no limit", value)


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
    restart: float = attrs.field(default=0.15, validator=[_number, _share])
    tolerance: float = attrs.field(default=1e-6, validator=[_number, _positive])
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
    max_hops: int | None = attrs.field(default=4, validator=_hops)
    transform: Transform = attrs.field(default="saturating", validator=_transform)
    half_weight: float = attrs.field(default=1.0, validator=[_number, _positive])


Measure = RandomWalk | IntroductionPath
"""Any measure of proximity, with its options."""
