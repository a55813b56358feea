"""Points in time as JQL writes them; now is Wednesday 18 February 2026, 11:30 in Zurich."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from serve.query.jql.errors import JqlError
from serve.query.jql.moments import Clock, moment_of, span_of
from serve.query.jql.parser import parse
from serve.query.jql.syntax import Comparison, Operand

ZURICH = ZoneInfo("Europe/Zurich")
CLOCK = Clock(datetime(2026, 2, 18, 10, 30, tzinfo=UTC), ZURICH)


def operand(text: str) -> Operand:
    where = parse(f"created > {text}").where
    assert isinstance(where, Comparison)
    assert where.operand is not None
    return where.operand


def local(text: str, clock: Clock = CLOCK) -> str:
    return (
        moment_of(operand(text), clock).astimezone(clock.zone).isoformat(" ", "milliseconds")[:23]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", "2026-01-31 00:00:00.000"),
        ("'2026/1/3'", "2026-01-03 00:00:00.000"),
        ("'2026-01-31 14:30'", "2026-01-31 14:30:00.000"),
        ("'2026-01-31T04:05'", "2026-01-31 04:05:00.000"),
        ("1769900000000", "2026-01-31 23:53:20.000"),
        ("now()", "2026-02-18 11:30:00.000"),
        ("-1d", "2026-02-17 11:30:00.000"),
        ("'-1w 2d 3h 4m'", "2026-02-09 08:26:00.000"),
        ("2h", "2026-02-18 13:30:00.000"),
        ("'+2h'", "2026-02-18 13:30:00.000"),
        ("startOfDay()", "2026-02-18 00:00:00.000"),
        ("endOfDay()", "2026-02-18 23:59:59.999"),
        ("startOfWeek()", "2026-02-16 00:00:00.000"),
        ("endOfWeek()", "2026-02-22 23:59:59.999"),
        ("startOfMonth()", "2026-02-01 00:00:00.000"),
        ("endOfMonth()", "2026-02-28 23:59:59.999"),
        ("startOfYear()", "2026-01-01 00:00:00.000"),
        ("endOfYear()", "2026-12-31 23:59:59.999"),
        # of its own unit an increment means another period
        ("startOfDay(-1)", "2026-02-17 00:00:00.000"),
        ("endOfDay('+1d')", "2026-02-19 23:59:59.999"),
        ("startOfWeek(-1w)", "2026-02-09 00:00:00.000"),
        ("endOfMonth(1)", "2026-03-31 23:59:59.999"),
        ("endOfMonth('-1M')", "2026-01-31 23:59:59.999"),
        ("startOfYear(-2y)", "2024-01-01 00:00:00.000"),
        # of another unit it is added to the edge
        ("startOfMonth('+14d')", "2026-02-15 00:00:00.000"),
        ("endOfMonth('+15d')", "2026-03-15 23:59:59.999"),
        ("startOfWeek(1d)", "2026-02-17 00:00:00.000"),
        ("startOfYear(1M)", "2026-02-01 00:00:00.000"),
        ("startOfDay(-1h)", "2026-02-17 23:00:00.000"),
        ("endOfDay(1M)", "2026-03-18 23:59:59.999"),
        ("startOfDay(30m)", "2026-02-18 00:30:00.000"),
        ("STARTOFDAY()", "2026-02-18 00:00:00.000"),
    ],
)
def test_moments(text: str, expected: str) -> None:
    assert local(text) == expected


def test_a_shorter_month_ends_with_its_last_day() -> None:
    clock = Clock(datetime(2024, 1, 31, 12, tzinfo=UTC), ZURICH)
    assert local("endOfDay(1M)", clock) == "2024-02-29 23:59:59.999"
    assert local("endOfMonth(1)", clock) == "2024-02-29 23:59:59.999"
    assert local("endOfMonth(1y)", clock) == "2025-01-31 23:59:59.999"


def test_days_on_which_clocks_change_are_days() -> None:
    """29 March 2026 has 23 hours in Zurich, 25 October has 25."""
    first, following = span_of(operand("2026-03-29"), CLOCK)
    assert (following - first).total_seconds() == 23 * 3_600
    first, following = span_of(operand("2026-10-25"), CLOCK)
    assert (following - first).total_seconds() == 25 * 3_600
    # 02:30 does not exist on the one day and is there twice on the other: the first is meant
    assert moment_of(operand("'2026-10-25 02:30'"), CLOCK) == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )
    assert moment_of(operand("'2026-03-29 02:30'"), CLOCK) == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("now", "zone", "text", "expected"),
    [
        # Zurich: 02:00 is 03:00 on 29 March; a day more is the same wall time, an hour is an hour
        ("2026-03-30T10:00", "Europe/Zurich", "startOfDay('-1d')", "2026-03-28T23:00"),
        ("2026-03-30T10:00", "Europe/Zurich", "startOfDay('-2d')", "2026-03-27T23:00"),
        ("2026-03-29T10:00", "Europe/Zurich", "startOfDay('+5h')", "2026-03-29T04:00"),
        ("2026-03-29T10:00", "Europe/Zurich", "startOfDay('+180m')", "2026-03-29T02:00"),
        ("2026-03-29T10:00", "Europe/Zurich", "startOfWeek('+6d')", "2026-03-28T23:00"),
        ("2026-03-30T10:00", "Europe/Zurich", "'-1d'", "2026-03-29T10:00"),
        ("2026-03-30T10:00", "Europe/Zurich", "startOfMonth()", "2026-02-28T23:00"),
        # New York: 02:00 is 01:00 again on 1 November
        ("2026-11-02T15:00", "America/New_York", "startOfDay('-1d')", "2026-11-01T04:00"),
        ("2026-11-02T15:00", "America/New_York", "startOfDay()", "2026-11-02T05:00"),
        ("2026-11-01T15:00", "America/New_York", "startOfDay('+3h')", "2026-11-01T07:00"),
        ("2026-11-01T15:00", "America/New_York", "endOfDay()", "2026-11-02T04:59:59.999"),
        # Cairo: there is no midnight on 24 April, the day begins at 01:00
        ("2026-04-24T12:00", "Africa/Cairo", "startOfDay()", "2026-04-23T22:00"),
        ("2026-04-25T12:00", "Africa/Cairo", "startOfDay('-1d')", "2026-04-23T22:00"),
        ("2026-04-24T12:00", "Africa/Cairo", "endOfDay('-1d')", "2026-04-23T21:59:59.999"),
        # Santiago, Cairo, Beirut: 24:00 is 23:00 again, the day has an hour more at its end
        ("2026-04-04T15:00", "America/Santiago", "endOfDay()", "2026-04-05T03:59:59.999"),
        ("2026-04-03T15:00", "America/Santiago", "endOfDay('+24h')", "2026-04-05T02:59:59.999"),
        ("2026-04-03T15:00", "America/Santiago", "endOfDay(1)", "2026-04-05T03:59:59.999"),
        ("2026-10-29T12:00", "Africa/Cairo", "endOfDay()", "2026-10-29T21:59:59.999"),
        ("2026-10-24T12:00", "Asia/Beirut", "startOfWeek('+5d')", "2026-10-23T21:00"),
        ("2026-10-22T12:00", "Asia/Beirut", "endOfWeek('-1d')", "2026-10-24T21:59:59.999"),
        # Apia had no 30 December 2011
        ("2011-12-31T12:00", "Pacific/Apia", "startOfDay()", "2011-12-31T10:00"),
    ],
)
def test_functions_of_days_on_which_clocks_change(
    now: str, zone: str, text: str, expected: str
) -> None:
    clock = Clock(datetime.fromisoformat(now).replace(tzinfo=UTC), ZoneInfo(zone))
    assert moment_of(operand(text), clock) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-02-10", 86_400),
        ("'2026-02-10 10:00'", 60),
        ("'2026-02-10 00:00'", 60),
        ("now()", 0.001),
        ("startOfDay()", 0.001),
        ("-1d", 0.001),
    ],
)
def test_times_of_the_history_are_as_precise_as_written(text: str, seconds: float) -> None:
    start, end = span_of(operand(text), CLOCK)
    assert start == moment_of(operand(text), CLOCK)
    assert (end - start).total_seconds() == seconds


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2026-13-01",
        "2026-02-29",
        "'2026-02-01 24:00'",
        "'2026-02/01'",
        "'1 d x'",
        "1y",
        "''",
        "99999-01-01",
        "1899-12-31",
        "-9999999w",
        "99999999999999999999",
        "startOfDay('1 d')",
        "startOfDay('d')",
        "startOfDay(1, 2)",
        "startOfYear(-99999y)",
        "endOfMonth(99999)",
        "now(1)",
        "startOfHour()",
        "EMPTY",
        "(1d, 2d)",
    ],
)
def test_what_is_no_point_in_time_says_what_is(text: str) -> None:
    with pytest.raises(JqlError) as caught:
        moment_of(operand(text), CLOCK)
    assert caught.value.remedy
    assert caught.value.span.end > caught.value.span.start
