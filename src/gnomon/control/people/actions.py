"""Changes to people: invite, sign in and out, posts, the matrix."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

import argon2
from sqlalchemy import delete

from gnomon.control.people import queries, rules
from gnomon.control.people.schemas import InvitationAnswer, NewPerson, SignInAnswer
from gnomon.control.people.tables import Invitation, MatrixVersion, Person, SignIn, SignInFailure
from gnomon.kit.errors import Conflict, NotFound
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action

# OWASP's second choice for Argon2id (19 MiB, two passes): 40 ms here, so that guessing costs and signing in does not.
_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobodys_hash() -> str:
    """What the password of somebody unknown is compared with, so that it takes as long as anybody's."""
    return _hasher.hash(secrets.token_urlsafe(16))


@action("session.open")
def sign_in(work: Work, *, login: str, password: str) -> SignInAnswer:
    """A new session for the person. Raises BadCredentials (name or password, it does not say which) or Locked."""
    person = queries.by_login(work.session, login)
    work.about("login", queries.shown_login(person, login))
    rules.check_pace(_attempts(work, person, login), work.now)
    if not _verify(person.password_hash if person and person.password_hash else _nobodys_hash(), password) or (
        person is None or not person.active
    ):
        raise rules.BadCredentials("Name or password is wrong.", next_step="Try again, or ask an administrator.")
    work.session.execute(delete(SignInFailure).where(SignInFailure.login == login))
    work.about("person", person.id)
    return _open_session(work, person)


@action("session.refuse")
def refuse_sign_in(work: Work, *, login: str) -> None:
    """A wrong password is counted; it outlives the sign-in that failed, but not the time for which it counts."""
    shown = queries.shown_login(queries.by_login(work.session, login), login)
    work.about("login", shown)
    work.session.execute(delete(SignInFailure).where(SignInFailure.at <= work.now - rules.FAILURE_WINDOW))
    work.session.add(SignInFailure(id=new_id("failure"), login=shown, address=work.actor.address, at=work.now))


@action("session.close")
def sign_out(work: Work) -> None:
    work.about("person", work.actor.id)
    work.session.execute(delete(SignIn).where(SignIn.id == work.actor.session))


@action("person.create")
def invite(work: Work, new: NewPerson) -> InvitationAnswer:
    """The person exists, without a post, and a one-time link lets them choose a password.

    Who invites sees the link and could use it: so what the person may do is for somebody else to say (`set_posts`).
    """
    return _invitation(work, _add(work, new))


@system_action("person.create_first")
def invite_first(work: Work, new: NewPerson, *, post: str) -> InvitationAnswer:
    """The first person who holds `post`. Raises Conflict once somebody who can sign in holds it."""
    _check_vacant(work, post)
    person = _add(work, new)
    person.posts = [post]
    return _invitation(work, person)


@action("person.reset")
def renew_invitation(work: Work, person_id: str) -> InvitationAnswer:
    """A fresh one-time link for somebody who lost theirs, or the password; the old password and every post end.

    Whoever renews sees the link: the posts come back by `set_posts`, from another person who knows whom they serve.
    """
    person = queries.person(work.session, person_id)
    work.about("person", person.id, posts_before=sorted(person.posts))
    person.posts = []
    return _renewed(work, person)


@system_action("person.renew_first")
def renew_first(work: Work, person_id: str, *, post: str) -> InvitationAnswer:
    """A fresh link for the first holder of `post`, who never used the one before or lost the post to a reset.

    Raises Conflict while somebody who can sign in holds it. `gnomon up` prints the link where the platform runs.
    """
    _check_vacant(work, post)
    person = queries.person(work.session, person_id)
    person.posts, person.active = [post], True
    return _renewed(work, person)


@action("session.accept_invitation")
def accept_invitation(work: Work, *, token: str, password: str) -> SignInAnswer:
    """The password is set, the link is spent, the person is signed in."""
    invitation = queries.invitation(work.session, token)
    if invitation is None or invitation.used_at or invitation.expires_at <= work.now:
        raise NotFound("This invitation is unknown, used or expired.", next_step="Ask for a new one.")
    person = queries.person(work.session, invitation.person_id)
    work.about("person", person.id)
    rules.check_password(password, login=person.login)
    person.password_hash = _hasher.hash(password)
    invitation.used_at = work.now
    return _open_session(work, person)


