"""The peer: fixed limits, the same for everybody, as fail2ban and a plain rate limiter have them.

An address with five refused requests within ten minutes is banned (fail2ban's own defaults), a key with more than
`per_minute` requests within a minute too.
"""

from collections import defaultdict, deque

from gnomon.contract.traffic import TrafficRecord

MAX_RETRY, FIND_TIME_S = 5, 600.0


class Static:
    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._refused: defaultdict[str, deque[float]] = defaultdict(deque)
        self._used: defaultdict[str, deque[float]] = defaultdict(deque)
        self._banned: set[str] = set()

    def observe(self, r: TrafficRecord) -> list[str]:
        """Subjects that are banned with this record."""
        found = []
        if r.outcome == "unauthorised":
            found += self._count(self._refused[r.address], r.at, FIND_TIME_S, MAX_RETRY, f"address:{r.address}")
        if r.key_id:
            found += self._count(self._used[r.key_id], r.at, 60.0, self._per_minute + 1, f"key:{r.key_id}")
        return found

    def _count(self, seen: deque[float], at: float, window_s: float, most: int, subject: str) -> list[str]:
        seen.append(at)
        while seen[0] <= at - window_s or len(seen) > most:
            seen.popleft()
        if len(seen) < most or subject in self._banned:
            return []
        self._banned.add(subject)
        return [subject]
