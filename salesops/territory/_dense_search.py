"""The search where workload depends on the rep: prices, exchanges, and exact plans of small groups."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import numpy as np
import numpy.typing as npt

from salesops import _run
from salesops.territory._clock import clock
from salesops.territory._dense import DenseCase, lower_bound, relax
from salesops.territory._dense_columns import Columns
from salesops.territory._dense_exchange import Exchange
from salesops.territory._dense_groups import Group, enumerate_plans, tighten
from salesops.territory._dense_knapsack import Knapsacks
from salesops.territory._dense_programme import Answer, solve_pairs
from salesops.territory._prices import FloatArray, IntArray

Mask = npt.NDArray[np.bool_]

_FIRST_GROUP, _LARGEST_GROUP = 3, 12
_REVIEW = 20
_QUICK, _SLOW = 30_000, 80_000
_MOST_PLANS = 2_000
_CALL = 1_500
"""What a call of the enumeration costs beside its partial plans, in partial plans."""
_BUDGET = 12_000_000
_KNAPSACK_STEPS, _FEWEST_STEPS = 300, 60
_KNAPSACK_CELLS, _KNAPSACK_SHARE, _KNAPSACK_END = 1_000_000_000.0, 1.0, 0.45
_CELLS_PER_PLAN = 50.0
_FIRST_CORE, _NARROWEST, _WIDER = 1.3, 1.1, 1.15
_CORE_PAIRS, _CORE_SECONDS, _CORE_NODES = 20_000, 1.5, 1_000
_COLUMNS, _COLUMN_CALL, _COLUMN_SHARE = 4_000, 60_000, 0.04
_FIRST_SLACK = 0.003
_REACHES = (0.1, 0.2, 0.5)
_HEAT = 0.1
_FIRST_WIDE = 6
_WIDE_PAIRS = 1_000
_PART_SECONDS, _PART_NODES = 0.7, 200
_SOLVER_CALL, _SOLVER_PAIR = 30_000, 100
_LEAST_SHARE = 0.15
_MEMORY = 3_000_000.0
_PER_SECOND = 4_000_000.0
_OPENING = 0.15
_MILP_PAIRS = 3_000
_MILP_NODES = 3_000


@attrs.frozen(kw_only=True, eq=False)
class DenseOutcome:
    """The best plan found, its prices, and the bound on cost that was certified.

    Attributes
    ----------
    breach : float
        Sum of what is beyond the limits; 0 for a sound plan.
    is_infeasible : bool
        Whether it was proved that no plan keeps every limit.
    """

    owner: IntArray
    breach: float
    bound: float
    prices: FloatArray
    is_infeasible: bool = False


def search_dense(
    case: DenseCase,
    *,
    end: float | None = None,
    budget: int = _BUDGET,
    progress: _run.Progress | None = None,
    give_up: float = math.inf,
) -> DenseOutcome:
    """Find a cheap plan and a bound on the cost of all plans.

    Parameters
    ----------
    give_up : float, optional
        Stop at this share of the time if no plan within the limits was found.
    end : float, optional
        When to stop, by the monotonic clock.
    budget : int
        How much to enumerate where there is no end.
    """
    search = _DenseSearch(case, end, budget, give_up)
    for stage in _run.steps(search.stages(), progress):
        stage()
    return search.outcome()


class _DenseSearch:
    """What the stages pass on: prices, bound, the plan in hand and the best one."""

    def __init__(
        self, case: DenseCase, end: float | None, budget: int = _BUDGET, give_up: float = math.inf
    ) -> None:
        self.case, self.end, self.budget, self.give_up = case, end, budget, give_up
        self.is_proved = False
        self.start = clock()
        self.rng = np.random.default_rng(0)
        self.leads = np.arange(case.n_leads)
        self.prices, self.owner = relax(case)
        self.bound = lower_bound(case, self.prices)
        priced = case.priced(self.prices)
        self.regret = priced - priced.min(axis=0)
        self.penalty = self._penalty()
        self.best: IntArray | None = None
        self.best_cost = math.inf
        self.spent = 0
        self.size = min(_FIRST_GROUP, case.n_reps)
        self.wide = float(_FIRST_WIDE)
        self.core = _FIRST_CORE
        self.likely = np.zeros(case.cost.shape)
        self.floor = self.bound + self.regret
        self.bound = self._rounded(self.bound)
        self.gain = {"enumerate": 1e-9, "solve": 0.0, "core": 0.0}
        self.work = {"enumerate": 1.0, "solve": 1.0, "core": 1.0}
        self.knapsacks: tuple[Knapsacks, FloatArray, float] | None = None
        self.largest = min(_LARGEST_GROUP, case.n_reps)
        self.calls = self.effort = self.idle = 0

    def _rounded(self, bound: float) -> float:
        """Round a bound up to a cost that a plan can have."""
        if not self.case.step or not math.isfinite(bound):
            return bound
        return max(bound, math.ceil(bound - 1e-6))

    def _penalty(self) -> FloatArray:
        """Price a unit beyond a limit at a few times what it is worth."""
        case = self.case
        penalty = np.empty(case.upper.shape)
        allowed = np.isfinite(case.cost)
        spread = np.where(allowed, case.cost, -np.inf).max(axis=0) - case.cost.min(axis=0)
        typical = float(np.median(spread)) if len(spread) else 0.0
        for k, use in enumerate(case.work):
            unit = float(use[use > 0].mean()) if (use > 0).any() else 1.0
            penalty[:, k] = 3.0 * np.abs(self.prices[:, k]).max(initial=0.0) + (0.02 * typical + 1e-9) / unit
        return penalty

    def stop(self) -> bool:
        """Say whether time or budget is up, or there is nothing left to find."""
        if self.is_proved or self.is_done() or (self.best is None and self.share() > self.give_up):
            return True
        if self.end is not None:
            return clock() >= self.end
        return self.spent >= self.budget

    def share(self) -> float:
        """Say which part of the time or budget is used."""
        if self.end is None:
            return self.spent / self.budget
        return (clock() - self.start) / max(self.end - self.start, 1e-9)

    def is_done(self) -> bool:
        """Say whether no plan can be cheaper than the best one."""
        tiny = 1e-12 * max(1.0, abs(self.bound))
        return self.best is not None and self.best_cost - self.bound <= max(0.999 * self.case.step, tiny)

    def stages(self) -> list[Callable[[], None]]:
        """List what there is to do."""
        return [
            self._exchange,
            lambda: self._improve(0.15, 2),
            self._strengthen,
            lambda: self._improve(1.0, 20),
        ]

    def outcome(self) -> DenseOutcome:
        """Give the best plan, or the one in hand if none is sound."""
        owner = self.owner if self.best is None else self.best
        return DenseOutcome(
            owner=owner,
            breach=float(self.case.excess(self.case.used(owner)).sum()),
            bound=self.bound,
            prices=self.prices,
            is_infeasible=self.is_proved and self.best is None,
        )

    def _note(self) -> None:
        """Keep the plan in hand if it is sound and the cheapest so far."""
        cost = self.case.cost_of(self.owner)
        if cost < self.best_cost and not (self.case.excess(self.case.used(self.owner)) > 0).any():
            self.best, self.best_cost = self.owner.copy(), cost

    def _exchange(self) -> None:
        """Descend by exchanges, at rising penalties while limits are broken."""
        if not math.isfinite(self.bound):
            self.is_proved = True
        for _ in range(4):
            dealt = Exchange(self.case, self.owner, self.penalty)
            dealt.descend(
                self.rng, tries=6_000, patience=1_500, stop=lambda: self.stop() or self.share() > _OPENING
            )
            self.owner = dealt.owner
            self._note()
            if self.best is not None or self.stop():
                break
            self.penalty = 2.0 * self.penalty

    def _improve(self, until: float, patience: int) -> None:
        """Plan groups of reps anew, those with most to gain first, until a share of the time is used.

        Without a time limit, also until nothing was gained for a while, in rounds of one call for each rep.
        """
        idle, patience = 0, patience * (self.case.n_reps + 10)
        while not self.stop() and self.share() < until:
            gained = self._work()
            idle = 0 if gained > 0 else idle + 1
            if self.best is None and idle % (10 * self.case.n_reps + 10) == 0:
                self.penalty = 2.0 * self.penalty
            if idle > patience and (self.end is None or until < 1) and self.size == self.largest:
                break

    def _work(self) -> float:
        """Take the tool that has gained most for its work of late, or one that had little of it."""
        tools = {"enumerate": self._replan, "solve": self._resolve, "core": self._core}
        total = sum(self.work.values())
        starved = [tool for tool in tools if self.work[tool] < _LEAST_SHARE * total]
        tool = starved[0] if starved else max(tools, key=lambda tool: self.gain[tool] / self.work[tool])
        before, start = self.spent, clock()
        gained = tools[tool]()
        work = float(self.spent - before)
        if self.end is not None:
            work = _PER_SECOND * (clock() - start)
        fade = math.exp(-work / _MEMORY)
        self.gain = {each: gain * fade for each, gain in self.gain.items()}
        self.work = {each: spent * fade for each, spent in self.work.items()}
        self.gain[tool] += gained
        self.work[tool] += work
        return gained

    def _gaps(self) -> FloatArray:
        """How much each rep's part of the plan costs beyond its part of the bound."""
        case, used = self.case, self.case.used(self.owner)
        gap = np.bincount(
            self.owner, weights=self.regret[self.owner, self.leads], minlength=case.n_reps
        ).astype(float)
        with np.errstate(invalid="ignore"):
            unused = np.where(
                self.prices > 0, case.upper - used, np.where(self.prices < 0, case.lower - used, 0)
            )
        gap += np.maximum(self.prices * unused, 0.0).sum(axis=1)
        return np.asarray(gap + (case.excess(used) * self.penalty).sum(axis=1))

    def _heat(self) -> float:
        """Say how much worse a plan of a group may be than the best one; half the time not at all."""
        if self.best is None or self.rng.random() < 0.5:
            return 0.0
        return _HEAT * max(0.9 - self.share(), 0.0) * (self.best_cost - self.bound) / self.case.n_reps

    def _resize(self, work: int, gained: float) -> None:
        """Plan more reps together where that is quick and fewer gain nothing; fewer where it is slow."""
        self.calls, self.effort = self.calls + 1, self.effort + work
        self.idle = 0 if gained > 0 else self.idle + 1
        if self.calls < _REVIEW:
            return
        mean = self.effort / self.calls
        if mean > _SLOW and self.size > 2:
            self.size, self.idle = self.size - 1, 0
        elif mean < _QUICK and self.idle >= max(self.case.n_reps, _REVIEW) and self.size < self.largest:
            self.size, self.idle = self.size + 1, 0
        self.calls = self.effort = 0

    def _pick(self, size: int) -> IntArray:
        """Choose reps who are far from the bound and could take each other's leads."""
        if size >= self.case.n_reps:
            return np.arange(self.case.n_reps)
        gap = self._gaps()
        weight = gap + 0.3 * gap.mean() + 1e-12
        first = int(self.rng.choice(len(gap), p=weight / weight.sum()))
        near = (self.regret[:, self.owner == first] <= weight[first] * size).sum(axis=1)
        weight *= near + 0.2
        weight[first] = 0.0
        others = self.rng.choice(len(gap), size - 1, replace=False, p=weight / weight.sum())
        return np.sort(np.append(others, first))

    def _replan(self) -> float:
        """Plan one group anew; say what was gained."""
        case = self.case
        reps = self._pick(self.size)
        leads = np.flatnonzero(np.isin(self.owner, reps))
        group = Group.of(case, reps, leads)
        broken = case.excess(case.used(self.owner))[reps]
        now = float(case.cost[self.owner[leads], leads].sum())
        target = now + float((broken * self.penalty[reps]).sum())
        bound, prices = tighten(group, self.prices[reps].T, target)
        looked, gained = 0, 0.0
        least = case.step or 1e-9 * max(1.0, abs(now))
        sideways = self.rng.random() < 0.3
        if target - bound >= 0.999 * least or broken.any():
            slack = target - bound - (0.0 if sideways and case.step else 0.5 * least)
            heat = self._heat()
            slack += 2.0 * heat
            reach = 1.0 if len(reps) == case.n_reps else float(self.rng.choice(_REACHES))
            found, looked, is_exact = enumerate_plans(
                group, prices, slack + 1e-7 * least, most=_MOST_PLANS, reach=reach, heat=heat, rng=self.rng
            )
            if found is not None:
                self.owner[leads] = reps[found]
                gained = target - float(case.cost[reps[found], leads].sum())
                self._note()
            if is_exact and heat == 0.0 and len(reps) == case.n_reps and not sideways and not broken.any():
                # All reps together: nothing is cheaper than the plan in hand, but for what `least` leaves.
                self.is_proved = True
                self.bound = max(self.bound, self.best_cost - (0.0 if case.step else 2.0 * least))
        work = looked + _CALL
        self.spent += work
        self._resize(work, gained)
        return gained

    def _resolve(self) -> float:
        """Solve a larger group as a mixed-integer programme over its better pairs; say what was gained."""
        case = self.case
        reps = self._pick(min(int(self.wide), case.n_reps))
        leads = np.flatnonzero(np.isin(self.owner, reps))
        group, own = Group.of(case, reps, leads), np.searchsorted(reps, self.owner[leads])
        now = float(group.cost[own, np.arange(len(leads))].sum())
        broken = case.excess(case.used(self.owner))[reps]
        target = now + float((broken * self.penalty[reps]).sum())
        bound, prices = tighten(group, self.prices[reps].T, target)
        priced = group.priced(prices)
        kept = priced - priced.min(axis=0, initial=np.inf) <= 0.5 * (target - bound)
        kept[own, np.arange(len(leads))] = True
        size = int(kept.sum())
        if size == len(leads):
            self.wide = min(1.1 * self.wide, float(case.n_reps))
            self.spent += 2 * _CALL
            return 0.0
        part = attrs.evolve(
            case,
            cost=group.cost,
            work=tuple(group.work),
            upper=case.upper[reps],
            lower=case.lower[reps],
        )
        limit = None if self.end is None else min(self.end - clock(), _PART_SECONDS)
        answer = solve_pairs(part, kept, limit, nodes=self._nodes(_PART_NODES))
        self.spent += _SOLVER_CALL + _SOLVER_PAIR * size * (1 + answer.nodes // 10)
        gained = 0.0
        if answer.owner is not None:
            after = part.cost_of(answer.owner)
            if after <= target and not (part.excess(part.used(answer.owner)) > 0).any():
                self.owner[leads] = reps[answer.owner]
                gained = target - after
                self._note()
        slow = answer.status != 0 or size > _WIDE_PAIRS
        self.wide *= 0.9 if slow else 1.0 if gained > 0 else 1.03
        self.wide = float(np.clip(self.wide, 3.0, max(case.n_reps, 3)))
        return gained

    def _nodes(self, most: int) -> int:
        """Limit the nodes of a programme: more tightly where no clock does."""
        return most if self.end is not None else most // 5

    def _strengthen(self) -> None:
        """Raise the bound by knapsacks, learn which pairs good plans use, and solve what is left if small."""
        self._fill_knapsacks()
        self._columns()
        if self.stop():
            return
        kept = self._promising()
        if int(kept.sum()) <= _MILP_PAIRS:
            limit = None if self.end is None else 0.15 * (self.end - clock())
            self._solve_all(kept, limit, self._nodes(_MILP_NODES))

    def _fill_knapsacks(self) -> None:
        case = self.case
        knapsacks = None if self.stop() else Knapsacks.of(case, self.prices)
        if knapsacks is None:
            return
        pays = case.priced(self.prices).min(axis=0)
        effort = knapsacks.effort(pays)
        steps = int(min(_KNAPSACK_STEPS, _KNAPSACK_SHARE * _KNAPSACK_CELLS / effort))
        if steps < _FEWEST_STEPS:
            return
        target = self.best_cost if self.best is not None else self.bound + 0.01 * abs(self.bound)
        bound, pays, self.likely = knapsacks.ascend(
            pays, target, steps=steps, stop=lambda: self.stop() or self.share() > _KNAPSACK_END
        )
        self.spent += int(steps * effort / _CELLS_PER_PLAN)
        regrets = knapsacks.regrets(pays)
        if regrets is not None:
            self.floor = np.maximum(self.floor, bound + regrets)
        self.bound = max(self.bound, self._rounded(bound))
        self.knapsacks = knapsacks, pays, bound
        self.core = _NARROWEST

    def _promising(self) -> Mask:
        """Mark the pairs that a plan cheaper than the best one can use."""
        kept = np.isfinite(self.case.cost)
        if self.best is not None:
            tiny = 1e-7 * max(1.0, abs(self.best_cost) * 1e-3)
            kept &= self.floor <= self.best_cost - 0.999 * self.case.step + tiny
        return kept

    def _solve_all(self, kept: Mask, limit: float | None, nodes: int) -> Answer:
        """Solve over all pairs that a cheaper plan can use: that proves something."""
        answer = solve_pairs(self.case, kept, limit, nodes=nodes)
        self._take(answer)
        if answer.status == 2 and self.best is not None:
            self.bound = max(self.bound, self.best_cost)
        if answer.bound is not None:
            self.bound = max(self.bound, self._rounded(min(answer.bound, self.best_cost)))
        self.is_proved = answer.status == 2 or (answer.status == 0 and self.best is not None)
        return answer

    def _take(self, answer: Answer) -> float:
        """Go on from the plan of a programme if it is the best one; say what was gained."""
        before, held = self.best_cost, self.owner
        if answer.owner is not None:
            self.owner = answer.owner
            self._note()
        if self.best_cost < before:
            return before - self.best_cost if math.isfinite(before) else 1.0
        self.owner = held
        return 0.0

    def _core(self) -> float:
        """Solve over the likeliest pairs of all reps; say what was gained."""
        case = self.case
        promising = self._promising()
        rank = np.where(promising, self.likely - 1e-9 * self.floor / max(abs(self.bound), 1.0), -np.inf)
        size = min(int(self.core * case.n_leads), int(promising.sum()), _CORE_PAIRS)
        kept = np.zeros(promising.shape, dtype=bool)
        kept.ravel()[np.argpartition(-rank.ravel(), max(size - 1, 0))[:size]] = True
        limit = None if self.end is None else min(self.end - clock(), _CORE_SECONDS)
        if size == int(promising.sum()):
            answer = self._solve_all(kept & promising, limit, self._nodes(_CORE_NODES))
            gained = 0.0
        else:
            if self.best is not None:
                kept[self.best, self.leads] = True
            answer = solve_pairs(case, kept, limit, nodes=self._nodes(_CORE_NODES))
            gained = self._take(answer)
        self.spent += _SOLVER_CALL + _SOLVER_PAIR * size * (1 + answer.nodes // 10)
        solved = answer.status in (0, 2)
        self.core *= _WIDER if solved else 1.0 if gained > 0 else 1.0 / _WIDER**0.5
        self.core = max(self.core, _NARROWEST)
        return gained

    def _columns(self) -> None:
        """Solve over the sets that reps own in plans near the bound, as long as that is quick."""
        case = self.case
        has_others = np.isfinite(case.upper[:, 1:]).any() or np.isfinite(case.lower[:, 1:]).any()
        if self.knapsacks is None or has_others:
            return
        bound = self.knapsacks[2]
        known = self.best_cost if self.best is not None else bound + 0.01 * abs(bound)
        slack = max(_FIRST_SLACK * (known - bound), 1e-9)
        while not self.stop():
            slack = min(slack, known - bound)
            status = self._choose(slack)
            if status not in (0, 2) or slack >= known - bound:
                break
            slack *= 1.5 if status == 2 else 1.2
            known = min(known, self.best_cost)

    def _choose(self, slack: float) -> int:
        """Solve over the sets that reps own in plans at most `slack` above the bound; give its status."""
        knapsacks, pays, bound = self.knapsacks  # type: ignore[misc]  # it is called with them only
        columns = Columns.of(self.case, knapsacks, pays, slack, most=_COLUMNS)
        self.spent += _COLUMN_CALL
        if columns is None:
            return 1
        limit = None
        if self.end is not None:
            limit = min(self.end - clock(), _COLUMN_SHARE * (self.end - self.start))
        answer = columns.solve(self.case, limit, nodes=self._nodes(_CORE_NODES))
        self.spent += _SOLVER_PAIR * len(columns) * (1 + answer.nodes // 10)
        self._take(answer)
        # What is not listed costs more than this.
        beyond = min(self._rounded(bound + slack), self.best_cost)
        if answer.status == 2:
            self.bound = max(self.bound, beyond)
        elif answer.bound is not None:
            self.bound = max(self.bound, min(beyond, self._rounded(answer.bound)))
        return answer.status
