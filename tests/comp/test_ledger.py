"""The ledger: differences and nothing else, closed periods that stay closed, and proof of every entry."""

import copy
import json
import pickle

import jsonschema
import numpy as np
import pytest

from salesops import comp
from salesops.errors import InvalidInput
from salesops.models import FiscalCalendar, Period

FLAT = [{"from": "0", "rate": "0.10"}]
STEP = [{"from": "0", "rate": "0.05"}, {"from": "10000", "rate": "0.10"}]
QUARTERS = FiscalCalendar().periods(2024, by="quarter")


def plan(*more, tiers=FLAT, plan_id="p", **fields):
    parts = [{"kind": "commission", "tiers": tiers}, *more]
    return comp.CompPlan.from_dict(
        {"schema_version": 1, "plan_id": plan_id, "currency": "USD", "components": parts, **fields}
    )


def deal(name, amount, day, rep="r1", **more):
    return {"credit_id": name, "rep_id": rep, "amount": amount, "earned_on": day, **more}


def pay(credits, n=2, of=None, **options):
    return comp.calculate(of or plan(), credits, periods=options.pop("periods", QUARTERS[:n]), **options)


def refused(call, *names):
    with pytest.raises(InvalidInput) as caught:
        call()
    told = str(caught.value)
    assert [name for name in names if name not in told] == [], told


ONE = [deal("c1", "9000.00", "2024-02-01")]
LATE = [*ONE, deal("c2", "2000.00", "2024-03-30")]


@pytest.fixture
def closed():
    return comp.Ledger().post(pay(ONE, of=plan(tiers=STEP))).close("2024-Q1")


def test_a_late_deal_is_an_adjustment_in_the_open_period(closed):
    before = closed.statement("r1", "2024-Q1")
    run = pay(LATE, of=plan(tiers=STEP), prior=closed)
    ledger = closed.post(run)
    frame = ledger.to_frame().iloc[len(closed) :]
    assert set(frame["type"]) == {"adjustment"}
    assert set(frame["credit_id"]) == {"c2"}
    assert set(frame["period"]) == {"2024-Q1"}
    assert set(frame["posted_in"]) == {"2024-Q2"}
    assert frame["amount"].sum() == 15000
    assert ledger.statement("r1", "2024-Q1").to_dict()["entries"] == before.to_dict()["entries"]
    assert ledger.payouts()["paid"].sum() == run.payouts()["paid"].sum() == 60000


def test_the_same_run_again_posts_nothing(closed):
    assert closed.post(pay(ONE, of=plan(tiers=STEP))) is closed


def test_a_changed_deal_after_the_close_keeps_both_digests(closed):
    changed = [deal("c1", "8000.00", "2024-02-01")]
    ledger = closed.post(pay(changed, of=plan(tiers=STEP)))
    was, now = closed.entry(1), ledger.entry(2)
    assert (now.type, now.adjusts, now.reason, now.amount) == ("adjustment", "earned", "changed", -5000)
    assert now.replaces == was.content != now.content


def test_a_cancelled_deal_is_taken_back_to_zero(closed):
    ledger = closed.post(pay([], of=plan(tiers=STEP)))
    assert ledger.payouts()["paid"].sum() == 0
    assert ledger.entry(2).reason == "cancelled"
    assert ledger.entry(2).content is None


def test_a_deal_that_comes_back_is_new_again(closed):
    gone = closed.post(pay([], of=plan(tiers=STEP)))
    back = gone.post(pay(ONE, of=plan(tiers=STEP)))
    assert [back.entry(3).reason, back.entry(3).amount] == ["new", 45000]


def test_a_change_in_an_open_period_is_posted_in_it():
    ledger = comp.Ledger().post(pay(ONE)).post(pay([deal("c1", "9100.00", "2024-02-01")]))
    assert ledger.to_frame()[["type", "posted_in", "amount"]].to_numpy().tolist() == [
        ["earned", "2024-Q1", 90000],
        ["earned", "2024-Q1", 1000],
    ]


