"""The one place that knows what time it is."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


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


def iso(at: datetime) -> str:
    """An instant as ISO 8601 in UTC with milliseconds and a Z: sortable as text, the same on every database."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
