"""The snapshot says what happened: nothing lost, doubled, invented or wrong."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.transformation import MARTS, WAREHOUSE
from tests.e2e.conftest import STEPS_MINUTES, Story
from tests.e2e.held import THINGS, Held, field_values, things
from tests.e2e.product import Product, assert_exact, marts
from tests.sandbox.fields import POINTS, REQUEST_TYPE, SPRINT, TEAM
from tests.sandbox.objects import Issue
from tests.sandbox.running import running_sandbox
from tests.shared_data import require

CODES = {
    "ATTACHMENT_CREATED",
    "ATTACHMENT_DELETED",
    "COMMENT_DELETED",
    "COMMENT_UPDATED",
    "ISSUELINK_CREATED",
    "ISSUELINK_DELETED",
    "ISSUE_COMMENTED",
    "ISSUE_CREATED",
    "ISSUE_DELETED",
    "ISSUE_RESOLVED",
    "ISSUE_UPDATED",
    "STATUS_CHANGED",
    "WORKLOG_CREATED",
    "WORKLOG_DELETED",
    "WORKLOG_UPDATED",
}

COMPARED_FIELDS = {
    *("labels", "components", "fixVersions", "description", "duedate", "timeoriginalestimate"),
    *(POINTS, SPRINT, TEAM, REQUEST_TYPE),
}


def test_first_sync_is_exact(story: Story) -> None:
    assert_exact(story.verdicts[0])


@pytest.mark.parametrize("step", range(1, len(STEPS_MINUTES) + 1))
def test_stays_exact_while_the_world_moves_on(story: Story, step: int) -> None:
    assert_exact(story.verdicts[step])
    assert story.verdicts[step].total("expected") > story.verdicts[step - 1].total("expected")


def test_every_action_code_was_met(story: Story) -> None:
    met = {code for code, tally in story.verdicts[-1].tallies.items() if tally.found}
    assert met == CODES


def _last_read(story: Story) -> list[Issue]:
    """Return the issues of the world that the log has in their last version: nearly all."""
    updated = dict(_query(story, "select issue_id, epoch_ms(updated_at) from dim_issues"))
    issues = story.product.sandbox.site.world.issues.values()
    known = [issue for issue in issues if updated.get(str(issue.id)) == issue.updated]
    assert len(known) > 0.9 * len(issues)
    return known


def _query(story: Story, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(story.product.home / MARTS), read_only=True) as database:
        return database.execute(sql).fetchall()


def test_fields_hold_what_they_hold_in_the_world(story: Story) -> None:
    world, observed = story.product.sandbox.site.world, dict[str, Held]()
    columns = "issue_id, field_id, value_id, value_text"
    for issue_id, field, *value in _query(
        story, f"select {columns} from bridge_issue_field_values"
    ):
        observed.setdefault(issue_id, {}).setdefault(field, set()).add(tuple(value))
    compared = Counter[str]()
    for issue in _last_read(story):
        expected, found = field_values(world, issue), observed[str(issue.id)]
        assert {field: found.get(field, set()) for field in expected} == expected, issue.key
        assert COMPARED_FIELDS & found.keys() == expected.keys(), issue.key
        compared.update(expected.keys())
    assert compared.keys() == COMPARED_FIELDS


def test_what_hangs_on_issues_hangs_on_them_in_the_world(story: Story) -> None:
    world, observed = story.product.sandbox.site.world, dict[str, Held]()
    for relation, (columns, condition) in THINGS.items():
        sql = f"select issue_id, {columns} from {relation} where {condition}"
        for issue_id, *values in _query(story, sql):
            observed.setdefault(issue_id, {}).setdefault(relation, set()).add(tuple(values))
    compared = Counter[str]()
    for issue in _last_read(story):
        expected = things(world, issue)
        assert observed.get(str(issue.id), {}) == expected, issue.key
        compared.update(expected.keys())
    assert compared.keys() == THINGS.keys()


def test_deleted_databases_are_rebuilt_from_the_lake_row_for_row(story: Story) -> None:
    product = story.product
    before = marts(product.home / MARTS)
    for name in (WAREHOUSE, MARTS):
        (product.home / name).unlink()
    product.build()
    assert marts(product.home / MARTS) == before
    assert len(before["fct_actions"]) > 4_000
    assert_exact(product.check_marts())


def test_archive_of_real_issues_is_exact(tmp_path: Path) -> None:
    """No organisation is connected: it would be asked for thousands of people one by one."""
    with running_sandbox(image=require("titanium")) as sandbox:
        product = Product(tmp_path, sandbox)
        product.run(org_id=None, org_api_key=None)
        report = product.check()
    assert_exact(report)
    assert {code: tally.found for code, tally in report.tallies.items()} == {
        "ISSUE_CREATED": 23_055,
        "ISSUE_COMMENTED": 86_373,
        "COMMENT_UPDATED": 7_972,
        "ATTACHMENT_CREATED": 9_987,
    }
