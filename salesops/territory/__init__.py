"""Territories: who should own whom, by who knows whom.

Ties become a :class:`SocialGraph`, the graph gives the proximity of every rep to every lead
(:func:`proximity`), and :func:`assign` draws territories from it under capacities, bands and locks, with a
certified upper bound on what any plan could reach. Leads that come later go one by one through a
:class:`Router`.
"""

from salesops.territory.assignment import assign
from salesops.territory.comparison import Comparison, compare
from salesops.territory.decision import Decision, Routing, RunnerUp
from salesops.territory.graph import SocialGraph
from salesops.territory.measures import IntroductionPath, Measure, RandomWalk
from salesops.territory.plan import TerritoryPlan
from salesops.territory.proximity import proximity
from salesops.territory.pseudonyms import pseudonym
from salesops.territory.realignment import Frontier, frontier, realign
from salesops.territory.results import Explanation, Introduction, Proximity
from salesops.territory.review import ReviewSheet, review
from salesops.territory.router import Router

__all__ = [
    "Comparison",
    "Decision",
    "Explanation",
    "Frontier",
    "Introduction",
    "IntroductionPath",
    "Measure",
    "Proximity",
    "RandomWalk",
    "ReviewSheet",
    "Router",
    "Routing",
    "RunnerUp",
    "SocialGraph",
    "TerritoryPlan",
    "assign",
    "compare",
    "frontier",
    "proximity",
    "pseudonym",
    "realign",
    "review",
]
