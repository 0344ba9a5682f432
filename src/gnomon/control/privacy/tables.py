"""Mask policies in all their versions. The newest version of each id is in force."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class MaskPolicyVersion(Base):
    __tablename__ = "privacy_mask_policy"
    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]  # contract.bundle.MaskPolicy as plain JSON
    sha256: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    by: Mapped[str]
