"""What every backend of limits keeps: two workers, one bucket, one set of slots, one list of bans."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gnomon.backends.limits_local import LimitsLocal
from gnomon.contract.bundle import Canary, GuessRule, RetreatRule
from gnomon.contract.ports import Day, Entry, Limits, Meter
from tests.fakes.ticks import Ticks

NOW = float(int(time.time()))
TODAY = Day(739_000, NOW + 3600)
TICKS = Ticks(NOW)  # what the host's steady clock and Redis's own say; the wall clock is what a call is told
REDIS = "redis://127.0.0.1:6379/9"


class Host:
    """A backend whose answers are waited for; `now` is the time, on every clock that is not `ahead`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        self.loop = loop
        self.limits = limits
        self.ahead = 0.0  # of the host's wall clock

    def enter(self, *fresh: Meter, inside: Sequence[Meter] = (), now: float = NOW, **more: Any) -> Entry:
        wall = self._at(now)
        return self._waited(lambda: self.limits.enter(fresh, inside=inside, now=wall, **({"day": TODAY} | more)))

    def leave(self, *meters: Meter, now: float = NOW, **more: Any) -> None:
        wall = self._at(now)
        self._waited(lambda: self.limits.leave(meters, now=wall, **({"day": TODAY} | more)))
        self.settle()

    def guess(self, subject: str, rule: GuessRule, now: float = NOW) -> float:
        wall = self._at(now)
        return self._waited(lambda: self.limits.guess(subject, rule, wall))

    def banned_for(self, subject: str, now: float, *, lifted_at: float = 0.0) -> float:
        """Seconds."""
        wall = self._at(now)
        return max(self.limits.banned_until(subject, wall, lifted_at=lifted_at) - wall, 0.0)

    def _at(self, now: float) -> float:
        TICKS.at = now
        return now + self.ahead

    def settle(self) -> None:
        """What was sent without waiting has arrived."""

        async def others() -> None:
            while left := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(left)

        self.loop.run_until_complete(others())

    def look(self) -> None:
        self._waited(self.limits.reap)
        self.settle()

    def close(self) -> None:
        self._waited(self.limits.close)

    def _waited(self, call: Callable[[], Any]) -> Any:
        async def run() -> Any:
            found = call()
            return await found if asyncio.isfuture(found) else found

        return self.loop.run_until_complete(run())


def redis_limits(
    path: Path, prefix: str, *, url: str = REDIS, host: str = "one", ticks: Any = None, wall: Any = None
) -> Any:
    from gnomon.backends.limits_redis import LimitsRedis

    local = LimitsLocal(path, ticks=ticks)
    # A busy machine is no dead Redis.
    return LimitsRedis(local, url, prefix=prefix, host=host, timeout_s=5, wall=wall)


def redis_answers() -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 6379), timeout=0.2):
        return True
    return False


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@contextlib.contextmanager
def pair(kind: str, folder: Path, loop: asyncio.AbstractEventLoop, *, wall: Any = TICKS) -> Iterator[tuple[Host, Host]]:
    TICKS.at = NOW
    prefix = f"test-{uuid.uuid4().hex}"

    async def make() -> tuple[Any, Any]:
        if kind == "local":
            return LimitsLocal(folder / "l.shm", ticks=TICKS), LimitsLocal(folder / "l.shm", ticks=TICKS)
        one, two = (
            redis_limits(folder / f"{name}.shm", prefix, host=name, ticks=TICKS, wall=wall) for name in ("one", "two")
        )
        return one, two

    hosts = [Host(loop, limits) for limits in loop.run_until_complete(make())]
    yield hosts[0], hosts[1]
    for host in hosts:
        host.settle()
        host.close()
    if kind == "redis":
        import redis

        with redis.Redis.from_url(REDIS) as client:
            for key in client.scan_iter(f"{{{prefix}}}:*"):
                client.delete(key)


