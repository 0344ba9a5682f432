"""Gateways on two hosts, one Redis: limits are one, and nobody waits for a Redis that is gone."""

import socket
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from gnomon.contract.bundle import GuessRule, Quota
from tests.fakes.bundle import make_home
from tests.fakes.limits import REDIS, redis_answers, redis_limits
from tests.fakes.upstream import Script, Upstream
from tests.unit.gateway.conftest import HTTP, Gateway, bearer

Start = Callable[..., Gateway]
BODY = {"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}]}


@pytest.fixture
def prefix() -> Iterator[str]:
    if not redis_answers():
        pytest.skip("no Redis on 127.0.0.1:6379")
    name = f"test-{uuid.uuid4().hex}"
    yield name
    with Redis.from_url(REDIS) as client:
        for key in client.scan_iter(f"{{{name}}}:*"):
            client.delete(key)


def two_hosts(start: Start, folder: Path, upstream: Upstream, prefix: str, **more: Any) -> tuple[Gateway, Gateway]:
    def on(name: str) -> Gateway:
        home = make_home(folder / name, upstream_url=upstream.url, **more)
        return start(home, limits_at=lambda path: redis_limits(path, prefix, host=name))

    return on("one"), on("two")


def test_hosts_share_requests_tokens_and_slots(tmp_path: Path, upstream: Upstream, start: Start, prefix: str) -> None:
    quotas = (
        Quota(kind="key", value="aaaaaaaa", requests_per_minute=4, concurrency=2),
        Quota(kind="team", value="business", tokens_per_minute=100_000),
        Quota(kind="model", value="gnomon-chat", requests_per_minute=100),
    )
    one, two = two_hosts(start, tmp_path, upstream, prefix, quotas=quotas)
    lefts = [gateway.call().headers["x-ratelimit-remaining-requests"] for gateway in (one, two, one, two)]
    assert lefts == ["3", "2", "1", "0"]
    refused = one.call()
    assert (refused.status_code, refused.headers["x-ratelimit-limit-requests"]) == (429, "4")
    assert 1 <= int(refused.headers["retry-after"]) <= 15
    left = int(two.call(key="aaaaaaaa").headers.get("x-ratelimit-remaining-tokens", "0"))
    assert left == 0 or left > 99_000  # four answers of 33 tokens, reserved and settled


def test_slots_come_back_from_callers_who_leave(tmp_path: Path, upstream: Upstream, start: Start, prefix: str) -> None:
    one, two = two_hosts(
        start, tmp_path, upstream, prefix, quotas=(Quota(kind="key", value="aaaaaaaa", concurrency=1),)
    )
    upstream.script = Script(pieces=("字",) * 100, between_s=0.05)
    with HTTP.stream("POST", f"{one.url}/chat/completions", json=BODY | {"stream": True}, headers=bearer()) as running:
        assert running.status_code == 200
        assert two.call().status_code == 429
    upstream.script = Script(reply="好")
    _until(lambda: two.call().status_code == 200)
    content = httpx.Request("POST", one.url, json=BODY).content
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: {bearer()['authorization']}\r\n"
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", one.port)) as s:
            s.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(content) + content[:-3])
    _until(lambda: two.call().status_code == 200)


def test_a_guesser_on_one_host_is_banned_on_the_other(
    tmp_path: Path, upstream: Upstream, start: Start, prefix: str
) -> None:
    one, two = two_hosts(start, tmp_path, upstream, prefix, guess=GuessRule(count=4, window_s=60, ban_s=60))
    for gateway in (one, two, one, two):
        HTTP.post(
            f"{gateway.url}/chat/completions", json=BODY, headers={"authorization": "Bearer gn-test_aaaaaaaa_wrong"}
        )
    for gateway in (one, two):
        _until(lambda gateway=gateway: gateway.call().status_code == 403)  # type: ignore[misc]
    assert len(one.lines("notice") + two.lines("notice")) == 1


def _until(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
