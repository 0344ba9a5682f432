"""Seconds that never jump and that all workers of a host count alike, for what must not depend on the wall clock.

They are the kernel's time since boot (CLOCK_BOOTTIME: no step reaches it, and sleep counts) plus an offset that the
first worker writes into the shared file with the id of the boot. After a reboot the count goes on from where the
workers last were, by the wall time that passed since: the only moment at which the wall clock is asked, and one that
stood back meanwhile counts as no time at all.
"""

import mmap
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

Ticks = Callable[[], float]

PLACE: Final = 8  # in the file's header, after its mark
_STATE: Final = struct.Struct("<36sddd")  # boot id, offset, the newest count that a worker saw, the wall time then
_SEEN: Final = struct.Struct("<dd")
_SEEN_AT: Final = PLACE + _STATE.size - _SEEN.size
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class HostClock:
    """`HostClock(...)()` is the count now. Make it under the file's set-up lock."""

    __slots__ = ("_map", "_offset", "_ticks")

    def __init__(self, shared: mmap.mmap, *, ticks: Ticks | None = None, boot: str | None = None) -> None:
        self._map = shared
        self._ticks = ticks or since_boot
        self._offset = self._agree((_boot_id() if boot is None else boot).encode("ascii", "replace")[:36])

    def __call__(self) -> float:
        return self._ticks() + self._offset

    def remember(self) -> None:
        """Called about once a second: from here the count goes on after a reboot."""
        _SEEN.pack_into(self._map, _SEEN_AT, self(), time.time())

    def _agree(self, boot: bytes) -> float:
        known, offset, seen, wall = _STATE.unpack_from(self._map, PLACE)
        ticks, now = self._ticks(), time.time()
        # Without a boot id a count that fell behind tells the reboot.
        if wall and known.rstrip(b"\0") == boot and ticks + offset >= seen - 1.0:
            return float(offset)
        count = seen + max(now - wall, 0.0) if wall else now
        _STATE.pack_into(self._map, PLACE, boot, count - ticks, count, now)
        return float(count - ticks)


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
