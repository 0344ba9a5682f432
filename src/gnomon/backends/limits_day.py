"""Whose day's budgets are used, by a wall clock that may be set back and forth: no step of it hands them out twice.

The wall clock says how much of its day is left; when that day began is told on the count that never jumps. Another day
is believed only where it began a good part of a day after the one before: a clock that is set back, or ahead, and
right again is still in the same day.
"""

import mmap
import struct
from typing import Final

LEAST_S: Final = 57_600.0
"""From where a day began to where the next may: less by some hours than any day, for who moves his time zone."""
DAY_S: Final = 86_400.0
_LONGER_S: Final = 7_200.0  # than that a day may be, by the hours that are moved in autumn
_BEGAN: Final = struct.Struct("<d")
_AT: Final = 256  # in the file's header


class HostDay:
    """The day that all workers of a host count by: the second in which it began."""

    __slots__ = ("_map",)

    def __init__(self, shared: mmap.mmap) -> None:
        self._map = shared

    def of(self, *, left_s: float, ticks: float) -> int:
        """`ticks` is the count now, `left_s` what is left of the day by the wall clock.

        Workers may ask at once: what they write then is the same.
        """
        since: float = _BEGAN.unpack_from(self._map, _AT)[0]
        start = ticks + left_s - DAY_S
        if not since or start - since >= LEAST_S or since > ticks + _LONGER_S:
            since = start
            _BEGAN.pack_into(self._map, _AT, since)
        return int(since)
