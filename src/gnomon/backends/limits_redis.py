"""Limits, bans and canary counts that gateways on several hosts share, by Redis or Valkey.

Rates, budgets and slots are decided in Redis. Bans and retreats are kept in the host's own table, which a look at
Redis once a second brings up to date, so that asking for one never travels. When Redis is gone, limits fail open to the
host's share (what the last look saw of hosts divides them) and bans stay as they were; only the look tries again.
No time that is kept here is a wall clock's: Redis counts its own (`limits_scripts`), the host has `limits_clock`.
"""

import asyncio
import functools
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gnomon.backends.limits_account import DEBT_S
from gnomon.backends.limits_local import LimitsLocal, milliseconds
from gnomon.backends.limits_scripts import BAN, ENTER, GUESS, LEAVE, LOOK, RETREAT
from gnomon.contract.bundle import Canary, GuessRule
from gnomon.contract.ports import Day, Entry, Meter, Refused, Room
from gnomon.kit import log
from gnomon.kit.ids import new_id

_log = log.get(__name__)
_TIMEOUT_S = 0.25  # of one answer; redis-py's own retries would wait for seconds
_LATE_S = 0.5  # a script may wait so long for a connection and on the way
_PATIENCE = 5  # timeouts: what one call may take with its connection, which is opened in several steps
_LEASE_S = 60.0  # a worker that does not renew it holds nothing
_RENEW_S = 20.0
_HOST_S = 15.0  # a host that was not seen for so long takes no share
_KEEP_BANS_S = 7 * 86_400.0  # by then control has put a ban on every roster
_GONE = (RedisError, OSError, TimeoutError)
_T = TypeVar("_T")


