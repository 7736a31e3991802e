"""a plan within capacities and bands: seconds, memory and certified gap, beside greedy ones and OR-Tools"""

import argparse
import json
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

import _measure
import _rivals
import numpy as np

from salesops import datasets, territory

BAND = 0.1
CONTESTANTS = ("salesops", "greedy", "greedy_by_pair", "flow")


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", choices=list(_measure.SIZES), default="S")
    parser.add_argument("--unit", action="store_true", help="no band of value: capacities alone")
    parser.add_argument("--synthetic", action="store_true", help="draw proximities; walk nobody")
    parser.add_argument("--cache", type=Path, help="where the proximity is kept from run to run")
    parser.add_argument("--contestants", nargs="*", choices=CONTESTANTS, help="default: those that fit")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)


def run(chosen: argparse.Namespace) -> None:
    if chosen.child:
        name, world, answer = chosen.child
        Path(answer).write_text(json.dumps(contest(name, Path(world), is_unit=chosen.unit)))
        return
    n_leads, n_reps, n_ties = _measure.SIZES[chosen.size]
    print(f"{chosen.size}: {n_leads:,} leads, {n_reps:,} reps, {n_ties:,} ties; {_measure.machine()}")
    with tempfile.TemporaryDirectory() as folder:
        world = chosen.cache or Path(folder) / "world.pickle"
        if not world.exists():
            make_world(world, chosen.size, is_synthetic=chosen.synthetic)
        fitting = CONTESTANTS if chosen.unit else CONTESTANTS[:3]
        rows = [_one(name, world, folder, chosen.unit) for name in chosen.contestants or fitting]
        _print([row for row in rows if row])


def make_world(path: Path, size: str, *, is_synthetic: bool) -> None:
    """Keep reps, leads and their proximity, from a fixed seed."""
    n_leads, n_reps, n_ties = _measure.SIZES[size]
    world = datasets.make_territory(n_leads=n_leads, n_reps=n_reps, n_ties=n_ties, rng=0)
    graph = territory.SocialGraph.from_ties(world.ties)
    began = time.perf_counter()
    if is_synthetic:
        near = _rivals.drawn_proximity(graph, world.reps, world.leads)
    else:
        near = territory.proximity(graph, world.reps, world.leads)
    print(f"  proximity: {time.perf_counter() - began:.1f} s{', drawn' if is_synthetic else ''}")
    with path.open("wb") as file:
        pickle.dump((world.reps, world.leads, near), file, protocol=5)


def contest(name: str, world: Path, *, is_unit: bool) -> dict[str, object]:
    """Let one contestant assign; say how long it took, what it held beyond the input, and what it made."""
    with world.open("rb") as file:
        reps, leads, near = pickle.load(file)
    if is_unit:
        leads = leads.assign(value=1)
    case = _rivals.Case.of(reps, leads, near, None if is_unit else BAND)
    bound, stages = np.nan, {}
    with _Held() as held:
        began, busy = time.perf_counter(), time.process_time()
        if name == "salesops":
            plan = territory.assign(
                reps,
                leads,
                near,
                balance=None if is_unit else {"value": BAND},
                progress=_Stages(stages, held),
            )
            owner, bound = plan.owner, plan.bound
        else:
            owner = getattr(_rivals, name)(case)
        seconds, processor = time.perf_counter() - began, time.process_time() - busy
    return {
        "name": name,
        "seconds": seconds,
        "cpu": processor,
        "peak": held.most,
        "score": case.score_of(owner),
        "greedy": case.score_of(_rivals.greedy(case)),
        "bound": bound,
        "broken": case.n_broken(owner),
        "unowned": int((owner < 0).sum()),
        "stages": stages,
    }


class _Held:
    """The most memory that is resident beyond what was at the start, in MiB, looked at every 0.01 s."""

    def __enter__(self) -> Self:
        self.start, self.most, self._is_over = _measure.resident_mib(), 0.0, threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def _look(self) -> None:
        while not self._is_over.wait(0.01):
            self.most = max(self.most, _measure.resident_mib() - self.start)

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._watch.join()


class _Stages:
    """A progress that writes down seconds, processor seconds and peak memory of each stage."""

    def __init__(self, stages: dict[str, list[float]], held: _Held) -> None:
        self.stages, self.held = stages, held
        self.wall, self.busy = time.perf_counter(), time.process_time()

    def __call__(self, stages: object) -> object:
        self._note("before")
        for k, stage in enumerate(stages):
            yield stage
            name = getattr(stage, "__qualname__", str(stage)).split(".")[1].strip("_")
            self._note(f"{k} {name}")

    def _note(self, name: str) -> None:
        wall, busy = time.perf_counter(), time.process_time()
        self.stages[name] = [wall - self.wall, busy - self.busy, self.held.most]
        self.wall, self.busy = wall, busy


def _one(name: str, world: Path, folder: str, is_unit: bool) -> dict[str, object] | None:
    if name == "flow" and _measure.version("ortools") is None:
        print(f"  {name}: skipped, ortools is not installed")
        return None
    answer = Path(folder) / f"{name}.json"
    command = [sys.executable, str(Path(__file__).with_name("territory.py")), "assign"]
    command += ["--unit"] * is_unit + ["--child", name, str(world), str(answer)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode:
        print(f"  {name}: failed, {ended.stderr.strip().splitlines()[-1:]}")
        return None
    return json.loads(answer.read_text())


def _print(rows: list[dict[str, object]]) -> None:
    print(f"  {'':16}{'seconds':>9}{'cpu s':>9}{'MiB':>8}{'score':>16}{'over greedy':>13}", end="")
    print(f"{'broken':>8}{'no owner':>10}{'gap':>10}")
    for row in rows:
        over = row["score"] / row["greedy"] - 1
        gap = (row["bound"] - row["score"]) / row["bound"]
        said = f"{gap:>10.1e}" if gap == gap and not row["broken"] else f"{'-':>10}"
        print(f"  {row['name']:16}{row['seconds']:>9.1f}{row['cpu']:>9.1f}{row['peak']:>8.0f}", end="")
        print(f"{row['score']:>16,.2f}{over:>+13.2%}{row['broken']:>8}{row['unowned']:>10}{said}")
        for stage, (wall, busy, most) in row["stages"].items():
            print(f"    {stage:14}{wall:>9.2f} s{busy:>9.2f} cpu s, peak so far {most:.0f} MiB")
    print("  over greedy: more than leads in label order, each to the best rep with room")
    print("  broken: reps beyond a capacity or a band; MiB: resident beyond the input")
