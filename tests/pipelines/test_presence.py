"""Why an issue is missing: deleted, archived, trashed, access lost, or nobody can tell."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from pipelines.runner import SyncReport, run_source
from tests.pipelines.conftest import QUICK, lake_rows, settings_for
from tests.sandbox.objects import Issue
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.world import World

LEVEL = "10400"


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """Run a site where only scripted things happen: one issue in each of three projects."""
    with running_sandbox(days=0, actions_per_year=1, max_lag_minutes=0, domains=()) as running:
        running.do(_begin)
        yield running


def _begin(world: World, now: int) -> None:
    for issue in list(world.issues.values()):
        world.delete_issue(now, world.me, issue)
    for project in ("11000", "11001", "11002"):
        world.create_issue(
            now, world.me, project, issuetype="10203", status="10000", summary="A task"
        )


def sync(sandbox: RunningSandbox, home: Path, *, accept_shrink: bool = False) -> SyncReport:
    sandbox.advance(minutes=30)
    settings = settings_for(sandbox.base_url, home)
    return run_source(
        "jira_issues", settings, patience=QUICK, reconcile=True, accept_shrink=accept_shrink
    )


def issue_of(world: World, project: str = "11000") -> Issue:
    return next(issue for issue in world.issues.values() if issue.project == project)


def states(home: Path, issue_id: int) -> list[tuple[str, str | None]]:
    """Give what was told of an issue, oldest first: (state, evidence)."""
    told = []
    for row in lake_rows(home, "jira_issues", "issue_presence"):
        if row["object_id"] == str(issue_id):
            content = json.loads(row["payload"])
            is_present = row["is_present"]
            assert is_present == ("state" not in content)
            told.append(
                (row["fetched_at"], content.get("state", "present"), content.get("evidence"))
            )
    return [(state, evidence) for _, state, evidence in sorted(told)]


def delete(world: World, now: int) -> None:
    world.delete_issue(now, world.me, issue_of(world))


def hide(world: World, now: int) -> None:
    world.hide(now, "11000", is_hidden=True)


def archive(world: World, now: int) -> None:
    world.archive(now, world.me, "11000")


def trash(world: World, now: int) -> None:
    world.trash(now, world.me, "11000")


def move_out_of_sight(world: World, now: int) -> None:
    world.hide(now, "11002", is_hidden=True)
    world.move(now, world.me, issue_of(world), "11002")


def move(world: World, now: int) -> None:
    world.move(now, world.me, issue_of(world), "11001")


def secure_out_of_sight(world: World, now: int) -> None:
    world.hide_level(now, LEVEL, is_hidden=True)
    world.edit(now, world.me, issue_of(world), {"security": LEVEL})


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        (delete, ("deleted", "not_listed_and_not_found")),
        (hide, ("access_lost", "project_not_visible")),
        (archive, ("archived", "project_archived")),
        (trash, ("trashed", "project_trashed")),
        (move_out_of_sight, ("unobserved", "projects_not_visible")),
        (secure_out_of_sight, ("unobserved", "security_levels_not_visible")),
        (move, None),
    ],
)
def test_why_an_issue_is_missing(
    sandbox: RunningSandbox,
    home: Path,
    happens: Callable[[World, int], None],
    expected: tuple[str, str] | None,
) -> None:
    sync(sandbox, home)
    issue_id = issue_of(sandbox.site.world).id
    sandbox.do(happens)
    for _ in range(2):  # told once
        sync(sandbox, home)
    assert states(home, issue_id) == [("present", None), *([expected] if expected else [])]


def test_an_issue_of_a_level_that_is_taken_away_is_access_lost(
    sandbox: RunningSandbox, home: Path
) -> None:
    issue_id = sandbox.do(_secure)
    sync(sandbox, home)
    sandbox.hide_level(LEVEL)
    sync(sandbox, home)
    sandbox.hide_level(LEVEL, hidden=False)
    sync(sandbox, home)
    assert states(home, issue_id) == [
        ("present", None),
        ("access_lost", "security_level_not_visible"),
        ("present", None),
    ]


def _secure(world: World, now: int) -> int:
    issue = issue_of(world)
    world.edit(now, world.me, issue, {"security": LEVEL})
    return issue.id


def test_who_does_not_administer_jira_cannot_tell_a_deletion(
    sandbox: RunningSandbox, home: Path
) -> None:
    sandbox.permission("ADMINISTER", granted=False)
    sync(sandbox, home)
    issue_id = issue_of(sandbox.site.world).id
    sandbox.do(delete)
    report = sync(sandbox, home)
    assert any("webhooks" in warning for warning in report.warnings)
    (state, _) = states(home, issue_id)[-1]
    assert state == "unobserved"


def test_what_nobody_could_tell_is_judged_again_once_all_is_seen(
    sandbox: RunningSandbox, home: Path
) -> None:
    sync(sandbox, home)
    world = sandbox.site.world
    issue_id = issue_of(world).id
    sandbox.hide_project("OPS")
    deleted_at = sandbox.site.clock.now()
    sandbox.do(delete)
    sync(sandbox, home)
    assert states(home, issue_id)[-1] == ("unobserved", "projects_not_visible")
    sandbox.unhide_project("OPS")
    sync(sandbox, home)
    assert states(home, issue_id)[-1] == ("deleted", "not_listed_and_not_found")
    rows = [
        row
        for row in lake_rows(home, "jira_issues", "issue_presence")
        if row["object_id"] == str(issue_id) and not row["is_present"]
    ]
    first = min(json.loads(row["payload"])["previous_sweep_at"] for row in rows)
    last = max(row["source_at"] for row in rows)
    assert datetime.fromisoformat(first).timestamp() * 1000 <= deleted_at <= last.timestamp() * 1000


def test_an_issue_that_returns_is_present(sandbox: RunningSandbox, home: Path) -> None:
    sync(sandbox, home)
    issue_id = issue_of(sandbox.site.world).id
    sandbox.hide_project("APP")
    sync(sandbox, home)
    sandbox.unhide_project("APP")
    sync(sandbox, home)
    assert [state for state, _ in states(home, issue_id)] == ["present", "access_lost", "present"]
    assert sync(sandbox, home).mode == "full", "nobody told what happened meanwhile"


def test_a_listing_that_shrank_tells_nothing(sandbox: RunningSandbox, home: Path) -> None:
    sandbox.do(_many)
    sync(sandbox, home)
    issue_id = issue_of(sandbox.site.world).id
    sandbox.do(_delete_all)
    report = sync(sandbox, home)
    assert any("--accept-shrink" in warning for warning in report.warnings)
    assert states(home, issue_id) == [("present", None)]
    sync(sandbox, home, accept_shrink=True)
    assert states(home, issue_id)[-1][0] == "deleted"


def _many(world: World, now: int) -> None:
    for _ in range(30):
        world.create_issue(
            now, world.me, "11000", issuetype="10203", status="10000", summary="One of many"
        )


def _delete_all(world: World, now: int) -> None:
    for issue in [issue for issue in world.issues.values() if issue.project == "11000"]:
        world.delete_issue(now, world.me, issue)


def test_the_questions_grow_with_projects_and_not_with_issues(
    sandbox: RunningSandbox, home: Path
) -> None:
    sandbox.do(_many)
    sync(sandbox, home)
    sandbox.do(_delete_all)
    requests = sync(sandbox, home, accept_shrink=True).requests
    asked = {name: count for name, count in requests.items() if "/project/" in name}
    assert sum(asked.values()) == 4, asked
