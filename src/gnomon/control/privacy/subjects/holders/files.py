"""Files that a digest in a table fixes: issued reports, files of evidence. They are told of, and kept."""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.control.privacy.subjects.holders.base import Erasure, Item, Kept, Place
from gnomon.control.privacy.subjects.persons import Wanted
from gnomon.control.rulebook import rules as rulebook
from gnomon.kit import services
from gnomon.kit.db import Base
from gnomon.kit.errors import GnomonError
from gnomon.kit.work import Work

_TAG: Final = re.compile(r"<[^>]+>")
_MOST: Final = 64 << 20  # bytes of one file


class Files:
    name = "files"
    title: Final = {"zh-CN": "报告与证据文件", "en": "reports and files of evidence"}
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
                    yield Item(f"{kept.table}:{digest}", digest, lambda digest=digest: texts_of(digest))  # type: ignore[misc]

    def told(self, session: Session, refs: Iterable[str], who: Wanted) -> Iterator[Place]:
        for ref in refs:
            table, _, digest = ref.partition(":")
            lines = [line for text in texts_of(digest) for line in text.splitlines() if who.shown(line)]
            yield Place(ref, {"table": table, "file": digest, "lines": [who.only_theirs(line) for line in lines]})

    def erase(self, work: Work, refs: Iterable[str], who: Wanted) -> Erasure:
        whys = {kept.table: kept.why.model_dump(by_alias=True) for kept in rulebook.load().persons.files}
        return Erasure(kept=[Kept(ref, whys[ref.partition(":")[0]]) for ref in refs])


def texts_of(digest: str) -> Iterator[str]:
    """The words of an object: the parts of an office document, or text as it is; nothing of what is neither."""
    try:
        data = services.blobs().get(digest)
    except GnomonError:
        return
    if data.startswith(b"PK\x03\x04"):
        yield from _unpacked(data)
    elif b"\0" not in data[:4096] and not data.startswith(b"%PDF"):
        yield data[:_MOST].decode("utf-8", "replace")


def _unpacked(data: bytes) -> Iterator[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            for part in package.infolist():
                if part.filename.endswith((".xml", ".txt", ".json", ".csv")) and part.file_size <= _MOST:
                    yield _TAG.sub("\n", package.read(part).decode("utf-8", "replace"))
    # No package, an encrypted one, or (NotImplementedError) a compression that zipfile does not know.
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError):
        return
