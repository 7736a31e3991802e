"""How we sell, and whether we do: the process as it is, and against the playbook.

Examples
--------
>>> from salesops import process
>>> log = [
...     {"case_id": 1, "activity": "call", "at": "2024-01-01"},
...     {"case_id": 1, "activity": "offer", "at": "2024-01-02"},
... ]
>>> process.process_map(log)
ProcessMap(2 events, 1 case, 2 activities, 1 edge, 1 variant)
"""

from salesops.process.conforming import CaseFit, Conformance, Deviation, conformance
from salesops.process.mapping import Activity, Edge, ProcessMap, Variant, process_map

__all__ = [
    "Activity",
    "CaseFit",
    "Conformance",
    "Deviation",
    "Edge",
    "ProcessMap",
    "Variant",
    "conformance",
    "process_map",
]
