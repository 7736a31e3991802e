"""How much time and memory a social graph takes, beside plain scipy, networkx and (if installed) igraph.

Run from the top folder of the checkout::

    python tests/benchmarks/graph.py            # 10 million ties; networkx at a tenth of it
    python tests/benchmarks/graph.py --ties 1e6

Every line is a process of its own that loads the same ties (whole numbers as ids, in random order, none
twice) and then builds. Peak memory is the most that was resident while building, less what was resident
before; "kept" is what the result still holds.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]


def make(n_ties: int, folder: str) -> None:
    """Write distinct ties between a tenth as many people, from a fixed seed."""
    n_people = max(n_ties // 10, 4)
    rng = np.random.default_rng(0)
    one = rng.integers(0, n_people, int(1.05 * n_ties) + 16)
    other = rng.integers(0, n_people, len(one))
    key = np.unique(np.minimum(one, other) * n_people + np.maximum(one, other))
    key = key[key // n_people != key % n_people]
    rng.shuffle(key)
    key = key[:n_ties]
    np.save(f"{folder}/source.npy", key // n_people)
    np.save(f"{folder}/target.npy", key % n_people)
    np.save(f"{folder}/weight.npy", rng.random(len(key)) + 0.1)
    np.save(f"{folder}/kind.npy", rng.integers(0, 3, len(key)).astype(np.int8))
    np.save(f"{folder}/day.npy", rng.integers(19_000, 20_000, len(key)).astype("datetime64[D]"))


def load(folder: str, n_ties: int) -> pd.DataFrame:
    """Load the first ties as a frame."""
    return pd.DataFrame(
        {name: np.load(f"{folder}/{name}.npy")[:n_ties] for name in ("source", "target", "weight")}
    )


def build_salesops(frame, folder):
    from salesops.territory import SocialGraph

    graph = SocialGraph.from_ties(frame)
    return graph, graph.adjacency


def build_salesops_with_attributes(frame, folder):
    from salesops.territory import SocialGraph

    return SocialGraph.from_ties(frame)


def build_salesops_interactions(frame, folder):
    from salesops.territory import SocialGraph

    return SocialGraph.from_interactions(frame, as_of="2026-01-01")


def build_scipy(frame, folder):
    from scipy import sparse

    n = int(max(frame["source"].max(), frame["target"].max())) + 1
    source, target = frame["source"].to_numpy(), frame["target"].to_numpy()
    ends = np.concatenate([source, target]), np.concatenate([target, source])
    weight = np.concatenate([frame["weight"].to_numpy()] * 2)
    matrix = sparse.coo_array((weight, ends), shape=(n, n)).tocsr()
    matrix.sort_indices()
    return matrix


def build_networkx(frame, folder):
    import networkx as nx

    return nx.from_pandas_edgelist(frame, edge_attr="weight")


def build_igraph(frame, folder):
    import igraph

    ends = frame[["source", "target"]].to_numpy()
    return igraph.Graph(n=int(ends.max()) + 1, edges=ends, edge_attrs={"weight": frame["weight"].to_numpy()})


def resident() -> float:
    """Give what is resident now, in MiB."""
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def measure(name: str, folder: str, n_ties: int) -> None:
    """Build in this process, and print what it took as JSON."""
    frame = load(folder, n_ties)
    if name != "salesops":
        frame = frame.copy()
    if name == "salesops_with_attributes":
        kind = np.load(f"{folder}/kind.npy")[:n_ties]
        frame["kind"] = pd.Categorical.from_codes(kind, ["board", "crm", "mail"])
        frame["observed_on"] = np.load(f"{folder}/day.npy")[:n_ties].astype("datetime64[s]")
    if name == "salesops_interactions":
        frame["at"] = np.load(f"{folder}/day.npy")[:n_ties].astype("datetime64[s]")
    globals()[f"build_{name}"](frame.head(1000), folder)  # imports are not what is measured
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts here
    before, wall, cpu = resident(), time.perf_counter(), time.process_time()
    built = globals()[f"build_{name}"](frame, folder)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    gc.collect()
    print(
        json.dumps(
            {"ties": len(frame), "wall": wall, "cpu": cpu, "peak": peak - before, "kept": resident() - before}
        )
    )
    del built


def main() -> None:
    """Measure every peer that is installed, one process each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ties", type=float, default=1e7)
    parser.add_argument("--measure", nargs=2, metavar=("PEER", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    n_ties = int(options.ties)
    if options.measure:
        measure(*options.measure, n_ties)
        return
    packages = ["numpy", "pandas", "scipy", "networkx"]
    peers = {
        "salesops": n_ties,
        "salesops_with_attributes": n_ties,
        "salesops_interactions": n_ties,
        "scipy": n_ties,
        "networkx": n_ties // 10,
    }
    if importlib.util.find_spec("igraph"):
        peers["igraph"] = n_ties
        packages.append("igraph")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    print(f"Python {platform.python_version()}, {versions}; {platform.machine()}, {platform.system()}")
    print(f"{'':26}{'ties':>12}{'seconds':>9}{'cpu':>7}{'peak MiB':>10}{'kept MiB':>10}{'peak B/tie':>12}")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-c", f"import graph; graph.make({n_ties}, {folder!r})"],
            cwd=Path(__file__).parent,
            check=True,
        )
        for name, size in peers.items():
            command = [sys.executable, __file__, "--ties", str(size), "--measure", name, folder]
            answer = subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True)
            if answer.returncode:
                print(f"{name:26}failed: {answer.stderr.strip().splitlines()[-1]}")
                continue
            found = json.loads(answer.stdout)
            print(
                f"{name:26}{found['ties']:>12,}{found['wall']:>9.1f}{found['cpu']:>7.1f}"
                f"{found['peak']:>10,.0f}{found['kept']:>10,.0f}"
                f"{found['peak'] * 2**20 / max(found['ties'], 1):>12,.0f}"
            )


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


if __name__ == "__main__":
    main()
