"""A gateway worker in a thread, on a free port, in front of a paced fake model server."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop

from gnomon.backends.limits_local import LimitsLocal
from gnomon.contract.ports import Limits
from gnomon.gateway.hosting import ServerLimits
from gnomon.gateway.worker import Worker
from tests.fakes.bundle import Home, make_home, secret
from tests.fakes.gateway import HTTP
from tests.fakes.upstream import Script, Upstream
from tests.unit.gateway.fake_guard import FAKE_GUARD


class Gateway:
    """Start it, talk to `url`, stop it; `records()` reads what the spool holds."""

    def __init__(self, home: Path, *, limits: ServerLimits | None = None, name: str = "w1", **more: Any) -> None:
        self.home = home
        self.name = name
        self.port = 0
        self.worker: Worker
        self._limits = limits
        self._limits_at: Callable[[Path], Limits] = more.pop("limits_at", LimitsLocal)
        self._more = more  # what else the worker takes
        self._loop = uvloop.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self.notice_s: float | None = 0.0  # how long it goes on after it was told to stop
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run()), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> "Gateway":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    def lines(self, kind: str) -> list[dict[str, Any]]:
        rows = []
        for path in sorted((self.home / "spool").glob("*.jsonl")):
            rows += [json.loads(line) for line in path.read_text().splitlines()]
        return [row["v"] for row in rows if row["t"] == kind]

    def records(self) -> list[dict[str, Any]]:
        return self.lines("record")

    def call(self, text: str = "你好", *, key: str = "aaaaaaaa", **body: Any) -> httpx.Response:
        payload = {"model": "gnomon-chat", "messages": [{"role": "user", "content": text}], **body}
        return HTTP.post(f"{self.url}/chat/completions", json=payload, headers=bearer(key), timeout=10)

    async def _run(self) -> None:
        self.worker = Worker(
            self.home,
            self.name,
            guard=FAKE_GUARD,
            limits=self._limits_at(self.home / "run" / "limits.shm"),
            server_limits=self._limits,
            **self._more,
        )
        self.port = await self.worker.start("127.0.0.1", 0)
        self._ready.set()
        await self._stop.wait()
        await self.worker.stop(drain_s=0.2, notice_s=self.notice_s)


def bearer(key: str = "aaaaaaaa") -> dict[str, str]:
    return {"authorization": f"Bearer {secret(key)}"}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(Script(reply="好的。")) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, upstream: Upstream) -> Home:
    return make_home(tmp_path, upstream_url=upstream.url)


@pytest.fixture
def start() -> Iterator[Callable[..., Gateway]]:
    running: list[Gateway] = []

    def begin(home: Home, **options: Any) -> Gateway:
        running.append(Gateway(home.path, **options).start())
        return running[-1]

    yield begin
    for gateway in running:
        gateway.stop()


@pytest.fixture
def gateway(home: Home, start: Callable[..., Gateway]) -> Gateway:
    return start(home)
