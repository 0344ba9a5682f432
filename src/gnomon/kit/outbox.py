"""The rows of the job queue: written by actions in their own transaction, read by executors and by whoever waits."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class JobRow(Base):
    """A job as its users see it: queued → running → succeeded | failed."""

    __tablename__ = "kit_job"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    args: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(index=True)
    progress: Mapped[dict[str, Any]]
    error: Mapped[str] = mapped_column(default="")
    actor_id: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ExecutorRow(Base):
    """A living executor beats; one whose beat is old has its workflows taken over."""

    __tablename__ = "kit_executor"
    id: Mapped[str] = mapped_column(primary_key=True)
    beat_at: Mapped[datetime]
