"""Virtual time. Every time in the sandbox is an integer of milliseconds since 1970, UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
YEAR = 365 * DAY

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware datetime, exact (no float)."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """Give the aware UTC datetime of a millisecond count, exact (no float)."""
    return _EPOCH + timedelta(milliseconds=ms)


def parse_iso(text: str) -> int:
    """Milliseconds of an ISO-8601 text, UTC unless it has an offset. ValueError if unreadable."""
    moment = datetime.fromisoformat(text)
    return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def iso(ms: int) -> str:
    """`2025-11-12T16:28:36.943Z`, the form of the ledger and the served log."""
    return from_ms(ms).isoformat(timespec="milliseconds")[:-6] + "Z"


class Clock:
    """The site's own time: the machine's clock, or a frozen one that only `advance` moves."""

    def __init__(self, frozen_at: int | None = None) -> None:
        self._frozen_at = frozen_at

    @property
    def is_frozen(self) -> bool:
        """True when time stands still between calls of `advance`."""
        return self._frozen_at is not None

    def now(self) -> int:
        """Milliseconds of the site's present."""
        return time.time_ns() // 1_000_000 if self._frozen_at is None else self._frozen_at

    def advance(self, ms: int) -> int:
        """Move a frozen clock forward and return the new present. ValueError on a live clock."""
        if self._frozen_at is None or ms < 0:
            raise ValueError("only a frozen clock can be advanced, and only forward")
        self._frozen_at += ms
        return self._frozen_at
