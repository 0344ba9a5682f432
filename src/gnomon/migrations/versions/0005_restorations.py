"""Restorations: who asked to see, for which reason, what was masked in a record."""

import sqlalchemy as sa
from alembic import op

from gnomon.kit.db import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "privacy_restoration",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("record_id", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("approval_id", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("reads", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_restoration")),
    )
    with op.batch_alter_table("privacy_restoration", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_privacy_restoration_asked_at"), ["asked_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_privacy_restoration_record_id"), ["record_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("privacy_restoration", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_privacy_restoration_record_id"))
        batch_op.drop_index(batch_op.f("ix_privacy_restoration_asked_at"))

    op.drop_table("privacy_restoration")
