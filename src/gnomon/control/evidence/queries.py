"""Reads: one artefact, all about a subject, the newest of each source, and whether it is still what it was."""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gnomon.control.evidence.tables import Artefact
from gnomon.kit.canonical import digest
from gnomon.kit.clock import iso
from gnomon.kit.errors import NotFound


def artefact(session: Session, id: str) -> Artefact:
    found = session.get(Artefact, id)
    if found is None:
        raise NotFound(f"There is no evidence {id}.")
    return found


def about(session: Session, subject_kind: str, subject_id: str) -> list[Artefact]:
    """All artefacts about one thing, oldest first."""
    query = select(Artefact).where(Artefact.subject_kind == subject_kind, Artefact.subject_id == subject_id)
    return list(session.scalars(query.order_by(Artefact.made_at, Artefact.id)))


def newest(session: Session, sources: Iterable[str] | None = None) -> dict[str, Artefact]:
    """The newest artefact of each source."""
    last = select(Artefact.source, func.max(Artefact.id).label("id")).group_by(Artefact.source)
    if sources is not None:
        last = last.where(Artefact.source.in_(list(sources)))
    ids = last.subquery()
    rows = session.scalars(select(Artefact).join(ids, ids.c.id == Artefact.id))
    return {row.source: row for row in rows}


def newest_of_subjects(session: Session, sources: Iterable[str]) -> list[Artefact]:
    """The newest artefact of each source about each of its subjects."""
    last = (
        select(func.max(Artefact.id).label("id"))
        .where(Artefact.source.in_(list(sources)))
        .group_by(Artefact.source, Artefact.subject_kind, Artefact.subject_id)
        .subquery()
    )
    return list(session.scalars(select(Artefact).join(last, last.c.id == Artefact.id)))


def latest(session: Session, sources: Iterable[str], *, limit: int) -> list[Artefact]:
    """What these sources left, newest first, at most `limit`."""
    query = select(Artefact).where(Artefact.source.in_(list(sources)))
    return list(session.scalars(query.order_by(Artefact.made_at.desc(), Artefact.id.desc()).limit(limit)))


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Artefact)) or 0


def is_intact(artefact: Artefact) -> bool:
    """Whether the stored facts still give the stored digest."""
    content = {
        "source": artefact.source,
        "kind": artefact.kind,
        "state": artefact.state,
        "subject": [artefact.subject_kind, artefact.subject_id],
        "facts": artefact.facts,
        "file": artefact.file_sha256,
        "made_at": iso(artefact.made_at),
        "made_by": artefact.made_by,
    }
    return digest(content) == artefact.sha256
