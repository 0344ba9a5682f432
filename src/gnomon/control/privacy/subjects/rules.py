"""Rights of persons: what a request may become, until when it must be answered, which places are about whom."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gnomon.kit.errors import Conflict

# opened → verified → found → (approving → approved → erasing →) done; at any time before the erasure: refused
STATES: Final[Mapping[str, frozenset[str]]] = {
    "opened": frozenset({"verified", "refused"}),
    "verified": frozenset({"searching", "refused"}),
    "searching": frozenset({"found", "verified"}),
    "found": frozenset({"searching", "approving", "done", "refused"}),
    "approving": frozenset({"approved", "found", "refused"}),
    "approved": frozenset({"erasing"}),
    "erasing": frozenset({"done", "incomplete"}),
    "incomplete": frozenset({"erasing"}),
    "done": frozenset(),
    "refused": frozenset(),
}
OVER: Final = frozenset({"done", "refused"})


class WrongState(Conflict):
    """The request is not where this step begins."""

    code = "rights_request_state"


def advance(number: str, state: str, to: str) -> str:
    """`to`, if it may follow. Raises WrongState."""
    if to not in STATES[state]:
        allowed = ", ".join(sorted(STATES[state])) or "nothing: it has ended"
        raise WrongState(f"The request {number} is {state} and cannot become {to}.", next_step=f"Next: {allowed}.")
    return to


def next_number(year: int, known: Collection[str]) -> str:
    """`GR-2026-0001` and up: one more than the highest of the year."""
    prefix = f"GR-{year}-"
    return f"{prefix}{max((int(one[len(prefix) :]) for one in known if one.startswith(prefix)), default=0) + 1:04d}"


def due(opened_at: datetime, *, days: float) -> datetime:
    return opened_at + timedelta(days=days)


def is_late(*, due_at: datetime, ended_at: datetime | None, now: datetime) -> bool:
    """Past its time: not ended by then, whether it has since or not."""
    return (ended_at or now) > due_at


@dataclass(frozen=True, slots=True)
class Sighting:
    """Identifiers of the person, by kind, that stand in one place."""

    holder: str
    ref: str
    entities: tuple[str, ...]  # of the identifiers as the request names them, each once


def split(
    sightings: Sequence[Sighting], *, strong: Collection[str], weak: Collection[str]
) -> tuple[list[Sighting], list[Sighting]]:
    """(about the person, only possibly): one strong identifier is enough, of weak ones it takes two different ones."""
    sure: list[Sighting] = []
    possible: list[Sighting] = []
    for one in sightings:
        is_sure = any(entity in strong for entity in one.entities) or len({*one.entities} & {*weak}) > 1
        (sure if is_sure else possible).append(one)
    return sure, possible


_MARK: Final = "!"


def marked(version: str, why: str) -> str:
    """The version of something that was looked through, with why not all of it could be read, if it was so."""
    return f"{version}{_MARK}{why}" if why else version


def read_version(noted: str) -> str:
    """The version alone."""
    return noted.partition(_MARK)[0]


def unread_why(noted: str) -> str:
    """Why not all of it could be read; nothing when all was."""
    return noted.partition(_MARK)[2]
