"""The tables of the application's database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# Constraints need names that are the same on every engine, or no migration could change them.
NAMING = {
    "ix": "ix_%(table_name)s__%(column_0_N_name)s",
    "uq": "uq_%(table_name)s__%(column_0_N_name)s",
    "ck": "ck_%(table_name)s__%(constraint_name)s",
    "fk": "fk_%(table_name)s__%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; engines without time zones (SQLite) store it naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Refuse naive times, which could mean anything."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Give the stored time its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Model(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMING)


class InboxDelivery(Model):
    """One thing that somebody sent us, as it came; the pipelines read and later delete it.

    Rows are only ever added, in the order of `id`, and `received_at` grows strictly with it: who
    has read up to one row has read everything before it. `content_hash` tells a repeated delivery.
    """

    __tablename__ = "inbox_deliveries"
    __table_args__ = (
        UniqueConstraint("kind", "content_hash"),
        Index(None, "received_at"),
        # Without it SQLite would give the number of a deleted newest row to the next one.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    kind: Mapped[str] = mapped_column(Text)
    """`jira`: a webhook; `issue_view`: a view of an issue."""
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    headers: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The few headers that mean something, names in lower case."""
    query: Mapped[str] = mapped_column(Text)
    """The query string as it was sent."""
    body: Mapped[bytes] = mapped_column(LargeBinary)
    content_hash: Mapped[str] = mapped_column(Text)
    """SHA-256 (hex) of the canonical content."""
