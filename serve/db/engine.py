"""Connections to the application's database, on SQLite or Postgres.

SQLite: a write-ahead log, so that readers and the one writer never wait for each other; a commit
returns after the log is on the disk (`synchronous=FULL`); a transaction takes the write lock when
it begins, because one that takes it later can find that it read something old.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from serve.errors import ServeError

DATABASE_NAME = "app.db"
BUSY_SECONDS = 20
_ENGINES = ("sqlite", "postgresql")


def database_address(home: Path, url: str | None) -> URL:
    """Return the address of the database: `url`, else the SQLite file in `home`.

    ServeError when it is no address of SQLite or Postgres.
    """
    if not url:
        return URL.create("sqlite", database=str((home / DATABASE_NAME).absolute()))
    remedy = (
        "use sqlite:////path/to/app.db or postgresql+psycopg://user:password@host/name, "
        "or leave it unset"
    )
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise ServeError("AUDIT_LOG_DATABASE_URL is not a database address", remedy) from None
    if address.get_backend_name() not in _ENGINES:
        raise ServeError(
            f"AUDIT_LOG_DATABASE_URL names the engine {address.get_backend_name()!r}", remedy
        )
    if address.get_backend_name() == "sqlite" and address.database in {None, "", ":memory:"}:
        raise ServeError("AUDIT_LOG_DATABASE_URL names no file", remedy)
    return address


def open_engine(address: URL) -> Engine:
    """Return an engine for `address`; connects when it is first used.

    ServeError when the driver is not installed or the file cannot be made.
    """
    try:
        if address.get_backend_name() == "sqlite":
            return _open_sqlite(address)
        return create_engine(address, pool_pre_ping=True)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise ServeError(
            f"there is no driver for {address.drivername}",
            "install psycopg (`pip install 'psycopg[binary]'`) "
            "and write the address as postgresql+psycopg://…",
        ) from None
    except OSError as error:
        raise ServeError(
            f"{address.database} cannot be made ({error.strerror})",
            "give this user the right to write there, or set AUDIT_LOG_DATABASE_URL",
        ) from None


def _open_sqlite(address: URL) -> Engine:
    path = Path(str(address.database))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite gives its side files the mode of this one.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    engine = create_engine(address, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    raw: Any = connection
    raw.isolation_level = None  # or the driver would begin transactions of its own, deferred
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        raw.execute(f"PRAGMA {pragma}")
