"""Before against after, with a group that did not change, and at dates on which nothing changed."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops import datasets, evaluation, forecast
from salesops.errors import InvalidInput
from salesops.evaluation import _kernels
from tests.evaluation import logs


def made(seed=1, **options):
    return logs.deals(np.random.default_rng(seed), **options)


def compared(log, **options):
    return evaluation.before_after(log, changed_on=logs.day(182), as_of=logs.AS_OF, **options)


def paid_out(n, seed=0, horizon=30.0):
    """Ages, causes (0 open), and amounts of a few deals with many ties."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 40, n).astype(float), rng.integers(0, 3, n), rng.integers(1, 9, n).astype(float)


@pytest.mark.parametrize("horizon", [0, 5, 20, 39])
def test_the_share_and_its_variance_are_those_of_aalen_johansen(horizon):
    age, cause, _ = paid_out(200)
    value, influence = _kernels.maturing(
        age, cause > 0, (cause == 1).astype(float), np.zeros(len(age)), horizon
    )
    curve = forecast.competing_risks(age, cause, causes=[1, 2])
    k = np.searchsorted(curve.ages, horizon, side="right") - 1
    assert value == pytest.approx(curve.share[k, 0], abs=1e-12)
    assert (influence**2).sum() == pytest.approx(curve.variance[k, 0], rel=1e-9)
    assert influence.sum() == pytest.approx(0.0, abs=1e-12)


def test_influences_are_the_derivatives_by_the_weight_of_a_deal():
    age, cause, amount = paid_out(40, seed=3)
    entry = np.where(np.arange(40) % 3 == 0, np.minimum(6.0, age - 1.0), 0.0).clip(min=0.0)
    mark = np.where(cause == 1, amount, 0.0)
    for marks in (mark, None):
        whole, influence = _kernels.maturing(age, cause > 0, marks, entry, 25.0)
        for k in range(40):
            more = np.r_[np.arange(40).repeat(2000), k]
            again, _ = _kernels.maturing(
                age[more], cause[more] > 0, None if marks is None else marks[more], entry[more], 25.0
            )
            assert 80001 * (again - whole) == pytest.approx(40 * influence[k], rel=2e-2, abs=2e-2)


def test_without_unfinished_deals_the_share_is_a_plain_share_and_its_error_binomial():
    log = made().assign(closed_on=lambda t: t["closed_on"].fillna(t["created_on"]))
    log["outcome"] = log["outcome"].replace("open", "lost")
    cells = evaluation.before_after(
        log, changed_on=logs.day(182), as_of="2026-12-30", age=500, straddling=True, cluster=None
    ).cells
    old = log["created_on"] < logs.day(182)
    for cell, mine in zip(cells, (old, ~old), strict=True):
        won = (log["outcome"][mine] == "won").mean()
        n = mine.sum()
        near = (won * n + 1) / (n + 2)
        assert cell.value == pytest.approx(won, abs=1e-12)
        assert cell.standard_error == pytest.approx(np.sqrt(near * (1 - near) / (n - 1)), rel=1e-9)


def test_days_open_are_the_area_under_kaplan_meier():
    log = made()
    effect = compared(log, metric="days", age=60)
    after = log[log["created_on"] >= logs.day(182)]
    end = after["closed_on"].fillna(pd.Timestamp(logs.AS_OF))
    curve = forecast.kaplan_meier((end - after["created_on"]).dt.days, after["closed_on"].notna())
    grid = np.arange(0.0, 60.0)
    area = curve.at(grid)["survival"].sum()
    assert effect.cells[1].value == pytest.approx(area, abs=1e-9)


def test_amounts_per_deal_are_the_plain_mean_where_all_deals_matured():
    log = made()
    log = log[log["created_on"] < logs.day(100)]
    effect = evaluation.before_after(
        log, changed_on=logs.day(50), as_of=logs.AS_OF, metric="amount", age=200, straddling=True
    )
    after = log[log["created_on"] >= logs.day(50)]
    took = (after["closed_on"] - after["created_on"]).dt.days
    paid = after["amount"].where(took <= 200).fillna(0.0)
    assert effect.cells[1].value == pytest.approx(paid.mean())


def test_the_plain_mean_is_welchs_t_test():
    rng = np.random.default_rng(5)
    old, new = rng.normal(3, 1, 12), rng.normal(4, 3, 30)
    rows = pd.DataFrame({"on": ["2024-01-01"] * 12 + ["2024-02-01"] * 30, "value": np.r_[old, new]})
    effect = evaluation.before_after(rows, changed_on="2024-02-01", metric="mean", cluster=None)
    from scipy import stats

    peer = stats.ttest_ind(new, old, equal_var=False)
    assert effect.p_value == pytest.approx(peer.pvalue, rel=1e-9)
    assert (effect.lower, effect.upper) == pytest.approx(tuple(peer.confidence_interval()), rel=1e-9)


