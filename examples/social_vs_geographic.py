# %% [markdown]
# # Does who knows whom tell more than where people live?
#
# Two real networks that ship with the library. On LastFM Asia, territories drawn by social proximity against
# territories drawn by country, judged by friendships that neither was shown. On the physicians of Coleman,
# Katz and Menzel, whether the first prescription of a new drug followed proximity to those who prescribed
# it already.
#
#     python examples/social_vs_geographic.py [folder to write two pictures to]

# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from salesops import datasets, territory

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
rng = np.random.default_rng(1966)

# %% [markdown]
# ## LastFM Asia: territories judged by hidden friendships
#
# Forty people play the reps: every country gets one seat, the others go by population, and the seats of a
# country go to its people with most friends. One friendship in three between a rep and a lead is hidden.
# Territories are then drawn on what is left, each rep with the same capacity, and we look where the hidden
# friendships went: into the territory of the rep who holds them, or into somebody else's.

# %%
N_REPS = 40
network = datasets.lastfm_asia()
friends = pd.concat([network.ties["source"], network.ties["target"]]).value_counts()
people = network.people.assign(friends=network.people["person_id"].map(friends))
population = people.groupby("country").size()
share = population / population.sum() * (N_REPS - len(population))
seats = 1 + share.astype(int)
seats[(share % 1).nlargest(N_REPS - seats.sum()).index] += 1
ranked = people.sort_values(["friends", "person_id"], ascending=[False, True])
seated = ranked.groupby("country").cumcount() < ranked["country"].map(seats)
reps = ranked[seated].rename(columns={"person_id": "rep_id"})[["rep_id", "country"]]
leads = ranked[~seated].rename(columns={"person_id": "lead_id"})[["lead_id", "country"]]
reps = reps.assign(capacity=int(np.ceil(1.1 * len(leads) / N_REPS)))

