"""The replaceable engines. A backend implements one of these and passes the port's conformance suite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

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
