"""HTTP: mask policies in force, the search of everything stored, and restorations."""

from typing import Any

from fastapi import APIRouter, Request

from gnomon.control.privacy import actions, comparing, queries, trying
from gnomon.control.privacy.schemas import Attempt, NewComparison, NewMaskPolicy, NewRestoration, NewSearch
from gnomon.control.privacy.subjects import routes as subjects
from gnomon.control.privacy.tables import Restoration
from gnomon.guard.pseudonym_keys import key_names
from gnomon.kit import services
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, WorkDep, allow, platform_of

router = APIRouter(prefix="/api/v1/privacy", tags=["privacy"])
router.include_router(subjects.router)


@router.get("/policies", dependencies=[allow("mask_policy.view")])
def policies(session: ReadDep) -> list[dict[str, Any]]:
    return [
        {"id": row.id, "version": row.version, "content": row.content, "sha256": row.sha256, "at": iso(row.at)}
        for row in queries.newest(session)
    ]


@router.post("/policies", status_code=202)
def propose(body: NewMaskPolicy, work: WorkDep) -> dict[str, str]:
    """Propose a new version of a mask policy; it is in force once the quorum has approved it."""
    return {"approval": actions.propose_policy(work, body).id}


@router.post("/tries", dependencies=[allow("mask_policy.view")])
def attempt(body: Attempt, session: ReadDep) -> dict[str, Any]:
    """What a policy, in force or proposed, would make of a text. Nothing is kept."""
    policy = trying.read(body.content) if body.content else queries.policy_in_force(session, body.policy)
    return trying.tried(policy, body)


@router.post("/comparisons", dependencies=[allow("mask_policy.view")])
def compare(body: NewComparison, session: ReadDep, request: Request) -> dict[str, Any]:
    """What a proposed policy would change against the one in force of its id: for which entity, where, in which texts.

    The texts are made-up ones of the platform's and those given; nothing is kept.
    """
    new = trying.read(body.content)
    old = queries.in_force_or_none(session, new.id)
    seed = f"{platform_of(request).clock.now():%Y-%m-%d}"
    return comparing.as_dict(comparing.compared(old, new, own=body.texts, seed=seed))


@router.get("/pseudonym-keys", dependencies=[allow("mask_policy.rotate")])
def pseudonym_keys() -> dict[str, Any]:
    """The names of the keys of pseudonyms, oldest first; gateways that started since mask by the last one."""
    return {"keys": list(key_names(services.settings().home))}


@router.post("/pseudonym-keys", status_code=201)
def rotate_pseudonym_key(work: WorkDep) -> dict[str, Any]:
    """A new key; what was masked under an older one stays restorable until it expires."""
    return {"keys": list(actions.rotate_pseudonym_key(work))}


@router.post("/searches", status_code=202)
def search(body: NewSearch, work: WorkDep) -> dict[str, str]:
    """The platform plants values of its own and looks for them in everything stored; the job's progress ends with the
    evidence that it left."""
    return {"job": actions.request_search(work, body)}


@router.get("/restorations", dependencies=[allow("restoration.view")])
def restorations(session: ReadDep) -> list[dict[str, Any]]:
    return [_as_dict(row) for row in queries.restorations(session)]


@router.post("/restorations", status_code=201)
def request_restoration(body: NewRestoration, work: WorkDep) -> dict[str, Any]:
    """Ask to see what stands behind the placeholders of one record; risk control decides."""
    return _as_dict(actions.request_restoration(work, body))


@router.post("/restorations/{id}/read")
def read_restored(id: str, work: WorkDep) -> dict[str, Any]:
    """The request and the reply as they were, while the approval holds. Each reading is in the audit trail."""
    return actions.read_restored(work, id)


def _as_dict(row: Restoration) -> dict[str, Any]:
    times = {name: iso(at) if (at := getattr(row, name)) else None for name in ("asked_at", "decided_at", "until")}
    names = ("id", "record_id", "ticket", "reason", "state", "approval_id", "asked_by", "reads")
    return {name: getattr(row, name) for name in names} | times
