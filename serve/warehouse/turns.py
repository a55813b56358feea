"""Whose turn it is: that of who has waited longest."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio
from anyio.lowlevel import RunVar

from serve.errors import ProblemError


class NoTurnError(ProblemError):
    """No turn came in time."""

    def __init__(self, at_once: int) -> None:
        super().__init__(
            "busy",
            f"{at_once} queries are running and none has finished",
            "ask again in a moment, or raise AUDIT_LOG_QUERIES_AT_ONCE",
        )


class Turns:
    """So many may run at once, the others wait in a line; safe for many threads.

    With a semaphore whoever has just finished takes the place again before those who wait wake up,
    and of many clients some are hardly ever answered.
    """

    def __init__(self, at_once: int) -> None:
        """Let `at_once` run at the same time."""
        self._at_once = at_once
        self._lock = threading.Lock()
        self._free = at_once
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def take(self, patience: float) -> Iterator[None]:
        """Wait for a turn, and have it until the block ends; NoTurnError after `patience` s."""
        if not self._wait(patience):
            raise NoTurnError(self._at_once)
        try:
            yield
        finally:
            self._pass_on()

    def _wait(self, patience: float) -> bool:
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        if gate.acquire(timeout=patience):
            return True
        with self._lock:
            if gate in self._waiting:
                self._waiting.remove(gate)
                return False
        return True  # the turn came in this very moment

    def _pass_on(self) -> None:
        """Hand the turn to who waits longest; it is never free in between."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


class QuestionTurns:
    """So many questions are worked out at once, the others wait in a line.

    Every question has a thread, and more threads than can run only take the interpreter from each
    other: beyond the queries that may run at once they answered fewer questions in all. Safe for
    many event loops: each has turns of its own.
    """

    def __init__(self, at_once: int) -> None:
        """Let `at_once` be worked out at the same time."""
        self._at_once = at_once
        self._of_loop: RunVar[anyio.CapacityLimiter] = RunVar("turns of questions")

    @asynccontextmanager
    async def take(self, patience: float) -> AsyncIterator[None]:
        """Do as `Turns.take`, without holding up the event loop."""
        turns = self._of_loop.get(None)
        if turns is None:
            turns = anyio.CapacityLimiter(self._at_once)
            self._of_loop.set(turns)
        try:
            turns.acquire_nowait()
        except anyio.WouldBlock:
            with anyio.move_on_after(patience) as waiting:
                await turns.acquire()
            if waiting.cancelled_caught:
                raise NoTurnError(self._at_once) from None
        try:
            yield
        finally:
            turns.release()
