"""A turn reads, works, sends: records first, in order, and nobody's trouble is another's."""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.contract.traffic import Feedback
from gnomon.gateway.batch import Batch
from gnomon.gateway.recorder import Recorder


class Line:
    """A transport that keeps what is written."""

    def __init__(self, *, closing: bool = False, broken: bool = False, seen: Callable[[], object] = list) -> None:
        self.closing, self.broken, self.seen = closing, broken, seen
        self.aborted = False
        self.writes: list[bytes] = []
        self.when: list[object] = []

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        if self.broken:
            raise RuntimeError("gone")
        self.when.append(self.seen())
        self.writes.append(data)

    def abort(self) -> None:
        self.closing = self.aborted = True


class Reader:
    """A connection that tells what arrived when."""

    def __init__(self, told: list[str], name: str, *, fails: bool = False) -> None:
        self.told, self.name, self.fails = told, name, fails

    def arrived(self, data: bytes) -> None:
        self.told.append(f"{self.name}:{data.decode()}")
        if self.fails:
            raise ZeroDivisionError

    def abort(self) -> None:
        self.told.append(f"{self.name} aborted")


def put(batch: Batch, lines: Iterable[Line], pieces: Iterable[bytes]) -> None:
    for line, data in zip(lines, pieces, strict=False):
        batch.put(line, data)


def in_a_turn(work: Callable[[Batch], object], commit: Callable[[], None] = lambda: None) -> Batch:
    """`work` in one turn of a loop, and the turn's end."""

    async def run() -> Batch:
        batch = Batch(asyncio.get_running_loop(), commit)
        work(batch)
        await asyncio.sleep(0)
        return batch

    return asyncio.run(run())


def test_nothing_goes_out_before_the_turn_ends() -> None:
    line = Line()
    during: list[list[bytes]] = []

    def work(batch: Batch) -> None:
        batch.put(line, b"a")
        during.append(list(line.writes))

    in_a_turn(work)
    assert (during, line.writes) == ([[]], [b"a"])


@given(st.lists(st.tuples(st.integers(0, 2), st.binary(min_size=1, max_size=9_000)), max_size=60))
def test_every_line_is_sent_what_was_put_for_it_in_that_order(puts: list[tuple[int, bytes]]) -> None:
    lines = [Line(), Line(), Line()]
    in_a_turn(lambda batch: put(batch, [lines[which] for which, _ in puts], [data for _, data in puts]))
    for which, line in enumerate(lines):
        assert b"".join(line.writes) == b"".join(data for one, data in puts if one == which)


def test_pieces_for_one_line_go_as_one() -> None:
    line = Line()
    in_a_turn(lambda batch: put(batch, [line] * 3, (b"head", b"event", b"end")))
    assert line.writes == [b"headeventend"]


def test_in_a_long_turn_nobody_waits_for_more_than_sixteen() -> None:
    lines = [Line() for _ in range(20)]
    sent: list[int] = []

    def work(batch: Batch) -> None:
        for line in lines:
            batch.put(line, b"x")
        sent.append(sum(len(line.writes) for line in lines))

    in_a_turn(work)
    assert (sent, sum(len(line.writes) for line in lines)) == ([16], 20)


def test_one_who_left_and_one_who_is_broken_keep_nobody_elses_bytes() -> None:
    left, broken, whole = Line(closing=True), Line(broken=True), Line()
    in_a_turn(lambda batch: put(batch, (left, broken, whole), (b"x",) * 3))
    assert (left.writes, broken.writes, whole.writes) == ([], [], [b"x"])


def test_a_line_that_lost_a_piece_ends_there() -> None:
    line = Line(broken=True)

    async def run() -> None:
        batch = Batch(asyncio.get_running_loop())
        batch.put(line, b"lost")
        await asyncio.sleep(0)
        line.broken = False
        batch.put(line, b"what follows")
        await asyncio.sleep(0)

    asyncio.run(run())
    assert (line.aborted, line.writes) == (True, [])


def test_records_that_cannot_be_told_keep_nobodys_bytes() -> None:
    def fails() -> None:
        raise MemoryError

    line = Line()
    in_a_turn(lambda batch: batch.put(line, b"x"), fails)
    assert line.writes == [b"x"]


def test_what_is_large_does_not_wait_for_the_end_of_the_turn() -> None:
    line = Line()
    seen: list[int] = []

    def work(batch: Batch) -> None:
        for _ in range(4):
            batch.put(line, b"x" * 50_000)
            seen.append(len(b"".join(line.writes)))

    in_a_turn(work)
    assert seen == [0, 0, 150_000, 150_000]


