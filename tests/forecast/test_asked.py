"""The open deals that a model is asked for, in every form in which a caller has them."""

import numpy as np
import pandas as pd
import pytest

from salesops import datasets, forecast
from salesops.datasets import CrmProcess
from salesops.errors import InvalidInput

DAY = "2022-02-15"


@pytest.fixture(scope="module")
def world():
    process = CrmProcess(n_reps=6, n_teams=2, deals_per_day=3)
    return datasets.make_crm(11, ends_on="2022-06-30", process=process)


@pytest.fixture(scope="module")
def seen(world):
    return forecast.History.from_events(world.history).snapshot(DAY)


@pytest.fixture(scope="module")
def model(world):
    return forecast.PipelineForecaster().fit(forecast.History.from_events(world.history), as_of=DAY)


@pytest.fixture(scope="module")
def standing(model):
    return model.predict(horizon=28).deals()["deal_id"].tolist()


FORMS = {
    "ids": lambda ids, log: ids,
    "array": lambda ids, log: np.array(ids),
    "set": lambda ids, log: set(ids),
    "series": lambda ids, log: pd.Series(ids),
    "frame": lambda ids, log: pd.DataFrame({"deal_id": ids, "amount": 1.0}),
    "rows": lambda ids, log: [{"deal_id": name} for name in ids],
    "columns": lambda ids, log: {"deal_id": ids},
    "log": lambda ids, log: log[log["entered_on"] <= DAY].sample(frac=1.0, random_state=1),
    "history": lambda ids, log: forecast.History.from_events(log).snapshot(DAY),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_open_deals_are_the_same_in_every_form(world, model, standing, form):
    given = FORMS[form](standing, world.history)
    whole = model.predict(horizon=28)
    assert model.predict(given, horizon=28).to_frame().equals(whole.to_frame())


def test_a_log_in_which_only_some_deals_are_open_asks_for_these(world, model, standing):
    some = standing[:7]
    log = world.history[world.history["deal_id"].isin(some) & (world.history["entered_on"] <= DAY)]
    assert sorted(model.predict(log, horizon=28).deals()["deal_id"]) == sorted(some)


@pytest.mark.parametrize("rule", [forecast.LastPeriod(), forecast.StageWeighted()])
def test_rules_are_called_like_the_model(seen, standing, rule):
    fitted = rule.fit(seen)
    whole = fitted.predict(horizon=28)
    assert fitted.predict(seen, horizon=28).to_frame().equals(whole.to_frame())
    some = fitted.predict(standing[:5], horizon=28).mean
    assert some < whole.mean if isinstance(rule, forecast.StageWeighted) else some == whole.mean
    with pytest.raises(InvalidInput, match=r"open_deals: is not open in the snapshot \('none such'\)"):
        fitted.predict(["none such"], horizon=28)


def test_the_true_process_draws_only_the_deals_that_are_asked_for(world, seen, standing):
    floor = forecast.TrueProcess(truth=world.truth, n_draws=30).fit(seen)
    assert floor.predict(seen, horizon=28).mean == floor.predict(horizon=28).mean
    assert floor.predict(standing[:1], horizon=28).mean < floor.predict(horizon=28).mean
    with pytest.raises(InvalidInput, match="open_deals: is not open"):
        floor.predict(["none such"], horizon=28)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (7, "is not a table"),
        ("d1", "is not a table"),
        ([{"deal": 1}], r"open_deals\.deal_id: the column is missing"),
        ([{"deal_id": None}], r"open_deals\.deal_id: the id is missing"),
    ],
)
def test_what_names_no_deals_is_refused(model, given, told):
    with pytest.raises(InvalidInput, match=told):
        model.predict(given, horizon=28)
