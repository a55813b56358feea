"""Full lists against the sandbox: rows for changes only, tombstones only when proved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pipelines.registry import SOURCES
from pipelines.runner import SyncReport, run_source
from tests.pipelines.conftest import QUICK, lake_rows, settings_for
from tests.sandbox.domains.admin import Admin
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.world import World

LISTS = [spec.name for spec in SOURCES["jira_platform"].resources][:-3]


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """Run a small site."""
    with running_sandbox(days=1) as running:
        yield running


def sync(sandbox: RunningSandbox, home: Path, *, accept_shrink: bool = False) -> SyncReport:
    return run_source(
        "jira_platform",
        settings_for(sandbox.base_url, home),
        patience=QUICK,
        accept_shrink=accept_shrink,
    )


def names(home: Path, resource: str, object_id: str) -> list[str | None]:
    rows = sorted(lake_rows(home, "jira_platform", resource), key=lambda row: row["fetched_at"])
    return [
        json.loads(row["payload"])["name"] if row["is_present"] else None
        for row in rows
        if row["object_id"] == object_id
    ]


def _rename(project_id: str, name: str, world: World, now: int) -> None:
    world.rename_project(now, project_id, name)


def _delete_field(field: str, world: World, now: int) -> None:
    world.delete_field(now, field)


def test_everything_once_then_only_what_changed(sandbox: RunningSandbox, home: Path) -> None:
    first = sync(sandbox, home)
    assert all(first.rows[resource] > 0 for resource in LISTS)
    listings = first.rows["sweeps"]
    second = sync(sandbox, home)
    assert second.rows == {"sweeps": listings}
    sweeps = lake_rows(home, "jira_platform", "sweeps")
    orders = {"version_orders", "priority_orders"}
    assert {row["object_id"].partition(":")[0] for row in sweeps} == set(LISTS) - orders
    assert len({row["object_id"] for row in sweeps}) == listings
    assert len({(row["object_id"], row["version"]) for row in sweeps}) == 2 * listings


def _swap_highest(world: World, _: int) -> None:
    first, second, *others = world.priorities.items()
    world.priorities = dict([second, first, *others])


def test_the_order_of_priorities_is_kept_when_it_changes(
    sandbox: RunningSandbox, home: Path
) -> None:
    for _ in range(2):
        sync(sandbox, home)
    sandbox.do(_swap_highest)
    sync(sandbox, home)
    rows = lake_rows(home, "jira_platform", "priority_orders")
    orders = [json.loads(row["payload"]) for row in sorted(rows, key=lambda row: row["fetched_at"])]
    assert orders == [["1", "2", "3", "4", "5"], ["2", "1", "3", "4", "5"]]
    assert {row["object_id"] for row in rows} == {"priority_orders"}
    assert len(lake_rows(home, "jira_platform", "priorities")) == 5


def test_content_that_comes_back_is_a_new_version(sandbox: RunningSandbox, home: Path) -> None:
    project = next(iter(sandbox.site.world.projects.values()))
    original = project.name
    for name in ("Renamed", original):
        sync(sandbox, home)
        sandbox.do(partial(_rename, project.id, name))
    sync(sandbox, home)
    assert names(home, "projects", project.id) == [original, "Renamed", original]
    rows = [
        row
        for row in lake_rows(home, "jira_platform", "projects")
        if row["object_id"] == project.id
    ]
    assert len({row["version"] for row in rows}) == 3


def test_a_deleted_field_gets_one_tombstone(sandbox: RunningSandbox, home: Path) -> None:
    sync(sandbox, home)
    field = sandbox.site.world.fields[-1]["id"]
    sandbox.do(partial(_delete_field, field))
    for _ in range(2):
        sync(sandbox, home)
    assert names(home, "fields", field)[-1] is None
    assert names(home, "fields", field).count(None) == 1


def test_missing_permissions_skip_their_list_only(sandbox: RunningSandbox, home: Path) -> None:
    sandbox.permission("ADMINISTER", granted=False)
    sandbox.permission("USER_PICKER", granted=False)
    report = sync(sandbox, home)
    assert not {one for one in report.rows if one.startswith("issue_security")}
    assert "users" not in report.rows
    assert report.rows["projects"] > 0
    warned = " ".join(report.warnings)
    assert "'Administer Jira'" in warned
    assert "'Browse users and groups'" in warned
    assert "names of issue security levels" in warned
    assert "who may see secured issues is unknown" in warned
    sandbox.permission("USER_PICKER", granted=True)
    assert sync(sandbox, home).rows["users"] > 0


def test_a_permission_that_was_lost_is_no_deletion(sandbox: RunningSandbox, home: Path) -> None:
    sync(sandbox, home)
    sandbox.permission("USER_PICKER", granted=False)
    sync(sandbox, home)
    assert all(row["is_present"] for row in lake_rows(home, "jira_platform", "users"))


def test_members_of_security_levels_come_and_go(sandbox: RunningSandbox, home: Path) -> None:
    resource = "issue_security_level_members"
    sync(sandbox, home)
    security = sandbox.site.world.domain(Admin).security
    assert security is not None
    before = {str(member.id) for member in security.members}
    gone = security.members[0]
    security.remove(gone)
    new = security.add(
        gone.level, "projectRole", next(iter(sandbox.site.world.domain(Admin).roles))
    )
    sandbox.permission("ADMINISTER", granted=False)
    assert resource not in sync(sandbox, home).rows
    sandbox.permission("ADMINISTER", granted=True)
    assert sync(sandbox, home).rows[resource] == 2
    rows = lake_rows(home, "jira_platform", resource)
    assert {row["object_id"] for row in rows if row["is_present"]} == before | {str(new.id)}
    assert [row["object_id"] for row in rows if not row["is_present"]] == [str(gone.id)]
    holder = json.loads(next(r["payload"] for r in rows if r["object_id"] == str(new.id)))["holder"]
    assert (holder["type"], holder["value"]) == (new.holder, new.value)


def test_a_list_that_shrank_is_held_back_until_accepted(
    sandbox: RunningSandbox, home: Path
) -> None:
    sync(sandbox, home)
    doomed = {field["id"] for field in sandbox.site.world.fields[:25]}
    for field in doomed:
        sandbox.do(partial(_delete_field, field))
    report = sync(sandbox, home)
    assert any("fields: 25 of" in warning for warning in report.warnings)
    assert all(row["is_present"] for row in lake_rows(home, "jira_platform", "fields"))
    assert sync(sandbox, home, accept_shrink=True).warnings == []
    gone = {
        r["object_id"] for r in lake_rows(home, "jira_platform", "fields") if not r["is_present"]
    }
    assert gone == doomed
