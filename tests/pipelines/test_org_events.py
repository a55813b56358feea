"""The organisation's event log against the sandbox: nothing lost, nothing asked too often."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.config import Settings
from pipelines.errors import AuthenticationError, NotConnectedError, PermissionDeniedError
from pipelines.patience import Clock, Patience
from pipelines.runner import SyncReport, run_source
from pipelines.sources.org_events import events, last_active
from tests.pipelines.conftest import QUICK, lake_rows, settings_for
from tests.sandbox.domains.organization import Organization
from tests.sandbox.domains.organization.endpoints import NextStyle
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.world import World

STREAM = "GET /admin/v1/orgs/{organization}/events-stream"
DATES = "GET /admin/v1/orgs/{organization}/directory/users/{account}/last-active-dates"


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """Run a site with a month of life in its organisation."""
    with running_sandbox(days=30, domains=("organization",)) as running:
        yield running


def organization(sandbox: RunningSandbox) -> Organization:
    return sandbox.do(lambda world, _: world.domain(Organization))


def sync(
    sandbox: RunningSandbox, home: Path, *, full: bool = False, patience: Patience = QUICK
) -> SyncReport:
    settings = settings_for(sandbox.base_url, home)
    return run_source("org_events", settings, full=full, patience=patience)


def processed(sandbox: RunningSandbox) -> set[str]:
    """Return the ids of all events that the stream shows by now."""

    def ids(world: World, now: int) -> set[str]:
        log = world.domain(Organization)
        return {log.events[number].id for at, number in log.processed if at <= now}

    return sandbox.do(ids)


def read(home: Path) -> Counter[str]:
    return Counter(row["object_id"] for row in lake_rows(home, "org_events", "events"))


def test_a_run_goes_on_where_the_last_one_ended(sandbox: RunningSandbox, home: Path) -> None:
    first = sync(sandbox, home)
    assert first.mode == "full"
    assert first.requests[STREAM] == first.rows["events"] // events.EVENTS_PER_PAGE + 2
    assert set(read(home)) == processed(sandbox)
    assert "events" not in sync(sandbox, home).rows
    for _ in range(3):
        sandbox.advance(8 * 60)
        assert sync(sandbox, home).requests[STREAM] <= 2
    counts = read(home)
    assert set(counts) == processed(sandbox)
    assert set(counts.values()) == {1}


def test_events_processed_hours_late_are_found(sandbox: RunningSandbox, home: Path) -> None:
    log = organization(sandbox)
    log.late_share = 1.0
    sync(sandbox, home)
    known = processed(sandbox)
    sandbox.do(lambda world, now: log.be_active(now, world.me, "login"))
    sandbox.advance(1)
    sync(sandbox, home)
    sandbox.advance(8 * 60)
    log.late_share = 0.0
    report = sync(sandbox, home)
    assert report.rows["events"] > 0
    assert set(read(home)) == processed(sandbox) > known


@pytest.mark.parametrize("style", ["url", "bare", "absent"])
def test_the_next_page_may_be_a_url_a_bare_cursor_or_unnamed(
    sandbox: RunningSandbox, home: Path, style: NextStyle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "EVENTS_PER_PAGE", 100)
    organization(sandbox).endpoints.next_style = style
    sync(sandbox, home)
    sandbox.advance(24 * 60)
    report = sync(sandbox, home)
    assert set(read(home)) == processed(sandbox)
    assert report.requests[STREAM] <= 4


def test_a_cursor_that_is_refused_costs_a_second_reading(
    sandbox: RunningSandbox, home: Path
) -> None:
    sync(sandbox, home)
    sandbox.advance(60)
    organization(sandbox).endpoints.cursors_from = sandbox.do(lambda _, now: now)
    report = sync(sandbox, home)
    assert any("cursor of the event stream" in warning for warning in report.warnings)
    assert set(read(home)) == processed(sandbox)


def test_a_long_stream_is_read_over_several_runs(
    sandbox: RunningSandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "EVENTS_PER_PAGE", 100)
    monkeypatch.setattr(events, "PAGES_PER_RUN", 5)
    report = sync(sandbox, home)
    assert report.rows["events"] == 500
    assert any("the next run goes on" in warning for warning in report.warnings)
    runs = 1
    while set(read(home)) != processed(sandbox):
        sync(sandbox, home)
        runs += 1
        assert runs < 10
    assert set(read(home).values()) == {1}


def test_a_gap_longer_than_the_log_is_kept_is_told(
    sandbox: RunningSandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "RETENTION", timedelta(days=2))
    sync(sandbox, home)
    sandbox.advance(49 * 60)
    report = sync(sandbox, home)
    assert any("keeps them for 2 days" in warning for warning in report.warnings)


class SiteTime:
    """A clock whose waiting lets the site's time pass instead."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self._sandbox = sandbox
        self.seconds = 0.0

    async def sleep(self, seconds: float) -> None:
        """Let the site's clock go on by so many seconds, in no time."""
        self.seconds += seconds
        self._sandbox.advance(seconds / 60)

    @property
    def patience(self) -> Patience:
        """The usual patience, by this clock."""
        return Patience(clock=Clock(lambda: self.seconds, self.sleep))


