"""HTTP: look at evidence."""

from typing import Any

from fastapi import APIRouter

from gnomon.control.evidence import queries
from gnomon.control.evidence.tables import Artefact
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, allow

router = APIRouter(prefix="/api/v1/evidence", tags=["evidence"])


def plain(artefact: Artefact) -> dict[str, Any]:
    return {
        "id": artefact.id,
        "source": artefact.source,
        "kind": artefact.kind,
        "state": artefact.state,
        "subject": {"kind": artefact.subject_kind, "id": artefact.subject_id},
        "facts": artefact.facts,
        "file": {"name": artefact.file_name, "sha256": artefact.file_sha256} if artefact.file_sha256 else None,
        "sha256": artefact.sha256,
        "intact": queries.is_intact(artefact),
        "made_at": iso(artefact.made_at),
        "made_by": artefact.made_by,
    }


@router.get("/count", dependencies=[allow("evidence.view")])
def count(session: ReadDep) -> dict[str, int]:
    return {"count": queries.count(session)}


@router.get("/{id}", dependencies=[allow("evidence.view")])
def artefact(id: str, session: ReadDep) -> dict[str, Any]:
    return plain(queries.artefact(session, id))


@router.get("", dependencies=[allow("evidence.view")])
def about(session: ReadDep, subject_kind: str, subject_id: str) -> list[dict[str, Any]]:
    return [plain(artefact) for artefact in queries.about(session, subject_kind, subject_id)]
