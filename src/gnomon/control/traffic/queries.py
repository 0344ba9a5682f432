"""Reads: which notices are new."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gnomon.contract.traffic import DefenceNotice
from gnomon.control.traffic.tables import TakenNotice


def unknown(session: Session, notices: Sequence[DefenceNotice]) -> list[DefenceNotice]:
    """Those of `notices` that were not taken over yet."""
    ids = [notice.id for notice in notices]
    known = set(session.scalars(select(TakenNotice.id).where(TakenNotice.id.in_(ids))))
    return [notice for notice in notices if notice.id not in known]


def newest_at(session: Session) -> float:
    """Unix seconds of the newest notice taken over; 0 when there is none."""
    return session.scalar(select(func.max(TakenNotice.at))) or 0.0
