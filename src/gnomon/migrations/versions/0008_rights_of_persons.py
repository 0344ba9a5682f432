"""Rights of persons: requests, and the index of keyed tokens."""

import sqlalchemy as sa
from alembic import op

from gnomon.kit.db import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "privacy_person_place",
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("holder", "ref", "token", name=op.f("pk_privacy_person_place")),
    )
    with op.batch_alter_table("privacy_person_place", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_privacy_person_place_token"), ["token"], unique=False)

    op.create_table(
        "privacy_person_scan",
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("holder", "ref", name=op.f("pk_privacy_person_scan")),
    )
    op.create_table(
        "privacy_rights_request",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("wants", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("subject_digest", sa.String(), nullable=False),
        sa.Column("entities", sa.JSON(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("identity", sa.JSON(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("package", sa.JSON(), nullable=False),
        sa.Column("approval_id", sa.String(), nullable=False),
        sa.Column("outcome", sa.JSON(), nullable=False),
        sa.Column("evidence_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_rights_request")),
        sa.UniqueConstraint("number", name=op.f("uq_privacy_rights_request_number")),
    )
    with op.batch_alter_table("privacy_rights_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_privacy_rights_request_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_privacy_rights_request_opened_at"), ["opened_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_privacy_rights_request_state"), ["state"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("privacy_rights_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_privacy_rights_request_state"))
        batch_op.drop_index(batch_op.f("ix_privacy_rights_request_opened_at"))
        batch_op.drop_index(batch_op.f("ix_privacy_rights_request_due_at"))

    op.drop_table("privacy_rights_request")
    op.drop_table("privacy_person_scan")
    with op.batch_alter_table("privacy_person_place", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_privacy_person_place_token"))

    op.drop_table("privacy_person_place")
