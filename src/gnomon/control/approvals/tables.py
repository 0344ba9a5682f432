"""Requests for approval and the votes on them."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class ApprovalRequest(Base):
    """Binds the votes to the SHA-256 of exactly what was shown; `content` is kept so that a change can be told."""

    __tablename__ = "approvals_request"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(index=True)
    subject_id: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    content: Mapped[dict[str, Any]]
    content_sha256: Mapped[str]
    quorum: Mapped[dict[str, Any]]  # {"seats": [[posts]], "barred": [person ids]}: as it was when asked
    state: Mapped[str] = mapped_column(index=True)  # pending | approved | rejected | void
    lapses_at: Mapped[datetime]
    author_id: Mapped[str]
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class Vote(Base):
    __tablename__ = "approvals_vote"
    __table_args__ = (UniqueConstraint("request_id", "person_id"),)  # nobody speaks twice, whatever the program does
    id: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(index=True)
    person_id: Mapped[str]
    posts: Mapped[list[str]]  # what the person held when voting
    approve: Mapped[bool]
    comment: Mapped[str]
    at: Mapped[datetime]
