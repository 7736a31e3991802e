"""Proximity by the people whom both know: five indices of the literature on link prediction.

All of them read the graph as undirected circles of acquaintance and look one introduction far: who has
nobody in common with the lead, and no tie to it, scores 0 (preferential attachment looks at no introduction
at all). They are cheap, one sparse product for a block of reps, and easy to explain.

The textbook indices ignore whether the two know each other already, since they were made to predict ties that
are missing. A rep who knows the lead should not score below a stranger, so here a direct tie counts as much
as `direct` of the most telling common contacts; ``direct=0`` is the textbook index. Between two people
without a tie, which is all that :func:`salesops.territory.validate` ever compares, both are the same.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from salesops.territory._checks import is_flag, is_not_negative, is_number

__all__ = [
    "AdamicAdar",
    "CommonNeighbours",
    "Jaccard",
    "PreferentialAttachment",
    "ResourceAllocation",
]


@attrs.frozen(kw_only=True)
class CommonNeighbours:
    r"""Common neighbours: how many people both the rep and the lead know.

    A lead reached through several contacts scores the weighted sum of theirs.

    Parameters
    ----------
    weighted : bool, default False
        False counts people. True counts each by the mean weight of its two ties.
    direct : float, default 2.0
        A direct tie counts as this many people in common (times its weight if `weighted`): with 2, both
        belong to both circles. 0 ignores it, as the textbook does.

    Notes
    -----
    :math:`\sum_{z \in N(x) \cap N(y)} 1`, or :math:`\sum_z (w_{xz} + w_{zy}) / 2`. Undirected graphs only.

    References
    ----------
    M. E. J. Newman (2001), "Clustering and preferential attachment in growing networks".
    T. Murata, S. Moriyasu (2007), "Link prediction of social networks based on weighted proximity measures".

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties(
    ...     {"source": ["ann", "ann", "bo", "bo"], "target": ["p", "q", "p", "acme"]}
    ... )
    >>> leads = {"lead_id": ["bo", "acme"]}
    >>> territory.proximity(graph, {"rep_id": ["ann"]}, leads, method="common_neighbours").to_frame()
      rep_id lead_id  score  rank
    0    ann      bo    1.0     1
    """

    kind: ClassVar[str] = "common_neighbours"
    weighted: bool = attrs.field(default=False, validator=is_flag)
    direct: float = attrs.field(default=2.0, validator=[is_number, is_not_negative])


@attrs.frozen(kw_only=True)
class Jaccard:
    r"""Jaccard's coefficient: which share of all whom either knows, both know.

    A lead reached through several contacts scores the best of theirs, each times its weight. Weights of ties
    are not read.

    Parameters
    ----------
    direct : float, default 2.0
        A direct tie counts as this many more people whom both know. 0 ignores it, as the textbook does.

    Notes
    -----
    :math:`(c + d) / (k_x + k_y - c + d)` with :math:`c` people in common, :math:`k` ties of each, and
    :math:`d` = `direct` where the two have a tie, else 0; never above 1. Undirected graphs only.

    References
    ----------
    P. Jaccard (1901), "Étude comparative de la distribution florale dans une portion des Alpes et des Jura".
    D. Liben-Nowell, J. Kleinberg (2007), "The link-prediction problem for social networks".

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties(
    ...     {"source": ["ann", "ann", "bo", "bo"], "target": ["p", "q", "p", "acme"]}
    ... )
    >>> near = territory.proximity(graph, {"rep_id": ["ann"]}, {"lead_id": ["bo"]}, method="jaccard")
    >>> round(near.score("ann", "bo"), 4)
    0.3333
    """

    kind: ClassVar[str] = "jaccard"
    direct: float = attrs.field(default=2.0, validator=[is_number, is_not_negative])


@attrs.frozen(kw_only=True)
class PreferentialAttachment:
    r"""Preferential attachment: the ties of the rep times the ties of the lead.

    It knows nothing of proximity: whom to call by popularity alone. Keep it as the baseline that a measure
    of proximity must beat. A lead reached through several contacts scores the weighted sum of theirs.

    Parameters
    ----------
    weighted : bool, default False
        False counts ties; True adds up their weights.

    Notes
    -----
    :math:`k_x k_y`. Undirected graphs only.

    References
    ----------
    A.-L. Barabási, R. Albert (1999), "Emergence of scaling in random networks".
    M. E. J. Newman (2001), "Clustering and preferential attachment in growing networks".

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "ann"], "target": ["bo", "acme"]})
    >>> near = territory.proximity(
    ...     graph, {"rep_id": ["bo", "ann"]}, {"lead_id": ["acme"]}, method="preferential_attachment"
    ... )
    >>> near.to_frame()
      rep_id lead_id  score  rank
    0    ann    acme    2.0     1
    1     bo    acme    1.0     2
    """

    kind: ClassVar[str] = "preferential_attachment"
    weighted: bool = attrs.field(default=False, validator=is_flag)


@attrs.frozen(kw_only=True)
class AdamicAdar:
    r"""Adamic-Adar: people in common, those who know few others counting more.

    A lead reached through several contacts scores the weighted sum of theirs.

    Parameters
    ----------
    weighted : bool, default False
        False counts ties; True reads their weights, as in the second formula below.
    direct : float, default 2.0
        A direct tie counts as this many common contacts who know nobody else, by ties as strong as it is.
        0 ignores it, as the textbook does.

    Notes
    -----
    :math:`\sum_{z \in N(x) \cap N(y)} 1 / \log k_z`, or
    :math:`\sum_z \tfrac12 (w_{xz} + w_{zy}) / \log(1 + s_z)` with the strength :math:`s_z`, the sum of the
    weights of z (a plain logarithm would turn negative below 1). Undirected graphs only.

    References
    ----------
    L. A. Adamic, E. Adar (2003), "Friends and neighbors on the Web".
    L. Lü, T. Zhou (2010), "Link prediction in weighted networks: the role of weak ties".

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["p", "p"]})
    >>> near = territory.proximity(graph, {"rep_id": ["ann"]}, {"lead_id": ["bo"]}, method="adamic_adar")
    >>> round(near.score("ann", "bo"), 4)
    1.4427
    """

    kind: ClassVar[str] = "adamic_adar"
    weighted: bool = attrs.field(default=False, validator=is_flag)
    direct: float = attrs.field(default=2.0, validator=[is_number, is_not_negative])


@attrs.frozen(kw_only=True)
class ResourceAllocation:
    r"""Resource allocation: the attention that would reach the lead if each in between shared theirs evenly.

    A lead reached through several contacts scores the weighted sum of theirs.

    Parameters
    ----------
    weighted : bool, default False
        False counts ties; True reads their weights, as in the second formula below.
    direct : float, default 2.0
        A direct tie counts as this many common contacts who know nobody else, by ties as strong as it is.
        0 ignores it, as the textbook does.

    Notes
    -----
    :math:`\sum_{z \in N(x) \cap N(y)} 1 / k_z`, or :math:`\sum_z \tfrac12 (w_{xz} + w_{zy}) / s_z` with the
    strength :math:`s_z`, the sum of the weights of z. Undirected graphs only.

    References
    ----------
    T. Zhou, L. Lü, Y.-C. Zhang (2009), "Predicting missing links via local information".
    L. Lü, T. Zhou (2010), "Link prediction in weighted networks: the role of weak ties".

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["p", "p"]})
    >>> reps, leads = {"rep_id": ["ann"]}, {"lead_id": ["bo"]}
    >>> territory.proximity(graph, reps, leads, method="resource_allocation").score("ann", "bo")
    0.5
    """

    kind: ClassVar[str] = "resource_allocation"
    weighted: bool = attrs.field(default=False, validator=is_flag)
    direct: float = attrs.field(default=2.0, validator=[is_number, is_not_negative])
