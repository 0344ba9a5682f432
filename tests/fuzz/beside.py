"""Streams of any shape: what goes on in each place is what masking the whole text of that place gives.

`python tests/fuzz/beside.py SECONDS [SEED]` makes streams in which texts, labels and growing strings stand anywhere in
events, cut anywhere. It ends at the first place that tells a planted value, or something else than its text masked.
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from gnomon.gateway.streaming import EventStream, Garbage
from gnomon.guard.placeholders import Vault
from tests.unit.gateway.test_asides import events, heard, runs
from tests.unit.gateway.test_streaming import REDACT, stream

VALUES = (
    "13812345678",
    "li.wei@example.com",
    "11010519491231002X",
    "6222021234567890128",
    "+86 138 1234 5678",
    "京A12345",
    "192.168.10.24",
)
FILLERS = ("普通的话。", "plain words ", "(", "12", "⟦", "，", "\n", "a-b ", "电话：", '{"a": "', "！")
NAMES = ("x", "note", "thought", "part", "text", "caption", "index_of", "说")
KNOWN = ("id", "object", "model", "finish_reason")


class Place(NamedTuple):
    """Where a string stands, and what stands there event by event."""

    way: tuple[str | int, ...]
    kind: str  # text, label, grows
    pieces: list[str]
    text: str


def text(rng: random.Random) -> str:
    return "".join(rng.choice(VALUES if rng.random() < 0.4 else FILLERS) for _ in range(rng.randrange(1, 6)))


def cut(rng: random.Random, whole: str) -> list[str]:
    places = sorted({0, len(whole), *(rng.randrange(len(whole) + 1) for _ in range(rng.randrange(1, 9)))})
    return [whole[one:other] for one, other in pairwise(places)]


def place(rng: random.Random, number: int) -> Place:
    root = rng.choice(("event", "choice", "delta", "content"))
    inner: list[str | int] = [f"{rng.choice(NAMES)}{number}"]
    inner += [rng.randrange(2) if rng.random() < 0.4 else rng.choice(NAMES) for _ in range(rng.randrange(3))]
    way = {"event": (), "choice": ("choices",), "delta": ("choices", "delta"), "content": ("choices", "delta")}[root]
    if root == "content":
        inner = ["content"] if number == 0 else [f"reasoning{number}"]
    kind = "text" if root in ("delta", "content") else rng.choice(("text", "text", "label", "grows"))
    whole = text(rng)
    pieces = cut(rng, whole)
    if kind == "label":
        pieces = [whole] * len(pieces)
    elif kind == "grows":
        pieces = ["".join(pieces[: n + 1]) for n in range(len(pieces))]
    return Place((*way, *inner), kind, pieces, whole)


def put(value: Any, way: tuple[str | int, ...], string: str) -> Any:
    """`value` with the string at the end of this way."""
    if not way:
        return string
    step, *rest = way
    if step == "choices":
        return {**value, "choices": [put(value["choices"][0], tuple(rest), string)]}
    if isinstance(step, int):
        items = list(value) if isinstance(value, list) else []
        items += [None] * (step + 1 - len(items))
        items[step] = put(items[step], tuple(rest), string)
        return items
    return {**(value if isinstance(value, dict) else {}), step: put((value or {}).get(step), tuple(rest), string)}


def written(rng: random.Random, places: list[Place]) -> Iterator[bytes]:
    """The events in which the pieces of all places come, each place's in order."""
    left = {one.way: list(one.pieces) for one in places}
    while any(left.values()):
        event: dict[str, Any] = {"id": "c", "object": "chat.completion.chunk", "model": "m"}
        event["choices"] = [{"index": 0, "delta": {}, "finish_reason": rng.choice((None, None, None, "", "null"))}]
        for way, pieces in left.items():
            if pieces and rng.random() < 0.6:
                event = put(event, way, pieces.pop(0))
        yield b"data: %b\n\n" % json.dumps(event, ensure_ascii=rng.random() < 0.5).encode()
    if rng.random() < 0.7:
        yield b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    if rng.random() < 0.8:
        yield b"data: [DONE]\n\n"


def wrong(places: list[Place], out: bytes) -> str:
    """What is told that should not be; nothing where all is well."""
    together = heard(out, KNOWN)
    each: dict[tuple[Any, ...], list[str]] = {}
    for event in events(out):
        for way, said in heard(b"data: %b\n\n" % json.dumps(event).encode(), KNOWN).items():
            each.setdefault(way, []).append(said)
    for one in places:
        way = ("choices", 0, *one.way[1:]) if one.way[0] == "choices" else one.way
        masked = REDACT.mask(one.text, "output", Vault()).text
        told = together.get(way, "")
        if (
            one.kind == "text"
            and (len(one.pieces) == 1 or runs(one.pieces))
            and _more(told, one.pieces) != _more(masked, one.pieces)
        ):
            return f"{one}: {told!r} instead of {masked!r}"
        more = {_more(said, one.pieces) for said in each.get(way, ())} - {""}
        if one.kind == "label" and len(one.pieces) > 1 and not more <= {_more(masked, one.pieces)}:
            return f"{one}: {each[way]!r} instead of {masked!r}"
        gone = [value for value in VALUES if value not in masked]
        if any(value in said for value in gone for said in (told, *each.get(way, ()))):
            return f"{one}: {told!r}, event by event {each.get(way)!r}"
    return ""


def _more(said: str, pieces: list[str]) -> str:
    """Masked once more: what a piece has at its end is masked even where its neighbour hides it from the whole."""
    for piece in pieces:
        masked = REDACT.mask(piece, "output", Vault())
        for span, shown in zip(masked.spans, masked.replacements, strict=True):
            if span.start == 0 or span.end == len(piece):
                said = said.replace(piece[span.start : span.end], shown)
    return said


def compare(seed: int) -> str:
    """What went wrong with the stream of this seed; nothing where all went well."""
    rng = random.Random(seed)
    places = list({one.way[:3]: one for one in (place(rng, n) for n in range(rng.randrange(1, 5)))}.values())
    data, running = b"".join(written(rng, places)), stream(usage=True)
    return wrong(places, _fed(running, data, rng))


def _fed(running: EventStream, data: bytes, rng: random.Random) -> bytes:
    out, at = b"", 0
    while at < len(data):
        size = rng.choice((1, 7, 60, 300, 5000))
        out += running.feed(data[at : at + size])
        at += size
    return out + running.end()


def main(seconds: str, seed: str = "1") -> int:
    until, count = time.monotonic() + float(seconds), 0
    while time.monotonic() < until:
        try:
            found = compare(int(seed) + count)
        except Garbage as error:
            found = f"refused: {error}"
        if found:
            print(f"stream {int(seed) + count}: {found}")
            return 1
        count += 1
    print(f"{count} streams, every place as the whole of it")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
