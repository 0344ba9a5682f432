"""How many surrogates stand in the masked side of a trial."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("evaluation_masking", schema=None) as batch_op:
        batch_op.add_column(sa.Column("surrogates", sa.JSON(), server_default="{}", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("evaluation_masking", schema=None) as batch_op:
        batch_op.drop_column("surrogates")
