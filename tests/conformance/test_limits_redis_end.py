"""A worker that ends leaves no connection to Redis, whatever Redis does just then; or uvloop would never close."""

import asyncio
import contextlib
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from gnomon.backends.limits_local import LimitsLocal
from gnomon.backends.limits_scripts import ENTER, LEAVE
from gnomon.contract.bundle import GuessRule
from gnomon.contract.ports import Entry, Meter
from tests.fakes.authority import make_authority
from tests.fakes.limits import NOW, TODAY
from tests.fakes.slow_redis import NEVER_S, SlowRedis

TIMEOUT_S = 0.25
SLOTS = Meter("key:x", concurrency=50)


@pytest.fixture
def ending() -> Iterator[asyncio.AbstractEventLoop]:
    """The loop that gateways run on. When it ends, nothing on it is under way, and nothing open: it would say so."""
    loop = uvloop.new_event_loop()
    yield loop
    under_way = asyncio.all_tasks(loop)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")  # as an error it would keep uvloop from closing what it tells of
        loop.close()
    assert [str(warning.message) for warning in told] == []
    assert under_way == set()


def made(folder: Path, redis: SlowRedis) -> Any:
    from gnomon.backends.limits_redis import LimitsRedis

    return LimitsRedis(LimitsLocal(folder / "l.shm"), redis.url, timeout_s=TIMEOUT_S)


def enter(limits: Any, meter: Meter = SLOTS) -> "asyncio.Future[Entry]":
    found: asyncio.Future[Entry] = limits.enter([meter], day=TODAY, now=NOW)
    return found


def leave(limits: Any, meter: Meter = SLOTS) -> None:
    limits.leave([meter], day=TODAY, now=NOW)


def settle(limits: Any) -> None:
    limits.leave([Meter("key:x", tokens_per_minute=9)], tokens=1, day=TODAY, now=NOW)


def ask_all(limits: Any) -> "list[asyncio.Future[Any]]":
    """What Redis is asked for by callers, several at once, and by housekeeping."""
    limits.reap()
    leave(limits)
    return [*(enter(limits) for _ in range(5)), limits.guess("192.0.2.9", GuessRule(count=9, ban_s=60), NOW)]


REDIS = {
    "at once": lambda: SlowRedis(),
    "late": lambda: SlowRedis(answer_s=0.1),
    "never": lambda: SlowRedis(answer_s=NEVER_S),
    "not connected": lambda: SlowRedis(is_full=True),
}


@pytest.mark.parametrize("wait_s", [0.0, 0.02, 0.15])
@pytest.mark.parametrize("answers", REDIS)
def test_what_is_asked_while_a_worker_ends_leaves_no_connection(
    tmp_path: Path, ending: asyncio.AbstractEventLoop, answers: str, wait_s: float
) -> None:
    async def end() -> list[Any]:
        limits = made(tmp_path, redis)
        asked = ask_all(limits)
        await asyncio.sleep(wait_s)
        await limits.close()
        assert [one.done() for one in asked] == [True] * 6
        return [one.result() for one in asked]

    with REDIS[answers]() as redis:
        began = time.monotonic()
        *entered, ban = ending.run_until_complete(end())
        assert time.monotonic() - began < 5.0
        assert redis.is_left_alone(within_s=2.0)
    assert [entry.refused for entry in entered] == [""] * 5
    assert ban == 0.0


def test_who_leaves_while_redis_is_asked_gives_his_slot_back_before_the_worker_ends(
    tmp_path: Path, ending: asyncio.AbstractEventLoop
) -> None:
    async def end() -> None:
        limits = made(tmp_path, redis)
        for _ in range(5):
            enter(limits).add_done_callback(lambda _: leave(limits))
        await asyncio.sleep(0)
        await limits.close()

    with SlowRedis(answer_s=0.05) as redis:
        ending.run_until_complete(end())
        assert redis.is_left_alone(within_s=2.0)
    assert (redis.asked.count(ENTER), redis.asked.count(LEAVE)) == (5, 5)


def test_neither_who_leaves_while_the_worker_ends_nor_housekeeping_opens_a_connection(
    tmp_path: Path, ending: asyncio.AbstractEventLoop
) -> None:
    async def end() -> None:
        limits = made(tmp_path, redis)
        await enter(limits)
        closing = limits.close()
        async with asyncio.timeout(10):
            while not closing.done():
                settle(limits)
                limits.reap()
                await asyncio.sleep(0.005)
        await closing

    with SlowRedis(answer_s=0.02) as redis:
        ending.run_until_complete(end())
        assert redis.is_left_alone(within_s=2.0)


def test_a_connection_that_is_being_opened_when_nothing_is_waited_for_any_more_is_closed_too(
    tmp_path: Path, ending: asyncio.AbstractEventLoop
) -> None:
    async def end() -> None:
        limits = made(tmp_path, redis)
        limits.reap()
        await asyncio.sleep(TIMEOUT_S / 2)  # tries end between the ends of timeouts
        closing = limits.close()
        async with asyncio.timeout(10):
            while not closing.done():
                limits.reap()  # as soon as one try ends another begins
                await asyncio.sleep(0)
        await closing

    with SlowRedis(is_full=True) as redis:
        ending.run_until_complete(end())


def test_a_worker_ends_though_redis_no_longer_says_goodbye(tmp_path: Path) -> None:
    async def end() -> None:
        limits = made(tmp_path, redis)
        await enter(limits, Meter("key:x", per_minute=5))
        redis.answer_s = NEVER_S
        await limits.close()

    with SlowRedis(tls=make_authority(tmp_path).context) as redis, warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # uvloop ends what TLS still waits for, and tells of it
        began = time.monotonic()
        with contextlib.closing(uvloop.new_event_loop()) as loop:
            loop.run_until_complete(end())
        assert time.monotonic() - began < 5.0


def test_a_worker_that_ends_gives_back_every_slot_that_redis_counts_for_it(
    tmp_path: Path, ending: asyncio.AbstractEventLoop
) -> None:
    async def end() -> None:
        limits = made(tmp_path, redis)
        for number in range(100):
            await enter(limits, Meter(f"key:{number}", concurrency=1))
        redis.answer_s = 0.05
        await limits.close()

    with SlowRedis() as redis:
        ending.run_until_complete(end())
        assert redis.is_left_alone(within_s=2.0)
    assert redis.asked.count("HDEL") == 100
