"""Speed and memory of ``comp.calculate`` beside scripts of pandas, polars, DuckDB and NumPy, in one run.

    python tests/benchmarks/comp.py
    python tests/benchmarks/comp.py --credits 120000 --reps 200 --repeat 3

A year of credits, splits on a fifth of the deals, marginal tiers to date with a kicker back to the first
sale, a cap by month and a recoverable draw. Every contestant runs in a process of its own, starts from the
same table held in its own form (amounts are text, as money comes out of a file), and its cents are compared.
"lines" gives an amount for each credit; ours is the only one that also says where each came from. "totals"
gives months alone. Contestants that are not installed are skipped, and said to be.
"""

import argparse
import itertools
import json
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
import _comp_rivals as rivals
import _measure

from salesops import comp
from salesops.models import Period

CONTESTANTS = (
    "salesops lines",
    "pandas lines",
    "polars lines",
    "duckdb lines",
    "salesops totals",
    "numpy totals",
    "pandas totals",
    "polars totals",
    "duckdb totals",
)
PLAN = {
    "schema_version": 1,
    "plan_id": "benchmark",
    "currency": "USD",
    "cap": {"amount": "15000.00", "per": "period"},
    "components": [
        {
            "kind": "commission",
            "basis": "attainment",
            "accumulate": "year",
            "tiers": [
                {"from": "0", "rate": "0.06"},
                {"from": "0.8", "rate": "0.08"},
                {"from": "1", "rate": "0.10"},
                {"from": "1.25", "rate": "0.12", "retroactive": True},
            ],
        },
        {"kind": "draw", "amount": "2500.00", "recoverable": True},
    ],
}


