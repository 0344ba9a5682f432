"""The replaceable engines. A backend implements one of these and passes the port's conformance suite."""

from asyncio import Future
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from msgspec import Struct

from gnomon.contract.bundle import Canary, GuessRule
from gnomon.contract.traffic import DefenceNotice, Feedback, TrafficRecord

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
        feedback: Sequence[Feedback] = (),
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

    def drop_content(self, before: float) -> int:
        """Masked requests and replies older than `before` (Unix seconds) are gone, their records stay; how many."""
        ...

    def erase_persons(self, tokens: Sequence[str]) -> Row:
        """What callers, models and comments said of the persons behind these tokens is gone, its bytes too.

        Content, copies and tokens go; that there was a request, by whom and how long it took, stays. Returns
        `contents`, `comments`, `tags`, `tokens`: how many of each.
        """
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


@dataclass(frozen=True, slots=True)
class Meter:
    """What one subject (`key:…`, `team:…`, `model:…`) may use; 0 is no limit. Cost in millionths of the currency."""

    subject: str
    per_second: int = 0
    per_minute: int = 0
    concurrency: int = 0
    tokens_per_minute: int = 0
    tokens_per_day: int = 0
    cost_per_day: int = 0


class Day(NamedTuple):
    """The day whose budgets are used, by the wall clock: when it ends."""

    ends: float


class Room(Struct, frozen=True):
    """How much of a limit is left at once, and in how many seconds all of it will be."""

    limit: int
    left: int
    reset_s: float


Refused = Literal["", "slots", "requests", "tokens", "day_tokens", "day_cost"]


class Entry(Struct, frozen=True):
    """What the limits say. Where `refused` is not empty: by which limit of whom, and how long to wait."""

    refused: Refused = ""
    wait: float = 0.0
    subject: str = ""
    limit: int = 0
    requests: Room | None = None  # of the limit with the least left
    tokens: Room | None = None


class Limits(Protocol):
    """Limits, bans and canary counts that the gateway's workers share; times are Unix seconds.

    Called from one event loop; every call returns in microseconds. An answer that has to travel comes as a future,
    which never raises. A worker that dies gives its concurrency slots back. What is counted here outlives the worker.
    `reachable` is false while hosts that should share limits cannot.
    """

    reachable: bool

    def enter(
        self,
        fresh: Sequence[Meter],
        *,
        inside: Sequence[Meter] = (),
        tokens: int = 0,
        cost: int = 0,
        day: Day,
        now: float,
    ) -> Entry | Future[Entry]:
        """Take, all or nothing: of each `fresh` meter a request and a slot, of these and of those `inside` the tokens.

        Rates are buckets of one second's or one minute's worth that refill evenly. With no tokens asked, a token limit
        refuses only who is in debt, a budget who has spent it. See `leave`.
        """
        ...

    def leave(self, meters: Sequence[Meter], *, tokens: int = 0, cost: int = 0, day: Day, now: float) -> None:
        """Give the slots back; `tokens` and `cost` are what was used beyond what `enter` took (below 0: less)."""
        ...

    def banned_until(self, subject: str, now: float, *, lifted_at: float = 0.0) -> float:
        """When the ban on this address ends; 0 when there is none that began after `lifted_at`."""
        ...

    def guess(self, subject: str, rule: GuessRule, now: float) -> float | Future[float]:
        """Count a wrong key; the end of the ban that this very guess brought about, else 0."""
        ...

    def canary_retreated(self, canary_id: str) -> bool: ...

    def canary_result(self, canary: Canary, *, failed: bool, slow: bool) -> dict[str, float]:
        """Count a canary's request; the facts of the retreat that this very request brought about, else empty."""
        ...

    def reap(self) -> int:
        """Give back the slots of workers that died; returns how many workers were found dead."""
        ...

    def close(self) -> Future[None] | None:
        """Nothing is held any more; a future where connections have to end first."""
        ...
