"""What a worker's spool holds back, and what it does when the disk refuses."""

import os
from pathlib import Path

import pytest

from gnomon.contract.traffic import Feedback
from gnomon.gateway.recorder import Recorder


def test_records_of_one_turn_that_are_large_are_written_before_it_ends(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "w")
    sizes: list[int] = []

    recorder.wake = lambda: None  # the turn's end is far
    for n in range(4):
        recorder.feedback(Feedback(id="fb", at=0.0, request=f"req_{n}", caller="c" * 400_000, rating=5))
        sizes.append(recorder.path.stat().st_size)
    recorder.close()
    assert sizes[1] == 0 < sizes[2] == sizes[3]
    assert recorder.path.read_bytes().count(b"\n") == recorder.written == 4


def test_a_spool_that_cannot_be_cut_back_to_its_last_whole_record_is_a_failing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise OSError

    recorder = Recorder(tmp_path, "w")
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: write(fd, data[:-1]))
        patch.setattr(os, "ftruncate", refuses)
        recorder.feedback(Feedback(id="fb", at=0.0, request="req", caller="c", rating=5))
    assert (recorder.failing, recorder.written, recorder.lost) == (True, 0, 0)
    recorder.close()
    assert recorder.written == 1
