"""Ids of issues on their way from a listing to those who fetch them, while the listing goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from pipelines.paging import together


class IdFeed:
    """Issue ids that become known one page at a time; each is handed out once per reader.

    A listing that starts again from its floor may add the same ids again.
    """

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._ordered: list[str] = []
        self._known: set[str] = set()
        self._has_ended = False
        self._changed = asyncio.Event()
        self.add(ids)

    def __len__(self) -> int:
        return len(self._ordered)

    @property
    def ids(self) -> frozenset[str]:
        """All ids so far."""
        return frozenset(self._known)

    @property
    def total(self) -> int | None:
        """How many ids there are, or None while more may come."""
        return len(self) if self._has_ended else None

    def add(self, ids: Iterable[str]) -> None:
        """Add ids; those that are known already are left out."""
        new = sorted(set(ids) - self._known, key=int)
        self._known.update(new)
        self._ordered += new
        self._wake_readers()

    def end(self) -> None:
        """Say that nothing more comes."""
        self._has_ended = True
        self._wake_readers()

    def _wake_readers(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def each(
        self, size: int, work: Callable[[list[str]], Awaitable[None]], *, workers: int
    ) -> None:
        """Run `work` on all ids, `size` at a time, at most `workers` at once, until the end."""
        position = 0

        async def take_turns() -> None:
            nonlocal position
            while True:
                while len(self) - position < size and not self._has_ended:
                    await self._changed.wait()
                part = self._ordered[position : position + size]
                if not part:
                    return
                position += len(part)
                await work(part)

        await together(*(take_turns for _ in range(workers)))
