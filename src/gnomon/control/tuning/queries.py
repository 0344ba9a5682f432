"""Reads: trainings, and what waits to be known of them."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnomon.control.tuning import rules
from gnomon.control.tuning.tables import TrainingRun
from gnomon.kit.errors import NotFound


def training(session: Session, id: str) -> TrainingRun:
    found = session.get(TrainingRun, id)
    if found is None:
        raise NotFound(f"There is no training {id}.", next_step="Look it up in the list of trainings.")
    return found


def trainings(session: Session, *, model: str = "", case_id: str = "") -> list[TrainingRun]:
    """Newest first."""
    query = select(TrainingRun).order_by(TrainingRun.requested_at.desc(), TrainingRun.id.desc())
    if model:
        query = query.where(TrainingRun.model == model)
    if case_id:
        query = query.where(TrainingRun.case_id == case_id)
    return list(session.scalars(query))


def cpu_minutes(session: Session, *, case_id: str = "") -> float:
    """CPU minutes that ended trainings (of a case) have used."""
    found = trainings(session, case_id=case_id)
    return round(sum(rules.cpu_minutes(run.result) for run in found), 4)
