"""How fast and how good the router is, on seeded worlds: ``python tests/benchmarks/router.py S M``.

A fifth of the leads is held back. The plan is made on the others, with as much less capacity; the fifth then
comes as a stream, and the router has the whole capacities. The offline optimum is ``assign`` on everything
with the plan's owners locked: its certified bound, less what the plan scores, is what nobody can beat on the
stream. Beside the router run three peers on the same stream: the plan's prices frozen, the best score of
whoever has capacity, and the best score of whoever has capacity and room in her band. The router is told how
many leads come, or what they add up to; or nothing, and then it guesses a fifth of the plan's leads, fewer
than come here; or that none is expected, and then it keeps the bands of every moment.

Times are of single calls, in microseconds: at the wall, of the processor alone (which other work on the
machine disturbs less), and the fastest of five calls for the same lead (which it disturbs least). A fixed
piece of Python, 32 tuples sorted, is timed beside them as a yardstick. Each lead's document is made just
before it is routed, as a service would.
"""

from __future__ import annotations

import argparse
import gc
import json
import time

import _measure
import numpy as np
import pandas as pd

import salesops
from salesops import datasets, territory
from salesops.territory._release import reassign_released

SIZES = {name: _measure.SIZES[name] for name in ("XS", "S", "M")}
BAND = 0.1
N_CALLS = 20_000
_SLACK = 2e-9


def yardstick():
    return sorted(zip([1.0] * 32, range(32), range(32), strict=True))


class Clock:
    """Times of single calls, wall and processor, in microseconds."""

    def __init__(self):
        self.wall, self.own, self.fastest = [], [], []

    def call(self, function, *args):
        own, wall = time.thread_time_ns(), time.perf_counter_ns()
        answer = function(*args)
        self.wall.append((time.perf_counter_ns() - wall) / 1000)
        self.own.append((time.thread_time_ns() - own) / 1000)
        return answer

    def again(self, function, *args):
        """Time a call that changes nothing five times, and keep the least."""
        least = float("inf")
        for _ in range(5):
            wall = time.perf_counter_ns()
            function(*args)
            least = min(least, (time.perf_counter_ns() - wall) / 1000)
        self.fastest.append(least)

    def __str__(self):
        parts = []
        for name, times in (("wall", self.wall), ("processor", self.own), ("fastest of 5", self.fastest)):
            if times:
                low, middle, high = np.quantile(times, [0.5, 0.99, 0.999])
                parts.append(f"{name} p50 {low:.1f}, p99 {middle:.1f}, p99.9 {high:.1f}")
        return "; ".join(parts)


class World:
    """A seeded world, its plan without the stream, and the offline optimum."""

    def __init__(self, size, seed):
        n_leads, n_reps, n_ties = SIZES[size]
        world = datasets.make_territory(n_leads=n_leads, n_reps=n_reps, n_ties=n_ties, rng=seed)
        self.reps, self.leads = world.reps, world.leads
        self.prox = territory.proximity(territory.SocialGraph.from_ties(world.ties), world.reps, world.leads)
        late = np.random.default_rng(seed).permutation(n_leads) < n_leads // 5
        self.stream = world.leads[late].sample(frac=1, random_state=seed)
        reserved = world.reps.assign(capacity=np.ceil(0.8 * world.reps["capacity"]))
        band = {"value": BAND}
        self.plan = territory.assign(reserved, world.leads[~late], self.prox, balance=band)
        locked = self.plan.to_frame()[["lead_id", "rep_id"]]
        self.best = territory.assign(world.reps, world.leads, self.prox, balance=band, locked=locked)
        self.anew = territory.assign(world.reps, world.leads, self.prox, balance=band)
        self._place = {label: k for k, label in enumerate(self.prox.lead_labels.values.tolist())}
        self._names = self.prox.rep_labels.values.tolist()

    def documents(self):
        """Write each lead of the stream with its candidates."""
        prox = self.prox
        for lead, value in zip(self.stream["lead_id"].tolist(), self.stream["value"].tolist(), strict=True):
            part = slice(prox.starts[self._place[lead]], prox.starts[self._place[lead] + 1])
            who = [self._names[rep] for rep in prox.reps[part].tolist()]
            yield {
                "lead_id": lead,
                "value": value,
                "candidates": dict(zip(who, prox.scores[part].tolist(), strict=True)),
            }

    def router(self, expected):
        return self.plan.router(expected=expected, reps=self.reps)

    def say(self, name, score, used, n_alone):
        """Print what became of the stream: score against the bounds, and limits that are broken."""
        fair = float(self.leads["value"].sum()) / len(used)
        whole = score + self.plan.total_score
        print(
            f"  {name:30}{score / (self.best.bound - self.plan.total_score):>9.4f}"
            f"{whole / self.best.bound:>9.4f}{whole / self.anew.bound:>9.4f}"
            f"{int((used[:, 1] > fair * (1 + BAND) * (1 + _SLACK)).sum()):>8}"
            f"{int((used[:, 1] < fair * (1 - BAND) * (1 - _SLACK)).sum()):>8}"
            f"{int((used[:, 0] > self.reps['capacity'].to_numpy()).sum()):>8}{n_alone:>10}",
            flush=True,
        )


