"""The one place that looks at a clock: a search that was given a time limit asks how much of it is left."""

from __future__ import annotations

import time


def clock() -> float:
    """Give the seconds of a clock that never goes back; only differences mean anything."""
    return time.monotonic()