def test_who_closes_may_send_at_once() -> None:
    line = Line()
    seen: list[list[bytes]] = []

    def work(batch: Batch) -> None:
        batch.put(line, b"x")
        batch.flush()
        seen.append(list(line.writes))

    in_a_turn(work)
    assert (seen, line.writes) == ([[b"x"]], [b"x"])


def test_work_that_can_wait_is_done_behind_the_sends_and_fails_alone() -> None:
    told: list[str] = []
    line = Line(seen=lambda: told.append("sent"))

    def fails() -> None:
        told.append("fails")
        raise ZeroDivisionError

    def work(batch: Batch) -> None:
        batch.after(fails)
        batch.after(lambda: told.append("works"))
        batch.put(line, b"x")

    in_a_turn(work)
    assert told == ["sent", "fails", "works"]


class Asker:
    """A connection whose every read leads to the last of an answer."""

    def __init__(self, batch: Batch, line: Line) -> None:
        self.batch, self.line = batch, line
        self.sent: list[list[bytes]] = []

    def arrived(self, data: bytes) -> None:
        self.batch.after(lambda: self.line.writes.append(b"after"))
        self.batch.put(self.line, b"begins ")
        self.batch.put_last(self.line, data)
        self.sent.append(list(self.line.writes))

    def abort(self) -> None: ...


@pytest.mark.parametrize(
    ("reads", "sent"), [([b"a"], [[b"begins a"]]), ([b"a", b"b"], [[], []])], ids=["alone", "beside another"]
)
def test_the_last_that_is_answered_alone_goes_at_once(reads: list[bytes], sent: list[list[bytes]]) -> None:
    told: list[str] = []
    line = Line(seen=lambda: told.append("sent"))
    askers: list[Asker] = []

    def work(batch: Batch) -> None:
        asker = Asker(batch, line)
        askers.append(asker)
        for data in reads:
            batch.take(asker, data)
        batch.put_last(line, b"")  # nothing is worked on: it waits
        assert line.writes == []
        batch.end()

    in_a_turn(work, lambda: told.append("records"))
    assert askers[0].sent == [[*one] for one in sent]
    assert told[:2] == ["records", "sent"]
    assert line.writes[-1] == b"after"


def test_a_turns_records_are_in_the_spool_in_one_write_before_a_byte_goes(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "w")
    said = [Feedback(id=f"fb_{n}", at=0.0, request=f"req_{n}", caller="c", rating=5) for n in range(3)]
    line = Line(seen=lambda: recorder.path.read_bytes().count(b"\n"))
    sizes: list[int] = []

    def work(batch: Batch) -> None:
        recorder.wake = batch.wake
        for one in said:
            recorder.feedback(one)
            batch.put(line, one.id.encode())
            sizes.append(recorder.path.stat().st_size)

    in_a_turn(work, recorder.commit)
    recorder.close()
    assert (sizes, line.when, line.writes) == ([0, 0, 0], [3], [b"fb_0fb_1fb_2"])


def test_a_turn_that_only_records_commits_at_its_end_too(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "w")

    def work(batch: Batch) -> None:
        recorder.wake = batch.wake
        recorder.feedback(Feedback(id="fb", at=0.0, request="req", caller="c", rating=5))

    in_a_turn(work, recorder.commit)
    assert recorder.path.read_bytes().count(b"\n") == recorder.written == 1
    recorder.close()


def test_a_turn_works_when_all_is_read_and_sends_when_all_is_worked_on() -> None:
    told: list[str] = []
    line = Line(seen=lambda: told.append("sent"))
    first, second = Reader(told, "a"), Reader(told, "b")

    def work(batch: Batch) -> None:
        for reader, data in ((first, b"1"), (second, b"2"), (first, b"3")):
            batch.take(reader, data)
            told.append("read")
        batch.put(line, b"x")

    in_a_turn(work)
    assert told == ["read", "read", "read", "a:1", "b:2", "a:3", "sent"]


def test_a_connection_whose_work_fails_ends_and_the_others_go_on() -> None:
    told: list[str] = []
    broken, whole = Reader(told, "a", fails=True), Reader(told, "b")

    def work(batch: Batch) -> None:
        batch.take(broken, b"1")
        batch.take(whole, b"1")

    in_a_turn(work)
    assert told == ["a:1", "a aborted", "b:1"]


@pytest.mark.parametrize(("size", "count"), [(1, 64), (70_000, 4)])
def test_what_is_held_before_it_is_worked_on_has_a_bound(size: int, count: int) -> None:
    told: list[str] = []
    reader = Reader(told, "a")
    seen: list[int] = []

    def work(batch: Batch) -> None:
        for _ in range(count):
            seen.append(len(told))
            batch.take(reader, b"x" * size)
        seen.append(len(told))

    in_a_turn(work)
    assert seen == [0] * count + [count]


