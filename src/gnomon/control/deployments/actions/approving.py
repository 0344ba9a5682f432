"""Asks for the approvals that the rulebook wants."""

from collections.abc import Mapping
from typing import Any

from gnomon.control.approvals import actions as approvals
from gnomon.control.approvals.tables import ApprovalRequest
from gnomon.control.rulebook import rules as rulebook
from gnomon.kit.work import Work


def ask(
    work: Work, kind: str, *, subject_id: str, title: str, content: dict[str, Any], roles: Mapping[str, set[str]]
) -> ApprovalRequest:
    """A pending request for exactly `content`. `roles`: who is author, who executor; an excluded role does not vote."""
    quorum = rulebook.load().quorum(kind)
    barred = {person for role in quorum.excluded for person in roles.get(role, set()) if person}
    return approvals.ask(
        work,
        kind=kind,
        subject_id=subject_id,
        title=title,
        content=content,
        seats=quorum.seats,
        barred=barred,
        lapses_after=quorum.lapses_after,
    )
