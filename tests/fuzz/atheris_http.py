"""Coverage-guided bytes against both HTTP ends of the gateway, in one process and without a socket: `make fuzz`.

A caller's connection is fed the input in two pieces behind a valid key; what the model server says is the input too. A
crash is whatever escapes a protocol, a 500, more answers than requests, or a planted number that gets out.
`python tests/fuzz/atheris_http.py SECONDS [CORPUS]`
"""

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris
import msgspec

with atheris.instrument_imports(include=["gnomon.gateway", "gnomon.contract"]):
    import gnomon.app.gateway
    from gnomon.gateway import upstream as upstreams
    from gnomon.gateway import worker as workers

from gnomon.backends.limits_local import LimitsLocal
from gnomon.contract.bundle import Breaker
from gnomon.kit import log
from tests.fakes.bundle import make_home, secret
from tests.fakes.upstream import event

PLANTED = b"13912345678"
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: Bearer %b\r\n" % secret("aaaaaaaa").encode()
BODY = json.dumps({"model": "gnomon-chat", "messages": [{"role": "user", "content": "13912345678"}]}).encode()
FAULT = re.compile(rb"HTTP/1\.1 500 ")


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

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        home = Path(tempfile.mkdtemp(prefix="gnomon-fuzz-"))
        made = make_home(home, upstream_url="http://127.0.0.1:9/v1", timeout_s=0.05)
        never = Breaker(unreachable=0, failure_ratio=0.0)
        made.publish(msgspec.structs.replace(made.policy, breaker=never))
        self.reply = b""
        self.asked = bytearray()
        self.loop.run_until_complete(self._start(home))

    async def _start(self, home: Path) -> None:
        limits = LimitsLocal(home / "run" / "limits.shm")
        self.worker = workers.Worker(home, "fuzz", guard=gnomon.app.gateway.guard(), limits=limits)
        self.worker.services.loader.load()
        self.worker.services.recorder.record = lambda record: None  # type: ignore[method-assign, assignment]

        async def connect(target: Any) -> upstreams.Link:
            link = upstreams.Link(self.worker.services.pool, (target.host, target.port, target.tls))
            link.connection_made(Pipe(lambda: self.loop.call_soon(self._answer, link)))
            return link

        self.worker.services.pool._connect = connect  # type: ignore[method-assign, assignment]

    def _answer(self, link: upstreams.Link) -> None:
        self.asked += link.transport.written
        link.transport.written.clear()
        middle = len(self.reply) // 2
        for piece in (self.reply[:middle], self.reply[middle:]):
            if piece and not link.transport.closed:
                link.data_received(piece)
        link.transport.close()
        link.connection_lost(None)

    async def talk(self, *pieces: bytes) -> bytes:
        connection = self.worker.server()
        pipe = Pipe()
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


BENCH: Bench


def one(data: bytes) -> None:
    fuzzed = atheris.FuzzedDataProvider(data)
    kind = fuzzed.ConsumeIntInRange(0, 4)
    cut = fuzzed.ConsumeIntInRange(0, 64)
    rest = fuzzed.ConsumeBytes(4096)
    BENCH.asked.clear()
    BENCH.reply = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    if kind == 0:
        pieces = [rest[:cut], rest[cut:]]
    elif kind == 1:
        pieces = [HEAD + rest[:cut], rest[cut:]]
    elif kind == 2:
        pieces = [HEAD + b"content-length: %d\r\n\r\n" % len(rest) + rest]
    else:
        stream = b',"stream":true}' if kind == 4 else b"}"
        body = BODY[:-1] + stream
        pieces = [HEAD + b"content-length: %d\r\n\r\n" % len(body) + body]
        form = b"text/event-stream" if kind == 4 else b"application/json"
        BENCH.reply = rest if cut < 8 else b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n\r\n%b" % (form, rest)
    got = BENCH.loop.run_until_complete(BENCH.talk(*pieces))
    assert not FAULT.search(got), got
    assert PLANTED not in BENCH.asked
    if kind >= 3:
        assert PLANTED not in got


def seeds(folder: Path) -> None:
    """What is right, of each kind: the fuzzer begins there. The last two bytes say the cut and the kind."""
    answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "电话 13912345678"}}]}
    spoken = b"".join(event({"content": piece}) for piece in ("电话 139", "1234", "5678", "。"))
    chunked = b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    for number, (kind, rest) in enumerate(
        [
            (0, HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY),
            (1, chunked),
            (1, b"content-length: %d\r\nexpect: 100-continue\r\n\r\n" % len(BODY) + BODY),
            (2, BODY),
            (3, json.dumps(answer).encode()),
            (4, spoken + event({}, finish="stop") + b"data: [DONE]\n\n"),
        ]
    ):
        for cut in (4, 20):
            (folder / f"{number}-{cut}").write_bytes(rest + bytes([cut, kind]))


def main() -> None:
    global BENCH
    seconds = sys.argv[1]
    log.configure("critical")
    with tempfile.TemporaryDirectory(prefix="gnomon-corpus-") as corpus:
        seeds(Path(corpus))
        limits = [f"-max_total_time={seconds}", "-max_len=4200", "-timeout=20"]
        atheris.Setup([sys.argv[0], *limits, *sys.argv[2:], corpus], one)
        BENCH = Bench()
        atheris.Fuzz()


if __name__ == "__main__":
    main()
