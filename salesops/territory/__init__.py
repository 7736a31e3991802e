"""Territories: who should own whom, by who knows whom.

Ties become a :class:`SocialGraph`, the graph gives the proximity of every rep to every lead
(:func:`proximity`), and :func:`assign` draws territories from it under capacities, bands and locks, with a
certified upper bound on what any plan could reach. Leads that come later go one by one through a
:class:`Router`.
"""

from salesops.territory.assignment import assign
from salesops.territory.blend import learn_blend
from salesops.territory.comparison import Comparison, compare
from salesops.territory.decision import Decision, Routing, RunnerUp
from salesops.territory.geography import Geography, too_far
from salesops.territory.graph import SocialGraph
from salesops.territory.hierarchy import RollUp
from salesops.territory.measures import (
    Blend,
    BlendEvidence,
    EffectiveResistance,
    IntroductionPath,
    Katz,
    Measure,
    RandomWalk,
)
from salesops.territory.neighbours import (
    AdamicAdar,
    CommonNeighbours,
    Jaccard,
    PreferentialAttachment,
    ResourceAllocation,
)
from salesops.territory.overlays import Overlay, overlay
from salesops.territory.plan import TerritoryPlan
from salesops.territory.proximity import proximity
from salesops.territory.pseudonyms import pseudonym
from salesops.territory.realignment import Frontier, frontier, realign
from salesops.territory.results import Explanation, Introduction, Proximity
from salesops.territory.review import ReviewSheet, review
from salesops.territory.router import Router
from salesops.territory.teams import by_team, within_teams
from salesops.territory.timeline import Timeline
from salesops.territory.validation import Validation, validate

__all__ = [
    "AdamicAdar",
    "Blend",
    "BlendEvidence",
    "CommonNeighbours",
    "Comparison",
    "Decision",
    "EffectiveResistance",
    "Explanation",
    "Frontier",
    "Geography",
    "Introduction",
    "IntroductionPath",
    "Jaccard",
    "Katz",
    "Measure",
    "Overlay",
    "PreferentialAttachment",
    "Proximity",
    "RandomWalk",
    "ResourceAllocation",
    "ReviewSheet",
    "RollUp",
    "Router",
    "Routing",
    "RunnerUp",
    "SocialGraph",
    "TerritoryPlan",
    "Timeline",
    "Validation",
    "assign",
    "by_team",
    "compare",
    "frontier",
    "learn_blend",
    "overlay",
    "proximity",
    "pseudonym",
    "realign",
    "review",
    "too_far",
    "validate",
    "within_teams",
]
