"""When a ban or a throttle of the roster ends, by a clock that no step of the wall clock reaches.

It is counted down from when this worker first took it in. What was left then is at most what was left when its roster
was issued, so that a wall clock that stands far back makes none last for ever; and as no newer roster makes it shorter
(a lifted one is not on it), one that stands ahead ends none.
"""

import time
from dataclasses import dataclass, field

from gnomon.contract.bundle import Roster


def ticks() -> float:
    """Seconds since the machine started, those in which it slept too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class Deadlines:
    """By kind, subject and the end that the roster names. Belongs to one loader; each roster replaces the last."""

    _ends: dict[tuple[str, str, float], float] = field(default_factory=dict)

    def take(self, roster: Roster) -> dict[tuple[str, str, float], float]:
        """The ends, in `ticks`, of all that this roster forbids; those of an earlier one that it repeats hold on."""
        wall, now = time.time(), ticks()
        named: list[tuple[str, str, float]] = [(ban.kind, ban.value, ban.until) for ban in roster.bans]
        named += [("throttle", throttle.key, throttle.until) for throttle in roster.throttles]
        self._ends = {one: max(now + one[2] - max(wall, roster.issued_at), self._ends.get(one, 0.0)) for one in named}
        return self._ends
