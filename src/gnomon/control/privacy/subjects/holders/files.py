"""Files that a digest in a table fixes: issued reports, files of evidence. They are told of, and kept."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.control.privacy.subjects.holders.base import Erasure, Item, Kept, Place, Unread
from gnomon.control.privacy.subjects.holders.words import words_of
from gnomon.control.privacy.subjects.persons import Wanted
from gnomon.control.rulebook import rules as rulebook
from gnomon.kit import services
from gnomon.kit.db import Base
from gnomon.kit.errors import BadInput, NotFound
from gnomon.kit.work import Work

_READING: Final = "3"  # of the way of reading: with another one, what was looked through is looked through again


class Files:
    name = "files"
    title: Final = {"zh-CN": "报告与证据文件", "en": "Reports and files of evidence"}
    keeps_scans = True

    def items(self, session: Session) -> Iterator[Item]:
        seen = set[str]()
        for kept in rulebook.load().persons.files:
            table = Base.metadata.tables.get(kept.table)
            if table is None:
                continue
            for digest in session.scalars(select(table.c[kept.digest]).where(table.c[kept.digest] != "").distinct()):
                if digest not in seen:
                    seen.add(digest)
                    yield Item(f"{kept.table}:{digest}", f"{digest}/{_READING}", partial(texts_of, digest))

    def told(self, session: Session, refs: Iterable[str], who: Wanted) -> Iterator[Place]:
        for ref in refs:
            table, _, digest = ref.partition(":")
            lines = [line for text in _readable(digest) for line in text.splitlines() if who.shown(line)]
            yield Place(ref, {"table": table, "file": digest, "lines": [who.only_theirs(line) for line in lines]})

    def erase(self, work: Work, refs: Iterable[str], who: Wanted) -> Erasure:
        whys = {kept.table: kept.why.model_dump(by_alias=True) for kept in rulebook.load().persons.files}
        return Erasure(kept=[Kept(ref, whys[ref.partition(":")[0]]) for ref in refs])


def texts_of(digest: str) -> Iterator[str]:
    """The words of an object. Raises Unread after them when there is more in it that cannot be read."""
    try:
        data = services.blobs().get(digest)
    except NotFound:
        return
    except BadInput as error:
        raise Unread("damaged") from error
    yield from words_of(data)


def _readable(digest: str) -> Iterator[str]:
    """The words alone: what could not be read was told by the search."""
    with suppress(Unread):
        yield from texts_of(digest)
