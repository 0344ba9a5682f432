"""Keys and bans as pure functions: how a key is made, what follows from a suspicion, who may decide."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from gnomon.kit.errors import Denied

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
FORM = re.compile(r"gn-([a-z]+)_([0-9a-hjkmnp-tv-z]{8})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class FreshKey:
    """`text` is for the caller alone; `sha256` of it is what is stored."""

    id: str
    text: str
    sha256: str


def make_key(environment: str) -> FreshKey:
    """A key `gn-<environment>_<8-character id>_<32 random bytes>`; the id finds it, the digest proves it."""
    id = "".join(secrets.choice(ALPHABET) for _ in range(8))
    text = f"gn-{environment}_{id}_{secrets.token_urlsafe(32)}"
    return FreshKey(id, text, hashlib.sha256(text.encode()).hexdigest())


Grade = Literal["warn", "throttle", "ban"]
_GRADES: tuple[Grade, ...] = get_args(Grade)


class OwnBan(Denied):
    code = "own_ban"


class NotOwner(Denied):
    code = "not_owner"


@dataclass(frozen=True, slots=True)
class Earlier:
    """A ban of some grade on the same subject."""

    grade: Grade
    reason: str
    until: datetime
    is_lifted: bool


def answer(
    *, level: int, reason: str, earlier: Sequence[Earlier], now: datetime, is_past: bool, is_known: bool = True
) -> Grade | None:
    """The grade that follows from a suspicion of that level (1 to 3); None where what stands already is enough.

    What goes on under a warning is throttled, where it is known what is usual for the caller; a ban follows only from a
    suspicion of the highest level. What risk control has lifted does not come back for the same reason before it would
    have ended. What is past is only told.
    """
    wanted = 0 if is_past else min(max(level, 1), len(_GRADES)) - 1
    standing = [_GRADES.index(one.grade) for one in earlier if not one.is_lifted and one.until > now]
    lifted = [_GRADES.index(one.grade) for one in earlier if one.is_lifted and one.until > now and one.reason == reason]
    if any(grade >= wanted for grade in lifted):
        return None
    if any(grade >= wanted for grade in standing):
        goes_on = max(standing) == wanted == 0 and is_known and not is_past
        return "throttle" if goes_on and reason in _THROTTLED else None
    return _GRADES[wanted]


_THROTTLED = frozenset(("abnormal_frequency", "scraping"))


def ends(*, until: datetime, held_until: datetime | None, is_confirmed: bool) -> datetime:
    """When a ban stops being in force: at its end, or before where nobody has confirmed what needs it."""
    return until if is_confirmed or held_until is None else min(until, held_until)


def require_other(actor_id: str, *involved: str) -> None:
    """Raises OwnBan when the actor had a part in it."""
    if actor_id in involved:
        raise OwnBan("You had a part in this ban.", next_step="Somebody else of risk control must decide.")


def require_owner(team: str, owner: str) -> None:
    """Raises NotOwner when the banned key belongs to another team; a ban without an owner anyone may appeal against."""
    if owner and owner != team:
        raise NotOwner(f"The key belongs to the team {owner}.", next_step="Ask somebody of that team to appeal.")
