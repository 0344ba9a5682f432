"""Reads: who is it, what may they do."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from gnomon.control.people import rules
from gnomon.control.people.tables import Invitation, MatrixVersion, Person, SignIn, SignInFailure
from gnomon.kit.errors import NotFound
from gnomon.kit.work import Actor

# Rights that need no post: they are how one gets an identity in the first place, or gives it up.
OPEN = frozenset({"session.open", "session.refuse", "session.accept_invitation", "session.close", "session.set_locale"})


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def authorise(session: Session, actor: Actor, permission: str) -> None:
    """Return when the matrix in force lets `actor` do `permission`; raise Denied otherwise. Fails closed."""
    if permission in OPEN:
        return
    rules.require(holders(session), actor.posts, permission)


def vacant(session: Session, posts: Iterable[str]) -> list[str]:
    """Those of `posts` that nobody holds who can sign in: their first holder is still to come, or was reset."""
    able = session.scalars(select(Person).where(Person.password_hash != "", Person.active.is_(True)))
    held = {post for person in able for post in person.posts}
    return [post for post in posts if post not in held]


def may(session: Session, actor: Actor, permission: str) -> bool:
    """Whether `authorise` would return: for buttons that show why they are off."""
    return permission in OPEN or bool(actor.posts & holders(session).get(permission, frozenset()))


def holders(session: Session) -> Mapping[str, frozenset[str]]:
    """permission: posts that hold it, by the matrix in force. Raises NotFound as `matrix` does.

    Every question goes to the database, so that nobody is let in by a matrix of yesterday; only what its text means is
    remembered.
    """
    stored = session.scalar(_IN_FORCE)
    if stored is None:
        raise _no_matrix()
    return _meant(stored)


_IN_FORCE = select(cast(MatrixVersion.permissions, Text)).order_by(MatrixVersion.version.desc()).limit(1)


@lru_cache(maxsize=4)
def _meant(stored: str) -> Mapping[str, frozenset[str]]:
    return MappingProxyType({permission: frozenset(posts) for permission, posts in json.loads(stored).items()})


def matrix(session: Session) -> MatrixVersion:
    """The matrix in force. Raises NotFound on a platform that was never set up."""
    found = session.scalars(select(MatrixVersion).order_by(MatrixVersion.version.desc()).limit(1)).first()
    if found is None:
        raise _no_matrix()
    return found


def _no_matrix() -> NotFound:
    return NotFound("No permission matrix is stored.", next_step="Run `gnomon up` to set the platform up.")


def identify(session: Session, token: str) -> Actor | None:
    """The signed-in person behind a token, or None when it is unknown, expired or the person was deactivated."""
    row = session.execute(
        select(SignIn, Person)
        .join(Person, Person.id == SignIn.person_id)
        .where(SignIn.token_sha256 == token_digest(token))
    ).first()
    if row is None:
        return None
    sign_in, person = row
    from gnomon.kit.clock import SystemClock

    if not person.active or sign_in.expires_at <= SystemClock().now():
        return None
    return actor_of(person, sign_in=sign_in.id)


def actor_of(person: Person, *, sign_in: str = "") -> Actor:
    return Actor(
        id=person.id,
        name=person.name,
        team=person.team,
        posts=frozenset(person.posts),
        locale=person.locale,
        session=sign_in,
    )


def person(session: Session, id: str) -> Person:
    found = session.get(Person, id)
    if found is None:
        raise NotFound(f"There is no person {id}.")
    return found


def people(session: Session) -> list[Person]:
    return list(session.scalars(select(Person).order_by(Person.created_at, Person.login)))


def names(session: Session) -> dict[str, str]:
    """Name by id, for pages and documents."""
    return {person.id: person.name for person in session.scalars(select(Person))}


def by_login(session: Session, login: str) -> Person | None:
    return session.scalars(select(Person).where(Person.login == login)).first()


def shown_login(person: Person | None, typed: str) -> str:
    """What to write down of a login that was typed: a known one, or a digest, as people type passwords there too.

    Eight digits tell attempts apart and fit too many texts to find the one.
    """
    return person.login if person else f"unknown:{token_digest(typed)[:8]}"


def failures_since(session: Session, shown: str, since: datetime) -> list[SignInFailure]:
    """Wrong passwords for a login (as `shown_login` tells it), oldest first."""
    query = select(SignInFailure).where(SignInFailure.login == shown, SignInFailure.at > since)
    return list(session.scalars(query.order_by(SignInFailure.at)))


def has_signed_in_from(session: Session, person_id: str, address: str) -> bool:
    found = select(SignIn.id).where(SignIn.person_id == person_id, SignIn.address == address)
    return session.scalars(found.limit(1)).first() is not None


def invitation(session: Session, token: str) -> Invitation | None:
    return session.get(Invitation, token_digest(token))