def test_corrections_may_be_sent_into_a_later_open_period(closed):
    ledger = closed.post(pay(LATE, n=3, of=plan(tiers=STEP)), into="2024-Q3")
    assert set(ledger.to_frame()["posted_in"]) == {"2024-Q1", "2024-Q3"}


def test_a_year_that_has_only_begun_is_posted_until_now():
    of = plan({"kind": "draw", "amount": "1000.00"})
    rows = [deal("c1", "4000.00", "2024-02-01"), deal("c2", "13000.00", "2024-05-01")]
    ledger = comp.Ledger().post(pay(rows, n=4, of=of), until="2024-Q1").close("2024-Q1")
    assert set(ledger.to_frame()["period"]) == {"2024-Q1"}
    ledger = ledger.post(pay(rows, n=4, of=of), until="2024-Q2")
    whole = pay(rows, of=of).payouts()
    assert ledger.payouts()["paid"].tolist() == whole["paid"].tolist()
    refused(lambda: ledger.post(pay(rows, of=of), until="2024-Q3"), "until", "'2024-Q3'")
    assert ledger.post(pay(rows, n=4, of=of)).payouts()["paid"].tolist() == [100000, 100000, 100000, 100000]


def test_a_debt_crosses_closed_periods_through_the_ledger():
    draw = plan({"kind": "draw", "amount": "1000.00"})
    first, second = [deal("c1", "4000.00", "2024-02-01")], [deal("c2", "13000.00", "2024-05-01")]
    ledger = comp.Ledger().post(pay(first, n=1, of=draw)).close("2024-Q1")
    assert ledger.statement("r1", "2024-Q1").balance == 60000
    run = pay(second, of=draw, periods=QUARTERS[1:2], prior=ledger)
    assert run.payouts()[["paid", "balance"]].to_numpy().tolist() == [[100000, 30000]]
    ledger = ledger.post(run)
    whole = pay(first + second, of=draw).payouts()
    assert (
        ledger.payouts()[["paid", "balance"]].to_numpy().tolist()
        == whole[["paid", "balance"]].to_numpy().tolist()
    )
    assert ledger.post(pay(first + second, of=draw)) is ledger


def test_a_run_that_forgets_the_debt_is_refused():
    draw = plan({"kind": "draw", "amount": "1000.00"})
    ledger = comp.Ledger().post(pay([deal("c1", "4000.00", "2024-02-01")], n=1, of=draw))
    run = pay([deal("c2", "1.00", "2024-05-01")], of=draw, periods=QUARTERS[1:2])
    refused(lambda: ledger.post(run), "r1", "60000", "prior=ledger")


def test_balances_at_the_start_are_an_entry_of_their_own():
    draw = plan({"kind": "draw", "amount": "0"})
    owed = [{"rep_id": "r1", "amount": "300.00"}]
    run = pay([deal("c1", "1000.00", "2024-02-01")], of=draw, balances=owed)
    ledger = comp.Ledger().post(run)
    assert ledger.to_frame()["type"].tolist()[-1] == "opening"
    assert ledger.statement("r1", "2024-Q1").balance == run.payouts()["balance"][0] == 20000
    assert ledger.post(run) is ledger
    again = pay([deal("c1", "1000.00", "2024-02-01")], of=draw, prior=ledger)
    assert ledger.post(again) is ledger
    refused(lambda: pay(ONE, of=draw, balances=owed, prior=ledger), "balances", "the ledger carries them")


def test_a_correction_of_a_debt_needs_the_periods_that_stand_on_it():
    draw = plan({"kind": "draw", "amount": "1000.00"})
    both = [deal("c1", "4000.00", "2024-02-01"), deal("c2", "13000.00", "2024-05-01")]
    ledger = comp.Ledger().post(pay(both, of=draw)).close("2024-Q1")
    late = [deal("c0", "500.00", "2024-01-05"), both[0]]
    refused(lambda: ledger.post(pay(late, n=1, of=draw)), "r1", "2024-Q2", "last period")


