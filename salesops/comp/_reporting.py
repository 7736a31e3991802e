"""The reporting tree by days: who stands above whom when a credit is earned."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from salesops._frames import Ids, Reader
from salesops._money import IntArray
from salesops.comp._periods import FIRST_DAY, LAST_DAY, Spans, overlapping, read_spans, span_text
from salesops.errors import Problem, show


class Lines(NamedTuple):
    """Rows of the table: who reports to whom, from when until when."""

    rep: Ids
    manager: Ids
    start: IntArray
    end: IntArray


class Above(NamedTuple):
    """Credits seen from above: the row of the credit, the manager, and how many levels lie between."""

    row: IntArray
    manager: IntArray
    level: IntArray


def read_reporting(
    frame: pd.DataFrame | None, reps: pd.DataFrame | None, faults: list[Problem]
) -> Lines | None:
    """Take the table ``rep_id, manager_id[, start, end]``, else the column manager_id of the reps."""
    if frame is None:
        if reps is None or "manager_id" not in reps.columns:
            return None
        table = Reader(reps, "reps", key=("rep_id",), faults=[])
        rep, manager = table.ids("rep_id"), table.ids("manager_id", optional=True)
        ever = np.full(len(table), FIRST_DAY), np.full(len(table), LAST_DAY)
        known = manager.codes >= 0
        return Lines(rep.take(known), manager.take(known), ever[0][known], ever[1][known])
    table = Reader(frame, "reporting", key=("rep_id", "manager_id"), faults=faults)
    rep, manager = table.ids("rep_id"), table.ids("manager_id")
    start, end = read_spans(table)
    partner = dict(pair for a, b in overlapping(rep.codes, start, end) for pair in ((a, b), (b, a)))
    table.fault(
        "manager_id",
        sorted(partner),
        "a rep has one manager at a time",
        value=lambda k: f"{show(manager.label(k))} {span_text(start, end, k)}",
        hint="end is the day after the last; give a second line of reporting a run of its own",
    )
    return Lines(rep, manager, start, end)


def climb(
    rep: IntArray, day: IntArray, lines: tuple[IntArray, IntArray, IntArray, IntArray], depth: int | None
) -> tuple[Above, list[int]]:
    """Climb from each credit to everybody above its rep; give a ring of managers if the climb never ends."""
    report, manager, start, end = lines
    spans = Spans.of(report, start, end)
    row, boss = np.arange(len(rep)), rep
    found: list[tuple[IntArray, IntArray, IntArray]] = []
    most = len(np.unique(report)) + 1
    level = 0
    while len(row) and (depth is None or level < depth):
        level += 1
        place = spans.find(boss, day[row])
        keep = place >= 0
        row, boss = row[keep], manager[place[keep]]
        if level > most:
            return Above(*(np.empty(0, dtype=np.int64) for _ in range(3))), _ring(
                boss[:1], day[row[:1]], manager, spans
            )
        found.append((row, boss, np.full(len(row), level)))
    columns = [np.concatenate([part[k] for part in found]) if found else row[:0] for k in range(3)]
    return Above(*columns), []


def _ring(boss: IntArray, day: IntArray, manager: IntArray, spans: Spans) -> list[int]:
    """Walk once around a ring, from its first member in order and back to it."""
    members = [int(boss[0])]
    while True:
        boss = manager[spans.find(boss, day)]
        if int(boss[0]) == members[0]:
            break
        members.append(int(boss[0]))
    start = members.index(min(members))
    turned = members[start:] + members[:start]
    return [*turned, turned[0]]
