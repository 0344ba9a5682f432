"""HTTP: mask policies in force, and the search of everything stored."""

from typing import Any

from fastapi import APIRouter

from gnomon.control.privacy import actions, queries
from gnomon.control.privacy.schemas import NewSearch
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, WorkDep, allow

router = APIRouter(prefix="/api/v1/privacy", tags=["privacy"])


@router.get("/policies", dependencies=[allow("mask_policy.view")])
def policies(session: ReadDep) -> list[dict[str, Any]]:
    return [
        {"id": row.id, "version": row.version, "content": row.content, "sha256": row.sha256, "at": iso(row.at)}
        for row in queries.newest(session)
    ]


@router.post("/searches", status_code=202)
def search(body: NewSearch, work: WorkDep) -> dict[str, str]:
    """The platform plants values of its own and looks for them in everything stored; the job's progress ends with the
    evidence that it left."""
    return {"job": actions.request_search(work, body)}