def test_holds_and_releases_are_entries_of_their_kind():
    hold = plan({"kind": "hold", "until": "paid"}, {"kind": "clawback", "event": "lost"})
    events = [{"event_id": 1, "kind": "paid", "happened_on": "2024-05-02", "credit_id": "c1"}]
    ledger = comp.Ledger().post(pay(ONE, of=hold, events=events))
    assert ledger.to_frame()["type"].tolist() == ["earned", "held", "released"]
    assert [ledger.statement("r1", q).held for q in ("2024-Q1", "2024-Q2")] == [90000, 0]
    events.append({"event_id": 2, "kind": "lost", "happened_on": "2024-06-02", "credit_id": "c1"})
    assert comp.Ledger().post(pay(ONE, of=hold, events=events)).to_frame()["type"].tolist()[-1] == "released"
    assert "clawback" in comp.Ledger().post(pay(ONE, of=hold, events=events)).to_frame()["type"].tolist()


def test_any_past_statement_is_given_as_it_was_known():
    ledger = comp.Ledger().post(pay(ONE), as_of="2024-04-02")
    first = ledger.statement("r1", "2024-Q1")
    ledger = ledger.post(pay(LATE), as_of="2024-04-05").close("2024-Q1", as_of="2024-04-08")
    for then in ("2024-04-04", 1):
        known = ledger.statement("r1", "2024-Q1", as_of=then)
        assert known.to_dict() == first.to_dict()
    assert ledger.as_known("2024-04-06").closed == ()
    assert ledger.as_known(3) == ledger
    assert ledger.as_known("2024-04-05").verify().statement("r1", "2024-Q1").paid == 110000
    assert ledger.as_known("2024-01-01") == comp.Ledger()


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda ledger: ledger.close("2024-Q1"), ["the period is closed", "2024-Q2"]),
        (lambda ledger: ledger.close("2024-Q9"), ["knows no such period"]),
        (lambda ledger: ledger.close(None), ["knows no such period", "None"]),
        (
            lambda ledger: ledger.post(pay(LATE, n=4)).close("2024-Q3").close("2024-Q2"),
            ["the period is closed", "2024-Q4"],
        ),
        (lambda ledger: ledger.post(pay(LATE), into="2024-Q1"), ["into", "the period is closed"]),
        (lambda ledger: ledger.post(pay(LATE), into="Q7"), ["into", "knows no such period"]),
        (lambda ledger: ledger.close("2024-Q2").post(pay(LATE)), ["no period is open", "2024-Q1"]),
        (lambda ledger: ledger.post("run"), ["is not a run", "str"]),
        (lambda ledger: ledger.post(pay(ONE, of=plan(plan_id="q"))), ["'p'", "every plan"]),
        (lambda ledger: ledger.statement("R1", "2024-Q1"), ["'R1'", "did you mean 'r1'"]),
        (lambda ledger: ledger.statement("r1", "2024-Q7"), ["2024-Q7"]),
        (lambda ledger: ledger.entry(0), ["no such entry", "0"]),
        (lambda ledger: ledger.explain(True), ["no such entry", "True"]),
        (lambda ledger: ledger.as_known(99), ["no such step", "99"]),
        (lambda ledger: ledger.as_known("2024-05-01"), ["without a day"]),
        (lambda ledger: ledger.post(pay(ONE), as_of="soon"), ["as_of", "soon"]),
        (lambda ledger: ledger.verify(known="ab"), ["no digest of this ledger"]),
        (lambda ledger: pay(ONE, prior="ledger"), ["prior", "is not a Ledger"]),
        (lambda ledger: pay(ONE, only="r1"), ["only", "in a list"]),
        (lambda ledger: pay(ONE, only=[]), ["only"]),
    ],
)
def test_what_the_ledger_cannot_do_is_said(call, names):
    ledger = comp.Ledger().post(pay(ONE)).close("2024-Q1")
    refused(lambda: call(ledger), *names)


