"""What asking a suite needs beside the runner: answers stored off the event loop, and what the host had to spare."""

import queue
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import psutil

from gnomon.engine.runs import Tally
from gnomon.engine.scoring import Answer
from gnomon.kit.clock import iso

BATCH = 25  # answers to a transaction: a kill loses at most this many, which are asked again
PATIENCE_S = 2.0  # after which fewer are stored too


class Saver:
    """Stores answers in batches from a thread of its own: a commit on the event loop would be measured as latency."""

    def __init__(self, store: Callable[[list[Answer]], None]) -> None:
        self._store = store
        self._queue: queue.Queue[Answer | None] = queue.Queue()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._loop, name="evaluation-saver", daemon=True)

    def __enter__(self) -> "Saver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def take(self, answer: Answer) -> None:
        if self._error is not None:
            raise self._error  # nothing can be stored: asking on would be for nothing
        self._queue.put(answer)

    def _loop(self) -> None:
        try:
            while batch := self._batch():
                self._store(batch)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asks
            self._error = error

    def _batch(self) -> list[Answer]:
        """The next answers to store; empty at the end."""
        batch: list[Answer] = []
        while len(batch) < BATCH:
            try:
                answer = self._queue.get(timeout=PATIENCE_S if batch else None)
            except queue.Empty:
                return batch
            if answer is None:
                self._queue.put(None)  # seen again after what is left has been stored
                return batch
            batch.append(answer)
        return batch


class HostUse:
    """Share of processor and memory that the whole host used since this was made."""

    def __init__(self) -> None:
        self._before = psutil.cpu_times()

    def used(self) -> dict[str, Any]:
        spent = [b - a for a, b in zip(self._before, psutil.cpu_times(), strict=True)]
        whole, names = sum(spent), self._before._fields
        idle = sum(value for name, value in zip(names, spent, strict=True) if name in ("idle", "iowait"))
        memory = psutil.virtual_memory()
        return {
            "cpu": round(1 - idle / whole, 4) if whole > 0 else None,
            "memory": round(1 - memory.available / memory.total, 4),
        }


def resources(tally: Tally, host: HostUse, *, started: datetime, ended: datetime) -> dict[str, Any]:
    """What a run tells of its time, its speed and the host's load."""
    rate = round(tally.asked / tally.wall_s, 3) if tally.asked and tally.wall_s else None
    told = {"started_at": iso(started), "ended_at": iso(ended), "wall_s": round(tally.wall_s, 3)}
    return told | {"throughput_per_s": rate, "asked": tally.asked, "retries": tally.retries} | host.used()
