"""Answers that were worked out for one published snapshot, kept to be given again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import NamedTuple

from cachetools import LRUCache

from serve.query.visibility import Viewer

# What Python and the cache themselves hold for an answer, roughly.
_OVERHEAD_BYTES = 600


class Asked(NamedTuple):
    """All that an answer depends on besides its snapshot: who asks, and for what address."""

    viewer: Viewer
    path: str
    query: bytes


class _Kept(NamedTuple):
    body: bytes
    size: int


class Answers:
    """The bodies of answers by what was asked; those asked for longest ago are forgotten first.

    What is asked again while it is being worked out waits for the first one. Safe for many threads
    and event loops. It belongs to the time in which one snapshot is the current one: whoever
    publishes begins with an empty one, so nothing has to be taken back.
    """

    def __init__(self, most_bytes: int) -> None:
        """Keep answers of at most `most_bytes` together, their questions included."""
        self._lock = threading.Lock()
        self._kept: LRUCache[Asked, _Kept] = LRUCache(most_bytes, getsizeof=lambda one: one.size)
        self._underway: dict[Asked, Future[None]] = {}

    @property
    def size(self) -> int:
        """Bytes that are held."""
        return int(self._kept.currsize)

    def known(self, asked: Asked) -> bytes | None:
        """Return the body of the answer; None: it is not kept."""
        with self._lock:
            kept = self._kept.get(asked)
        return None if kept is None else kept.body

    async def have_come(self, asked: Asked) -> bool:
        """Wait for the answer if somebody is working it out; False: nobody was.

        It is not `known` after that if whoever worked it out failed: each one who waited finds out
        by itself.
        """
        with self._lock:
            underway = self._underway.get(asked)
        if underway is None:
            return False
        # The work is not given up when one of those who wait is.
        await asyncio.shield(asyncio.wrap_future(underway))
        return True

    @contextmanager
    def working_out(self, asked: Asked) -> Iterator[Callable[[bytes], None]]:
        """Let others wait while the block works an answer out; it may give the body to be kept."""
        work: Future[None] = Future()
        with self._lock:
            is_first = self._underway.setdefault(asked, work) is work
        try:
            yield lambda body: self._keep(asked, body)
        finally:
            if is_first:
                with self._lock:
                    del self._underway[asked]
                work.set_result(None)

    def _keep(self, asked: Asked, body: bytes) -> None:
        size = len(body) + len(asked.path) + len(asked.query) + _OVERHEAD_BYTES
        with self._lock:
            if size <= self._kept.maxsize:
                self._kept[asked] = _Kept(body, size)