def test_closing_a_period_closes_those_before_it(closed):
    ledger = closed.post(pay(LATE, n=4))
    at_once, one_by_one = ledger.close("2024-Q3"), ledger.close("2024-Q2").close("2024-Q3")
    assert at_once.closed == ("2024-Q1", "2024-Q2", "2024-Q3")
    assert at_once == one_by_one.verify()


def test_time_does_not_go_back():
    ledger = comp.Ledger().post(pay(ONE), as_of="2024-04-02")
    refused(lambda: ledger.close("2024-Q1", as_of="2024-04-01"), "as_of", "2024-04-02")


def test_a_period_keeps_its_days():
    ledger = comp.Ledger().post(pay(ONE))
    moved = [Period(name="2024-Q1", start="2024-01-01", end="2024-03-31")]
    early = [Period(name="2023", start="2023-01-01", end="2024-01-01"), *QUARTERS[:1]]
    refused(lambda: ledger.post(pay(ONE, periods=moved)), "2024-03-31", "2024-04-01")
    closed = ledger.close("2024-Q1")
    refused(lambda: closed.post(pay(ONE, periods=early)), "before the last closed one", "2023")


def tampered(ledger, change):
    document = json.loads(ledger.to_json())
    change(document)
    return document


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda doc: doc["entries"][1].update(amount=1), "$.entries[1]"),
        (lambda doc: doc["entries"][0].update(rep_id="r2"), "$.entries[0]"),
        (lambda doc: doc["entries"][2].update(posted_in="2024-Q1"), "$.entries[2]"),
        (lambda doc: doc["entries"].pop(), "$.steps[2].entries"),
        (lambda doc: doc["steps"][1].update(period="2024-Q2"), "$.steps[1]"),
        (lambda doc: doc.update(digest="0" * 64), "$.digest"),
        (lambda doc: doc["steps"].pop(), "$.entries[2]"),
    ],
)
def test_the_first_broken_entry_is_named(change, named):
    credits = [*ONE, deal("c9", "10.00", "2024-02-02", "r2")]
    ledger = comp.Ledger().post(pay(credits)).close("2024-Q1").post(pay([*credits, *LATE[1:]]))
    document = tampered(ledger, change)
    refused(lambda: comp.Ledger.from_dict(document), named)
    refused(lambda: comp.Ledger.from_dict(document, verify=False).verify(), named)


def test_a_rewritten_ledger_does_not_hold_the_digest_noted_before(closed):
    noted = closed.digest
    later = closed.post(pay(LATE, of=plan(tiers=STEP)))
    assert later.verify(known=noted) is later
    other = (
        comp.Ledger()
        .post(pay([], of=plan(tiers=STEP), reps=[{"rep_id": "r1"}]))
        .post(pay(LATE, of=plan(tiers=STEP)))
    )
    refused(lambda: other.verify(known=noted), "rewritten")


def test_a_ledger_travels_through_json_and_fits_its_schema():
    ids = [deal(7, "100.00", "2024-02-01", rep=3), deal("x", "50.00", "2024-02-01", rep="ünï")]
    ledger = comp.Ledger().post(pay(ids), as_of="2024-04-01").close("2024-Q1", as_of="2024-04-02")
    document = json.loads(ledger.to_json())
    schema = comp.Ledger.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(document)) == []
    again = comp.Ledger.from_dict(document)
    assert again == ledger
    assert again.to_frame().equals(ledger.to_frame())
    assert again.post(pay(ids)) is again
    refused(lambda: comp.Ledger.from_dict(document | {"colour": 1}), "$.colour", "unknown field")
    refused(lambda: comp.Ledger.from_json("[]"), "must be an object")
    refused(lambda: comp.Ledger.from_dict(document | {"schema_version": 9}), "schema_version", "9")


