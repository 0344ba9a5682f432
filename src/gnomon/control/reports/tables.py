"""Issued papers: one row a file, kept for ever."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class Report(Base):
    """One file of an issue. Languages and formats of an issue share its number, version and date."""

    __tablename__ = "reports_report"
    id: Mapped[str] = mapped_column(primary_key=True)
    issue_id: Mapped[str] = mapped_column(index=True)
    number: Mapped[str] = mapped_column(index=True)  # YX-BS-2026-0012, ZG-2026-03-007
    version: Mapped[int]  # counts the issues of this kind about this subject
    kind: Mapped[str] = mapped_column(index=True)  # rules.KINDS
    subject_kind: Mapped[str]
    subject_id: Mapped[str] = mapped_column(index=True)
    language: Mapped[str]
    format: Mapped[str]  # docx | pdf | xlsx | csv
    state: Mapped[str] = mapped_column(index=True)  # queued | ready | failed
    title: Mapped[str] = mapped_column(default="")
    file_name: Mapped[str] = mapped_column(default="")
    sha256: Mapped[str] = mapped_column(default="")  # of the file, which lies in the object store under this name
    size: Mapped[int] = mapped_column(default=0)
    content_sha256: Mapped[str] = mapped_column(default="")  # of what it says; printed on every page
    evidence_id: Mapped[str] = mapped_column(default="")
    error: Mapped[str] = mapped_column(default="")
    job_id: Mapped[str] = mapped_column(default="")
    made_by: Mapped[str]
    requested_at: Mapped[datetime]  # also the date of the paper
    made_at: Mapped[datetime | None]
