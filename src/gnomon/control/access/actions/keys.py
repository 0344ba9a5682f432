"""Changes: issue and revoke keys, set quotas."""

from gnomon.control.access import queries, rules
from gnomon.control.access.schemas import OWN_CALLER, KeyAnswer, NewKey, NewQuota, QuotaKind, RosterChanged
from gnomon.control.access.tables import ApiKey, Quota
from gnomon.kit.errors import BadInput, Conflict
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action


@action("key.issue")
def issue_key(work: Work, new: NewKey, *, environment: str) -> KeyAnswer:
    """A key for a caller; its text is in the answer and nowhere else. Raises BadInput for the platform's own name."""
    if new.caller == OWN_CALLER:
        raise BadInput(f"The caller name {OWN_CALLER} is the platform's own.", next_step="Choose another name.")
    fresh = rules.make_key(environment)
    _store(work, new, fresh)
    return KeyAnswer(id=fresh.id, secret=fresh.text)


@system_action("key.issue_own")
def issue_own(work: Work, new: NewKey, fresh: rules.FreshKey) -> None:
    """The key with which the platform asks its own gateway; earlier ones for the same caller are revoked."""
    for older in queries.keys(work.session):
        if older.caller == new.caller and older.revoked_at is None:
            older.revoked_at = work.now
    _store(work, new, fresh)


@action("key.revoke")
def revoke_key(work: Work, key_id: str, *, reason: str) -> ApiKey:
    """The gateways refuse the key as soon as they have the next roster."""
    key = queries.key(work.session, key_id)
    work.about("key", key.id, caller=key.caller, reason=reason)
    if key.revoked_at:
        raise Conflict(f"The key {key.id} is revoked already.")
    key.revoked_at = work.now
    work.emit(RosterChanged())
    return key


@action("quota.edit")
def set_quota(work: Work, kind: QuotaKind, value: str, new: NewQuota) -> Quota | None:
    """From now on the key, team or model may use that much; None when that is no limit at all.

    Raises NotFound for an unknown key, Conflict when it is so already.
    """
    work.about("quota", f"{kind}:{value}", reason=new.reason, **new.limits())
    if kind == "key":
        queries.key(work.session, value)
    before = queries.quota(work.session, kind, value)
    wanted = any(new.limits().values())
    if (queries.limits_of(before) if before else {}) == (new.limits() if wanted else {}):
        raise Conflict(f"The quota of {kind} {value} is so already.")
    if before:
        before.ended_at = work.now
    made = None
    if wanted:
        made = Quota(
            id=new_id("quota"), kind=kind, value=value, set_at=work.now, set_by=work.actor.id, **new.model_dump()
        )
        work.session.add(made)
    work.emit(RosterChanged())
    return made


def _store(work: Work, new: NewKey, fresh: rules.FreshKey) -> None:
    work.about("key", fresh.id, caller=new.caller, team=new.team, models=new.models, scopes=list(new.scopes))
    work.session.add(
        ApiKey(
            id=fresh.id,
            sha256=fresh.sha256,
            created_at=work.now,
            created_by=work.actor.id,
            **(new.model_dump() | {"scopes": list(new.scopes)}),
        )
    )
    work.emit(RosterChanged())
