"""A connection to a model server that comes when its caller has just left is closed, and not forgotten."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gnomon.app.gateway import guard
from gnomon.gateway.answers import Buffered
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.snapshot import prepare
from gnomon.gateway.upstream import Pool
from tests.fakes.bundle import make_home
from tests.fuzz.pipes import Pipe

GUARD = guard()


def test_a_connection_that_comes_too_late_is_closed(tmp_path: Path) -> None:
    home = make_home(tmp_path, upstream_url="http://127.0.0.1:9/v1")
    snapshot = prepare(home.policy, home.roster, masker=lambda one: GUARD.masker(one, b"k" * 32))
    target = snapshot.routes["gnomon-chat"].targets["main"]
    loop, pipe = asyncio.new_event_loop(), Pipe()

    async def leave_too_early() -> None:
        async def connect(make: Callable[[], Any], *_: Any, **__: Any) -> tuple[Pipe, Any]:
            link = make()
            link.connection_made(pipe)
            loop.call_soon(asking.cancel)  # before the one who asked hears of it
            return pipe, link

        loop.create_connection = connect  # type: ignore[method-assign, assignment]
        ex = Exchange("req", peer="", address="")
        asking = loop.create_task(Pool(loop).call(target, b"POST", Buffered(), ex=ex))
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.sleep(0)

    loop.run_until_complete(leave_too_early())
    loop.close()
    assert not pipe.written
    assert pipe.closed