def make_world(n_credits: int, n_reps: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw deals, split a fifth of them between two reps, and give the credits in no order."""
    rng = np.random.default_rng(0)
    n_deals = round(n_credits / 1.2)
    cents = np.round(rng.lognormal(12.5, 0.9, n_deals)).astype(np.int64) + 1
    cents[rng.random(n_deals) < 0.01] *= -1
    day = np.datetime64("2026-01-01") + rng.integers(0, 365, n_deals)
    owner = rng.integers(0, n_reps, n_deals)
    split = rng.choice(n_deals, n_credits - n_deals, replace=False)
    share = np.round(cents[split] * rng.choice([0.3, 0.4, 0.5], len(split))).astype(np.int64)
    first = cents.copy()
    first[split] -= share
    other = (owner[split] + rng.integers(1, n_reps, len(split))) % n_reps
    deal = np.concatenate([np.arange(n_deals), split])
    part = np.concatenate([np.ones(n_deals, dtype=np.int64), np.full(len(split), 2)])
    amount = np.concatenate([first, share])
    order = rng.permutation(n_credits)
    sign = np.where(amount < 0, "-", "")
    texts = [f"{s}{abs(v) // 100}.{abs(v) % 100:02d}" for s, v in zip(sign, amount.tolist(), strict=True)]
    names = [f"D{d:07d}-{p}" for d, p in zip(deal.tolist(), part.tolist(), strict=True)]
    reps = np.array([f"rep-{k:04d}" for k in range(n_reps)], dtype=object)
    credits = pd.DataFrame(
        {
            "credit_id": np.array(names, dtype=object)[order],
            "rep_id": reps[np.concatenate([owner, other])[order]],
            "amount": np.array(texts, dtype=object)[order],
            "earned_on": np.concatenate([day, day[split]])[order].astype("datetime64[s]"),
        }
    )
    expected = np.bincount(np.concatenate([owner, other]), amount, minlength=n_reps) / 12
    quota = np.maximum(
        (expected * rng.uniform(0.6, 1.4, n_reps) / 100_000).astype(np.int64) * 100_000, 100_000
    )
    return credits, pd.DataFrame({"rep_id": reps, "cents": quota})


def prepare(name: str, credits: pd.DataFrame, quotas: pd.DataFrame) -> object:
    """Hold the data in the form a contestant works on; give what it is to do."""
    room, _, what = name.partition(" ")
    totals = what == "totals"
    if room == "salesops":
        return lambda: ours(credits, quotas, "totals" if totals else "lines")
    if room == "numpy":
        table = {column: credits[column].to_numpy() for column in credits}
        targets = {column: quotas[column].to_numpy() for column in quotas}
        return lambda: (None, rivals.numpy_totals(table, targets))
    if room == "pandas":
        return lambda: (
            (None, rivals.pandas_totals(credits, quotas)) if totals else rivals.pandas_lines(credits, quotas)
        )
    if room == "polars":
        import polars

        table = polars.from_pandas(credits)
        targets = polars.from_pandas(quotas.rename(columns={"cents": "quota"}))
        return lambda: rivals.polars_lines(table, targets, totals=totals)
    import duckdb

    base = duckdb.connect()
    targets = quotas.rename(columns={"cents": "quota"})
    base.execute("CREATE TABLE credits AS SELECT * FROM credits")
    base.execute("CREATE TABLE quotas AS SELECT * FROM targets")
    return lambda: (None, rivals.duckdb_lines(base, totals=totals))


def plain_quotas(quotas: pd.DataFrame) -> pd.DataFrame:
    """Write quotas as the library takes them: in major units."""
    return pd.DataFrame({"rep_id": quotas["rep_id"], "amount": quotas["cents"] // 100})


def ours(credits: pd.DataFrame, quotas: pd.DataFrame, detail: str) -> tuple[object, object]:
    """Calculate, and lay out the months as the scripts do."""
    plan = comp.CompPlan.from_dict(PLAN)
    run = comp.calculate(
        plan,
        credits,
        quotas=plain_quotas(quotas),
        periods=months(),
        **({} if detail == "lines" else {"detail": detail}),
    )
    paid = run.payouts()
    return run, tuple(paid[name].to_numpy().reshape(-1, 12) for name in ("earned", "paid"))


def months() -> list[Period]:
    """Give the months of the year."""
    starts = [pd.Timestamp(2026 + k // 12, k % 12 + 1, 1).date() for k in range(13)]
    return [Period(name=f"{a:%Y-%m}", start=a, end=b) for a, b in itertools.pairwise(starts)]


class Held:
    """The most memory that is resident beyond what was at the start, in MiB, looked at every 0.005 s."""

    def __enter__(self):
        self.start, self.most, self._is_over = _measure.resident_mib(), 0.0, threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def _look(self):
        while not self._is_over.wait(0.005):
            self.most = max(self.most, _measure.resident_mib() - self.start)

    def __exit__(self, *_):
        self._is_over.set()
        self._watch.join()


def contest(name: str, world: Path, repeat: int) -> dict[str, object]:
    """Let one contestant work; the first time is measured for memory, the best of all for time."""
    with world.open("rb") as file:
        credits, quotas = pickle.load(file)
    work = prepare(name, credits, quotas)
    with Held() as held:
        began, busy = time.perf_counter(), time.process_time()
        done, settled = work()
        times = [(time.perf_counter() - began, time.process_time() - busy)]
    more = questions(done, credits) if name == "salesops lines" else {}
    for _ in range(repeat - 1):
        done = None
        began, busy = time.perf_counter(), time.process_time()
        done, _ = work()
        times.append((time.perf_counter() - began, time.process_time() - busy))
    earned, paid = (np.ascontiguousarray(grid, dtype=np.int64) for grid in settled)
    return {
        "name": name,
        "wall": min(wall for wall, _ in times),
        "cpu": min(cpu for _, cpu in times),
        "peak": held.most,
        "earned": int(earned.sum()),
        "paid": int(paid.sum()),
        "digest": hash((earned.tobytes(), paid.tobytes())),
        **more,
    }


def questions(run: object, credits: pd.DataFrame) -> dict[str, float]:
    """Time what is asked of a run that is there: why a line, and what one changed deal does."""
    rng = np.random.default_rng(1)
    run.explain(0)
    why = []
    for line in rng.integers(0, 1_000_000 if len(credits) > 10**6 else len(credits), 30).tolist():
        began = time.perf_counter()
        str(run.explain(line))
        run.proof(line)
        why.append(time.perf_counter() - began)
    asked = {"explain": max(why)}
    if hasattr(run, "recalculated"):
        again = []
        for row in rng.integers(0, len(credits), 30).tolist():
            changed = credits.iloc[[row]].assign(amount="1234.56")
            began = time.perf_counter()
            run.recalculated(changed)
            again.append(time.perf_counter() - began)
        asked["changed deal"] = float(np.median(again))
        asked["changed deal, slowest"] = max(again)
    return asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--credits", type=int, default=1_200_000)
    parser.add_argument("--reps", type=int, default=2_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--contestants", nargs="*", choices=CONTESTANTS, default=CONTESTANTS)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        name, world, answer = chosen.child
        Path(answer).write_text(json.dumps(contest(name, Path(world), chosen.repeat)))
        return
    print(f"{chosen.credits:,} credits, {chosen.reps:,} reps, 12 months; {_measure.machine()}")
    packages = ("numpy", "pandas", "polars", "duckdb", "pyarrow")
    print("  " + ", ".join(f"{name} {_measure.version(name) or 'absent'}" for name in packages))
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder) / "world.pickle"
        world.write_bytes(pickle.dumps(make_world(chosen.credits, chosen.reps), protocol=5))
        rows = [one(name, world, folder, chosen.repeat) for name in chosen.contestants]
    report([row for row in rows if row])


def one(name: str, world: Path, folder: str, repeat: int) -> dict[str, object] | None:
    room = name.partition(" ")[0]
    if room in ("polars", "duckdb") and _measure.version(room) is None:
        print(f"  {name}: skipped, {room} is not installed")
        return None
    answer = Path(folder) / "answer.json"
    command = [sys.executable, __file__, "--repeat", str(repeat), "--child", name, str(world), str(answer)]
    done = subprocess.run(command, check=False, env={**os.environ, "PYTHONHASHSEED": "0"})
    return json.loads(answer.read_text()) if done.returncode == 0 else None


def report(rows: list[dict[str, object]]) -> None:
    for row in rows:
        print(
            f"  {row['name']:16} {row['wall']:7.3f} s wall {row['cpu']:7.3f} s CPU {row['peak']:7.0f} MiB  "
            f"paid {row['paid'] / 100:,.2f}"
        )
        for name in ("explain", "changed deal", "changed deal, slowest"):
            if name in row:
                print(f"    {name}: {row[name] * 1000:.2f} ms")
    digests = {row["digest"] for row in rows}
    print("  all agree to the cent" if len(digests) == 1 else "  THE CENTS DIFFER")


if __name__ == "__main__":
    main()
