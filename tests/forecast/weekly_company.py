"""A made company of another build than ``datasets.make_crm``: deals move once a week, and its floor.

A Markov chain over weeks without memory of time in the stage; odds instead of hazards; lognormal amounts
with discounts at signature; reps who join later; a push in the last two weeks of a quarter; a market that
shifts each quarter. No expected close, no segments. How much of each there is differs from seed to seed.
"""

import attrs
import numpy as np
import pandas as pd

from salesops import forecast

STAGES = ("lead", "discovery", "evaluation", "contract", "won", "lost")
WON, LOST = 4, 5
START = np.datetime64("2021-01-04")
WEEKS = 156

# Rows: stage. Chance in a week to move one on, to skip one, to go one back, to be lost.
ON = np.array([0.26, 0.22, 0.20, 0.0])
SKIP = np.array([0.04, 0.02, 0.0, 0.0])
BACK = np.array([0.0, 0.02, 0.04, 0.06])
DROP = np.array([0.14, 0.10, 0.07, 0.06])
WIN = np.array([0.0, 0.0, 0.02, 0.20])
PRODUCTS = ("basic", "suite")
MIDDLE = np.array([6_000.0, 30_000.0])


@attrs.frozen(kw_only=True, eq=False)
class Company:
    """Its true parameters and its log. `begins` is each rep's first week; `share` how much each takes on."""

    seed: int
    log: pd.DataFrame
    reps: tuple
    teams: tuple
    per_week: float
    growth: float
    push: float
    swing: float
    spread: float
    skill: np.ndarray
    share: np.ndarray
    begins: np.ndarray
    market: np.ndarray
    exposure: np.ndarray
    wins: np.ndarray


def make(seed, n_reps=12, per_week=26.0, weeks=WEEKS):
    """Let a company live for some weeks."""
    chance = np.random.default_rng([seed, 77])
    company = Company(
        seed=seed,
        log=None,
        reps=tuple(f"seller {k:02d}" for k in range(n_reps)),
        teams=tuple(("north", "south", "west")[k % 3] for k in range(n_reps)),
        per_week=per_week,
        growth=chance.uniform(0.0, 0.4),
        push=chance.uniform(1.5, 3.5),
        swing=chance.uniform(0.05, 0.25),
        spread=chance.uniform(0.7, 1.2),
        skill=np.exp(0.4 * chance.standard_normal(n_reps)),
        share=chance.gamma(6.0, 1.0 / 6.0, n_reps),
        begins=np.where(np.arange(n_reps) % 4 == 3, chance.integers(0, 100, n_reps), 0),
        market=None,
        exposure=np.zeros(weeks),
        wins=np.zeros(weeks, dtype=int),
    )
    shape = company.swing**-2
    market = chance.gamma(shape, 1.0 / shape, 1 + quarter(weeks))
    company = attrs.evolve(company, market=market)
    state, rows, n = nothing(), [], 0
    for week in range(weeks):
        odds = won_odds(company, state, week)
        company.exposure[week] = (odds / (1.0 + odds)).sum()
        state, moved = step(company, state, week, market[quarter(week)], chance)
        company.wins[week] = int((moved["stage"] == WON).sum())
        new = born(company, week, chance.poisson(rates(company, week).sum()), chance)
        new["deal"] = n + np.arange(len(new["deal"]))
        n += len(new["deal"])
        state = joined(state, new)
        both = joined(moved, new)
        day = START + 7 * week + chance.integers(0, 5, len(both["deal"]))
        rows.append(pd.DataFrame(both).assign(entered_on=day.astype("datetime64[s]")))
    return attrs.evolve(company, log=written(company, pd.concat(rows, ignore_index=True)))


def sundays(first, last, step):
    """Cutoffs: ends of weeks, some weeks apart."""
    return pd.DatetimeIndex([START + 7 * week - 1 for week in range(first, last, step)])


def written(company, rows):
    """Write the rows as a log that a system could have kept."""
    return pd.DataFrame(
        {
            "deal_id": ["d" + str(k) for k in rows["deal"]],
            "entered_on": rows["entered_on"],
            "stage": np.array(STAGES, dtype=object)[rows["stage"]],
            "amount": rows["amount"].round(2),
            "rep_id": np.array(company.reps, dtype=object)[rows["rep"]],
            "team": np.array(company.teams, dtype=object)[rows["rep"]],
            "product": np.array(PRODUCTS, dtype=object)[rows["product"]],
        }
    )


def nothing():
    whole = np.zeros(0, dtype=int)
    return {
        "draw": whole,
        "deal": whole,
        "stage": whole,
        "rep": whole,
        "product": whole,
        "amount": np.zeros(0),
    }


def joined(one, other):
    return {name: np.concatenate([one[name], other[name]]) for name in one}


def taken(rows, chosen):
    return {name: column[chosen] for name, column in rows.items()}


