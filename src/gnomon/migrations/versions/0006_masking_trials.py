"""Masking trials: a suite asked as it is and masked, and what masking cost."""

import sqlalchemy as sa
from alembic import op

from gnomon.kit.db import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evaluation_masking",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("suite_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("target_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("policy_id", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("mask_purpose", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("raw_run", sa.String(), nullable=False),
        sa.Column("masked_run", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("threshold", sa.JSON(), nullable=False),
        sa.Column("changed", sa.JSON(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("blocked", sa.Integer(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("evidence_id", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_masking")),
    )
    with op.batch_alter_table("evaluation_masking", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evaluation_masking_masked_run"), ["masked_run"], unique=False)
        batch_op.create_index(batch_op.f("ix_evaluation_masking_raw_run"), ["raw_run"], unique=False)
        batch_op.create_index(batch_op.f("ix_evaluation_masking_requested_at"), ["requested_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_evaluation_masking_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_evaluation_masking_suite_id"), ["suite_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_evaluation_masking_version_id"), ["version_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("evaluation_masking", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evaluation_masking_version_id"))
        batch_op.drop_index(batch_op.f("ix_evaluation_masking_suite_id"))
        batch_op.drop_index(batch_op.f("ix_evaluation_masking_state"))
        batch_op.drop_index(batch_op.f("ix_evaluation_masking_requested_at"))
        batch_op.drop_index(batch_op.f("ix_evaluation_masking_raw_run"))
        batch_op.drop_index(batch_op.f("ix_evaluation_masking_masked_run"))

    op.drop_table("evaluation_masking")
