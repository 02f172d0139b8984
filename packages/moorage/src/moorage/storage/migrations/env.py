"""Run by Alembic: the connection comes from the caller, who owns the transaction."""

from alembic import context

from moorage.storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # SQLite changes tables inside a transaction as well; Alembic assumes it does not.
    transactional_ddl=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
