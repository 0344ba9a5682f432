"""What goes in and out of tuning, and the facts that it tells."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gnomon.kit.events import Event


class NewTraining(BaseModel):
    """`parameters` are the trainer's own (rank, learning rate, steps …); it refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")
    base_version_id: str
    dataset_ids: list[str] = Field(min_length=1, max_length=20)
    validation_id: str = ""
    recipe: dict[str, Any]
    parameters: dict[str, Any] = Field(default_factory=dict)
    label: str = Field(default="", max_length=60)
    case_id: str = ""
    measure_id: str = ""


@dataclass(frozen=True, slots=True)
class TrainingFinished(Event):
    """A training ended: `state` is completed, failed or cancelled."""

    training_id: str
    state: str
    case_id: str
    measure_id: str
    adapter_version_id: str
    cpu_minutes: float
    evidence_ids: tuple[str, ...] = ()
