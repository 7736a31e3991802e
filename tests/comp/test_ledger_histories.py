"""Random histories of edits: whatever comes late or is cancelled, the ledger ends where a fresh run is.

Each history takes a random plan and adds, changes, moves and cancels credits and events, posts, closes and
runs again. ``SALESOPS_HISTORIES`` says how many histories to live through; the suite takes 20. All of them:

    SALESOPS_HISTORIES=1000 python -m pytest -n 0 -q tests/comp/test_ledger_histories.py
"""

import datetime as dt
import importlib.util
import os
import random
from pathlib import Path

import pytest

from salesops import comp
from salesops.models import FiscalCalendar

_spec = importlib.util.spec_from_file_location(
    "comp_random_rules", Path(__file__).with_name("test_differential_rules.py")
)
rules = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rules)

N_HISTORIES = int(os.environ.get("SALESOPS_HISTORIES", "20"))
CHUNKS = [range(k, min(k + 10, N_HISTORIES)) for k in range(0, N_HISTORIES, 10)]
PERIODS = FiscalCalendar().periods(2026, by="month")[:5]
REPS = range(4)
DAYS = (PERIODS[-1].end - PERIODS[0].start).days


class History:
    """One plan, the credits and events as they are now, the ledger, and every statement it ever gave."""

    def __init__(self, seed):
        self.rng = rng = random.Random(seed)  # noqa: S311  (a seeded history, no secret)
        self.plan = rules.random_plan(rng)
        self.listed = rng.random() < 0.5
        self.quotas = [
            {"rep_id": rep, "amount": rng.choice(["100", "333.33", "500"]), "start": p.start, "end": p.end}
            for rep in REPS
            for p in PERIODS
        ]
        self.metrics = [
            {"rep_id": rep, "metric": "nps", "value": rng.choice(["0", "25.5", "20", "80"])} for rep in REPS
        ]
        self.credits, self.events, self.n = {}, {}, 0
        self.ledger, self.closed, self.told = comp.Ledger(), 0, []
        for _ in range(rng.randint(2, 12)):
            self.add()

    def day(self):
        return PERIODS[0].start + dt.timedelta(days=self.rng.randrange(DAYS))

    def add(self):
        rng, self.n = self.rng, self.n + 1
        rep, name = rng.choice(REPS), f"c{self.n:03d}"
        self.credits[name] = {
            "credit_id": name,
            "rep_id": rep,
            "deal_id": rng.choice([f"r{rep}d{rng.randint(0, 3)}", name]),
            "amount": rules.text(rng.choice([rng.randint(-50_000, 300_000), 10_000, 50_000])),
            "earned_on": self.day(),
            "product": rng.choice(["a", "b", "c"]),
            "term": rng.choice(["6", "12", "24.5", "36"]),
        }
        for kind in ("paid", "lost"):
            if rng.random() < 0.3:
                later = self.credits[name]["earned_on"] + dt.timedelta(days=rng.randint(0, 90))
                self.events[name, kind] = later

    def change(self):
        name = self.pick()
        if name:
            more = self.rng.choice([{"amount": rules.text(self.rng.randint(0, 400_000))}, {"product": "b"}])
            self.credits[name] = self.credits[name] | more

    def move(self):
        name = self.pick()
        if name:
            self.credits[name] = self.credits[name] | {
                "rep_id": self.rng.choice(REPS),
                "earned_on": self.day(),
            }

    def cancel(self):
        name = self.pick()
        if name:
            del self.credits[name]
            self.events = {key: day for key, day in self.events.items() if key[0] != name}

    def pick(self):
        return self.rng.choice(sorted(self.credits)) if self.credits else None

    def run(self, only=None):
        rows = list(self.credits.values())
        self.rng.shuffle(rows)
        empty = {
            name: [] for name in ("credit_id", "rep_id", "deal_id", "amount", "earned_on", "product", "term")
        }
        return comp.calculate(
            comp.CompPlan.from_dict(self.plan),
            rows or empty,
            reps=[{"rep_id": rep} for rep in REPS] if self.listed else None,
            quotas=self.quotas,
            metrics=self.metrics,
            events=[
                {"event_id": f"{name} {kind}", "kind": kind, "happened_on": day, "credit_id": name}
                for (name, kind), day in self.events.items()
            ],
            reporting=[{"rep_id": rep, "manager_id": rep // 4} for rep in REPS if rep],
            periods=PERIODS,
            prior=self.ledger,
            only=only,
        )

    def post(self):
        run = self.run()
        before = len(self.ledger)
        self.ledger = self.ledger.post(run)
        again = self.run()
        assert self.ledger.post(again) is self.ledger
        self.compare(run)
        late = self.ledger.to_frame().iloc[before:]
        closed = set(self.ledger.closed)
        assert [kind == "adjustment" for kind in late["type"]] == [name in closed for name in late["period"]]
        assert not closed & set(late["posted_in"])
        self.tell()

    def compare(self, run):
        """The ledger, summed over all it posted about a rep, is what a fresh run pays, holds and has owed."""
        posted, fresh = self.ledger.payouts(), run.payouts()
        sums = posted.groupby("rep_id")["paid"].sum().to_dict()
        wanted = fresh.groupby("rep_id")["paid"].sum().to_dict()
        for rep in REPS:
            assert sums.get(rep, 0) == wanted.get(rep, 0)
        for name in ("held", "balance"):
            ends = posted.groupby("rep_id")[name].last().to_dict()
            last = fresh.groupby("rep_id")[name].last().to_dict()
            assert {rep: ends.get(rep, 0) for rep in REPS} == {rep: last.get(rep, 0) for rep in REPS}
        frame = self.ledger.to_frame()
        concerned = frame.groupby(["rep_id", "period"])["amount"].sum()
        each = fresh.set_index(["rep_id", "period"])["paid"]
        assert {k: v for k, v in concerned.items() if v} == {k: v for k, v in each.items() if v}

    def tell(self):
        step = len(self.ledger.steps)
        known = set(self.ledger.to_frame()["rep_id"])
        for rep in known:
            name = self.rng.choice(PERIODS).name
            self.told.append((rep, name, step, self.ledger.statement(rep, name).to_dict()))

    def close(self):
        if self.closed < len(PERIODS) - 1 and self.ledger.steps:
            self.ledger = self.ledger.close(PERIODS[self.closed].name)
            self.closed += 1
            self.tell()

    def live(self):
        for _ in range(self.rng.randint(5, 10)):
            deed = self.rng.choice([self.add, self.add, self.change, self.move, self.cancel, self.close])
            deed()
            if self.rng.random() < 0.6:
                self.post()
        self.post()

    def judge(self):
        """Every statement is given as it was then known; the chain holds, and travels through JSON."""
        for rep, name, step, told in self.told:
            assert self.ledger.statement(rep, name, as_of=step).to_dict() == told
        final = {
            name: [self.ledger.statement(rep, name).to_dict()["entries"] for rep in self.reps()]
            for name in self.ledger.closed
        }
        for k, step in enumerate(self.ledger.steps):
            if step.action == "closed":
                then = self.ledger.as_known(k + 1)
                known = set(then.to_frame()["rep_id"])
                for rep, entries in zip(self.reps(), final[step.period], strict=True):
                    if rep in known:
                        assert then.statement(rep, step.period).to_dict()["entries"] == entries
        assert comp.Ledger.from_json(self.ledger.to_json()) == self.ledger

    def reps(self):
        return sorted(set(self.ledger.to_frame()["rep_id"]))

    def cancel_everything(self):
        self.credits, self.events, self.listed = {}, {}, False
        self.plan = self.plan | {}
        ledger = self.ledger.post(self.run())
        assert int(ledger.to_frame()["amount"].sum()) == 0
        assert int(ledger.to_frame()["owed"].sum()) == 0
        sums = ledger.to_frame().groupby(["rep_id", "line_key"])[["amount", "owed"]].sum()
        assert not sums.to_numpy().any()


@pytest.mark.parametrize("seeds", CHUNKS, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_deltas_sum_to_a_fresh_run_and_no_statement_ever_changes(seeds):
    for seed in seeds:
        history = History(seed)
        history.live()
        history.judge()
        history.cancel_everything()
