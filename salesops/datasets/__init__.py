"""Small real data sets, bundled, and seeded worlds of any size.

A loader reads files that lie inside the package: nothing is downloaded, nothing is written, and every call
gives fresh tables, so that one caller's edit never reaches another. Each docstring states where the data
come from, under which licence, and what is in them; ``salesops/data/README.md`` holds the notices.
"""

from salesops.datasets._crm import CrmSales, crm_sales
from salesops.datasets._crm_process import CrmProcess
from salesops.datasets._crm_world import CrmTruth, CrmWorld, make_crm
from salesops.datasets._social import LastfmAsia, Lazega, Physicians, lastfm_asia, lazega, physicians
from salesops.datasets._world import TerritoryWorld, make_territory

__all__ = [
    "CrmProcess",
    "CrmSales",
    "CrmTruth",
    "CrmWorld",
    "LastfmAsia",
    "Lazega",
    "Physicians",
    "TerritoryWorld",
    "crm_sales",
    "lastfm_asia",
    "lazega",
    "make_crm",
    "make_territory",
    "physicians",
]
