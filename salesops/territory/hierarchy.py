"""Territories summed up the reporting tree: what each manager is responsible for."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._display import number
from salesops._faults import closest, count, raise_all
from salesops._frames import Ids, Labels, Reader, check_same_type, id_column, to_plain
from salesops.errors import Problem, show
from salesops.territory.inputs import find, labels_at, tables
from salesops.territory.results import Explanation

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["RollUp"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_SUMS = ("n_leads", "value", "load", "capacity", "score")
_HINT = "leave out people who neither own leads nor manage anybody who does"


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RollUp:
    """What each manager is responsible for, made by :meth:`TerritoryPlan.roll_up`.

    Attributes
    ----------
    members : Labels
        Everybody in the tree and every rep of the plan; their order, label order, is that of every array.
    manager : ndarray of shape (n,)
        Position of whom each reports to, -1 for nobody.
    in_tree, is_rep : ndarray of bool, shape (n,)
        Who stands in the tree, and who is a rep of the plan.
    order, level : ndarray of shape (n,)
        The members from the top down, each before who reports to him, and how far below the top each stands.
    n_direct, n_reports, n_reps : ndarray of shape (n,)
        How many report to each directly, and at all; and how many reps there are among them and himself.
    sums : mapping of str to ndarray of shape (n,)
        ``n_leads``, ``value``, ``load``, ``capacity``, ``score``, ``nearness`` (value times proximity): of
        each with everybody who reports to him. Each is the exactly rounded sum of his own and of those of his
        direct reports.
    has_proximity : bool

    Examples
    --------
    >>> from salesops import territory
    >>> score = {"rep_id": ["ann", "bo", "cy"], "lead_id": ["acme", "bolt", "cog"], "score": [5, 3, 2]}
    >>> reps = {"rep_id": ["ann", "bo", "cy"], "capacity": [1, 1, 1]}
    >>> plan = territory.assign(reps, {"lead_id": ["acme", "bolt", "cog"]}, score=score)
    >>> tree = plan.roll_up({"rep_id": ["ann", "bo", "dan"], "manager_id": ["dan", "dan", "eve"]})
    >>> tree
    RollUp(5 members, 3 reps, 1 outside the tree)
    >>> tree.to_frame()[["member_id", "manager_id", "level", "n_direct", "n_reports", "n_leads", "score"]]
      member_id manager_id  level  n_direct  n_reports  n_leads  score
    0       eve        NaN      0         1          3        2    8.0
    1       dan        eve      1         2          2        2    8.0
    2       ann        dan      2         0          0        1    5.0
    3        bo        dan      2         0          0        1    3.0
    4        cy        NaN      0         0          0        1    2.0
    >>> tree.explain("dan")
    member 'dan'
      reports to 'eve'
      2 direct reports, 2 reports in all, 2 reps
      2 leads, value 2, score 8
      workload 2 of 2
    >>> tree.to_dict()["members"][0]["n_reports"]
    3
    """

    members: Labels
    manager: IntArray
    in_tree: npt.NDArray[np.bool_]
    is_rep: npt.NDArray[np.bool_]
    order: IntArray
    level: IntArray
    n_direct: IntArray
    n_reports: IntArray
    n_reps: IntArray
    sums: Mapping[str, FloatArray]
    has_proximity: bool

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each member, managers before those who report to them.

        Returns
        -------
        DataFrame
            ``member_id``, ``manager_id`` (missing at the top and outside the tree), ``level``, ``in_tree``,
            ``is_rep``, ``n_direct``, ``n_reports``, ``n_reps``, ``n_leads``, ``value``, ``load``,
            ``capacity``, ``score``, ``proximity`` (the mean over leads weighted by value, NaN where none is
            known). Reps outside the tree come last.
        """
        at = self.order
        worth = self.sums["value"][at]
        known = (worth > 0) & self.has_proximity
        near = np.divide(self.sums["nearness"][at], worth, out=np.full(len(at), np.nan), where=known)
        return pd.DataFrame(
            {
                "member_id": id_column(self.members.values[at]),
                "manager_id": id_column(labels_at(self.members, self.manager[at])),
                "level": self.level[at],
                "in_tree": self.in_tree[at],
                "is_rep": self.is_rep[at],
                "n_direct": self.n_direct[at],
                "n_reports": self.n_reports[at],
                "n_reps": self.n_reps[at],
                "n_leads": self.sums["n_leads"][at].astype(np.int64),
                **{name: self.sums[name][at] for name in _SUMS[1:]},
                "proximity": near,
            }
        )

    def explain(self, member: Hashable) -> Explanation:
        """Say what one member is responsible for.

        Parameters
        ----------
        member : hashable
            The id.

        Returns
        -------
        Explanation
        """
        k = find(self.members, member, "member", "members")
        boss = int(self.manager[k])
        where = "is outside the tree" if not self.in_tree[k] else "stands at the top"
        reports = f"{count(int(self.n_reports[k]), 'report')} in all"
        facts: dict[str, Any] = {
            "manager": self.members[boss] if boss >= 0 else None,
            "n_direct": int(self.n_direct[k]),
            "n_reports": int(self.n_reports[k]),
            "n_reps": int(self.n_reps[k]),
            **{name: float(self.sums[name][k]) for name in _SUMS},
        }
        sentences = (
            f"reports to {show(self.members[boss])}" if boss >= 0 else where,
            f"{count(facts['n_direct'], 'direct report')}, {reports}, {count(facts['n_reps'], 'rep')}",
            f"{count(int(facts['n_leads']), 'lead')}, value {number(facts['value'])}, "
            f"score {number(facts['score'])}",
            f"workload {number(facts['load'])} of {number(facts['capacity'])}",
        )
        return Explanation(subject=f"member {show(member)}", facts=facts, sentences=sentences)

    def to_dict(self) -> dict[str, Any]:
        """Return the rows as plain JSON types.

        Returns
        -------
        dict
        """
        frame = self.to_frame()
        for name in ("member_id", "manager_id"):
            at = self.order if name == "member_id" else self.manager[self.order]
            frame[name] = pd.Series(to_plain(labels_at(self.members, at).tolist(), name), dtype=object)
        frame = frame.astype(object).replace([np.inf, -np.inf], np.nan)
        records = frame.where(frame.notna(), None).to_dict("records")
        return {"kind": "territory_roll_up", "members": records}

    def __repr__(self) -> str:
        outside = int((~self.in_tree).sum())
        size = f"{count(len(self.members), 'member')}, {count(int(self.is_rep.sum()), 'rep')}"
        return f"RollUp({size}, {outside} outside the tree)"

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        indent = ["  " * depth for depth in frame["level"]]
        frame["member_id"] = [
            space + str(name) for space, name in zip(indent, frame["member_id"], strict=True)
        ]
        shown = ["member_id", "n_direct", "n_reports", *_SUMS, "proximity"]
        return _display.html_card("Territories by manager", {}, [("members", frame[shown])])


