"""Labels of segments and groups as columns."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from salesops._frames import id_column


def label_column(labels: Sequence[Hashable]) -> pd.Series[Any]:
    """Make a column of labels, tuples kept whole."""
    cells = np.empty(len(labels), dtype=object)
    for place, label in enumerate(labels):
        cells[place] = label
    return id_column(cells)
