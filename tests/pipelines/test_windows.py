"""What has to be read, decided from state and server time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.windows import BEGINNING, Window, choose_window, jql_minute, zone_of

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
RECENT: dict[str, Any] = {
    "updated_cursor": "2026-06-01T11:58:30.500Z",
    "last_full_at": "2026-05-30T12:00:00.000Z",
    "last_recent_at": "2026-06-01T00:00:00.000Z",
    "last_sweep_at": "2026-06-01T11:30:00.000Z",
    "worklogs_until": 1_780_315_000_000,
    "deletions_until": 0,
    "issue_count": 100,
}


def choose(
    state: dict[str, Any], *, overlap: int = 10, full: bool = False, reconcile: bool | None = None
) -> Window:
    return choose_window(
        state,
        server_now=NOW,
        overlap=timedelta(minutes=overlap),
        reconcile_limit=50_000,
        full=full,
        reconcile=reconcile,
    )


def test_first_sync_reads_everything() -> None:
    window = choose({})
    assert (window.mode, window.updated_from, window.reconcile) == ("full", BEGINNING, True)
    assert window.worklogs_from_ms == window.deletions_from_ms == 0


def test_incremental_starts_before_the_cursor() -> None:
    window = choose(RECENT)
    assert window.mode == "incremental"
    assert window.updated_from == datetime(2026, 6, 1, 11, 48, 30, 500_000, tzinfo=UTC)
    assert window.worklogs_from_ms == RECENT["worklogs_until"] - 600_000
    assert choose(RECENT, overlap=0).updated_from.minute == 58


def test_once_a_day_48_hours_and_once_a_week_everything() -> None:
    daily = choose(RECENT | {"last_recent_at": "2026-05-31T12:00:00.000Z"})
    assert daily.mode == "recent"
    assert daily.updated_from == NOW - timedelta(hours=48)
    assert choose(RECENT | {"last_full_at": "2026-05-25T12:00:00.000Z"}).mode == "full"
    assert choose(RECENT, full=True).mode == "full"


def test_large_sites_are_reconciled_daily() -> None:
    large = RECENT | {"issue_count": 50_001}
    assert choose(RECENT).reconcile
    assert not choose(large).reconcile
    assert choose(large | {"last_sweep_at": "2026-05-31T12:00:00.000Z"}).reconcile
    assert choose(large, reconcile=True).reconcile
    assert not choose(RECENT, reconcile=False).reconcile


@given(
    st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2037, 1, 1)),  # noqa: DTZ001 - the test gives it its zone
    st.sampled_from(sorted(available_timezones())),
)
@example(datetime(2026, 10, 25, 1, 30), "Europe/Zurich")  # noqa: DTZ001  (the repeated hour)
@example(datetime(2026, 10, 25, 0, 30), "Europe/Zurich")  # noqa: DTZ001 - the test gives it its zone
@example(datetime(2026, 6, 1, 12), "Pacific/Kiritimati")  # noqa: DTZ001 - the test gives it its zone
@example(datetime(2026, 4, 4, 15, 15), "Australia/Lord_Howe")  # noqa: DTZ001  (half an hour)
def test_jql_never_starts_after_the_moment_meant(naive: datetime, zone_name: str) -> None:
    moment, zone = naive.replace(tzinfo=UTC), ZoneInfo(zone_name)
    local = datetime.strptime(jql_minute(moment, zone), "%Y-%m-%d %H:%M")  # noqa: DTZ007 - JQL's minute has no zone
    readings = [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    assert all(reading <= moment for reading in readings)
    assert all(moment - reading < timedelta(hours=25) for reading in readings)


@pytest.mark.parametrize("name", [None, "", "Mars/Olympus", "../etc/passwd"])
def test_an_unknown_zone_goes_back_far_enough_for_any(name: str | None) -> None:
    text = jql_minute(NOW, zone_of(name))
    assert datetime.fromisoformat(text).replace(tzinfo=UTC) == NOW - timedelta(hours=14)
