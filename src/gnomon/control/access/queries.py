"""Reads: keys and bans as people see them, and as the roster carries them."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gnomon.contract import bundle
from gnomon.control.access.tables import ApiKey, Ban
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
    """All bans, newest first; with `active_at` those in force then."""
    query = select(Ban).order_by(Ban.at.desc())
    if active_at:
        query = query.where(Ban.until > active_at, Ban.lifted_at.is_(None))
    return list(session.scalars(query))


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
    found = sorted(bans(session, active_at=now), key=lambda ban: ban.id)
    return tuple(
        bundle.Ban(
            id=ban.id,
            kind="key" if ban.kind == "key" else "address",
            value=ban.value,
            until=ban.until.timestamp(),
            reason=ban.reason,
        )
        for ban in found
    )
