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


class Quota(Base):
    """What a key, team or model may use from `set_at` until `ended_at`; 0 is no limit. Rows are never changed."""

    __tablename__ = "access_quota"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]  # key | team | model
    value: Mapped[str] = mapped_column(index=True)
    requests_per_second: Mapped[int]
    requests_per_minute: Mapped[int]
    tokens_per_minute: Mapped[int]
    concurrency: Mapped[int]
    tokens_per_day: Mapped[int]
    cost_per_day: Mapped[float]
    reason: Mapped[str]
    set_at: Mapped[datetime]
    set_by: Mapped[str]
    ended_at: Mapped[datetime | None]


class Ban(Base):
    """A measure against a key or address: a warning, a throttle, a ban. Ends by itself at `until` or by being lifted.

    `value` of an address is the gateway's keyed digest of it. A ban that nobody confirmed is in force up to
    `held_until` only.
    """

    __tablename__ = "access_ban"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]  # key | address | installation (a warning about all of it)
    value: Mapped[str] = mapped_column(index=True)
    reason: Mapped[str]
    source: Mapped[str]  # gateway | person | watch
    grade: Mapped[str] = mapped_column(default="ban", server_default="ban")  # warn | throttle | ban
    per_minute: Mapped[int] = mapped_column(default=0, server_default="0")  # what a throttle leaves
    facts: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    until: Mapped[datetime]
    held_until: Mapped[datetime | None]
    review_by: Mapped[datetime | None]
    evidence_id: Mapped[str] = mapped_column(default="", server_default="")
    imposed_by: Mapped[str] = mapped_column(default="", server_default="")
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str] = mapped_column(default="")
    lift_reason: Mapped[str] = mapped_column(default="")
    confirmed_by: Mapped[str] = mapped_column(default="")  # risk control has looked at it


class Appeal(Base):
    """Against a ban; open until it is decided."""

    __tablename__ = "access_appeal"
    id: Mapped[str] = mapped_column(primary_key=True)
    ban_id: Mapped[str] = mapped_column(index=True)
    text: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str]
    decision: Mapped[str] = mapped_column(default="")  # granted | rejected
    reason: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(default="")
