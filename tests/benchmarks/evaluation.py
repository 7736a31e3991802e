"""How often the comparisons of ``salesops.evaluation`` cry wolf, and what they see.

    python tests/benchmarks/evaluation.py [--dates 1000]

Every log has unfinished deals at ``as_of``. A placebo date is a day on which nothing changed; each stands in
a log of its own, so that the dates are independent. Power is told for an effect of a stated size.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time

import numpy as np
import pandas as pd

import salesops
from salesops import datasets, evaluation, models

START = np.datetime64("2024-01-01")
DAYS = 364


def make_log(
    rng, *, n=1200, week_shock=0.0, rep_spread=0.0, n_reps=24, lift=0.0, changed=None, amounts=False
):
    """Draw deals with competing won and lost, exponential in time, unfinished ones open at day 364."""
    created = rng.integers(0, DAYS, n)
    rep = rng.integers(0, n_reps, n)
    week = rng.normal(0.0, week_shock, DAYS // 7 + 1)[created // 7]
    skill = rng.normal(0.0, rep_spread, n_reps)[rep]
    odds = -0.6 + week + skill
    chance = 1.0 / (1.0 + np.exp(-odds))
    if changed is not None:
        chance = np.where(created >= changed, np.minimum(chance + lift, 1.0), chance)
    wins = rng.random(n) < chance
    lasts = np.ceil(rng.gamma(1.5, np.where(wins, 30.0, 45.0) * np.exp(week / 3.0))).astype(int)
    closed = created + lasts
    done = closed <= DAYS
    frame = pd.DataFrame(
        {
            "created_on": START + created,
            "closed_on": np.where(done, START + closed, np.datetime64("NaT")),
            "outcome": np.where(done, np.where(wins, "won", "lost"), "open"),
            "rep_id": rep,
            "treated": rep < n_reps // 2,
        }
    )
    if amounts:
        frame["amount"] = np.exp(rng.normal(8.0, 1.0, n)).round(2)
    return frame


def real_log(deals, rng):
    """Give real deals (how long, how ended) new days of creation, and look at them on day 364."""
    took = (deals["closed_on"].fillna(pd.Timestamp("2017-12-31")) - deals["created_on"]).dt.days.to_numpy()
    pick = rng.integers(0, len(deals), 1200)
    created, took = rng.integers(0, DAYS, 1200), took[pick]
    outcome = deals["outcome"].to_numpy()[pick]
    done = (created + took <= DAYS) & (outcome != "open")
    return pd.DataFrame(
        {
            "created_on": START + created,
            "closed_on": np.where(done, START + created + took, np.datetime64("NaT")),
            "outcome": np.where(done, outcome, "open"),
            "amount": np.where(done, deals["amount"].fillna(0).to_numpy(dtype=float)[pick], 0.0),
        }
    )


def day(k):
    return (START + int(k)).item()


def rate(name, make, judge, n_dates, seed):
    """Print how many of `n_dates` independent logs raise an alarm."""
    rng = np.random.default_rng(seed)
    alarms = defined = 0
    begun = time.process_time()
    for _ in range(n_dates):
        changed = int(rng.integers(90, 280))
        p = judge(make(rng, changed), day(changed))
        defined += not np.isnan(p)
        alarms += bool(p < 0.05)
    share = alarms / max(defined, 1)
    error = np.sqrt(share * (1 - share) / max(defined, 1))
    took = 1000 * (time.process_time() - begun) / n_dates
    print(f"{name:64s} {100 * share:5.1f} % ± {100 * error:.1f}   defined {defined:5d}   {took:5.1f} ms")


AS_OF = day(DAYS)


def compare(**options):
    return lambda log, on: evaluation.before_after(log, changed_on=on, as_of=AS_OF, **options).p_value


def differ(**options):
    return lambda log, on: (
        evaluation.difference_in_differences(
            log, changed_on=on, as_of=AS_OF, metric="share", cluster="rep_id", **options
        ).p_value
    )


def effects(n):
    plain = lambda rng, _: make_log(rng)  # noqa: E731
    print("\nFalse alarms at nominal 5 %, one placebo date in each log of 1,200 deals")
    rate("before_after share, steady process", plain, compare(), n, 1)
    rate("before_after share, straddling=True", plain, compare(straddling=True), n, 2)
    rate("before_after days", plain, compare(metric="days"), n, 3)
    rate(
        "before_after amount (lognormal)",
        lambda r, _: make_log(r, amounts=True),
        compare(metric="amount"),
        n,
        4,
    )
    shocks = lambda rng, _: make_log(rng, week_shock=0.5)  # noqa: E731
    rate("before_after share, weeks that differ by chance", shocks, compare(), n, 5)
    rate("  the same, rows taken as independent", shocks, compare(cluster=None), n, 5)
    reps = lambda rng, _: make_log(rng, rep_spread=0.7)  # noqa: E731
    rate("before_after share, reps that differ, cluster='rep_id'", reps, compare(cluster="rep_id"), n, 6)
    rate("difference_in_differences share, reps that differ", reps, differ(), n, 7)
    rate("before_after share, 150 deals", lambda r, _: make_log(r, n=150), compare(), n, 8)
    deals = datasets.crm_sales().deals.dropna(subset=["created_on"])
    rate("before_after share, real deals on new days", lambda r, _: real_log(deals, r), compare(), n, 9)
    rate("before_after amount, real deals", lambda r, _: real_log(deals, r), compare(metric="amount"), n, 10)
    rate("before_after days, real deals", lambda r, _: real_log(deals, r), compare(metric="days"), n, 11)
    print("\nPower at a planted effect on the chance to win (all of it, at any age)")
    for lift in (0.05, 0.10, 0.15):
        planted = lambda r, c, lift=lift: make_log(r, lift=lift, changed=c)  # noqa: E731
        rate(f"before_after share, +{100 * lift:.0f} points", planted, compare(), n, 20)
    print("\nThe naive way on the same steady logs: share won of all deals created, as of today")
    rate("  won / created", plain, naive, n, 1)
    rate("  won / closed", plain, lambda log, on: naive(log[log["outcome"] != "open"], on), n, 1)


def naive(log, on):
    """Count unfinished deals as not won (or leave them out), as a report of closed deals does."""
    rows = pd.DataFrame({"on": log["created_on"], "value": (log["outcome"] == "won").astype(float)})
    return evaluation.before_after(rows, changed_on=on, metric="mean", cluster=None).p_value


def quarter_log(rng, n=1200, rush=4.0):
    """Draw deals that close mostly in the last two weeks of a quarter, under reps of different skill."""
    created, rep = rng.integers(0, DAYS, n), rng.integers(0, 24, n)
    hazard = np.where(np.arange(DAYS + 400) % 91 >= 77, rush, 1.0) * 0.012
    total = np.concatenate([[0.0], np.cumsum(hazard)])
    closed = np.searchsorted(total, total[created] + rng.exponential(size=n))
    wins = rng.random(n) < 1 / (1 + np.exp(0.6 - rng.normal(0, 0.7, 24)[rep]))
    done = closed <= DAYS
    return pd.DataFrame(
        {
            "created_on": START + created,
            "closed_on": np.where(done, START + np.minimum(closed, DAYS), np.datetime64("NaT")),
            "outcome": np.where(done, np.where(wins, "won", "lost"), "open"),
            "rep_id": rep,
            "treated": rep < 12,
        }
    )


def quarters(n):
    print("\nDeals that close at the end of the quarter (four times the pace in its last two weeks)")
    rush = lambda rng, _: quarter_log(rng)  # noqa: E731
    rate("before_after share", rush, compare(), n, 31)
    rate("before_after days", rush, compare(metric="days"), n, 32)
    weeks = models.FiscalCalendar(scheme="4-4-5", year_end_weekday="Sunday")
    rate("  the same, calendar= its quarters of 91 days", rush, compare(metric="days", calendar=weeks), n, 32)
    rate("  the same, season=None", rush, compare(metric="days", season=None), n, 32)
    rate("difference_in_differences share", rush, differ(), n, 33)


def real_groups(n):
    """Treat a random half of the real reps on a random real day: nothing happened to them."""
    deals = datasets.crm_sales().deals.dropna(subset=["created_on"])
    reps = np.unique(deals["rep_id"])
    days = (deals["created_on"] >= "2017-05-01") & (deals["created_on"] < "2017-10-01")
    print("\ncrm_sales as it is: a random half of its 30 reps treated on a random day, cluster='rep_id'")
    for metric, seed in (("share", 41), ("amount", 42), ("days", 43)):
        rng = np.random.default_rng(seed)
        alarms = 0
        for _ in range(n):
            chosen = rng.permutation(reps)[: len(reps) // 2]
            effect = evaluation.difference_in_differences(
                deals.assign(treated=deals["rep_id"].isin(chosen)),
                changed_on=rng.choice(deals["created_on"][days].dt.date.to_numpy()),
                as_of="2017-12-31",
                observed_from="2017-03-01",
                metric=metric,
                cluster="rep_id",
            )
            alarms += effect.is_significant
        print(f"  {metric:8s} {100 * alarms / n:5.1f} % of {n}")


def series(n):
    print("\nSeries without a change")
    rng = np.random.default_rng(51)
    for length in (20, 40, 100):
        found = sum(len(evaluation.change_points(rng.normal(size=length)).changes) > 0 for _ in range(n))
        print(f"  change_points, {length:3d} values: {100 * found / n:5.1f} %")
    for rho in (0.0, 0.3, 0.6):
        tally = dict.fromkeys(("autoregressive", "newey_west", "independent"), 0)
        for _ in range(max(n // 4, 50)):
            noise, values = rng.normal(size=86), np.zeros(86)
            for t in range(1, 86):
                values[t] = rho * values[t - 1] + noise[t]
            for errors in tally:
                found = evaluation.interrupted_series(values[50:], changed_on=18, errors=errors)
                tally[errors] += found.effect.p_value < 0.05
        shown = ", ".join(f"{errors} {100 * k / max(n // 4, 50):.1f} %" for errors, k in tally.items())
        print(f"  interrupted_series, 36 values, errors correlated {rho}: {shown}")
    for name, draw, truth, options in (
        ("share 0.3, exact", lambda: rng.random(1000) < 0.3, 0.3, {}),
        ("exponential mean, asymptotic", lambda: rng.exponential(1.0, 1000), 1.0, {}),
        ("beta mean, exact", lambda: rng.beta(1, 3, 1000), 0.25, {"bounds": (0, 1)}),
    ):
        wrong = 0
        for _ in range(n):
            found = evaluation.confidence_sequence(draw(), **options)
            wrong += bool(((found.lower > truth) | (found.upper < truth)).any())
        print(f"  confidence_sequence, {name}: wrong at any of 1,000 looks {100 * wrong / n:.1f} %")


def real_dates(n):
    """Print the real file as it is: its own dates, its own drift."""
    deals = datasets.crm_sales().deals.dropna(subset=["created_on"])
    print(f"\ncrm_sales as it is, {n} placebo dates in one file (they share rows; the process itself drifts)")
    for metric in ("share", "amount", "days"):
        for since in (None, "2017-03-01"):
            found = evaluation.placebo(
                deals, until="2018-01-01", n_dates=n, metric=metric, observed_from=since
            )
            print(f"  {metric:8s} observed_from={since}: {100 * found.false_alarms:.1f} % of {found.n}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dates", type=int, default=1000)
    n = parser.parse_args().dates
    print(
        f"salesops {salesops.__version__}, numpy {np.__version__}, pandas {pd.__version__}, {dt.date.today()}"
    )
    effects(n)
    quarters(n)
    real_groups(n)
    series(n)
    real_dates(min(n, 200))


if __name__ == "__main__":
    main()
