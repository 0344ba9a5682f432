"""Runs a request's coroutine where its events arrive: in the very call that brings the bytes, without a task.

A task takes a turn of the loop, and with it a look at all sockets, for its first step and for every wake-up. A story
begins at once, and goes on at once when a `Turn` is over. Futures and sleeps it awaits as a task would.
"""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


class Stage:
    """Which story's coroutine runs just now; one for each event loop."""

    __slots__ = ("loop", "story")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.story: Story | None = None


class Story:
    """A coroutine on its way; `step` begins it."""

    __slots__ = ("_coroutine", "_must_stop", "_on", "_over", "_stage")

    def __init__(self, stage: Stage, coroutine: Coroutine[Any, None, None]) -> None:
        self._stage = stage
        self._coroutine = coroutine
        self._on: Turn | asyncio.Future[Any] | None = None  # what it waits for
        self._must_stop = self._over = False

    def cancel(self) -> None:
        """CancelledError is raised where it waits, or where it waits next; harmless when it is over."""
        on = self._on
        if self._over:
            return
        if isinstance(on, Turn):
            on.waiter = None
            self.step(asyncio.CancelledError())
        elif on is None or not on.cancel():
            self._must_stop = True

    def step(self, error: BaseException | None = None) -> None:
        """Goes on until it waits again. What the coroutine does not catch goes to the loop's exception handler."""
        stage = self._stage
        before, stage.story = stage.story, self
        self._on = None
        try:
            on = self._coroutine.send(None) if error is None else self._coroutine.throw(error)
        except StopIteration:
            self._over = True
            return
        except BaseException as failed:
            self._over = True
            if not isinstance(failed, (Exception, asyncio.CancelledError)):
                raise
            stage.loop.call_exception_handler({"message": "a request's story failed", "exception": failed})
            return
        finally:
            stage.story = before
        self._wait(on)

    def _wait(self, on: Any) -> None:
        if on is None:
            self._stage.loop.call_soon(self._woken)
            return
        self._on = on
        if type(on) is not Turn:
            on._asyncio_future_blocking = False  # as asyncio's own tasks say that they have seen it
            on.add_done_callback(self._woken)
        if self._must_stop:
            self._must_stop = False
            self.cancel()

    def _woken(self, _: object = None) -> None:
        stop, self._must_stop = self._must_stop, False
        self.step(asyncio.CancelledError() if stop else None)


class Turn:
    """Something that is waited for once, by a story or by a task. `finish` or `fail` ends it, once."""

    __slots__ = ("_error", "_stage", "is_over", "waiter")

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._error: BaseException | None = None
        self.is_over = False
        self.waiter: Story | asyncio.Future[None] | None = None

    @property
    def went_well(self) -> bool:
        return self.is_over and self._error is None

    def finish(self, error: BaseException | None = None) -> None:
        """Whoever waits goes on, a story within this call; with `error` it is raised there."""
        self._error = error
        self.is_over = True
        waiter, self.waiter = self.waiter, None
        if type(waiter) is Story:
            waiter.step()
        elif waiter is not None and not waiter.done():  # type: ignore[union-attr]
            waiter.set_result(None)  # type: ignore[union-attr]

    def __await__(self) -> Generator[Any, None, None]:
        if not self.is_over:
            story = self._stage.story
            if story is None:
                future = self.waiter = self._stage.loop.create_future()
                yield from future
            else:
                self.waiter = story
                yield self
        if self._error is not None:
            raise self._error
