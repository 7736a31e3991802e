"""Who walks: the library, and peers that pip can install; each answers with time, memory and its error."""

import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _measure
import numpy as np
import pandas as pd
from scipy import sparse

RESTART = 0.15
DAMPING = 1 - RESTART
TOLERANCE = 1e-6
PACKAGES = {
    "salesops": "salesops",
    "salesops fast": "numba",
    "igraph": "igraph",
    "graphblas": "python-graphblas",
    "scikit-network": "scikit-network",
    "networkx": "networkx",
    "scipy": "scipy",
}
_BLOCK = 32


def make_world(path: str, n_leads: int, n_reps: int, n_ties: int) -> None:
    from salesops import datasets

    world = datasets.make_territory(n_leads=n_leads, n_reps=n_reps, n_ties=n_ties, rng=0)
    columns = {name: world.ties[name].to_numpy() for name in ("source", "target", "weight")}
    np.savez(path, **columns, sizes=np.array([n_leads, n_reps]))
    with _people(path).open("wb") as file:
        pickle.dump((world.reps, world.leads), file, protocol=5)


def _people(path: str) -> Path:
    return Path(path).with_suffix(".people")


def contest(name: str, path: str, sample: int, keep: Path | None = None) -> dict[str, object]:
    """Let one contestant walk; seconds and processor seconds are scaled up to all reps.

    With `keep`, the library's answer is kept there, as `assign --cache` takes it.
    """
    world = np.load(path)
    source, target = world["source"].astype(np.int32), world["target"].astype(np.int32)
    weight, (n_leads, n_reps) = world["weight"], world["sizes"].tolist()
    if name.startswith("salesops"):
        from salesops.territory import _compiled, _products

        if name == "salesops":
            _compiled.is_installed = lambda: False
        else:
            _products._WORTH_COMPILING = 0
        answer, near = _salesops(source, target, weight, n_leads, n_reps)
        if keep is not None and not keep.exists():
            with keep.open("wb") as file:
                pickle.dump((*pickle.loads(_people(path).read_bytes()), near), file, protocol=5)
        return answer
    began = time.perf_counter()
    walk = _MAKERS[name](source, target, weight, n_leads + n_reps)
    build = time.perf_counter() - began
    reps = np.unique(np.concatenate([source, target]))
    reps = reps[reps < n_reps][:sample]
    began, used = time.perf_counter(), time.process_time()
    answers = walk(reps)
    seconds, used = time.perf_counter() - began, time.process_time() - used
    peak = _measure.peak_mib()
    share = n_reps / len(reps)
    step, _ = _step(source, target, weight, n_leads + n_reps)
    answer = {"seconds": seconds * share, "cpu": used * share, "build": build, "peak": peak}
    return {**answer, "walked": len(reps), "error": _error(step, answers[:, 0], int(reps[0]))}


def _salesops(
    source: np.ndarray, target: np.ndarray, weight: np.ndarray, n_leads: int, n_reps: int
) -> tuple[dict[str, object], Any]:
    from salesops import territory
    from salesops.territory import _walks

    ties = pd.DataFrame({"source": source, "target": target, "weight": weight})
    began = time.perf_counter()
    graph = territory.SocialGraph.from_ties(ties)
    build = time.perf_counter() - began
    built = _measure.peak_mib()
    del ties
    reps, leads = {"rep_id": np.arange(n_reps)}, {"lead_id": np.arange(n_reps, n_reps + n_leads)}
    began, used = time.perf_counter(), time.process_time()
    near = territory.proximity(graph, reps, leads, method=territory.RandomWalk(tolerance=TOLERANCE))
    seconds, used = time.perf_counter() - began, time.process_time() - used
    peak = _measure.peak_mib()
    ready = _walks.make_ready(graph.adjacency, restart=RESTART, undirected=True)
    steps = _walks._steps(ready, TOLERANCE) + 1
    n, nnz = ready.step.shape[0], ready.step.nnz
    threads = _measure.len_processors()
    speed = _measure.bandwidth(threads)
    # At the least, a step reads one block, reads and writes the other, and reads the ties once for 64 reps.
    least = n_reps * steps * (24 * n + 12 * nnz / 64) / seconds
    gathered = n_reps * steps * (8 * nnz + 16 * n + 12 * nnz / 64) / seconds
    traffic = (
        f"{steps} steps; graph built at a peak of {built:.0f} MiB; {threads} threads copy "
        f"{speed / 1e9:.1f} GB/s; the walk moves at least {least / 1e9:.1f} GB/s ({least / speed:.0%}), "
        f"{gathered / 1e9:.1f} GB/s ({gathered / speed:.0%}) with every friend's scores read anew"
    )
    answer = {"seconds": seconds, "cpu": used, "build": build, "peak": peak, "traffic": traffic}
    return {**answer, "walked": n_reps, "error": float(near.error.max())}, near


