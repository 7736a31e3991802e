"""Business time: what a clock said, on which day of the business that was, and how days are counted."""

from salesops._calendar.moments import Days, Moments, Times, business_dates, check_zone, day_of, read_moments
from salesops._calendar.spans import DayCount, Weekday, add_months, count_days, week_year_end

__all__ = [
    "DayCount",
    "Days",
    "Moments",
    "Times",
    "Weekday",
    "add_months",
    "business_dates",
    "check_zone",
    "count_days",
    "day_of",
    "read_moments",
    "week_year_end",
]
