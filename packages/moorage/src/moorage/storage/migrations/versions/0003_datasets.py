"""Files of data stores, and data sets."""

import sqlalchemy as sa
from alembic import op

from moorage.storage.tables import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "datastore_files",
        sa.Column("datastore", sa.String(255), nullable=False),
        sa.Column("path", sa.String(2000), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("stored_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("datastore", "path", name="pk_datastore_files"),
        sa.ForeignKeyConstraint(["sha256"], ["blobs.sha256"], name="fk_datastore_files_sha256"),
    )
    op.create_index("ix_datastore_files_sha256", "datastore_files", ["sha256"])
    op.create_table(
        "dataset_names",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("last_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_dataset_names"),
    )
    op.create_table(
        "datasets",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(255)),
        sa.Column("version", sa.Integer),
        sa.Column("definition", sa.JSON, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_datasets"),
        sa.UniqueConstraint("name", "version", name="uq_datasets_name_version"),
        sa.ForeignKeyConstraint(["name"], ["dataset_names.name"], name="fk_datasets_name"),
    )
    op.create_table(
        "dataset_files",
        sa.Column("dataset_id", sa.String(36), nullable=False),
        sa.Column("path", sa.String(2000), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", "path", name="pk_dataset_files"),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name="fk_dataset_files_dataset_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["sha256"], ["blobs.sha256"], name="fk_dataset_files_sha256"),
    )
    op.create_index("ix_dataset_files_sha256", "dataset_files", ["sha256"])
