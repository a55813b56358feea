"""Ends queries that run over their time: one thread for all of them, asleep nearly always."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

# An interrupt that comes before the query has begun, or between two batches of it, is lost.
INTERRUPT_AGAIN_SECONDS = 0.1


class Deadlines:
    """The times at which the queries that are running have to end; safe for many threads."""

    def __init__(self) -> None:
        """Begin without a thread: it comes with the first query."""
        self._changed = threading.Condition()
        self._due: dict[int, tuple[float, duckdb.DuckDBPyConnection]] = {}
        self._numbers = itertools.count()
        self._wakes_at = math.inf
        self._is_closed = False
        self._watcher: threading.Thread | None = None

    @contextmanager
    def end_after(self, cursor: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
        """Interrupt whatever `cursor` runs `seconds` from now, and again until the block ends."""
        due = time.monotonic() + seconds
        with self._changed:
            number = next(self._numbers)
            self._due[number] = (due, cursor)
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._watcher.start()
            elif due < self._wakes_at:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                del self._due[number]

    def close(self) -> None:
        """Wait until the thread has ended; queries that still run are not interrupted any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
            watcher = self._watcher
        if watcher is not None:
            watcher.join()  # at once: it only ever sleeps, or asks queries to end

    def _watch(self) -> None:
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                self._wakes_at = self._interrupt_what_is_due(now)
                # It sleeps on when a query ends, so that most queries do not wake it.
                self._changed.wait(None if math.isinf(self._wakes_at) else self._wakes_at - now)

    def _interrupt_what_is_due(self, now: float) -> float:
        """Return when to look again; a method of its own, so that a sleeper holds no cursor."""
        for number, (due, cursor) in self._due.items():
            if due <= now:
                interrupt(cursor)
                self._due[number] = (now + INTERRUPT_AGAIN_SECONDS, cursor)
        return min((due for due, _ in self._due.values()), default=math.inf)


def interrupt(cursor: duckdb.DuckDBPyConnection) -> None:
    """Ask whatever `cursor` runs to end."""
    with suppress(duckdb.Error):  # the query may end in this very moment
        cursor.interrupt()
