"""Which data sets a model was made with."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "model_datasets",
        sa.Column("model_id", row_id, nullable=False),
        sa.Column("purpose", sa.String(255), nullable=False),
        sa.Column("dataset_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("model_id", "purpose", "dataset_id", name="pk_model_datasets"),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name="fk_model_datasets_model_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_model_datasets_dataset_id"),
    )
    op.create_index("ix_model_datasets_dataset_id", "model_datasets", ["dataset_id"])