def test_a_planted_effect_is_found_and_none_is_not():
    assert compared(made(2, n=1500, lift=0.2)).is_significant
    assert not compared(made(2, n=1500)).is_significant


def test_false_alarms_at_placebo_dates_are_three_to_seven_in_a_hundred():
    rng = np.random.default_rng(1)
    alarms = sum(
        evaluation.before_after(
            logs.deals(rng, 200), changed_on=logs.day(rng.integers(90, 280)), as_of=logs.AS_OF
        ).is_significant
        for _ in range(500)
    )
    assert 0.03 <= alarms / 500 <= 0.07


def test_an_effect_as_large_as_the_smallest_visible_one_is_found_four_times_in_five():
    rng = np.random.default_rng(8)
    effects = [
        evaluation.before_after(
            logs.deals(rng, 500, lift=0.2),
            changed_on=logs.day(182),
            as_of=logs.AS_OF,
            age=100,
            straddling=True,
        )
        for _ in range(80)
    ]
    visible = np.mean([effect.smallest_visible for effect in effects])
    spread = np.mean([effect.standard_error for effect in effects])
    assert visible == pytest.approx((1.98 + 0.845) * spread, rel=0.05)
    assert np.std([effect.estimate for effect in effects]) == pytest.approx(spread, rel=0.2)


def test_young_deals_are_not_taken_for_lost_ones():
    """Of all deals created, far fewer of the young ones are won today; at one age there is no difference."""
    log = made(5, n=3000)
    young = log["created_on"] >= logs.day(300)
    naive = (log["outcome"] == "won")[young].mean() - (log["outcome"] == "won")[~young].mean()
    effect = evaluation.before_after(log, changed_on=logs.day(300), as_of=logs.AS_OF)
    assert naive < -0.1
    assert abs(effect.estimate) < 0.05
    assert not effect.is_significant


@given(st.integers(0, 10_000))
def test_the_order_of_rows_changes_no_bit(seed):
    log = made(seed % 7, n=60)
    shuffled = log.sample(frac=1, random_state=seed)
    assert compared(log).to_dict() == compared(shuffled).to_dict()


def test_what_happened_after_as_of_changes_nothing():
    log = made(3)
    later = pd.Timestamp(logs.day(250))
    known = log.copy()
    hidden = known["closed_on"] > later
    known.loc[hidden, "outcome"] = "open"
    known.loc[hidden, "closed_on"] = pd.NaT
    known = known[known["created_on"] <= later]
    options = {"changed_on": logs.day(150), "as_of": logs.day(250)}
    whole = evaluation.before_after(log, **options)
    assert whole.estimate == evaluation.before_after(known, **options).estimate
    assert dict(whole.set_aside)["dated after as_of"] == (log["created_on"] > later).sum()


def test_moving_all_dates_moves_nothing_else():
    log = made(6)
    moved = log.assign(
        created_on=log["created_on"] + pd.Timedelta(weeks=52),
        closed_on=log["closed_on"] + pd.Timedelta(weeks=52),
    )
    there = evaluation.before_after(
        moved, changed_on=str(np.datetime64(logs.day(182)) + 364), as_of=str(np.datetime64(logs.AS_OF) + 364)
    )
    assert there.estimate == compared(log).estimate
    assert there.p_value == compared(log).p_value


def test_every_row_is_compared_or_set_aside_with_a_reason():
    log = made()
    effect = evaluation.before_after(
        log, as_of=logs.day(300), before=(logs.day(10), logs.day(100)), after=(logs.day(120), logs.day(200))
    )
    assert sum(cell.n for cell in effect.cells) + sum(n for _, n in effect.set_aside) == len(log)


def test_deals_of_the_old_way_are_watched_up_to_the_change_unless_told_otherwise():
    log = made()
    cut, kept = compared(log, age=80), compared(log, age=80, straddling=True)
    assert cut.cells[0].still_open > kept.cells[0].still_open == 0
    assert cut.cells[1] == kept.cells[1]


def test_a_change_of_mix_is_not_taken_for_an_effect():
    rng = np.random.default_rng(3)
    log = made(14, n=4000)
    small = rng.random(4000) < np.where(log["created_on"] >= logs.day(182), 0.8, 0.3)
    dropped = small & (log["outcome"] == "won") & (rng.random(4000) < 0.6)
    log = log.assign(segment=np.where(small, "small", "large"), outcome=log["outcome"].mask(dropped, "lost"))
    assert compared(log).is_significant
    assert not compared(log, within="segment").is_significant