def roll_up(plan: Any, hierarchy: object, *, columns: Mapping[str, str] | None) -> RollUp:
    """Sum a plan up a reporting tree; see ``TerritoryPlan.roll_up``."""
    members, manager, in_tree = _read(plan, hierarchy, columns)
    tree = _tree(manager)
    place = members.codes(Ids(np.arange(len(plan.rep_labels)), plan.rep_labels.values))
    is_rep = np.zeros(len(members), dtype=bool)
    is_rep[place] = True
    own = _own(plan, place, len(members))
    return RollUp(
        members=members,
        manager=manager,
        in_tree=in_tree,
        is_rep=is_rep,
        has_proximity=plan.has_proximity,
        **_summed(tree, manager, in_tree, is_rep, own),
    )


def _read(
    plan: Any, hierarchy: object, columns: Mapping[str, str] | None
) -> tuple[Labels, IntArray, npt.NDArray[np.bool_]]:
    """Read the tree: its people and every rep, the manager of each, and who stands in the tree."""
    faults: list[Problem] = []
    table = Reader(tables(columns, hierarchy=hierarchy)["hierarchy"], "hierarchy", faults=faults)
    member = table.ids("rep_id")
    boss = table.ids("manager_id", optional=table.has("manager_id"))
    check_same_type(faults, "hierarchy.rep_id", member, plan.rep_labels, "the plan", table.rows)
    of_rows = Labels.of(member)
    check_same_type(faults, "hierarchy.manager_id", boss, of_rows, "hierarchy.rep_id", table.rows)
    check_same_type(faults, "hierarchy.manager_id", boss, plan.rep_labels, "the plan", table.rows)
    raise_all("roll-up", faults)

    reps = Ids(np.arange(len(plan.rep_labels)), plan.rep_labels.values)
    members = Labels.of(member, boss, reps)
    lower, upper = members.codes(member), members.codes(boss)
    twice = member.repeated()
    told = {k: show(boss.label(k)) if upper[k] >= 0 else "nobody" for k in np.flatnonzero(twice).tolist()}
    table.fault(
        "rep_id",
        twice,
        "stands in more than one row, and everybody has one manager",
        value=lambda k: f"{show(member.label(k))} under {told[k]}",
        hint="keep one row for each member",
    )
    manages = np.zeros(len(members), dtype=bool)
    manages[upper[upper >= 0]] = True
    strangers = (plan.rep_labels.codes(member) < 0) & ~manages[lower]
    table.fault(
        "rep_id",
        strangers,
        "is neither a rep of the plan nor anybody's manager",
        hint=_HINT,
        suggestions=_near(plan, member, strangers),
    )
    manager = np.full(len(members), -1, dtype=np.int64)
    manager[lower[::-1]] = upper[::-1]
    faults += _cycles(members, manager)
    raise_all("roll-up", faults)
    in_tree = np.zeros(len(members), dtype=bool)
    in_tree[lower] = True
    in_tree[upper[upper >= 0]] = True
    return members, manager, in_tree


