"""A paced OpenAI-compatible model server for tests and benchmarks: what it says and when is given beforehand."""

import asyncio
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import httptools

REPLY = "您好，已经收到您的请求。" * 30


@dataclass
class Script:
    """How to answer. `respond` may take over whole requests and returns (status, JSON) or raw bytes to send."""

    reply: str = REPLY
    pieces: tuple[str, ...] = ()  # of a streamed reply; empty: `reply` cut in pieces of 8 characters
    first_token_s: float = 0.0
    between_s: float = 0.0  # between two texts: as servers do, all else of a stream comes at once with one of them
    respond: Callable[[str, dict[str, Any]], Any] | None = None
    cut_bytes: int = 0  # write the stream in portions of this many bytes; 0: an event at a time
    stop_after: int = -1  # reset the connection after this many events
    usage: dict[str, int] = field(
        default_factory=lambda: {"prompt_tokens": 11, "completion_tokens": 22, "total_tokens": 33}
    )


class _Connection(asyncio.Protocol):
    def __init__(self, upstream: "Upstream") -> None:
        self.upstream = upstream
        self.parser = httptools.HttpRequestParser(self)
        self.transport: Any = None
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.upstream.opened += 1
        self.upstream.transports.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.upstream.transports.discard(self.transport)
        if self.task is not None and not self.task.done():
            self.upstream.aborted += 1
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.body, self.url = b"", b""
        self.headers: dict[str, str] = {}

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        script = self.upstream.script
        if script.respond is None and not script.first_token_s and b'"stream":true' not in self.body:
            if self.upstream.keep:
                self.upstream.requests.append((self.url.decode(), json.loads(self.body), self.headers))
            self.transport.write(self.upstream.whole)
            return
        self.task = asyncio.get_running_loop().create_task(self.answer(self.url.decode(), self.body))

    async def answer(self, path: str, raw: bytes) -> None:
        script = self.upstream.script
        body = json.loads(raw)
        if self.upstream.keep:
            self.upstream.requests.append((path, body, self.headers))
        if script.respond is not None:
            given = script.respond(path, body)
            if given is not None:
                self.transport.write(given if isinstance(given, bytes) else _json(*given))
                return
        if script.first_token_s:
            await asyncio.sleep(script.first_token_s)
        if not body.get("stream"):
            self.transport.write(self.upstream.whole)
            return
        await self.stream(script)

    async def stream(self, script: Script) -> None:
        self.transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        pieces = script.pieces or tuple(script.reply[i : i + 8] for i in range(0, len(script.reply), 8))
        events = [event({"role": "assistant", "content": ""})] + [event({"content": p}) for p in pieces]
        events += [event({}, finish="stop"), event(None, usage=script.usage), b"data: [DONE]\n\n"]
        if script.cut_bytes:
            whole = b"".join(events)
            events = [whole[i : i + script.cut_bytes] for i in range(0, len(whole), script.cut_bytes)]
        for n, data in enumerate(events):
            if n == script.stop_after:
                self.transport.abort()
                return
            self.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
            if script.between_s and (script.cut_bytes or 0 < n < len(pieces)):
                await asyncio.sleep(script.between_s)
        self.transport.write(b"0\r\n\r\n")


def event(
    delta: dict[str, Any] | None, *, finish: str | None = None, usage: dict[str, int] | None = None, index: int = 0
) -> bytes:
    """One server-sent event as OpenAI writes it."""
    choices = [] if delta is None else [{"index": index, "delta": delta, "finish_reason": finish}]
    chunk: dict[str, Any] = {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "m",
        "choices": choices,
    }  # fmt: skip
    if usage:
        chunk["usage"] = usage
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def _json(status: int, value: Any) -> bytes:
    body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    return b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


class Upstream:
    """Runs in a thread of its own: `with Upstream(Script(...)) as upstream: upstream.url`."""

    def __init__(
        self, script: Script | None = None, *, keep: bool = True, port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self.script = script or Script()
        self.keep = keep
        self.requests: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.transports: set[Any] = set()
        self.opened = 0
        self.aborted = 0
        self.port = port
        self.tls = tls
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/v1"

    @property
    def whole(self) -> bytes:
        if getattr(self, "_whole_for", None) is not self.script:
            message = {"role": "assistant", "content": self.script.reply}
            self._whole_for = self.script
            self._whole = _json(
                200,
                {
                    "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": "m",
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                    "usage": self.script.usage,
                },
            )  # fmt: skip
        return self._whole

    async def serve(self) -> None:
        """Listen in the running loop; used by the benchmark, which has a process for it."""
        server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), "127.0.0.1", self.port, reuse_port=True, backlog=2048, ssl=self.tls
        )
        self.port = server.sockets[0].getsockname()[1]
        self._server = server

    def __enter__(self) -> "Upstream":
        self._thread.start()
        self._ready.wait(5)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self.serve())
        self._ready.set()
        self._loop.run_forever()
        self._server.close()
        for transport in tuple(self.transports):
            transport.abort()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


def main() -> None:
    """`python -m tests.fakes.upstream PORT [first_token_s between_s reply_file]`, for benchmarks."""
    import sys
    from pathlib import Path

    import uvloop

    port, first, between = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    reply = Path(sys.argv[4]).read_text() if len(sys.argv) > 4 else REPLY

    async def run() -> None:
        await Upstream(Script(reply=reply, first_token_s=first, between_s=between), keep=False, port=port).serve()
        await asyncio.Event().wait()

    uvloop.run(run())


if __name__ == "__main__":
    main()
