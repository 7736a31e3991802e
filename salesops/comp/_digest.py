"""What the tables of a run said, as one hash."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from salesops._money import IntArray
from salesops.comp._seats import Given

_UTF8 = ("utf-8", "backslashreplace")


def digest(given: Given, order: IntArray) -> str:
    """Hash what the tables say, in canonical order."""
    sheet, terms, assigned = given.sheet, given.terms, given.assigned
    digest = hashlib.sha256()
    for labels in (sheet.names, sheet.reps):
        values = labels.values
        text = (
            values.tobytes()
            if values.dtype.kind == "i"
            else "\n".join(map(repr, values.tolist())).encode(*_UTF8)
        )
        digest.update(b"%d\n" % len(values) + text)
    for column in (sheet.rank, sheet.rep, sheet.day, sheet.amount, sheet.measure, sheet.triage.status):
        digest.update(np.ascontiguousarray(column[order]).tobytes())
    codes, currencies = pd.factorize(sheet.currency[order], sort=True)
    digest.update(codes.tobytes())
    rep = sheet.reps.codes(assigned.reps)
    spans = np.array(
        sorted(zip(rep, assigned.start, assigned.end, assigned.plan, strict=True)), dtype=np.int64
    )
    books = (given.quotas.keys, given.quotas.amounts, given.target_pay.keys, given.target_pay.amounts)
    rates = (given.metrics.keys, given.metrics.values, sheet.fx.keys, sheet.fx.rates)
    for numbers in (spans, terms.starts, terms.ends, *books, *rates):
        digest.update(np.ascontiguousarray(numbers).tobytes())
    known = (currencies.tolist(), sheet.measures, terms.names, sheet.currencies, given.metrics.names)
    digest.update(repr((*known, sheet.fx.pairs, sorted(given.opening.items()))).encode(*_UTF8))
    digest.update(repr(_more(given, order)).encode(*_UTF8))
    return digest.hexdigest()


def _more(given: Given, order: IntArray) -> list[object]:
    """List what only some plans read: columns of credits, events, and the reporting tree."""
    sheet, events, tree = given.sheet, given.events, given.reporting
    said: list[object] = [(name, cells[order].tolist()) for name, cells in sheet.columns.texts.items()]
    said += [(name, value[order].tolist()) for name, (value, _) in sheet.columns.numbers.items()]
    said += [(name, day[order].tolist()) for name, (day, _) in sheet.columns.dates.items()]
    said.append(sheet.whole[order].tolist() if sheet.whole is not sheet.amount else [])
    happened = zip(
        events.ids.labels(), events.kinds, events.day, events.rank, events.deal, events.amount, strict=True
    )
    said += sorted(map(repr, happened))
    if tree is not None:
        said += sorted(
            map(repr, zip(tree.rep.labels(), tree.manager.labels(), tree.start, tree.end, strict=True))
        )
    return said
