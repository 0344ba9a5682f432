"""HTTP: keys and bans."""

from typing import Any

from fastapi import APIRouter

from gnomon.control.access import actions, queries
from gnomon.control.access.schemas import KeyAnswer, NewBan, NewKey, Reason
from gnomon.control.access.tables import ApiKey, Ban
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, SettingsDep, WorkDep, allow

router = APIRouter(prefix="/api/v1", tags=["access"])


def plain_key(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "caller": key.caller,
        "team": key.team,
        "models": key.models,
        "scopes": key.scopes,
        "expires_at": iso(key.expires_at) if key.expires_at else None,
        "requests_per_minute": key.requests_per_minute,
        "concurrency": key.concurrency,
        "revoked_at": iso(key.revoked_at) if key.revoked_at else None,
        "created_at": iso(key.created_at),
    }


def plain_ban(ban: Ban) -> dict[str, Any]:
    return {
        "id": ban.id,
        "kind": ban.kind,
        "value": ban.value,
        "reason": ban.reason,
        "source": ban.source,
        "facts": ban.facts,
        "at": iso(ban.at),
        "until": iso(ban.until),
        "lifted_at": iso(ban.lifted_at) if ban.lifted_at else None,
        "confirmed_by": ban.confirmed_by,
    }


@router.get("/keys", dependencies=[allow("key.view")])
def keys(session: ReadDep) -> list[dict[str, Any]]:
    return [plain_key(key) for key in queries.keys(session)]


@router.post("/keys")
def issue(body: NewKey, work: WorkDep, settings: SettingsDep) -> KeyAnswer:
    return actions.issue_key(work, body, environment=settings.environment)


@router.post("/keys/{key_id}/revoke")
def revoke(key_id: str, body: Reason, work: WorkDep) -> dict[str, Any]:
    return plain_key(actions.revoke_key(work, key_id, reason=body.reason))


@router.get("/bans", dependencies=[allow("ban.view")])
def bans(session: ReadDep) -> list[dict[str, Any]]:
    return [plain_ban(ban) for ban in queries.bans(session)]


@router.post("/bans")
def ban(body: NewBan, work: WorkDep) -> dict[str, Any]:
    return plain_ban(actions.ban(work, body))


@router.post("/bans/{ban_id}/confirm")
def confirm(ban_id: str, work: WorkDep) -> dict[str, Any]:
    return plain_ban(actions.confirm_ban(work, ban_id))


@router.post("/bans/{ban_id}/lift")
def lift(ban_id: str, body: Reason, work: WorkDep) -> dict[str, Any]:
    return plain_ban(actions.lift_ban(work, ban_id, reason=body.reason))
