"""The values that every wing talks about: who sells, to whom, what was sold, and the business calendar.

Field names are the column names of tables, so a frame of reps and a list of `Rep` say the same. Every class
is frozen, checked where it is born, and travels as a document: ``to_dict``, ``from_dict``, ``to_json``,
``from_json``, ``json_schema``. Ids are any hashable value that is there: never None, NaN, empty text or a
flag; in JSON they are text or whole numbers.
"""

from salesops._codec import Limits
from salesops.models._people import Account, Lead, Opportunity, Person, Rep, Territory
from salesops.models._periods import FiscalCalendar, Period, check_periods

__all__ = [
    "Account",
    "FiscalCalendar",
    "Lead",
    "Limits",
    "Opportunity",
    "Period",
    "Person",
    "Rep",
    "Territory",
    "check_periods",
]
