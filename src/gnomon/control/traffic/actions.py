"""Take over what the gateways did by themselves."""

from collections.abc import Sequence

from gnomon.contract.traffic import DefenceNotice
from gnomon.control.access import actions as access
from gnomon.control.traffic import queries
from gnomon.control.traffic.schemas import CanaryRetreated
from gnomon.control.traffic.tables import TakenNotice
from gnomon.kit.work import Work, system_action


@system_action("traffic.take_notices")
def take_notices(work: Work, notices: Sequence[DefenceNotice]) -> int:
    """Bans are on the roster, retreats are told; returns how many were new. Taking a notice twice changes nothing."""
    fresh = queries.unknown(work.session, notices)
    work.about("notices", str(len(fresh)))
    for notice in fresh:
        work.session.add(TakenNotice(id=notice.id, kind=notice.kind, at=notice.at))
        if notice.kind == "ban":
            access.take_over_ban(work, notice)
        else:
            work.emit(CanaryRetreated(notice))
    return len(fresh)
