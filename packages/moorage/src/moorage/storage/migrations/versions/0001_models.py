"""Models, their files, and which service uses them."""

import sqlalchemy as sa
from alembic import op

from moorage.storage.tables import UtcDateTime

revision = "0001"
down_revision = None

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("stored_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_blobs"),
    )
    op.create_index("ix_blobs_size_bytes", "blobs", ["size_bytes"])
    op.create_table(
        "model_names",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("last_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_model_names"),
    )
    op.create_table(
        "models",
        sa.Column("id", row_id, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("framework", sa.String(255)),
        sa.Column("framework_version", sa.String(255)),
        sa.Column("cpu_cores", sa.Float),
        sa.Column("memory_gb", sa.Float),
        sa.Column("gpu_count", sa.Integer),
        sa.Column("run_id", sa.String(255)),
        sa.Column("experiment_name", sa.String(255)),
        sa.Column("sample_input_dataset_id", sa.String(255)),
        sa.Column("sample_output_dataset_id", sa.String(255)),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.Column("libraries", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_models"),
        sa.UniqueConstraint("name", "version", name="uq_models_name_version"),
        sa.ForeignKeyConstraint(["name"], ["model_names.name"], name="fk_models_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_models_name_id", "models", ["name", "id"])
    op.create_index("ix_models_run_id", "models", ["run_id"])
    op.create_table(
        "model_files",
        sa.Column("model_id", row_id, nullable=False),
        sa.Column("path", sa.String(2000), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("model_id", "path", name="pk_model_files"),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name="fk_model_files_model_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["sha256"], ["blobs.sha256"], name="fk_model_files_sha256"),
    )
    op.create_index("ix_model_files_sha256", "model_files", ["sha256"])
    for table in ("model_tags", "model_properties"):
        op.create_table(
            table,
            sa.Column("model_id", row_id, nullable=False),
            sa.Column("key", sa.String(255), nullable=False),
            sa.Column("value", sa.Text, nullable=False),
            sa.PrimaryKeyConstraint("model_id", "key", name=f"pk_{table}"),
            sa.ForeignKeyConstraint(
                ["model_id"], ["models.id"], name=f"fk_{table}_model_id", ondelete="CASCADE"
            ),
        )
        op.create_index(f"ix_{table}_key_model_id", table, ["key", "model_id"])
    op.create_table(
        "service_models",
        sa.Column("service_name", sa.String(255), nullable=False),
        sa.Column("model_name", sa.String(255), nullable=False),
        sa.Column("model_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("service_name", "model_name", "model_version", name="pk_service_models"),
        sa.ForeignKeyConstraint(
            ["model_name", "model_version"],
            ["models.name", "models.version"],
            name="fk_service_models_model_name_model_version",
        ),
    )
    op.create_index(
        "ix_service_models_model_name_model_version", "service_models", ["model_name", "model_version"]
    )
