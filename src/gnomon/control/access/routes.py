"""HTTP: keys, quotas and bans."""

from typing import Any

from fastapi import APIRouter

from gnomon.control.access import actions, queries
from gnomon.control.access.schemas import Decision, KeyAnswer, NewBan, NewKey, NewQuota, QuotaKind, Reason
from gnomon.control.access.tables import ApiKey, Appeal, Ban, Quota
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


def plain_quota(quota: Quota) -> dict[str, Any]:
    return {
        "kind": quota.kind,
        "value": quota.value,
        **queries.limits_of(quota),
        "reason": quota.reason,
        "set_at": iso(quota.set_at),
        "set_by": quota.set_by,
    }


def plain_ban(ban: Ban) -> dict[str, Any]:
    return {
        "id": ban.id,
        "kind": ban.kind,
        "value": ban.value,
        "grade": ban.grade,
        "per_minute": ban.per_minute,
        "reason": ban.reason,
        "source": ban.source,
        "facts": ban.facts,
        "evidence": ban.evidence_id,
        "at": iso(ban.at),
        "until": iso(ban.until),
        "in_force_until": iso(queries.end_of(ban)),
        "review_by": iso(ban.review_by) if ban.review_by else None,
        "lifted_at": iso(ban.lifted_at) if ban.lifted_at else None,
        "confirmed_by": ban.confirmed_by,
    }


def plain_appeal(appeal: Appeal) -> dict[str, Any]:
    return {
        "id": appeal.id,
        "ban": appeal.ban_id,
        "text": appeal.text,
        "at": iso(appeal.at),
        "by": appeal.by,
        "decision": appeal.decision,
        "reason": appeal.reason,
        "decided_at": iso(appeal.decided_at) if appeal.decided_at else None,
        "decided_by": appeal.decided_by,
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


@router.get("/quotas", dependencies=[allow("quota.view")])
def quotas(session: ReadDep) -> list[dict[str, Any]]:
    return [plain_quota(quota) for quota in queries.quotas(session)]


@router.put("/quotas/{kind}/{value}")
def set_quota(kind: QuotaKind, value: str, body: NewQuota, work: WorkDep) -> dict[str, Any]:
    made = actions.set_quota(work, kind, value, body)
    return plain_quota(made) if made else {"kind": kind, "value": value}


@router.get("/bans", dependencies=[allow("ban.view")])
def bans(session: ReadDep) -> list[dict[str, Any]]:
    return [plain_ban(ban) for ban in queries.bans(session)]


@router.post("/bans")
def ban(body: NewBan, work: WorkDep) -> dict[str, Any]:
    return plain_ban(actions.ban(work, body))


@router.post("/bans/{ban_id}/confirm")
def confirm(ban_id: str, work: WorkDep) -> dict[str, Any]:
    return plain_ban(actions.confirm_ban(work, ban_id))


@router.post("/bans/{ban_id}/appeals")
def appeal(ban_id: str, body: Reason, work: WorkDep) -> dict[str, Any]:
    return plain_appeal(actions.appeal_ban(work, ban_id, text=body.reason))


@router.get("/appeals", dependencies=[allow("ban.view")])
def appeals(session: ReadDep) -> list[dict[str, Any]]:
    return [plain_appeal(one) for one in queries.appeals(session)]


@router.post("/appeals/{appeal_id}/decide")
def decide(appeal_id: str, body: Decision, work: WorkDep) -> dict[str, Any]:
    return plain_appeal(actions.decide_appeal(work, appeal_id, grant=body.grant, reason=body.reason))


@router.post("/bans/{ban_id}/lift")
def lift(ban_id: str, body: Reason, work: WorkDep) -> dict[str, Any]:
    return plain_ban(actions.lift_ban(work, ban_id, reason=body.reason))
