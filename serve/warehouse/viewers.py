"""The rights of viewers in one open snapshot: worked out beside the questions, kept for a while."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

from cachetools import LRUCache

from serve.errors import ProblemError
from serve.query.rights import Ask, Policy, resolve
from serve.query.visibility import Rights, Viewer

# Viewers whose tables stay in memory although nobody asks for them at the moment.
KEPT = 32


class _Schema(str):
    """Name of a schema in memory; when no `Rights` holds it any more, the schema can go."""

    __slots__ = ("__weakref__",)


class ViewersRights:
    """Works out what viewers may see, one at a time, and keeps what was asked for last.

    It is not a question, so the time limit of questions does not end it: who waits too long is told
    to ask again, and the work goes on.
    """

    def __init__(self, database: str, policy: Policy, ask: Ask, patience: float) -> None:
        """Keep tables in `database`, an empty one in memory; wait `patience` seconds for rights."""
        self._database = database
        self._policy = policy
        self._ask = ask
        self._patience = patience
        self._lock = threading.Lock()
        self._kept: LRUCache[Viewer, Rights] = LRUCache(KEPT)
        self._coming: dict[Viewer, Future[Rights]] = {}
        # Filled whenever the garbage collector likes, in whatever thread: only appended to there.
        self._unused: deque[str] = deque()
        self._numbers = itertools.count()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rights")

    def of(self, viewer: Viewer) -> Rights:
        """Return the rights of `viewer`; ProblemError 503 if they take longer than one may wait."""
        with self._lock:
            if viewer in self._kept:
                return self._kept[viewer]
            if viewer not in self._coming:
                self._coming[viewer] = self._worker.submit(self._work_out, viewer)
            coming = self._coming[viewer]
        try:
            return coming.result(self._patience)
        except TimeoutError:
            raise ProblemError(
                "busy",
                "what the viewer may see in the newest snapshot is still being worked out",
                "ask again in a moment: the work goes on",
            ) from None

    def close(self) -> None:
        """Begin nothing any more, and wait until the work at hand has ended."""
        self._worker.shutdown(cancel_futures=True)

    def _work_out(self, viewer: Viewer) -> Rights:
        try:
            self._drop_unused()
            rights = self._resolve(viewer)
        except BaseException:
            with self._lock:
                del self._coming[viewer]  # the next question tries again
            raise
        with self._lock:
            del self._coming[viewer]
            self._kept[viewer] = rights
        return rights

    def _resolve(self, viewer: Viewer) -> Rights:
        # A number is never used twice: whoever remembers a name of old finds nothing.
        schema = _Schema(f"{self._database}.viewer_{next(self._numbers)}")
        try:
            self._ask(f"create schema {schema}", {})
            rights = resolve(viewer, self._policy, schema, self._ask)
        except BaseException:
            self._unused.append(schema)
            raise
        weakref.finalize(schema, self._unused.append, str(schema))
        return rights

    def _drop_unused(self) -> None:
        while self._unused:
            self._ask(f"drop schema if exists {self._unused[0]} cascade", {})
            self._unused.popleft()
