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
        self._underway: dict[Asked, Future[bytes | None]] = {}

    @property
    def size(self) -> int:
        """Bytes that are held."""
        return int(self._kept.currsize)

    def known(self, asked: Asked) -> bytes | None:
        """Return the body of the answer; None: it is not kept."""
        with self._lock:
            kept = self._kept.get(asked)
        return None if kept is None else kept.body

    async def coming(self, asked: Asked) -> bytes | None:
        """Return the body if somebody is working it out, after waiting for it; None: nobody is.

        Raises what whoever works it out raises: the same question would fail in the same way.
        """
        with self._lock:
            underway = self._underway.get(asked)
        if underway is None:
            return None
        # The work is not given up when one of those who wait is.
        return await asyncio.shield(asyncio.wrap_future(underway))

    @contextmanager
    def working_out(self, asked: Asked) -> Iterator[Callable[[bytes], None]]:
        """Let others wait while the block works an answer out; it may give the body to be kept.

        Those who wait get this body, also one that is too large to be kept.
        """
        work: Future[bytes | None] = Future()
        given: list[bytes] = []
        with self._lock:
            is_first = self._underway.setdefault(asked, work) is work
        try:
            yield given.append
        except Exception as error:
            work.set_exception(error)
            raise
        finally:
            if given:
                self._keep(asked, given[-1])
            if is_first:
                with self._lock:
                    del self._underway[asked]
            if not work.done():
                work.set_result(given[-1] if given else None)

    def _keep(self, asked: Asked, body: bytes) -> None:
        size = len(body) + len(asked.path) + len(asked.query) + _OVERHEAD_BYTES
        with self._lock:
            if size <= self._kept.maxsize:
                self._kept[asked] = _Kept(body, size)
