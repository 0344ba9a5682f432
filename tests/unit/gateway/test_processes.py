"""Real processes: what a kill costs, and what goes on without anybody."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from gnomon.backends.records_client import RecordsClient
from tests.fakes.bundle import make_home
from tests.fakes.upstream import Upstream
from tests.unit.gateway.conftest import HTTP, bearer

pytestmark = pytest.mark.journey


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextlib.contextmanager
def process(module: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen([sys.executable, "-m", module, *options], stderr=subprocess.DEVNULL)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.terminate()
        running.wait(10)


def test_no_acknowledged_record_is_lost_when_workers_and_collector_are_killed(
    tmp_path: Path, upstream: Upstream
) -> None:
    make_home(tmp_path, upstream_url=upstream.url)
    port = free_port()
    home = ["--home", str(tmp_path)]
    acknowledged: list[str] = []
    stop = threading.Event()

    def caller(number: int) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", headers=bearer(), timeout=5) as http:
            body = {"model": "gnomon-chat", "messages": [{"role": "user", "content": "你好13812345678"}]}
            while not stop.is_set():
                try:
                    response = http.post("/chat/completions", json=body | {"stream": number % 2 == 0})
                except httpx.HTTPError:
                    time.sleep(0.02)
                else:
                    if response.status_code == 200:
                        acknowledged.append(response.headers["x-request-id"])

    with process("gnomon.app.gateway", *home, "--port", str(port)) as survivor:
        with (
            process("gnomon.app.gateway", *home, "--port", str(port)) as victim,
            process("gnomon.app.collector", *home) as collector,
        ):
            _until(lambda: len(list((tmp_path / "spool").glob("*"))) == 2)
            callers = [threading.Thread(target=caller, args=(n,)) for n in range(4)]
            for thread in callers:
                thread.start()
            _until(lambda: len(acknowledged) > 50)
            os.kill(victim.pid, signal.SIGKILL)
            os.kill(collector.pid, signal.SIGKILL)
            before = len(acknowledged)
            _until(lambda: len(acknowledged) > before + 50)  # the other worker answers, with nobody collecting
            stop.set()
            for thread in callers:
                thread.join()
        with process("gnomon.app.collector", *home):
            client = RecordsClient(tmp_path)
            _until(client.is_alive)
            now = time.time()
            _until(lambda: bool(client.query("recent", limit=1)) and client.as_of > now)
            stored = {r["id"] for r in client.query("recent", limit=10_000)}
            client.close()
        assert set(acknowledged) <= stored
        assert survivor.poll() is None
    assert b"13812345678" not in b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


def test_a_stopped_worker_ends_what_it_has_begun(tmp_path: Path, upstream: Upstream) -> None:
    upstream.script.between_s = 0.05
    upstream.script.pieces = ("字",) * 20
    make_home(tmp_path, upstream_url=upstream.url)
    port = free_port()
    with process("gnomon.app.gateway", "--home", str(tmp_path), "--port", str(port)) as running:
        _until(lambda: _is_up(port))
        body = {"model": "gnomon-chat", "stream": True, "messages": [{"role": "user", "content": "你好"}]}
        with HTTP.stream(
            "POST", f"http://127.0.0.1:{port}/v1/chat/completions", json=body, headers=bearer()
        ) as response:
            lines = response.iter_lines()
            next(lines)
            running.terminate()
            rest = list(lines)
        assert rest[-2:] == ["data: [DONE]", ""]
        assert running.wait(5) == 0


def _is_up(port: int) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return HTTP.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    return False


def _until(condition: object, within_s: float = 20.0) -> None:
    assert callable(condition)
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_a_worker_that_is_killed_is_replaced_until_all_are_told_to_stop(tmp_path: Path, upstream: Upstream) -> None:
    make_home(tmp_path, upstream_url=upstream.url)
    options = ["--home", str(tmp_path), "--port", str(free_port()), "--workers", "2", "--drain-notice", "0"]
    with process("gnomon.app.gateway", *options) as parent:

        def workers() -> set[int]:
            return {one.pid for one in psutil.Process(parent.pid).children()}

        def begun() -> int:
            return len(list((tmp_path / "spool").glob("*")))

        _until(lambda: begun() == 2)
        (victim, *_), before = sorted(workers()), workers()
        os.kill(victim, signal.SIGKILL)
        _until(lambda: len(workers() - before) == 1 and begun() == 3)
        parent.terminate()
        assert parent.wait(20) == 0
