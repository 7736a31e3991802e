# %% [markdown]
# # A reorganisation, from who knows whom to what it costs
#
# Journey 1: a graph and CRM frames become proximities, territories, a funnel, the cost of pay, and a
# comparison of today with the reorganisation, with pictures. Everything comes from the bundled pipeline of a
# fictitious seller: 35 agents, 85 accounts, 8,800 deals in 2016 and 2017.
#
#     python examples/notebooks/journey_1.py [folder to write to]

# %%
import sys
from pathlib import Path

import pandas as pd

import salesops
from salesops import comp, datasets, forecast, territory

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
AS_OF = "2017-09-30"

crm = datasets.crm_sales(cleaned=True)
known = crm.deals[pd.to_datetime(crm.deals["created_on"]) <= AS_OF]
known = known[known["account_id"].notna()]

# %% [markdown]
# ## Who knows whom, by the end of September
#
# An agent knows an account as well as the deals they won together; a deal lost or open is half an
# acquaintance. Agents of one team know each other, and so do accounts that belong together. Nothing after
# the day counts.

# %%
closed = pd.to_datetime(known["closed_on"]) <= AS_OF
weight = 0.5 + 0.5 * (closed & (known["outcome"] == "won"))
met = known.assign(source=known["rep_id"], target=known["account_id"], weight=weight)
team = crm.teams.merge(crm.teams, on="manager_id")
team = team[team["rep_id_x"] < team["rep_id_y"]]
groups = crm.accounts[crm.accounts["subsidiary_of"].notna()]
ties = pd.concat(
    [
        met[["source", "target", "weight"]],
        pd.DataFrame({"source": team["rep_id_x"], "target": team["rep_id_y"], "weight": 1.0}),
        pd.DataFrame({"source": groups["account_id"], "target": groups["subsidiary_of"], "weight": 2.0}),
    ]
)
graph = territory.SocialGraph.from_ties(ties, combine="sum")
print(graph)

# %% [markdown]
# ## Who is near whom
#
# A lead is an account, worth what it bought so far. Each agent has room for four.

# %%
won_so_far = known[closed & (known["outcome"] == "won")]
bought = won_so_far.groupby("account_id")["amount"].sum()
leads = pd.DataFrame({"lead_id": crm.accounts["account_id"]})
leads["value"] = leads["lead_id"].map(bought).fillna(0.0).astype(float)
reps = pd.DataFrame({"rep_id": crm.teams["rep_id"], "capacity": 4})
prox = territory.proximity(graph, reps, leads, top=len(reps))
print(prox)

# %% [markdown]
# ## Who should own whom
#
# Today an account belongs to everybody: on average fifteen agents sold to it. The nearest thing to an owner
# is the agent who sold it most. The reorganisation gives each account one owner, evens out what territories
# are worth to within a half, and maximises value times proximity.

# %%
sold = won_so_far.groupby(["account_id", "rep_id"])["amount"].sum().rename("score").reset_index()
sold = sold.rename(columns={"account_id": "lead_id"})
loose = reps.assign(capacity=len(leads))
today = territory.assign(loose, leads, prox, score=sold[["rep_id", "lead_id", "score"]])
plan = territory.assign(reps, leads, prox, balance={"value": 0.5})
comparison = territory.compare({"who sold most": today, "by social proximity": plan})
print(f"\n{plan}\n{comparison}")
first = leads.sort_values("value", ascending=False)["lead_id"].iloc[0]
print(plan.explain(first))

# %% [markdown]
# ## A new account on Monday
#
# Leads that come later go through the router, which keeps capacities and bands.

# %%
router = plan.router(reps=reps.assign(capacity=5), expected=10)
decision = router.route({"lead_id": "Newcomer", "value": 20_000, "ties": {first: 2.0, "Zencorporation": 1.0}})
router = router.commit(decision)
print(f"\n{decision.explain()}")

# %% [markdown]
# ## What happens to deals

# %%
history = forecast.History.from_deals(crm.deals)
funnel = forecast.funnel(history.snapshot(AS_OF), stages=["open", "won", "lost"], as_of=AS_OF)
print(f"\n{funnel.explain('open')}")

# %% [markdown]
# ## What it costs
#
# The same plan pays the deals of the last quarter twice: as they were sold, and credited to the owners of the
# reorganisation. The customers and the amounts are the same; commission accelerates, so who gets them
# matters. Nothing is said here about whether the new owners would have sold as much.

# %%
ae = comp.CompPlan(
    plan_id="ae",
    components=[comp.Commission(tiers=[{"from": "0", "rate": "0.05"}, {"from": "75000", "rate": "0.08"}])],
)
quarter = crm.deals[(crm.deals["outcome"] == "won") & (pd.to_datetime(crm.deals["closed_on"]) > AS_OF)]
quarter = quarter[quarter["account_id"].notna()]
credited = quarter.assign(credit_id=quarter["deal_id"], earned_on=quarter["closed_on"])
credited = credited[["credit_id", "rep_id", "account_id", "amount", "currency", "earned_on"]]
owner = plan.to_frame().set_index("lead_id")["rep_id"]
periods = salesops.models.FiscalCalendar().periods(2017, by="quarter")


def pay(credits):
    return comp.calculate(ae, credits.drop(columns="account_id"), reps=crm.teams[["rep_id"]], periods=periods)


as_sold = pay(credited)
as_owned = pay(credited.assign(rep_id=credited["account_id"].map(owner)))
cost = pd.DataFrame(
    {
        "territories": ["as sold", "by social proximity"],
        "paid (cents)": [int(run.payouts()["paid"].sum()) for run in (as_sold, as_owned)],
        "agents paid": [int((run.payouts()["paid"] > 0).sum()) for run in (as_sold, as_owned)],
    }
)
print(f"\n{cost.to_string(index=False)}")

# %% [markdown]
# ## One page for the meeting

# %%
page = salesops.report(
    "A reorganisation by social proximity",
    {
        "Territories": [comparison, plan, plan.plot()],
        "A new lead": [str(decision.explain()), router],
        f"The funnel as of {AS_OF}": [funnel, funnel.plot()],
        "What it costs": [cost, as_owned],
    },
)
folder.mkdir(parents=True, exist_ok=True)
path = folder / "salesops-journey-1.html"
path.write_text(page, encoding="utf-8")
print(f"\nThe whole of it, with pictures: {path.resolve()}")
