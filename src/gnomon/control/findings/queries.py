"""Reads: one finding, the register, its tally, and what stands in it about one thing."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.control.findings import rules
from gnomon.control.findings.tables import Finding
from gnomon.kit.errors import NotFound


def finding(session: Session, id: str) -> Finding:
    """By id or by number (F-2026-0001)."""
    found = session.get(Finding, id) or session.scalars(select(Finding).where(Finding.number == id)).first()
    if found is None:
        raise NotFound(f"There is no finding {id}.", next_step="Look it up in the register of findings.")
    return found


def findings(session: Session, *, state: str = "", ids: Collection[str] | None = None) -> list[Finding]:
    """Newest first."""
    query = select(Finding).order_by(Finding.raised_at.desc(), Finding.id.desc())
    if state:
        query = query.where(Finding.state == state)
    if ids is not None:
        query = query.where(Finding.id.in_(list(ids)))
    return list(session.scalars(query))


def unsettled_about(session: Session, *, source: str, subject_id: str) -> Finding | None:
    """The finding of this source about this thing that is not closed or rejected yet."""
    query = select(Finding).where(
        Finding.source == source, Finding.subject_id == subject_id, Finding.state.in_(["open", "in_case"])
    )
    return session.scalars(query.limit(1)).first()


def numbers(session: Session, year: int) -> list[str]:
    return list(session.scalars(select(Finding.number).where(Finding.number.like(f"F-{year}-%"))))


def tally(session: Session) -> dict[str, int]:
    return rules.tally(session.scalars(select(Finding.state)))


def standings(session: Session) -> list[rules.Standing]:
    return [rules.Standing(row.id, row.state, row.case_id) for row in findings(session)]
