"""The one place that knows what time it is."""

from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class FakeClock:
    """A clock that tests move by hand."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


def today(now: datetime, zone: str) -> date:
    """The calendar day of `now` in `zone` (IANA): deadlines and numbers of documents count these, not days in UTC."""
    return now.astimezone(ZoneInfo(zone)).date()


def iso(at: datetime) -> str:
    """An instant as ISO 8601 in UTC with milliseconds and a Z: sortable as text, the same on every database."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
