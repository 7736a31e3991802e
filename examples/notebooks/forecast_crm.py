# %% [markdown]
# # A forecast, and whether to trust it
#
# A made company whose truth is known: measure what is there, forecast what will be won, and go back to past
# days to see what such forecasts were worth, beside simple rules and the true process itself.
#
#     python examples/notebooks/forecast_crm.py [folder to write to]

# %%
import sys
from pathlib import Path

import pandas as pd

import salesops
from salesops import datasets, forecast

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
AS_OF = "2022-09-30"
QUARTER = 5_000_000

process = datasets.CrmProcess(n_reps=8, n_teams=2, deals_per_day=4)
world = datasets.make_crm(30, ends_on="2022-12-31", process=process)
history = forecast.History.from_events(world.history)
print(world)
print(history)

# %% [markdown]
# ## What was known at the end of September
#
# The snapshot is the only door: rows dated later do not exist for what follows.

# %%
snapshot = history.snapshot(AS_OF)
funnel = forecast.funnel(snapshot, ["qualify", "demo", "proposal", "negotiation"], as_of=AS_OF)
print(funnel)

# %% [markdown]
# ## What will be won
#
# Fit once, ask for any horizon. Each answer is a distribution: for the company, each team and each rep.

# %%
model = forecast.PipelineForecaster().fit(snapshot)
horizons = {days: model.predict(horizon=days) for days in (14, 28, 56)}
quarter = model.predict(horizon="2022-12-31")
print(quarter)
print(f"chance of {QUARTER:,} in the quarter: {quarter.probability_of(QUARTER):.0%}")
print(quarter.to_frame()[["level", "unit", "mean", "q100", "q900"]].round(0).to_string())

# %% [markdown]
# The fan: what was won in the quarter that ends, and what is to come.

# %%
fan = quarter.plot_fan(*horizons.values(), since="2022-06-30")

# %% [markdown]
# ## One deal
#
# Why it stands where it does, and what the quarter looks like without it.

# %%
largest = quarter.deals().sort_values("mean")["deal_id"].iloc[-1]
print(quarter.explain(largest))
print(f"without it: chance of {QUARTER:,} {quarter.without(largest).probability_of(QUARTER):.0%}")

# %% [markdown]
# ## What moved since the end of August

# %%
earlier = forecast.PipelineForecaster().fit(history, as_of="2022-08-31").predict(horizon="2022-12-31")
print(quarter.waterfall(earlier).round(0).to_string())
moved = quarter.plot_waterfall(earlier)

# %% [markdown]
# ## What such forecasts were worth
#
# Month by month, each time knowing only what was known: the model, three rules, and the process itself, which
# nobody can beat but by luck.

# %%
models = {
    "model": forecast.PipelineForecaster(),
    "last period": forecast.LastPeriod(),
    "trailing mean": forecast.TrailingMean(),
    "weighted pipeline": forecast.StageWeighted(),
    "true process": forecast.TrueProcess(truth=world.truth, n_draws=50),
}
days = [*pd.date_range("2022-05-31", "2022-11-30", freq="ME"), pd.Timestamp("2022-12-15")]
result = forecast.backtest(models, history, days, horizons=28)
print(result)
shown = ["model", "level", "n", "wape", "bias", "crps_share", "coverage_80", "verdict"]
print(result.to_frame()[shown].to_string(float_format="{:.2f}".format))
print(result.explain("model"))

# %% [markdown]
# The middle of December is not judged, and `set_aside` says why: its window had not matured.

# %%
print(result.set_aside[["as_of", "reason"]].to_string())

# %% [markdown]
# ## The certificate, and one page to hand on

# %%
print(result.calibration.explain("model", level="rep_id"))
past = result.plot(model="model")
calibration = result.calibration.plot(level="rep_id")
page = salesops.report(
    "Forecast, checked",
    {
        "Forecast": [quarter, fan, moved],
        "Backtest": [result, past],
        "Certificate": [result.calibration, calibration],
        "Funnel": funnel,
    },
)
folder.mkdir(parents=True, exist_ok=True)
(folder / "forecast.html").write_text(page, encoding="utf-8")
print(f"wrote forecast.html, {len(page):,} characters")
