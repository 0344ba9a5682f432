"""Two workers on one backend of limits, on clocks that tests move."""

import asyncio
import contextlib
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gnomon.backends.limits_local import LimitsLocal
from gnomon.contract.bundle import GuessRule
from gnomon.contract.ports import Day, Entry, Limits, Meter
from tests.fakes.ticks import Ticks

NOW = float(int(time.time()))
TODAY = Day(NOW + 3600)
TICKS = Ticks(NOW)  # what the host's steady clock and Redis's own say; the wall clock is what a call is told
REDIS = "redis://127.0.0.1:6379/9"
METERS = {
    "key:x": Meter("key:x", per_second=2, per_minute=6, concurrency=3, tokens_per_minute=400),
    "team:x": Meter("team:x", per_minute=9, concurrency=2, tokens_per_day=900, cost_per_day=90),
    "model:x": Meter("model:x", tokens_per_minute=700, concurrency=4),
}


class Host:
    """A backend whose answers are waited for; `now` is the time, on every clock that is not `ahead`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        self.loop = loop
        self.limits = limits
        self.ahead = 0.0  # of the host's wall clock

    def enter(self, *fresh: Meter, inside: Sequence[Meter] = (), now: float = NOW, **more: Any) -> Entry:
        wall = self._at(now)
        return self.waited(lambda: self.limits.enter(fresh, inside=inside, now=wall, **({"day": TODAY} | more)))

    def leave(self, *meters: Meter, now: float = NOW, **more: Any) -> None:
        wall = self._at(now)
        self.waited(lambda: self.limits.leave(meters, now=wall, **({"day": TODAY} | more)))
        self.settle()

    def guess(self, subject: str, rule: GuessRule, now: float = NOW) -> float:
        wall = self._at(now)
        return self.waited(lambda: self.limits.guess(subject, rule, wall))

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
        self.waited(self.limits.reap)
        self.settle()

    def close(self) -> None:
        self.waited(self.limits.close)

    def waited(self, call: Callable[[], Any]) -> Any:
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


def look(hosts: Sequence[Host]) -> None:
    for host in hosts:
        host.settle()
        host.look()


def rounded(entry: Entry) -> Any:
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