def test_a_ledger_is_a_value(closed):
    twin = pickle.loads(pickle.dumps(closed))
    assert twin == closed
    assert hash(twin) == hash(closed)
    assert copy.deepcopy(closed) == closed
    assert closed != closed.close("2024-Q2")
    with pytest.raises(AttributeError):
        closed.digest = ""


def test_the_order_of_rows_changes_no_digest():
    rows = [deal(f"c{k}", f"{k}00.00", "2024-02-01", rep=f"r{k % 3}") for k in range(1, 9)]
    assert comp.Ledger().post(pay(rows)) == comp.Ledger().post(pay(rows[::-1]))


def test_cards_show_the_ledger_and_its_statements(closed):
    ledger = closed.post(pay([*LATE, deal("c<3", "1.00", "2024-05-01")], of=plan(tiers=STEP)))
    page = ledger._repr_html_() + ledger.statement("r1", "2024-Q2")._repr_html_()
    assert "Corrections of closed periods" in page
    assert "c&lt;3" in page
    assert "closed" in repr(ledger)


def test_ids_of_other_kinds_stay_apart():
    rows = [deal("c1", "100.00", "2024-02-01", rep=1), deal("c2", "200.00", "2024-02-01", rep="1")]
    ledger = comp.Ledger().post(pay(rows))
    assert [ledger.statement(rep, "2024-Q1").paid for rep in (1, "1")] == [1000, 2000]
    cancelled = ledger.post(pay(rows, only=[1])).post(pay(rows[1:], only=[1], prior=ledger))
    assert [cancelled.statement(rep, "2024-Q1").paid for rep in (1, "1")] == [0, 2000]


TEAM = [{"rep_id": f"r{k}", "manager_id": "boss" if k < 3 else "chief"} for k in range(6)]


@pytest.mark.parametrize(
    ("more", "options", "reps"),
    [
        ((), {}, {"r1"}),
        (({"kind": "draw", "amount": "70.00"},), {}, {"r1"}),
        (({"kind": "contest", "prizes": ["100", "50"]},), {}, {f"r{k}" for k in range(6)}),
        (
            ({"kind": "override", "name": "o", "tiers": FLAT},),
            {"reporting": TEAM},
            {"boss", "r0", "r1", "r2"},
        ),
        (
            ({"kind": "clawback"},),
            {"events": [{"event_id": 1, "kind": "cancelled", "happened_on": "2024-05-01", "deal_id": "d1"}]},
            {"r1", "r4"},
        ),
    ],
)
def test_a_run_for_one_rep_posts_what_a_full_run_posts(more, options, reps):
    of = plan(*more, specificity="all", negative="carry" if "draw" not in str(more) else "allow")
    rows = [
        deal(f"c{k}{j}", f"{k + 1}{j}7.00", f"2024-0{j + 2}-01", rep=f"r{k}", deal_id=f"d{k % 3}{j}"[:2])
        for k in range(6)
        for j in range(4)
    ]
    ledger = comp.Ledger().post(pay(rows, of=of, **options)).close("2024-Q1")
    changed = [row | {"amount": "1000.00"} if row["credit_id"] == "c10" else row for row in rows]
    some = pay(changed, of=of, only=["r1"], prior=ledger, **options)
    assert set(some.payouts()["rep_id"]) == reps
    assert ledger.post(some).to_dict()["entries"][0] == ledger.to_dict()["entries"][0]
    touched, full = ledger.post(some).payouts(), ledger.post(pay(changed, of=of, **options)).payouts()
    assert len(ledger.post(some)) > len(ledger)
    assert touched.equals(full)
    assert np.array_equal(
        ledger.post(some).to_frame()["amount"],
        ledger.post(pay(changed, of=of, **options)).to_frame()["amount"],
    )
