"""The inbox as the pipelines see it: one table of the application's database, known by name.

Its rows are only ever added in the order of `id`, and `received_at` grows strictly with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Engine,
    LargeBinary,
    MetaData,
    Table,
    Text,
    create_engine,
    delete,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from pipelines.config import Settings
from pipelines.errors import ConfigurationError, NotConnectedError, PipelineError

BUSY_SECONDS = 20
DELETED_AT_ONCE = 500

DELIVERIES = Table(
    "inbox_deliveries",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("kind", Text),
    Column("received_at", DateTime(timezone=True)),
    Column("headers", JSON),
    Column("query", Text),
    Column("body", LargeBinary),
    Column("content_hash", Text),
)


class InboxError(PipelineError):
    """The application's database cannot be read."""


class StoredDelivery(NamedTuple):
    """One row of the inbox; `received_at` is UTC, header names are in lower case."""

    id: int
    kind: str
    received_at: datetime
    headers: dict[str, Any]
    query: str
    body: bytes
    content_hash: str


class Inbox:
    """Reads and prunes the inbox. Times in and out are aware UTC."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def after(self, last_id: int, limit: int) -> list[StoredDelivery]:
        """Return the next `limit` deliveries behind a number, oldest first."""
        statement = (
            select(DELIVERIES)
            .where(DELIVERIES.c.id > last_id)
            .order_by(DELIVERIES.c.id)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(statement).mappings().all()
        found = (StoredDelivery(**{str(name): row[name] for name in row}) for row in rows)
        return [delivery._replace(received_at=_utc(delivery.received_at)) for delivery in found]

    def holds(self, delivery_id: int, content_hash: str) -> bool:
        """Say whether this very delivery has that number."""
        statement = select(DELIVERIES.c.content_hash).where(DELIVERIES.c.id == delivery_id)
        with self._engine.connect() as connection:
            return connection.execute(statement).scalar() == content_hash

    def oldest_after(self, moment: datetime | None) -> datetime | None:
        """Return when the first delivery after a moment came (None: the first of all)."""
        statement = select(DELIVERIES.c.received_at).order_by(DELIVERIES.c.received_at).limit(1)
        if moment is not None:
            statement = statement.where(DELIVERIES.c.received_at > self._bound(moment))
        with self._engine.connect() as connection:
            found = connection.execute(statement).scalar()
        return None if found is None else _utc(found)

    def prune(self, before_id: int, received_before: datetime) -> int:
        """Delete deliveries that are older than both; return how many.

        A few at a time, so that nothing received meanwhile waits long for the database.
        """
        doomed = (
            select(DELIVERIES.c.id)
            .where(
                DELIVERIES.c.id < before_id,
                DELIVERIES.c.received_at < self._bound(received_before),
            )
            .order_by(DELIVERIES.c.id)
            .limit(DELETED_AT_ONCE)
        )
        deleted = 0
        while True:
            with self._engine.begin() as connection:
                count = connection.execute(
                    delete(DELIVERIES).where(DELIVERIES.c.id.in_(doomed))
                ).rowcount
            deleted += count
            if count < DELETED_AT_ONCE:
                return deleted

    def _bound(self, moment: datetime) -> datetime:
        """Return an aware UTC time as this engine compares it: SQLite holds naive ones."""
        return moment.replace(tzinfo=None) if self._engine.dialect.name == "sqlite" else moment


@contextmanager
def open_inbox(settings: Settings) -> Iterator[Inbox]:
    """Lend the inbox.

    Raises NotConnectedError while there is no table of deliveries, ConfigurationError for an
    address that cannot be used, InboxError when the database fails meanwhile.
    """
    address = settings.database_address
    try:
        url = make_url(address)
        is_sqlite = url.get_backend_name() == "sqlite"
        if is_sqlite and not Path(url.database or "").exists():
            raise _nothing_there()
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS} if is_sqlite else {})
    except (ArgumentError, ValueError, NoSuchModuleError, ModuleNotFoundError):
        raise ConfigurationError(
            "AUDIT_LOG_DATABASE_URL is no address of a database, or its driver is not installed.",
            "Use sqlite:////path/to/app.db or postgresql+psycopg://user:password@host/name.",
        ) from None
    try:
        if not inspect(engine).has_table(DELIVERIES.name):
            raise _nothing_there()
        yield Inbox(engine)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        raise InboxError(
            f"The application's database cannot be used: {reason}.",
            "Check AUDIT_LOG_DATABASE_URL, and that its server runs.",
        ) from error
    finally:
        engine.dispose()


def _nothing_there() -> NotConnectedError:
    return NotConnectedError(
        "Nothing has been received yet.",
        "Start `audit-log serve` with AUDIT_LOG_WEBHOOK_SECRET to receive webhooks.",
    )


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
