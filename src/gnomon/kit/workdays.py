"""Working days by the Chinese calendar, make-up days (调休) included, until an imported calendar says otherwise."""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import chinese_calendar

from gnomon.kit.errors import BadInput


@lru_cache(maxsize=4096)
def is_workday(day: date) -> bool:
    """Whether `day` is worked. Past the years that the calendar knows, Monday to Friday are (see `known_until`)."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:  # how the package says that it has no decree for that year
        return day.weekday() < 5


def known_until() -> date:
    """The last day that the packaged calendar decides by decree and not by weekday."""
    last = max(chinese_calendar.constants.holidays)
    return date(last.year, 12, 31)


def add_workdays(start: date, days: int) -> date:
    """The date `days` working days after `start` (which itself does not count). Raises BadInput below zero."""
    if days < 0:
        raise BadInput(f"{days} working days cannot be added.", next_step="Give zero or more.")
    day = start
    while days:
        day += timedelta(days=1)
        days -= is_workday(day)
    return day


def end_of_workday(start: datetime, days: int, *, zone: str) -> datetime:
    """The midnight that ends the `days`-th working day after `start`, in `zone`: when such a clock runs out."""
    tz = ZoneInfo(zone)
    due = add_workdays(start.astimezone(tz).date(), days)
    return datetime.combine(due + timedelta(days=1), time.min, tzinfo=tz)