ends = network.ties[["source", "target"]]
is_rep = ends.isin(set(reps["rep_id"]))
crossing = np.flatnonzero(is_rep["source"] ^ is_rep["target"])
picked = rng.choice(crossing, len(crossing) // 3, replace=False)
pairs = np.where(
    is_rep["source"].to_numpy()[picked, None], ends.to_numpy()[picked], ends.to_numpy()[picked, ::-1]
)
hidden = pd.DataFrame(pairs, columns=["rep_id", "lead_id"])
shown = territory.SocialGraph.from_ties(network.ties.drop(index=network.ties.index[picked]))

# %%
walk = territory.proximity(shown, reps, leads, top=N_REPS)
common = territory.proximity(shown, reps, leads, method="adamic_adar", top=N_REPS)
at_home = leads.merge(reps[["rep_id", "country"]], on="country").assign(score=1.0)
plans = {
    "by country": territory.assign(reps, leads, walk, score=at_home[["rep_id", "lead_id", "score"]]),
    "by common friends": territory.assign(reps, leads, common),
    "by random walk": territory.assign(reps, leads, walk),
}
country_of = people.set_index("person_id")["country"]
rows = []
for name, plan in plans.items():
    owned = plan.to_frame()[["lead_id", "rep_id"]].rename(columns={"rep_id": "owner"})
    met = hidden.merge(owned, on="lead_id")
    knows = (met["rep_id"] == met["owner"]).groupby(met["lead_id"]).any()
    abroad = owned["owner"].map(country_of) != owned["lead_id"].map(country_of)
    rows.append(
        {
            "territories": name,
            "hidden friend owns": float(knows.mean()),
            "± s.e.": float(knows.sem()),
            "introduction within 2 hops": float(plan.metrics()["warm_share"].iloc[0]),
            "lead of another country": float(abroad.mean()),
        }
    )
lastfm = pd.DataFrame(rows)
inside = (network.ties["source"].map(country_of) == network.ties["target"].map(country_of)).mean()
weight = people.groupby("country")["friends"].sum() / people["friends"].sum()
print(f"LastFM Asia: {inside:.1%} of friendships stay inside a country; ")
print(f"if friends were drawn without regard to it, {float((weight**2).sum()):.1%} would.")
n_asked, blind = hidden["lead_id"].nunique(), len(hidden) / hidden["lead_id"].nunique() / N_REPS
print(f"{len(hidden)} hidden friendships of {n_asked} leads; an owner drawn by lot is one in {blind:.1%}\n")
print(lastfm.round(3).to_string(index=False))

# %% [markdown]
# ## Physicians: did adoption follow proximity?
#
# Whoever is still without the drug in a month is exposed to those who have it: the share of his proximity
# that lies with them. Exposure only grows as time goes by, so comparing all doctor-months with each other
# mixes proximity with the calendar. The comparison that counts stays inside one town and one month: did those
# who adopted then have more exposure than those beside them who still did not? Anything that reached a whole
# town in a month, such as a campaign of the maker, drops out. The p-value is that of shuffling months of
# adoption among the doctors of a town.

# %%
N_SHUFFLES = 200
data = datasets.physicians()
doctors = data.people[data.people["adopted_in"].notna()].reset_index(drop=True)
month = doctors["adopted_in"].to_numpy(dtype=int)
town = doctors["city"].to_numpy()
graph = territory.SocialGraph.from_ties(data.ties[["source", "target"]], combine="sum")
named = data.ties["target"].value_counts()
MONTHS = np.arange(2, 18)


def near(method):
    """Score every doctor with data from every other, as a matrix without its diagonal."""
    ids = doctors[["person_id"]]
    prox = territory.proximity(
        graph,
        ids.assign(rep_id=ids["person_id"]),
        ids.assign(lead_id=ids["person_id"]),
        method=method,
        top=len(ids),
    )
    scores = np.zeros((len(ids), len(ids)))
    place = {label: k for k, label in enumerate(ids["person_id"])}
    frame = prox.to_frame()
    scores[frame["rep_id"].map(place), frame["lead_id"].map(place)] = frame["score"]
    np.fill_diagonal(scores, 0.0)
    return scores / np.maximum(scores.sum(axis=1, keepdims=True), 1e-300)


def exposure(scores, month):
    """Give the share of each doctor's proximity that has adopted before each month."""
    return scores @ (month[:, None] < MONTHS)


def concordance(seen, month, groups):
    """Compare adopters of a month with those still without the drug, inside groups; equals count one half."""
    won = asked = 0.0
    for k, now in enumerate(MONTHS):
        for group in groups:
            adopts, waits = seen[group & (month == now), k], seen[group & (month > now), k]
            won += (adopts[:, None] > waits).sum() + 0.5 * (adopts[:, None] == waits).sum()
            asked += len(adopts) * len(waits)
    return won / asked


def pooled(seen, month):
    """Compare all doctor-months of adoption with all doctor-months of waiting, whenever and wherever."""
    adopts, waits = seen[month[:, None] == MONTHS], seen[month[:, None] > MONTHS]
    return (adopts[:, None] > waits).mean() + 0.5 * (adopts[:, None] == waits).mean()


towns = [town == name for name in np.unique(town)]
order = [np.flatnonzero(group) for group in towns]
shuffled = []
for _ in range(N_SHUFFLES):
    other = month.copy()
    for group in order:
        other[group] = rng.permutation(month[group])
    shuffled.append(other)

rows, clouds = [], {}
for name, method in {
    "random walk": "random_walk",
    "direct ties and common contacts (RA)": "resource_allocation",
    "introduction path": "introduction_path",
    "effective resistance": "effective_resistance",
}.items():
    scores = near(method)
    found = concordance(exposure(scores, month), month, towns)
    clouds[name] = np.array([concordance(exposure(scores, m), m, towns) for m in shuffled])
    rows.append(
        {
            "exposure by": name,
            "all doctor-months": pooled(exposure(scores, month), month),
            "same town and month": found,
            "p": (1 + (clouds[name] >= found).sum()) / (1 + N_SHUFFLES),
        }
    )
for name, trait in {
    "how many name the doctor": doctors["person_id"].map(named).fillna(0).to_numpy(dtype=float),
    "journals received": doctors["jours"].where(doctors["jours"] != 9).fillna(0).to_numpy(dtype=float),
}.items():
    seen = np.repeat(trait[:, None], len(MONTHS), axis=1)
    found = concordance(seen, month, towns)
    clouds[name] = np.array([concordance(seen, m, towns) for m in shuffled])
    rows.append(
        {
            "exposure by": name,
            "all doctor-months": pooled(seen, month),
            "same town and month": found,
            "p": (1 + (clouds[name] >= found).sum()) / (1 + N_SHUFFLES),
        }
    )
physicians = pd.DataFrame(rows)
print(f"\nPhysicians: {len(doctors)} with data, {(month < 18).sum()} adopted within 17 months\n")
print(physicians.round(3).to_string(index=False))

# %% [markdown]
# ## Two pictures

# %%
folder.mkdir(parents=True, exist_ok=True)
figure, panels = plt.subplots(1, 2, figsize=(9.2, 2.2), layout="constrained", sharey=True)
place = np.arange(len(lastfm))[::-1]
colours = ["#c58b2a", "#6d9dc5", "#2b6ca3"]
titles = {
    "hidden friend owns": "A hidden friend owns the lead",
    "introduction within 2 hops": "The owner has an introduction within 2 hops",
}
for panel, (column, title) in zip(panels, titles.items(), strict=True):
    panel.barh(place, 100 * lastfm[column], color=colours, height=0.66)
    if column == "hidden friend owns":
        panel.errorbar(100 * lastfm[column], place, xerr=100 * lastfm["± s.e."], fmt="none", ecolor="#1c2733")
    for y, value in zip(place, lastfm[column], strict=True):
        panel.annotate(f"{value:.0%}", (100 * value, y), (10, 0), textcoords="offset points", va="center")
    panel.set_xlim(0, 112)
    panel.set_xlabel("% of leads")
    panel.set_title(title, loc="left", fontsize=11)
    panel.spines[["top", "right"]].set_visible(False)
panels[0].set_yticks(place, lastfm["territories"])
figure.savefig(folder / "lastfm-territories.png", dpi=110, metadata={"Software": None})

figure, panel = plt.subplots(figsize=(9.2, 3.4), layout="constrained")
place = np.arange(len(physicians))[::-1]
for y, row in zip(place, physicians.itertuples(index=False), strict=True):
    low, high = np.quantile(clouds[row[0]], [0.025, 0.975])
    panel.plot([low, high], [y, y], color="#cfd6dd", linewidth=9, solid_capstyle="butt", zorder=1)
panel.scatter(physicians["all doctor-months"], place, s=52, facecolors="none", edgecolors="#c58b2a", zorder=2)
panel.scatter(physicians["same town and month"], place, s=52, color="#2b6ca3", zorder=3)
panel.axvline(0.5, color="#8a96a3", linewidth=0.8, zorder=0)
panel.set_yticks(place, physicians["exposure by"])
panel.set_xlabel("chance that the one who adopts has more of it than the one who waits")
panel.set_title(
    "Blue: same town and month.  Ring: all doctor-months.  Grey: 95 % of shuffles", loc="left", fontsize=11
)
panel.spines[["top", "right"]].set_visible(False)
figure.savefig(folder / "physicians-adoption.png", dpi=110, metadata={"Software": None})
