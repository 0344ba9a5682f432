"""A key is made once, whole and for its owner alone, and only read from then on."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gnomon.kit.errors import BadInput
from gnomon.kit.keys import next_numbered, numbered, secret_key


def test_a_key_is_made_once_and_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "a.key"
    key = secret_key(path)
    assert len(key) == 32
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (key, 0o600)
    assert [file.name for file in path.parent.iterdir()] == ["a.key"]


def test_a_key_that_is_there_is_read_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.key"
    key = secret_key(path)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError("a key that is there needs no writing")

    monkeypatch.setattr(os, "open", refused)
    assert secret_key(path) == key


def test_of_many_that_start_together_all_have_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: secret_key(tmp_path / "a.key"), range(32)))
    assert len(keys) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["a.key"]


def test_a_key_of_another_length_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.key").write_bytes(b"short")
    with pytest.raises(BadInput, match="has 5 bytes, not 32"):
        secret_key(tmp_path / "a.key")


def test_numbered_keys_go_by_their_number(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        (tmp_path / f"{number}.key").touch()
    (tmp_path / "other.key").touch()
    assert [path.stem for path in numbered(tmp_path)] == ["1", "2", "10"]
    assert next_numbered(tmp_path).name == "11.key"
