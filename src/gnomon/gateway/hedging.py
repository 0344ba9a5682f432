"""Asks a second target when the first keeps silent; whoever answers first is heard, the other is cut off."""

import asyncio
from collections.abc import Sequence
from typing import Any

from gnomon.gateway.answers import Buffered
from gnomon.gateway.calling import Answer, Beaten, Failure, Question, call
from gnomon.gateway.circuits import Circuit
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.services import Services
from gnomon.gateway.snapshot import PreparedTarget


class _Race:
    """The first good head wins the sink."""

    def __init__(self, ex: Exchange, sink: Answer) -> None:
        self.ex = ex
        self.sink = sink
        self.winner: _Lane | None = None
        self.tasks: dict[_Lane, asyncio.Task[Failure | None]] = {}

    def claim(self, lane: "_Lane") -> bool:
        if self.winner is None:
            self.winner = lane
            self.ex.link, self.ex.target = lane.link, lane.target
            for other, task in self.tasks.items():
                if other is not lane:
                    task.cancel()
        return self.winner is lane


class _Lane:
    """One of the two: a sink for the connection, and the line that waits on it."""

    def __init__(self, race: _Race, target: PreparedTarget) -> None:
        self.connect_ms: float | None = None
        self.target = target
        self.refused = Buffered()
        self._race = race
        self._won = False
        self._link: Any = None

    @property
    def link(self) -> Any:
        return self._link

    @link.setter
    def link(self, link: Any) -> None:
        self._link = link
        if self._won:
            self._race.ex.link = link

    @property
    def status(self) -> int:
        return self._race.sink.status if self._won else self.refused.status

    @property
    def begun(self) -> bool:
        return self._won and self._race.sink.begun

    def elapsed_ms(self) -> float:
        return self._race.ex.elapsed_ms()

    def reset(self) -> None:
        self.refused.reset()

    def head(self, status: int, headers: dict[bytes, bytes]) -> None:
        if status >= 500 or status == 429:
            self.refused.head(status, headers)
            return
        self._won = self._race.claim(self)
        if not self._won:
            raise Beaten
        self._race.sink.head(status, headers)

    def body(self, data: bytes) -> None:
        (self._race.sink if self._won else self.refused).body(data)


async def call_two(
    ex: Exchange,
    s: Services,
    q: Question,
    *,
    targets: Sequence[PreparedTarget],
    circuit: Circuit | None,
    sink: Answer,
) -> tuple[Failure | None, int]:
    """(as `call`, how many targets were asked). The first is in its circuit already."""
    race = _Race(ex, sink)
    first = _start(race, s, q, targets[0], circuit)
    used = 1
    try:
        await asyncio.wait({first}, timeout=q.route.route.hedge_after_ms / 1000.0)
        if not first.done() and race.winner is None:
            beside = s.circuits.of(targets[1])
            if beside.enter(s.pool.loop.time()):
                used = 2
                _start(race, s, q, targets[1], beside)
        return await _outcome(race), used
    finally:
        for task in race.tasks.values():
            task.cancel()
        await asyncio.gather(*race.tasks.values(), return_exceptions=True)
        ex.link = None


def _start(
    race: _Race, s: Services, q: Question, target: PreparedTarget, circuit: Circuit | None
) -> asyncio.Task[Failure | None]:
    lane = _Lane(race, target)
    task = s.pool.loop.create_task(call(race.ex, s, q, target=target, circuit=circuit, sink=lane, line=lane))
    race.tasks[lane] = task
    return task


async def _outcome(race: _Race) -> Failure | None:
    """What the winner brought; where nobody won, what the last to fail did."""
    waiting = set(race.tasks.values())
    failure: Failure | None = None
    refused: _Lane | None = None
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for lane, task in race.tasks.items():
            if task not in done:
                continue
            if lane is race.winner:
                race.ex.connect_ms = lane.connect_ms
                return task.result()
            if race.winner is None:
                failure = task.result()
                refused = lane if failure is Failure.REFUSED else refused
    return _refused(race, refused) if refused is not None else failure


def _refused(race: _Race, lane: _Lane) -> Failure:
    """Nothing better came: the sink holds what this one said."""
    race.ex.target = lane.target
    race.sink.head(lane.refused.status, lane.refused.headers)
    race.sink.body(lane.refused.data)
    return Failure.REFUSED
