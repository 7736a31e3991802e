"""Accuracy of the pipeline forecast by rolling origins, beside simple rules and the true process."""

import argparse

import pandas as pd

from salesops import datasets
from salesops.forecast import (
    History,
    LastPeriod,
    PipelineForecaster,
    SamePeriodLastYear,
    StageWeighted,
    TrailingMean,
    TrueProcess,
    backtest,
)

RULES = {
    "last period": LastPeriod(),
    "trailing mean": TrailingMean(),
    "same period last year": SamePeriodLastYear(),
    "stage weighted": StageWeighted(),
}


def options(command):
    """Add the arguments of this subject."""
    command.add_argument("data", choices=("crm_sales", "make_crm"))
    command.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3, 4, 5])
    command.add_argument("--cutoffs", type=int, default=4)
    command.add_argument("--horizons", type=int, nargs="*", default=[28, 91])


def crm_sales(arguments):
    """Backtest on the bundled file, its reps with managers and regions."""
    data = datasets.crm_sales()
    log = data.history().merge(data.teams, on="rep_id")
    days = pd.date_range("2017-06-30", "2017-12-03", periods=arguments.cutoffs).normalize()
    models = {"pipeline": PipelineForecaster(), **RULES}
    result = backtest(
        models,
        History.from_events(log),
        [day.date() for day in days],
        horizons=arguments.horizons,
        complete_until="2017-12-31",
    )
    return result.details


def make_crm(arguments):
    """Backtest on seeded companies, with their true process."""
    parts = []
    for seed in arguments.seeds:
        world = datasets.make_crm(seed)
        days = pd.date_range("2022-09-15", "2023-09-20", periods=arguments.cutoffs).normalize()
        models = {"pipeline": PipelineForecaster(), **RULES, "true process": TrueProcess(truth=world.truth)}
        result = backtest(
            models,
            History.from_events(world.history),
            [day.date() for day in days],
            horizons=arguments.horizons,
        )
        parts.append(result.details)
    return pd.concat(parts, ignore_index=True)


def table(details):
    """Sum up by horizon, level and model: CRPS and WAPE as shares of the actual, and coverage."""
    rows = []
    for key, part in details.groupby(["horizon", "level", "model"], sort=False):
        whole = part["actual"].sum()
        inside = [
            ((part["actual"] >= part[low]) & (part["actual"] <= part[high])).mean()
            for low, high in (("q10", "q90"), ("q025", "q975"))
        ]
        error = (part["mean"] - part["actual"]).abs().sum()
        rows.append([*key, len(part), part["crps"].sum() / whole, error / whole, *inside])
    names = ["horizon", "level", "model", "n", "crps", "wape", "in_80", "in_95"]
    return pd.DataFrame(rows, columns=names).sort_values(["horizon", "level"], kind="stable")


def run(arguments):
    """Print the table."""
    details = (crm_sales if arguments.data == "crm_sales" else make_crm)(arguments)
    print(table(details).round(3).to_string(index=False))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    options(parser)
    run(parser.parse_args())
