"""Quorums as pure functions. One rejection wins, in whatever order the votes come."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from gnomon.kit.errors import Conflict, Denied


class OwnRequest(Denied):
    code = "own_request"


class AlreadyVoted(Conflict):
    code = "already_voted"


@dataclass(frozen=True, slots=True)
class Quorum:
    """Every post in `posts` must say yes, each by another person; nobody in `barred` (author, executor) may vote."""

    posts: tuple[str, ...]
    barred: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ballot:
    person_id: str
    post: str
    approve: bool


def decide(quorum: Quorum, ballots: Iterable[Ballot]) -> Literal["pending", "approved", "rejected"]:
    """The state that these ballots give, whatever their order."""
    valid = [ballot for ballot in ballots if ballot.person_id not in quorum.barred]
    if any(not ballot.approve for ballot in valid):
        return "rejected"
    return "pending" if missing(quorum, valid) else "approved"


def missing(quorum: Quorum, ballots: Iterable[Ballot]) -> list[str]:
    """The posts whose yes is still wanted, in the quorum's order; a person speaks for one post only."""
    wanted = list(quorum.posts)
    for person, post in {ballot.person_id: ballot.post for ballot in ballots if ballot.approve}.items():
        if person not in quorum.barred and post in wanted:
            wanted.remove(post)
    return wanted


def post_to_speak_for(
    quorum: Quorum, ballots: Collection[Ballot], *, person_id: str, posts: Collection[str], person: str
) -> str:
    """The post for which this person may vote now. Raises OwnRequest, AlreadyVoted, or Denied naming who is wanted."""
    if person_id in quorum.barred:
        raise OwnRequest(
            f"{person} wrote or carries out what is to be approved.", next_step="Somebody else must decide."
        )
    if any(ballot.person_id == person_id for ballot in ballots):
        raise AlreadyVoted(f"{person} has voted already.", next_step="Wait for the others.")
    open_posts = missing(quorum, ballots)
    mine = [post for post in open_posts if post in posts]
    if not mine:
        raise Denied(
            f"The approval of {' and '.join(open_posts) or 'nobody'} is wanted.",
            next_step="Ask a person who holds that post.",
            wanted=open_posts,
        )
    return mine[0]
