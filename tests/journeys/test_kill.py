"""`kill -9` of any one process during traffic loses no acknowledged record, and the service comes back."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.journeys.installation import Installation, question, until

CALLERS = ("desk", "shop", "lab")
pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]


class Traffic:
    """Callers who ask until told to stop. An answer counts as acknowledged when all of it has arrived."""

    def __init__(self, house: Installation) -> None:
        self.acknowledged: list[str] = []
        self.away = 0
        self._house = house
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(caller,)) for caller in CALLERS]

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def more(self, n: int = 10) -> None:
        """Returns when `n` further requests were acknowledged."""
        wanted = len(self.acknowledged) + n
        until(f"{n} more answers", lambda: len(self.acknowledged) >= wanted, within_s=60)

    def _ask(self, caller: str) -> None:
        stream = False
        with self._house.client(caller) as http:
            while not self._stop.wait(0.03):
                stream = not stream
                try:
                    answer = http.post("/v1/chat/completions", json=question("请答复", stream=stream))
                except httpx.TransportError:
                    self.away += 1
                    time.sleep(0.2)
                    continue
                if answer.is_success and (not stream or answer.text.rstrip().endswith("data: [DONE]")):
                    self.acknowledged.append(answer.headers["x-request-id"])


@contextmanager
def killed(house: Installation, name: str) -> Iterator[None]:
    """Afterwards the process is another one and the whole installation answers."""
    before = house.roles()[name]
    os.kill(before, signal.SIGKILL)
    yield
    until(f"{name} is back", lambda: house.roles().get(name) not in (None, before), within_s=60)
    until(f"all answer after {name} died", house.is_whole, within_s=60)


def lacking(house: Installation, ids: list[str]) -> list[str]:
    """Those that are not stored exactly once."""
    counted = Counter(row["id"] for row in house.records.query("recent", limit=100_000))
    return [id for id in ids if counted[id] != 1]


@pytest.mark.parametrize("name", ["gateway-1", "collector", "control", "worker", "up"])
def test_kill_9_loses_no_acknowledged_record(house: Installation, name: str) -> None:
    with Traffic(house) as traffic:
        traffic.more()
        with killed(house, name):
            pass
        traffic.more()
    assert len(set(traffic.acknowledged)) == len(traffic.acknowledged)
    until("every record is stored once", lambda: not lacking(house, traffic.acknowledged))
    if name not in ("gateway-1", "up"):
        assert traffic.away == 0, f"callers noticed the death of {name}"


def test_the_search_for_lost_records_can_fail(house: Installation) -> None:
    with house.client() as http:
        there = http.post("/v1/chat/completions", json=question("在")).headers["x-request-id"]
    house.stored([there])
    assert lacking(house, [there, "request-that-never-was"]) == ["request-that-never-was"]
