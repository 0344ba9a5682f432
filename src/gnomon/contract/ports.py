"""The replaceable engines. A backend implements one of these and passes the port's conformance suite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gnomon.contract.bundle import Canary, GuessRule
from gnomon.contract.traffic import DefenceNotice, TrafficRecord

Row = dict[str, Any]


class Unstorable(Exception):
    """Something in the batch fits no column. The rest of the batch can be stored without it."""


class RecordStore(Protocol):
    """Where traffic records live. One process owns it; `append` is called from one thread, `query` from any."""

    def append(
        self,
        records: Sequence[TrafficRecord],
        notices: Sequence[DefenceNotice],
        *,
        offsets: Mapping[str, int],
    ) -> int:
        """Store what is new (by id) and the spool offsets in one transaction; returns how many records were new.

        Raises Unstorable, with nothing stored, when it is what was given that cannot be stored, whenever it is tried.
        """
        ...

    def offsets(self) -> dict[str, int]:
        """Bytes of each spool file that are already stored."""
        ...

    def query(self, name: str, params: Mapping[str, Any]) -> list[Row]:
        """Answer a named query (see `backends/records_queries`). Raises KeyError on an unknown name."""
        ...


@dataclass(frozen=True, slots=True)
class HeavyJob:
    """Work for a process of its own. `entry` is `package.module:function`; it gets (spec, folder, report)."""

    id: str
    entry: str
    spec: dict[str, Any]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeavyState:
    state: str  # "absent" | "running" | "succeeded" | "failed" | "lost"
    progress: Row = field(default_factory=dict)
    result: Row = field(default_factory=dict)
    error: str = ""


class Runner(Protocol):
    """Starts heavy jobs and finds them again.

    `submit` is idempotent by job id: a second call for a running or finished job changes nothing. A job writes only
    its folder: `progress.jsonl` while it runs, then `result.json` by rename. A job whose heartbeat (mtime of
    `heartbeat`) is older than the lease and whose process is gone is "lost" and may be submitted again.
    """

    def submit(self, job: HeavyJob) -> None: ...

    def state(self, job_id: str, folder: Path) -> HeavyState: ...

    def cancel(self, job_id: str, folder: Path) -> None: ...


class Limits(Protocol):
    """Limits, bans and canary counts that the gateway's workers share; times are Unix seconds.

    Called from one event loop; every call returns in microseconds.
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
