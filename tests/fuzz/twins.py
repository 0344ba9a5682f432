"""What the sources and the modules compiled from them make of the same requests and answers, to the byte.

`python tests/fuzz/twins.py SECONDS [SEED]` starts two workers, each a process of its own, and gives both the same: odd
JSON from a caller, odd JSON and odd streams from a model server. It ends at the first difference in what the model
server or the caller got. Comparing decoded JSON would take 1 and 1.0 for the same.
"""

import json
import os
import random
import re
import struct
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

TEXTS = (
    "电话13812345678",
    "hi",
    "",
    "a@b.co",
    "11010519491231002X",
    "\\u0031\\u0033",
    "好",
    "6222021234567890128",
    "⟦手机1⟧",
    "{}",
)
NAMES = ("content", "name", "arguments", "x", "role", "index", "type", "text", "13812345678", "logprobs", "usage", "id")
NUMBERS = (0, 1, -1, 2048, 1.0, 0.5, 13812345678, 6222021234567890128, 2**63, 2**64, 1e300, -0.0, True, None)
_ID = re.compile(rb"req_[0-9a-f]{27}")
ROOT = Path(__file__).parents[2]


def value(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.random()
    if depth > 3 or kind < 0.35:
        return rng.choice(TEXTS)
    if kind < 0.6:
        return rng.choice(NUMBERS)
    if kind < 0.75:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(NAMES): value(rng, depth + 1) for _ in range(rng.randrange(4))}


def request(rng: random.Random) -> bytes:
    text = rng.choice(TEXTS) + rng.choice(TEXTS)
    content: Any = [{"type": "text", "text": text}] if rng.random() < 0.3 else text
    message = {"role": "user", "content": content, rng.choice(NAMES[3:]): value(rng)}
    body = {"messages": [message], "stream": rng.random() < 0.5, rng.choice(NAMES): value(rng), "model": "gnomon-chat"}
    return _written(rng, body if rng.random() < 0.95 else {**body, "messages": value(rng)})


def answer(rng: random.Random) -> bytes:
    """Of a model server: whole or a stream, mostly as it should be."""
    status = rng.choice((200, 200, 200, 200, 400, 429, 500))
    if rng.random() < 0.5:
        message = {"role": "assistant", "content": rng.choice(TEXTS) * rng.randrange(3), rng.choice(NAMES): value(rng)}
        choice = {"index": 0, "message": message, "finish_reason": "stop", rng.choice(NAMES): value(rng)}
        body = _written(rng, {"id": "c", "choices": [choice], "usage": value(rng) if rng.random() < 0.3 else None})
        return b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
            status,
            len(body),
            body,
        )
    events = b"".join(_event(rng) for _ in range(rng.randrange(1, 7)))
    body = events + (b"data: [DONE]\n\n" if rng.random() < 0.9 else b"")
    return b"HTTP/1.1 %d X\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


def _event(rng: random.Random) -> bytes:
    text = rng.choice((*TEXTS, "138", "1234", "5678"))
    member = rng.choice(("content", "content", "content", "reasoning", "tool_calls", "function_call", "parts"))
    said: Any = {
        "tool_calls": [{"index": 0, "function": {"arguments": text, "name": "f"}}],
        "function_call": {"arguments": text},
        "parts": [{"type": "text", "text": text}, value(rng)],
    }.get(member, text)
    delta: Any = {member: said} if rng.random() < 0.9 else value(rng)
    finish = rng.choice((None, None, None, "stop", value(rng)))
    choice = {"index": rng.choice((0, 0, 0, 1, 1.0)), "delta": delta, "finish_reason": finish}
    more = {rng.choice(NAMES): value(rng)} if rng.random() < 0.2 else {}
    return b"data: %b\n\n" % _written(rng, {"id": "c", "choices": [{**choice, **more}], **more})


def _written(rng: random.Random, body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=rng.random() < 0.3).encode()


# ------------------------------------------------------------------------------------------------------ one of the two


def serve() -> None:
    """Reads a request and an answer, writes what came of them, until nothing more comes."""
    from gnomon.native import modules

    compiled = os.environ.get("GNOMON_TEST_COMPILED") == "1"
    if compiled and not modules.prefer():  # before any of them is loaded
        raise SystemExit("nothing is built: python -m gnomon.native.translate")
    from gnomon.kit import log
    from tests.fuzz.pipes import HEAD, Bench

    log.configure("critical")
    bench = Bench(timeout_s=10.0)  # or a slow machine would make a difference
    while pair := _read(sys.stdin.buffer):
        body, bench.reply = pair
        bench.asked.clear()
        got = bench.loop.run_until_complete(bench.talk(HEAD + b"content-length: %d\r\n\r\n%b" % (len(body), body)))
        _write(sys.stdout.buffer, *(_ID.sub(b"", part) for part in (bytes(bench.asked), got)))


def _write(to: IO[bytes], *parts: bytes) -> None:
    to.write(b"".join(struct.pack("<I", len(part)) + part for part in parts))
    to.flush()


def _read(of: IO[bytes], parts: int = 2) -> list[bytes]:
    found = []
    for _ in range(parts):
        head = of.read(4)
        if len(head) < 4:
            return []
        found.append(of.read(struct.unpack("<I", head)[0]))
    return found


# -------------------------------------------------------------------------------------------------------------- both


def cases(seed: int) -> Iterator[tuple[bytes, bytes]]:
    rng = random.Random(seed)
    while True:
        yield request(rng), answer(rng)


def difference(given: Iterable[tuple[bytes, bytes]]) -> str:
    """What the first case is of which the two make something else; empty where they agree in all."""
    command = [sys.executable, "-m", "tests.fuzz.twins", "--serve"]
    with ExitStack() as stack:
        source, compiled = (
            stack.enter_context(
                subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    cwd=ROOT,
                    env={**os.environ, "GNOMON_TEST_COMPILED": is_compiled},
                )
            )
            for is_compiled in ("0", "1")
        )
        for case in given:
            one, other = (_asked(twin, case) for twin in (source, compiled))
            if not one or one != other:
                return f"{case!r}\nsource:   {one!r}\ncompiled: {other!r}"
    return ""


def _asked(twin: subprocess.Popen[bytes], case: tuple[bytes, bytes]) -> list[bytes]:
    assert twin.stdin is not None
    assert twin.stdout is not None
    _write(twin.stdin, *case)
    return _read(twin.stdout)


def main(seconds: str, seed: str = "1") -> int:
    until, count = time.monotonic() + float(seconds), 0

    def timed() -> Iterator[tuple[bytes, bytes]]:
        nonlocal count
        for case in cases(int(seed)):
            if time.monotonic() > until:
                return
            count += 1
            yield case

    found = difference(timed())
    print(f"after {count}: {found}" if found else f"{count} requests and their answers, no difference")
    return bool(found)


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve()
    else:
        raise SystemExit(main(*sys.argv[1:]))
