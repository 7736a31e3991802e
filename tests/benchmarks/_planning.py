"""capacity against Monte Carlo, quotas against a walk node by node, reconciliation against its peer

python tests/benchmarks/_planning.py --reps 10000
python tests/benchmarks/forecast.py planning --reps 10000
"""

import argparse
import sys
import time
from pathlib import Path

import attrs
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2]))

import _measure

from salesops import forecast
from salesops.forecast import _hierarchy, _projection


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reps", type=int, default=10_000, help="reps of the tree")
    parser.add_argument("--repeat", type=int, default=5, help="the best of so many is told")
    parser.add_argument("--draws", type=int, default=10_000, help="of the Monte Carlo peer")


def best(call, repeat):
    """Run several times: least wall time, least processor time, last answer."""
    wall = busy = np.inf
    for _ in range(repeat):
        began, worked = time.perf_counter(), time.process_time()
        answer = call()
        wall, busy = min(wall, time.perf_counter() - began), min(busy, time.process_time() - worked)
    return wall, busy, answer


def told(name, wall, busy, more=""):
    print(f"  {name:<44} {1000 * wall:>10.1f} ms   {1000 * busy:>10.1f} ms busy   {more}")


def run(chosen: argparse.Namespace) -> None:
    versions = ", ".join(
        f"{name} {_measure.version(name) or 'absent'}" for name in ("numpy", "scipy", "hierarchicalforecast")
    )
    print(f"{_measure.machine()}; {versions}")
    capacity(chosen)
    quotas(chosen)
    reconciliation(chosen)
    print(f"peak memory {_measure.peak_mib():,.0f} MiB")


def capacity(chosen):
    seen = np.array([60.0, 80, 100, 120, 160])
    hires = [{"starts_on": f"2026-{month:02d}-01", "n": 3} for month in range(1, 13)]
    ramp, leave = np.array([0, 0.25, 0.5, 0.75, 1.0]), 1 - 0.8 ** (1 / 12)

    def exact():
        return forecast.capacity(
            200, hiring=hires, productivity=seen, ramp=ramp, attrition=0.2, as_of="2026-01-01"
        )

    def drawn(rng=None, n=chosen.draws):
        rng = np.random.default_rng(1 if rng is None else rng)
        total = np.zeros(n)
        for start, count in [(-99, 200), *((month, 3) for month in range(12))]:
            first = max(start, 0)
            months = np.arange(first, 12)
            worth = np.cumsum(ramp[np.minimum(months - start, 4)])
            stays = np.minimum(rng.geometric(leave, (n, count)), 12 - first) - 1
            total += (worth[stays] * rng.choice(seen, (n, count))).sum(axis=1)
        return total

    print(
        "\nCapacity of 200 reps and 36 hires over 12 months, 13 distributions; the peer draws the total only"
    )
    wall, busy, plan = best(exact, chosen.repeat)
    told(
        "salesops: exact",
        wall,
        busy,
        f"exact {plan.is_exact}, P(>= 240,000) {plan.probability_of(240_000):.6f}",
    )
    other, work, total = best(drawn, chosen.repeat)
    error = np.abs([np.mean(total <= plan.quantile(q)) - q for q in np.linspace(0.02, 0.98, 49)]).max()
    told(
        f"{chosen.draws:,} draws in NumPy",
        other,
        work,
        f"P {np.mean(total >= 240_000):.6f}, off by up to {error:.4f}",
    )
    need = best(lambda: plan.hires_needed(260_000, probability=0.9), chosen.repeat)
    told("hires needed with probability 0.9", *need[:2], repr(need[2]))
    choices = [{"starts_on": f"2026-{m:02d}-01", "cost": 900 - 60 * m, "max_hires": 10} for m in range(1, 13)]
    plans = best(lambda: plan.cheapest_hires(260_000, choices), chosen.repeat)
    told("cheapest of 12 ways to hire", *plans[:2], repr(plans[2]))


