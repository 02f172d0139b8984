"""The audit log, and when a revision of a service came to serve."""

import sqlalchemy as sa
from alembic import op

from moorage.storage.tables import UtcDateTime

revision = "0006"
down_revision = "0005"

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REFUSAL = "the audit log is only ever added to"


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", row_id, autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(600), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("origin", sa.String(255), nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_subject_id", "events", ["subject", "id"])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER events_no_{verb.lower()} BEFORE {verb} ON events "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION moorage_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
            "FOR EACH STATEMENT EXECUTE FUNCTION moorage_refuse_change()"
        )
    with op.batch_alter_table("service_revisions") as table:
        table.add_column(sa.Column("live_at", UtcDateTime))
        table.add_column(sa.Column("withdrawn_at", UtcDateTime))
    # Until now nobody noted it; those that never served are few, and gone after five more revisions.
    op.execute("UPDATE service_revisions SET live_at = created_at")
