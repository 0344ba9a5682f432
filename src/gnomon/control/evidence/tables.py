"""Artefacts: what proves that something was done or measured. They are added, never changed."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class Artefact(Base):
    """`sha256` is over the canonical facts and the file's digest: a page, a report and a pack cite it."""

    __tablename__ = "evidence_artefact"
    id: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(index=True)  # what a control names as its source: "evaluation.completed"
    kind: Mapped[str]
    state: Mapped[str]  # contract.verdicts.State
    subject_kind: Mapped[str]
    subject_id: Mapped[str] = mapped_column(index=True)
    facts: Mapped[dict[str, Any]]
    file_sha256: Mapped[str] = mapped_column(default="")
    file_name: Mapped[str] = mapped_column(default="")
    sha256: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(index=True)
    made_by: Mapped[str]