def tree_of(n_reps):
    n_managers = max(n_reps // 10, 1)
    rows = [("all", None), *((f"region{k}", "all") for k in range(10))]
    rows += [(f"manager{k}", f"region{k % 10}") for k in range(n_managers)]
    rows += [(f"rep{k}", f"manager{k % n_managers}") for k in range(n_reps)]
    tree = pd.DataFrame(rows, columns=["node_id", "parent_id"])
    weight = np.random.default_rng(0).lognormal(0, 1, n_reps)
    return tree.assign(weight=np.append(np.full(len(tree) - n_reps, np.nan), weight))


def quotas(chosen):
    tree = tree_of(chosen.reps)
    print(f"\nQuotas of a tree of {chosen.reps:,} reps, {len(tree) - chosen.reps:,} nodes above them")
    wall, busy, plan = best(
        lambda: forecast.quotas("1000000000.10", tree, over_assignment=[0, 0.05, 0.1]), chosen.repeat
    )
    told("salesops: cascade", wall, busy)
    season = {f"P{k}": k + 1 for k in range(12)}
    wall, busy, _ = best(lambda: forecast.quotas("1000000000.10", tree, seasonality=season), chosen.repeat)
    told("salesops: cascade over 12 periods", wall, busy)
    frame = plan.to_frame()[["node_id", "parent_id", "amount"]]
    texts = frame.assign(amount=[f"{x // 100}.{x % 100:02d}" for x in frame["amount"]])
    wall, busy, found = best(lambda: forecast.quota_coverage(texts).to_frame(), chosen.repeat)
    told("salesops: coverage from a raw frame", wall, busy, f"{len(found):,} parents")

    def filtered():
        inner = frame["node_id"].isin(set(frame["parent_id"].dropna()))
        return [frame.loc[frame["parent_id"] == node, "amount"].sum() for node in frame.loc[inner, "node_id"]]

    def walked():
        sums = {}
        for parent, amount in zip(frame["parent_id"], frame["amount"], strict=True):
            sums[parent] = sums.get(parent, 0) + amount
        return [sums[node] for node in frame["node_id"] if node in sums]

    other, work, sums = best(filtered, 1)
    told(
        "peer: one filter of the frame for each parent",
        other,
        work,
        f"same {sums == found['children'].tolist()}",
    )
    other, work, sums = best(walked, chosen.repeat)
    told(
        "peer: one walk over the rows, sums alone", other, work, f"same {sums == found['children'].tolist()}"
    )
    flat = pd.DataFrame({"node_id": range(4001), "parent_id": [None, *[0] * 4000]})
    reps = forecast.quotas("1000000.10", flat.astype("Int64")).to_frame().query("is_rep")["amount"]
    rounded = 4000 * round(1_000_000.10 / 4000, 2)
    print(f"  1,000,000.10 over 4,000: ours {reps.sum() / 100:,.2f}, rounded one by one {rounded:,.2f}")


def reconciliation(chosen):
    tree = tree_of(chosen.reps)[["node_id", "parent_id"]]
    names = tree["node_id"].tolist()
    rng = np.random.default_rng(2)
    base = rng.gamma(2, 100, len(tree))
    past = pd.DataFrame(rng.normal(size=(24, len(tree))) * base * 0.1, columns=names)
    table = pd.DataFrame({"node_id": names, "value": base})
    print(f"\nReconciliation of {len(tree):,} nodes")
    found = {}
    for method in ("ols", "wls_structural", "wls_variance", "mint_shrink"):
        errors = past if method in ("wls_variance", "mint_shrink") else None
        wall, busy, made = best(
            lambda m=method, e=errors: forecast.reconcile(table, tree, method=m, residuals=e), chosen.repeat
        )
        found[method] = made
        told(f"salesops: {method}", wall, busy, "with variances" if errors is not None else "")
    nodes = _hierarchy.read_hierarchy(tree)
    rows = _hierarchy.read_base(table, nodes).values
    for method, weights in (("ols", np.ones(len(tree))), ("wls_structural", nodes.counts())):
        wall, busy, passed = best(
            lambda w=weights: _projection.tree_coherent(attrs.evolve(nodes), w, rows), chosen.repeat
        )
        solver = _projection.Projection(nodes.constraints(), _projection.Weights(weights))
        away = np.abs(passed - solver.coherent(rows)[0]).max() / np.abs(passed).max()
        told(f"salesops: {method}, arrays ready", wall, busy, f"from the sparse solver {away:.1e}")
    try:
        from hierarchicalforecast.methods import MinTrace, MinTraceSparse
    except ImportError:
        print("  hierarchicalforecast is not installed: skipped")
        return
    from scipy import sparse

    place = {name: k for k, name in enumerate(names)}
    up = np.array([place[x] if isinstance(x, str) else -1 for x in tree["parent_id"]])
    rows, columns = [], []
    for leaf in range(len(tree) - chosen.reps, len(tree)):
        node = leaf
        while node >= 0:
            rows.append(node)
            columns.append(leaf - (len(tree) - chosen.reps))
            node = up[node]
    summing = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(tree), chosen.reps))
    seen = np.zeros((len(tree), 24))
    given = {"y_hat": base[:, None], "y_insample": seen, "y_hat_insample": seen - past.to_numpy().T}

    def compare(name, method, theirs, peer, matrix):
        try:
            wall, busy, answer = best(lambda: peer(method=theirs).fit_predict(S=matrix, **given), 1)
        except Exception as error:  # noqa: BLE001  (a peer may fail in any way; the reason is told)
            print(f"  {name}: {type(error).__name__}: {error}")
            return
        ours = found[method].to_frame().set_index("node_id")["reconciled"].reindex(names).to_numpy()
        away = np.abs(ours - np.asarray(answer["mean"])[:, 0]).max() / np.abs(ours).max()
        told(name, wall, busy, f"relative difference {away:.1e}")

    # The sparse peer weighs by variances about the mean, the dense one by mean squares, as we do.
    if chosen.reps <= 2000:
        for method, theirs in (("wls_variance", "wls_var"), ("mint_shrink", "mint_shrink")):
            compare(f"hierarchicalforecast: {theirs}", method, theirs, MinTrace, summing.toarray())
    about = dict(zip(names, past.var().tolist(), strict=True))
    found["wls_variance"] = forecast.reconcile(table, tree, method="wls_variance", variances=about)
    for method, theirs in (("ols", "ols"), ("wls_structural", "wls_struct"), ("wls_variance", "wls_var")):
        compare(f"hierarchicalforecast, sparse: {theirs}", method, theirs, MinTraceSparse, summing)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options(parser)
    run(parser.parse_args())
