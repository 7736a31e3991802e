"""Figures of reps that are no credits, such as scores, margins and levels, by rep and period."""

from __future__ import annotations

import attrs
import numpy as np
import pandas as pd

from salesops import _money as money
from salesops._frames import Labels, Reader, check_known
from salesops._money import BoolArray, IntArray
from salesops.comp._periods import Terms
from salesops.errors import Problem

DECIMALS = 6
UNIT = 10**DECIMALS


@attrs.frozen(eq=False)
class Metrics:
    """Values in millionths, by sorted key of metric, rep and period (the last slot is every period)."""

    keys: IntArray
    values: IntArray
    names: tuple[str, ...]
    n_reps: int
    n_periods: int
    unit: int = UNIT

    def find(self, rep: IntArray, period: IntArray, metric: str) -> tuple[IntArray, BoolArray]:
        """Find the value of each rep in each period, and whether there is one."""
        own, known = self._find(rep, period, metric)
        every, always = self._find(rep, np.full(len(rep), self.n_periods), metric)
        return np.where(known, own, every), known | always

    def _find(self, rep: IntArray, period: IntArray, metric: str) -> tuple[IntArray, BoolArray]:
        if metric not in self.names or not len(self.keys):
            return np.zeros(len(rep), dtype=np.int64), np.zeros(len(rep), dtype=np.bool_)
        key = _key(self.names.index(metric), rep, period, self.n_reps, self.n_periods)
        place = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        known = self.keys[place] == key
        return np.where(known, self.values[place], 0), known


def _key(metric: int | IntArray, rep: IntArray, period: IntArray, n_reps: int, n_periods: int) -> IntArray:
    return np.asarray((metric * n_reps + rep) * (n_periods + 1) + period, dtype=np.int64)


def read_metrics(
    frame: pd.DataFrame | None, terms: Terms, reps: Labels, known_as: str | None, faults: list[Problem]
) -> Metrics:
    """Take the table ``rep_id, metric, value[, period]``; without a period a value holds in every one."""
    nothing = np.empty(0, dtype=np.int64)
    if frame is None:
        return Metrics(nothing, nothing, (), len(reps), len(terms))
    table = Reader(frame, "metrics", key=("rep_id", "metric"), faults=faults)
    ids = table.ids("rep_id")
    if known_as:
        check_known(faults, "metrics.rep_id", ids, reps, known_as, table.rows)
    rep = reps.codes(ids)
    named = table.texts("metric")
    value, fit = read_decimals(table, "value")
    at = table.texts("period", optional=True, choices=terms.names)
    place = {name: k for k, name in enumerate(terms.names)}
    period = np.array([len(terms) if name is None else place.get(name, -1) for name in at], dtype=np.int64)
    names = tuple(sorted({name for name in named if isinstance(name, str)}))
    code = np.array([names.index(name) if name in names else -1 for name in named], dtype=np.int64)
    rows = np.flatnonzero((rep >= 0) & (code >= 0) & (period >= 0) & fit)
    key = _key(code[rows], rep[rows], period[rows], len(reps), len(terms))
    order = np.argsort(key, kind="stable")
    again = order[1:][key[order][1:] == key[order][:-1]]
    hint = "give one value of each figure for a rep and period"
    table.fault("value", rows[again], "two values of one figure for one rep and period", hint=hint)
    return Metrics(key[order], value[rows][order], names, len(reps), len(terms))


def read_decimals(table: Reader, column: str, *, optional: bool = False) -> tuple[IntArray, BoolArray]:
    """Take a column of exact numbers in millionths; say which could be read."""
    cells = table.cells(column)
    if cells is None:
        return np.zeros(len(table), dtype=np.int64), np.zeros(len(table), dtype=np.bool_)
    value, refused = money.parse(cells, DECIMALS)
    fit = np.ones(len(table), dtype=np.bool_)
    for rule in refused:
        fit[rule.positions] = False
        if not (optional and rule.message == money.MISSING_RULE):
            message = rule.message.replace("than its currency", "than six")
            message = message.replace("an amount", "a figure").replace("minor units", "millionths")
            table.fault(column, rule.positions, message)
    return value, fit
