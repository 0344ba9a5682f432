"""A lent stream over real sockets: nothing of it is lost, and its end is seen, whenever it comes."""

import os
import random
import socket
import struct
from collections.abc import Iterator

import pytest

from gnomon import native
from tests.fakes.upstream import event
from tests.fuzz.native_events import slowly
from tests.fuzz.native_relay import Ends, compare_relayed

# It is C alone, for a kernel with epoll; where either is not, the gateway does without it.
pytestmark = pytest.mark.skipif(not hasattr(native.load("relay"), "Relay"), reason="not built, or no epoll here")
FIRST = event({"content": "您好，"})
NEXT = event({"content": "一句话。"})


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.fixture
def ends() -> Iterator[Ends]:
    """A stream that is lent."""
    ends = Ends()
    ends.step(chunk(FIRST))
    ends.step(b"")
    assert ends.course is not None
    assert not ends.wire.reads
    yield ends
    ends.close()


def events_of(text: str) -> bytes:
    return b"".join(event({"content": text[at : at + 3]}) for at in range(0, len(text), 3))


@pytest.mark.parametrize("seed", range(20))
def test_a_stream_is_the_same_whoever_passes_it_on(seed: int) -> None:
    rng = random.Random(seed)
    pieces = (
        "您好，订单已查到。",
        "电话13812345678，",
        "li.wei@example.com ",
        "plain words ",
        "新京A1",
        '"\\\n',
        "a" * 40,
    )
    compare_relayed(rng, events_of("".join(rng.choice(pieces) for _ in range(9))))


@pytest.mark.parametrize("resets", [False, True])
def test_an_end_that_comes_with_the_last_bytes_is_seen(ends: Ends, resets: bool) -> None:
    ends.server.sendall(chunk(NEXT))
    if resets:
        ends.server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ends.server.close()
    else:
        ends.server.shutdown(socket.SHUT_WR)
    ends.relays.look()
    assert ends.wire.reads, "the loop reads the end"
    assert ends.course is not None
    assert ends.course.is_over


def test_all_that_have_come_are_told_before_a_deadline(ends: Ends) -> None:
    others = [Ends(ends.relays) for _ in range(150)]
    for other in others:
        other.step(chunk(FIRST))
        other.step(b"")
    for other in others:
        other.server.sendall(chunk(NEXT))
    ends.relays.look()
    for other in others:
        assert "一句话。".encode() in other.client.recv(65536, socket.MSG_DONTWAIT)
        for one in (other.server, other.model, other.caller, other.client):
            one.close()


def test_what_a_process_starts_inherits_none_of_the_sockets() -> None:
    before = set(os.listdir("/proc/self/fd"))
    ends = Ends()
    ends.step(chunk(FIRST))
    ends.step(b"")
    for file in set(os.listdir("/proc/self/fd")) - before:
        if os.path.exists(f"/proc/self/fd/{file}"):
            assert not os.get_inheritable(int(file))
    ends.close()


def test_what_is_flushed_at_the_end_looks_like_the_last_events(ends: Ends) -> None:
    other = event({"content": "两句。"}).replace(b'"chatcmpl-1"', b'"chatcmpl-2"')
    told = (other, NEXT, event({"content": "138"}), b"data: [DONE]\n\n")
    for one in told:
        ends.step(chunk(one))
    ends.step(b"")
    passed, data = b"", ends.read + ends.streamed.last
    for line in data.split(b"\n"):
        passed += line.rstrip(b"\r") + b"\n\n" if line.startswith(b"data:") else b""
    assert passed == slowly(FIRST + b"".join(told))


def test_places_of_findings_are_right_when_the_record_is_full(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gnomon.gateway.running.KEPT_REPLY_CHARS", 5)
    ends.step(chunk(event({"content": "好", "role": "assistant"})))
    for text in ("很长很长的一段话。", "电话", "13812345678", "。完"):
        ends.step(chunk(event({"content": text})))
    ends.step(b"")
    ((_, field),) = ends.events._fields.items()
    (span,) = field.masker.spans  # type: ignore[attr-defined]
    text = "您好，好很长很长的一段话。电话13812345678。完"
    assert text[span.start : span.end] == "13812345678"
