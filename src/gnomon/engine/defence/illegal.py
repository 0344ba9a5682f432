"""A key that keeps sending illegal inputs: so many in a row, or so many in a day."""

from collections import deque

from gnomon.contract.traffic import TrafficRecord
from gnomon.engine.defence.rules import Family, Level, Rules, Suspicion
from gnomon.engine.defence.windows import Table

_MOST_KEYS = 10_000
_DAY_S = 86_400.0


class _Key:
    __slots__ = ("row", "times")

    def __init__(self) -> None:
        self.row = 0
        self.times: deque[float] = deque()


class Illegal:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._table: Table[str, _Key] = Table(_MOST_KEYS, _Key)

    def observe(self, r: TrafficRecord) -> Suspicion | None:
        """The limits are the last numbers that pass: the next one is one too many."""
        if not _is_illegal(r):
            if r.outcome == "ok" and r.key_id in self._table:
                self._table[r.key_id].row = 0
            return None
        key = self._table[r.key_id]
        key.row += 1
        key.times.append(r.at)
        while key.times[0] <= r.at - _DAY_S or len(key.times) > self._rules.illegal_inputs_a_day + 1:
            key.times.popleft()
        in_a_row = key.row > self._rules.illegal_inputs_in_a_row
        if not in_a_row and len(key.times) <= self._rules.illegal_inputs_a_day:
            return None
        facts = {"in_a_row": float(key.row), "in_a_day": float(len(key.times))}
        return Suspicion(subject=f"key:{r.key_id}", family=Family.ILLEGAL_INPUT, level=Level.BAN, at=r.at, facts=facts)


def _is_illegal(r: TrafficRecord) -> bool:
    """The guard refused the input for what it says, not for personal data in it, and not for the model's reply."""
    return r.outcome == "blocked" and any(one.direction == "input" and one.action == "block" for one in r.content)