def quarter(week):
    """Number of the calendar quarter in which a week ends."""
    month = (START + 7 * week + 6).astype("datetime64[M]").astype(int)
    return int(month // 3 - START.astype("datetime64[M]").astype(int) // 3)


def push(company, week):
    """Factor on the odds of a win: high in the last two weeks of a quarter, low in the first two."""
    if quarter(week + 2) > quarter(week):
        return company.push
    return 0.7 if quarter(week - 2) < quarter(week) else 1.0


def rates(company, week):
    """Deals that each rep is to create in a week; half as many in the first ten weeks."""
    works = np.where(week < company.begins, 0.0, np.where(week < company.begins + 10, 0.5, 1.0))
    works = np.where(company.begins == 0, 1.0, works)
    grown = (1.0 + company.growth) ** (week / 52.0)
    return company.per_week * grown * works * company.share / company.share.sum()


def born(company, week, n, chance):
    """Draw new deals, without their names."""
    rate = rates(company, week)
    product = (chance.random(n) < 0.3).astype(int)
    return {
        "draw": np.zeros(n, dtype=int),
        "deal": np.zeros(n, dtype=int),
        "stage": (chance.random(n) < 0.1).astype(int),
        "rep": chance.choice(len(rate), n, p=rate / rate.sum()),
        "product": product,
        "amount": MIDDLE[product] * np.exp(company.spread * chance.standard_normal(n)),
    }


def won_odds(company, state, week):
    chance = WIN[state["stage"]]
    return chance / (1.0 - chance) * company.skill[state["rep"]] * push(company, week)


def step(company, state, week, market, chance):
    """Let one week pass: give the deals that are open, and those that moved (closed ones with their end)."""
    odds = won_odds(company, state, week) * market
    stage, n = state["stage"], len(state["stage"])
    is_won = chance.random(n) < odds / (1.0 + odds)
    draw = chance.random(n)
    bounds = np.cumsum([ON, SKIP, BACK, DROP], axis=0)[:, stage]
    kind = (draw >= bounds).sum(axis=0)
    to = np.choose(kind, [stage + 1, stage + 2, stage - 1, np.full(n, LOST), stage])
    to = np.where(is_won, WON, to)
    cut = np.where(chance.random(n) < 0.4, 1.0 - chance.uniform(0.0, 0.25, n), 1.0)
    after = state | {"stage": to, "amount": np.where(is_won, state["amount"] * cut, state["amount"])}
    return taken(after, to < WON), taken(after, to != stage)


@attrs.define(kw_only=True)
class Floor:
    """The true process as a model: many futures from the deals open on a Sunday."""

    company: Company
    n_draws: int = 300
    as_of: object = None
    state: dict = None

    def fit(self, history, *, as_of=None):
        log, day = self.company.log, np.datetime64(as_of, "D")
        seen = log[log["entered_on"] <= day].drop_duplicates("deal_id", keep="last")
        seen = seen[~seen["stage"].isin(["won", "lost"])]
        n = len(seen)
        state = {
            "draw": np.zeros(n, dtype=int),
            "deal": np.arange(n),
            "stage": seen["stage"].map(STAGES.index).to_numpy(),
            "rep": seen["rep_id"].map(self.company.reps.index).to_numpy(),
            "product": seen["product"].map(PRODUCTS.index).to_numpy(),
            "amount": seen["amount"].to_numpy(),
        }
        return attrs.evolve(self, as_of=pd.Timestamp(day).date(), state=state)

    def predict(self, open_deals=None, *, horizon):
        week = int((np.datetime64(self.as_of) - START).astype(int) + 1) // 7
        until = self.as_of + pd.Timedelta(days=horizon)
        chance = np.random.default_rng([self.company.seed, week, horizon])
        won = self.futures(week, horizon // 7, chance)
        teams = np.array(self.company.teams)
        laws = {("company", None): won.sum(axis=1)}
        laws |= {("team", name): won[:, teams == name].sum(axis=1) for name in dict.fromkeys(teams.tolist())}
        laws |= {("rep_id", name): won[:, k] for k, name in enumerate(self.company.reps)}
        made = {key: forecast.Distribution.from_samples(np.sort(draws)) for key, draws in laws.items()}
        return forecast.Forecast.from_distributions(self.as_of, until, made)

    def futures(self, first, n_weeks, chance):
        """Amount won by each rep in each future."""
        company, n = self.company, self.n_draws
        state = {name: np.tile(column, n) for name, column in self.state.items()}
        state["draw"] = np.repeat(np.arange(n), len(self.state["deal"]))
        won, now, market = np.zeros((n, len(company.reps))), None, None
        for week in range(first, first + n_weeks):
            if quarter(week) != now:
                now = quarter(week)
                market = self.markets(now, first, chance)
            state, moved = step(company, state, week, market[state["draw"]], chance)
            closed = taken(moved, moved["stage"] == WON)
            np.add.at(won, (closed["draw"], closed["rep"]), closed["amount"])
            counts = chance.poisson(rates(company, week).sum(), n)
            new = born(company, week, int(counts.sum()), chance)
            new["draw"] = np.repeat(np.arange(n), counts)
            state = joined(state, new)
        return won

    def markets(self, now, first, chance):
        """Draw the factor of a quarter: given its wins so far if it has begun (gamma and Poisson, nearly)."""
        company, shape = self.company, self.company.swing**-2
        seen = [week for week in range(first) if quarter(week) == now]
        wins, exposure = company.wins[seen].sum(), company.exposure[seen].sum()
        return chance.gamma(shape + wins, 1.0 / (shape + exposure), self.n_draws)