@pytest.fixture(params=["local", "redis"])
def hosts(
    request: pytest.FixtureRequest, tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> Iterator[tuple[Host, Host]]:
    if request.param == "redis":
        pytest.importorskip("redis")
        if not redis_answers():
            pytest.skip("no Redis on 127.0.0.1:6379")
    with pair(request.param, tmp_path, loop) as found:
        yield found


def test_two_share_one_bucket_a_minute_and_one_a_second(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    minute, second = Meter("key:a", per_minute=4), Meter("key:b", per_second=2)
    lefts = [host.enter(minute).requests for host in (one, two, one, two)]
    assert [room.left for room in lefts if room] == [3, 2, 1, 0]
    refused = one.enter(minute)
    assert (refused.refused, refused.subject, refused.limit) == ("requests", "key:a", 4)
    assert refused.wait == pytest.approx(15.0, abs=1e-3)
    assert [one.enter(second).refused, two.enter(second).refused, one.enter(second).refused] == ["", "", "requests"]
    assert two.enter(second, now=NOW + 0.51).refused == ""


def test_two_share_one_set_of_slots(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    meter = Meter("key:c", concurrency=2)
    assert (one.enter(meter).refused, two.enter(meter).refused) == ("", "")
    assert one.enter(meter).refused == "slots"
    two.leave(meter)
    assert one.enter(meter).refused == ""
    assert two.enter(meter).refused == "slots"


def test_what_one_meter_refuses_takes_nothing_from_the_others(hosts: tuple[Host, Host]) -> None:
    one, _ = hosts
    key, team = Meter("key:d", per_minute=5, concurrency=5), Meter("team:d", per_minute=1)
    assert one.enter(key, team).refused == ""
    for _ in range(9):
        assert one.enter(key, team).subject == "team:d"
    room = one.enter(key).requests
    assert room is not None
    assert room.left == 3


def test_tokens_are_taken_owed_and_given_back(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    meter = Meter("key:e", tokens_per_minute=600)
    assert one.enter(meter).refused == ""
    first = one.enter(inside=(meter,), tokens=500).tokens
    assert first is not None
    assert (first.limit, first.left) == (600, 100)
    assert two.enter(inside=(meter,), tokens=200).refused == "tokens"
    one.leave(meter, tokens=-400)  # it had used 100
    assert two.enter(inside=(meter,), tokens=200).refused == ""
    two.leave(meter, tokens=600)  # and this one 800
    owed = one.enter(meter)
    assert (owed.refused, owed.wait) == ("tokens", pytest.approx(30.0, abs=1e-3))
    assert one.enter(meter, now=NOW + 31).refused == ""


def test_budgets_of_a_day_are_spent_and_new_the_next_day(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    meter = Meter("team:f", tokens_per_day=1000, cost_per_day=50)
    assert one.enter(inside=(meter,), tokens=900, cost=10).refused == ""
    spent = two.enter(inside=(meter,), tokens=200, cost=10)
    assert (spent.refused, spent.limit, spent.wait) == ("day_tokens", 1000, pytest.approx(3600, abs=1))
    one.leave(meter, tokens=-800, cost=40)
    assert two.enter(meter).refused == "day_cost"
    assert two.enter(meter, day=Day(TODAY.number + 1, TODAY.ends + 86_400), now=TODAY.ends + 1).refused == ""


def test_a_guesser_is_banned_on_both_and_told_of_once(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    rule = GuessRule(count=3, window_s=10, ban_s=50)
    ends = [host.guess("198.51.100.7", rule) for host in (one, two, one)]
    assert [bool(end) for end in ends] == [False, False, True]
    assert ends[-1] == pytest.approx(NOW + 50)
    _look(hosts)
    for host in hosts:
        assert host.banned_for("198.51.100.7", NOW + 1) == pytest.approx(49, abs=0.01)
    for host in hosts:
        assert host.banned_for("198.51.100.7", NOW + 51) == 0.0


def test_a_lift_ends_the_ban_before_it_and_none_that_comes_after(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    rule = GuessRule(count=1, ban_s=50)
    one.guess("198.51.100.8", rule)
    _look(hosts)
    for _ in range(2):
        assert [host.banned_for("198.51.100.8", NOW + 5, lifted_at=NOW + 4) for host in hosts] == [0.0, 0.0]
        _look(hosts)  # Redis still tells of it
    for host in hosts:
        host.ahead = -86_400.0  # by the wall clock the next ban began long before the lift
    two.guess("198.51.100.8", rule, NOW + 6)
    _look(hosts)
    left = [host.banned_for("198.51.100.8", NOW + 7, lifted_at=NOW + 4) for host in hosts]
    assert left == pytest.approx([49, 49], abs=0.01)


@pytest.mark.parametrize("jump", [-366 * 86_400.0, -3600.0, 3600.0, 366 * 86_400.0])
def test_a_ban_lasts_as_long_as_it_should_whatever_the_wall_clock_does(hosts: tuple[Host, Host], jump: float) -> None:
    one, two = hosts
    two.guess("198.51.100.9", GuessRule(count=1, ban_s=900))
    _look(hosts)
    for one.ahead in (jump, 0.0, jump):
        assert one.banned_for("198.51.100.9", NOW + 890) == pytest.approx(10, abs=0.01)
    assert one.banned_for("198.51.100.9", NOW + 901) == 0.0


def test_guesses_count_within_their_window_whatever_the_wall_clock_does(hosts: tuple[Host, Host]) -> None:
    one, _ = hosts
    rule = GuessRule(count=3, window_s=60, ban_s=900)
    found = []
    for one.ahead, now in ((0.0, NOW), (-86_400.0, NOW + 1), (7200.0, NOW + 2)):
        found.append(one.guess("198.51.100.10", rule, now))
    assert [bool(end) for end in found] == [False, False, True]
    assert found[-1] == pytest.approx(NOW + 2 + 7200 + 900)


JUMPS = st.sampled_from([0.0, 0.0, 0.0, -366 * 86_400.0, -3600.0, -30.0, 30.0, 3600.0, 366 * 86_400.0])


@given(steps=st.lists(st.tuples(st.floats(0.01, 20), JUMPS, st.integers(0, 200)), min_size=1, max_size=25))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_hosts_table_says_the_same_whatever_the_wall_clock_does(
    tmp_path_factory: pytest.TempPathFactory, loop: asyncio.AbstractEventLoop, steps: list[tuple[float, float, int]]
) -> None:
    folder, now = tmp_path_factory.mktemp("jumps"), NOW
    TICKS.at = NOW
    calm, shaken = (Host(loop, LimitsLocal(folder / name, ticks=TICKS)) for name in ("calm", "shaken"))
    for gap, jump, tokens in steps:
        now += gap
        shaken.ahead += jump
        found = [_rounded(host.enter(METERS["key:x"], tokens=tokens, now=now)) for host in (calm, shaken)]
        assert found[0] == found[1]
        if not found[0][0]:
            for host in (calm, shaken):
                host.leave(METERS["key:x"], tokens=tokens // 2, now=now)
    for host in (calm, shaken):
        host.limits.close()


@given(steps=st.lists(st.tuples(st.floats(0.01, 20), JUMPS, JUMPS), min_size=1, max_size=15))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_step_of_rediss_clock_moves_its_limits_by_one_pause_at_most(
    tmp_path_factory: pytest.TempPathFactory, loop: asyncio.AbstractEventLoop, steps: list[tuple[float, float, float]]
) -> None:
    """Nobody waits longer than his limit says plus those pauses, and nobody gets more than they would refill."""
    pytest.importorskip("redis")
    if not redis_answers():
        pytest.skip("no Redis on 127.0.0.1:6379")
    server, now, meter = Ticks(NOW), NOW, Meter("key:y", per_minute=6)
    with pair("redis", tmp_path_factory.mktemp("jumps"), loop, wall=lambda: TICKS() + server.at - NOW) as (one, _):
        one.enter(meter)  # the first answer sets the count going
        served, most = 1, 6.0
        for gap, jump, server_jump in steps:
            now += gap
            one.ahead += jump
            server.at += server_jump
            most = min(most + (gap + 0.5 if server_jump > 0 else gap) / 10, 6.0 + served)
            found = one.enter(meter, now=now)
            served += not found.refused
            assert found.wait <= 10.001
            assert served <= most + 1e-3
        assert one.enter(meter, now=now + 20.0).refused == ""


def _look(hosts: Sequence[Host]) -> None:
    for host in hosts:
        host.settle()
        host.look()


def test_a_canary_that_retreats_on_one_has_retreated_on_the_other(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    rule = RetreatRule(indicator="error_ratio", limit=0.2, min_requests=2)
    canary = Canary(id="c", target="t", share=0.1, watch_until=NOW + 60, rules=(rule,))
    told = [one._waited(lambda: one.limits.canary_result(canary, failed=True, slow=False)) for _ in range(3)]
    assert [bool(facts) for facts in told] == [False, True, False]
    one.settle()
    two.look()
    assert two.limits.canary_retreated("c")


def test_redis_never_learns_an_address(tmp_path: Path, loop: asyncio.AbstractEventLoop) -> None:
    redis = pytest.importorskip("redis")
    if not redis_answers():
        pytest.skip("no Redis on 127.0.0.1:6379")
    with pair("redis", tmp_path, loop) as (one, two), redis.Redis.from_url(REDIS, decode_responses=True) as client:
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
METERS = {
    "key:x": Meter("key:x", per_second=2, per_minute=6, concurrency=3, tokens_per_minute=400),
    "team:x": Meter("team:x", per_minute=9, concurrency=2, tokens_per_day=900, cost_per_day=90),
    "model:x": Meter("model:x", tokens_per_minute=700, concurrency=4),
}


@given(steps=STEPS)
@example(
    steps=[("enter", {"model:x"}, 300, 0, 0.0), ("enter", {"key:x", "model:x", "team:x"}, 0, 0, 0.0)]
)  # as much left
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_redis_says_exactly_what_the_hosts_own_table_says(
    tmp_path_factory: pytest.TempPathFactory, loop: asyncio.AbstractEventLoop, steps: list[Any]
) -> None:
    pytest.importorskip("redis")
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
            assert _rounded(found[0]) == _rounded(found[1])
            if fresh and not found[0].refused:
                held.update({m.subject: held[m.subject] + 1 for m in fresh})
    local.limits.close()


def _rounded(entry: Entry) -> Any:
    def plain(room: Any) -> Any:
        return room and (room.limit, room.left, round(room.reset_s, 3))

    return entry.refused, round(entry.wait, 3), entry.subject, entry.limit, plain(entry.requests), plain(entry.tokens)


@contextlib.contextmanager
def own_redis(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    server = subprocess.Popen([*command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
            break
        time.sleep(0.02)
    try:
        yield server
    finally:
        server.kill()
        server.wait()


def test_with_redis_gone_quotas_fall_to_the_hosts_share_and_bans_stay(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    pytest.importorskip("redis")
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
