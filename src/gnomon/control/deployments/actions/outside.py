"""What an action has to know from outside is asked while no transaction is open: a slow answer holds up nobody."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from gnomon.control.people import queries as people
from gnomon.kit.errors import Conflict
from gnomon.kit.work import Work

Q = TypeVar("Q")
A = TypeVar("A")


class ChangedMeanwhile(Conflict):
    code = "changed_meanwhile"


def asked(work: Work, permission: str, *, question: Callable[[Session], Q | None], ask: Callable[[Q], A]) -> A | None:
    """The answer to the `question` that the database gives rise to; None where there is none.

    It is read, its transaction ended, and only then asked. Who lacks the permission asks nothing: the action itself
    refuses them. The action compares what it finds in its own transaction with what was asked about. Inside another
    action, whose transaction cannot be ended here, the question is asked at once.
    """
    if not work.is_idle:
        found = question(work.session)
        return None if found is None else ask(found)
    work.session.rollback()
    try:
        found = question(work.session) if people.may(work.session, work.actor, permission) else None
    finally:
        work.session.rollback()
    return None if found is None else ask(found)
