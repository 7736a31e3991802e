"""Random logs of deals that follow the rules, for the property tests."""

import datetime as dt

import pandas as pd
from hypothesis import strategies as st

STAGES = ["new", "qualified", "proposal"]
START = dt.date(2024, 1, 1)


@st.composite
def events(draw, max_deals=12):
    """Rows (deal, stage, ISO day): open stages in any order, at most one end, which comes last."""
    rows = []
    for deal in range(draw(st.integers(1, max_deals))):
        at = START + dt.timedelta(days=draw(st.integers(0, 40)))
        for _ in range(draw(st.integers(1, 4))):
            rows.append((f"d{deal}", draw(st.sampled_from(STAGES)), at.isoformat()))
            at += dt.timedelta(days=draw(st.integers(0, 12)))
        if draw(st.booleans()):
            at += dt.timedelta(days=draw(st.integers(0, 12)))
            rows.append((f"d{deal}", draw(st.sampled_from(["won", "lost"])), at.isoformat()))
    return rows


def frame(rows):
    return pd.DataFrame(rows, columns=["deal_id", "stage", "entered_on"])
