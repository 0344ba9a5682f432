"""Asks a second target when the first keeps silent; whoever answers first is heard, the other is cut off.

Each is asked by a story of its own, so that an answer reaches the request in the very call that brings its last byte.
Through tasks it would come some turns later, and a deadline that ends with that read would cut it off.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from gnomon.gateway.answers import Buffered
from gnomon.gateway.calling import Answer, Beaten, Failure, Question, call
from gnomon.gateway.circuits import Circuit
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.services import Services
from gnomon.gateway.snapshot import PreparedTarget
from gnomon.gateway.story import Stage, Story, Turn


class _Race:
    """The first good head wins the sink. `over`: the winner has told all, or all have failed."""

    def __init__(self, ex: Exchange, sink: Answer, stage: Stage) -> None:
        self.ex = ex
        self.sink = sink
        self.winner: _Lane | None = None
        self.lanes: list[_Lane] = []
        self.ended: list[_Lane] = []
        self.over = Turn(stage)
        self._stage = stage

    def start(self, s: Services, q: Question, target: PreparedTarget, circuit: Circuit | None) -> None:
        lane = _Lane(self, target)
        self.lanes.append(lane)
        lane.story = Story(self._stage, lane.run(s, q, circuit))
        lane.story.step()

    def claim(self, lane: "_Lane") -> bool:
        if self.winner is None:
            self.winner = lane
            self.ex.link, self.ex.target = lane.link, lane.target
            for other in self.lanes:
                if other is not lane:
                    other.stop()
        return self.winner is lane

    def end(self, lane: "_Lane") -> None:
        self.ended.append(lane)
        is_over = lane is self.winner or len(self.ended) == len(self.lanes)
        if is_over and not self.over.is_over:
            self.over.finish()

    def outcome(self) -> Failure | None:
        """What the winner brought; where nobody won, what the last to fail did. Raises what was raised there."""
        if self.winner is not None:
            self.ex.connect_ms = self.winner.connect_ms
            return self.winner.result()
        failure: Failure | None = None
        refused: _Lane | None = None
        for lane in self.ended:
            failure = lane.result()
            refused = lane if failure is Failure.REFUSED else refused
        return self._refused(refused) if refused is not None else failure

    def _refused(self, lane: "_Lane") -> Failure:
        """Nothing better came: the sink holds what this one said."""
        self.ex.target = lane.target
        self.sink.head(lane.refused.status, lane.refused.headers)
        self.sink.body(lane.refused.data)
        return Failure.REFUSED


class _Lane:
    """One of the two: a sink for the connection, and the line that waits on it."""

    story: Story

    def __init__(self, race: _Race, target: PreparedTarget) -> None:
        self.connect_ms: float | None = None
        self.target = target
        self.refused = Buffered()
        self._race = race
        self._won = False
        self._link: Any = None
        self._is_over = False
        self._failure: Failure | None = None
        self._error: BaseException | None = None

    async def run(self, s: Services, q: Question, circuit: Circuit | None) -> None:
        try:
            self._failure = await call(self._race.ex, s, q, target=self.target, circuit=circuit, sink=self, line=self)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - raised where the request waits, by `result`
            self._error = error
        self._is_over = True
        self._race.end(self)

    def stop(self) -> None:
        if not self._is_over:
            self.story.cancel()

    def result(self) -> Failure | None:
        if self._error is not None:
            raise self._error
        return self._failure

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
    race = _Race(ex, sink, s.pool.stage)

    def hedge() -> None:
        beside = s.circuits.of(targets[1])
        if race.winner is None and not race.ended and beside.enter(s.pool.loop.time()):
            race.start(s, q, targets[1], beside)

    race.start(s, q, targets[0], circuit)
    timer = s.pool.loop.call_later(q.route.route.hedge_after_ms / 1000.0, hedge)
    try:
        await race.over
        return race.outcome(), len(race.lanes)
    finally:
        timer.cancel()
        for lane in race.lanes:
            lane.stop()
        ex.link = None
