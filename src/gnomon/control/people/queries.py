"""Reads: who is it, what may they do."""

import hashlib
from datetime import datetime

from sqlalchemy import func, select
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
    rules.require(matrix(session).permissions, actor.posts, permission)


def has_signed_up(session: Session) -> bool:
    """Whether anybody has a password: until then the first administrator is still to come."""
    return session.scalars(select(Person.id).where(Person.password_hash != "").limit(1)).first() is not None


def may(session: Session, actor: Actor, permission: str) -> bool:
    """Whether `authorise` would return: for buttons that show why they are off."""
    return permission in OPEN or bool(actor.posts & set(matrix(session).permissions.get(permission, ())))


def matrix(session: Session) -> MatrixVersion:
    """The matrix in force. Raises NotFound on a platform that was never set up."""
    found = session.scalars(select(MatrixVersion).order_by(MatrixVersion.version.desc()).limit(1)).first()
    if found is None:
        raise NotFound("No permission matrix is stored.", next_step="Run `gnomon up` to set the platform up.")
    return found


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


def failures_since(session: Session, login: str, since: datetime) -> int:
    counted = (
        select(func.count()).select_from(SignInFailure).where(SignInFailure.login == login, SignInFailure.at > since)
    )
    return session.scalar(counted) or 0


def invitation(session: Session, token: str) -> Invitation | None:
    return session.get(Invitation, token_digest(token))