def test_a_stratum_that_one_side_lacks_is_set_aside():
    log = made(12, n=1000)
    new = (log["created_on"] >= logs.day(182)) & (np.arange(1000) % 4 == 0)
    effect = compared(log.assign(segment=np.where(new, "new", "old")), within="segment")
    assert dict(effect.set_aside) == {"in a stratum that one side lacks": int(new.sum())}
    assert effect.estimate == pytest.approx(compared(log[~new]).estimate, abs=1e-12)


def test_one_stratum_is_no_stratum():
    log = made(13)
    assert compared(log.assign(segment="all"), within="segment").to_dict() == compared(log).to_dict()


def test_deals_that_entered_the_log_late_count_from_then_on():
    log = made(9, n=2000)
    since = pd.Timestamp(logs.day(60))
    seen = log[~(log["closed_on"] < since)]
    late = compared(seen, observed_from=logs.day(60), straddling=True, age=60)
    assert late.cells[0].value == pytest.approx(
        compared(log, straddling=True, age=60).cells[0].value, abs=0.06
    )
    biased = compared(seen, straddling=True, age=60).cells[0].value
    assert abs(late.cells[0].value - compared(log, straddling=True, age=60).cells[0].value) < abs(
        biased - compared(log, straddling=True, age=60).cells[0].value
    )


def test_the_published_difference_in_differences():
    rows = [
        {"on": "1992-02-01", "treated": True, "value": 20.44},
        {"on": "1992-11-01", "treated": True, "value": 21.03},
        {"on": "1992-02-01", "treated": False, "value": 23.33},
        {"on": "1992-11-01", "treated": False, "value": 21.17},
    ]
    effect = evaluation.difference_in_differences(rows, changed_on="1992-04-01")
    assert effect.estimate == pytest.approx(2.75)
    assert np.isnan(effect.p_value)
    assert not effect.is_significant
    assert "only one cluster" in effect.reason


def test_with_whole_teams_it_is_welchs_test_on_the_change_of_each():
    rng = np.random.default_rng(3)
    rows = [
        {"team": team, "on": f"2024-0{month}-01", "treated": team < 5, "value": rng.normal(team, 1)}
        for team in range(11)
        for month in (1, 2, 3, 4, 5, 6)
    ]
    table = pd.DataFrame(rows)
    effect = evaluation.difference_in_differences(table, changed_on="2024-04-01", cluster="team")
    late = table["on"] >= "2024-04-01"
    change = table[late].groupby("team")["value"].mean() - table[~late].groupby("team")["value"].mean()
    from scipy import stats

    peer = stats.ttest_ind(change[:5], change[5:], equal_var=False)
    assert effect.p_value == pytest.approx(peer.pvalue, rel=1e-9)
    assert effect.clusters == 11


def test_a_shock_that_hits_both_groups_cancels_out():
    log = made(11, n=4000, lift=0.2)
    assert compared(log).is_significant
    effect = evaluation.difference_in_differences(
        log, changed_on=logs.day(182), as_of=logs.AS_OF, metric="share", cluster="rep_id"
    )
    assert not effect.is_significant


def test_groups_that_moved_apart_before_the_change_are_told():
    rng = np.random.default_rng(0)
    rows = [
        {
            "team": t,
            "on": f"2024-{m:02}-01",
            "treated": t < 8,
            "value": rng.normal(0, 0.3) + (m if t < 8 else 0),
        }
        for t in range(16)
        for m in range(1, 13)
    ]
    effect = evaluation.difference_in_differences(rows, changed_on="2024-09-01", cluster="team")
    assert effect.trends.is_significant
    assert "do not trust the effect" in effect.explain()


def test_an_empty_window_is_undefined_with_the_two_counts():
    log = made()
    effect = evaluation.before_after(log, changed_on="2025-06-01", as_of="2025-12-31")
    assert effect.reason == "no rows after (rows: before 600, after 0)"
    assert np.isnan(effect.p_value)
    assert not effect.is_significant
    assert json.loads(json.dumps(effect.to_dict(), allow_nan=False))["estimate"] is None


def test_an_age_that_no_deal_has_reached_is_undefined():
    effect = compared(made(), age=300)
    assert effect.reason.startswith("no deal before and after was seen from day 0 to day 300")


def test_deals_that_all_entered_late_say_nothing_of_early_ages():
    log = made(9)
    old = log[(log["created_on"] < logs.day(60)) & ~(log["closed_on"] < logs.day(100))]
    found = evaluation.cohorts(old, as_of=logs.AS_OF, age=30, observed_from=logs.day(100))
    assert found.rows == ()
    assert dict(found.set_aside) == {"in periods not seen to the age": len(old)}


def test_a_share_of_none_or_all_still_has_an_interval():
    log = made(1, n=200)
    log.loc[(log["created_on"] >= logs.day(182)) & (log["outcome"] == "won"), "outcome"] = "lost"
    effect = compared(log)
    assert effect.cells[1].value == 0.0
    assert effect.lower < effect.estimate < effect.upper


