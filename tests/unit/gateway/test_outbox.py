"""What a turn sends goes out at its end: records first, in order, and nobody's trouble is another's."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gnomon.contract.traffic import Feedback
from gnomon.gateway.outbox import Outbox
from gnomon.gateway.recorder import Recorder


class Line:
    """A transport that keeps what is written."""

    def __init__(self, *, closing: bool = False, broken: bool = False, seen: Callable[[], object] = list) -> None:
        self.closing, self.broken, self.seen = closing, broken, seen
        self.writes: list[bytes] = []
        self.when: list[object] = []

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        if self.broken:
            raise RuntimeError("gone")
        self.when.append(self.seen())
        self.writes.append(data)


def put(outbox: Outbox, lines: Iterable[Line], pieces: Iterable[bytes]) -> None:
    for line, data in zip(lines, pieces, strict=False):
        outbox.put(line, data)


def in_a_turn(work: Callable[[Outbox], object], commit: Callable[[], None] = lambda: None) -> Outbox:
    """`work` in one turn of a loop, and the turn's end."""

    async def run() -> Outbox:
        outbox = Outbox(asyncio.get_running_loop(), commit)
        work(outbox)
        await asyncio.sleep(0)
        return outbox

    return asyncio.run(run())


def test_nothing_goes_out_before_the_turn_ends() -> None:
    line = Line()
    during: list[list[bytes]] = []

    def work(outbox: Outbox) -> None:
        outbox.put(line, b"a")
        during.append(list(line.writes))

    in_a_turn(work)
    assert (during, line.writes) == ([[]], [b"a"])


@given(st.lists(st.tuples(st.integers(0, 2), st.binary(min_size=1, max_size=9_000)), max_size=60))
def test_every_line_is_sent_what_was_put_for_it_in_that_order(puts: list[tuple[int, bytes]]) -> None:
    lines = [Line(), Line(), Line()]
    in_a_turn(lambda outbox: put(outbox, [lines[which] for which, _ in puts], [data for _, data in puts]))
    for which, line in enumerate(lines):
        assert b"".join(line.writes) == b"".join(data for one, data in puts if one == which)


def test_pieces_for_one_line_go_as_one() -> None:
    line = Line()
    in_a_turn(lambda outbox: put(outbox, [line] * 3, (b"head", b"event", b"end")))
    assert line.writes == [b"headeventend"]


def test_in_a_long_turn_nobody_waits_for_more_than_sixteen() -> None:
    lines = [Line() for _ in range(20)]
    sent: list[int] = []

    def work(outbox: Outbox) -> None:
        for line in lines:
            outbox.put(line, b"x")
        sent.append(sum(len(line.writes) for line in lines))

    in_a_turn(work)
    assert (sent, sum(len(line.writes) for line in lines)) == ([16], 20)


def test_one_who_left_and_one_who_is_broken_keep_nobody_elses_bytes() -> None:
    left, broken, whole = Line(closing=True), Line(broken=True), Line()
    in_a_turn(lambda outbox: put(outbox, (left, broken, whole), (b"x",) * 3))
    assert (left.writes, broken.writes, whole.writes) == ([], [], [b"x"])


def test_who_closes_may_send_at_once() -> None:
    line = Line()
    seen: list[list[bytes]] = []

    def work(outbox: Outbox) -> None:
        outbox.put(line, b"x")
        outbox.flush()
        seen.append(list(line.writes))

    in_a_turn(work)
    assert (seen, line.writes) == ([[b"x"]], [b"x"])


def test_work_that_can_wait_is_done_behind_the_sends_and_fails_alone() -> None:
    told: list[str] = []
    line = Line(seen=lambda: told.append("sent"))

    def fails() -> None:
        told.append("fails")
        raise ZeroDivisionError

    def work(outbox: Outbox) -> None:
        outbox.after(fails)
        outbox.after(lambda: told.append("works"))
        outbox.put(line, b"x")

    in_a_turn(work)
    assert told == ["sent", "fails", "works"]


def test_a_turns_records_are_in_the_spool_in_one_write_before_a_byte_goes(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "w")
    said = [Feedback(id=f"fb_{n}", at=0.0, request=f"req_{n}", caller="c", rating=5) for n in range(3)]
    line = Line(seen=lambda: recorder.path.read_bytes().count(b"\n"))
    sizes: list[int] = []

    def work(outbox: Outbox) -> None:
        recorder.wake = outbox.wake
        for one in said:
            recorder.feedback(one)
            outbox.put(line, one.id.encode())
            sizes.append(recorder.path.stat().st_size)

    in_a_turn(work, recorder.commit)
    recorder.close()
    assert (sizes, line.when, line.writes) == ([0, 0, 0], [3], [b"fb_0fb_1fb_2"])


def test_a_turn_that_only_records_commits_at_its_end_too(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "w")

    def work(outbox: Outbox) -> None:
        recorder.wake = outbox.wake
        recorder.feedback(Feedback(id="fb", at=0.0, request="req", caller="c", rating=5))

    in_a_turn(work, recorder.commit)
    assert recorder.path.read_bytes().count(b"\n") == recorder.written == 1
    recorder.close()
