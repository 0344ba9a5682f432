"""Which targets are left alone for a while: a circuit breaker for each, per worker, by the rule in the bundle.

A circuit is that of one model on one server: a new adapter that fails must not cut off what runs beside it.
"""

import time
from typing import Final, Literal

from gnomon.contract.bundle import Breaker
from gnomon.gateway.snapshot import PreparedTarget
from gnomon.kit import log

_log: Final = log.get(__name__)
_MAX_KNOWN: Final = 1024  # circuits; bundles of years may have named more than there are

Verdict = Literal["good", "bad", "unreachable", "none"]


class Circuit:
    """Closed: all may go. Open: none may. When its time is over one request tries, and its verdict decides."""

    __slots__ = ("_ended", "_failed", "_opened", "_since", "_trying", "_unreachable", "id", "open_until", "rule")

    def __init__(self, id: str, rule: Breaker) -> None:
        self.id = id
        self.rule = rule
        self.open_until = 0.0
        self._close()

    def _close(self) -> None:
        self.open_until = self._since = 0.0
        self._ended = self._failed = self._unreachable = self._opened = 0
        self._trying = 0.0

    def enter(self, now: float) -> bool:
        """Whether a request may go there; who may must call `leave`. Where it is open, this one is the try.

        A try that never says how it went (it was cut off before it began) is forgotten after `max_open_s`.
        """
        if not self.open_until:
            return True
        if now < self.open_until or (self._trying and now - self._trying <= self.rule.max_open_s):
            return False
        self._trying = now
        return True

    def leave(self, verdict: Verdict, entered: float, now: float) -> None:
        if self.open_until:
            if entered >= self.open_until and self._trying:  # earlier ones were under way when it opened
                self._tried(verdict, now)
            return
        if verdict == "none":
            return
        if now - self._since > self.rule.window_s:
            self._since, self._ended, self._failed = now, 0, 0
        self._ended += 1
        if verdict == "good":
            self._unreachable = 0
            return
        self._failed += 1
        self._unreachable = self._unreachable + 1 if verdict == "unreachable" else 0
        if self._is_too_much():
            self._open(now)

    def _is_too_much(self) -> bool:
        rule = self.rule
        if rule.unreachable and self._unreachable >= rule.unreachable:
            return True
        enough = rule.failure_ratio > 0 and self._ended >= rule.min_requests
        return enough and self._failed >= rule.failure_ratio * self._ended

    def _tried(self, verdict: Verdict, now: float) -> None:
        self._trying = 0.0
        if verdict == "good":
            _log.info("circuit_closed", target=self.id)
            self._close()
        elif verdict != "none":
            self._open(now)

    def _open(self, now: float) -> None:
        wait = min(self.rule.open_s * 2.0 ** min(self._opened, 30), self.rule.max_open_s)
        self.open_until = now + wait
        self._opened += 1
        _log.warning("circuit_opened", target=self.id, seconds=wait, failed=self._failed, of=self._ended)


class Circuits:
    """Times are those of the monotonic clock."""

    def __init__(self) -> None:
        self._known: dict[str, Circuit] = {}

    def of(self, target: PreparedTarget) -> Circuit:
        found = self._known.get(target.name)
        if found is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            found = self._known[target.name] = Circuit(target.target.id, target.breaker)
        found.rule = target.breaker
        return found

    def open(self) -> int:
        """How many are left alone now."""
        now = time.monotonic()
        return sum(circuit.open_until > now for circuit in self._known.values())
