"""A small load generator over raw sockets: requests at a fixed rate, and paced streams. Prints one JSON line.

`load.py rate PORT BODY_FILE KEY RATE SECONDS` → latencies from the moment a request was due (no coordinated omission).
`load.py streams PORT BODY_FILE KEY STREAMS` → events, first-token times, of as many streams at once.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import uvloop


class Caller(asyncio.Protocol):
    """One connection: a request at a time, resolved when the answer is whole."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.done: asyncio.Future[float] | None = None
        self.first = 0.0
        self.events = 0
        self.data = b""
        self.chunked = False
        self.failed = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self.done is not None and not self.done.done():
            self.done.set_exception(ConnectionError("closed"))

    def ask(self, request: bytes) -> "asyncio.Future[float]":
        self.data, self.first, self.events, self.chunked = b"", 0.0, 0, False
        self.done = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.done

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if not self.data and not self.chunked and not data.startswith(b"HTTP/1.1 200"):
            self.failed += 1
        if not self.first and b"data: {" in data:
            self.first = now
        self.events += data.count(b"data: ")
        self.data = (self.data + data)[-16:] if self.chunked else self.data + data
        if self._is_whole():
            assert self.done is not None
            self.done.set_result(now)

    def _is_whole(self) -> bool:
        if self.chunked:
            return self.data.endswith(b"0\r\n\r\n")
        head, found, body = self.data.partition(b"\r\n\r\n")
        if not found:
            return False
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return len(body) >= int(line[15:])
        self.chunked = True  # only its end matters from here on
        self.data = body[-16:]
        return body.endswith(b"0\r\n\r\n")


def request(body: bytes, key: str) -> bytes:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: Bearer {key}\r\n"
    return f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


async def connect(port: int) -> Caller:
    _, caller = await asyncio.get_running_loop().create_connection(Caller, "127.0.0.1", port)
    return caller


async def at_rate(port: int, data: bytes, rate: float, seconds: float) -> dict[str, Any]:
    idle = [await connect(port) for _ in range(16)]
    latencies: list[float] = []
    failed = 0
    running: set[asyncio.Task[None]] = set()
    begun = time.perf_counter() + 0.05

    async def one(due: float) -> None:
        nonlocal failed
        caller = idle.pop() if idle else await connect(port)
        latencies.append((await caller.ask(data) - due) * 1000)
        failed += caller.failed
        caller.failed = 0
        idle.append(caller)

    for n in range(int(rate * seconds)):
        due = begun + n / rate
        delay = due - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        task = asyncio.create_task(one(due))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    return {"ms": latencies, "failed": failed}


async def streams(port: int, data: bytes, count: int) -> dict[str, Any]:
    callers = [await connect(port) for _ in range(count)]
    firsts: list[float] = []

    async def one(caller: Caller, wait: float) -> int:
        await asyncio.sleep(wait)
        begun = time.perf_counter()
        await caller.ask(data)
        firsts.append((caller.first - begun) * 1000)
        return caller.events

    events = await asyncio.gather(*(one(c, n * 0.004) for n, c in enumerate(callers)))
    return {"events": sum(events), "first_ms": firsts, "failed": sum(c.failed for c in callers)}


def main() -> None:
    kind, port, body, key = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]).read_bytes(), sys.argv[4]
    data = request(body, key)
    if kind == "rate":
        found = uvloop.run(at_rate(port, data, float(sys.argv[5]), float(sys.argv[6])))
    else:
        found = uvloop.run(streams(port, data, int(sys.argv[5])))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
