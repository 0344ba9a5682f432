"""What a holder of personal data is asked."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sqlalchemy import Column, String, func, select
from sqlalchemy.orm import Session

from gnomon.control.privacy.subjects.persons import Wanted
from gnomon.kit import services
from gnomon.kit.db import Base
from gnomon.kit.work import Work

Words = Mapping[str, str]
"""What two languages say, by language."""


class Unread(Exception):
    """What is there and could not be looked into; the text is one word of `WHYS` and quotes nothing."""


WHYS: Final = ("damaged", "encrypted", "too_large", "nested", "binary", "pdf")
"""Why something was not read."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that may be about persons. `version` changes whenever its content does, or what is read of it.

    `texts` may raise Unread once it has given what it could read.
    """

    ref: str
    version: str
    texts: Callable[[], Iterable[str]]
    extra: tuple[tuple[str, str], ...] = ()  # (value, entity) that no detector of structured data would find


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person stands, for reading out: what is said there, with nobody else's identifiers in it."""

    ref: str
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """What an erasure left, and why; `ref` says where and nothing of whom."""

    ref: str
    why: Words


@dataclass(slots=True)
class Erasure:
    """What a holder did: identifiers taken out, digests of objects before and after, what it left."""

    places: int = 0
    identifiers: int = 0
    objects: list[dict[str, str]] = field(default_factory=list)  # {ref, before, after}
    kept: list[Kept] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)  # objects that nobody refers to once this is committed


class Holder(Protocol):
    """`keeps_scans`: whether to remember what was looked through and held nothing."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> Words: ...

    @property
    def keeps_scans(self) -> bool: ...

    def items(self, session: Session) -> Iterator[Item]: ...

    def told(self, session: Session, refs: Iterable[str], who: Wanted) -> Iterator[Place]: ...

    def erase(self, work: Work, refs: Iterable[str], who: Wanted) -> Erasure: ...


# Columns that hold the digest of an object in the store which the row needs: while one does, the object stays.
OBJECTS: Final = (
    ("catalog_dataset_version", "sha256"),
    ("evaluation_suite", "blob_sha256"),
    ("evaluation_run", "answers_sha256"),
    ("evidence_artefact", "file_sha256"),
    ("reports_report", "sha256"),
)


def drop_objects(session: Session, digests: Iterable[str]) -> int:
    """Objects that no row needs any more are gone from the store; how many."""
    gone = 0
    for digest in dict.fromkeys(digests):
        if not any(_refers(session, table, name, digest) for table, name in OBJECTS):
            services.blobs().delete(digest)
            gone += 1
    return gone


def _refers(session: Session, table: str, name: str, digest: str) -> bool:
    found = Base.metadata.tables.get(table)
    if found is None:
        return False
    column: Column[Any] = found.c[name]
    assert isinstance(column.type, String)
    return bool(session.scalar(select(func.count()).select_from(found).where(column == digest)))
