"""Syncs of issues against the sandbox: complete, incremental, and never a false deletion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import PermissionDeniedError
from pipelines.rows import at_us, version_at
from pipelines.runner import SyncReport, run_source
from tests.pipelines.conftest import QUICK, lake_rows, settings_for
from tests.sandbox.objects import Issue
from tests.sandbox.render import INLINE_LIMIT
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.world import World

START = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """Run a quiet site of about 60 issues, without index lag."""
    with running_sandbox(days=5, max_lag_minutes=0) as running:
        yield running


def sync(sandbox: RunningSandbox, home: Path, **options: Any) -> SyncReport:  # noqa: ANN401 - handed on to run_source as they are
    overlap = options.pop("overlap_minutes", 10)
    settings = settings_for(sandbox.base_url, home, overlap_minutes=overlap)
    return run_source("jira_issues", settings, patience=QUICK, **options)


def ids(home: Path, resource: str) -> set[str]:
    return {row["object_id"] for row in lake_rows(home, "jira_issues", resource)}


def some_issue(world: World, position: int = 0) -> Issue:
    live = [
        issue for issue in world.issues.values() if world.projects[issue.project].state == "live"
    ]
    return live[position]


def test_a_first_sync_holds_everything_the_site_has(sandbox: RunningSandbox, home: Path) -> None:
    report = sync(sandbox, home)
    world = sandbox.site.world
    assert report.mode == "full"
    assert report.warnings == []
    assert ids(home, "issues") == {str(number) for number in world.issues}
    assert ids(home, "changelogs") == {
        str(history.id) for issue in world.issues.values() for history in issue.histories
    }
    assert ids(home, "comments") == {
        str(comment) for issue in world.issues.values() for comment in issue.comments
    }
    horizon = world.now - 60_000
    assert ids(home, "worklogs") == {
        str(worklog.id) for worklog in world.worklogs.values() if worklog.updated <= horizon
    }
    assert ids(home, "issue_presence") == ids(home, "issues") == ids(home, "comment_listings")
    assert report.rows["issues"] == len(world.issues)
    assert report.requests["POST /rest/api/3/issue/bulkfetch"] <= len(world.issues) // 100 + 1


def test_rows_say_what_the_contract_says(sandbox: RunningSandbox, home: Path) -> None:
    report = sync(sandbox, home)
    issue = lake_rows(home, "jira_issues", "issues")[0]
    payload = json.loads(issue["payload"])
    updated = datetime.fromisoformat(payload["fields"]["updated"])
    assert issue["site_id"] == "sandbox-7.atlassian.net"
    assert issue["object_id"] == payload["id"]
    assert issue["source_at"] == updated
    assert (
        issue["version"]
        == f"{updated.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{updated.microsecond // 1000:03d}Z"
    )
    assert issue["parent_id"] is None
    assert datetime.now(UTC) - issue["fetched_at"] < timedelta(minutes=5)
    history = lake_rows(home, "jira_issues", "changelogs")[0]
    content = json.loads(history["payload"])
    assert history["object_id"] == history["version"] == content["id"]
    assert history["source_at"] == datetime.fromtimestamp(content["created"] / 1000, UTC)
    assert history["parent_id"] in ids(home, "issues")
    listings = {
        row["object_id"]: json.loads(row["payload"])
        for row in lake_rows(home, "jira_issues", "comment_listings")
    }
    world = sandbox.site.world
    assert listings == {
        str(one.id): {
            "asked_at": version_at(START),
            "issue_updated_at": version_at(at_us(one.updated * 1000)),
            "comment_ids": [str(comment) for comment in one.comments],
        }
        for one in world.issues.values()
    }
    (run,) = lake_rows(home, "jira_issues", "runs")
    stored = json.loads(run["payload"])
    assert run["object_id"] == report.run_id
    assert stored["cursor_to"] == report.cursor_to
    assert stored["rows"] == report.rows
    (sweep,) = lake_rows(home, "jira_issues", "sweeps")
    assert sweep["object_id"] == "issue_presence"
    assert sweep["source_at"] == START
    assert json.loads(sweep["payload"])["status"] == "complete"


def test_an_incremental_sync_reads_only_what_changed(sandbox: RunningSandbox, home: Path) -> None:
    sync(sandbox, home)
    sandbox.advance(minutes=60)
    sync(sandbox, home)
    sandbox.advance(minutes=45)
    touched = sandbox.do(_touch)
    report = sync(sandbox, home)
    assert report.mode == "incremental"
    assert report.cursor_from is not None
    assert report.rows["issues"] < len(sandbox.site.world.issues) / 2
    versions = [
        row for row in lake_rows(home, "jira_issues", "issues") if row["object_id"] == touched
    ]
    assert len({row["version"] for row in versions}) >= 2
    assert ids(home, "changelogs") >= {
        str(history.id)
        for issue in sandbox.site.world.issues.values()
        for history in issue.histories
    }


def _touch(world: World, now: int) -> str:
    issue = some_issue(world)
    world.edit(now, world.me, issue, {"summary": "Touched"})
    return str(issue.id)


def test_late_index_entries_need_the_overlap(tmp_path: Path) -> None:
    """The negative control: what the overlap is for is lost without it."""
    missed: dict[int, int] = {}
    for overlap in (0, 10):
        place = tmp_path / str(overlap)
        with running_sandbox(days=0.5, actions_per_year=600_000, max_lag_minutes=9) as running:
            for _ in range(5):
                sync(running, place, overlap_minutes=overlap, reconcile=False)
                running.advance(minutes=15)
            world = running.site.world
            there = {
                str(history.id)
                for issue in world.issues.values()
                for history in issue.histories
                if history.at < world.now - 15 * 60_000
            }
            missed[overlap] = len(there - ids(place, "changelogs"))
    assert missed[0] > missed[10]


def test_a_deleted_issue_gets_one_tombstone(sandbox: RunningSandbox, home: Path) -> None:
    sync(sandbox, home)
    sandbox.advance(minutes=30)
    gone = sandbox.do(_delete)
    deleted_at = START + timedelta(minutes=30)
    sandbox.advance(minutes=30)
    for _ in range(2):
        report = sync(sandbox, home)
    assert report.warnings == []
    (tombstone,) = [
        row for row in lake_rows(home, "jira_issues", "issue_presence") if not row["is_present"]
    ]
    assert tombstone["object_id"] == gone
    content = json.loads(tombstone["payload"])
    assert content["state"] == "deleted"
    assert content["sweep_id"] == tombstone["version"]
    begin = datetime.fromisoformat(content["previous_sweep_at"])
    assert begin <= deleted_at <= tombstone["source_at"]


def _delete(world: World, now: int) -> str:
    issue = some_issue(world, 3)
    world.delete_issue(now, world.me, issue)
    return str(issue.id)


def test_an_invisible_project_is_no_deletion_and_comes_back(
    sandbox: RunningSandbox, home: Path
) -> None:
    sync(sandbox, home)
    world = sandbox.site.world
    project = world.projects[some_issue(world).project]
    sandbox.hide_project(project.key)
    sandbox.advance(minutes=30)
    report = sync(sandbox, home)
    assert any("not visible any more" in warning for warning in report.warnings)
    absent = [
        row for row in lake_rows(home, "jira_issues", "issue_presence") if not row["is_present"]
    ]
    assert {json.loads(row["payload"])["state"] for row in absent} == {"access_lost"}
    sandbox.unhide_project(project.key)
    sandbox.advance(minutes=30)
    assert sync(sandbox, home).warnings == []
    assert ids(home, "issues") >= {str(number) for number in world.issues}
    assert sync(sandbox, home).mode == "full", "what happened meanwhile is read too"
    assert sync(sandbox, home).mode == "incremental"


def test_an_account_that_sees_no_project_is_told_so(sandbox: RunningSandbox, home: Path) -> None:
    for project in list(sandbox.site.world.projects.values()):
        sandbox.hide_project(project.key)
    with pytest.raises(PermissionDeniedError, match=r"no project.*Browse projects"):
        sync(sandbox, home)
    assert lake_rows(home, "jira_issues", "runs") == []


def test_the_window_of_a_deletion_allows_for_the_lag_of_the_index(home: Path) -> None:
    """A sweep right after a deletion still lists the issue."""

    def delete_five(world: World, now: int) -> None:
        for _ in range(5):
            world.delete_issue(now, world.me, some_issue(world))

    with running_sandbox(days=60, actions_per_year=2_000, max_lag_minutes=9) as running:
        sync(running, home)
        running.advance(minutes=30)
        running.do(delete_five)
        sync(running, home)
        running.advance(minutes=10)
        last = sync(running, home)
    deleted_at = START + timedelta(minutes=30)
    tombstones = [
        row for row in lake_rows(home, "jira_issues", "issue_presence") if not row["is_present"]
    ]
    assert len(tombstones) == 5
    assert last.rows.get("issue_presence"), "the sweep right after the deletion missed them all"
    for tombstone in tombstones:
        begin = datetime.fromisoformat(json.loads(tombstone["payload"])["previous_sweep_at"])
        assert begin <= deleted_at <= tombstone["source_at"]


def test_issues_that_come_into_view_unchanged_are_fetched(
    sandbox: RunningSandbox, home: Path
) -> None:
    world = sandbox.site.world
    project = world.projects[some_issue(world).project]
    hidden = {str(one.id) for one in world.issues.values() if one.project == project.id}
    sandbox.hide_project(project.key)
    sync(sandbox, home)
    assert not ids(home, "issues") & hidden
    sandbox.unhide_project(project.key)
    sandbox.advance(minutes=30)
    sync(sandbox, home)
    assert ids(home, "issues") >= hidden
    assert ids(home, "issue_presence") >= hidden


def test_issues_of_an_archived_project_are_known_by_their_worklogs(
    sandbox: RunningSandbox, home: Path
) -> None:
    issue_id = sandbox.do(_archive_after_work)
    sandbox.advance(minutes=30)
    for _ in range(2):
        assert sync(sandbox, home).warnings == []
    assert issue_id in ids(home, "issues")
    (row,) = [
        row
        for row in lake_rows(home, "jira_issues", "issue_presence")
        if row["object_id"] == issue_id
    ]
    assert json.loads(row["payload"])["state"] == "archived"
    world = sandbox.site.world
    assert {
        row["object_id"]
        for row in lake_rows(home, "jira_issues", "changelogs")
        if row["parent_id"] == issue_id
    } == {str(history.id) for history in world.issues[int(issue_id)].histories}


def _archive_after_work(world: World, now: int) -> str:
    issue = some_issue(world)
    world.log_work(now, world.me, issue, 600, "Before the archive")
    world.archive(now, world.me, issue.project)
    return str(issue.id)


def test_a_listing_that_shrank_is_held_back_until_accepted(
    sandbox: RunningSandbox, home: Path
) -> None:
    sync(sandbox, home)
    doomed = sandbox.do(_delete_many)
    sandbox.advance(minutes=30)
    report = sync(sandbox, home)
    assert any("--accept-shrink" in warning for warning in report.warnings)
    sweeps = [json.loads(row["payload"]) for row in lake_rows(home, "jira_issues", "sweeps")]
    assert [sweep["status"] for sweep in sweeps] == ["complete", "held_back"]
    assert sweeps[1]["absent"] == len(doomed)
    assert all(row["is_present"] for row in lake_rows(home, "jira_issues", "issue_presence"))
    sync(sandbox, home, accept_shrink=True)
    rows = lake_rows(home, "jira_issues", "issue_presence")
    assert {row["object_id"] for row in rows if not row["is_present"]} == doomed


def _delete_many(world: World, now: int) -> set[str]:
    doomed = [some_issue(world, position) for position in range(30)]
    for issue in doomed:
        world.delete_issue(now, world.me, issue)
    return {str(issue.id) for issue in doomed}


def test_a_comment_that_came_and_went_leaves_a_listing_without_it(
    sandbox: RunningSandbox, home: Path
) -> None:
    sync(sandbox, home)
    issue_id, comment_id = sandbox.do(_add_comment)
    sandbox.advance(minutes=30)
    sync(sandbox, home)
    sandbox.do(_remove_comment)
    sandbox.advance(minutes=30)
    sync(sandbox, home)
    listings = [
        (row["source_at"], comment_id in json.loads(row["payload"])["comment_ids"], row["version"])
        for row in lake_rows(home, "jira_issues", "comment_listings")
        if row["object_id"] == issue_id
    ]
    held = [has for _, has, _ in sorted(listings)]
    assert held[0] is False
    assert held[-1] is False
    assert True in held
    assert len({version for _, _, version in listings}) == len(listings)


def _add_comment(world: World, now: int) -> tuple[str, str]:
    issue = some_issue(world, 5)
    return str(issue.id), str(world.comment(now, world.me, issue, "Passing by").id)


def _remove_comment(world: World, now: int) -> None:
    issue = some_issue(world, 5)
    last = list(issue.comments.values())[-1]
    world.delete_comment(now, world.me, issue, last)


def test_many_comments_are_paged_for_that_issue_only(sandbox: RunningSandbox, home: Path) -> None:
    issue_id = sandbox.do(_comment_a_lot)
    report = sync(sandbox, home)
    issues = sandbox.site.world.issues.values()
    assert report.requests["GET /rest/api/3/issue/{id}/comment"] == sum(
        len(issue.comments) > INLINE_LIMIT for issue in issues
    )
    (listing,) = [
        row
        for row in lake_rows(home, "jira_issues", "comment_listings")
        if row["object_id"] == issue_id
    ]
    assert len(json.loads(listing["payload"])["comment_ids"]) >= 130


def _comment_a_lot(world: World, now: int) -> str:
    issue = some_issue(world, 2)
    for number in range(130):
        world.comment(now, world.me, issue, f"Comment {number}")
    return str(issue.id)


def test_deleted_worklogs_come_from_their_feed(sandbox: RunningSandbox, home: Path) -> None:
    sync(sandbox, home)
    worklog_id = sandbox.do(_log_and_delete)
    sandbox.advance(minutes=30)
    sync(sandbox, home)
    (deletion,) = [
        row
        for row in lake_rows(home, "jira_issues", "worklog_deletions")
        if row["object_id"] == worklog_id
    ]
    assert json.loads(deletion["payload"])["updatedTime"] == int(deletion["version"])


def _log_and_delete(world: World, now: int) -> str:
    worklog = world.log_work(now, world.me, some_issue(world), 600, "Some work")
    world.delete_worklog(now, world.me, worklog)
    return str(worklog.id)


def test_an_empty_site_is_a_success(home: Path) -> None:
    with running_sandbox(days=0, actions_per_year=1) as running:
        report = sync(running, home)
        assert report.rows == {"sweeps": 1}
        assert report.cursor_to is None
        assert sync(running, home).mode == "full"


def test_every_kind_of_fault_and_nothing_is_lost(home: Path) -> None:
    plan = Path(__file__).parent.parent / "sandbox" / "plans" / "first.toml"
    with running_sandbox(days=8, plan=plan, max_lag_minutes=0, seed=11) as running:
        for _ in range(2):
            settings = settings_for(running.base_url, home)
            patience = type(QUICK)(attempts=8, first_pause_seconds=0.01, longest_pause_seconds=0.1)
            run_source("jira_issues", settings, patience=patience)
            running.advance(minutes=60)
        world = running.site.world
        pending = {str(number) for number in world.issues}
        assert running.faults()
        settled = [
            issue for issue in world.issues.values() if issue.created < world.now - 3_700_000
        ]
        assert {str(issue.id) for issue in settled} <= ids(home, "issues") & pending
        assert {str(c) for issue in settled for c in issue.comments} - ids(home, "comments") == {
            str(comment.id)
            for issue in settled
            for comment in issue.comments.values()
            if comment.created > world.now - 3_600_000
        }
        assert all(row["is_present"] for row in lake_rows(home, "jira_issues", "issue_presence"))


@pytest.mark.parametrize(
    "zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe", "America/St_Johns"]
)
def test_the_time_zone_of_the_account_loses_nothing(home: Path, zone: str) -> None:
    with running_sandbox(days=1, max_lag_minutes=0, time_zone=zone) as running:
        sync(running, home)
        running.advance(minutes=60)
        report = sync(running, home, reconcile=False)
        assert report.mode == "incremental"
        world = running.site.world
        assert ids(home, "changelogs") == {
            str(history.id) for issue in world.issues.values() for history in issue.histories
        }
        assert report.rows.get("issues", 0) < len(world.issues)
