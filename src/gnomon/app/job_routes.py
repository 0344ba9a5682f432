"""HTTP: how far the jobs are. Their arguments stay inside."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import select

from gnomon.kit.clock import iso
from gnomon.kit.errors import NotFound
from gnomon.kit.outbox import JobRow
from gnomon.kit.web import ReadDep, allow

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


@router.get("", dependencies=[allow("job.view")])
def jobs(
    session: ReadDep, subject: str = "", name: str = "", limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> list[dict[str, Any]]:
    """Newest first; the schedule's own ticks are left out."""
    query = select(JobRow).where(JobRow.subject != "schedule").order_by(JobRow.created_at.desc(), JobRow.id.desc())
    if subject:
        query = query.where(JobRow.subject == subject)
    if name:
        query = query.where(JobRow.name == name)
    return [plain(row) for row in session.scalars(query.limit(limit))]


@router.get("/{id}", dependencies=[allow("job.view")])
def job(id: str, session: ReadDep) -> dict[str, Any]:
    row = session.get(JobRow, id)
    if row is None:
        raise NotFound(f"There is no job {id}.")
    return plain(row)
