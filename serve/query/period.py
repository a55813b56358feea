"""Relative times: they stay relative in a URL or a saved filter and are resolved when asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Period = Literal[
    "today",
    "yesterday",
    "last_7_days",
    "last_30_days",
    "last_90_days",
    "last_12_months",
    "this_week",
    "last_week",
    "this_month",
    "last_month",
    "this_year",
    "last_year",
    "all",
]
PERIODS: tuple[Period, ...] = get_args(Period)
PERIOD_LABELS: dict[Period, str] = {
    "today": "Today",
    "yesterday": "Yesterday",
    "last_7_days": "Last 7 days",
    "last_30_days": "Last 30 days",
    "last_90_days": "Last 90 days",
    "last_12_months": "Last 12 months",
    "this_week": "This week",
    "last_week": "Last week",
    "this_month": "This month",
    "last_month": "Last month",
    "this_year": "This year",
    "last_year": "Last year",
    "all": "All time",
}

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def resolve_period(period: Period, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the half-open interval (UTC) of `period` at `now`.

    Days, weeks (from Monday), months and years are those of `zone` and whole; `last_N_days` and
    `last_12_months` end at `now`.
    """
    local = now.astimezone(zone).replace(tzinfo=None)
    today = local.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday())
    month = today.replace(day=1)
    year = month.replace(month=1)
    last_month = (month - _DAY).replace(day=1)
    next_month = (month + timedelta(days=31)).replace(day=1)

    edges = {
        "today": (today, today + _DAY),
        "yesterday": (today - _DAY, today),
        "this_week": (monday, monday + 7 * _DAY),
        "last_week": (monday - 7 * _DAY, monday),
        "this_month": (month, next_month),
        "last_month": (last_month, month),
        "this_year": (year, year.replace(year=year.year + 1)),
        "last_year": (year.replace(year=year.year - 1), year),
    }
    if period in edges:
        start, end = (edge.replace(tzinfo=zone).astimezone(UTC) for edge in edges[period])
        return start, end
    if period == "all":
        return _BEGINNING, now
    if period == "last_12_months":
        return _a_year_before(local).replace(tzinfo=zone).astimezone(UTC), now
    return now - int(period.split("_")[1]) * _DAY, now


def utc_offsets(start: datetime, end: datetime, zone: ZoneInfo) -> list[tuple[datetime, timedelta]]:
    """Return from when on (UTC, to the second) which offset from UTC holds, in order.

    The first one holds at `start`, the others begin after it and not after `end`.
    """
    found = [(start, _offset(start, zone))]
    at = start
    while at < end:
        following = min(at + _DAY, end)
        if _offset(following, zone) != found[-1][1]:
            before, after = at, following
            while after - before > _SECOND:
                middle = before + (after - before) // _SECOND // 2 * _SECOND
                if _offset(middle, zone) == found[-1][1]:
                    before = middle
                else:
                    after = middle
            found.append((after, _offset(after, zone)))
        at = following
    return found


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _a_year_before(local: datetime) -> datetime:
    """Return the same day a year earlier; for 29 February the 28th."""
    if (local.month, local.day) == (2, 29):
        local -= _DAY
    return local.replace(year=local.year - 1)
