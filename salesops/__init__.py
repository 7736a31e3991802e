"""Sales-operations modelling: who should own whom, who earns what, what will happen."""

from salesops._version import __version__

__all__ = ["__version__"]
