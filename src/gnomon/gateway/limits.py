"""What the gateway asks of the limits that its workers share; `backends/limits_local` is the one for a single host."""

from typing import Literal, Protocol

from gnomon.contract.bundle import Canary, GuessRule

CallerKind = Literal["key", "address"]


class Limits(Protocol):
    """Called from one event loop; every call returns in microseconds. Times are Unix seconds.

    A worker that dies gives its concurrency slots back. What is counted here outlives the worker.
    """

    def enter(self, key_id: str, *, per_minute: int, concurrency: int, now: float) -> tuple[int, float, bool]:
        """Take one of the key's requests and, where `concurrency` is not 0, one of its slots (see `release`).

        (requests left at once, 0, False), or refused: (0, seconds until it may be tried again, whether it is the slots
        that are taken). A `per_minute` of 0 is no limit.
        """
        ...

    def release(self, key_id: str) -> None: ...

    def banned_until(self, subject: str, now: float, *, lifted_at: float = 0.0) -> float:
        """When the ban on this address ends; 0 when there is none that began after `lifted_at`."""
        ...

    def guess(self, subject: str, rule: GuessRule, now: float) -> float:
        """Count a wrong key; the end of the ban that this very guess brought about, else 0."""
        ...

    def canary_retreated(self, canary_id: str) -> bool: ...

    def canary_result(self, canary: Canary, *, failed: bool, slow: bool) -> dict[str, float]:
        """Count a canary's request; the facts of the retreat that this very request brought about, else empty."""
        ...

    def reap(self) -> int:
        """Give back the slots of workers that died; returns how many workers were found dead."""
        ...

    def close(self) -> None: ...
