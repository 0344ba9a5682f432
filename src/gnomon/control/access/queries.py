"""Reads: keys and bans as people see them, and as the roster carries them."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from gnomon.contract import bundle
from gnomon.control.access import rules
from gnomon.control.access.schemas import NewQuota
from gnomon.control.access.tables import ApiKey, Appeal, Ban, Quota
from gnomon.kit.errors import NotFound


def key(session: Session, id: str) -> ApiKey:
    found = session.get(ApiKey, id)
    if found is None:
        raise NotFound(f"There is no key {id}.")
    return found


def keys(session: Session) -> list[ApiKey]:
    return list(session.scalars(select(ApiKey).order_by(ApiKey.created_at)))


def ban(session: Session, id: str) -> Ban:
    found = session.get(Ban, id)
    if found is None:
        raise NotFound(f"There is no ban {id}.")
    return found


def bans(session: Session, *, active_at: datetime | None = None) -> list[Ban]:
    """All bans of every grade, newest first; with `active_at` those in force then."""
    query = select(Ban).order_by(Ban.at.desc())
    if active_at:
        held = or_(Ban.confirmed_by != "", Ban.held_until.is_(None), Ban.held_until > active_at)
        query = query.where(Ban.until > active_at, Ban.lifted_at.is_(None), held)
    return list(session.scalars(query))


def bans_of(session: Session, kind: str, value: str, *, since: datetime) -> list[Ban]:
    """Those of this subject that ended, or will end, after `since`."""
    query = select(Ban).where(Ban.kind == kind, Ban.value == value, Ban.until > since)
    return list(session.scalars(query.order_by(Ban.at)))


def unconfirmed(session: Session, now: datetime) -> list[Ban]:
    """Bans that risk control has not looked at, those too that are no longer in force because nobody did."""
    query = select(Ban).where(Ban.grade == "ban", Ban.confirmed_by == "", Ban.lifted_at.is_(None), Ban.until > now)
    return list(session.scalars(query.order_by(Ban.at.desc())))


def appeal(session: Session, id: str) -> Appeal:
    found = session.get(Appeal, id)
    if found is None:
        raise NotFound(f"There is no appeal {id}.")
    return found


def appeals(session: Session, ban_id: str = "") -> list[Appeal]:
    """All, or those against one ban; oldest first."""
    query = select(Appeal).order_by(Appeal.at)
    return list(session.scalars(query.where(Appeal.ban_id == ban_id) if ban_id else query))


def owner_of(session: Session, ban: Ban) -> str:
    """The team whose key is banned; empty where nobody knows whose it is."""
    found = session.get(ApiKey, ban.value) if ban.kind == "key" else None
    return found.team if found else ""


def is_living_key(session: Session, id: str, now: datetime) -> bool:
    found = session.get(ApiKey, id)
    return found is not None and found.revoked_at is None and (found.expires_at is None or found.expires_at > now)


def roster_keys(session: Session, now: datetime) -> tuple[bundle.Key, ...]:
    """The keys that open something at `now`, in a stable order."""
    alive = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now)
    found = session.scalars(select(ApiKey).where(ApiKey.revoked_at.is_(None), alive).order_by(ApiKey.id))
    return tuple(
        bundle.Key(
            id=key.id,
            sha256=key.sha256,
            caller=key.caller,
            team=key.team,
            models=tuple(key.models),
            scopes=tuple(key.scopes),
            expires_at=key.expires_at.timestamp() if key.expires_at else None,
            requests_per_minute=key.requests_per_minute,
            concurrency=key.concurrency,
        )
        for key in found
    )


def roster_ended(session: Session, now: datetime, *, within: timedelta) -> tuple[bundle.EndedKey, ...]:
    """Keys that were revoked or expired in that time, in a stable order: whoever still presents one is no guesser."""
    gone = or_(
        and_(ApiKey.revoked_at.is_not(None), ApiKey.revoked_at > now - within),
        and_(ApiKey.revoked_at.is_(None), ApiKey.expires_at <= now, ApiKey.expires_at > now - within),
    )
    found = session.scalars(select(ApiKey).where(gone).order_by(ApiKey.id))
    return tuple(bundle.EndedKey(id=key.id, sha256=key.sha256) for key in found)


def quotas(session: Session) -> list[Quota]:
    """Those in force."""
    query = select(Quota).where(Quota.ended_at.is_(None)).order_by(Quota.kind, Quota.value)
    return list(session.scalars(query))


def quota(session: Session, kind: str, value: str) -> Quota | None:
    query = select(Quota).where(Quota.ended_at.is_(None), Quota.kind == kind, Quota.value == value)
    return session.scalars(query).first()


def limits_of(quota: Quota) -> dict[str, int | float]:
    return {name: getattr(quota, name) for name in NewQuota.model_fields if name != "reason"}


def roster_quotas(session: Session) -> tuple[bundle.Quota, ...]:
    return tuple(
        msgspec.convert({"kind": found.kind, "value": found.value, **limits_of(found)}, bundle.Quota)
        for found in quotas(session)
    )


def roster_lifts(session: Session, now: datetime) -> tuple[bundle.Lift, ...]:
    """Bans that gateways made by themselves and that were lifted, until they would have ended: one for each address.

    A gateway keeps such a ban itself, so that it is over only where the roster says so.
    """
    query = select(Ban).where(
        Ban.lifted_at.is_not(None), Ban.until > now, Ban.kind == "address", Ban.source == "gateway"
    )
    since: dict[str, float] = {}
    for ban in session.scalars(query):
        # The gateway's clock may be ahead of ours: a lift reaches at least the beginning of what it lifts.
        lifted = max(ban.at, ban.lifted_at or ban.at).timestamp()
        since[ban.value] = max(since.get(ban.value, 0.0), lifted)
    return tuple(bundle.Lift(address=address, since=at) for address, at in sorted(since.items()))


def roster_bans(session: Session, now: datetime) -> tuple[bundle.Ban, ...]:
    found = [ban for ban in bans(session, active_at=now) if ban.grade == "ban"]
    return tuple(
        bundle.Ban(
            id=ban.id,
            kind="key" if ban.kind == "key" else "address",
            value=ban.value,
            until=end_of(ban).timestamp(),
            reason=ban.reason,
        )
        for ban in sorted(found, key=lambda ban: ban.id)
    )


def roster_throttles(session: Session, now: datetime) -> tuple[bundle.Throttle, ...]:
    found = [ban for ban in bans(session, active_at=now) if ban.grade == "throttle" and ban.kind == "key"]
    return tuple(
        bundle.Throttle(key=ban.value, requests_per_minute=ban.per_minute, until=end_of(ban).timestamp())
        for ban in sorted(found, key=lambda ban: ban.id)
    )


def end_of(ban: Ban) -> datetime:
    """When it stops being in force if nobody does anything."""
    return rules.ends(until=ban.until, held_until=ban.held_until, is_confirmed=bool(ban.confirmed_by))


def is_in_force(ban: Ban, now: datetime) -> bool:
    return ban.lifted_at is None and end_of(ban) > now
