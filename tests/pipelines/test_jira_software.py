"""Boards and sprints against the sandbox: one sprint on many boards, and what proves it gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import NotJsonError
from pipelines.runner import SyncReport, run_source
from tests.pipelines.conftest import QUICK, lake_rows, settings_for
from tests.sandbox.domain import ApiError, Call
from tests.sandbox.domains.software import Software
from tests.sandbox.domains.software.boards import Board
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.world import World

SCRUM_BOARDS = 4


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """Run a site on which nothing happens by itself, with 30 sprints of one board."""
    with running_sandbox(days=0, actions_per_year=1, domains=("software",)) as running:
        yield running


def sync(
    sandbox: RunningSandbox, home: Path, source: str = "jira_software", *, accept: bool = False
) -> SyncReport:
    settings = settings_for(sandbox.base_url, home)
    return run_source(source, settings, patience=QUICK, accept_shrink=accept)


def gone(home: Path, resource: str) -> set[str]:
    """Return ids of the objects with a tombstone."""
    rows = lake_rows(home, "jira_software", resource)
    return {row["object_id"] for row in rows if not row["is_present"]}


def bodies(home: Path, source: str, resource: str, object_id: str) -> list[Any]:
    """Return the stored contents of an object in the order they were stored."""
    return [
        json.loads(row["payload"])
        for row in lake_rows(home, source, resource)
        if row["object_id"] == object_id and row["is_present"]
    ]


def test_a_sprint_of_two_boards_is_one_and_requests_follow_the_boards(
    sandbox: RunningSandbox, home: Path
) -> None:
    first = sync(sandbox, home)
    assert (first.rows["boards"], first.rows["sprints"]) == (6, 30)
    # neither the Discovery board's configuration nor the kanban board's sprints are asked for
    assert first.rows["board_configurations"] == 5
    asked = {name: count for name, count in first.requests.items() if "agile" in name}
    assert sum(asked.values()) == 1 + 5 + SCRUM_BOARDS
    second = sync(sandbox, home)
    assert second.rows == {"sweeps": 1 + 5 + 1}
    assert second.requests == first.requests


def test_only_what_the_site_does_not_find_is_gone(sandbox: RunningSandbox, home: Path) -> None:
    def change(world: World, now: int) -> tuple[str, str, str]:
        software = world.domain(Software)
        board = software.boards.all[8]
        deleted = software.sprints.create(now, world.me, board, "deleted")
        orphan = software.sprints.create(now, world.me, board, "orphan")
        shared = software.sprints.create(now, world.me, software.boards.all[7], "shared")
        return str(deleted.id), str(orphan.id), str(shared.id)

    deleted, orphan, shared = sandbox.do(change)
    sync(sandbox, home)

    def delete(world: World, now: int) -> None:
        software = world.domain(Software)
        software.sprints.delete(now, world.me, software.sprints.all[int(deleted)])
        # The board goes and its sprints stay; the other board no longer shows those of board 7.
        software.boards.delete(now, world.me, software.boards.all[8])
        software.boards.all[9].also_shows = ()
        software.sprints.update(now, world.me, software.sprints.all[int(orphan)], name="alone")

    sandbox.do(delete)
    report = sync(sandbox, home)
    assert gone(home, "sprints") == {deleted}
    assert gone(home, "boards") == {"8"}
    assert gone(home, "board_configurations") == set()
    names = [body["name"] for body in bodies(home, "jira_software", "sprints", orphan)]
    assert names == ["orphan", "alone"]
    assert len(bodies(home, "jira_software", "sprints", shared)) == 1
    by_id = [count for name, count in report.requests.items() if "/sprint/{sprint}" in name]
    assert sum(by_id) == 2 + 2  # the deleted and the orphaned one, in both of two listings


def test_a_board_without_sprints_or_gone_meanwhile_hides_no_sprint(
    sandbox: RunningSandbox, home: Path
) -> None:
    sync(sandbox, home)

    def change(world: World, _: int) -> None:
        software = world.domain(Software)
        software.boards.all[9].kind = "simple"
        find = software.find_board

        def find_but_7(call: Call) -> Board:
            if call.path.endswith("/7/sprint"):
                raise ApiError(404, "The board was deleted since the boards were listed.")
            return find(call)

        setattr(software, "find_board", find_but_7)  # noqa: B010 - mypy knows it as a method

    sandbox.do(change)
    report = sync(sandbox, home)
    assert gone(home, "sprints") == set()
    assert report.rows["sweeps"] == 7


def test_sprints_that_vanish_all_at_once_are_held_back(sandbox: RunningSandbox, home: Path) -> None:
    sync(sandbox, home)

    def lose(world: World, _: int) -> None:
        world.domain(Software).sprints.all.clear()

    sandbox.do(lose)
    report = sync(sandbox, home)
    assert any("sprints: 30 of 30" in warning for warning in report.warnings)
    assert gone(home, "sprints") == set()
    sync(sandbox, home, accept=True)
    assert len(gone(home, "sprints")) == 30


def test_a_listing_that_breaks_off_stores_nothing(sandbox: RunningSandbox, home: Path) -> None:
    sync(sandbox, home)
    before = lake_rows(home, "jira_software", "sprints")
    sandbox.do(lambda world, _: world.domain(Software).sprints.all.popitem())
    sandbox.break_json("/rest/agile/1.0/board/9/sprint")
    with pytest.raises(NotJsonError):
        sync(sandbox, home)
    assert lake_rows(home, "jira_software", "sprints") == before


def test_one_moved_version_is_one_row_of_its_projects_order(
    sandbox: RunningSandbox, home: Path
) -> None:
    sync(sandbox, home, "jira_platform")
    sandbox.do(lambda world, now: world.domain(Software).versions.move(now, world.me, "13000", 2))
    report = sync(sandbox, home, "jira_platform")
    assert report.rows["version_orders"] == 1
    assert "versions" not in report.rows
    assert bodies(home, "jira_platform", "version_orders", "11000") == [
        ["13000", "13001", "13002"],
        ["13001", "13002", "13000"],
    ]
    order = lake_rows(home, "jira_platform", "version_orders")[-1]
    sweeps = lake_rows(home, "jira_platform", "sweeps")
    ended_in = {row["version"]: row["object_id"] for row in sweeps}
    assert ended_in[order["version"].rpartition(".")[2]] == "versions:11000"


def test_options_and_filters_are_stored_when_they_change(
    sandbox: RunningSandbox, home: Path
) -> None:
    sync(sandbox, home, "jira_platform")

    def change(world: World, now: int) -> str:
        software = world.domain(Software)
        software.options.set(now, world.me, "votingEnabled", value=False)
        other = next(p.account_id for p in world.people.values() if p.account_id != world.me)
        shared = software.filters.create(now, other, "shared", "a = 1")
        software.filters.create(now, other, "private", "a = 1", shared=False)
        return shared.id

    shared = sandbox.do(change)
    report = sync(sandbox, home, "jira_platform")
    assert (report.rows["configuration"], report.rows["filters"]) == (1, 1)
    told = bodies(home, "jira_platform", "configuration", "configuration")
    assert [body["votingEnabled"] for body in told] == [True, False]
    (body,) = bodies(home, "jira_platform", "filters", shared)
    assert {"jql", "owner", "sharePermissions", "description"} <= set(body)
    assert "favouritedCount" not in body
    sandbox.permission("ADMINISTER", granted=False)
    report = sync(sandbox, home, "jira_platform")
    assert "filters" in {entry.resource for entry in report.skipped}
    rows = lake_rows(home, "jira_platform", "filters")
    assert all(row["is_present"] for row in rows)
