"""API keys of callers, and bans. The secret of a key is shown once and never stored."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class ApiKey(Base):
    __tablename__ = "access_key"
    id: Mapped[str] = mapped_column(primary_key=True)  # the 8 characters inside the key
    sha256: Mapped[str]
    caller: Mapped[str]
    team: Mapped[str]
    models: Mapped[list[str]]
    scopes: Mapped[list[str]]
    expires_at: Mapped[datetime | None]
    requests_per_minute: Mapped[int]
    concurrency: Mapped[int]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class Ban(Base):
    """Ends by itself at `until` or by being lifted; `value` of an address is the gateway's keyed digest of it."""

    __tablename__ = "access_ban"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]  # key | address
    value: Mapped[str] = mapped_column(index=True)
    reason: Mapped[str]
    source: Mapped[str]  # gateway | person
    facts: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    until: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str] = mapped_column(default="")
    lift_reason: Mapped[str] = mapped_column(default="")
    confirmed_by: Mapped[str] = mapped_column(default="")  # risk control has looked at it
