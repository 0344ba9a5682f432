"""Take over what the gateways did by themselves."""

from collections.abc import Sequence
from datetime import datetime

from gnomon.contract.traffic import DefenceNotice
from gnomon.control.access import actions as access
from gnomon.control.traffic import queries
from gnomon.control.traffic.schemas import CanaryRetreated
from gnomon.control.traffic.tables import TakenNotice
from gnomon.kit.work import Work, system_action


@system_action("traffic.take_notices")
def take_notices(work: Work, notices: Sequence[DefenceNotice]) -> int:
    """Bans are on the roster, suspicions answered, retreats told; returns how many were new.

    Taking a notice twice changes nothing.
    """
    fresh = queries.unknown(work.session, notices)
    work.about("notices", str(len(fresh)))
    for notice in fresh:
        work.session.add(TakenNotice(id=notice.id, kind=notice.kind, at=notice.at))
        if notice.kind == "ban":
            access.take_over_ban(work, notice)
        elif notice.kind == "suspicion":
            access.answer_suspicion(work, notice)
        else:
            work.emit(CanaryRetreated(notice))
    return len(fresh)


@system_action("traffic.drop_content")
def note_content_dropped(work: Work, *, before: datetime, dropped: int) -> None:
    """The trail says that masked content from before then is gone, and of how many requests."""
    work.about("content", before.isoformat(), dropped=dropped)


@system_action("traffic.drop_quarantine")
def note_quarantine_dropped(work: Work, *, before: datetime, dropped: int) -> None:
    """The trail says that lines put aside on days before then are gone, and how many."""
    work.about("quarantine", before.isoformat(), dropped=dropped)