def values(world):
    """Compare scores and bands: the router told and untold, and its peers."""
    n = len(world.stream)
    totals = {"workload": n, "value": float(world.stream["value"].sum())}
    print(f"  {'':30}{'stream':>9}{'whole':>9}{'anew':>9}{'above':>8}{'below':>8}{'full':>8}{'no owner':>10}")
    for name, expected in (
        ("by default", None),
        ("number of leads told", n),
        ("totals told", totals),
        ("no stream expected", 0),
    ):
        router = world.router(expected)
        for document in world.documents():
            router = router.commit(router.route(document))
        made, loads = router.to_frame(), router.loads()
        used = loads[["load", "value"]].to_numpy()
        world.say(f"router, {name}", float(made["score"].sum()), used, int(made["rep_id"].isna().sum()))
    prices = world.plan.prices
    for name, at, is_bounded in (
        ("frozen prices, capacity", prices, False),
        ("best score, capacity", np.zeros_like(prices), False),
        ("best score, capacity, band", np.zeros_like(prices), True),
    ):
        world.say(name, *peer(world, at, is_bounded=is_bounded))
    print(
        "  stream: score over the certified bound of the offline optimum, both less the plan's score;\n"
        "  whole: with the plan's; anew: over the bound of a plan that may move the plan's leads too;\n"
        "  above, below: reps outside the band of the end; full: reps beyond capacity"
    )


def peer(world, prices, *, is_bounded):
    """Give each lead to the best offer at prices that stand still; the first of equals with capacity."""
    capacity, used = world.reps["capacity"].to_numpy(), world.plan.used.copy()
    rep_of = {name: rep for rep, name in enumerate(world.plan.rep_labels.values.tolist())}
    score, n_alone, total = 0.0, 0, float(used[:, 1].sum())
    for document in world.documents():
        use = np.array([1.0, document["value"]])
        worth = np.zeros(len(used))
        worth[[rep_of[name] for name in document["candidates"]]] = list(document["candidates"].values())
        worth *= document["value"]
        fits = used[:, 0] + 1 <= capacity
        if is_bounded:
            fits &= used[:, 1] + use[1] <= (total := total + use[1]) / len(used) * (1 + BAND)
        if not fits.any():
            n_alone += 1
            continue
        rep = int(np.where(fits, worth - prices @ use, -np.inf).argmax())
        used[rep] += use
        score += float(worth[rep])
    return score, used, n_alone


def times(world):
    """Time single calls of route and commit, the stream over again until there are enough."""
    for name, expected in (
        ("by default", None),
        ("number told", len(world.stream)),
        ("no stream expected", 0),
    ):
        route, commit, ruler = Clock(), Clock(), Clock()
        gc.collect()
        gc.freeze()
        while len(route.wall) < N_CALLS:
            router = world.router(expected)
            for document in world.documents():
                decision = route.call(router.route, document)
                route.again(router.route, document)
                ruler.call(yardstick)
                router = commit.call(router.commit, decision)
        gc.unfreeze()
        n_candidates = len(next(world.documents())["candidates"])
        print(f"  {name}, {len(route.wall):,} leads of {n_candidates} candidates, {_measure.machine()}")
        print(f"    route     {route}\n    commit    {commit}\n    yardstick {ruler}", flush=True)


def newcomers(people, number, chance):
    """Write leads with new ties to five people each, as JSON text."""
    for k in range(number):
        known = chance.choice(people, 5, replace=False).tolist()
        weights = chance.lognormal(0, 0.5, 5).tolist()
        ties = [{"person_id": one, "weight": each} for one, each in zip(known, weights, strict=True)]
        yield json.dumps({"lead_id": f"new-{k}", "value": 1500, "ties": ties}).encode()


def documents_of_people(world, chance):
    """Time leads that come as JSON text with new ties, and the router as a document."""
    router, clock = world.router(len(world.stream)), Clock()
    gc.collect()
    gc.freeze()
    for lead in newcomers(world.leads["lead_id"].to_numpy(), 2_000, chance):
        clock.call(router.route, lead)
        clock.again(router.route, lead)
    gc.unfreeze()
    print(f"  JSON text with five new ties to decision: {clock}", flush=True)
    router = router.route_many(world.stream.head(2_000)).router
    start = time.perf_counter()
    text = json.dumps(router.to_dict())
    middle = time.perf_counter()
    territory.Router.from_dict(json.loads(text))
    print(
        f"  snapshot of {router.n_committed:,} committed leads: {len(text) / 1e6:.1f} MB, "
        f"written in {middle - start:.2f} s, read in {time.perf_counter() - middle:.2f} s"
    )


def leavers(world):
    """Let a rep leave the plan of everything, and find owners for her leads."""
    n = len(world.reps)
    for rep in (0, n // 2, n - 1):
        wall, own = time.perf_counter(), time.process_time()
        after = reassign_released(world.anew, rep)
        wall, own = time.perf_counter() - wall, time.process_time() - own
        was, now = (each.to_frame()["rep_id"] for each in (world.anew, after))
        moved = int(((was != now) & (was != rep)).sum())
        print(
            f"  rep {rep} leaves: {int((was == rep).sum())} leads placed, {moved} others moved "
            f"({moved / len(was):.2%}), {len(after.violations)} violations, gap {after.gap}, "
            f"wall {wall:.2f} s, processor {own:.2f} s",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="+", choices=SIZES)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    versions = f"salesops {salesops.__version__}, numpy {np.__version__}, pandas {pd.__version__}"
    print(f"{versions}, {_measure.machine()}")
    for size in chosen.sizes:
        n_leads, n_reps, n_ties = SIZES[size]
        print(f"{size}: {n_leads:,} leads, {n_reps} reps, {n_ties:,} ties, seed {chosen.seed}", flush=True)
        world = World(size, chosen.seed)
        print(f"  plan {world.plan}\n  offline optimum {world.best}\n  everything anew {world.anew}")
        values(world)
        times(world)
        documents_of_people(world, np.random.default_rng(chosen.seed))
        leavers(world)
        print(f"  peak memory so far {_measure.peak_mib():,.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
