"""Stores deliveries: one thread writes, and one commit serves all who wait."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.dialects import postgresql, sqlite

from serve.db.migrate import migrate
from serve.db.models import InboxDelivery
from serve.errors import ProblemError, ServeError

MAX_BATCH = 256
MAX_WAITING = 2_000
RETRY_SECONDS = 5.0
INBOX_LOCK = 7_302_902
"""Number of the Postgres advisory lock under which rows are added."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is stored of one thing received; see `serve.db.models.InboxDelivery`."""

    kind: Literal["jira", "issue_view"]
    headers: dict[str, str]
    query: str
    body: bytes
    content_hash: str


@dataclass(frozen=True, slots=True)
class _Waiting:
    deliveries: Sequence[Delivery]
    stored: Future[int]


class InboxRepository:
    """Adds deliveries to the inbox from a thread of its own.

    A commit waits for the disk. Deliveries that come meanwhile wait together and share the next
    commit, so that many of them cost hardly more than one. `start` also brings the tables up to
    date; if the database cannot be used, reading goes on and senders are told to come again.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._write, name="inbox", daemon=True)
        self._is_migrated = False
        self._last_try = float("-inf")

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what waits, then end."""
        self._queue.put(None)
        self._thread.join()
        self._engine.dispose()

    def add(self, deliveries: Sequence[Delivery]) -> Future[int]:
        """Store deliveries, all or none; the result is how many of them were new.

        It comes once they are on the disk. ProblemError (503), here or as the result, if they
        cannot be stored.
        """
        waiting = _Waiting(deliveries, Future())
        try:
            self._queue.put_nowait(waiting)
        except queue.Full:
            raise ProblemError(
                "busy", "too many deliveries wait to be stored", "send it again in a moment"
            ) from None
        return waiting.stored

    def _write(self) -> None:
        with suppress(ProblemError):
            self._ensure_migrated()
        while (first := self._queue.get()) is not None:
            batch = [first]
            is_last = False
            while len(batch) < MAX_BATCH and not is_last:
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    is_last = True
                else:
                    batch.append(item)
            self._store(batch)
            if is_last:
                return

    def _store(self, batch: list[_Waiting]) -> None:
        try:
            self._ensure_migrated()
            with self._engine.begin() as connection:
                counts = _insert(connection, batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            if not isinstance(error, ProblemError):
                _log.error("the inbox cannot be written: %s", str(error).partition("\n")[0])
            for waiting in batch:
                waiting.stored.set_exception(_failing())
        else:
            for waiting, count in zip(batch, counts, strict=True):
                waiting.stored.set_result(count)

    def _ensure_migrated(self) -> None:
        """Bring the tables up to date, once. ProblemError while that fails; tried now and then."""
        if self._is_migrated:
            return
        if time.monotonic() - self._last_try >= RETRY_SECONDS:
            try:
                migrate(self._engine)
            except ServeError as error:
                _log.error("nothing can be received: %s", error)
            else:
                self._is_migrated = True
            self._last_try = time.monotonic()
        if not self._is_migrated:
            raise _failing()


def _insert(connection: Connection, batch: list[_Waiting]) -> list[int]:
    is_postgres = connection.dialect.name == "postgresql"
    if is_postgres:
        # Numbers are given out before commits: without this, a smaller one could appear later
        # than a larger one that the pipelines have already read past.
        connection.execute(text("select pg_advisory_xact_lock(:number)"), {"number": INBOX_LOCK})
    newest = connection.execute(
        select(InboxDelivery.received_at).order_by(InboxDelivery.id.desc()).limit(1)
    ).scalar()
    insert: Any = postgresql.insert if is_postgres else sqlite.insert
    statement = (
        insert(InboxDelivery)
        .on_conflict_do_nothing(index_elements=["kind", "content_hash"])
        .returning(InboxDelivery.id)
    )
    counts = []
    for waiting in batch:
        count = 0
        for delivery in waiting.deliveries:
            received_at = datetime.now(UTC)
            if newest is not None and received_at <= newest:
                received_at = newest + timedelta(microseconds=1)
            values = {
                "kind": delivery.kind,
                "received_at": received_at,
                "headers": delivery.headers,
                "query": delivery.query,
                "body": delivery.body,
                "content_hash": delivery.content_hash,
            }
            if connection.execute(statement, values).scalar() is not None:
                newest = received_at
                count += 1
        counts.append(count)
    return counts


def _failing() -> ProblemError:
    return ProblemError(
        "inbox-failing",
        "the inbox cannot be written, as the log of serve says",
        "send it again later; nothing was stored",
    )
