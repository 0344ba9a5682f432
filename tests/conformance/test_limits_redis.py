"""Limits in Redis: they say what the host's own table says, and do without Redis when it is gone."""

import asyncio
import shutil
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis import Redis

from gnomon.backends.limits_local import LimitsLocal
from gnomon.contract.bundle import GuessRule
from gnomon.contract.ports import Meter
from tests.fakes.limits import METERS, NOW, REDIS, TICKS, Host, own_redis, pair, redis_answers, redis_limits, rounded


def test_redis_never_learns_an_address(tmp_path: Path, loop: asyncio.AbstractEventLoop) -> None:
    if not redis_answers():
        pytest.skip("no Redis on 127.0.0.1:6379")
    with pair("redis", tmp_path, loop) as (one, two), Redis.from_url(REDIS, decode_responses=True) as client:
        one.guess("198.51.100.77", GuessRule(count=1, ban_s=60))
        two.guess("198.51.100.78", GuessRule(count=9, ban_s=60))
        one.settle()
        keys = list(client.scan_iter(f"{one.limits._tag}*"))  # type: ignore[attr-defined]
        assert [key for key in keys if ":guess:" in key]
        (ban,) = client.zrange(f"{one.limits._tag}bans", 0, -1)  # type: ignore[attr-defined]
        assert "198.51.100" not in f"{keys}{ban}"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["enter", "inside", "leave"]),
        st.sets(st.sampled_from(["key:x", "team:x", "model:x"]), min_size=1),
        st.integers(0, 300),
        st.integers(0, 40),
        st.floats(0, 4.9),  # twelve of them end before a slot's lease in Redis does, which nobody renews here
    ),
    max_size=12,
)


@given(steps=STEPS)
@example(
    steps=[("enter", {"model:x"}, 300, 0, 0.0), ("enter", {"key:x", "model:x", "team:x"}, 0, 0, 0.0)]
)  # as much left
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_redis_says_exactly_what_the_hosts_own_table_says(
    tmp_path_factory: pytest.TempPathFactory, loop: asyncio.AbstractEventLoop, steps: list[Any]
) -> None:
    if not redis_answers():
        pytest.skip("no Redis on 127.0.0.1:6379")
    folder, now = tmp_path_factory.mktemp("both"), NOW
    TICKS.at = NOW
    local = Host(loop, LimitsLocal(folder / "local.shm", ticks=TICKS))
    held: dict[str, int] = dict.fromkeys(METERS, 0)
    with pair("redis", folder, loop) as (redis, _):
        for what, subjects, tokens, cost, gap in steps:
            now += gap
            meters = [METERS[s] for s in sorted(subjects)]
            if what == "leave":
                gone = [m for m in meters if held[m.subject]]
                for host in (local, redis):
                    host.leave(*gone, tokens=tokens - 150, cost=cost - 20, now=now)
                held.update({m.subject: held[m.subject] - 1 for m in gone})
                continue
            fresh, inside = (meters, []) if what == "enter" else ([], meters)
            found = [h.enter(*fresh, inside=inside, tokens=tokens, cost=cost, now=now) for h in (local, redis)]
            assert rounded(found[0]) == rounded(found[1])
            if fresh and not found[0].refused:
                held.update({m.subject: held[m.subject] + 1 for m in fresh})
    local.limits.close()


def test_with_redis_gone_quotas_fall_to_the_hosts_share_and_bans_stay(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server to kill")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    meter, slots = Meter("key:h", per_minute=8), Meter("key:i", concurrency=4)

    async def make(name: str) -> Any:
        return redis_limits(tmp_path / f"{name}.shm", "p", url=f"redis://127.0.0.1:{port}", host=name)

    with own_redis(tmp_path, port) as server:
        one, two = (Host(loop, loop.run_until_complete(make(name))) for name in ("one", "two"))
        for host in (one, two, one):
            host.look()
        two.guess("192.0.2.9", GuessRule(count=1, ban_s=600), time.time())
        two.settle()
        one.look()
        assert one.enter(slots).refused == ""
        server.kill()
        server.wait()
        began = time.monotonic()
        passed = [one.enter(meter).refused for _ in range(6)]
        assert time.monotonic() - began < 1.0  # one timeout at most, not one a request
        assert passed == ["", "", "", "", "requests", "requests"]  # half of eight: there are two hosts
        assert one.banned_for("192.0.2.9", time.time()) > 0
        assert one.guess("192.0.2.10", GuessRule(count=1, ban_s=600), time.time()) > 0
        one.leave(slots)
        one.look()
    with own_redis(tmp_path, port):
        one.look()
        assert one.limits.reachable  # type: ignore[attr-defined]
        assert [two.enter(meter).refused, one.enter(meter).refused] == ["", ""]
    for host in (one, two):
        host.settle()
        host.close()
