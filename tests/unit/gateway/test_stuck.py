"""Who takes an answer and never reads it, and what of ours fails where nobody expects it: neither stays for ever."""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import TextIO, cast

import msgspec
import pytest
import structlog
import structlog.testing

from gnomon.contract.bundle import Policy
from gnomon.gateway.hosting import ServerLimits
from gnomon.kit.log import Unfailing
from tests.fakes.bundle import Home
from tests.fakes.upstream import Script, Upstream
from tests.unit.gateway.conftest import Gateway
from tests.unit.gateway.test_http import request, send

LARGE = "字" * 2_000_000


@pytest.mark.parametrize("ends", [b"", b"connection: close\r\n"], ids=["kept", "closed"])
def test_a_caller_who_never_reads_his_answer_is_let_go(
    home: Home, upstream: Upstream, start: Callable[..., Gateway], ends: bytes
) -> None:
    gateway = start(home, limits=ServerLimits(idle_s=0.2))
    upstream.script = Script(reply=LARGE)
    with _who_reads_nothing(gateway, request(extra=ends)):
        _until(lambda: bool(upstream.requests))
        _until(lambda: not gateway.worker.server.connections)
        assert [r["outcome"] for r in gateway.records()] == ["ok"]


def test_a_caller_who_stops_reading_a_stream_is_let_go(
    home: Home, upstream: Upstream, start: Callable[..., Gateway]
) -> None:
    home.publish(_with_timeout(home, 0.3))
    gateway = start(home, limits=ServerLimits(idle_s=0.2))
    upstream.script = Script(pieces=(LARGE[:4000],) * 1500)
    body = b'{"model":"gnomon-chat","stream":true,"messages":[{"role":"user","content":"a"}]}'
    with _who_reads_nothing(gateway, request(body)):
        _until(lambda: bool(upstream.requests))
        _until(lambda: not gateway.worker.server.connections)
        assert [r["outcome"] for r in gateway.records()] == ["timeout"]
    _until(lambda: not upstream.transports)


@pytest.mark.interpreted
def test_a_fault_of_ours_in_the_head_is_a_recorded_500_and_said_in_the_log(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(type(gateway.worker.services.admission), "admit", fails)
    with structlog.testing.capture_logs() as told:
        got = send(gateway, request())
    assert got.startswith(b"HTTP/1.1 500 "), got[:100]
    record = gateway.records()[-1]
    assert (record["outcome"], record["error"]) == ("internal", "ZeroDivisionError")
    assert [(line["event"], line["request"]) for line in told] == [("request_failed", record["id"])]


def test_a_bundle_that_fails_as_nobody_foresaw_is_loud_and_the_next_one_is_taken(
    home: Home, start: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = start(home)
    loader = gateway.worker.services.loader

    def fails(*_: object) -> None:
        raise RuntimeError("the pattern compiler says no")

    with monkeypatch.context() as patched:
        patched.setattr(loader, "_prepared", fails)
        home.publish(policy=home.policy)
        _until(lambda: "RuntimeError" in loader.problems.get("policy", ""))
        assert gateway.call().status_code == 200
    home.publish(policy=home.policy)
    _until(lambda: loader.current is not None and loader.current.policy.serial == home.policy.serial)
    assert not loader.problems


def test_a_log_that_cannot_be_written_costs_nothing() -> None:
    with open("/dev/full", "w") as full:
        logger = structlog.PrintLogger(cast(TextIO, Unfailing(full)))
        logger.msg("spool_failed")
        with pytest.raises(OSError, match="No space left"):
            print("without", file=full, flush=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())  # or closing it would fail too


@contextlib.contextmanager
def _who_reads_nothing(gateway: Gateway, data: bytes) -> Iterator[socket.socket]:
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", gateway.port))
        s.sendall(data)
        yield s


def _with_timeout(home: Home, timeout_s: float) -> Policy:
    routes = tuple(msgspec.structs.replace(route, timeout_s=timeout_s) for route in home.policy.routes)
    return msgspec.structs.replace(home.policy, routes=routes)


def _until(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
