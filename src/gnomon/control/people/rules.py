"""Who may do what, as pure functions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gnomon.kit.errors import BadInput, Conflict, Denied, TooMany

SESSION_LIFE = timedelta(hours=12)
INVITATION_LIFE = timedelta(hours=72)
PASSWORD_MIN = 10  # characters; NIST SP 800-63B asks for at least 8, MLPS guidance for more
FAILURES = 5  # wrong passwords for a login from one address ...
FAILURE_WINDOW = timedelta(minutes=15)  # ... within this time lock the login for that address, for the rest of it
FREE_ELSEWHERE = 10  # wrong passwords for a login from other addresses before its next attempt has to wait
LONGEST_PAUSE = timedelta(seconds=60)  # that wait doubles from a second up to this, and never becomes a lock


class PostsExclude(Conflict):
    code = "posts_exclude_each_other"


class BadCredentials(Denied):
    code = "bad_credentials"
    status = 401


class WeakPassword(BadInput):
    code = "weak_password"


class Locked(TooMany):
    code = "sign_in_locked"


def require(permissions: Mapping[str, Collection[str]], posts: Collection[str], permission: str) -> None:
    """Return when one of `posts` holds `permission`; raise Denied that names who does. What is unknown is denied."""
    holders = permissions.get(permission, ())
    if not set(posts) & set(holders):
        raise Denied(
            f"This needs the right {permission}.",
            next_step=f"Ask one of: {', '.join(sorted(holders)) or 'nobody holds it yet'}.",
            permission=permission,
            holders=sorted(holders),
        )


def check_posts(posts: Collection[str], known: Collection[str], exclusive: Sequence[Sequence[str]]) -> None:
    """Raise when a post is unknown, or two of `posts` exclude each other (separation of duties)."""
    unknown = sorted(set(posts) - set(known))
    if unknown:
        raise BadInput(f"There is no post {unknown[0]}.", next_step=f"Choose from: {', '.join(sorted(known))}.")
    for group in exclusive:
        held = sorted(set(posts) & set(group))
        if len(held) > 1:
            raise PostsExclude(
                f"The posts {' and '.join(held)} cannot be held by one person.", next_step="Give them to two people."
            )


def check_password(password: str, *, login: str) -> None:
    """Raise WeakPassword when it is too short or is the name."""
    if len(password) < PASSWORD_MIN:
        raise WeakPassword(
            f"The password has {len(password)} characters; {PASSWORD_MIN} are the least.",
            next_step="Choose a longer one.",
        )
    if login.lower() in password.lower():
        raise WeakPassword("The password contains the sign-in name.", next_step="Choose another one.")


@dataclass(frozen=True, slots=True)
class Attempts:
    """When wrong passwords were given for one login within FAILURE_WINDOW, oldest first, seen from one address."""

    here: Sequence[datetime]
    elsewhere: Sequence[datetime]
    known_here: bool  # whether the person has signed in from this address before


def check_pace(attempts: Attempts, now: datetime) -> None:
    """Return when the login may be tried from here now; raise Locked otherwise.

    An address that guesses is locked out by itself. Guesses from many addresses only slow each other down, and never
    the person where they are known to be: nobody is kept out by what strangers type.
    """
    if len(attempts.here) >= FAILURES:
        raise Locked(
            f"{len(attempts.here)} wrong passwords within {FAILURE_WINDOW.seconds // 60} minutes (limit {FAILURES}).",
            next_step=f"Wait {FAILURE_WINDOW.seconds // 60} minutes, or ask an administrator.",
        )
    wait = pause(len(attempts.elsewhere))
    if not attempts.known_here and wait and now - attempts.elsewhere[-1] < wait:
        raise Locked(
            f"{len(attempts.elsewhere)} wrong passwords from other places; one attempt in {wait.seconds} s.",
            next_step=f"Wait {wait.seconds} s and try again.",
        )


def pause(failures: int) -> timedelta:
    """How long after the last of `failures` wrong passwords from elsewhere the next attempt has to wait."""
    over = failures - FREE_ELSEWHERE
    return min(timedelta(seconds=2 ** min(over, 10)), LONGEST_PAUSE) if over >= 0 else timedelta()
