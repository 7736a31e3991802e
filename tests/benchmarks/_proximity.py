"""random walk with restart of all reps, certified to 1e-6, beside igraph, GraphBLAS and others"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _measure
import _walkers
import numpy as np


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", choices=list(_measure.SIZES), default="S")
    parser.add_argument("--contestants", nargs="*", choices=list(_walkers.PACKAGES), help="default: all")
    parser.add_argument(
        "--sample", type=int, default=8, help="reps walked by a peer; its time is extrapolated"
    )
    parser.add_argument("--runs", type=int, default=1, help="rounds over all contestants; all are printed")
    parser.add_argument("--keep", type=Path, help="where the proximity is kept, for `assign --cache`")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)


def run(chosen: argparse.Namespace) -> None:
    if chosen.child:
        name, world, answer = chosen.child
        Path(answer).write_text(json.dumps(_walkers.contest(name, world, chosen.sample, chosen.keep)))
        return
    n_leads, n_reps, n_ties = _measure.SIZES[chosen.size]
    print(f"{chosen.size}: {n_leads:,} leads, {n_reps:,} reps, {n_ties:,} ties; {_measure.machine()}")
    with tempfile.TemporaryDirectory() as folder:
        world = str(Path(folder) / "world.npz")
        _walkers.make_world(world, n_leads, n_reps, n_ties)
        for _ in range(chosen.runs):
            rows = [_one(chosen, name, world, folder) for name in chosen.contestants or _walkers.PACKAGES]
            _print([row for row in rows if row], n_reps)


def _one(chosen: argparse.Namespace, name: str, world: str, folder: str) -> dict[str, object] | None:
    found = _measure.version(_walkers.PACKAGES[name])
    if found is None and name != "salesops":
        print(f"  {name}: skipped, {_walkers.PACKAGES[name]} is not installed")
        return None
    answer = Path(folder) / f"{name}.json"
    command = [sys.executable, str(Path(__file__).with_name("territory.py")), "proximity"]
    command += ["--sample", str(chosen.sample)] + ["--keep", str(chosen.keep)] * (chosen.keep is not None)
    command += ["--child", name, world, str(answer)]
    before = os.times()
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    after = os.times()
    if ended.returncode:
        print(f"  {name}: failed, {ended.stderr.strip().splitlines()[-1]}")
        return None
    took = after.children_user + after.children_system - before.children_user - before.children_system
    return {**json.loads(answer.read_text()), "name": name, "version": found or "", "processor": took}


def _print(rows: list[dict[str, object]], n_reps: int) -> None:
    ours = next((float(row["seconds"]) for row in rows if row["name"] == "salesops"), np.nan)
    print(f"  {'':14}{'version':>12}{'reps':>6}{'seconds':>10}{'x ours':>8}{'cpu s':>9}", end="")
    print(f"{'build s':>9}{'peak MiB':>10}{'error':>10}")
    for row in rows:
        walked = int(row["walked"])
        mark = "*" if walked < n_reps else " "
        print(f"  {row['name']:14}{row['version']:>12}{walked:>6}{row['seconds']:>10.1f}{mark}", end="")
        print(f"{row['seconds'] / ours:>7.1f}{row['cpu']:>9.1f}{row['build']:>9.1f}", end="")
        print(f"{row['peak']:>10.0f}{row['error']:>10.1e}")
        if "traffic" in row:
            print(f"    {row['traffic']}")
    print(f"  * seconds and cpu extrapolated from that many reps to {n_reps}")
    print(f"  at {time.strftime('%H:%M')}, {_measure.machine()}")
