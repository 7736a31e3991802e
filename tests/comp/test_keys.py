"""Lines keep their id whatever they pay and whatever stands beside them."""

from salesops import comp

KEY = "f5aaecea140039e8f54482c090a36dc2"
TIERS = [{"from": "0", "rate": "0.05"}, {"from": "100", "rate": "0.10"}]


def run(rows, style="marginal"):
    document = {"schema_version": 1, "plan_id": "p", "currency": "USD", "tiers": TIERS, "style": style}
    plan = comp.CompPlan.from_dict(document | {"negative": "allow"})
    credits = [{"credit_id": name, "rep_id": rep, "amount": amount} for name, rep, amount in rows]
    return comp.calculate(plan, credits).lines(keys=True)


def test_every_line_has_an_id_of_its_own():
    rows = [("c1", "a", "150"), ("c2", "a", "-400"), ("c3", "a", "600"), (1, "b", "50"), ("1", "b", "50")]
    for style in ("marginal", "whole_amount"):
        lines = run(rows, style)
        assert lines["line_key"].is_unique
        assert lines["line_key"].str.fullmatch("[0-9a-f]{32}").all()


def test_a_line_keeps_its_id_when_other_credits_come_and_amounts_change():
    old = run([("c1", "a", "150")]).set_index(["credit_id", "tier"])["line_key"]
    new = run([("c0", "b", "7"), ("c1", "a", "170"), ("c2", "a", "9")]).set_index(["credit_id", "tier"])[
        "line_key"
    ]
    assert old.to_dict().items() <= new.to_dict().items()


def test_an_id_is_the_same_everywhere():
    assert run([("c1", "a", "10")])["line_key"].tolist() == [KEY]
