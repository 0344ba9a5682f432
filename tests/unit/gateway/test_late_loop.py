"""A busy worker does not blame a model server for its own lateness."""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import uvloop

from gnomon.gateway.answers import Buffered
from gnomon.gateway.deadline import Deadline
from gnomon.gateway.link import Link, Unreachable
from gnomon.gateway.snapshot import PreparedTarget
from gnomon.gateway.story import Story
from gnomon.gateway.upstream import Pool

LIMIT_S = 0.02


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def target(server: socket.socket, *, tls: Any = None, limit_s: float = LIMIT_S) -> PreparedTarget:
    host, port = server.getsockname()
    upstream: Any = SimpleNamespace(id="u", connect_timeout_s=limit_s)
    unasked: Any = None
    return PreparedTarget(
        target=unasked,
        upstream=upstream,
        host=host,
        port=port,
        tls=tls,
        server_name="localhost",
        origin=(host, port, "", ""),
        start=b"",
        opening=b"",
        headers=b"",
        breaker=unasked,
        name="",
        priced=False,
    )


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_connection_made_while_the_loop_was_busy_counts(listening: socket.socket, new_loop: Any) -> None:
    async def connect() -> None:
        pool = Pool(asyncio.get_running_loop())
        asking = asyncio.create_task(pool._connect(target(listening)))
        await asyncio.sleep(0)
        time.sleep(4 * LIMIT_S)  # everybody else's turn
        link = await asking
        link.abort()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(connect())


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_server_that_says_nothing_is_left_in_time(listening: socket.socket, new_loop: Any) -> None:
    async def connect() -> float:
        pool = Pool(asyncio.get_running_loop())
        began = time.monotonic()
        with pytest.raises(Unreachable):  # its handshake never comes
            await pool._connect(target(listening, tls=ssl.create_default_context()))
        return time.monotonic() - began

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(connect()) >= LIMIT_S


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_an_answer_that_came_while_the_loop_was_busy_is_in_time(new_loop: Any) -> None:
    async def ask() -> tuple[bytes, bool]:
        here, there = socket.socketpair()
        here.setblocking(False)
        pool, sink = Pool(asyncio.get_running_loop()), Buffered()
        _, link = await pool.loop.create_connection(lambda: Link(pool, ("http", 1, "", "")), sock=here)

        async def tell() -> None:
            await link.send(b"x", sink, silence_s=0.0)
            deadline.close()

        story = Story(pool.stage, tell())
        deadline = Deadline(pool.deadlines, LIMIT_S, cancel=story.cancel)
        story.step()
        there.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc")
        time.sleep(4 * LIMIT_S)  # everybody else's turn
        for _ in range(5):
            await asyncio.sleep(LIMIT_S / 4)
        link.abort()
        there.close()
        return sink.data, deadline.expired

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(ask()) == (b"abc", False)


@pytest.mark.interpreted
def test_a_connection_that_is_lost_as_soon_as_it_is_made_is_no_connection(listening: socket.socket) -> None:
    class Losing(Pool):
        async def _connect(self, target: Any) -> Link:
            link = await super()._connect(target)
            link.transport.abort()
            await asyncio.sleep(0.01)
            return link

    async def ask() -> None:
        line = SimpleNamespace(link=None, connect_ms=None, elapsed_ms=lambda: 1.0)
        with pytest.raises(Unreachable, match="closed as soon as"):
            await Losing(asyncio.get_running_loop()).call(target(listening, limit_s=10), b"", Buffered(), ex=line)

    uvloop.run(ask())
