"""One worker without a socket: pipes at both ends, and a model server that says what it is told to."""

import asyncio
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

import gnomon.app.gateway
from gnomon.backends.limits_local import LimitsLocal
from gnomon.contract.bundle import Breaker
from gnomon.gateway import worker as workers
from tests.fakes.bundle import make_home, secret

PLANTED = b"13912345678"
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: Bearer %b\r\n" % secret("aaaaaaaa").encode()
BODY = json.dumps({"model": "gnomon-chat", "messages": [{"role": "user", "content": "13912345678"}]}).encode()


class Pipe(asyncio.Transport):
    """A transport that remembers what was written, and calls back."""

    def __init__(self, on_write: Any = None) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False
        self._on_write = on_write

    def write(self, data: Any) -> None:
        if not self.closed:
            self.written += data
            if self._on_write is not None:
                self._on_write()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else default

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Bench:
    """One worker whose model server says what it is told to."""

    def __init__(self, home: Path | None = None, *, timeout_s: float = 0.05, **changes: Any) -> None:
        self.loop = asyncio.new_event_loop()
        home = home or Path(tempfile.mkdtemp(prefix="gnomon-fuzz-"))  # libFuzzer ends the process: it stays
        made = make_home(home, upstream_url="http://127.0.0.1:9/v1", timeout_s=timeout_s, **changes)
        never = Breaker(unreachable=0, failure_ratio=0.0)
        made.publish(msgspec.structs.replace(made.policy, breaker=never))
        self.reply = b""
        self.is_cut = True  # it comes in two reads
        self.asked = bytearray()
        self.loop.run_until_complete(self._start(home))

    async def _start(self, home: Path) -> None:
        limits = LimitsLocal(home / "run" / "limits.shm")
        self.worker = workers.Worker(home, "fuzz", guard=gnomon.app.gateway.guard(), limits=limits)
        self.worker.services.loader.load()

        async def connect(make: Callable[[], Any], *_: Any, **__: Any) -> tuple[Pipe, Any]:
            link = make()
            pipe = Pipe(lambda: self.loop.call_soon(self._answer, link))
            link.connection_made(pipe)
            return pipe, link

        self.loop.create_connection = connect  # type: ignore[method-assign, assignment]

    def close(self) -> None:
        self.worker.services.recorder.close()
        self.loop.close()

    def _forget_records(self) -> None:
        """Thousands a second are written, and nobody reads them."""
        recorder = self.worker.services.recorder
        if recorder.path.exists():
            recorder.path.unlink()
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), recorder._fd)

    def _answer(self, link: Any) -> None:
        self.asked += link.transport.written
        link.transport.written.clear()
        middle = len(self.reply) // 2 if self.is_cut else 0
        for piece in (self.reply[:middle], self.reply[middle:]):
            if piece and not link.transport.closed:
                link.data_received(piece)
        link.transport.close()
        self.loop.call_soon(link.connection_lost, None)  # as loops do: behind the turn that works on what was read

    async def talk(self, *pieces: bytes, on_write: Callable[[], object] | None = None) -> bytes:
        self._forget_records()
        connection = self.worker.server()
        pipe = Pipe(on_write)
        connection.connection_made(pipe)
        for piece in pieces:
            if piece:
                connection.data_received(piece)
        for _ in range(200):
            await asyncio.sleep(0)
            if connection._current is None and not connection._queue:
                break
        else:
            await asyncio.sleep(0.06)
        connection.connection_lost(None)
        await asyncio.sleep(0)
        return bytes(pipe.written)
