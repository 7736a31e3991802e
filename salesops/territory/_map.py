"""Geography within a blend: what the map adds to who knows whom."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops.territory import _kernels, _sphere
from salesops.territory.geography import Geography
from salesops.territory.measures import Blend, Measure

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_ROWS = 8192


def geography_of(measure: Measure) -> Geography | None:
    """Find the geography in a measure."""
    parts: tuple[Any, ...] = measure.measures if isinstance(measure, Blend) else (measure,)
    return next((part for part in parts if isinstance(part, Geography)), None)


@attrs.frozen(kw_only=True, eq=False)
class Map:
    """Where reps and leads are, and how much that counts in a blend.

    Attributes
    ----------
    reps, leads : ndarray of shape (n, 3)
        Unit vectors.
    geography : Geography
    weight, scale : float
    """

    reps: FloatArray
    leads: FloatArray
    geography: Geography
    weight: float
    scale: float

    @classmethod
    def of(cls, blend: Blend, reps: FloatArray, leads: FloatArray) -> tuple[Blend | None, Map]:
        """Part a blend into the network, if any of it counts, and the map."""
        at = next(k for k, part in enumerate(blend.measures) if isinstance(part, Geography))
        n = len(blend.measures)
        scales, weights = blend.scales or (1.0,) * n, blend.weights
        others = [k for k in range(n) if k != at]
        network = Blend(
            measures=tuple(blend.measures[k] for k in others) or ("random_walk",),
            weights=None if weights is None else tuple(weights[k] for k in others) or (0.0,),
            scales=tuple(scales[k] for k in others) or (1.0,),
        )
        geography: Any = blend.measures[at]
        weight = 0.0 if weights is None else weights[at]
        counts = weights is None or any(weights[k] > 0 for k in others)
        made = cls(reps=reps, leads=leads, geography=geography, weight=weight, scale=scales[at])
        return network if counts else None, made

    def add(self, scores: FloatArray, reps: IntArray) -> FloatArray:
        """Add the map to the scores of some reps, shape (n_leads, n); 0 beyond the radius."""
        total = np.empty_like(scores)
        within, half = self.geography.within, self.geography.half_distance
        for first in range(0, len(scores), _ROWS):
            part = slice(first, first + _ROWS)
            distance = _sphere.every_pair(self.leads[part], self.reps[reps])
            near = _sphere.decayed(distance, half, within)
            total[part] = _kernels.rounded(scores[part] + self.weight * np.log2(1.0 + near / self.scale))
            if within is not None:
                total[part][distance > within] = 0.0
        return total
