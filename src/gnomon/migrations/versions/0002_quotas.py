"""Quotas of keys, teams and models."""

import sqlalchemy as sa
from alembic import op

from gnomon.kit.db import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_quota",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("requests_per_second", sa.Integer(), nullable=False),
        sa.Column("requests_per_minute", sa.Integer(), nullable=False),
        sa.Column("tokens_per_minute", sa.Integer(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("tokens_per_day", sa.Integer(), nullable=False),
        sa.Column("cost_per_day", sa.Double(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_quota")),
    )
    with op.batch_alter_table("access_quota", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_quota_value"), ["value"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("access_quota", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_access_quota_value"))

    op.drop_table("access_quota")
