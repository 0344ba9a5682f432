"""Bans with grades, review and proposals; appeals against them."""

import sqlalchemy as sa
from alembic import op

from gnomon.kit.db import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_appeal",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("ban_id", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_appeal")),
    )
    with op.batch_alter_table("access_appeal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_appeal_ban_id"), ["ban_id"], unique=False)

    with op.batch_alter_table("access_ban", schema=None) as batch_op:
        batch_op.add_column(sa.Column("grade", sa.String(), server_default="ban", nullable=False))
        batch_op.add_column(sa.Column("per_minute", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("held_until", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("review_by", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("evidence_id", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("imposed_by", sa.String(), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("access_ban", schema=None) as batch_op:
        batch_op.drop_column("imposed_by")
        batch_op.drop_column("evidence_id")
        batch_op.drop_column("review_by")
        batch_op.drop_column("held_until")
        batch_op.drop_column("per_minute")
        batch_op.drop_column("grade")

    with op.batch_alter_table("access_appeal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_access_appeal_ban_id"))

    op.drop_table("access_appeal")
