"""What the gateway's own code costs, without sockets: `python bench/gateway/dry.py [--profile]`.

The real server, connection pool, guard, limits and recorder over transports that are plain objects: bytes go in at the
caller's end, and the model server's answer is handed in on the loop's next turn. CPU microseconds of the whole process
per request or stream event, the least of many runs: what others do on the machine adds to most and takes from none.
"""

import argparse
import asyncio
import cProfile
import gc
import json
import pstats
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import uvloop
from contenders import ASKED, KEY, REPLY, ROOT

from gnomon.native import modules

sys.path.insert(0, str(ROOT))
if "--interpreted" not in sys.argv:
    modules.prefer()  # before any of them is loaded

from tests.fakes.bundle import make_home, make_key

from gnomon.app.gateway import guard
from gnomon.backends.limits_local import LimitsLocal
from gnomon.gateway.upstream import Pool
from gnomon.gateway.worker import Worker

PLAIN = "请帮我查询订单。" * 16
EVENTS = 52


class Wire:
    """A transport: what is written goes to `taken`."""

    def __init__(self, taken: Callable[[bytes], None]) -> None:
        self.write = taken

    def writelines(self, parts: Any) -> None:
        self.write(b"".join(parts))

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 40000) if name == "peername" else None

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, **_: Any) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


class ModelServer:
    """A loop whose connections lead to a model server that answers at once, with `answer`, piece by piece."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.answer: list[bytes] = []
        self.time, self.call_at, self.call_later, self.call_soon = (
            loop.time,
            loop.call_at,
            loop.call_later,
            loop.call_soon,
        )
        self.create_task = loop.create_task

    async def create_connection(self, make: Callable[[], Any], *_: Any, **__: Any) -> tuple[None, Any]:
        link = make()

        def asked(_: bytes) -> None:
            for piece in self.answer:
                self.call_soon(link.data_received, piece)

        link.connection_made(Wire(asked))
        return None, link


def head(length: int) -> bytes:
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAuthorization: Bearer %b\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (KEY.encode(), length)
    )


def request(text: str, *, stream: bool = False) -> bytes:
    messages = [{"role": "system", "content": "你是客服助手，请礼貌回答。"}, {"role": "user", "content": text}]
    told = {"model": "gnomon-chat", "messages": messages, **({"stream": True} if stream else {})}
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return head(len(body)) + body


def whole(reply: str) -> list[bytes]:
    usage = {"prompt_tokens": 11, "completion_tokens": 22, "total_tokens": 33}
    choice = {"index": 0, "message": {"role": "assistant", "content": reply}, "finish_reason": "stop"}
    told = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    body = json.dumps(told, ensure_ascii=False).encode()
    return [b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)]


def events(reply: str) -> list[bytes]:
    def event(**more: Any) -> bytes:
        told = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", **more}
        data = b"data: %b\n\n" % json.dumps(told, ensure_ascii=False).encode()
        return b"%x\r\n%b\r\n" % (len(data), data)

    def choice(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    usage = {"prompt_tokens": 11, "completion_tokens": 22, "total_tokens": 33}
    size = -(-len(reply) // (EVENTS - 4))
    out = [b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"]
    out.append(event(**choice({"role": "assistant", "content": ""})))
    out += [event(**choice({"content": reply[at : at + size]})) for at in range(0, len(reply), size)]
    out += [event(**choice({}, "stop")), event(choices=[], usage=usage), b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"]
    return out


class Dry:
    """One caller's connection to a worker without a listener."""

    def __init__(self, home: Path) -> None:
        key = make_key(requests_per_minute=1_000_000_000, concurrency=60_000)
        make_home(home, upstream_url="http://127.0.0.1:1/v1", keys=[key])
        loop = asyncio.get_running_loop()
        self.worker = Worker(home, "dry", guard=guard(), limits=LimitsLocal(home / "run" / "limits.shm"))
        self.worker.services.loader.load()
        self.model = ModelServer(loop)
        object.__setattr__(self.worker.services, "pool", Pool(self.model, self.worker.services.pool.batch))  # type: ignore[arg-type]
        self.connection = self.worker.server()
        self.connection.connection_made(Wire(self._taken))
        self._done: asyncio.Future[None] | None = None
        self.last = b""
        self.streams = False

    def _taken(self, data: bytes) -> None:
        self.last = data
        if self._done is not None and (not self.streams or data.endswith(b"0\r\n\r\n")):
            self._done.set_result(None)
            self._done = None

    async def ask(self, data: bytes) -> None:
        self._done = done = asyncio.get_running_loop().create_future()
        self.connection.data_received(data)
        await done


KINDS: dict[str, tuple[bytes, list[bytes], int]] = {
    "plain": (request(PLAIN), whole("您好，关于您咨询的订单问题，我们已经为您查询到相关信息。" * 14), 1),
    "personal": (request(ASKED), whole(REPLY), 1),
    "stream event": (request(PLAIN, stream=True), events(REPLY), EVENTS),
    "stream event, many at once": (request(PLAIN, stream=True), [b"".join(events(REPLY))], EVENTS),
}


async def steps(dry: Dry, data: bytes, times: int) -> tuple[float, list[tuple[str, float]]]:
    """(instructions of the interpreter that one request takes, the functions that take most): no noise reaches them."""
    found: Counter[str] = Counter()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            found[f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_qualname}"] += 1
        return trace

    sys.settrace(trace)
    for _ in range(times):
        await dry.ask(data)
    sys.settrace(None)
    return sum(found.values()) / times, [(name, count / times) for name, count in found.most_common(30)]


async def measure(kinds: list[str], *, seconds: float, profile: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dry = Dry(Path(folder))
        gc.collect()
        gc.freeze()
        for kind in kinds:
            data, dry.model.answer, parts = KINDS[kind]
            dry.streams = parts > 1
            await dry.ask(data)
            if not dry.last.endswith(b"0\r\n\r\n" if parts > 1 else b"}") or b"error" in dry.last:
                raise RuntimeError(f"{kind}: {dry.last[:500]!r}")
            count, where = await steps(dry, data, 50 if parts == 1 else 3)
            least, until = 1e9, time.monotonic() + seconds
            size = 10 if parts == 1 else 1
            profiler = cProfile.Profile() if profile else None
            while time.monotonic() < until:
                if profiler:
                    profiler.enable()
                before = time.process_time()
                for _ in range(size):
                    await dry.ask(data)
                least = min(least, time.process_time() - before)
                if profiler:
                    profiler.disable()
            print(f"{kind}: {least / size / parts * 1e6:.1f} us, {count / parts:,.0f} interpreter steps", flush=True)
            if profile:
                print("\n".join(f"{steps_of / parts:8.1f} {name}" for name, steps_of in where))
            if profiler:
                pstats.Stats(profiler).sort_stats("tottime").print_stats(45)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=list(KINDS), action="append")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--interpreted", action="store_true", help="though there is a build of the modules")
    options = parser.parse_args()
    print("modules of a build" if modules.are_compiled() else "modules as Python")
    uvloop.run(measure(options.kind or list(KINDS), seconds=options.seconds, profile=options.profile))


if __name__ == "__main__":
    main()
