"""From today's plan to the next: reps leave and join, territories merge, and few leads change hands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np
import pandas as pd

from salesops import _display, _run
from salesops._display import number, percent
from salesops._faults import check_choice, closest, count, raise_all, refuse
from salesops._frames import id_column, to_frame
from salesops.errors import Problem, show
from salesops.territory._opening import fair_shares
from salesops.territory._release import reassign_released
from salesops.territory.assignment import assign
from salesops.territory.inputs import labels_at
from salesops.territory.plan import TerritoryPlan
from salesops.territory.results import Proximity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Frontier", "frontier", "realign"]


def realign(
    plan: TerritoryPlan,
    *,
    reps: object = None,
    leads: object = None,
    prox: Proximity | None = None,
    score: object = None,
    max_moves: float | None = None,
    move_price: float = 0.0,
    successors: Mapping[Any, Any] | None = None,
    effort: Literal["best", "repair"] = "best",
    balance: Mapping[str, float | tuple[float, float] | None] | None = None,
    locked: object = None,
    forbidden: object = None,
    match: Sequence[str] | Mapping[str, str] | None = None,
    require_all: bool = False,
    time_limit: float | None = None,
    progress: _run.Progress | None = None,
    columns: Mapping[str, str] | None = None,
) -> TerritoryPlan:
    """Make the next plan from today's: keep owners unless a move pays, and move no more leads than may.

    Who leaves is not among the new reps; who joins is new among them; who is promoted may leave and name a
    successor; two territories merge where one rep succeeds another. Leads of a rep who has left without a
    successor, and new leads, go to whoever suits best; they do not count as moves.

    Parameters
    ----------
    plan : TerritoryPlan
        Today's.
    reps, leads : table, optional
        The new ones, with the columns of :func:`assign`. By default those of the plan, as far as it knows
        them: capacities and fair shares, values, workloads and balanced quantities.
    prox : Proximity, optional
        Over the new reps and leads; by default the plan's.
    score : table, optional
        As for :func:`assign`; needed again if the plan was made from one.
    max_moves : int or float, optional
        How many leads may change hands: a number, or a share of those with an owner (0.05 is one in twenty).
    move_price : float, default 0
        What a move must gain, in units of the score.
    successors : mapping, optional
        ``{"who hands over": "who takes over"}``: the leads of the one count as the other's.
    effort : {"best", "repair"}, default "best"
        "best" looks for the plan of greatest score anew. "repair", for one rep who leaves and nothing else,
        only finds owners for her leads and moves others where a limit needs it; it takes a fraction of a
        second at 100,000 leads, and its certified gap is wider.
    balance, locked, forbidden, match, require_all, time_limit, progress, columns
        As for :func:`assign`; `balance` by default as in the plan. Locks and bans of the plan are not
        remembered: give those that still hold.

    Returns
    -------
    TerritoryPlan
        With ``n_moved`` and ``moves()``.

    Raises
    ------
    InvalidInput
        With every fault of the tables.
    Infeasible
        If no plan can keep every limit; also where more leads have to move than may.

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties(
    ...     {"source": ["ann", "bo", "cy", "cy"], "target": ["acme", "bolt", "cog", "acme"]}
    ... )
    >>> reps, leads = {"rep_id": ["ann", "bo", "cy"]}, {"lead_id": ["acme", "bolt", "cog"]}
    >>> near = territory.proximity(graph, reps, leads)
    >>> today = territory.assign(reps, leads, near)
    >>> tomorrow = territory.realign(today, reps={"rep_id": ["bo", "cy"]}, max_moves=0)
    >>> tomorrow.to_frame()[["lead_id", "rep_id"]]
      lead_id rep_id
    0    acme     cy
    1    bolt     bo
    2     cog     cy
    >>> tomorrow.n_moved
    0
    """
    check_choice("effort", effort, ("best", "repair"))
    if not isinstance(plan, TerritoryPlan):
        raise refuse("plan", "is not a territory plan", type(plan).__name__)
    if plan.eligibility is not None and (reps is None or leads is None):
        hint = "give reps with their skills and leads with what they require"
        raise refuse(
            "reps, leads", "are needed anew where leads ask for something of their owner", None, hint=hint
        )
    if effort == "repair":
        others = (leads, prox, score, successors, balance, locked, forbidden, match)
        return _repaired(plan, reps, max_moves, plain=all(one is None for one in others) and not move_price)
    next_reps = _reps_of(plan) if reps is None else reps
    return assign(
        next_reps,
        _leads_of(plan) if leads is None else leads,
        plan.prox if prox is None else prox,
        score=_needed(plan, score, prox),
        balance=plan.balance if balance is None else balance,
        locked=locked,
        forbidden=forbidden,
        match=match,
        current=_current(plan, next_reps, leads, successors, columns),
        max_moves=max_moves,
        move_price=move_price,
        require_all=require_all,
        fallback="none" if plan.fallback == "none" else "cold",
        time_limit=time_limit,
        progress=progress,
        columns=columns,
    )


def _needed(plan: TerritoryPlan, score: object, prox: Proximity | None) -> object:
    """Refuse to go on without the scores of a plan that was made from a table of them."""
    by_proximity = plan.has_proximity and np.array_equal(plan.score, plan.value * plan.proximity)
    if score is None and not by_proximity:
        raise refuse("score", "is needed again: the plan was made from a table of scores", None)
    if score is None and prox is None and plan.prox is None:
        hint = "measure proximity() over the new reps and leads; a plan read from a document has none"
        raise refuse("prox", "is needed: the plan does not hold its proximities", None, hint=hint)
    return score


def _reps_of(plan: TerritoryPlan) -> pd.DataFrame:
    """Write the reps of a plan as a table."""
    share, _, _ = fair_shares(plan)
    return pd.DataFrame(
        {
            "rep_id": id_column(plan.rep_labels.values),
            **({"capacity": plan.capacity} if np.isfinite(plan.capacity).all() else {}),
            "share": share if share.sum() > 0 else 1.0,
        }
    )


def _leads_of(plan: TerritoryPlan) -> pd.DataFrame:
    """Write the leads of a plan as a table."""
    frame = pd.DataFrame({"lead_id": id_column(plan.lead_labels.values), "value": plan.value})
    for k, name in enumerate(plan.quantities):
        frame[name] = plan.use[:, k]
    return frame


def _current(
    plan: TerritoryPlan,
    reps: object,
    leads: object,
    successors: Mapping[Any, Any] | None,
    columns: Mapping[str, str] | None,
) -> pd.DataFrame:
    """Say who owns the leads today, successors in the place of those they succeed."""
    staying = _ids(reps, "reps", "rep_id", columns)
    heirs = dict(successors or {})
    faults = [
        Problem(
            path="successors",
            message="hands over leads and is no rep of the plan",
            values=(show(one),),
            suggestions=closest(one, plan.rep_labels.values.tolist()),
        )
        for one in heirs
        if plan.rep_labels.position(one) < 0
    ]
    faults += [
        Problem(
            path="successors",
            message="takes over leads and is not among the reps",
            values=(show(one),),
            suggestions=closest(one, list(staying)),
        )
        for one in heirs.values()
        if (type(one), one) not in staying
    ]
    raise_all("realign", faults)
    owners = np.empty(len(plan.rep_labels), dtype=object)
    for k, rep in enumerate(plan.rep_labels.values.tolist()):
        heir = heirs.get(rep, rep)
        owners[k] = heir if (type(heir), heir) in staying else None
    today = np.concatenate([owners, np.array([None], dtype=object)])[plan.owner]
    kept = np.ones(len(today), dtype=bool)
    if leads is not None:
        known = _ids(leads, "leads", "lead_id", columns)
        kept = np.array([(type(one), one) in known for one in plan.lead_labels.values.tolist()], dtype=bool)
    kept &= np.array([one is not None for one in today.tolist()], dtype=bool)
    return pd.DataFrame(
        {"lead_id": id_column(plan.lead_labels.values[kept]), "rep_id": id_column(today[kept])}
    )


def _ids(table: Any, name: str, key: str, columns: Mapping[str, str] | None) -> dict[tuple[type, Any], None]:
    """Take the ids of a table, each with its type; faults are left to the assignment."""
    frame = to_frame(table, name)
    theirs = {ours: name for name, ours in (columns or {}).items() if name in frame.columns}
    column = theirs.get(key, key)
    if column not in frame.columns:
        return {}
    cells = frame[column].tolist()
    return {(type(cell), cell): None for cell in cells if cell.__hash__ is not None}


def _repaired(plan: TerritoryPlan, reps: object, max_moves: Any, *, plain: bool) -> TerritoryPlan:
    """Let one rep leave: the fast way."""
    staying = None if reps is None else _ids(reps, "reps", "rep_id", None)
    gone = [
        rep
        for rep in plan.rep_labels.values.tolist()
        if staying is not None and (type(rep), rep) not in staying
    ]
    if not plain or staying is None or len(gone) != 1 or len(staying) != len(plan.rep_labels) - 1:
        hint = "pass reps without the one who leaves and nothing else, or effort='best'"
        who = tuple(show(rep) for rep in gone)
        fault = Problem(path="effort", message="'repair' is for one rep who leaves", ids=who, hint=hint)
        raise_all("realign", [fault])
    owned = int((plan.owner >= 0).sum())
    share = 0.01 if max_moves is None else max_moves
    if isinstance(max_moves, (int, np.integer)):
        share = max_moves / max(owned, 1)
    after: TerritoryPlan = reassign_released(plan, gone[0], max_moves=share)
    before = labels_at(plan.rep_labels, plan.owner)
    place = {(type(rep), rep): k for k, rep in enumerate(after.rep_labels.values.tolist())}
    current = np.array([place.get((type(rep), rep), -1) for rep in before.tolist()], dtype=np.int64)
    premises = None if after.premises is None else attrs.evolve(after.premises, max_moves=np.inf)
    return attrs.evolve(after, current=current, move_price=0.0, premises=premises)


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Frontier:
    """What more moves would gain, made by :func:`frontier`.

    Attributes
    ----------
    plans : tuple of TerritoryPlan
        In rising order of the moves allowed.
    max_moves : tuple of int or float
        What was allowed.

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["acme", "bolt"]})
    >>> reps, leads = {"rep_id": ["ann", "bo"]}, {"lead_id": ["acme", "bolt"]}
    >>> near = territory.proximity(graph, reps, leads)
    >>> first = {"rep_id": ["ann", "ann"], "lead_id": ["acme", "bolt"], "score": [1, 1]}
    >>> today = territory.assign(reps, leads, near, score=first)
    >>> line = territory.frontier(today, moves=(0, 1), score=near.to_frame())
    >>> line
    Frontier(2 plans, up to 1 move for 100.0 % more)
    >>> line.to_frame()["score"].round(3).tolist()
    [0.459, 0.919]
    >>> len(line.to_dict()["plans"])
    2
    >>> print(line.explain())
    0 moves: score 0.4595, 0.0 % more
    1 move: score 0.9189, 100.0 % more
    >>> ax = line.plot()
    """

    plans: tuple[TerritoryPlan, ...]
    max_moves: tuple[float, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each plan.

        Returns
        -------
        DataFrame
            ``max_moves``, ``n_moved``, ``moved_share`` (of the leads with an owner today), ``score``,
            ``gain`` (over the first plan, as a share of its score), ``warm_share``, ``proximity``, ``gap``.
        """
        first = self.plans[0].total_score
        rows = []
        for allowed, plan in zip(self.max_moves, self.plans, strict=True):
            facts = plan.metrics().iloc[0]
            settled = 0 if plan.current is None else int((plan.current >= 0).sum())
            rows.append(
                {
                    "max_moves": allowed,
                    "n_moved": plan.n_moved,
                    "moved_share": (plan.n_moved or 0) / settled if settled else 0.0,
                    "score": plan.total_score,
                    "gain": plan.total_score / first - 1 if first > 0 else np.nan,
                    "warm_share": facts["warm_share"],
                    "proximity": facts["proximity"],
                    "gap": facts["gap"],
                }
            )
        return pd.DataFrame(rows)

    def explain(self) -> str:
        """Say in one line per plan what its moves gain.

        Returns
        -------
        str
        """
        return "\n".join(
            f"{count(row['n_moved'], 'move')}: score {number(row['score'])}, {percent(row['gain'])} more"
            for row in self.to_frame().to_dict("records")
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain JSON types.

        Returns
        -------
        dict
        """
        frame = self.to_frame().astype(object)
        return {"kind": "frontier", "plans": frame.where(frame.notna(), None).to_dict("records")}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the gain over the leads that change hands.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure without it.

        Returns
        -------
        matplotlib Axes
        """
        ax = _display.axes(ax, (6.4, 4.0))
        frame = self.to_frame()
        ax.plot(100 * frame["moved_share"], 100 * frame["gain"], marker="o", color="#2a6f97")
        for row in frame.to_dict("records"):
            ax.annotate(
                f"{row['n_moved']:,}",
                (100 * row["moved_share"], 100 * row["gain"]),
                textcoords="offset points",
                xytext=(6, -12),
                fontsize=8,
            )
        ax.set_xlabel("leads that change hands, % of those with an owner")
        ax.set_ylabel("score gained, %")
        ax.set_title("What more moves would gain")
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(axis="y", color="0.9")
        return ax

    def __repr__(self) -> str:
        most = self.to_frame().iloc[-1]
        moves, gain = count(int(most["n_moved"]), "move"), percent(float(most["gain"]))
        return f"Frontier({count(len(self.plans), 'plan')}, up to {moves} for {gain} more)"

    def _repr_html_(self) -> str:
        return _display.html_card("Moves against proximity gained", {}, [("plans", self.to_frame())])


def frontier(
    plan: TerritoryPlan, *, moves: Sequence[int | float] = (0, 0.01, 0.02, 0.05, 0.1, 0.2), **options: Any
) -> Frontier:
    """Realign a plan with fewer and with more moves allowed, to see what each is worth.

    Parameters
    ----------
    plan : TerritoryPlan
        Today's.
    moves : sequence of int or float
        Values for `max_moves`.
    options : anything
        Whatever else that :func:`realign` takes.

    Returns
    -------
    Frontier

    Raises
    ------
    InvalidInput, Infeasible
        As :func:`realign`.

    Examples
    --------
    >>> from salesops import datasets, territory
    >>> world = datasets.make_territory(n_leads=300, n_reps=6, rng=3)
    >>> graph = territory.SocialGraph.from_ties(world.ties)
    >>> near = territory.proximity(graph, world.reps, world.leads)
    >>> known = near.to_frame()[["rep_id", "lead_id", "score"]]
    >>> today = territory.assign(world.reps, world.leads, score=known.assign(score=1), prox=near)
    >>> more = territory.frontier(today, moves=(0, 0.1, 0.5), score=known)
    >>> more.to_frame()["n_moved"].tolist()
    [0, 30, 150]
    """
    if not moves:
        raise refuse("moves", "names at least one number of moves", moves)
    ordered = sorted(moves, key=lambda most: _as_share(plan, most))
    plans: list[TerritoryPlan] = []
    for most in ordered:
        found = realign(plan, max_moves=most, **options)
        plans.append(_better(plans[-1], found) if plans else found)
    return Frontier(plans=tuple(plans), max_moves=tuple(ordered))


def _better(fewer: TerritoryPlan, more: TerritoryPlan) -> TerritoryPlan:
    """Keep the plan of fewer moves where the search for more found none better, at the bound of more."""
    if fewer.violations or more.violations or _worth(more) >= _worth(fewer):
        return more
    gap = max(more.bound - _worth(fewer), 0.0) / more.bound if more.bound > 0 else 0.0
    return attrs.evolve(
        fewer, bound=more.bound, gap=gap, premises=more.premises, input_digest=more.input_digest
    )


def _worth(plan: TerritoryPlan) -> float:
    return plan.total_score - plan.move_price * (plan.n_moved or 0)


def _as_share(plan: TerritoryPlan, most: float) -> float:
    owned = max(int((plan.owner >= 0).sum()), 1)
    return float(most) if isinstance(most, float) else most / owned