def test_windows_that_overlap_are_refused_with_their_days():
    with pytest.raises(InvalidInput) as caught:
        evaluation.before_after(
            made(),
            as_of="2024-12-30",
            before=("2024-01-01", "2024-04-01"),
            after=("2024-03-01", "2024-06-01"),
        )
    assert "2024-03-01" in str(caught.value)
    assert "2024-04-01" in str(caught.value)


def test_all_faults_of_the_deals_come_at_once_with_their_rows():
    rows = [
        {"deal_id": "a", "created_on": "2024-01-05", "closed_on": "2024-01-01", "outcome": "won"},
        {"deal_id": "b", "created_on": "2024-01-05", "closed_on": None, "outcome": "lost"},
        {"deal_id": "c", "created_on": None, "closed_on": None, "outcome": "open"},
        {"deal_id": "d", "created_on": "2024-01-05", "closed_on": "2024-01-07", "outcome": "open"},
    ]
    with pytest.raises(InvalidInput) as caught:
        evaluation.before_after(rows, changed_on="2024-02-01", as_of="2024-03-01")
    assert str(caught.value) == (
        "deals: 4 problems\n"
        "- deals.created_on: the date is missing (row 2 ('c'): None)\n"
        "- deals.closed_on: a deal that ended has the day on which it ended (row 1 ('b'): None)\n"
        "- deals.outcome: a deal with a day on which it ended has an outcome"
        " (row 3 ('d'): 'open', closed_on 2024-01-07)\n"
        "- deals.closed_on: comes before the deal was created"
        " (row 0 ('a'): created 2024-01-05, closed 2024-01-01)"
    )


@pytest.mark.parametrize(
    "options",
    [
        {"as_of": None},
        {"metric": "win_rate"},
        {"outcome": "win"},
        {"age": 0},
        {"age": "30"},
        {"level": 95},
        {"power": 1.0},
        {"cluster": "territory"},
        {"cluster": 7},
        {"before": "2024-01-01"},
        {"changed_on": None},
        {"changed_on": "soon"},
    ],
)
def test_an_option_that_cannot_be_meant_is_refused(options):
    with pytest.raises(InvalidInput):
        evaluation.before_after(made(), **({"changed_on": logs.day(182), "as_of": logs.AS_OF} | options))


def test_placebo_dates_on_drifting_data_say_so():
    deals = datasets.crm_sales().deals.dropna(subset=["created_on"])
    found = evaluation.placebo(deals, until="2018-01-01", n_dates=20)
    assert found.false_alarms > 0.2
    assert "move on their own" in found.explain()


def test_results_speak_text_html_frames_and_json():
    effect = compared(made())
    assert "<table>" in effect._repr_html_()
    assert list(effect.to_frame()["name"]) == ["before", "after", "effect"]
    json.dumps(effect.to_dict(), allow_nan=False)
    assert effect.plot().get_xlabel() == f"{effect.figure}, %"
    found = evaluation.placebo(made(), until=logs.day(300), n_dates=4)
    assert "Placebo" in found._repr_html_()
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize(("every", "n"), [("week", 43), ("month", 10), ("quarter", 3)])
def test_only_periods_whose_deals_all_had_the_time_are_told(every, n):
    log = made(15, n=2000)
    found = evaluation.cohorts(log, as_of=logs.AS_OF, age=60, every=every)
    last = max(row.on for row in found.rows)
    assert len(found.rows) == n
    assert all(on > last for on, _ in found.young)
    assert sum(row.n for row in found.rows) + sum(deals for _, deals in found.young) == len(log)
    mine = log[log["created_on"].dt.to_period("M") == "2024-03"]
    won = ((mine["closed_on"] - mine["created_on"]).dt.days <= 60) & (mine["outcome"] == "won")
    if every == "month":
        assert found.rows[2].value == pytest.approx(won.mean())


def test_cohorts_are_a_series_for_charts():
    found = evaluation.cohorts(made(16, n=2000), as_of=logs.AS_OF, age=60, every="week")
    chart = evaluation.control_chart(found)
    assert len(chart.values) == len(found.rows)
    assert chart.labels[0] == found.rows[0].on
    json.dumps(found.to_dict(), allow_nan=False)
    assert "<table>" in found._repr_html_()
    assert found.plot().get_ylabel() == "share won by day 60"


@pytest.mark.parametrize("options", [{"age": 0}, {"every": "day"}, {"metric": "mean"}, {"as_of": None}])
def test_cohorts_that_cannot_be_meant_are_refused(options):
    with pytest.raises(InvalidInput):
        evaluation.cohorts(made(), **({"age": 60, "as_of": logs.AS_OF} | options))
