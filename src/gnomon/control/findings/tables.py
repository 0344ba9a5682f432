"""Findings: what is wrong, how bad, and what proves it."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class Finding(Base):
    """Kept for ever; a finding ends closed or rejected, each with a reason and a name."""

    __tablename__ = "findings_finding"
    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)  # F-2026-0001, as people say it
    title: Mapped[str]
    detail: Mapped[str]
    severity: Mapped[str]  # rules.Severity
    clauses: Mapped[list[str]]  # ids such as REM-1.4
    source: Mapped[str] = mapped_column(index=True)  # what saw it: "evaluation.slices", "people"
    subject_kind: Mapped[str]
    subject_id: Mapped[str] = mapped_column(index=True)
    evidence_ids: Mapped[list[str]]
    state: Mapped[str] = mapped_column(index=True)  # rules.FindingState
    case_id: Mapped[str] = mapped_column(default="", index=True)
    raised_by: Mapped[str]
    raised_at: Mapped[datetime]
    settled_by: Mapped[str] = mapped_column(default="")
    settled_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")  # why it was closed or rejected
