"""The scikit-learn face: a pooled win classifier, the trailing mean as regressor, splits in order of time.

Needs the extra: ``pip install "salesops[sklearn]"``. Nothing of scikit-learn is imported before one of its
estimators is named. ``PooledWinClassifier`` and ``TrailingMeanRegressor`` are estimators like any other,
for pipelines, grid search and cross-validation; ``AsOfSplit`` never trains on what came later::

    from salesops.forecast.sklearn import AsOfSplit, PooledWinClassifier
    from sklearn.model_selection import cross_val_score

    split = AsOfSplit(deals["created_on"], deals["closed_on"], cutoffs=["2024-03-31", "2024-06-30"])
    cross_val_score(PooledWinClassifier(), features, is_won, cv=split, scoring="neg_brier_score")
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from salesops._calendar import business_dates, day_of
from salesops._faults import import_extra, refuse
from salesops.forecast.pooling import pooled_rates

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_FURTHEST = 30.0


class _PooledWin:
    """Give the probability of a win from categories, each value's win rate leaning on the whole.

    The log-odds of a deal are those of all deals plus, for each column, how far the log-odds of its value lie
    from them. A value with few deals leans on the whole (``forecast.pooled_rates``), an unknown one says
    nothing. A column with more than `n_values` distinct values is cut into so many groups of equal size.

    Parameters
    ----------
    n_values : int, default 10
        Distinct values of a column up to which each is a category.

    Attributes
    ----------
    classes_ : ndarray, shape (2,)
        Lost and won: the second class is the win.
    n_features_in_ : int
    base_ : float
        Win rate of all deals.
    edges_ : list of ndarray
        For each column, the categories or the inner edges of its groups.
    is_cut_ : list of bool
        Whether the column was cut into groups.
    rates_ : list of ndarray
        For each column, the pooled rate of each value.
    """

    classes_: npt.NDArray[Any]

    def __init__(self, n_values: int = 10) -> None:
        self.n_values = n_values

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803  (the names that scikit-learn prescribes)
        """Learn the pooled win rate of each value of each column."""
        checks = import_extra("sklearn.utils.validation", "sklearn")
        multiclass = import_extra("sklearn.utils.multiclass", "sklearn")
        values, target = checks.validate_data(self, X, y)
        multiclass.check_classification_targets(target)
        self.classes_, won = np.unique(target, return_inverse=True)
        if isinstance(self.n_values, bool) or self.n_values < 2:
            raise refuse("n_values", "is a whole number, 2 or more", self.n_values)
        if len(self.classes_) != 2:
            kind = multiclass.type_of_target(target)
            told = "Classifier can't train when only one class is present; it takes two: lost and won"
            if len(self.classes_) > 2:
                told = f"Only binary classification is supported. The type of the target is {kind}."
            raise refuse("y", told, len(self.classes_))
        self.base_ = float((won.sum() + 0.5) / (len(won) + 1.0))
        self.edges_, self.is_cut_, self.rates_ = [], [], []
        for column in values.T:
            edges, is_cut = _categories(column, self.n_values)
            place = _places(column, edges, is_cut=is_cut)
            n = np.bincount(place, minlength=len(edges) + 1)
            hits = np.bincount(place, weights=won, minlength=len(edges) + 1).astype(np.int64)
            rates = np.full(len(n), self.base_)
            if (n > 0).sum() > 1:
                rates[n > 0] = pooled_rates(hits[n > 0], n[n > 0]).to_frame()["pooled"].to_numpy()
            self.edges_.append(edges)
            self.is_cut_.append(is_cut)
            self.rates_.append(rates)
        return self

    def decision_function(self, X: Any) -> Floats:  # noqa: N803  (the names that scikit-learn prescribes)
        """Give the log-odds of a win."""
        checks = import_extra("sklearn.utils.validation", "sklearn")
        checks.check_is_fitted(self)
        values = checks.validate_data(self, X, reset=False)
        odds = np.full(len(values), _log_odds(np.array(self.base_)))
        for column, edges, is_cut, rates in zip(
            values.T, self.edges_, self.is_cut_, self.rates_, strict=True
        ):
            odds = (
                odds
                + _log_odds(rates)[_places(column, edges, is_cut=is_cut)]
                - _log_odds(np.array(self.base_))
            )
        found: Floats = np.clip(odds, -_FURTHEST, _FURTHEST)
        return found

    def predict_proba(self, X: Any) -> Floats:  # noqa: N803  (the names that scikit-learn prescribes)
        """Give the probabilities of lost and won."""
        won = 1.0 / (1.0 + np.exp(-self.decision_function(X)))
        return np.stack([1.0 - won, won], axis=1)

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803  (the names that scikit-learn prescribes)
        """Give the likelier class."""
        likelier = (self.decision_function(X) > 0).astype(np.int64)
        chosen: npt.NDArray[Any] = self.classes_[likelier]
        return chosen

    def __sklearn_tags__(self) -> Any:
        """Say that the target has two classes."""
        tags = super().__sklearn_tags__()  # type: ignore[misc]  # BaseEstimator's, joined below
        tags.classifier_tags.multi_class = False
        return tags


class _TrailingMean:
    """Predict the mean of the last few values of the target, whatever the features: the rule to beat.

    Rows are periods in order of time.

    Parameters
    ----------
    n_periods : int, default 6
        Values, or as many as there are.

    Attributes
    ----------
    mean_ : float
    n_features_in_ : int
    """

    def __init__(self, n_periods: int = 6) -> None:
        self.n_periods = n_periods

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803  (the names that scikit-learn prescribes)
        """Take the mean of the last values."""
        checks = import_extra("sklearn.utils.validation", "sklearn")
        if isinstance(self.n_periods, bool) or self.n_periods < 1:
            raise refuse("n_periods", "is a whole number, 1 or more", self.n_periods)
        _, target = checks.validate_data(self, X, y, y_numeric=True)
        self.mean_ = float(np.mean(target[-self.n_periods :]))
        return self

    def predict(self, X: Any) -> Floats:  # noqa: N803  (the names that scikit-learn prescribes)
        """Give the same mean for every row."""
        checks = import_extra("sklearn.utils.validation", "sklearn")
        checks.check_is_fitted(self)
        values = checks.validate_data(self, X, reset=False)
        return np.full(len(values), self.mean_)

    def __sklearn_tags__(self) -> Any:
        """Say that the features are not looked at."""
        tags = super().__sklearn_tags__()  # type: ignore[misc]  # BaseEstimator's, joined below
        tags.regressor_tags.poor_score = True
        return tags


class AsOfSplit:
    """Split rows in order of time: train on what was decided by a cutoff, test on what came after it.

    A deal that was open on the cutoff is no training row for that cutoff, however early it was created: its
    outcome was not known.

    Parameters
    ----------
    created_on, decided_on : sequence of date or ISO text
        When each row became known, and when its outcome did; no date where it has none yet.
    cutoffs : sequence of date or ISO text
        One split for each.

    Attributes
    ----------
    cutoffs : tuple of date

    Examples
    --------
    >>> created = ["2024-01-01", "2024-01-05", "2024-02-01"]
    >>> split = AsOfSplit(created, ["2024-01-20", "2024-02-20", "2024-02-25"], cutoffs=["2024-01-31"])
    >>> [(train.tolist(), test.tolist()) for train, test in split.split([0, 0, 0])]
    [([0], [1, 2])]
    """

    def __init__(self, created_on: Any, decided_on: Any, *, cutoffs: Sequence[object]) -> None:
        self._created = business_dates(created_on, path="created_on")
        self._decided = business_dates(decided_on, path="decided_on")
        if len(self._created) != len(self._decided):
            raise refuse(
                "created_on, decided_on", "have one length", (len(self._created), len(self._decided))
            )
        self.cutoffs = tuple(sorted({day_of("cutoffs", day) for day in cutoffs}))
        if not self.cutoffs:
            raise refuse("cutoffs", "holds at least one day", cutoffs)

    def split(
        self,
        X: Any,  # noqa: N803  (the names that scikit-learn prescribes)
        y: Any = None,
        groups: Any = None,
    ) -> Iterator[tuple[Ints, Ints]]:
        """Give rows to train on and rows to test on, cutoff by cutoff.

        Parameters
        ----------
        X : array-like, shape (n_rows, ...)
        y, groups : ignored

        Yields
        ------
        tuple of ndarray of int
        """
        del y, groups
        n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        if n_rows != len(self._created):
            raise refuse("X", "has a row for each date", n_rows)
        for cutoff in self.cutoffs:
            day = np.datetime64(cutoff, "D")
            known = self._decided <= day
            later = (self._decided > day) & ~np.isnat(self._created)
            yield np.flatnonzero(known), np.flatnonzero(later)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: N803  (theirs)
        """Count the splits.

        Parameters
        ----------
        X, y, groups : ignored

        Returns
        -------
        int
        """
        del X, y, groups
        return len(self.cutoffs)


def _categories(column: Floats, n_values: int) -> tuple[npt.NDArray[Any], bool]:
    """Take the values of a column as categories, or inner edges that cut it into groups of equal size."""
    distinct = np.unique(column)
    if len(distinct) <= n_values:
        return distinct, False
    ranks = np.arange(1, n_values) / n_values
    return np.unique(np.quantile(column, ranks, method="inverted_cdf")), True


def _places(column: Floats, edges: npt.NDArray[Any], *, is_cut: bool) -> Ints:
    """Find the group of each value; a category that was never seen is the last."""
    if is_cut:
        return np.searchsorted(edges, column, side="left").astype(np.int64)
    place = np.minimum(np.searchsorted(edges, column), len(edges) - 1)
    return np.where(edges[place] == column, place, len(edges)).astype(np.int64)


def _log_odds(rate: Floats) -> Floats:
    inside = np.clip(rate, 1e-9, 1.0 - 1e-9)
    odds: Floats = np.log(inside / (1.0 - inside))
    return odds


_PARTS = {
    "PooledWinClassifier": (_PooledWin, "ClassifierMixin"),
    "TrailingMeanRegressor": (_TrailingMean, "RegressorMixin"),
}


def __getattr__(name: str) -> Any:
    """Join an estimator with its scikit-learn base when it is first named."""
    if name not in _PARTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    base = import_extra("sklearn.base", "sklearn")
    plain, mixin = _PARTS[name]
    members = {"__module__": __name__, "__doc__": plain.__doc__}
    made = type(name, (plain, getattr(base, mixin), base.BaseEstimator), members)
    globals()[name] = made
    return made
