"""Which versions were moved, for many orders at once; what is gone stays known."""

from __future__ import annotations

import bisect
import json
import random
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from dbt.contracts.graph.manifest import Manifest

from tests.dbt.builds import build, query
from tests.dbt.lakes import Lake, Row, at

PROJECTS = 300


def sweep(source: str, name: str, number: int, began: datetime) -> Row:
    """Return the row of one complete listing; `number` makes its id."""
    ended = began.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    content = {"status": "complete", "started_at": ended, "finished_at": ended}
    return Row(source, "sweeps", name, f"S{number}", began, payload=json.dumps(content))


def seen(
    source: str, resource: str, object_id: str, number: int, began: datetime, body: object
) -> Row:
    """Return a version that listing `number` stored; None: it was missing."""
    text = None if body is None else json.dumps(body)
    version = f"S{number}" if body is None else f"{resource}.S{number}"
    return Row(
        source, resource, object_id, version, began, is_present=body is not None, payload=text
    )


def shuffled(rng: random.Random) -> tuple[list[str], list[str]]:
    """Make an order of versions and another one: some moved, some gone, some new."""
    before = [f"v{number}" for number in range(rng.randint(0, 14))]
    after = [version for version in before if rng.random() > 0.15]
    for _ in range(rng.choice((0, 1, 1, 2, 3, 8))):
        if after:
            version = after.pop(rng.randrange(len(after)))
            after.insert(rng.randrange(len(after) + 1), version)
    for number in range(rng.choice((0, 0, 1, 3))):
        after.insert(rng.randrange(len(after) + 1), f"new{number}")
    return before, after


def kept_at_most(places: list[int]) -> int:
    """Length of the longest increasing subsequence, by patience sorting."""
    tails: list[int] = []
    for place in places:
        index = bisect.bisect_left(tails, place)
        tails[index : index + 1] = [place]
    return len(tails)


@pytest.fixture(scope="module")
def orders() -> dict[str, tuple[list[str], list[str]]]:
    rng = random.Random(5)
    return {str(number): shuffled(rng) for number in range(PROJECTS)}


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory,
    manifest: Manifest,
    orders: dict[str, tuple[list[str], list[str]]],
) -> Path:
    """Build a lake of two listings of everything."""
    home = tmp_path_factory.mktemp("planning")
    lake = Lake(home)
    location = {"projectId": 10, "projectName": "App", "projectTypeKey": "software"}
    board = {"id": 7, "name": "Team", "type": "scrum", "location": location}
    mine = {"id": "1", "name": "Mine", "jql": "a = 1", "owner": {"accountId": "me"}}
    shared = {"id": "2", "name": "Ann's", "jql": "a = 1", "owner": {"accountId": "ann"}}
    for number, began in ((1, at(0)), (2, at(30))):
        is_first = number == 1
        rows = [
            sweep("jira_software", "boards", number, began),
            sweep("jira_platform", "filters", number, began),
            sweep("jira_platform", "projects", number, began),
            sweep("jira_platform", "browsable_projects", number, began),
            seen("jira_software", "boards", "7", number, began, board if is_first else None),
            seen("jira_platform", "filters", "1", number, began, mine if is_first else None),
            seen("jira_platform", "filters", "2", number, began, shared if is_first else None),
        ]
        if is_first:
            rows.append(seen("jira_platform", "account", "me", number, began, {"accountId": "me"}))
            app = {"id": "10", "key": "APP", "name": "App"}
            rows += [
                seen("jira_platform", resource, "10", number, began, app)
                for resource in ("projects", "browsable_projects")
            ]
        for project, order in orders.items():
            rows.append(sweep("jira_platform", f"versions:{project}", number, began))
            rows.append(
                seen(
                    "jira_platform",
                    "version_orders",
                    project,
                    number,
                    began,
                    order[0 if is_first else 1],
                )
            )
        lake.load(rows)
    build(home, manifest)
    return home


def test_the_fewest_versions_are_moved_and_the_others_keep_their_order(
    home: Path, orders: dict[str, tuple[list[str], list[str]]]
) -> None:
    moved: dict[str, set[str]] = defaultdict(set)
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "select project_id, version_id, old_position, new_position"
            " from intermediate.int_version_orders__moves"
        ).fetchall()
    for project, version, old, new in rows:
        before, after = orders[project]
        assert (before.index(version) + 1, after.index(version) + 1) == (old, new)
        moved[project].add(version)
    for project, (before, after) in orders.items():
        stayed = [version for version in after if version in before]
        fewest = len(stayed) - kept_at_most([before.index(version) for version in stayed])
        assert len(moved[project]) == fewest, (before, after)
        rest = [version for version in stayed if version not in moved[project]]
        assert rest == [version for version in before if version in rest]
    assert sum(map(len, moved.values())) > PROJECTS / 2


def test_a_deleted_board_keeps_its_project(home: Path) -> None:
    board = "select board_name, project_id, is_deleted from dim_boards"
    assert query(home, board) == [("Team", "10", True)]
    action = "select action_code, target_label, project_id from fct_actions where target_id = '7'"
    assert query(home, action) == [("BOARD_DELETED", "Team", "10")]


def test_only_the_accounts_own_filter_is_known_to_be_deleted(home: Path) -> None:
    states = "select filter_name, lifecycle_state from dim_filters order by filter_id"
    assert query(home, states) == [("Mine", "deleted"), ("Ann's", "not_visible")]
    assert query(
        home, "select target_label from fct_actions where action_code = 'FILTER_DELETED'"
    ) == [("Mine",)]
