# %% [markdown]
# # A forecast, and whether to trust it
#
# A made company whose truth is known: measure what is there, forecast the next four weeks, and go back to
# past days to see what such forecasts were worth, beside simple rules and the true process itself.
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
# ## The next four weeks, by three rules and by the process itself

# %%
models = {
    "last period": forecast.LastPeriod(),
    "trailing mean": forecast.TrailingMean(),
    "weighted pipeline": forecast.StageWeighted(),
    "true process": forecast.TrueProcess(truth=world.truth, n_draws=100),
}
for name, model in models.items():
    company = model.fit(snapshot).predict(horizon="28D").at("company", None)
    low, high = company.interval(0.8)
    print(f"{name:18s} mean {company.mean:10,.0f}   80 % {low:10,.0f} to {high:10,.0f}")

# %% [markdown]
# ## What such forecasts were worth
#
# Month by month, each time knowing only what was known.

# %%
days = [*pd.date_range("2021-11-30", "2022-11-30", freq="ME"), pd.Timestamp("2022-12-15")]
result = forecast.backtest(models, history, days, horizons=28)
print(result)
shown = ["model", "level", "n", "wape", "bias", "crps_share", "coverage_80", "verdict"]
print(result.to_frame()[shown].to_string(float_format="{:.2f}".format))
print(result.explain("weighted pipeline"))

# %% [markdown]
# The middle of December is not judged, and `set_aside` says why: its window had not matured.

# %%
print(result.set_aside[["as_of", "reason"]].to_string())

# %% [markdown]
# ## The certificate, and pictures

# %%
print(result.calibration.explain("true process", level="rep_id"))
fan = result.plot(model="weighted pipeline")
calibration = result.calibration.plot(level="rep_id")
page = salesops.report(
    "Forecast, checked",
    {"Backtest": [result, fan], "Certificate": [result.calibration, calibration], "Funnel": funnel},
)
folder.mkdir(parents=True, exist_ok=True)
(folder / "forecast.html").write_text(page, encoding="utf-8")
print(f"wrote forecast.html, {len(page):,} characters")