def test_a_connection_that_cannot_even_be_ended_stops_neither_this_turn_nor_the_next() -> None:
    told: list[str] = []

    class Stubborn(Reader):
        def abort(self) -> None:
            raise RuntimeError

    async def run() -> None:
        batch = Batch(asyncio.get_running_loop())
        batch.take(Stubborn(told, "a", fails=True), b"1")
        batch.take(Reader(told, "b"), b"1")
        await asyncio.sleep(0)
        batch.take(Reader(told, "c"), b"1")
        await asyncio.sleep(0)

    asyncio.run(run())
    assert told == ["a:1", "b:1", "c:1"]


def test_what_is_read_while_others_are_worked_on_has_a_turn_of_its_own() -> None:
    told: list[str] = []

    async def run() -> None:
        batch = Batch(asyncio.get_running_loop())

        class Asking(Reader):
            def arrived(self, data: bytes) -> None:
                super().arrived(data)
                batch.take(Reader(told, "b"), b"1")

        batch.take(Asking(told, "a"), b"1")
        for _ in range(2):
            await asyncio.sleep(0)

    asyncio.run(run())
    assert told == ["a:1", "b:1"]


_FAILS = st.sampled_from((False,) * 9 + (True,))
_STEPS = st.one_of(
    st.tuples(st.just("take"), st.integers(0, 2), _FAILS, st.sampled_from((1, 9_000, 70_000))),
    st.tuples(st.just("put"), st.integers(0, 2), _FAILS, st.sampled_from((1, 9_000, 70_000))),
    st.tuples(st.sampled_from(("after", "flush", "end", "turn")), st.just(0), _FAILS, st.just(1)),
)


@given(st.lists(_STEPS, max_size=40))
def test_whatever_the_order_nothing_is_lost_doubled_overtaken_or_sent_before_its_record(
    steps: list[tuple[str, int, bool, int]],
) -> None:
    """A read answers with as many bytes on its own line; a step that `fails` raises once it has."""
    made: list[tuple[int, bytes]] = []  # what each line must be sent, in order; and how many records went before
    committed = [0]

    class Checked(Line):
        def write(self, data: bytes) -> None:
            assert committed[0] == len(made)
            super().write(data)

    lines = [Checked(), Checked(), Checked()]
    afters: list[int] = []
    expected_reads: list[int] = []
    reads: list[int] = []

    async def run() -> None:
        batch = Batch(asyncio.get_running_loop(), lambda: committed.__setitem__(0, len(made)))

        def put(which: int, size: int) -> None:
            data = bytes([len(made) % 256]) * size
            made.append((which, data))
            batch.put(lines[which], data)

        class Echo:
            def __init__(self, which: int, number: int, *, fails: bool) -> None:
                self.which, self.number, self.fails = which, number, fails

            def arrived(self, data: bytes) -> None:
                reads.append(self.number)
                put(self.which, len(data))
                if self.fails:
                    raise ZeroDivisionError

            def abort(self) -> None:
                raise ZeroDivisionError

        def late(number: int, *, fails: bool) -> None:
            afters.append(number)
            if fails:
                raise ZeroDivisionError

        for number, (what, which, fails, size) in enumerate(steps):
            if what == "take":
                expected_reads.append(number)
                batch.take(Echo(which, number, fails=fails), b"r" * size)
            elif what == "put":
                put(which, size)
            elif what == "after":
                batch.after(partial(late, number, fails=fails))
            elif what == "turn":
                await asyncio.sleep(0)
            else:
                {"flush": batch.flush, "end": batch.end}[what]()
        for _ in range(2):
            await asyncio.sleep(0)

    asyncio.run(run())
    assert reads == expected_reads
    assert afters == [number for number, (what, *_) in enumerate(steps) if what == "after"]
    for which, line in enumerate(lines):
        assert b"".join(line.writes) == b"".join(data for one, data in made if one == which)


def test_who_ends_a_turn_early_has_what_came_worked_on_and_sent() -> None:
    told: list[str] = []
    line = Line()

    def work(batch: Batch) -> None:
        batch.take(Reader(told, "a"), b"1")
        batch.put(line, b"x")
        batch.end()
        told.append(f"sent {len(line.writes)}")

    in_a_turn(work)
    assert told == ["a:1", "sent 1"]


def test_what_is_put_by_late_work_goes_out_in_the_next_turn() -> None:
    line = Line()

    async def run() -> None:
        batch = Batch(asyncio.get_running_loop())
        batch.after(lambda: batch.put(line, b"late"))
        for _ in range(2):
            await asyncio.sleep(0)

    asyncio.run(run())
    assert line.writes == [b"late"]
