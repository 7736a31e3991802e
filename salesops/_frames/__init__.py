"""The only door for tables and graphs, in and out.

A verb opens each of its tables with a :class:`Reader`, takes the columns it needs as arrays, adds its own
faults, and raises all of them at once::

    faults: list[Problem] = []
    table = Reader(ties, "ties", key=("source", "target"), columns=columns, faults=faults)
    source, target = table.ids("source"), table.ids("target")
    weight = table.numbers("weight", minimum=0)
    table.finish()                    # or raise_all("proximity", faults) after several tables

Ids keep their type: they come as :class:`Ids` (codes into distinct values), and :class:`Labels` turns the ids
of several tables into positions of one sorted index, in which 1, 1.0, True and "1" are never the same.
"""

from salesops._frames.graphs import is_networkx, read_networkx, write_networkx
from salesops._frames.ids import IdCells, Ids, Labels, check_known, check_same_type, warn_look_alikes
from salesops._frames.plain import from_plain, jsonable, to_plain
from salesops._frames.reader import Reader
from salesops._frames.tables import id_column, to_frame

__all__ = [
    "IdCells",
    "Ids",
    "Labels",
    "Reader",
    "check_known",
    "check_same_type",
    "from_plain",
    "id_column",
    "is_networkx",
    "jsonable",
    "read_networkx",
    "to_frame",
    "to_plain",
    "warn_look_alikes",
    "write_networkx",
]
