"""Bring the application's database up to this version's tables.

All steps run in one transaction that holds a lock: whoever starts second waits and finds nothing to
do, and a process killed half-way leaves the database as it was.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from serve.errors import ServeError

MIGRATION_LOCK = 7_302_901
"""Number of the Postgres advisory lock; any constant nobody else uses in this database."""


def migrate(engine: Engine) -> None:
    """Apply all migrations that the database does not have yet.

    ServeError when it cannot be reached, or was written by a newer version.
    """
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(
                    text("select pg_advisory_xact_lock(:number)"), {"number": MIGRATION_LOCK}
                )
            _upgrade(connection)
    except CommandError as error:
        raise ServeError(
            f"the application's database does not fit this version ({error})",
            "start the newer version that wrote it, or set AUDIT_LOG_DATABASE_URL to another one",
        ) from None
    except DBAPIError as error:
        raise ServeError(
            f"the application's database cannot be used ({_first_line(error)})",
            "check AUDIT_LOG_DATABASE_URL, the server it names, and the free space of the disk",
        ) from None


def configuration(connection: Connection) -> Config:
    """Return Alembic's configuration for one open transaction; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", "serve:db/migrations")
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    command.upgrade(configuration(connection), "head")


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).partition("\n")[0]
