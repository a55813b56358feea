"""What Alembic runs for every command: our connection, our models, one transaction around all."""

from alembic import context

from serve.db.models import Model

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Model.metadata,
    # SQLite can do DDL in a transaction; Alembic does not rely on it unless told to.
    transactional_ddl=True,
    # On SQLite a column can only be changed by making the table anew.
    render_as_batch=True,
)
context.run_migrations()