def _near(plan: Any, member: Ids, strangers: npt.NDArray[np.bool_]) -> list[str]:
    """Find the reps who were probably meant."""
    labels = [member.label(k) for k in np.flatnonzero(strangers)[:5].tolist()]
    known = plan.rep_labels.values.tolist()
    return [*{hint: None for label in labels for hint in closest(label, known)}]


def _tree(manager: IntArray) -> nx.DiGraph[int]:
    """Make the graph that leads from each manager to who reports to him, in label order."""
    import networkx as nx

    tree: nx.DiGraph[int] = nx.DiGraph()
    tree.add_nodes_from(range(len(manager)))
    tree.add_edges_from((boss, k) for k, boss in enumerate(manager.tolist()) if boss >= 0)
    return tree


def _cycles(members: Labels, manager: IntArray) -> list[Problem]:
    """Name everybody who is, directly or not, his own manager."""
    import networkx as nx

    tree = _tree(manager)
    rings = [ring for ring in nx.strongly_connected_components(tree) if len(ring) > 1]
    rings += [{k} for k in nx.nodes_with_selfloops(tree)]
    told = []
    for ring in sorted(map(sorted, rings)):
        chain = [ring[0]]
        while (above := int(manager[chain[-1]])) != ring[0]:
            chain.append(above)
        told.append(" under ".join(show(members[k]) for k in [*chain, ring[0]]))
    if not told:
        return []
    rule = "nobody is his own manager, directly or through others"
    hint = "leave the manager_id of whoever stands at the top empty"
    return [Problem(path="hierarchy.manager_id", message=rule, values=tuple(told), hint=hint)]


def _own(plan: Any, place: IntArray, n: int) -> dict[str, FloatArray]:
    """Sum up what each member owns alone."""
    owned = np.flatnonzero(plan.owner >= 0)
    order = owned[np.argsort(plan.owner[owned], kind="stable")]
    ends = np.searchsorted(plan.owner[order], np.arange(len(place) + 1))
    own = {name: np.zeros(n) for name in (*_SUMS, "nearness")}
    own["n_leads"][place] = np.diff(ends)
    own["load"][place] = plan.used[:, 0]
    own["capacity"][place] = plan.capacity
    parts = {"value": plan.value, "score": plan.score, "nearness": plan.value * plan.proximity}
    for rep, at in enumerate(place.tolist()):
        mine = order[ends[rep] : ends[rep + 1]]
        for name, each in parts.items():
            own[name][at] = math.fsum(each[mine].tolist())
    return own


def _summed(
    tree: nx.DiGraph[int],
    manager: IntArray,
    in_tree: npt.NDArray[np.bool_],
    is_rep: npt.NDArray[np.bool_],
    own: Mapping[str, FloatArray],
) -> dict[str, Any]:
    """Add up from the bottom, and number the members from the top."""
    import networkx as nx

    n = len(manager)
    downwards = list(nx.topological_sort(tree))
    level, n_reports, n_reps = (
        np.zeros(n, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
        is_rep.astype(np.int64),
    )
    sums = {name: each.copy() for name, each in own.items()}
    for k in downwards:
        if manager[k] >= 0:
            level[k] = level[manager[k]] + 1
    for k in downwards[::-1]:
        below = list(tree.successors(k))
        if below:
            n_reports[k] = len(below) + int(n_reports[below].sum())
            n_reps[k] += int(n_reps[below].sum())
            for each in sums.values():
                each[k] = math.fsum([each[k], *each[below].tolist()])
    tops = np.flatnonzero(manager < 0)
    tops = tops[np.argsort(~in_tree[tops], kind="stable")]
    order = [k for top in tops.tolist() for k in nx.dfs_preorder_nodes(tree, top)]
    return {
        "order": np.array(order, dtype=np.int64),
        "level": level,
        "n_direct": np.array([tree.out_degree(k) for k in range(n)], dtype=np.int64),
        "n_reports": n_reports,
        "n_reps": n_reps,
        "sums": sums,
    }
