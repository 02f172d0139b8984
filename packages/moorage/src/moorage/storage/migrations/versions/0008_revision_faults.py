"""Why a revision does not serve: it failed, was taken back, or was rolled back."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    with op.batch_alter_table("service_revisions") as table:
        table.add_column(sa.Column("fault", sa.JSON(none_as_null=True)))
