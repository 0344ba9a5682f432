"""How gateways reach model servers."""

import sqlalchemy as sa
from alembic import op

from gnomon.kit.db import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deployments_upstream",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("ca", sa.String(), nullable=False),
        sa.Column("server_name", sa.String(), nullable=False),
        sa.Column("http_host", sa.String(), nullable=False),
        sa.Column("connect_timeout_s", sa.Double(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("secret_set_at", UtcDateTime(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments_upstream")),
    )


def downgrade() -> None:
    op.drop_table("deployments_upstream")
