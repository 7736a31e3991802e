"""Ids of lines by content: what a line stands for, not where it stands or what it pays.

A line is known by its rep, period, plan, component, rule, credit, tier and event. A later run with other
amounts gives the same line the same id, so that a ledger can post the difference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops._frames.ids import family
from salesops.comp._lines import CLAWBACK, PLAN, RULES, Lines, Names

Words = NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def line_keys(lines: Lines, names: Names) -> NDArray[np.object_]:
    """Give each line an id of 32 hexadecimal digits."""
    reps = _words(names.reps.values[np.unique(lines.rep)].tolist())
    credits = np.unique(lines.credit[lines.credit >= 0])
    spread = np.zeros(int(lines.credit.max(initial=-1)) + 2, dtype=np.int64)
    spread[credits] = np.arange(len(credits)) + 1
    by_credit = _words(["", *names.credits[credits].tolist()])
    events = _words([*names.events.tolist(), ""])
    plans = _words([plan.plan_id for plan in names.plans])
    parts, part = _parts(lines, names)
    event = np.where(lines.rule == CLAWBACK, lines.prior, len(names.events))
    backwards = np.asarray(lines.start + lines.end < 0, dtype=np.uint64)
    column = [
        reps[np.searchsorted(np.unique(lines.rep), lines.rep)],
        _words(names.periods)[lines.period],
        plans[lines.plan],
        parts[part],
        _words(RULES)[lines.rule],
        by_credit[spread[lines.credit]],
        events[event],
    ]
    numbers = [(lines.tier + 2).astype(np.uint64), backwards]
    numbers.append(np.where(lines.rule == CLAWBACK, 0, lines.prior + 2).astype(np.uint64))
    low = _combine([*(words[:, 0] for words in column), *numbers])
    high = _combine([*(words[:, 1] for words in column), *numbers])
    again = pd.Series(low).groupby(low, sort=False).cumcount().to_numpy().astype(np.uint64)
    low, high = _combine([low, again]), _combine([high, again])
    pairs = zip(high.tolist(), low.tolist(), strict=True)
    return np.array([f"{a:016x}{b:016x}" for a, b in pairs], dtype=object)


def _parts(lines: Lines, names: Names) -> tuple[Words, NDArray[np.int64]]:
    """Give the words of component names, and the place of each line's among them."""
    widest = max((len(plan.components) for plan in names.plans), default=0) + 2
    named = [
        component
        for plan in names.plans
        for component in [part.name for part in plan.components] + [PLAN] * (widest - len(plan.components))
    ]
    return _words(named), lines.plan * widest + lines.part


def _words(labels: Iterable[Any]) -> Words:
    """Hash labels by kind and value into two words each."""
    found = [hashlib.blake2b(_bytes(label), digest_size=16).digest() for label in labels]
    return np.frombuffer(b"".join(found), dtype="<u8").reshape(-1, 2).astype(np.uint64)


def _bytes(label: Any) -> bytes:
    return f"{family(label)}:{label!r}".encode("utf-8", "backslashreplace")


def _combine(columns: list[Words]) -> Words:
    """Mix columns of words into one, each in its place."""
    state = np.zeros(len(columns[0]), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for column in columns:
            state = (state ^ column) + _STEP
            state = (state ^ (state >> np.uint64(30))) * _MIX[0]
            state = (state ^ (state >> np.uint64(27))) * _MIX[1]
            state = state ^ (state >> np.uint64(31))
    return state
