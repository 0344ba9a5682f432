"""Two hosts share their limits in Redis; it is killed under load and comes back, and no caller waits for it."""

import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gnomon.contract.bundle import GuessRule, Quota
from tests.fakes.bundle import Home, make_home, make_key
from tests.fakes.gateway import HTTP, GatewayProcess, bearer, free_port, until
from tests.fakes.limits import own_redis
from tests.fakes.slow_redis import NEVER_S, SlowRedis
from tests.fakes.upstream import Script, Upstream

pytestmark = pytest.mark.journey
LIMITED = Quota(kind="key", value="bbbbbbbb", requests_per_minute=8)
SLOTS = Quota(kind="key", value="aaaaaaaa", concurrency=20)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(Script(reply="好")) as running:
        yield running


def host(folder: Path, upstream: Upstream) -> Home:
    keys = tuple(make_key(id) for id in ("aaaaaaaa", "bbbbbbbb"))
    guess = GuessRule(count=3, window_s=60, ban_s=600)
    return make_home(folder, upstream_url=upstream.url, keys=keys, quotas=(LIMITED, SLOTS), guess=guess)


def calls(gateway: GatewayProcess, number: int, *, key: str = "aaaaaaaa") -> tuple[list[int], float]:
    """Statuses, and the longest that one took, in seconds."""
    statuses, longest = [], 0.0
    for _ in range(number):
        began = time.monotonic()
        statuses.append(gateway.call(key=key).status_code)
        longest = max(longest, time.monotonic() - began)
    return statuses, longest


def test_a_redis_that_dies_and_returns_costs_nobody_an_answer(tmp_path: Path, upstream: Upstream) -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server to kill")
    port = free_port()
    shared = {"GNOMON_LIMITS_URL": f"redis://127.0.0.1:{port}/0"}
    homes = [host(tmp_path / name, upstream) for name in ("one", "two")]
    with (
        GatewayProcess(homes[0], environment=shared) as one,
        GatewayProcess(homes[1], environment=shared) as two,
    ):
        assert calls(one, 5)[0] == [200] * 5  # it starts and serves with no Redis at all
        with own_redis(tmp_path, port) as redis:
            for gateway in (one, two):
                until("limits are shared", lambda gateway=gateway: not unshared(gateway))  # type: ignore[misc]
            time.sleep(2.5)  # both hosts have seen each other
            assert calls(one, 4, key="bbbbbbbb")[0] + calls(two, 5, key="bbbbbbbb")[0] == [200] * 8 + [429]
            redis.kill()
            redis.wait()
            statuses, longest = calls(one, 50)
            assert statuses == [200] * 50
            assert longest < 2.0
            until("it says so", lambda: unshared(one))
            assert calls(one, 6, key="bbbbbbbb")[0] == [200] * 4 + [429] * 2  # its half of eight
            assert HTTP.get(f"http://127.0.0.1:{one.port}/readyz").status_code == 200
            for _ in range(3):  # who guesses is banned by the host's own table
                HTTP.post(f"{two.url}/models", headers={"authorization": "Bearer gn-test_aaaaaaaa_wrong"})
            assert two.call().status_code == 403
        with own_redis(tmp_path, port):
            until("limits are shared again", lambda: not unshared(one))
            assert calls(one, 5)[0] == [200] * 5
        assert one.metrics()["gnomon_gateway_in_flight"] <= 1


@pytest.mark.parametrize("answers", ["never", "late", "not connected", "refuses"])
def test_a_gateway_ends_when_it_is_told_whatever_redis_does(tmp_path: Path, upstream: Upstream, answers: str) -> None:
    redis = SlowRedis(answer_s={"never": NEVER_S}.get(answers, 0.1), is_full=answers == "not connected")
    # What is left open would keep the loop from closing, not only be told of.
    environment = {
        "GNOMON_LIMITS_URL": f"redis://127.0.0.1:{free_port()}/0" if answers == "refuses" else redis.url,
        "PYTHONWARNINGS": "error::ResourceWarning",
    }
    unfinished = b"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ncontent-length: 9\r\n"
    unfinished += b"authorization: " + bearer()["authorization"].encode() + b"\r\n\r\n{"
    with redis, GatewayProcess(host(tmp_path, upstream), environment=environment) as gateway:
        for _ in range(30):
            with socket.create_connection(("127.0.0.1", gateway.port)) as caller:
                caller.sendall(unfinished)
        time.sleep(0.05)  # Redis is being asked for them
        gateway.process.terminate()
        assert gateway.process.wait(10) == 0
        assert redis.is_left_alone(within_s=2.0)
    assert "gateway_stopped" in gateway.log.read_text()
    assert "Traceback" not in gateway.log.read_text()


def unshared(gateway: GatewayProcess) -> bool:
    return gateway.metrics().get("gnomon_gateway_limits_unshared", 1.0) > 0
