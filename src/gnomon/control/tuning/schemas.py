"""What goes in and out of tuning, and the facts that it tells."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from gnomon.engine.hyper_parameters import HyperParameters
from gnomon.kit.events import Event
from gnomon.kit.numbers import Plain


class NewTraining(BaseModel):
    """`parameters` are hyper-parameters alone (rank, learning rate, steps …): files are named by the platform."""

    model_config = ConfigDict(extra="forbid")
    base_version_id: str
    dataset_ids: list[str] = Field(min_length=1, max_length=20)
    validation_id: str = ""
    recipe: Plain
    parameters: HyperParameters = Field(default_factory=HyperParameters)
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
