"""HTTP: requests of persons about what is stored of them."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from gnomon.control.privacy.subjects import actions, persons, queries
from gnomon.control.privacy.subjects.schemas import IdentityCheck, NewRightsRequest, Refusal
from gnomon.control.privacy.tables import RightsRequest
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, WorkDep, allow

router = APIRouter(prefix="/subjects")


@router.get("", dependencies=[allow("rights_request.view")])
def listed(session: ReadDep) -> list[dict[str, Any]]:
    return [as_dict(row) for row in queries.requests(session)]


@router.post("", status_code=201)
def open_request(body: NewRightsRequest, work: WorkDep) -> dict[str, Any]:
    """The identifiers are sealed at once; no answer, list or log ever shows them again."""
    return as_dict(actions.open_request(work, body))


@router.get("/keys", dependencies=[allow("rights_request.rotate")])
def keys() -> dict[str, Any]:
    """The names of the keys of the index, oldest first; the last one is in use."""
    return {"keys": list(persons.index().key_names)}


@router.post("/keys", status_code=201)
def rotate_key(work: WorkDep) -> dict[str, Any]:
    """A new key; the older ones still find."""
    return {"keys": list(actions.rotate_key(work))}


@router.get("/{id}", dependencies=[allow("rights_request.view")])
def one(id: str, session: ReadDep) -> dict[str, Any]:
    row = queries.request(session, id)
    return as_dict(row) | {"places": row.places, "outcome": row.outcome}


@router.post("/{id}/identity")
def verify_identity(id: str, body: IdentityCheck, work: WorkDep) -> dict[str, Any]:
    return as_dict(actions.verify_identity(work, id, body))


@router.post("/{id}/search", status_code=202)
def search(id: str, work: WorkDep) -> dict[str, Any]:
    return as_dict(actions.start_search(work, id))


@router.post("/{id}/package", status_code=202)
def make_package(id: str, work: WorkDep) -> dict[str, Any]:
    return as_dict(actions.make_package(work, id))


@router.post("/{id}/package/read")
def read_package(id: str, work: WorkDep) -> Response:
    """The signed archive for the person. Each reading is in the audit trail."""
    data = actions.read_package(work, id)
    name = f"{queries.request(work.session, id).number}.zip"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(data, media_type="application/zip", headers=headers)


@router.post("/{id}/erasure", status_code=202)
def ask_erasure(id: str, work: WorkDep) -> dict[str, Any]:
    """A second person decides, among the approvals."""
    return as_dict(actions.ask_erasure(work, id))


@router.post("/{id}/erasure/resume", status_code=202)
def resume_erasure(id: str, work: WorkDep) -> dict[str, Any]:
    """An erasure that broke down, or left something, goes on."""
    return as_dict(actions.resume_erasure(work, id))


@router.post("/{id}/close")
def close(id: str, work: WorkDep) -> dict[str, Any]:
    return as_dict(actions.close_request(work, id))


@router.post("/{id}/refusal")
def refuse(id: str, body: Refusal, work: WorkDep) -> dict[str, Any]:
    return as_dict(actions.refuse_request(work, id, reason=body.reason))


def as_dict(row: RightsRequest) -> dict[str, Any]:
    """Nothing in it says whom it is about."""
    names = (
        "id",
        "number",
        "wants",
        "asked_by",
        "state",
        "entities",
        "identity",
        "found",
        "approval_id",
        "evidence_id",
    )
    more = ("reason", "job_id", "opened_by", "subject_digest")
    times = {name: iso(at) if (at := getattr(row, name)) else None for name in ("opened_at", "due_at", "ended_at")}
    package = {name: value for name, value in row.package.items() if name != "stored"}
    ready = bool(row.package.get("stored"))
    return {name: getattr(row, name) for name in (*names, *more)} | times | {"package": package | {"ready": ready}}
