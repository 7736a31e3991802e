"""What changes hands between two plans."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from salesops._frames import Labels
from salesops.territory._united import ids_of
from salesops.territory.inputs import labels_at


def changed(before: Any, after: Any, start: dt.date) -> dict[str, list[Any]]:
    """List the leads whose owner differs between two plans."""
    leads = Labels.of(ids_of(before.lead_labels), ids_of(after.lead_labels))
    reps = Labels.of(ids_of(before.rep_labels), ids_of(after.rep_labels))
    every = ids_of(leads)
    is_in, owner = [], []
    for plan in (before, after):
        at, rep = plan.lead_labels.codes(every), reps.codes(ids_of(plan.rep_labels))
        whose = np.append(plan.owner, -1)[at]
        is_in.append(at >= 0)
        owner.append(np.where(whose >= 0, np.append(rep, -1)[whose], -1))
    was, now = owner
    moved = np.flatnonzero(was != now)
    change = np.select(
        [~is_in[0][moved], ~is_in[1][moved], was[moved] < 0, now[moved] < 0],
        ["new lead", "lead gone", "taken up", "given up"],
        "handover",
    )
    return {
        "lead_id": leads.values[moved].tolist(),
        "from_rep_id": labels_at(reps, was[moved]).tolist(),
        "to_rep_id": labels_at(reps, now[moved]).tolist(),
        "on": [start] * len(moved),
        "change": change.tolist(),
    }