def test_no_minute_sees_more_requests_than_are_allowed(
    sandbox: RunningSandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "EVENTS_PER_PAGE", 10)
    organization(sandbox).endpoints.is_limited = True
    time = SiteTime(sandbox)
    report = sync(sandbox, home, patience=time.patience)
    pages = report.requests[STREAM]
    assert pages > 100
    # Every request was a page of new events, but the last: none was refused.
    assert report.rows["events"] > (pages - 2) * 10
    assert time.seconds >= (pages // 50) * 60
    assert set(read(home).values()) == {1}


def test_when_others_used_up_the_minute_we_wait_for_the_next(
    sandbox: RunningSandbox, home: Path
) -> None:
    def use_up(world: World, now: int) -> None:
        endpoints = world.domain(Organization).endpoints
        endpoints.is_limited = True
        for endpoint in ("events-stream", "event-actions"):
            endpoints.counts[endpoint, now // 60_000] = 200

    sandbox.do(use_up)
    time = SiteTime(sandbox)
    report = sync(sandbox, home, patience=time.patience)
    assert report.requests["GET /admin/v1/orgs/{organization}/event-actions"] == 1
    assert 1 <= time.seconds <= 62
    assert set(read(home)) == processed(sandbox)


def test_dates_are_asked_for_accounts_that_were_active(sandbox: RunningSandbox, home: Path) -> None:
    first = sync(sandbox, home)
    people = first.rows["users"]
    assert first.requests[DATES] == first.rows["last_active_dates"] == people
    assert DATES not in sync(sandbox, home).requests
    person = sandbox.do(_be_active)
    second = sync(sandbox, home)
    assert second.requests[DATES] == 1
    row = lake_rows(home, "org_events", "last_active_dates")[-1]
    assert row["object_id"] == person
    assert json.loads(row["payload"])["product_access"][0]["key"] == "jira-software"


def _be_active(world: World, now: int) -> str:
    person = next(p.account_id for p in world.people.values() if p.account_type == "atlassian")
    world.domain(Organization).be_active(now, person)
    return person


def test_many_accounts_wait_for_later_runs(
    sandbox: RunningSandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_active, "ACCOUNTS_PER_RUN", 30)
    people = sync(sandbox, home).rows["users"]
    for _ in range(people // 30):
        assert sync(sandbox, home).requests[DATES] <= 30
    asked = {row["object_id"] for row in lake_rows(home, "org_events", "last_active_dates")}
    assert len(asked) == people
    assert DATES not in sync(sandbox, home).requests


def test_names_of_event_actions_are_a_dimension(sandbox: RunningSandbox, home: Path) -> None:
    sync(sandbox, home)
    names = {
        row["object_id"]: json.loads(row["payload"])["attributes"]["displayName"]
        for row in lake_rows(home, "org_events", "event_actions")
    }
    assert names["user_added_to_group"] == "Added user to group"
    assert "Scheduled deletion of account" in names.values()


def test_a_wrong_key_is_one_clear_error(sandbox: RunningSandbox, home: Path) -> None:
    sandbox.revoke_token(organization=True)
    with pytest.raises(AuthenticationError, match="ATLASSIAN_ORG_API_KEY"):
        sync(sandbox, home)
    assert read(home) == {}
    sandbox.revoke_token(organization=True, revoked=False)
    assert sync(sandbox, home).rows["events"] > 0


def test_a_key_of_no_admin_is_one_clear_error(sandbox: RunningSandbox, home: Path) -> None:
    sandbox.permission("ORG_ADMIN", granted=False)
    with pytest.raises(PermissionDeniedError, match="events-stream"):
        sync(sandbox, home)


def test_without_a_key_nothing_is_wrong(sandbox: RunningSandbox, home: Path) -> None:
    connected = settings_for(sandbox.base_url, home)
    settings = Settings(
        home=home,
        site_url=connected.site_url,
        email=connected.email,
        api_token=connected.api_token,
        org_id=None,
        org_api_key=None,
    )
    with pytest.raises(NotConnectedError, match="ATLASSIAN_ORG_ID"):
        run_source("org_events", settings, patience=QUICK)
