"""Reads: requests of persons, and where tokens stand."""

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.control.privacy.subjects.rules import OVER, Sighting, unread_why
from gnomon.control.privacy.tables import PersonPlace, PersonScan, RightsRequest
from gnomon.kit.errors import NotFound

_AT_ONCE = 500


def request(session: Session, id: str) -> RightsRequest:
    """By id or by number."""
    found = (
        session.get(RightsRequest, id)
        or session.scalars(select(RightsRequest).where(RightsRequest.number == id)).first()
    )
    if found is None:
        raise NotFound(f"There is no rights request {id}.", next_step="See the list of requests.")
    return found


def requests(session: Session, *, limit: int = 500) -> list[RightsRequest]:
    """Newest first."""
    return list(session.scalars(select(RightsRequest).order_by(RightsRequest.opened_at.desc()).limit(limit)))


def under_way(session: Session) -> list[RightsRequest]:
    return list(session.scalars(select(RightsRequest).where(RightsRequest.state.not_in(OVER))))


def numbers(session: Session) -> list[str]:
    return list(session.scalars(select(RightsRequest.number)))


def sightings(session: Session, tokens: dict[str, str]) -> list[Sighting]:
    """Places where one of the tokens stands; `tokens` says as which kind of identifier the request gave it."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    wanted = sorted(tokens)
    for at in range(0, len(wanted), _AT_ONCE):
        query = select(PersonPlace).where(PersonPlace.token.in_(wanted[at : at + _AT_ONCE]))
        for row in session.scalars(query):
            found[row.holder, row.ref].add(tokens[row.token])
    return [Sighting(holder, ref, tuple(sorted(entities))) for (holder, ref), entities in sorted(found.items())]


def scans(session: Session, holder: str) -> dict[str, str]:
    """What of a holder was looked through, in which version."""
    query = select(PersonScan.ref, PersonScan.version).where(PersonScan.holder == holder)
    return {row.ref: row.version for row in session.execute(query)}


def unread(session: Session) -> list[dict[str, str]]:
    """{holder, ref, why} of everything that no search could look into, in order."""
    query = select(PersonScan).where(PersonScan.version.contains("!")).order_by(PersonScan.holder, PersonScan.ref)
    return [{"holder": row.holder, "ref": row.ref, "why": unread_why(row.version)} for row in session.scalars(query)]


def key_names(session: Session) -> set[str]:
    """The keys under which tokens stand in the index."""
    return {token[:8] for token in session.scalars(select(PersonPlace.token).distinct())}
