"""Sales-operations modelling: who should own whom, who earns what, what will happen.

The wings (``territory``, ``comp``, ``forecast``) and the rooms beside them load when they are first named, so
``import salesops`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from salesops._version import __version__

if TYPE_CHECKING:
    from salesops._display import report
    from salesops.errors import (
        Infeasible,
        InternalError,
        InvalidInput,
        MissingExtra,
        NotConverged,
        Problem,
        SalesOpsError,
        SalesOpsWarning,
    )

    from . import comp, datasets, errors, evaluation, forecast, models, process, territory

__all__ = [
    "Infeasible",
    "InternalError",
    "InvalidInput",
    "MissingExtra",
    "NotConverged",
    "Problem",
    "SalesOpsError",
    "SalesOpsWarning",
    "__version__",
    "comp",
    "datasets",
    "errors",
    "evaluation",
    "forecast",
    "models",
    "process",
    "report",
    "territory",
]

_ROOMS = ("comp", "datasets", "errors", "evaluation", "forecast", "models", "process", "territory")
_HOMES = {"report": "salesops._display"} | dict.fromkeys(
    (
        "Infeasible",
        "InternalError",
        "InvalidInput",
        "MissingExtra",
        "NotConverged",
        "Problem",
        "SalesOpsError",
        "SalesOpsWarning",
    ),
    "salesops.errors",
)


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"salesops.{name}")
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'salesops' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
