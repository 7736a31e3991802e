"""How fast and how good the router is, on a seeded world: ``python tests/benchmarks/router.py S`` (or M).

A fifth of the leads is held back. The plan is made on the others, with as much less capacity; the fifth then
comes as a stream, and the router has the whole capacities. The offline optimum is ``assign`` on everything
with the plan's owners locked, and its certified bound. Times are of single calls, in microseconds: at the
wall, and of the processor alone, which other work on the machine disturbs less. A fixed piece of Python, 32
tuples sorted, is timed beside them as a yardstick.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import resource
import time

import numpy as np
import pandas as pd

import salesops
from salesops import datasets, territory
from salesops.territory._release import reassign_released

SIZES = {"XS": (2_000, 20, 20_000), "S": (10_000, 100, 100_000), "M": (100_000, 300, 1_000_000)}
BAND = 0.1


def yardstick():
    return sorted(zip([1.0] * 32, range(32), range(32), strict=True))


class Clock:
    """Times of single calls, wall and processor, in microseconds."""

    def __init__(self):
        self.wall, self.own = [], []

    def call(self, function, *args):
        own, wall = time.thread_time_ns(), time.perf_counter_ns()
        answer = function(*args)
        self.wall.append((time.perf_counter_ns() - wall) / 1000)
        self.own.append((time.thread_time_ns() - own) / 1000)
        return answer

    def __str__(self):
        parts = []
        for name, times in (("wall", self.wall), ("processor", self.own)):
            low, middle, high = np.quantile(times, [0.5, 0.99, 0.999])
            parts.append(f"{name} p50 {low:.1f}, p99 {middle:.1f}, p99.9 {high:.1f}")
        return "; ".join(parts)


def documents(prox, stream):
    """Write each lead of the stream with its candidates."""
    place = {label: k for k, label in enumerate(prox.lead_labels.values.tolist())}
    names = prox.rep_labels.values.tolist()
    for lead, value in zip(stream["lead_id"].tolist(), stream["value"].tolist(), strict=True):
        part = slice(prox.starts[place[lead]], prox.starts[place[lead] + 1])
        near = zip([names[rep] for rep in prox.reps[part].tolist()], prox.scores[part].tolist(), strict=True)
        yield {"lead_id": lead, "value": value, "candidates": dict(near)}


def newcomers(people, number, chance):
    """Write leads with new ties to five people each, as JSON text."""
    for k in range(number):
        known = chance.choice(people, 5, replace=False).tolist()
        ties = [
            {"person_id": person, "weight": float(w)}
            for person, w in zip(known, chance.lognormal(0, 0.5, 5), strict=True)
        ]
        yield json.dumps({"lead_id": f"new-{k}", "value": 1500, "ties": ties}).encode()


def stream_through(label, router, leads, plan, best):
    route, commit, ruler = Clock(), Clock(), Clock()
    gc.collect()
    gc.freeze()
    for lead in leads:
        decision = route.call(router.route, lead)
        router = commit.call(router.commit, decision)
        ruler.call(yardstick)
    loads, score = router.loads(), float(router.to_frame()["score"].sum())
    over = int((loads["value"] > loads["value_max"] * (1 + 2e-9)).sum())
    under = int((loads["value"] < loads["value_min"] * (1 - 2e-9)).sum())
    full = int((loads["load"] > loads["capacity"]).sum())
    alone = int(router.to_frame()["rep_id"].isna().sum())
    share = score / (best.bound - plan.total_score)
    whole = (score + plan.total_score) / best.bound
    print(
        f"{label}: score {share:.4f} of the bound on the stream, {whole:.4f} of the bound on the whole plan;"
    )
    print(f"  above band {over}, below band {under}, over capacity {full}, without owner {alone}")
    print(f"  route     {route}\n  commit    {commit}\n  yardstick {ruler}", flush=True)
    return router


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    n_leads, n_reps, n_ties = SIZES[args.size]
    print(
        f"{args.size}: {n_leads:,} leads, {n_reps} reps, {n_ties:,} ties, seed {args.seed}; "
        f"salesops {salesops.__version__}, Python {platform.python_version()}, numpy {np.__version__}, "
        f"pandas {pd.__version__}, {platform.machine()}",
        flush=True,
    )
    world = datasets.make_territory(n_leads=n_leads, n_reps=n_reps, n_ties=n_ties, rng=args.seed)
    graph = territory.SocialGraph.from_ties(world.ties)
    prox = territory.proximity(graph, world.reps, world.leads)
    chance = np.random.default_rng(args.seed)
    late = chance.permutation(n_leads) < n_leads // 5
    stream = world.leads[late].sample(frac=1, random_state=args.seed)
    reserved = world.reps.assign(capacity=np.ceil(0.8 * world.reps["capacity"]))
    band = {"value": BAND}
    plan = territory.assign(reserved, world.leads[~late], prox, balance=band)
    best = territory.assign(
        world.reps, world.leads, prox, balance=band, locked=plan.to_frame()[["lead_id", "rep_id"]]
    )
    print(f"plan {plan}\noffline optimum {best}", flush=True)
    leads = list(documents(prox, stream))
    totals = {"workload": len(leads), "value": float(stream["value"].sum())}
    for label, expected in (
        ("number of leads told", len(leads)),
        ("totals told", totals),
        ("nothing told", None),
    ):
        router = stream_through(label, plan.router(expected=expected, reps=world.reps), leads, plan, best)
    start = time.perf_counter()
    text = json.dumps(router.to_dict())
    middle = time.perf_counter()
    territory.Router.from_dict(json.loads(text))
    print(
        f"snapshot of {router.n_committed:,} committed leads: {len(text) / 1e6:.1f} MB, "
        f"written in {middle - start:.2f} s, read in {time.perf_counter() - middle:.2f} s"
    )
    fresh, clock = plan.router(expected=len(leads), reps=world.reps), Clock()
    for lead in newcomers(world.leads["lead_id"].to_numpy(), 2000, chance):
        clock.call(fresh.route, lead)
    print(f"JSON text with five new ties to decision: {clock}", flush=True)
    everything = territory.assign(world.reps, world.leads, prox, balance=band)
    for rep in (0, n_reps // 2, n_reps - 1):
        wall, own = time.perf_counter(), time.process_time()
        after = reassign_released(everything, rep)
        wall, own = time.perf_counter() - wall, time.process_time() - own
        was, now = (each.to_frame()["rep_id"] for each in (everything, after))
        moved = int(((was != now) & (was != rep)).sum())
        print(
            f"rep {rep} leaves: {int((was == rep).sum())} leads placed, {moved} others moved, "
            f"{len(after.violations)} violations, gap {after.gap}, wall {wall:.2f} s, processor {own:.2f} s",
            flush=True,
        )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()
