"""Generalised assignment through the public API, beside HiGHS in the same time.

    python tests/benchmarks/gap.py [families] [--seconds 10] [--shared FOLDER] [--no-peer] [--facilities]

Families are letters or folders as in the files' names (``c d e a b gap``); all by default. Costs are
minimised; `assign` maximises, so each pair scores (greatest cost + 1) less its cost, and gaps are taken after
turning the totals back into costs. ``--facilities`` adds the single-source facility instances (Holmberg,
Ronnqvist, Yuan 1999) with all facilities open; the opening decision is not one that `assign` takes, so
the reference there is HiGHS on the same problem, not the published optimum.
"""

import argparse
import csv
import gzip
import os
import platform
import time
from pathlib import Path

import numpy as np
import scipy
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

import salesops
from salesops.territory import assign

ROOT = Path(__file__).resolve().parents[2]


def numbers(path):
    """Read all numbers of a file, gzipped or not."""
    if path.exists():
        return np.array(path.read_text().split(), dtype=float)
    with gzip.open(f"{path}.gz", "rt") as file:
        return np.array(file.read().split(), dtype=float)


def read_gap(path):
    """Read costs (m, n), workloads (m, n) and capacities (m,)."""
    flat = numbers(path)
    m, n = int(flat[0]), int(flat[1])
    flat = flat[2:]
    return flat[: m * n].reshape(m, n), flat[m * n : 2 * m * n].reshape(m, n), flat[2 * m * n :][:m]


def read_facilities(path):
    """Read a facility instance with every facility open, as a generalised assignment problem."""
    flat = numbers(path)
    m, n = int(flat[0]), int(flat[1])
    demand = flat[2 + 2 * m :][:n]
    cost = flat[2 + 2 * m + n :][: m * n]
    return cost.reshape(m, n), np.repeat(demand[None], m, axis=0), flat[2 : 2 + m]


def ours(cost, work, room, seconds):
    """Assign, and return the cost, the bound on cost, the seconds and whether every limit holds."""
    m, n = cost.shape
    big = float(cost.max()) + 1
    rep, lead = np.divmod(np.arange(m * n), n)
    pairs = {"rep_id": rep, "lead_id": lead, "score": (big - cost).ravel(), "workload": work.ravel()}
    start = time.perf_counter()
    plan = assign(
        {"rep_id": np.arange(m), "capacity": room},
        {"lead_id": np.arange(n)},
        score=pairs,
        require_all=True,
        fallback="none",
        time_limit=seconds,
    )
    seconds = time.perf_counter() - start
    owner = plan.owner
    load = np.bincount(owner[owner >= 0], weights=work[owner, np.arange(n)][owner >= 0], minlength=m)
    is_sound = not plan.violations and bool((owner >= 0).all()) and bool((load <= room + 1e-6).all())
    total = float(cost[owner, np.arange(n)].sum())
    return total, n * big - plan.bound, seconds, is_sound


def by_highs(cost, work, room, seconds):
    """Solve the same as a mixed-integer programme: cost (infinite without a plan) and seconds."""
    m, n = cost.shape
    size, column = m * n, np.arange(m * n)
    once = sparse.csr_array((np.ones(size), (column % n, column)), shape=(n, size))
    load = sparse.csr_array((work.ravel(), (column // n, column)), shape=(m, size))
    start = time.perf_counter()
    answer = milp(
        cost.ravel(),
        integrality=np.ones(size),
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(once, 1, 1), LinearConstraint(load, -np.inf, room)],
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    found = np.inf if answer.x is None else float(answer.fun)
    return found, time.perf_counter() - start


def family(name):
    """Name the family of an instance by how its file's name begins."""
    return "gap" if "cattrysse" in name else Path(name).name[0]


def measure(rows, read, folder, options):
    """Run every instance, print it, and return what was found."""
    found = []
    for name, best in rows:
        cost, work, room = read(folder / name)
        total, bound, seconds, is_sound = ours(cost, work, room, options.seconds)
        peer, peer_seconds = (
            (np.nan, np.nan) if options.no_peer else by_highs(cost, work, room, options.seconds)
        )
        reference = best if best is not None else peer
        gap = 100 * (total - reference) / reference if is_sound else np.inf
        peer_gap = 100 * (peer - reference) / reference
        is_true = bound <= reference + 1e-6 * abs(reference)
        m, n = cost.shape
        print(
            f"{name:28} {m:3} x {n:4}  cost {total:9.0f}  best {reference:9.0f}  gap {gap:7.3f} %  "
            f"bound {bound:11.1f} {'true' if is_true else 'FALSE'}  {seconds:5.1f} s  "
            f"HiGHS {peer_gap:8.3f} % {peer_seconds:5.1f} s{'' if is_sound else '  VIOLATES'}",
            flush=True,
        )
        found.append((family(name), n, gap, peer_gap, is_true, seconds))
    return found


def summary(title, rows):
    """Print means and maxima of some rows."""
    if not rows:
        return
    gap, peer = np.array([row[2] for row in rows]), np.array([row[3] for row in rows])
    worse = int((gap > peer + 1e-9).sum())
    print(
        f"{title:20} n {len(rows):3}  mean gap {gap.mean():7.4f} %  max {gap.max():7.4f} %  bounds true "
        f"{sum(row[4] for row in rows)}/{len(rows)}  slowest {max(row[5] for row in rows):5.1f} s  "
        f"HiGHS mean {peer.mean():8.4f} %  worse than HiGHS on {worse}"
    )


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Generalised assignment through the public API")
    parser.add_argument("families", nargs="*", help="c d e a b gap; all by default")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--least", type=int, default=0, help="only instances of at least this many jobs")
    parser.add_argument("--shared", default=os.environ.get("SALESOPS_SHARED") or str(ROOT.parent / "shared"))
    parser.add_argument("--no-peer", action="store_true", help="do not run HiGHS")
    parser.add_argument(
        "--facilities", action="store_true", help="single-source facility instances, all open"
    )
    options = parser.parse_args()
    print(
        f"salesops {salesops.__version__}, Python {platform.python_version()}, numpy {np.__version__}, "
        f"scipy {scipy.__version__}, {os.cpu_count()} cores, {options.seconds:g} s each"
    )
    data = Path(options.shared) / "data"
    if options.facilities:
        folder = data / "sscflp_holmberg"
        names = sorted(
            (path.name.removesuffix(".gz") for path in folder.glob("p*.gz")), key=lambda p: int(p[1:])
        )
        rows = measure([(name, None) for name in names], read_facilities, folder, options)
        summary("facilities, all open", rows)
        return
    folder = data / "gap_instances"
    with (folder / "best_known.csv").open() as file:
        known = [
            (row["instance"], float(row["best_known"]), int(row["jobs"])) for row in csv.DictReader(file)
        ]
    wanted = [
        (name, best)
        for name, best, jobs in known
        if jobs >= options.least and (not options.families or family(name) in options.families)
    ]
    rows = measure(wanted, read_gap, folder, options)
    for kind in sorted({row[0] for row in rows}):
        summary(kind, [row for row in rows if row[0] == kind])
        if kind in "de":
            summary(f"{kind}, 400 or more jobs", [row for row in rows if row[0] == kind and row[1] >= 400])
    summary("all", rows)


if __name__ == "__main__":
    main()
