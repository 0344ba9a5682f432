"""A small load generator over raw sockets: requests at a fixed rate, and paced streams. Prints one JSON line.

`load.py rate PORT RATE SECONDS` → latencies from the moment a request was due (no coordinated omission), and how late
each was sent.
`load.py streams PORT STREAMS STAGGER_MS SECONDS` → streams and events, first-token times and each one's longest
silence, of as many at once, each followed by the next until the time is over; 0 seconds: one each.
`load.py mixed PORT SECONDS` → answers by status, of plain, personal, streamed, wrong and broken requests.
Body, key, path and further headers come from the environment, as for wrk (see post.lua).
"""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import uvloop

_AWAKE_S = 0.002  # the loop's timers know whole milliseconds only: more than is measured


class Caller(asyncio.Protocol):
    """One connection: a request at a time, resolved when the answer is whole."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.done: asyncio.Future[float] | None = None
        self.first = 0.0
        self.last = 0.0
        self.silence = 0.0
        self.events = 0
        self.data = b""
        self.chunked = False
        self.failed = 0
        self.status = ""
        self.wrong = ""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self.done is not None and not self.done.done():
            self.done.set_exception(ConnectionError("closed"))

    def ask(self, request: bytes) -> "asyncio.Future[float]":
        self.data, self.first, self.events, self.chunked = b"", 0.0, 0, False
        self.last = self.silence = 0.0
        self.done = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.done

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if not self.data and not self.chunked:
            self.status = data[9:12].decode("latin-1")
            if self.status != "200":
                self.failed, self.wrong = self.failed + 1, data[:300].decode("latin-1")
        if not self.first and b"data: {" in data:
            self.first = self.last = now
        if self.last:
            self.silence, self.last = max(self.silence, now - self.last), now
        self.events += data.count(b"data: ")
        if b'data: {"error"' in data:
            self.failed, self.wrong = self.failed + 1, data[:300].decode("latin-1")
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
    lines = ["host: g", f"authorization: Bearer {key}", "content-type: application/json"]
    lines += [line for line in os.environ["GNOMON_BENCH_HEADERS"].split("\n") if line]
    head = f"POST {os.environ['GNOMON_BENCH_PATH']} HTTP/1.1\r\n" + "".join(f"{line}\r\n" for line in lines)
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


async def connect(port: int) -> Caller:
    _, caller = await asyncio.get_running_loop().create_connection(Caller, "127.0.0.1", port)
    return caller


async def until(due: float) -> None:
    """To the microsecond: asleep, then awake but for what arrives."""
    delay = due - time.perf_counter() - _AWAKE_S
    if delay > 0:
        await asyncio.sleep(delay)
    while time.perf_counter() < due:
        await asyncio.sleep(0)


async def at_rate(port: int, data: bytes, rate: float, seconds: float) -> dict[str, Any]:
    idle = [await connect(port) for _ in range(16)]
    latencies: list[float] = []
    late: list[float] = []
    failed, wrong = 0, ""
    running: set[asyncio.Task[None]] = set()
    begun = time.perf_counter() + 0.05

    async def one(due: float) -> None:
        nonlocal failed, wrong
        caller = idle.pop() if idle else await connect(port)
        late.append((time.perf_counter() - due) * 1000)
        latencies.append((await caller.ask(data) - due) * 1000)
        failed, wrong = failed + caller.failed, wrong or caller.wrong
        caller.failed = 0
        idle.append(caller)

    for n in range(int(rate * seconds)):
        due = begun + n / rate
        await until(due)
        task = asyncio.create_task(one(due))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    return {"ms": latencies, "late_ms": late, "failed": failed, "wrong": wrong}


async def streams(port: int, data: bytes, count: int, stagger_ms: float, seconds: float) -> dict[str, Any]:
    callers = [await connect(port) for _ in range(count)]
    until = time.perf_counter() + seconds
    firsts: list[float] = []
    silences: list[float] = []
    events = 0

    async def one(caller: Caller, wait: float) -> None:
        nonlocal events
        await asyncio.sleep(wait)
        while True:
            begun = time.perf_counter()
            await caller.ask(data)
            firsts.append((caller.first - begun) * 1000)
            silences.append(caller.silence * 1000)
            events += caller.events
            if time.perf_counter() >= until:
                return

    await asyncio.gather(*(one(c, n * stagger_ms / 1000) for n, c in enumerate(callers)))
    return {
        "streams": len(firsts),
        "events": events,
        "first_ms": firsts,
        "silence_ms": silences,
        "failed": sum(c.failed for c in callers),
        "wrong": max(c.wrong for c in callers),
    }


async def mixed(port: int, body: bytes, key: str, seconds: float) -> dict[str, Any]:
    """What a day brings, 16 callers at a time: most of it good, some of it refused or broken."""
    until = time.perf_counter() + seconds
    plain = json.loads(body) | {"messages": [{"role": "user", "content": "请帮我查询订单。" * 20}]}
    streamed = json.dumps(json.loads(body) | {"stream": True}, ensure_ascii=False, separators=(",", ":")).encode()
    kinds = [request(body, key), request(json.dumps(plain).encode(), key), request(streamed, key)]
    unknown = json.dumps(json.loads(body) | {"model": "nobody"}).encode()
    kinds += [request(unknown, key), request(b'{"model": "gnomon-chat", ', key)]
    found: Counter[str] = Counter()

    async def one(place: int) -> None:
        caller, number = await connect(port), place
        while time.perf_counter() < until:
            number += 1
            # One in fifty names no model, one in fifty is broken; both may end the connection.
            kind = 3 + number % 2 if number % 25 == 0 else number % 3
            try:
                await caller.ask(kinds[kind])
                found[caller.status] += 1
            except ConnectionError:
                found["closed"] += 1
            await asyncio.sleep(0.05)
            if caller.transport.is_closing() or kind >= 3:
                caller.transport.close()
                caller = await connect(port)
        caller.transport.close()

    await asyncio.gather(*(one(place) for place in range(16)))
    return {"answers": dict(found), "failed": 0}


def main() -> None:
    kind, port, numbers = sys.argv[1], int(sys.argv[2]), [float(number) for number in sys.argv[3:]]
    body, key = Path(os.environ["GNOMON_BENCH_BODY"]).read_bytes(), os.environ["GNOMON_BENCH_KEY"]
    if kind == "rate":
        found = uvloop.run(at_rate(port, request(body, key), numbers[0], numbers[1]))
    elif kind == "streams":
        found = uvloop.run(streams(port, request(body, key), int(numbers[0]), *numbers[1:]))
    else:
        found = uvloop.run(mixed(port, body, key, numbers[0]))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
