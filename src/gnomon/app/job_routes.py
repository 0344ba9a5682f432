"""HTTP: how far the jobs are. Any signed-in person may look; a job's arguments stay inside."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select

from gnomon.kit.clock import iso
from gnomon.kit.errors import NotFound
from gnomon.kit.outbox import JobRow
from gnomon.kit.web import ActorDep, ReadDep

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])


def plain(row: JobRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "subject": row.subject,
        "state": row.state,
        "progress": row.progress,
        "error": row.error,
        "created_at": iso(row.created_at),
        "finished_at": iso(row.finished_at) if row.finished_at else None,
    }


@router.get("")
def jobs(
    _actor: ActorDep, session: ReadDep, subject: str = "", name: str = "", limit: int = 50
) -> list[dict[str, Any]]:
    """Newest first; the schedule's own ticks are left out."""
    query = select(JobRow).where(JobRow.subject != "schedule").order_by(JobRow.created_at.desc(), JobRow.id.desc())
    if subject:
        query = query.where(JobRow.subject == subject)
    if name:
        query = query.where(JobRow.name == name)
    return [plain(row) for row in session.scalars(query.limit(min(limit, 500)))]


@router.get("/{id}")
def job(id: str, _actor: ActorDep, session: ReadDep) -> dict[str, Any]:
    row = session.get(JobRow, id)
    if row is None:
        raise NotFound(f"There is no job {id}.")
    return plain(row)
