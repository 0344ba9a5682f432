"""The trail: entries as they were committed, the seals that chain them, the signed checkpoints.

Nothing here is ever updated or deleted; triggers in the database refuse it (see `append_only`).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class AuditEntry(Base):
    __tablename__ = "audit_entry"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[str] = mapped_column(index=True)
    actor_name: Mapped[str]
    actor_kind: Mapped[str]
    address: Mapped[str]
    sign_in: Mapped[str]
    permission: Mapped[str] = mapped_column(index=True)
    outcome: Mapped[str]  # done | denied | failed
    object_kind: Mapped[str]
    object_id: Mapped[str] = mapped_column(index=True)
    facts: Mapped[dict[str, Any]]


class AuditSeal(Base):
    """`sha256 = SHA-256(canonical({prev, entry}))`: entry `seq` and everything before it are fixed."""

    __tablename__ = "audit_seal"
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(unique=True)
    prev: Mapped[str]
    sha256: Mapped[str]


class AuditCheckpoint(Base):
    """An Ed25519 signature over (seq, sha256, at): copied elsewhere, it shows a truncated or rewritten chain."""

    __tablename__ = "audit_checkpoint"
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sha256: Mapped[str]
    at: Mapped[datetime]
    key_id: Mapped[str]
    signature: Mapped[str]


APPEND_ONLY = (AuditEntry.__tablename__, AuditSeal.__tablename__, AuditCheckpoint.__tablename__)


def append_only(dialect: str) -> list[str]:
    """The statements that make the database itself refuse UPDATE and DELETE on the trail."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
            for table in APPEND_ONLY
            for verb in ("UPDATE", "DELETE")
        ]
    function = (
        "CREATE OR REPLACE FUNCTION gnomon_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$"
    )
    return [function] + [
        f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION gnomon_append_only()"
        for table in APPEND_ONLY
    ]


def append_only_off(dialect: str) -> list[str]:
    """The statements that take those triggers away again, before a downgrade drops the tables."""
    if dialect == "sqlite":
        return [
            f"DROP TRIGGER IF EXISTS {table}_no_{verb.lower()}"
            for table in APPEND_ONLY
            for verb in ("UPDATE", "DELETE")
        ]
    return [f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}" for table in APPEND_ONLY] + [
        "DROP FUNCTION IF EXISTS gnomon_append_only()"
    ]


@event.listens_for(Base.metadata, "after_create")
def _protect(_metadata: Any, connection: Any, **_: Any) -> None:
    for statement in append_only(connection.dialect.name):
        connection.exec_driver_sql(statement)
