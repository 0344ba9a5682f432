"""The ordinary events of a stream go on in C as they do in Python, wherever the stream is cut."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon import native
from gnomon.gateway.moulds import Mould
from gnomon.gateway.running import Field
from tests.fuzz.native_events import compare_chunks, compare_events
from tests.unit.guard.samples import KINDS, sample

quick = native.load("events")
# Compares C with its twin: a machine without a compiler has only the twin, tested elsewhere.
pytestmark = pytest.mark.skipif(quick is None or native.load("cutting") is None, reason="not built")
PIECES = (
    *("您好，", "关于您的订单。", "plain words ", "don't@", "(", "⟦", "12", "138", "12345678", "。"),
    *('"', "\\", "\n", "\r\n", "\t\b\f", "\0\x1f", "\x7f\x80", "é", "😀", "\u2028", "京A", "a" * 600),
)
texts = st.one_of(st.sampled_from(PIECES), st.text(max_size=5))


def event(text: str, *, ascii_only: bool = False, index: int = 0, **more: Any) -> bytes:
    choice = {"index": index, "delta": {"content": text}, "finish_reason": None}
    return b"data: %b\n\n" % json.dumps({"id": "c", "choices": [choice], **more}, ensure_ascii=ascii_only).encode()


class Counted(Field):
    """A field that counts what went on in C."""

    __slots__ = ("quick",)

    def splice(self, data: bytes, mould: Mould) -> tuple[int, bytes] | None:
        found = super().splice(data, mould)
        self.quick = getattr(self, "quick", 0) + (found[0] if found is not None else 0)
        return found


@given(
    pieces=st.lists(st.tuples(texts, st.booleans(), st.integers(0, 5)), min_size=2, max_size=14),
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=5),
    is_done=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_a_stream_is_the_same_wherever_it_is_cut(
    pieces: list[tuple[str, bool, int]], sizes: list[int], is_done: bool
) -> None:
    data = b"".join(event(text, ascii_only=flag, index=max(0, kind - 4)) for text, flag, kind in pieces)
    compare_events(data + (b"data: [DONE]\n\n" if is_done else b""), sizes)


def test_every_character_is_written_as_it_was() -> None:
    some = [chr(c) for c in (*range(0x300), *range(0x2000, 0x2100), 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF)]
    data = b"".join(event(f"您{char}好。", ascii_only=flag) for char in some for flag in (False, True))
    compare_events(data, [len(data)])
    compare_events(data, [97])


def test_ordinary_events_are_those_that_go_on_in_c() -> None:
    data = b"".join(map(event, ("您好，", "关于您的订单", "我们已经", "plain ", "words ", "查到。")))
    field = compare_events(data, [len(event("您好，")), 10_000], of=Counted)._fields[0, "content"]
    assert isinstance(field, Counted)
    assert field.quick == len(data) - len(event("您好，"))


@pytest.mark.parametrize(
    "wrong",
    [
        event("XY").replace(b"XY", b'X", "content": "Y'),
        event("XY").replace(b"XY", b"\\x"),
        event("XY").replace(b"XY", b"\\ud800"),
        event("XY").replace(b"XY", b"\xff"),
        event("XY").replace(b"XY", b"\n"),
        event("XY")[:-1] + b"x",
        event("XY")[:-1] + b"\r",
        event("XY").replace(b"\n", b"\r"),
        event("XY").replace(b"\n", b"\r\n"),
        event("XY", created=1),
        event(""),
        b": keep\n\n",
    ],
)
def test_what_is_not_ordinary_is_left_alone(wrong: bytes) -> None:
    before = event("您好，") * 2
    compare_events(before + wrong + before, [len(before), len(wrong) + 5])
    compare_events(before + wrong + before, [9])


def test_an_error_of_what_is_asked_is_an_error() -> None:
    def broken(_: str) -> int:
        raise ZeroDivisionError

    mould = (b'{"a":', b"}\n", b"<", b">", False)
    with pytest.raises(ZeroDivisionError):
        quick.splice(b'{"a":"b"}\n', mould, broken, lambda *_: 0, lambda *_: 0, "", "", 9)
    with pytest.raises(ZeroDivisionError):
        quick.splice(b'{"a":"b"}\n', mould, lambda _: 0, lambda *_: 1 // 0, lambda *_: 0, "", "", 9)
    with pytest.raises(ValueError, match="no place"):
        quick.splice(b'{"a":"b"}\n', mould, lambda _: 0, lambda *_: 2, lambda *_: 0, "", "", 9)
    with pytest.raises(TypeError):
        quick.splice("text", mould, lambda _: 0, lambda *_: 0, lambda *_: 0, "", "", 9)
    with pytest.raises(TypeError):
        quick.splice(b'{"a":"b"}\n', mould[:4], lambda _: 0, lambda *_: 0, lambda *_: 0, "", "", 9)


@given(
    bodies=st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=4),
    odd=st.sampled_from([b"", b"", b"0\r\n\r\n", b"5\r\nab", b";x\r\n", b"\r\n", b"fffffffff\r\n", b"g"]),
    change=st.tuples(st.integers(0, 200), st.integers(0, 255)),
    is_changed=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_whole_chunks_are_what_a_parser_makes_of_them(
    bodies: list[bytes], odd: bytes, change: tuple[int, int], is_changed: bool
) -> None:
    data = bytearray(b"".join(b"%x\r\n%b\r\n" % (len(body), body) for body in bodies) + odd)
    if is_changed:
        data[change[0] % len(data)] = change[1]
    body = compare_chunks(bytes(data))
    assert is_changed or body == (None if odd else b"".join(bodies))


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_is_found_however_few_characters_an_event_has(kind: str) -> None:
    rng = random.Random(kind)
    for _ in range(4):
        text = f"您好，龘龘好的。{sample(rng, entities=(kind,), most=1).text}龘好的。"
        for size in (1, 2, 3, 5):
            pieces = [event(text[at : at + size]) for at in range(0, len(text), size)]
            compare_events(b"".join(pieces), [*map(len, pieces)])
            compare_events(b"".join(pieces), [len(pieces[0]), 1 << 20])


TOLD = ("港澳居民来往内地通行证", "病历", "学籍", "急诊")
TELLING = (
    *(f"您的{word}号码：{value}。" for word in TOLD for value in ("C12345678", "12345678")),
    *("您的访问令牌：Abc12345xyz78Abc12345。", "社会保障号 320102199001011234。", "收款账户：1234567890123。"),
)


@pytest.mark.parametrize("text", TELLING)
def test_a_word_that_tells_of_a_value_is_read_however_few_characters_an_event_has(text: str) -> None:
    for size in (1, 2):
        pieces = [event(text[at : at + size]) for at in range(0, len(text), size)]
        counts = compare_events(b"".join(pieces), [len(pieces[0]), 1 << 20]).counts()
    assert counts, "or it tells of nothing"


def test_a_secret_that_has_begun_is_told_as_soon() -> None:
    for text in ("eyJhbGciOiJ9.12345678.abc", "-----BEGIN PRIVATE KEY-----\nabc"):
        pieces = [event("您好，"), *(event(text[at : at + 2]) for at in range(0, len(text), 2))]
        compare_events(b"".join(pieces), [len(pieces[0]), *map(len, pieces[1:])])
        compare_events(b"".join(pieces), [40])
