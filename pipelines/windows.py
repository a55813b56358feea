"""What a sync has to read: cursors in the server's time, overlaps, sweeps.

A cursor is always a time the site told us, never our clock. Between two syncs the next window
starts before the cursor (late search index), once a day 48 hours back, and once a week at the
beginning, because some changes surface late and JQL cannot say which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipelines.rows import at_us, us_of

Mode = Literal["full", "recent", "incremental"]

RECENT_EVERY = timedelta(hours=24)
RECENT_SPAN = timedelta(hours=48)
FULL_EVERY = timedelta(days=7)
SWEEP_EVERY = timedelta(hours=24)
BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)
"""Before everything, and still expressible in every time zone."""
WIDEST_OFFSET = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Window:
    """What one sync of issues reads. Times are UTC, `*_from_ms` epoch milliseconds."""

    mode: Mode
    updated_from: datetime
    worklogs_from_ms: int
    deletions_from_ms: int
    reconcile: bool


def choose_window(
    state: Mapping[str, Any],
    *,
    server_now: datetime,
    overlap: timedelta,
    reconcile_limit: int,
    full: bool = False,
    reconcile: bool | None = None,
) -> Window:
    """Decide from the stored state and the server's time what has to be read now.

    `state` keys, all optional: `updated_cursor`, `last_full_at`, `last_recent_at`,
    `last_sweep_at` (ISO texts), `worklogs_until`, `deletions_until` (epoch ms), `issue_count`.
    `reconcile` overrides whether the complete list of ids is compared.
    """
    cursor = _stored_time(state, "updated_cursor")
    if full or cursor is None or _is_due(state, "last_full_at", FULL_EVERY, server_now):
        return Window("full", BEGINNING, 0, 0, reconcile is not False)
    is_small = int(state.get("issue_count", 0)) <= reconcile_limit
    reconciles = (
        is_small or _is_due(state, "last_sweep_at", SWEEP_EVERY, server_now)
        if reconcile is None
        else reconcile
    )
    latest_start = server_now - RECENT_SPAN
    is_recent = _is_due(state, "last_recent_at", RECENT_EVERY, server_now)

    def start(moment: datetime) -> datetime:
        floor = max(moment - overlap, BEGINNING)
        return min(floor, latest_start) if is_recent else floor

    def start_ms(key: str) -> int:
        until = at_us(int(state.get(key, 0)) * 1_000)
        return us_of(start(max(until, BEGINNING))) // 1_000

    return Window(
        "recent" if is_recent else "incremental",
        start(cursor),
        start_ms("worklogs_until"),
        start_ms("deletions_until"),
        reconciles,
    )


def _stored_time(state: Mapping[str, Any], key: str) -> datetime | None:
    text = state.get(key)
    return datetime.fromisoformat(text) if text else None


def _is_due(state: Mapping[str, Any], key: str, interval: timedelta, server_now: datetime) -> bool:
    last = _stored_time(state, key)
    return last is None or server_now - last >= interval


def zone_of(name: str | None) -> ZoneInfo | None:
    """Return the API user's time zone, or None when this machine does not know it."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def jql_minute(moment: datetime, zone: ZoneInfo | None) -> str:
    """Return `yyyy-MM-dd HH:mm` that JQL, reading it in `zone`, takes for `moment` or earlier.

    JQL knows minutes only and no offsets: the text is floored, and in the hour that the end of
    summer time repeats it goes back until both readings lie at or before `moment`. Without a
    known zone it goes back by the widest offset there is.
    """
    floor = moment.astimezone(UTC).replace(second=0, microsecond=0)
    if zone is None:
        return f"{floor - WIDEST_OFFSET:%Y-%m-%d %H:%M}"
    candidate = floor
    while True:
        local = candidate.astimezone(zone).replace(tzinfo=None, second=0)
        readings = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if all(reading <= moment for reading in readings):
            return f"{local:%Y-%m-%d %H:%M}"
        candidate -= timedelta(minutes=30)
