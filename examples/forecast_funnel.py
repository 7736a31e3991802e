# %% [markdown]
# # A pipeline review that holds
#
# The funnel of a fictitious company, measured as it was known on a day: open deals count as unfinished,
# deals older than the log enter late, small segments lean on the whole, and every figure says how sure it is.
#
#     python examples/forecast_funnel.py [folder to write pictures to]

# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from salesops import datasets, forecast

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
crm = datasets.crm_sales()

# %% [markdown]
# ## What was known, and when
#
# Only opening and closing are dated. Deals that cannot be placed in time are set aside, with the reason.

# %%
history = forecast.History.from_deals(crm.deals, stage="engaging")
print(history)
print(history.rejected["reason"].value_counts().to_string())

# %% [markdown]
# ## Two win rates that look alike and are not
#
# The win rate of closed deals forgets the deals that are still open. The share that is won by a certain age
# counts them as long as they were seen. The file holds no close before March 2017, so older deals enter late.
#
# And see the marks below: most open deals are older than any deal that was ever closed.

# %%
funnel = forecast.funnel(
    history, ["engaging"], as_of="2017-12-31", observed_from="2017-03-01", by="product", period="quarter"
)
print(funnel.total.rates()[["measure", "value", "lower", "upper", "n"]].round(3).to_string())
print(
    funnel.total.periods()[
        ["period", "created", "cohort_win_rate", "closed_win_rate", "open_at_end"]
    ].to_string()
)

# %% [markdown]
# ## Which product really sells worse
#
# One product has forty deals. Its own rate says little, and the pooled one says so.

# %%
pooled = funnel.pooled().query("measure == 'win rate, closed deals'")
print(
    pooled[["segment", "hits", "n", "value", "pooled", "pooled_lower", "pooled_upper", "leans"]]
    .round(3)
    .to_string()
)
print(funnel.marks().to_string())

# %% [markdown]
# ## Who reached quota
#
# The file states no quotas; here each rep's is the mean of what all sold.

# %%
won = crm.deals[crm.deals["outcome"] == "won"].groupby("rep_id")["amount"].sum()
reps = pd.DataFrame({"rep_id": won.index, "quota": won.mean(), "booked": won.to_numpy()})
reached = forecast.attainment(reps)
print(reached)
print(reached.quantiles().round(3).to_string())

# %%
curves = forecast.outcome_curves(crm.deals, by="product", as_of="2017-12-31", observed_from="2017-03-01")
pictures = {"funnel": funnel, "curves": funnel.curves, "products": curves, "attainment": reached}
for name, result in pictures.items():
    axes = result.plot()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        axes.figure.savefig(folder / f"{name}.png", bbox_inches="tight", dpi=80)
    plt.close(axes.figure)
