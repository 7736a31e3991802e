"""Random deals with unfinished ones, for the tests of comparisons."""

import numpy as np
import pandas as pd

START = np.datetime64("2024-01-01")
DAYS = 364
AS_OF = "2024-12-30"


def deals(rng, n=600, *, lift=0.0, changed=182, n_reps=20):
    """Deals won or lost after some weeks, open at day 364; from day `changed` on they win more often."""
    created = rng.integers(0, DAYS, n)
    wins = rng.random(n) < 0.35 + lift * (created >= changed)
    closed = created + np.ceil(rng.gamma(1.5, np.where(wins, 30.0, 45.0))).astype(int)
    done = closed <= DAYS
    rep = rng.integers(0, n_reps, n)
    return pd.DataFrame(
        {
            "deal_id": np.arange(n),
            "created_on": START + created,
            "closed_on": np.where(done, START + closed, np.datetime64("NaT")),
            "outcome": np.where(done, np.where(wins, "won", "lost"), "open"),
            "amount": np.where(done & wins, np.exp(rng.normal(8.0, 1.0, n)).round(2), np.nan),
            "rep_id": rep,
            "treated": rep < n_reps // 2,
        }
    )


def day(k):
    return str(START + int(k))