@action("person.assign")
def set_posts(work: Work, person_id: str, *, posts: Sequence[str], reason: str) -> Person:
    """The person holds exactly `posts`. Raises PostsExclude on a combination that separation of duties forbids."""
    person = queries.person(work.session, person_id)
    work.about("person", person.id, before=sorted(person.posts), after=sorted(posts), reason=reason)
    if person.id == work.actor.id:
        raise Conflict("Nobody changes their own posts.", next_step="Ask another administrator.")
    _check_posts(work, posts)
    person.posts = list(posts)
    return person


@action("person.disable")
def deactivate(work: Work, person_id: str, *, reason: str) -> None:
    """The person cannot sign in any more and every session of theirs ends."""
    person = queries.person(work.session, person_id)
    work.about("person", person.id, reason=reason)
    person.active = False
    work.session.execute(delete(SignIn).where(SignIn.person_id == person.id))


@action("session.set_locale")
def set_locale(work: Work, locale: str) -> None:
    """Pages and messages for this person are in `locale` from now on."""
    work.about("person", work.actor.id, locale=locale)
    queries.person(work.session, work.actor.id).locale = locale


@system_action("matrix.put")
def put_matrix(
    work: Work, *, permissions: Mapping[str, Collection[str]], exclusive: Sequence[Sequence[str]], source: str
) -> int:
    """A new version of the matrix is in force; returns its number. Changes by people come here through an approval."""
    last = work.session.query(MatrixVersion.version).order_by(MatrixVersion.version.desc()).first()
    version = (last[0] if last else 0) + 1
    plain: dict[str, Any] = {permission: sorted(posts) for permission, posts in permissions.items()}
    work.about("matrix", str(version), source=source)
    work.session.add(
        MatrixVersion(
            version=version,
            permissions=plain,
            exclusive=[list(group) for group in exclusive],
            made_at=work.now,
            made_by=work.actor.id,
            source=source,
        )
    )
    return version


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (argon2.exceptions.VerifyMismatchError, argon2.exceptions.InvalidHashError):
        return False


def _attempts(work: Work, person: Person | None, login: str) -> rules.Attempts:
    failures = queries.failures_since(work.session, queries.shown_login(person, login), work.now - rules.FAILURE_WINDOW)
    return rules.Attempts(
        here=[failure.at for failure in failures if failure.address == work.actor.address],
        elsewhere=[failure.at for failure in failures if failure.address != work.actor.address],
        known_here=person is not None and queries.has_signed_in_from(work.session, person.id, work.actor.address),
    )


def _open_session(work: Work, person: Person) -> SignInAnswer:
    token = secrets.token_urlsafe(32)
    expires_at = work.now + rules.SESSION_LIFE
    work.session.add(
        SignIn(
            id=new_id("signin"),
            token_sha256=queries.token_digest(token),
            person_id=person.id,
            expires_at=expires_at,
            created_at=work.now,
            address=work.actor.address,
        )
    )
    return SignInAnswer(token=token, person=person.id, expires_at=expires_at)


def _add(work: Work, new: NewPerson) -> Person:
    if queries.by_login(work.session, new.login):
        raise Conflict(f"The sign-in name {new.login} is taken.", next_step="Choose another one.")
    person = Person(id=new_id("person"), created_at=work.now, posts=[], **new.model_dump())
    work.session.add(person)
    return person


def _check_vacant(work: Work, post: str) -> None:
    if not queries.vacant(work.session, [post]):
        raise Conflict(f"Somebody holds the post {post} already.", next_step="Ask them for an invitation.")


def _renewed(work: Work, person: Person) -> InvitationAnswer:
    person.password_hash = ""
    work.session.execute(delete(SignIn).where(SignIn.person_id == person.id))
    return _invitation(work, person)


def _invitation(work: Work, person: Person) -> InvitationAnswer:
    work.about("person", person.id, login=person.login, posts=sorted(person.posts))
    token = secrets.token_urlsafe(32)
    expires_at = work.now + rules.INVITATION_LIFE
    work.session.execute(delete(Invitation).where(Invitation.person_id == person.id))
    work.session.add(Invitation(token_sha256=queries.token_digest(token), person_id=person.id, expires_at=expires_at))
    return InvitationAnswer(person_id=person.id, token=token, expires_at=expires_at)


def _check_posts(work: Work, posts: Collection[str]) -> None:
    matrix = queries.matrix(work.session)
    known = {post for holders in matrix.permissions.values() for post in holders}
    known |= {post for group in matrix.exclusive for post in group}
    rules.check_posts(posts, known, matrix.exclusive)
