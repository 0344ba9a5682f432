"""Quorums as pure functions. One rejection wins, in whatever order the votes come."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from gnomon.kit.errors import Conflict, Denied


class OwnRequest(Denied):
    code = "own_request"


class AlreadyVoted(Conflict):
    code = "already_voted"


@dataclass(frozen=True, slots=True)
class Quorum:
    """Each seat wants the yes of another person who holds one of its posts; nobody in `barred` may vote."""

    seats: tuple[frozenset[str], ...]
    barred: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote, with every post that the person held when voting."""

    person_id: str
    posts: frozenset[str]
    approve: bool


def decide(quorum: Quorum, ballots: Iterable[Ballot]) -> Literal["pending", "approved", "rejected"]:
    """The state that these ballots give, whatever their order."""
    valid = [ballot for ballot in ballots if ballot.person_id not in quorum.barred]
    if any(not ballot.approve for ballot in valid):
        return "rejected"
    return "pending" if missing(quorum, valid) else "approved"


def missing(quorum: Quorum, ballots: Iterable[Ballot]) -> list[frozenset[str]]:
    """The seats that stay empty when the yes votes are seated as well as they can be (a maximum matching)."""
    held: dict[str, frozenset[str]] = {}  # a person fills one seat, however many ballots bear the name
    for ballot in ballots:
        if ballot.approve and ballot.person_id not in quorum.barred:
            held[ballot.person_id] = held.get(ballot.person_id, frozenset()) | ballot.posts
    voters = list(held.values())
    seated: dict[int, int] = {}  # voter -> seat
    filled = {seat for seat in range(len(quorum.seats)) if _seat(quorum.seats, voters, seat, seated, set())}
    return [posts for seat, posts in enumerate(quorum.seats) if seat not in filled]


def may_vote(quorum: Quorum, ballots: Collection[Ballot], *, person_id: str, posts: Collection[str]) -> bool:
    """Whether this person's yes would fill a seat that is still empty."""
    if person_id in quorum.barred or any(ballot.person_id == person_id for ballot in ballots):
        return False
    with_mine = [*ballots, Ballot(person_id, frozenset(posts), True)]
    return len(missing(quorum, with_mine)) < len(missing(quorum, ballots))


def require_vote(
    quorum: Quorum, ballots: Collection[Ballot], *, person_id: str, posts: Collection[str], person: str
) -> None:
    """Return when the person may vote now. Raises OwnRequest, AlreadyVoted, or Denied that names who is wanted."""
    if person_id in quorum.barred:
        raise OwnRequest(
            f"{person} wrote or carries out what is to be approved.", next_step="Somebody else must decide."
        )
    if any(ballot.person_id == person_id for ballot in ballots):
        raise AlreadyVoted(f"{person} has voted already.", next_step="Wait for the others.")
    if not may_vote(quorum, ballots, person_id=person_id, posts=posts):
        wanted = [" or ".join(sorted(seat)) for seat in missing(quorum, ballots)]
        raise Denied(
            f"The approval of {' and '.join(wanted)} is wanted.",
            next_step="Ask a person who holds that post.",
            wanted=wanted,
        )


def _seat(
    seats: Sequence[frozenset[str]], voters: Sequence[frozenset[str]], seat: int, seated: dict[int, int], seen: set[int]
) -> bool:
    """Find a voter for `seat`, moving earlier ones if that helps (Kuhn's augmenting path)."""
    for voter, posts in enumerate(voters):
        if voter in seen or not posts & seats[seat]:
            continue
        seen.add(voter)
        if voter not in seated or _seat(seats, voters, seated[voter], seated, seen):
            seated[voter] = seat
            return True
    return False
