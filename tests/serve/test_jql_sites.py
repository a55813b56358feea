"""JQL where two sites use the same numbers for other things."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from serve.config import ServeSettings
from serve.query.compiler import Query
from serve.query.jql.compiler import compile_query
from serve.query.jql.moments import Clock
from serve.query.jql.parser import parse
from serve.query.visibility import OPERATOR
from serve.warehouse.names import SnapshotNames
from serve.warehouse.snapshot import Snapshot
from serve.warehouse.turns import Turns
from tests.serve.jql_marts import OTHER_SITE, SITE, write_jql_marts


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    path: Path = tmp_path_factory.mktemp("sites") / "marts.duckdb"
    write_jql_marts(path)
    with duckdb.connect(str(path)) as database:
        # the other site's issue 1 is TWO-1, and its status 3 is "Open"; both know ann
        for table, values in (
            ("dim_issues", "'TWO-1' as issue_key, '900' as project_id, '3' as status_id"),
            ("dim_projects", "'900' as project_id, 'TWO' as project_key, 'Two' as project_name"),
            ("dim_statuses", "'Open' as status_name"),
        ):
            chosen = {"dim_issues": "issue_id = '1'", "dim_projects": "project_key = 'DEV'",
                      "dim_statuses": "status_id = '3'"}[table]  # fmt: skip
            database.execute(
                f"insert into {table} select * replace ('{OTHER_SITE}' as site_id, {values}) "
                f"from {table} where {chosen}"
            )
        database.execute(
            f"insert into dim_users select * replace ('{OTHER_SITE}' as site_id) from dim_users"
        )
        database.execute(
            "insert into fct_action_changes select * replace "
            f"('{OTHER_SITE}' as site_id, 'two' as action_id, '7' as old_value_id, "
            "'3' as new_value_id) from fct_action_changes "
            "where field_id = 'status' and issue_id = '3'"
        )
        database.execute(
            f"update fct_action_changes set issue_id = '1' where site_id = '{OTHER_SITE}'"
        )
    opened = Snapshot("jql", path, ServeSettings(home=path.parent), Turns(4))
    yield opened
    opened.close()


ONE, TWO = (SITE, "DEV-1"), (OTHER_SITE, "TWO-1")


@pytest.mark.parametrize(
    ("text", "present", "absent"),
    [
        ("status = Open", {TWO}, {ONE, (SITE, "DEV-3")}),
        ("status = Done", {(SITE, "DEV-3"), (SITE, "DEV-4")}, {TWO, ONE}),
        ("status != Done", {ONE, TWO}, {(SITE, "DEV-3")}),
        ("labels = red", {ONE, (SITE, "DEV-3")}, {TWO}),
        ("labels is empty", {TWO}, {ONE}),
        ("comment ~ ladder", {ONE}, {TWO}),
        ("assignee = 'bob@example.com'", {ONE, TWO}, {(SITE, "DEV-3")}),
        ("key = DEV-1", {ONE}, {TWO}),
        ("key = 1", {ONE, TWO}, {(SITE, "DEV-2")}),
        ("status was Open", {TWO}, {ONE, (SITE, "DEV-3")}),
        ("status was Done", {(SITE, "DEV-3"), (SITE, "DEV-4")}, {ONE, TWO}),
        ("status was Done on now()", {(SITE, "DEV-3")}, {ONE, TWO}),
        ("status was 'In Progress' on 2026-01-04", {ONE}, {TWO}),
        ("status changed to Open", {TWO}, {ONE, (SITE, "DEV-3")}),
        ("fixVersion was 11", {ONE}, {TWO}),
        ("issue in linkedIssues(DEV-2)", {ONE}, {TWO}),
        ("issue in updatedBy(cid)", {ONE}, {TWO}),
        ("category = core", {ONE, TWO}, {(SITE, "OPS-1")}),
    ],
)
def test_ids_are_those_of_their_site(
    snapshot: Snapshot, text: str, present: set[tuple[str, str]], absent: set[tuple[str, str]]
) -> None:
    rights = snapshot.rights(OPERATOR)
    clock = Clock(snapshot.directory.now, ZoneInfo("UTC"))
    selection = compile_query(parse(text), SnapshotNames(snapshot, rights), rights, clock)
    found = set(
        snapshot.run(
            Query(
                "select site_id, issue_key from dim_issues "
                f"semi join ({selection.sql}) using (site_id, issue_id)",
                selection.params,
            )
        )
    )
    assert present <= found
    assert not absent & found
