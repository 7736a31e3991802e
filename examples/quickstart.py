# %% [markdown]
# # One walk through the house
#
# Territories drawn by social proximity, the funnel as it was known on a day, and a commission plan paid
# to the cent, on data that ships with the library. It ends with one HTML page:
#
#     python examples/quickstart.py [folder to write to]
#
# LastFM Asia is a real social network of 7,624 people. The CRM pipeline is that of a fictitious company.

# %%
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

import salesops
from salesops import comp, datasets, forecast, territory

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
here = Path(__file__).parent

# %% [markdown]
# ## Who should own whom
#
# Forty of the people play the reps. The rule: every country gets one seat and the other seats go by
# population (largest remainder); the seats of a country go to its people with most friends, ties to the
# lower id. Everybody else is a lead, worth one plus the number of friends. A rep may own a tenth more
# leads than her even share, and the value of her territory must be within a tenth of the mean.

# %%
N_REPS = 40

network = datasets.lastfm_asia()
friends = pd.concat([network.ties["source"], network.ties["target"]]).value_counts()
people = network.people.assign(friends=network.people["person_id"].map(friends).fillna(0).astype(int))

population = people.groupby("country").size()
share = population / population.sum() * (N_REPS - len(population))
seats = 1 + share.astype(int)
seats[(share % 1).nlargest(N_REPS - seats.sum()).index] += 1

ranked = people.sort_values(["friends", "person_id"], ascending=[False, True])
seated = ranked.groupby("country").cumcount() < ranked["country"].map(seats)
reps = ranked[seated].rename(columns={"person_id": "rep_id"})
leads = ranked[~seated].rename(columns={"person_id": "lead_id"})
leads = leads.assign(value=1 + leads["friends"])
reps = reps.assign(capacity=int(np.ceil(1.1 * len(leads) / N_REPS)))

# %%
graph = territory.SocialGraph.from_ties(network.ties)
prox = territory.proximity(graph, reps, leads, top=N_REPS, progress=tqdm)
social = territory.assign(reps, leads, prox, balance={"value": 0.1}, progress=tqdm)

# %% [markdown]
# The baseline is the map that everybody draws first: a lead belongs to a rep of her country. Same leads,
# same capacities, same values, same band; it may leave a country only where these force it.

# %%
at_home = leads.merge(reps[["rep_id", "country"]], on="country").assign(score=lambda pair: pair["value"])
by_country = territory.assign(
    reps, leads, prox, score=at_home[["rep_id", "lead_id", "score"]], balance={"value": 0.1}, progress=tqdm
)
comparison = territory.compare({"by country": by_country, "by social proximity": social})
print(comparison)
print()
print(social.explain(leads["lead_id"].iloc[0]))

# %% [markdown]
# ## What happens to deals
#
# Only what was known on 30 September 2017 counts. Deals still open then are not losses: they are
# unfinished.

# %%
AS_OF = "2017-09-30"
crm = datasets.crm_sales(cleaned=True)
history = forecast.History.from_deals(crm.deals)
funnel = forecast.funnel(history.snapshot(AS_OF), stages=["open", "won", "lost"], as_of=AS_OF, by="product")
rates = funnel.rates()
win_rates = rates[rates["measure"].str.startswith("win rate")]
print(f"\nThe funnel as of {AS_OF}")
print(funnel.explain("open"))
print(win_rates[["product", "measure", "value", "lower", "upper", "n"]].round(3).to_string(index=False))
print(f"Set aside: {len(history.rejected)} deals without a date on which they were opened")

# %% [markdown]
# ## Who earns what
#
# Three components: commission that accelerates with quarterly attainment, a quarterly bonus, and a share
# of what lies above 5,000.00 in a deal, with a cap. Every agent has a quota of 100,000.00 a quarter; the
# first quarter counts from March, when the first deals could close.

# %%
plan = comp.CompPlan.from_json((here / "plans" / "ae-2017.json").read_text(encoding="utf-8"))
won = crm.deals[crm.deals["outcome"] == "won"]
agents = crm.teams[["rep_id"]]
run = comp.calculate(
    plan,
    won.assign(credit_id=won["deal_id"], earned_on=won["closed_on"])[
        ["credit_id", "deal_id", "rep_id", "amount", "currency", "earned_on"]
    ],
    reps=agents,
    quotas=agents.assign(amount=100_000, start="2017-03-01"),
    periods=salesops.models.FiscalCalendar().periods(2017, by="quarter"),
    prorate="days",
)
payouts = run.payouts().sort_values(["paid", "rep_id"], ascending=[False, True])
print(f"\n{run}\nThe five largest payouts, in cents")
print(payouts.head().to_string(index=False))

best = payouts.iloc[0]
lines = run.lines()
accelerated = lines[
    (lines["rep_id"] == best["rep_id"]) & (lines["period"] == best["period"]) & (lines["tier"] == 3)
]
explanation = run.explain(accelerated["line_id"].iloc[0])
statement = run.statement(best["rep_id"], best["period"])
print("\nOne line, explained")
print(explanation)

# %% [markdown]
# ## One page for the meeting

# %%
page = salesops.report(
    "Territories, funnel and pay",
    {
        "Territories by social proximity": [
            f"{len(leads):,} leads and {N_REPS} reps on LastFM Asia, a real social network.",
            comparison,
            social,
            social.plot(),
        ],
        f"The funnel as of {AS_OF}": ["The pipeline of a fictitious company.", funnel, funnel.plot()],
        "What the plan pays": [
            run,
            statement,
            str(explanation),
            comp.payout_curve(plan, quota="100000").plot(),
        ],
    },
)
folder.mkdir(parents=True, exist_ok=True)
path = folder / "salesops-quickstart.html"
path.write_text(page, encoding="utf-8")
print(f"\nThe whole of it, with pictures: {path.resolve()}")
