"""The published snapshots: which one is current, which ones are in use, and when to let go."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from serve.config import ServeSettings
from serve.errors import ProblemError
from serve.warehouse.answers import Answers
from serve.warehouse.snapshot import Snapshot, SnapshotError
from serve.warehouse.turns import QuestionTurns, Turns

_POINTER_BYTES = 100
_POINTER = re.compile(rb"snapshots/([0-9A-HJKMNP-TV-Z]{26})\.duckdb\n?")

# Older snapshots kept open for cursors between two pages; publishing keeps three files.
_IDLE_OLD_SNAPSHOTS = 2

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Handle:
    snapshot: Snapshot
    users: int = 0


class _Current(NamedTuple):
    """Both at once, so that nobody sees the one without the other."""

    id: str
    answers: Answers


class Warehouse:
    """Hands out snapshots; a snapshot stays open while anyone uses it, whatever is published."""

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self._home: Path = settings.home
        self._pointer = os.fspath(settings.home / "CURRENT")
        self._lock = threading.Lock()
        self._handles: dict[str, _Handle] = {}
        self._current: _Current | None = None
        self._broken: str | None = None
        self._fault = ""
        self._turns = Turns(settings.queries_at_once)
        self._question_turns = QuestionTurns(settings.queries_at_once)

    def published_id(self) -> str | None:
        """Return the id that the pointer names; None before the first publish."""
        # Every request asks for it, so it is read with as little ado as possible.
        try:
            file = os.open(self._pointer, os.O_RDONLY)
        except OSError:
            return None
        try:
            pointer = os.read(file, _POINTER_BYTES)
        except OSError:
            return None
        finally:
            os.close(file)
        match = _POINTER.fullmatch(pointer)
        return match[1].decode() if match else None

    @property
    def answers(self) -> Answers | None:
        """The answers kept of the current snapshot; None if it is not open yet.

        Never waits. What is leased from now on is the snapshot of these answers, or a later one
        that has answers of its own: these are given to nobody then.
        """
        published, current = self.published_id(), self._current
        if current is None or published not in (current.id, self._broken):
            return None
        return current.answers

    def turn_of_question(self) -> AbstractAsyncContextManager[None]:
        """Wait for the turn of a question, and have it until the block ends.

        ProblemError (503) if none comes in the time of a query.
        """
        return self._question_turns.take(self._settings.query_seconds)

    def open_current(self) -> None:
        """Open the current snapshot if it is not; if there is none, who leases it is told."""
        with suppress(ProblemError), self.lease():
            pass

    @contextmanager
    def lease(self, snapshot_id: str | None = None) -> Iterator[Snapshot]:
        """Lend the current snapshot, or the one a cursor is pinned to, until the block ends.

        ProblemError: nothing is published (503), or the pinned snapshot has been replaced (410).
        """
        with self._lock:
            handle = self._current_handle() if snapshot_id is None else self._pinned(snapshot_id)
            handle.users += 1
        try:
            yield handle.snapshot
        finally:
            with self._lock:
                handle.users -= 1
                self._close_idle()

    def close(self) -> None:
        """Close every snapshot; for the end of the process."""
        with self._lock:
            for handle in self._handles.values():
                handle.snapshot.close()
            self._handles.clear()
            self._current = None

    def _current_handle(self) -> _Handle:
        published = self.published_id()
        if published is not None and published not in (self._current_id, self._broken):
            try:
                self._open(published)
                self._current = _Current(published, Answers(self._settings.answer_bytes))
            except SnapshotError as error:
                # Asking again would open it again for every request; the next publish helps.
                self._broken, self._fault = published, str(error)
                _log.error("snapshot %s cannot be opened: %s", published, error)
        if self._current is None:
            cause = (
                f"snapshot {published} cannot be opened: {self._fault}"
                if published
                else "nothing has been published yet"
            )
            raise ProblemError(
                "no-snapshot", cause, "run `audit-log run`; it syncs, builds and publishes"
            )
        return self._handles[self._current.id]

    @property
    def _current_id(self) -> str | None:
        return self._current.id if self._current else None

    def _pinned(self, snapshot_id: str) -> _Handle:
        try:
            if self._path(snapshot_id).exists():
                return self._open(snapshot_id)
        except SnapshotError:
            _log.exception("pinned snapshot %s cannot be opened", snapshot_id)
        raise ProblemError(
            "snapshot-gone",
            "the snapshot of this cursor has been replaced by newer ones",
            "start again without cursor",
        )

    def _open(self, snapshot_id: str) -> _Handle:
        if snapshot_id not in self._handles:
            snapshot = Snapshot(snapshot_id, self._path(snapshot_id), self._settings, self._turns)
            self._handles[snapshot_id] = _Handle(snapshot)
        return self._handles[snapshot_id]

    def _path(self, snapshot_id: str) -> Path:
        return self._home / "snapshots" / f"{snapshot_id}.duckdb"

    def _close_idle(self) -> None:
        """Close what nobody uses: deleted files at once, other old ones beyond the newest few."""
        idle = [
            handle.snapshot
            for handle in self._handles.values()
            if handle.users == 0 and handle.snapshot.id != self._current_id
        ]
        present = sorted((s.id for s in idle if s.path.exists()), reverse=True)
        for snapshot in idle:
            if snapshot.id not in present[:_IDLE_OLD_SNAPSHOTS]:
                del self._handles[snapshot.id]
                snapshot.close()
