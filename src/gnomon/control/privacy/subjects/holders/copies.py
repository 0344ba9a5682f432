"""Copies that jobs have left in their folders below `work/`: training data, answers. Text is rewritten in place."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from gnomon.control.privacy.subjects.holders.base import Erasure, Item, Place
from gnomon.control.privacy.subjects.persons import Wanted
from gnomon.kit import services
from gnomon.kit.canonical import digest_bytes
from gnomon.kit.work import Work

_KINDS: Final = frozenset((".jsonl", ".json", ".txt", ".csv", ".tsv", ".log", ".md"))


class Copies:
    name = "copies"
    title: Final = {"zh-CN": "作业目录中的副本", "en": "Copies in the folders of jobs"}
    keeps_scans = True

    def items(self, session: Session) -> Iterator[Item]:
        home = services.settings().home
        for path in sorted((home / "work").rglob("*")):
            if path.suffix in _KINDS and path.is_file() and not path.is_symlink():
                facts = path.stat()
                version = f"{facts.st_mtime_ns}:{facts.st_size}"
                yield Item(path.relative_to(home).as_posix(), version, lambda path=path: _lines(path))  # type: ignore[misc]

    def told(self, session: Session, refs: Iterable[str], who: Wanted) -> Iterator[Place]:
        for ref in refs:
            lines = [line for line in _lines(_path(ref)) if who.shown(line)]
            yield Place(ref, {"file": ref, "lines": [who.only_theirs(line) for line in lines]})

    def erase(self, work: Work, refs: Iterable[str], who: Wanted) -> Erasure:
        done = Erasure()
        for ref in refs:
            path = _path(ref)
            if not path.exists():
                continue
            before = path.read_bytes()
            text, count = who.redacted(before.decode("utf-8", "surrogateescape"))
            if not count:
                continue
            after = text.encode("utf-8", "surrogateescape")
            _replace(path, after)
            done.places += 1
            done.identifiers += count
            done.objects.append({"ref": ref, "before": digest_bytes(before), "after": digest_bytes(after)})
        return done


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as file:
            yield from file
    except FileNotFoundError:
        return


def _path(ref: str) -> Path:
    folder: Path = services.settings().home
    return folder / ref


def _replace(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.part")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
