"""The search index of a site: it takes every change of an issue in, some time after the issue."""

from __future__ import annotations

import heapq
import zlib

from msgspec import Struct

from tests.sandbox.clock import HOUR, MINUTE
from tests.sandbox.objects import Issue


class IndexEntry(Struct, frozen=True, gc=False):
    """What the search index knows of an issue; it lags behind the issue itself."""

    issue: int
    project: str
    number: int
    created: int
    updated: int


class SearchIndex:
    """What searches find: `entries` by issue id. `version` grows with whatever changes an answer.

    A change is taken in after a random lag of at most `max_lag_ms`, or of 3 to 30 hours for
    `late_share` (0 to 1) of the changes.
    """

    def __init__(self, seed: int = 0, max_lag_ms: int = 4 * MINUTE, late_share: float = 0) -> None:
        self.entries: dict[int, IndexEntry] = {}
        self.version = 0
        self._seed = seed
        self._max_lag_ms = max_lag_ms
        self._late_share = late_share
        self._pending: list[tuple[int, int, int, IndexEntry | None]] = []
        self._indexed_seq: dict[int, int] = {}
        self._seq = 0

    def add_at_once(self, issue: Issue) -> None:
        """Take an issue in that has been there all along."""
        self.entries[issue.id] = _entry(issue)
        self.version += 1

    def schedule(self, issue_id: int, issue: Issue | None, at: int) -> None:
        """Take in later what an issue is now; None: it is gone."""
        self._seq += 1
        # Seeded by the change itself, so the lag does not depend on when anyone asks.
        digest = zlib.crc32(b"%d:%d:%d" % (self._seed, issue_id, at))
        if digest % 10_000 < self._late_share * 10_000:
            lag = 3 * HOUR + digest % (27 * HOUR)
        else:
            lag = digest % (self._max_lag_ms + 1)
        entry = None if issue is None else _entry(issue)
        heapq.heappush(self._pending, (at + lag, self._seq, issue_id, entry))

    def refresh(self, now: int) -> None:
        """Take in what is due by `now`."""
        while self._pending and self._pending[0][0] <= now:
            _, seq, issue_id, entry = heapq.heappop(self._pending)
            if seq < self._indexed_seq.get(issue_id, 0):
                continue
            self._indexed_seq[issue_id] = seq
            if entry is None:
                self.entries.pop(issue_id, None)
            else:
                self.entries[issue_id] = entry
            self.version += 1


def _entry(issue: Issue) -> IndexEntry:
    number = int(issue.key.rpartition("-")[2])
    return IndexEntry(issue.id, issue.project, number, issue.created, issue.updated)
