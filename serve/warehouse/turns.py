"""Whose query runs next: the one that has waited longest."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class NoTurnError(Exception):
    """No turn came in time."""


class Turns:
    """So many may run at once, the others wait in a line; safe for many threads.

    With a semaphore whoever has just finished takes the place again before those who wait wake up,
    and of many clients some are hardly ever answered.
    """

    def __init__(self, at_once: int) -> None:
        """Let `at_once` run at the same time."""
        self._lock = threading.Lock()
        self._free = at_once
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def take(self, patience: float) -> Iterator[None]:
        """Wait for a turn, and have it until the block ends; NoTurnError after `patience` s."""
        if not self._wait(patience):
            raise NoTurnError
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
