"""Working days by the Chinese calendar, make-up days (调休) included, until an imported calendar says otherwise."""

from datetime import date, timedelta
from functools import lru_cache

import chinese_calendar

from gnomon.kit.errors import BadInput

_HOLIDAYS = chinese_calendar.constants.holidays
_DECREED = range(min(_HOLIDAYS).year, max(_HOLIDAYS).year + 1)  # asked about another year, the package raises


@lru_cache(maxsize=4096)
def is_workday(day: date) -> bool:
    """Whether `day` is worked. Past the years that the calendar knows, Monday to Friday are (see `known_until`)."""
    if day.year not in _DECREED:
        return day.weekday() < 5
    return bool(chinese_calendar.is_workday(day))


def known_until() -> date:
    """The last day that the packaged calendar decides by decree and not by weekday."""
    return date(_DECREED[-1], 12, 31)


def add_workdays(start: date, days: int) -> date:
    """The date `days` working days after `start` (which itself does not count). Raises BadInput below zero."""
    if days < 0:
        raise BadInput(f"{days} working days cannot be added.", next_step="Give zero or more.")
    day = start
    while days:
        day += timedelta(days=1)
        days -= is_workday(day)
    return day
