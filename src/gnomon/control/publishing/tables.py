"""Every part that was ever published, as it was signed."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class Publication(Base):
    __tablename__ = "publishing_publication"
    __table_args__ = (UniqueConstraint("part", "epoch", "serial"),)  # gateways know a version by these three
    id: Mapped[str] = mapped_column(primary_key=True)
    part: Mapped[str] = mapped_column(index=True)  # policy | roster
    epoch: Mapped[int]
    serial: Mapped[int]
    payload: Mapped[dict[str, Any]]
    sha256: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str]
