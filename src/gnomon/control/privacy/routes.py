"""HTTP: mask policies in force, and the search of everything stored."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from gnomon.control.evidence.routes import plain
from gnomon.control.privacy import actions, queries
from gnomon.control.rulebook.rules import load
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, WorkDep, allow

router = APIRouter(prefix="/api/v1/privacy", tags=["privacy"])


class Planted(BaseModel):
    """Values that were sent through the gateway and must stand nowhere."""

    values: list[str] = Field(min_length=1, max_length=10_000)


@router.get("/policies", dependencies=[allow("mask_policy.view")])
def policies(session: ReadDep) -> list[dict[str, Any]]:
    return [
        {"id": row.id, "version": row.version, "content": row.content, "sha256": row.sha256, "at": iso(row.at)}
        for row in queries.newest(session)
    ]


@router.post("/searches", status_code=201)
def search(body: Planted, work: WorkDep) -> dict[str, Any]:
    return plain(actions.search_stored_bytes(work, body.values, threshold=load().threshold("planted_values_found")))
