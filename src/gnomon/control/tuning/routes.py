"""HTTP: start, watch and cancel trainings."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from gnomon.control.tuning import actions, queries
from gnomon.control.tuning.schemas import NewTraining
from gnomon.control.tuning.tables import TrainingRun
from gnomon.kit.clock import iso
from gnomon.kit.web import ReadDep, WorkDep, allow

router = APIRouter(prefix="/api/v1/trainings", tags=["tuning"])


class Cancellation(BaseModel):
    reason: str = Field(min_length=1, max_length=500)


def plain(training: TrainingRun) -> dict[str, Any]:
    """With `progress`, the loss of every reported step: what a page draws while it runs."""
    return {
        "id": training.id,
        "model": training.model,
        "base_version_id": training.base_version_id,
        "dataset_ids": training.dataset_ids,
        "validation_id": training.validation_id,
        "recipe": training.recipe,
        "parameters": training.parameters,
        "label": training.label,
        "case_id": training.case_id,
        "measure_id": training.measure_id,
        "state": training.state,
        "progress": training.progress,
        "result": training.result,
        "adapter_version_id": training.adapter_version_id,
        "evidence_ids": training.evidence_ids,
        "error": training.error,
        "job_id": training.job_id,
        "requested_by": training.requested_by,
        "requested_at": iso(training.requested_at),
        "started_at": iso(training.started_at) if training.started_at else None,
        "finished_at": iso(training.finished_at) if training.finished_at else None,
    }


@router.get("", dependencies=[allow("training.view")])
def trainings(session: ReadDep, model: str = "", case_id: str = "") -> list[dict[str, Any]]:
    return [plain(training) for training in queries.trainings(session, model=model, case_id=case_id)]


@router.post("", status_code=202)
def start(body: NewTraining, work: WorkDep) -> dict[str, Any]:
    return plain(actions.start_training(work, body))


@router.get("/{id}", dependencies=[allow("training.view")])
def training(id: str, session: ReadDep) -> dict[str, Any]:
    return plain(queries.training(session, id))


@router.post("/{id}/cancel")
def cancel(id: str, body: Cancellation, work: WorkDep) -> dict[str, Any]:
    return plain(actions.cancel_training(work, id, reason=body.reason))
