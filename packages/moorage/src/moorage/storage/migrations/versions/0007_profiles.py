"""Measurements of services before they are deployed."""

import sqlalchemy as sa
from alembic import op

from moorage.storage.tables import UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "profiles",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_profiles"),
    )
