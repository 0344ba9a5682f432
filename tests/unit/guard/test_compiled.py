"""A kept database is used when it is ours and whole, and never instead of what was asked for."""

import os
from pathlib import Path

import hyperscan
import pytest

from gnomon.guard import compiled

PATTERNS = (b"phone", b"card")
FLAGS = hyperscan.HS_FLAG_SINGLEMATCH
KEY = b"k" * 32


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(compiled, "_shelf", None)
    folder = tmp_path / "run"
    compiled.keep_in(folder, KEY)
    return folder


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with every compilation."""
    seen: list[int] = []
    really = compiled._compiled

    def count(patterns: tuple[bytes, ...], flags: int) -> hyperscan.Database:
        seen.append(len(patterns))
        return really(patterns, flags)

    monkeypatch.setattr(compiled, "_compiled", count)
    return seen


def found(patterns: tuple[bytes, ...] = PATTERNS) -> list[int]:
    database = compiled.database(patterns, FLAGS)
    seen: list[int] = []
    database.scan(
        b"my card, my phone",
        match_event_handler=lambda index, *_: seen.append(index),
        scratch=hyperscan.Scratch(database),
    )
    return sorted(seen)


def the_file(folder: Path) -> Path:
    (path,) = folder.glob("*.hs")
    return path


def test_the_second_start_compiles_nothing(shelf: Path, compilations: list[int]) -> None:
    assert found() == found() == [0, 1]
    assert compilations == [2]
    assert os.stat(the_file(shelf)).st_mode & 0o777 == 0o600


def test_other_patterns_are_another_database(compilations: list[int]) -> None:
    assert found() == [0, 1]
    assert found((b"phone",)) == [0]
    assert compilations == [2, 1]


@pytest.mark.parametrize("spoil", [lambda data: data[:-1], lambda data: data[:50] + b"x" + data[51:], lambda _: b""])
def test_a_file_that_is_not_whole_is_compiled_again(spoil: object, shelf: Path, compilations: list[int]) -> None:
    found()
    path = the_file(shelf)
    path.write_bytes(spoil(path.read_bytes()))  # type: ignore[operator]
    assert found() == [0, 1]
    assert compilations == [2, 2]
    assert found() == [0, 1]
    assert len(compilations) == 2


def test_a_database_with_fewer_patterns_cannot_take_the_place(shelf: Path, compilations: list[int]) -> None:
    found((b"card",))
    fewer = the_file(shelf).read_bytes()
    the_file(shelf).unlink()
    found()
    the_file(shelf).write_bytes(fewer)  # ours, whole, and of something else
    assert found() == [0, 1]


def test_a_database_that_somebody_else_made_is_not_used(shelf: Path, compilations: list[int]) -> None:
    compiled.keep_in(shelf, b"o" * 32)
    found()
    compiled.keep_in(shelf, KEY)
    assert found() == [0, 1]
    assert compilations == [2, 2]


def test_what_cannot_be_kept_is_compiled(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    compiled.keep_in(tmp_path / "file" / "run", KEY)
    assert found() == found() == [0, 1]
