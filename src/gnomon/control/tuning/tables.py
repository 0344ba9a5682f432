"""Training runs: what was trained from what, how, and what came of it."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class TrainingRun(Base):
    """One adapter in the making. `progress` holds the figures of every step that was reported."""

    __tablename__ = "tuning_training"
    id: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(index=True)
    base_version_id: Mapped[str]
    dataset_ids: Mapped[list[str]]
    validation_id: Mapped[str] = mapped_column(default="")
    recipe: Mapped[dict[str, Any]]  # engine.suites.recipes.Recipe: trained as it will be asked
    parameters: Mapped[dict[str, Any]]
    label: Mapped[str]  # of the adapter version that comes of it
    case_id: Mapped[str] = mapped_column(default="", index=True)
    measure_id: Mapped[str] = mapped_column(default="", index=True)
    state: Mapped[str] = mapped_column(index=True)  # rules.TrainingState
    progress: Mapped[list[dict[str, Any]]]
    result: Mapped[dict[str, Any]]
    adapter_version_id: Mapped[str] = mapped_column(default="")
    evidence_ids: Mapped[list[str]]
    error: Mapped[str] = mapped_column(default="")
    job_id: Mapped[str] = mapped_column(default="")
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
