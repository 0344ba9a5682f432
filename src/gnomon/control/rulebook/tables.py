"""When each check last ran. What it found is evidence; a run that found nothing leaves its trace only here."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class CheckRun(Base):
    """The last run of the check behind `source`, so that "nothing to measure" and "never looked" can be told apart."""

    __tablename__ = "rulebook_check_run"
    source: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    outcome: Mapped[str]  # contract.verdicts.State, or "nothing", or "failed"
    error: Mapped[str] = mapped_column(default="")
    evidence_id: Mapped[str] = mapped_column(default="")  # the artefact that this outcome stands on
