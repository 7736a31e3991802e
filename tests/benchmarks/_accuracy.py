"""Accuracy of every model beside the simple rules and, on made companies, the floor of the true process."""

import sys
import time
from pathlib import Path

import pandas as pd

from salesops import datasets, forecast

HORIZONS = (28, 91)
FLOOR, NAIVE, MEAN = "TrueProcess", "LastPeriod", "TrailingMean"


def options(parser) -> None:
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5], help="of datasets.make_crm")
    parser.add_argument("--every", type=int, default=2, help="months from one cutoff to the next")
    parser.add_argument("--days", type=int, default=7, help="days between cutoffs of crm_sales")
    parser.add_argument("--draws", type=int, default=400, help="futures of the floor")
    parser.add_argument("--only", choices=("made", "weekly", "crm_sales"), help="one part alone")
    parser.add_argument("--rules-only", action="store_true", help="leave out the pipeline forecaster")


def run(chosen) -> None:
    pd.set_option("display.width", 200)
    pd.set_option("display.max_columns", 30)
    for name, part in {"made": made, "weekly": weekly, "crm_sales": bundled}.items():
        if chosen.only in (None, name):
            part(chosen)


def models(chosen) -> dict:
    """Every model of the library; the rules first."""
    rules = {
        NAIVE: forecast.LastPeriod(),
        MEAN: forecast.TrailingMean(),
        "SamePeriodLastYear": forecast.SamePeriodLastYear(),
        "StageWeighted": forecast.StageWeighted(),
    }
    if not chosen.rules_only:
        rules["PipelineForecaster"] = forecast.PipelineForecaster()
    return rules


def made(chosen) -> None:
    """Companies of which the truth is known: pool the forecasts of all seeds."""
    details = []
    for seed in chosen.seeds:
        began = time.process_time()
        world = datasets.make_crm(seed)
        days = pd.date_range("2022-06-30", "2023-09-30", freq=f"{chosen.every}ME")
        floor = {FLOOR: forecast.TrueProcess(truth=world.truth, n_draws=chosen.draws)}
        result = forecast.backtest(
            models(chosen) | floor, world.history, days, horizons=HORIZONS, complete_until="2023-12-31"
        )
        details.append(result.details.assign(seed=seed))
        for reason in sorted(set(result.set_aside["reason"])):
            print(f"seed {seed}, set aside: {reason}")
        print(
            f"seed {seed}: {len(days)} cutoffs, {time.process_time() - began:.0f} s of processor time",
            flush=True,
        )
    table = ratios(pd.concat(details, ignore_index=True))
    print(f"\nmake_crm, seeds {chosen.seeds}, forecasts pooled; ratios of CRPS and WAPE, 1 is equal\n")
    print(table.to_string(index=False, float_format="{:.3f}".format))


def weekly(chosen) -> None:
    """Companies of another build (tests/forecast/weekly_company.py), whose truth is known as well."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.forecast import weekly_company

    details = []
    for seed in chosen.seeds:
        company = weekly_company.make(seed)
        history = forecast.History.from_events(company.log)
        days = weekly_company.sundays(78, 140, chosen.every * 4)
        floor = {FLOOR: weekly_company.Floor(company=company, n_draws=chosen.draws)}
        result = forecast.backtest(
            models(chosen) | floor, history, days, horizons=HORIZONS, complete_until="2023-12-31"
        )
        details.append(result.details.assign(seed=seed))
        for reason in sorted(set(result.set_aside["reason"])):
            print(f"seed {seed}, set aside: {reason}")
    table = ratios(pd.concat(details, ignore_index=True))
    print(f"\nweekly company, seeds {chosen.seeds}, forecasts pooled; ratios of CRPS and WAPE, 1 is equal\n")
    print(table.to_string(index=False, float_format="{:.3f}".format))


def bundled(chosen) -> None:
    """The bundled pipeline of a fictitious seller, whose truth nobody knows."""
    data = datasets.crm_sales()
    deals = data.deals.merge(data.teams, on="rep_id", how="left")
    deals = deals.rename(columns={"manager_id": "team"})[
        ["deal_id", "created_on", "closed_on", "outcome", "amount", "rep_id", "team", "region", "product"]
    ]
    history = forecast.History.from_deals(deals)
    days = pd.date_range("2017-06-30", "2017-12-03", freq=f"{chosen.days}D")
    result = forecast.backtest(models(chosen), history, days, horizons=HORIZONS, complete_until="2017-12-31")
    for reason in sorted(set(result.set_aside["reason"])):
        print(f"set aside: {reason}")
    details = result.details.assign(seed=0)
    print(f"\ncrm_sales, {len(days)} cutoffs, {chosen.days} days apart, from {days[0].date()}; no floor\n")
    print(ratios(details).to_string(index=False, float_format="{:.3f}".format))


def ratios(details: pd.DataFrame) -> pd.DataFrame:
    """Score each model, level and horizon over all forecasts, and divide by floor and rules."""
    details = details.assign(
        error=(details["mean"] - details["actual"]).abs(),
        in_80=(details["q10"] <= details["actual"]) & (details["actual"] <= details["q90"]),
        in_95=(details["q025"] <= details["actual"]) & (details["actual"] <= details["q975"]),
    )
    keys = ["level", "horizon", "model"]
    shown = details.groupby(keys, sort=False).agg(
        n=("actual", "size"),
        actual=("actual", "sum"),
        crps=("crps", "sum"),
        error=("error", "sum"),
        covered_80=("in_80", "mean"),
        covered_95=("in_95", "mean"),
    )
    shown["crps_share"] = shown["crps"] / shown["actual"]
    shown["wape"] = shown["error"] / shown["actual"]
    shown = shown.reset_index()
    for other, column, name in (
        (FLOOR, "crps", "crps/floor"),
        (NAIVE, "error", "wape/last"),
        (MEAN, "error", "wape/mean"),
        (MEAN, "crps", "crps/mean"),
    ):
        shown[name] = common(details, shown, other, column)
    order = [*dict.fromkeys(details["level"])]
    shown["place"] = shown["level"].map(order.index)
    shown = shown.sort_values(["place", "horizon"], kind="stable")
    return shown[
        [*keys, "n", "crps_share", "wape", "covered_80", "covered_95"]
        + [
            name
            for name in ("crps/floor", "wape/last", "wape/mean", "crps/mean")
            if shown[name].notna().any()
        ]
    ]


def common(details: pd.DataFrame, shown: pd.DataFrame, other: str, column: str) -> pd.Series:
    """Divide the score of each model by that of another, on the forecasts that both made."""
    key = ["seed", "level", "unit", "horizon", "as_of"]
    base = details[details["model"] == other].set_index(key)[column]
    table = details[["model", *key]].copy()
    table["base"] = base.reindex(pd.MultiIndex.from_frame(table[key])).to_numpy()
    table["own"] = details[column].where(table["base"].notna())
    sums = table.groupby(["level", "horizon", "model"])[["own", "base"]].sum(min_count=1)
    ratio = sums["own"] / sums["base"]
    return pd.Series(ratio.reindex(pd.MultiIndex.from_frame(shown[["level", "horizon", "model"]])).to_numpy())
