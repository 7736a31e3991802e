"""The scikit-learn face: official checks, pipelines, search and splits in order of time."""

import pickle

import numpy as np
import pytest

from salesops.errors import InvalidInput
from salesops.forecast import sklearn as face

skl = pytest.importorskip("sklearn", reason="scikit-learn is in the extra sklearn")

ESTIMATORS = ["PooledWinClassifier", "TrailingMeanRegressor"]


def deals(n=600, seed=0):
    rng = np.random.default_rng(seed)
    region, source, amount = rng.integers(0, 4, n), rng.integers(0, 3, n), rng.lognormal(0, 1, n)
    odds = -0.5 + 0.9 * region - 1.2 * (source == 2) + 0.5 * np.log(amount)
    return np.stack([region, source, amount], axis=1), (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_official_checks_pass(name):
    from sklearn.utils.estimator_checks import check_estimator

    check_estimator(getattr(face, name)(), on_skip=None)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_is_cloned_and_pickled(name):
    from sklearn.base import clone

    features, won = deals()
    fitted = clone(getattr(face, name)()).fit(features, won)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict(features), fitted.predict(features))


def test_it_ranks_deals_better_than_chance_and_its_probabilities_are_near():
    features, won = deals(4000)
    model = face.PooledWinClassifier().fit(features[:2000], won[:2000])
    share = model.predict_proba(features[2000:])[:, 1]
    from sklearn.metrics import roc_auc_score

    assert roc_auc_score(won[2000:], share) > 0.7
    assert abs(share.mean() - won[2000:].mean()) < 0.05


def test_a_value_never_seen_says_nothing():
    features, won = deals()
    model = face.PooledWinClassifier().fit(features[:, :1], won)
    assert model.predict_proba([[99.0]])[0, 1] == pytest.approx(model.base_)


def test_it_works_in_a_pipeline_and_in_a_search():
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features, won = deals()
    pipe = make_pipeline(StandardScaler(), face.PooledWinClassifier())
    search = GridSearchCV(pipe, {"pooledwinclassifier__n_values": [3, 8]}, cv=3).fit(features, won)
    assert search.best_score_ > won.mean()


def test_splits_in_order_of_time_train_on_what_was_decided():
    from sklearn.model_selection import cross_val_score

    features, won = deals()
    created = np.datetime64("2024-01-01") + np.arange(600) // 3
    decided = created + np.arange(600) % 40
    split = face.AsOfSplit(created, decided, cutoffs=["2024-04-30", "2024-06-15"])
    for (train, test), cutoff in zip(split.split(features), split.cutoffs, strict=True):
        assert (decided[train] <= np.datetime64(cutoff)).all()
        assert (decided[test] > np.datetime64(cutoff)).all()
    scores = cross_val_score(face.PooledWinClassifier(), features, won, cv=split, scoring="neg_brier_score")
    assert len(scores) == split.get_n_splits() == 2


def test_a_target_of_one_class_is_refused():
    with pytest.raises(InvalidInput):
        face.PooledWinClassifier().fit([[1.0], [2.0]], [1, 1])
