"""A request's coroutine goes on in the call that brings what it waits for, and stops where it is told to."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from gnomon.gateway.deadline import Deadline, Deadlines
from gnomon.gateway.story import Stage, Story, Turn


def run(claim: Callable[[Stage], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await claim(Stage(asyncio.get_running_loop()))

    uvloop.run(main())


def begun(stage: Stage, coroutine: Coroutine[Any, None, None]) -> Story:
    story = Story(stage, coroutine)
    story.step()
    return story


def test_it_goes_on_within_the_call_that_ends_its_turn() -> None:
    async def claim(stage: Stage) -> None:
        turn, said = Turn(stage), []

        async def tell() -> None:
            said.append("begun")
            await turn
            said.append("gone on")

        begun(stage, tell())
        assert said == ["begun"]
        turn.finish()
        assert said == ["begun", "gone on"]
        assert stage.story is None

    run(claim)


def test_what_ends_a_turn_badly_is_raised_where_it_was_waited_for() -> None:
    async def claim(stage: Stage) -> None:
        turn, said = Turn(stage), []

        async def tell() -> None:
            try:
                await turn
            except ValueError as error:
                said.append(str(error))

        begun(stage, tell())
        turn.finish(ValueError("torn"))
        assert said == ["torn"]
        assert not turn.went_well

    run(claim)


def test_futures_sleeps_and_tasks_are_waited_for_as_by_a_task() -> None:
    async def claim(stage: Stage) -> None:
        ended = asyncio.Event()

        async def tell() -> None:
            await asyncio.sleep(0)
            await asyncio.sleep(0.001)
            assert await stage.loop.create_task(asyncio.sleep(0, "told")) == "told"
            with pytest.raises(ZeroDivisionError):
                await asyncio.to_thread(lambda: 1 / 0)
            ended.set()

        begun(stage, tell())
        await asyncio.wait_for(ended.wait(), 5)

    run(claim)


@pytest.mark.parametrize("kind", ["turn", "future", "nothing"])
def test_it_stops_where_it_waits(kind: str) -> None:
    async def claim(stage: Stage) -> None:
        ended, said = asyncio.Event(), []
        waits: Any = Turn(stage) if kind == "turn" else stage.loop.create_future()

        async def tell() -> None:
            try:
                await (asyncio.sleep(0) if kind == "nothing" else waits)
            except asyncio.CancelledError:
                said.append("stopped")
                await asyncio.sleep(0)  # what has to be given back may take time
                said.append("given back")
            ended.set()

        story = begun(stage, tell())
        story.cancel()
        await asyncio.wait_for(ended.wait(), 5)
        story.cancel()
        assert said == ["stopped", "given back"]

    run(claim)


def test_told_to_stop_while_it_runs_it_stops_where_it_waits_next() -> None:
    async def claim(stage: Stage) -> None:
        said: list[str] = []

        async def tell() -> None:
            story.cancel()
            said.append("still here")
            try:
                await Turn(stage)
            except asyncio.CancelledError:
                said.append("stopped")

        story = Story(stage, tell())
        story.step()
        assert said == ["still here", "stopped"]

    run(claim)


def test_a_turn_may_be_waited_for_by_a_task_too() -> None:
    async def claim(stage: Stage) -> None:
        turn = Turn(stage)

        async def tell() -> str:
            await turn
            return "told"

        task = stage.loop.create_task(tell())
        await asyncio.sleep(0)
        turn.finish()
        assert await task == "told"

    run(claim)


def test_one_story_may_begin_another() -> None:
    async def claim(stage: Stage) -> None:
        turns = [Turn(stage), Turn(stage)]
        said = []

        async def tell(place: int) -> None:
            if place == 0:
                begun(stage, tell(1))
            await turns[place]
            said.append(place)

        begun(stage, tell(0))
        turns[0].finish()
        turns[1].finish()
        assert said == [0, 1]

    run(claim)


def test_deadlines_end_those_that_are_late_and_no_others() -> None:
    async def claim(stage: Stage) -> None:
        deadlines, ended = Deadlines(stage.loop), []
        kept = Deadline(deadlines, 30.0, cancel=lambda: ended.append("kept"))
        silent = Deadline(deadlines, 0.03, cancel=lambda: ended.append("silent"))
        total = Deadline(deadlines, 30.0, cancel=lambda: ended.append("total"), total_s=0.03)
        closed = Deadline(deadlines, 0.01, cancel=lambda: ended.append("closed"))
        closed.close()
        for _ in range(8):
            total.touch()
            await asyncio.sleep(0.01)
        assert sorted(ended) == ["silent", "total"]
        assert (kept.expired, silent.expired, total.expired, closed.expired) == (False, True, True, False)

    run(claim)
