"""All tables, as they are after the last migration. Portable: SQLite and PostgreSQL.

Sizes are bytes, times are aware UTC, digests are 64 lower-case hexadecimal digits.
"""

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time. SQLite keeps no time zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return None if value is None else value.astimezone(timezone.utc)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        aware: datetime = value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value
        return aware.astimezone(timezone.utc)


# SQLite gives row ids only to columns whose type is exactly INTEGER; PostgreSQL gets 64 bits.
RowId = BigInteger().with_variant(Integer(), "sqlite")

# One row per file content. The bytes are in the blob store, under this digest.
blobs = Table(
    "blobs",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("stored_at", UtcDateTime, nullable=False),
    Index(None, "size_bytes"),
)

# One row per model name that was ever used. It outlives the versions, so a number is never given twice.
model_names = Table(
    "model_names",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("last_version", Integer, nullable=False),
)

models = Table(
    "models",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name", String(255), ForeignKey("model_names.name"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("description", Text),
    Column("framework", String(255)),
    Column("framework_version", String(255)),
    Column("cpu_cores", Float),
    Column("memory_gb", Float),
    Column("gpu_count", Integer),
    Column("run_id", String(255)),
    Column("experiment_name", String(255)),
    Column("sample_input_dataset_id", String(255)),
    Column("sample_output_dataset_id", String(255)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("libraries", JSON, nullable=False),
    UniqueConstraint("name", "version"),
    Index(None, "name", "id"),
    Index(None, "run_id"),
    # The highest id is never given again, not even after it was deleted: pages stay stable.
    sqlite_autoincrement=True,
)

model_files = Table(
    "model_files",
    metadata,
    Column("model_id", RowId, ForeignKey("models.id", ondelete="CASCADE"), primary_key=True),
    # PostgreSQL indexes at most 2700 bytes.
    Column("path", String(2000), primary_key=True),
    Column("sha256", String(64), ForeignKey("blobs.sha256"), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Index(None, "sha256"),
)

model_tags = Table(
    "model_tags",
    metadata,
    Column("model_id", RowId, ForeignKey("models.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("value", Text, nullable=False),
    Index(None, "key", "model_id"),
)

model_properties = Table(
    "model_properties",
    metadata,
    Column("model_id", RowId, ForeignKey("models.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("value", Text, nullable=False),
    Index(None, "key", "model_id"),
)

# Which service uses which model version. Whoever deploys writes it in the transaction that makes the service;
# the foreign key is what refuses to delete a model in use, also against a deployment at the same moment.
service_models = Table(
    "service_models",
    metadata,
    Column("service_name", String(255), primary_key=True),
    Column("model_name", String(255), primary_key=True),
    Column("model_version", Integer, primary_key=True),
    ForeignKeyConstraint(["model_name", "model_version"], ["models.name", "models.version"]),
    Index(None, "model_name", "model_version"),
)

# One row per environment name: the last number that was given as a version.
environment_names = Table(
    "environment_names",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("last_version", Integer, nullable=False),
)

# ``version`` is a text: old definitions bring their own. ``digest``: of the document without the version.
environments = Table(
    "environments",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name", String(255), nullable=False),
    Column("version", String(255), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("document", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(255), nullable=False),
    UniqueConstraint("name", "version"),
    Index(None, "name", "digest"),
    sqlite_autoincrement=True,
)

# What a service should be; what it is, its target is asked. ``wanted_revision`` is being brought up,
# ``live_revision`` is the last one that was; they differ while an operation runs, or when it was cut short.
services = Table(
    "services",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("target", String(32), nullable=False),
    Column("description", Text),
    Column("tags", JSON, nullable=False),
    Column("properties", JSON, nullable=False),
    Column("host", String(255)),
    Column("port", Integer),
    Column("last_revision", Integer, nullable=False),
    Column("wanted_revision", Integer),
    Column("live_revision", Integer),
    Column("error", JSON),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("created_by", String(255), nullable=False),
)

# The definition of each kept revision: the configurations as given, with absolute paths, and model ids.
service_revisions = Table(
    "service_revisions",
    metadata,
    Column("service_name", String(255), ForeignKey("services.name", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("definition", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(255), nullable=False),
    # When it last came to serve, when a rollback left it, and why it does not serve: stage and message.
    Column("live_at", UtcDateTime),
    Column("withdrawn_at", UtcDateTime),
    Column("fault", JSON(none_as_null=True)),
)

# What was changed, by whom, from where. Written in the transaction of the change; triggers keep it as it is.
events = Table(
    "events",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject", String(600), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("origin", String(255), nullable=False),
    Column("details", JSON, nullable=False),
    Index(None, "subject", "id"),
    sqlite_autoincrement=True,
)

# Files that users keep beside models. ``datastore``: a name that old code knows the place by.
datastore_files = Table(
    "datastore_files",
    metadata,
    Column("datastore", String(255), primary_key=True),
    Column("path", String(2000), primary_key=True),
    Column("sha256", String(64), ForeignKey("blobs.sha256"), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("stored_at", UtcDateTime, nullable=False),
    Index(None, "sha256"),
)

# One row per data set name that was ever used, like ``model_names``.
dataset_names = Table(
    "dataset_names",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("last_version", Integer, nullable=False),
)

# ``definition``: how the files are read. A data set that was only saved has neither name nor version.
datasets = Table(
    "datasets",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(255), ForeignKey("dataset_names.name")),
    Column("version", Integer),
    Column("definition", JSON, nullable=False),
    Column("description", Text),
    Column("tags", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(255), nullable=False),
    UniqueConstraint("name", "version"),
)

dataset_files = Table(
    "dataset_files",
    metadata,
    Column("dataset_id", String(36), ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True),
    Column("path", String(2000), primary_key=True),
    Column("sha256", String(64), ForeignKey("blobs.sha256"), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Index(None, "sha256"),
)

# Which data sets a model was made with; ``purpose``: such as "training".
model_datasets = Table(
    "model_datasets",
    metadata,
    Column("model_id", RowId, ForeignKey("models.id", ondelete="CASCADE"), primary_key=True),
    Column("purpose", String(255), primary_key=True),
    Column("dataset_id", String(36), ForeignKey("datasets.id"), primary_key=True),
    Index(None, "dataset_id"),
)

# Keys of services and of tokens, each sealed with the workspace's key file, which is not in the database.
secrets = Table(
    "secrets",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

# The newest measurement of each name; ``document``: all of it.
profiles = Table(
    "profiles",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("document", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(255), nullable=False),
)