def _step(
    source: np.ndarray, target: np.ndarray, weight: np.ndarray, n: int
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Make the column-stochastic step, and the ties both ways."""
    both = np.concatenate([weight, weight])
    ends = np.concatenate([source, target]), np.concatenate([target, source])
    ties = sparse.csr_array((both, ends), shape=(n, n))
    total = np.asarray(ties.sum(axis=0)).ravel()
    step = ties.copy()
    step.data = ties.data / total[ties.indices]
    return step, ties


def _error(step: sparse.csr_array, x: np.ndarray, rep: int) -> float:
    """Certify one answer by its residual."""
    y = DAMPING * (step @ x)
    y[rep] += RESTART
    return float(np.abs(y - x).sum() / RESTART)


Walker = Callable[[np.ndarray], np.ndarray]


def _igraph(source: np.ndarray, target: np.ndarray, weight: np.ndarray, n: int) -> Walker:
    import igraph

    graph = igraph.Graph(n=n, edges=np.stack([source, target], axis=1))
    graph.es["weight"] = weight

    def walk(reps: np.ndarray) -> np.ndarray:
        options: dict[str, Any] = {"directed": False, "damping": DAMPING, "weights": "weight"}
        answers = [graph.personalized_pagerank(reset_vertices=int(rep), **options) for rep in reps]
        return np.array(answers).T

    return walk


def _networkx(source: np.ndarray, target: np.ndarray, weight: np.ndarray, n: int) -> Walker:
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_weighted_edges_from(zip(source.tolist(), target.tolist(), weight.tolist(), strict=True))

    def walk(reps: np.ndarray) -> np.ndarray:
        # networkx stops when a step changes less than n times its tolerance.
        options: dict[str, Any] = {"alpha": DAMPING, "tol": TOLERANCE * RESTART / n, "max_iter": 1000}
        answers = [nx.pagerank(graph, personalization={int(rep): 1}, **options) for rep in reps]
        return np.array([[answer[k] for k in range(n)] for answer in answers]).T

    return walk


def _scikit_network(source: np.ndarray, target: np.ndarray, weight: np.ndarray, n: int) -> Walker:
    from sknetwork.ranking import PageRank

    ties = sparse.csr_matrix(_step(source, target, weight, n)[1])

    def walk(reps: np.ndarray) -> np.ndarray:
        ranker = PageRank(damping_factor=DAMPING, solver="piteration", n_iter=1000, tol=TOLERANCE * RESTART)
        return np.array([ranker.fit_predict(ties, weights={int(rep): 1}) for rep in reps]).T

    return walk


def _graphblas(source: np.ndarray, target: np.ndarray, weight: np.ndarray, n: int) -> Walker:
    import graphblas as gb

    step = _step(source, target, weight, n)[0]
    step.data *= DAMPING
    matrix = gb.io.from_scipy_sparse(step)
    gb.ss.config["nthreads"] = _measure.len_processors()

    def walk(reps: np.ndarray) -> np.ndarray:
        answers = []
        for first in range(0, len(reps), _BLOCK):
            block = reps[first : first + _BLOCK]
            start = gb.Matrix.from_coo(block, np.arange(len(block)), RESTART, nrows=n, ncols=len(block))
            x = gb.Matrix.from_dense(start.to_dense(fill_value=0.0))
            while True:
                y = x.dup()
                y << matrix.mxm(x, gb.semiring.plus_times)
                y(gb.binary.plus) << start
                apart = gb.unary.abs(gb.binary.minus(y & x)).new().reduce_columnwise(gb.monoid.plus).new()
                x = y
                if float(apart.reduce(gb.monoid.max).new().value) <= TOLERANCE * RESTART:
                    break
            answers.append(x.to_dense(fill_value=0.0))
        return np.concatenate(answers, axis=1)

    return walk


def _scipy(source: np.ndarray, target: np.ndarray, weight: np.ndarray, n: int) -> Walker:
    step = _step(source, target, weight, n)[0] * DAMPING

    def walk(reps: np.ndarray) -> np.ndarray:
        answers = []
        for first in range(0, len(reps), _BLOCK):
            block = reps[first : first + _BLOCK]
            own = block, np.arange(len(block))
            x = np.zeros((n, len(block)))
            x[own] = RESTART
            while True:
                y = step @ x
                y[own] += RESTART
                apart = np.abs(y - x).sum(axis=0).max()
                x = y
                if apart <= TOLERANCE * RESTART:
                    break
            answers.append(x)
        return np.concatenate(answers, axis=1)

    return walk


_MAKERS = {
    "igraph": _igraph,
    "networkx": _networkx,
    "scikit-network": _scikit_network,
    "graphblas": _graphblas,
    "scipy": _scipy,
}
