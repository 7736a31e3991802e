"""competing risks by segment from a raw table, beside scikit-survival and lifelines"""

import argparse
import time
import warnings

import _measure
import numpy as np
import pandas as pd

from salesops.forecast import competing_risks, outcome_curves

AS_OF = "2027-12-31"
CODES = {"open": 0, "won": 1, "lost": 2}


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--deals", type=int, default=1_000_000)
    parser.add_argument("--segments", type=int, default=50)
    parser.add_argument("--variance-deals", type=int, default=100_000, help="deals for the run with variance")
    parser.add_argument(
        "--lifelines-deals", type=int, default=100_000, help="deals that lifelines gets there"
    )
    parser.add_argument("--rounds", type=int, default=5)


def make_deals(n: int, n_segments: int) -> pd.DataFrame:
    """Deals with two dates, an outcome and a segment, as a CRM exports them."""
    rng = np.random.default_rng(5)
    created = np.datetime64("2022-01-01") + rng.integers(0, 900, n)
    days = rng.exponential(90.0, n).astype(np.int64)
    outcome = np.array(["won", "lost", "open"], dtype=object)[rng.choice(3, n, p=[0.3, 0.5, 0.2])]
    closed = pd.Series((created + days).astype("datetime64[s]"))
    return pd.DataFrame(
        {
            "created_on": created.astype("datetime64[s]"),
            "closed_on": closed.where(outcome != "open"),
            "outcome": outcome,
            "segment": [f"segment {k:02d}" for k in rng.integers(0, n_segments, n)],
        }
    )


def prepared(deals: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, dict]:
    """What a peer needs before it can begin: ages, numbered ends, rows of each segment."""
    closed = deals["closed_on"].fillna(pd.Timestamp(AS_OF))
    age = (closed - deals["created_on"]).dt.days.to_numpy()
    return age, deals["outcome"].map(CODES).to_numpy(), deals.groupby("segment").indices


def ours(deals: pd.DataFrame) -> dict:
    curves = outcome_curves(deals, by="segment", as_of=AS_OF)
    return {name: (part.ages, part.share) for name, part in zip(curves.segments, curves.parts, strict=True)}


def scikit_survival(deals: pd.DataFrame) -> dict:
    from sksurv.nonparametric import cumulative_incidence_competing_risks as incidence

    age, end, rows = prepared(deals)
    found = {name: incidence(end[mine], age[mine]) for name, mine in rows.items()}
    return {name: (times, shares[1:].T) for name, (times, shares) in found.items()}


def lifelines(deals: pd.DataFrame) -> dict:
    from lifelines import AalenJohansenFitter

    age, end, rows = prepared(deals)
    found = {}
    for name, mine in rows.items():
        for cause in (1, 2):
            fitter = AalenJohansenFitter(calculate_variance=False, seed=1)
            found[name, cause] = fitter.fit(age[mine], end[mine], event_of_interest=cause)
    return found


def timed(verb, *arguments):
    wall, processor = time.perf_counter(), time.process_time()
    answer = verb(*arguments)
    return answer, time.perf_counter() - wall, time.process_time() - processor


def run(chosen: argparse.Namespace) -> None:
    warnings.simplefilter("ignore")
    print(f"{_measure.machine()}; pandas {pd.__version__}, numpy {np.__version__}")
    deals = make_deals(chosen.deals, chosen.segments)
    print(f"\ncompeting risks of {chosen.deals:,} deals in {chosen.segments} segments, from the table")
    peers = {"scikit-survival": scikit_survival, "lifelines": lifelines}
    there = {name: verb for name, verb in peers.items() if _measure.version(name)}
    for name in peers.keys() - there.keys():
        print(f"  {name}: skipped, it is not installed")
    rounds: dict[str, list] = {name: [] for name in ("salesops", *there)}
    answers = {}
    for k in range(chosen.rounds):
        for name, verb in {"salesops": ours, **there}.items():
            if name == "lifelines" and k > 0:
                continue
            answers[name], *seconds = timed(verb, deals)
            rounds[name].append(seconds)
    _table(rounds)
    if "scikit-survival" in there:
        print(f"  largest difference from scikit-survival: {_difference(answers):.1e}")
    _shuffled(deals)
    _with_variance(chosen, "lifelines" in there)


def _table(rounds: dict[str, list]) -> None:
    best = {name: np.min(np.array(found), axis=0) for name, found in rounds.items()}
    middle = {name: np.median(np.array(found), axis=0) for name, found in rounds.items()}
    print(f"  {'':17}{'best s':>9}{'median s':>10}{'cpu s':>9}{'x best':>9}{'x median':>10}{'x cpu':>9}")
    for name in rounds:
        against = best[name] / best["salesops"], middle[name] / middle["salesops"]
        print(f"  {name:17}{best[name][0]:>9.3f}{middle[name][0]:>10.3f}{best[name][1]:>9.3f}", end="")
        print(f"{against[0][0]:>9.1f}{against[1][0]:>10.1f}{against[0][1]:>9.1f}")


def _difference(answers: dict[str, dict]) -> float:
    one, other = answers["salesops"], answers["scikit-survival"]
    # A peer leaves out ages at which deals were only last seen; there ours repeat the share before.
    gaps = []
    for name, (ages, share) in one.items():
        times, peer = other[name]
        gaps.append(np.abs(share[np.searchsorted(ages, times, side="right") - 1] - peer).max())
    return float(max(gaps))


def _shuffled(deals: pd.DataFrame) -> None:
    other = deals.sample(frac=1, random_state=3)
    same = all(
        np.array_equal(one[1], two[1])
        for one, two in zip(ours(deals).values(), ours(other).values(), strict=True)
    )
    print(f"  bit-identical after a shuffle of the rows: {same}")


def _with_variance(chosen: argparse.Namespace, has_lifelines: bool) -> None:
    n = chosen.variance_deals
    deals = make_deals(n, 1)
    print(f"\nwith variance, {n:,} deals in one segment")
    takes = [timed(lambda: outcome_curves(deals, as_of=AS_OF).whole.variance)[1:] for _ in range(9)]
    wall, processor = np.min(takes, axis=0)
    print(f"  salesops {1000 * wall:.2f} ms (cpu {1000 * processor:.2f})")
    if not has_lifelines:
        return
    both = deals.head(chosen.lifelines_deals)
    _, seconds, cpu = timed(_lifelines_variance, both)
    print(f"  lifelines, {len(both):,} deals, one fit for each of two ends: {seconds:.1f} s (cpu {cpu:.1f})")
    print(f"  ratio {seconds / wall:,.0f} (cpu {cpu / processor:,.0f})")
    rng = np.random.default_rng(1)
    ages, ends = rng.permutation(np.arange(1, 2_001)), rng.integers(0, 3, 2_000)
    mine = competing_risks(ages, ends)
    peer = _fitter().fit(ages, ends, 1).variance_.to_numpy()[1:]
    gap = np.nanmax(np.abs(mine.variance[:, 0] - peer))
    print(f"  largest difference of the variance, no ties: {gap:.1e}")


def _fitter():
    from lifelines import AalenJohansenFitter

    return AalenJohansenFitter(calculate_variance=True, seed=1)


def _lifelines_variance(deals: pd.DataFrame) -> list:
    age, end, _ = prepared(deals)
    return [_fitter().fit(age, end, event_of_interest=cause).variance_ for cause in (1, 2)]
