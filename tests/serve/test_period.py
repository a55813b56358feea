"""Relative periods against an independent reckoning, day by day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.query.period import PERIODS, Period, resolve_period, utc_offsets

ZONES = ("UTC", "Europe/Zurich", "America/New_York", "Pacific/Kiritimati", "Australia/Lord_Howe")
moments = st.integers(631_152_000, 4_102_444_800).map(lambda at: datetime.fromtimestamp(at, UTC))
zones = st.sampled_from([ZoneInfo(name) for name in ZONES])

HOLDS: dict[Period, Callable[[date, date], bool]] = {
    "today": lambda day, today: day == today,
    "yesterday": lambda day, today: day == today - timedelta(days=1),
    "this_week": lambda day, today: day.isocalendar()[:2] == today.isocalendar()[:2],
    "last_week": lambda day, today: (
        day.isocalendar()[:2] == (today - timedelta(days=7)).isocalendar()[:2]
    ),
    "this_month": lambda day, today: (day.year, day.month) == (today.year, today.month),
    "last_month": lambda day, today: (today.year - day.year) * 12 + today.month - day.month == 1,
    "this_year": lambda day, today: day.year == today.year,
    "last_year": lambda day, today: day.year == today.year - 1,
}


@given(now=moments, zone=zones, name=st.sampled_from(sorted(HOLDS)))
def test_whole_units_hold_exactly_their_days(now: datetime, zone: ZoneInfo, name: Period) -> None:
    start, end = resolve_period(name, now, zone)
    today = now.astimezone(zone).date()
    holds = HOLDS[name]
    for edge, before in ((start, False), (end, True)):
        inside = edge - timedelta(hours=12) if before else edge + timedelta(hours=12)
        outside = edge + timedelta(hours=12) if before else edge - timedelta(hours=12)
        assert edge.astimezone(zone).time().replace(microsecond=0).isoformat() == "00:00:00"
        assert holds(inside.astimezone(zone).date(), today)
        assert not holds(outside.astimezone(zone).date(), today)


@given(now=moments, zone=zones)
def test_rolling_periods_end_now(now: datetime, zone: ZoneInfo) -> None:
    for name in set(PERIODS) - set(HOLDS):
        start, end = resolve_period(name, now, zone)
        assert end == now
        assert start < end
    start, _ = resolve_period("last_12_months", now, zone)
    # Kiritimati had no 31 December in 1994: it moved to the other side of the date line
    assert timedelta(days=364) <= now - start < timedelta(days=367)


@pytest.mark.parametrize("name", PERIODS)
def test_every_period_is_an_interval_in_utc(name: Period) -> None:
    now = datetime(2024, 2, 29, 23, 30, tzinfo=UTC)
    start, end = resolve_period(name, now, ZoneInfo("Europe/Zurich"))
    assert start < end
    assert start.tzinfo is UTC
    assert end.tzinfo is UTC


ODD_ZONES = (*ZONES, "Pacific/Apia", "America/Sao_Paulo", "Asia/Kathmandu", "Africa/Casablanca")


@given(
    first=st.integers(31_536_000, 2_840_140_800).map(lambda at: datetime.fromtimestamp(at, UTC)),
    days=st.integers(0, 800),
    name=st.sampled_from(ODD_ZONES),
    somewhere=st.lists(st.floats(0, 1), min_size=5, max_size=5),
)
def test_offsets_are_those_of_the_zone_at_every_moment(
    first: datetime, days: int, name: str, somewhere: list[float]
) -> None:
    zone, last = ZoneInfo(name), first + timedelta(days=days)
    offsets = utc_offsets(first, last, zone)
    assert [at for at, _ in offsets] == sorted({at for at, _ in offsets})
    moments_to_try = [at + timedelta(seconds=number) for at, _ in offsets for number in (-1, 0, 1)]
    moments_to_try += [first + part * (last - first) for part in somewhere]
    for moment in moments_to_try:
        if first <= moment <= last:
            offset = [one for at, one in offsets if at <= moment][-1]
            assert moment.astimezone(zone).utcoffset() == offset
