"""/readyz says whether a worker can serve, and why not."""

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gnomon.contract.verdicts import Masked
from gnomon.gateway.health import Health
from tests.fakes.bundle import Home, make_home
from tests.fakes.upstream import Script, Upstream
from tests.unit.gateway.conftest import HTTP, Gateway, bearer
from tests.unit.gateway.fake_guard import FAKE_GUARD, FakeMasker

Start = Callable[..., Gateway]
BODY = {"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}], "stream": True}


def readyz(gateway: Gateway) -> tuple[int, dict[str, Any]]:
    found = HTTP.get(f"http://127.0.0.1:{gateway.port}/readyz")
    return found.status_code, found.json()


@pytest.fixture
def home(tmp_path: Path, upstream: Upstream) -> Home:
    return make_home(tmp_path, upstream_url=upstream.url)


def test_a_worker_with_a_bundle_is_ready_and_one_without_says_so(home: Home, start: Start) -> None:
    assert [readyz(start(home))[1][name] for name in ("ready", "state", "reasons")] == [True, "ready", []]
    for name in ("policy", "roster"):
        (home.path / "bundle" / f"{name}.json").unlink()
        (home.path / "bundle" / "last" / f"{name}.json").unlink()
    status, told = readyz(start(home))
    assert (status, told["state"], set(told["problems"])) == (503, "no_bundle", {"policy", "roster"})


def test_a_worker_that_was_told_to_stop_says_so_while_its_requests_finish(
    home: Home, upstream: Upstream, start: Start
) -> None:
    upstream.script = Script(pieces=("字",) * 20, between_s=0.05)
    gateway = start(home)
    gateway.notice_s = None
    with HTTP.stream("POST", f"{gateway.url}/chat/completions", json=BODY, headers=bearer()) as running:
        assert running.status_code == 200
        stopping = threading.Thread(target=gateway.stop)
        stopping.start()
        _until(lambda: gateway.worker.services.health.leaving)
        status, told = readyz(gateway)
        assert (status, told["state"], told["ready"]) == (503, "draining", False)
        assert HTTP.get(f"http://127.0.0.1:{gateway.port}/livez").status_code == 200
        assert "".join(running.iter_text()).count("字") == 20
    stopping.join(10)


def test_a_notice_lasts_as_long_as_it_was_said_and_none_is_given_to_nobody(home: Home, start: Start) -> None:
    for notice_s, at_least, at_most in ((None, 0.0, 0.4), (0.5, 0.5, 1.5)):
        gateway = start(home)
        gateway.notice_s = notice_s
        began = time.monotonic()
        gateway.stop()
        assert at_least <= time.monotonic() - began < at_most


def test_a_guard_that_masks_no_more_is_told(home: Home, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = start(home)
    health, guard = gateway.worker.services.health, gateway.worker.services.guard
    snapshot = gateway.worker.services.loader.current
    monkeypatch.setattr(FakeMasker, "mask", lambda *_: Masked("手机 13800138000", (), {}))
    health.look(guard, snapshot, 1e12)
    status, told = readyz(gateway)
    assert (status, told["state"]) == (503, "guard_broken")
    assert "mobile" in told["problems"]["guard"]
    monkeypatch.undo()
    health.look(guard, snapshot, 2e12)
    assert readyz(gateway)[0] == 200


def test_a_guard_that_breaks_is_looked_at_again_with_the_next_policy_and_every_ten_seconds(
    home: Home, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = start(home).worker.services.loader.current
    tried: list[int] = []

    def broken(*_: Any) -> Masked:
        if threading.current_thread() is threading.main_thread():  # the worker looks after its own health meanwhile
            tried.append(1)
        raise MemoryError

    monkeypatch.setattr(FakeMasker, "mask", broken)
    health = Health()
    for now in (0.0, 5.0, 10.0):
        health.look(FAKE_GUARD, snapshot, now)
    assert (len(tried), health.guard_problem) == (2, "MemoryError: ")
    health.look(FAKE_GUARD, None, 99.0)
    assert len(tried) == 2


@pytest.mark.parametrize("regulated", [False, True])
def test_a_full_disk_takes_a_worker_out_only_where_records_are_demanded(
    home: Home, start: Start, monkeypatch: pytest.MonkeyPatch, regulated: bool
) -> None:
    home.publish(policy=msgspec.structs.replace(home.policy, regulated=regulated))
    gateway = start(home)
    write, spool = os.write, gateway.worker.services.recorder._fd

    def full(fd: int, data: bytes) -> int:
        if fd == spool:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data)

    monkeypatch.setattr(os, "write", full)
    gateway.call()
    status, told = readyz(gateway)
    assert (status, told["spool"], told["regulated"]) == (503 if regulated else 200, "failing", regulated)
    assert told["reasons"] == (["unrecorded"] if regulated else [])


def _until(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        threading.Event().wait(0.01)
