"""A connection between two steps of its turn: what has been read counts, and who does not read holds up his answers."""

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

from gnomon.gateway.connection import Connection
from tests.fakes.bundle import Home
from tests.fakes.gateway import until
from tests.fakes.upstream import Script, Upstream
from tests.unit.gateway.conftest import Gateway, bearer

PROBE = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"


def asked(**body: Any) -> bytes:
    payload = json.dumps({"model": "gnomon-chat", "messages": [{"role": "user", "content": "a"}], **body}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: {bearer()['authorization']}\r\n"
    return f"{head}content-length: {len(payload)}\r\n\r\n".encode() + payload


def inside(gateway: Gateway, work: Callable[[Connection], object]) -> None:
    """`work` with the one connection there is, in one step of the gateway's loop."""
    done = threading.Event()

    def step() -> None:
        (connection,) = gateway.worker.server.connections
        work(connection)
        done.set()

    gateway._loop.call_soon_threadsafe(step)
    assert done.wait(5)


def called(gateway: Gateway) -> socket.socket:
    caller = socket.create_connection(("127.0.0.1", gateway.port))
    caller.settimeout(5)
    until("the gateway has taken the call", lambda: len(gateway.worker.server.connections) == 1)
    return caller


def test_a_connection_that_idled_too_long_is_kept_when_a_request_has_been_read(gateway: Gateway) -> None:
    def sweep(connection: Connection) -> None:
        connection._since -= 1000.0  # not `check` a thousand seconds later: the clock of the loop may stand still
        connection.data_received(PROBE)
        connection.check(gateway._loop.time(), 75.0)

    with called(gateway) as caller:
        inside(gateway, sweep)
        assert caller.recv(65536).startswith(b"HTTP/1.1 200")
        caller.sendall(PROBE)
        assert caller.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_body_whose_end_has_been_read_did_not_take_too_long(gateway: Gateway) -> None:
    request = asked()

    def sweep(connection: Connection) -> None:
        connection.data_received(request[:-1])
        gateway.worker.services.pool.batch.end()
        connection.data_received(request[-1:])
        connection.check(gateway._loop.time() + 1000.0, 2000.0)

    with called(gateway) as caller:
        inside(gateway, sweep)
        assert caller.recv(65536).startswith(b"HTTP/1.1 200")


def test_who_has_not_taken_one_answer_holds_up_the_next(
    home: Home, upstream: Upstream, start: Callable[..., Gateway]
) -> None:
    upstream.script = Script(reply="好的。" * 30, between_s=0.02)
    gateway = start(home)
    reading: list[bool] = []

    def look(connection: Connection) -> None:
        link = connection._current.link if connection._current is not None else None
        reading.append(link is None or link.transport.is_reading())

    def is_held() -> bool:
        inside(gateway, look)
        return not reading[-1]

    with called(gateway) as caller:
        inside(gateway, lambda connection: connection.pause_writing())
        caller.sendall(asked(stream=True))
        got = caller.recv(65536)
        until("the answer is held up", is_held)
        inside(gateway, lambda connection: connection.resume_writing())
        while b"[DONE]" not in got:
            got += caller.recv(65536)
