"""A real record store in a folder, asked as the control plane asks the collector."""

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from gnomon.backends.records_duckdb import RecordsDuckDB
from gnomon.backends.records_quarantine import Quarantine
from gnomon.contract.ports import Row
from gnomon.contract.traffic import Timings, TrafficRecord
from gnomon.kit.ids import new_id


@cache
def empty_store() -> Path:
    """The file of a store with its tables: a copy, for making them takes as long again as opening it."""
    folder = Path(tempfile.mkdtemp(prefix="gnomon-records-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    RecordsDuckDB(folder / "traffic.duckdb").close()
    return folder / "traffic.duckdb"


class StoredRecords:
    """`query` as RecordsClient has it; `add` puts requests in.

    They are written together when somebody asks: a hundred cost as much as one.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(empty_store(), folder / "traffic.duckdb")
        self._store = RecordsDuckDB(folder / "traffic.duckdb")
        self._added: list[TrafficRecord] = []
        self.quarantine = Quarantine(folder / "quarantine")

    def query(self, name: str, **params: Any) -> list[Row]:
        return self._written().query(name, params)

    def drop_content(self, before: float) -> int:
        return self._written().drop_content(before)

    def drop_quarantine(self, before: float) -> int:
        return self.quarantine.drop(before)

    def health(self) -> Row:
        return {"quarantine": self.quarantine.kept()._asdict()}

    def erase_persons(self, tokens: Sequence[str]) -> Row:
        return self._written().erase_persons(tokens)

    def add(
        self, count: int, at: float, *, ms: float = 100.0, first_token: float | None = None, **changes: Any
    ) -> None:
        """`count` requests at `at` (Unix seconds), answered in `ms` unless `changes` say otherwise."""
        given: dict[str, Any] = {
            "outcome": "ok",
            "status": 200,
            "model": "reviews",
            "target": "base",
            "caller": "shop",
            "timings": Timings(total=ms),
        }
        self._added += [TrafficRecord(id=new_id("req"), at=at, **(given | changes)) for _ in range(count)]

    def close(self) -> None:
        self._written().close()

    def _written(self) -> RecordsDuckDB:
        if self._added:
            self._store.append(self._added, [], offsets={})
            self._added = []
        return self._store
