"""What a model server's bytes, however they were read, become at the sink."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gnomon.gateway.batch import Batch
from gnomon.gateway.link import Keeper, Link, UpstreamError
from gnomon.gateway.upstream import Pool

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
PARTS = b"3\r\nabc\r\n2\r\nde\r\n1\r\nf\r\n"


class Wire:
    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def resume_reading(self) -> None: ...

    def is_closing(self) -> bool:
        return False


class Taken:
    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def head(self, status: int, headers: dict[bytes, bytes]) -> None: ...

    def body(self, data: bytes) -> None:
        if data == b"bad":
            raise ValueError(data)
        self.bodies.append(data)


async def _answered(*reads: bytes) -> tuple[list[bytes], BaseException | None]:
    link, sink = Link(Pool(asyncio.get_running_loop()), ("http", 1, "", "")), Taken()
    link.connection_made(Wire())
    sending = asyncio.ensure_future(link.send(b"", sink, silence_s=0.0))
    await asyncio.sleep(0)
    for data in reads:
        link.data_received(data)
        await asyncio.sleep(0)  # a turn for each read
    if not sending.done():
        link.connection_lost(None)
    failed: Any = (await asyncio.gather(sending, return_exceptions=True))[0]
    return sink.bodies, failed if isinstance(failed, BaseException) else None


def answered(*reads: bytes) -> tuple[list[bytes], BaseException | None]:
    return asyncio.run(_answered(*reads))


def test_chunks_of_one_read_go_on_as_one() -> None:
    assert answered(HEAD + PARTS + b"0\r\n\r\n") == ([b"abcdef"], None)
    assert answered(HEAD + b"3\r\nabc\r\n", b"2\r\nde\r\n1\r\nf\r\n0\r\n\r\n") == ([b"abc", b"def"], None)


@pytest.mark.parametrize("cut", range(len(HEAD), len(HEAD + PARTS)))
def test_nothing_is_lost_wherever_reads_end(cut: int) -> None:
    whole = HEAD + PARTS + b"0\r\n\r\n"
    bodies, failed = answered(whole[:cut], whole[cut:])
    assert (b"".join(bodies), failed) == (b"abcdef", None)


def test_what_came_before_nonsense_goes_on_and_the_rest_fails() -> None:
    bodies, failed = answered(HEAD + PARTS + b"zz\r\n")
    assert bodies == [b"abcdef"]
    assert isinstance(failed, UpstreamError)
    assert failed.received


def test_what_the_sink_raises_ends_the_answer() -> None:
    bodies, failed = answered(HEAD + b"3\r\nbad\r\n", b"3\r\nabc\r\n0\r\n\r\n")
    assert (bodies, type(failed)) == ([], ValueError)


def test_what_follows_a_whole_answer_is_nobodys() -> None:
    whole = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"
    assert answered(whole + b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nxyz") == ([b"abc"], None)


async def _lost_behind_the_end(*, is_enough: bool) -> BaseException | None:
    link = Link(Pool(asyncio.get_running_loop()), ("http", 1, "", ""))
    link.connection_made(Wire())
    sending = asyncio.ensure_future(link.send(b"", Taken(), silence_s=0.0))
    await asyncio.sleep(0)
    link.data_received(HEAD + PARTS)
    await asyncio.sleep(0)
    if is_enough:
        link.enough()
    link.connection_lost(ConnectionResetError())
    failed: Any = (await asyncio.gather(sending, return_exceptions=True))[0]
    return failed if isinstance(failed, BaseException) else None


def test_a_connection_lost_when_all_has_come_takes_nothing_away() -> None:
    assert asyncio.run(_lost_behind_the_end(is_enough=True)) is None
    assert isinstance(asyncio.run(_lost_behind_the_end(is_enough=False)), UpstreamError)


class Noting(Wire):
    """Says what it was told in the order in which it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def write(self, data: bytes) -> None:
        self.told.append("request")

    def abort(self) -> None:
        self.told.append("aborted")


async def _meanwhile(wire: Noting, work: Callable[[], object]) -> BaseException | None:
    link = Link(Pool(asyncio.get_running_loop()), ("http", 1, "", ""))
    link.connection_made(wire)
    sending = asyncio.ensure_future(link.send(b"x", Taken(), silence_s=0.0, meanwhile=work))
    for _ in range(2):  # it begins, and its turn ends
        await asyncio.sleep(0)
    wire.told.append("answer")
    link.data_received(HEAD + PARTS + b"0\r\n\r\n")
    failed: Any = (await asyncio.gather(sending, return_exceptions=True))[0]
    return failed if isinstance(failed, BaseException) else None


def test_what_can_be_done_while_the_model_works_waits_for_the_request_and_not_for_the_answer() -> None:
    wire = Noting()
    assert asyncio.run(_meanwhile(wire, lambda: wire.told.append("work"))) is None
    assert wire.told == ["request", "work", "answer"]


def test_what_fails_meanwhile_ends_the_call() -> None:
    def fails() -> None:
        raise ZeroDivisionError("ours")

    wire = Noting()
    assert isinstance(asyncio.run(_meanwhile(wire, fails)), ZeroDivisionError)
    assert "aborted" in wire.told


class Kept(Noting):
    def close(self) -> None:
        self.told.append("closed")

    def is_closing(self) -> bool:
        return bool({"closed", "aborted"} & {*self.told})


def test_a_connection_on_which_more_was_read_than_the_answer_asks_nothing_more() -> None:
    """Both were read before either was worked on: the second must not become the answer to the next question."""

    async def ask() -> tuple[list[bytes], list[str]]:
        pool, sink, wire = Pool(asyncio.get_running_loop()), Taken(), Kept()
        link = Link(pool, ("http", 1, "", ""))
        link.connection_made(wire)
        sending = asyncio.ensure_future(link.send(b"x", sink, silence_s=0.0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        whole = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n"
        link.data_received(whole + b"abc")
        link.data_received(whole + b"xyz")
        await sending
        assert pool._take(("http", 1, "", "")) is None
        return sink.bodies, wire.told

    bodies, told = asyncio.run(ask())
    assert (bodies, told[:2]) == ([b"abc"], ["request", "closed"])


def test_what_comes_unasked_is_no_answer_to_a_question_of_the_same_turn() -> None:
    async def ask() -> list[str]:
        wire = Kept()
        link = Link(Pool(asyncio.get_running_loop()), ("http", 1, "", ""))
        link.connection_made(wire)
        link.data_received(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")
        return list(wire.told)

    assert asyncio.run(ask()) == ["aborted"]


def test_nobody_keeps_connections_who_neither_takes_them_back_nor_forgets_them() -> None:
    async def keeper() -> Keeper:
        loop = asyncio.get_running_loop()
        return Keeper(loop, Batch(loop))  # type: ignore[abstract]

    with pytest.raises(TypeError):
        asyncio.run(keeper())
