"""The open deals that a forecast is asked for: ids, a table with their ids, or a snapshot."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import cast

import numpy as np
import pandas as pd

from salesops._frames import Reader
from salesops.errors import InvalidInput, Problem, show
from salesops.forecast.history import History

_HINT = "a model forecasts the deals that its snapshot holds; fit it as of a later day"


def asked(open_deals: object) -> tuple[Hashable, ...] | None:
    """Give the ids that are asked for, each once; None if all open deals are.

    A log of events or a History means the deals that are open at its end.
    """
    if open_deals is None:
        return None
    if isinstance(open_deals, History):
        return _open_at_the_end(open_deals)
    if not _is_table(open_deals):
        return tuple(dict.fromkeys(cast("Iterable[Hashable]", open_deals)))
    table = Reader(open_deals, "open_deals", key=("deal_id",))
    if table.has("entered_on") and table.has("stage"):
        return _open_at_the_end(History.from_events(table.frame))
    ids = table.ids("deal_id")
    table.finish()
    return tuple(dict.fromkeys(ids.labels()))


def check_open(wanted: Collection[Hashable], standing: Collection[Hashable]) -> None:
    """Refuse deals that are not open in the snapshot that a model was fitted on."""
    missing = [name for name in wanted if name not in standing]
    if missing:
        values = tuple(show(name) for name in missing)
        fault = Problem(path="open_deals", message="is not open in the snapshot", values=values, hint=_HINT)
        raise InvalidInput("open_deals: 1 problem", [fault])


def _is_table(given: object) -> bool:
    if isinstance(given, pd.DataFrame | Mapping) or hasattr(given, "columns"):
        return True
    if isinstance(given, str) or not isinstance(given, Iterable):
        return True
    is_list = isinstance(given, list | tuple) and len(given) > 0
    return is_list and all(isinstance(row, Mapping) or hasattr(row, "__attrs_attrs__") for row in given)


def _open_at_the_end(history: History) -> tuple[Hashable, ...]:
    """Find the deals whose last event is no end; of events at one moment an end comes last."""
    events = history.events
    ends = (history.won, history.lost, *history.no_decision)
    is_end = np.array([name in ends for name in (*events.stages, "")], dtype=bool)[events.stage]
    order = np.lexsort((is_end, events.moment, events.deal))
    deal = events.deal[order]
    last = np.append(deal[1:] != deal[:-1], True)[: len(deal)]
    return tuple(events.deals[k] for k in deal[last & ~is_end[order]].tolist())