class LimitsRedis:
    """Implements `contract.ports.Limits`. Owns `local`, the host's table. Must be made inside the event loop."""

    def __init__(
        self,
        local: LimitsLocal,
        url: str,
        *,
        host: str = "",
        prefix: str = "gnomon",
        timeout_s: float = _TIMEOUT_S,
        wall: Callable[[], float] | None = None,
    ) -> None:
        """`wall` stands for Redis's own clock in tests."""
        self.reachable = True
        self._local = local
        self._loop = asyncio.get_running_loop()
        self._me = new_id("worker")
        self._host = host or socket.gethostname()
        self._tag = f"{{{prefix}}}:2:"  # the braces keep all keys in one slot of a cluster; 2: the make of what is kept
        self._wall = wall
        self._timeout_s = timeout_s
        self._hosts = 1
        self._held: dict[str, int] = {}  # slots that Redis counts for this worker, by subject
        self._tasks: set[asyncio.Future[Any]] = set()  # all that may still speak to Redis
        self._looking: asyncio.Future[None] | None = None
        self._closing = False  # nothing asks Redis any more
        self._seen = 0.0  # Redis's count when it was last looked at: bans that began before are known
        self._heard = 0.0  # this host's count when a script was sent that Redis answered; 0: never yet
        self._renewed = time.monotonic()
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=16,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._redis: Redis = Redis.from_pool(pool)
        scripts = {"enter": ENTER, "leave": LEAVE, "guess": GUESS, "ban": BAN, "retreat": RETREAT, "look": LOOK}
        self._scripts = {name: self._redis.register_script(text) for name, text in scripts.items()}

    def enter(
        self,
        fresh: Sequence[Meter],
        *,
        inside: Sequence[Meter] = (),
        tokens: int = 0,
        cost: int = 0,
        day: Day,
        now: float,
    ) -> Entry | asyncio.Future[Entry]:
        if not self.reachable:
            return self._share(fresh, inside, tokens=tokens, cost=cost, day=day, now=now)
        return self._begun(self._ask(fresh, inside, tokens=tokens, cost=cost, day=day, now=now))

    def leave(self, meters: Sequence[Meter], *, tokens: int = 0, cost: int = 0, day: Day, now: float) -> None:
        """What Redis does not count, or cannot be told, the host's own table does."""
        there = [m for m in meters if self.reachable and (not m.concurrency or self._held.get(m.subject))]
        here = [m for m in meters if m not in there]
        if here:
            self._local.leave(here, tokens=tokens, cost=cost, day=day, now=now)
        for meter in there:
            self._count(meter, -1)
        if any(m.concurrency for m in there) or (there and (tokens or cost)):
            arguments = self._arguments(tokens, cost, day, now)
            for meter in there:
                arguments += (meter.concurrency, meter.tokens_per_minute)
            self._later(self._run("leave", self._keys(there), arguments))

    def banned_until(self, subject: str, now: float, *, lifted_at: float = 0.0) -> float:
        return self._local.banned_until(subject, now, lifted_at=lifted_at)

    def guess(self, subject: str, rule: GuessRule, now: float) -> float | asyncio.Future[float]:
        until = self._local.guess(subject, rule, now)
        if not self.reachable:
            return until
        if until:
            self._later(
                self._run("ban", ("bans",), (rule.ban_s, f"{milliseconds(now):.3f}", self._local.trace(subject)))
            )
            return until
        return self._begun(self._guess_everywhere(self._local.trace(subject), rule, now))

    def canary_retreated(self, canary_id: str) -> bool:
        return self._local.canary_retreated(canary_id)

    def canary_result(self, canary: Canary, *, failed: bool, slow: bool) -> dict[str, float]:
        facts = self._local.canary_result(canary, failed=failed, slow=slow)
        if facts and self.reachable:
            self._later(self._run("retreat", ("retreats",), (canary.id,)))
        return facts

    def reap(self) -> int:
        """Called once a second: also the beat at which this host looks at Redis."""
        if not self._closing and (self._looking is None or self._looking.done()):
            self._looking = self._begun(self._look())
        return self._local.reap()

    def close(self) -> asyncio.Future[None]:
        return self._loop.create_task(self._close())

    async def _close(self) -> None:
        """What was to be sent is sent, the slots that Redis still counts for this worker included; no connection stays.

        One that is only being opened when the pool closes would: the pool does not know of it.
        """
        until = self._loop.time() + _PATIENCE * self._timeout_s
        # An answer may bring about another question: who left while his slot was asked for gives it back now.
        while self._tasks and (left_s := until - self._loop.time()) > 0:
            await asyncio.wait(self._tasks, timeout=left_s)
        if self.reachable and self._held:
            await self._sent(self._give_back())
        self._closing, self.reachable = True, False  # from now on the host's own table answers
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._sent(self._redis.aclose(close_connection_pool=True))
        self._local.close()

    async def _give_back(self) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for subject in self._held:
                pipeline.hdel(f"{self._tag}slots:{subject}", self._me)
            await self._in_time(pipeline.execute())

    # -- asking -------------------------------------------------------------------------------------------------

    async def _ask(
        self, fresh: Sequence[Meter], inside: Sequence[Meter], *, tokens: int, cost: int, day: Day, now: float
    ) -> Entry:
        arguments = self._arguments(tokens, cost, day, now)
        for number, meters in ((1, fresh), (0, inside)):
            for m in meters:
                arguments += (number, m.per_second, m.per_minute, m.concurrency)
                arguments += (m.tokens_per_minute, m.tokens_per_day, m.cost_per_day)
        meters = (*fresh, *inside)
        try:
            found = _entry(await self._run("enter", self._keys(meters), arguments), meters)
        except _GONE as error:
            self._gone(error)
            return self._share(fresh, inside, tokens=tokens, cost=cost, day=day, now=now)
        if not found.refused:
            for meter in fresh:
                self._count(meter, 1)
        return found

    async def _guess_everywhere(self, trace: str, rule: GuessRule, now: float) -> float:
        arguments = (rule.ban_s, f"{milliseconds(now):.3f}", trace, rule.window_s, rule.count)
        try:
            broken = await self._run("guess", ("bans", f"guess:{trace}"), arguments)
        except _GONE as error:
            self._gone(error)
            return 0.0
        if broken:
            self._local.ban(trace, left_s=rule.ban_s, since=now)
        return now + rule.ban_s if broken else 0.0

    def _share(
        self, fresh: Sequence[Meter], inside: Sequence[Meter], *, tokens: int, cost: int, day: Day, now: float
    ) -> Entry:
        n = self._hosts
        return self._local.enter(
            [_part(m, n) for m in fresh],
            inside=[_part(m, n) for m in inside],
            tokens=tokens,
            cost=cost,
            day=day,
            now=now,
        )

    # -- looking ------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Take over other hosts' bans and retreats, say that this host lives, renew what it holds."""
        held = self._to_renew()
        arguments = [self._host, _HOST_S, _KEEP_BANS_S, f"{self._seen:.17g}", self._me, _LEASE_S, *held.values()]
        keys = ("hosts", "bans", "retreats", *(f"slots:{subject}" for subject in held))
        try:
            count, hosts, bans, retreats = await self._run("look", keys, arguments)
        except _GONE as error:
            self._gone(error)
            return
        self._hosts = max(int(hosts), 1)
        now = float(count)
        self._seen = now if now >= self._seen else 0.0  # a Redis that begins anew: all that it knows is new
        for ban in bans:
            end, since, trace = ban.split(" ")
            if float(end) > now:
                self._local.ban(trace, left_s=float(end) - now, since=float(since))
        for canary in retreats:
            self._local.retreat(canary)
        if not self.reachable and not self._closing:
            self.reachable = True
            _log.info("limits_shared_again", hosts=self._hosts)

    def _to_renew(self) -> dict[str, int]:
        """What Redis has forgotten or miscounted is right again too."""
        if self.reachable and time.monotonic() - self._renewed < _RENEW_S:
            return {}
        self._renewed = time.monotonic()
        return dict(self._held)

    def _gone(self, error: BaseException) -> None:
        if self.reachable:
            _log.error("limits_not_shared", why=type(error).__name__, share=f"1/{self._hosts}")
        self.reachable = False

    # -- small things -------------------------------------------------------------------------------------------

    async def _run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """What the script says; it learns how much time can have passed since Redis last answered this worker."""
        sent = self._local.clock()
        most = f"{sent - self._heard + _LATE_S:.6f}" if self._heard else ""
        wall = f"{self._wall():.6f}" if self._wall else ""
        tagged = [f"{self._tag}{key}" for key in ("clock", *keys)]
        found = await self._in_time(self._scripts[script](keys=tagged, args=[most, wall, *arguments]))
        self._heard = max(self._heard, sent)
        return found

    async def _in_time(self, call: Awaitable[_T]) -> _T:
        """Raises TimeoutError: redis-py's own limits are those of each step, and a call has up to ten."""
        async with asyncio.timeout(_PATIENCE * self._timeout_s):
            return await call

    def _keys(self, meters: Sequence[Meter]) -> list[str]:
        return [key for m in meters for key in (f"used:{m.subject}", f"slots:{m.subject}")]

    def _arguments(self, tokens: int, cost: int, day: Day, now: float) -> list[Any]:
        return [tokens, cost, day.ends - now, self._me, _LEASE_S, DEBT_S]

    def _count(self, meter: Meter, change: int) -> None:
        if meter.concurrency:
            held = self._held.get(meter.subject, 0) + change
            if held > 0:
                self._held[meter.subject] = held
            else:
                self._held.pop(meter.subject, None)

    def _later(self, call: Awaitable[Any]) -> None:
        """Sent without waiting; a failure is seen, and what it should have said heals by itself."""
        self._begun(self._sent(call))

    def _begun(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _sent(self, call: Awaitable[Any]) -> None:
        try:
            await call
        except _GONE as error:
            self._gone(error)


def _entry(reply: list[str], meters: Sequence[Meter]) -> Entry:
    refused: Refused = reply[0]  # type: ignore[assignment]
    subject = meters[int(float(reply[2])) - 1].subject if refused else ""
    return Entry(refused, float(reply[1]), subject, int(float(reply[3])), _room(reply[4:7]), _room(reply[7:10]))


def _room(told: list[str]) -> Room | None:
    return Room(int(float(told[0])), int(float(told[1])), float(told[2])) if told[0] else None


@functools.lru_cache(maxsize=4096)
def _part(meter: Meter, hosts: int) -> Meter:
    """This host's share; what is limited at all is not limited to nothing."""
    if hosts == 1:
        return meter
    names = ("per_second", "per_minute", "concurrency", "tokens_per_minute", "tokens_per_day", "cost_per_day")
    return replace(meter, **{n: max(getattr(meter, n) // hosts, 1) for n in names if getattr(meter, n)})
