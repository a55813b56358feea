"""Snapshots to serve: a small synthetic log, some of it awkward on purpose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from serve.app import create_app
from serve.config import ServeSettings
from serve.query.compiler import Query
from serve.warehouse.snapshot import Snapshot
from tests.bench.synthetic import Shape, publish, write_marts, write_named_issues, write_totals

SHAPE = Shape(actions=3_000, actors=40, projects=6, issues=200, days=90)
BASE_URL = "http://127.0.0.1"

# What people type into Jira and what spreadsheets and browsers would make of it.
HOSTILE_TEXTS = (
    "=1+1",
    "=cmd|'/c calc'!A1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\tafter a tab",
    "http://example.com",
    "mailto:a@example.com",
    "<script>alert(1)</script>",
    "a & b < c > d \" e ' f",
    "_x0041_ is not A",
    "two\nlines",
    "bell\x07 null\x00 escape\x1b end",
    "not a character \ufffe\uffff",
    "flag 🏴󠁧󠁢󠁥󠁮󠁧󠁿 and é ü 漢字",
    " spaces around ",
    "]]>",
    "&amp;",
    "x" * 32_767,
    "x" * 32_768,
    "🙂" * 16_384,
    "y" * 100_000,
)


@dataclass(frozen=True)
class Member:
    """A membership of a person: in what, from when (null: ever), until when (null: still)."""

    thing_id: str
    valid_from_at: datetime | None
    valid_to_at: datetime | None


@dataclass(frozen=True)
class Fact:
    """The columns of a fact that filters and order depend on."""

    action_id: str
    occurred_at: datetime
    action_code: str
    actor_account_id: str | None
    project_id: str | None
    is_secured: bool
    from_status_id: str | None
    to_status_id: str | None
    resolution_id: str | None
    source_event_id: str
    issue_id: str | None
    field_ids: list[str]
    memberships: tuple[Member, ...]


def make_marts(path: Path) -> None:
    """Write the synthetic marts with equal times, hostile texts, and a renamed project."""
    write_marts(path, SHAPE)
    with duckdb.connect(str(path)) as database:
        # Many actions in one microsecond: only the id decides their order.
        database.execute(
            "update fct_actions set occurred_at = date_trunc('day', occurred_at), "
            "observed_to_at = case when observed_to_at is not null "
            "then date_trunc('day', occurred_at) end, "
            "observed_from_at = date_trunc('day', observed_from_at) - interval 1 hour "
            "where hash(action_id) % 3 = 0"
        )
        write_totals(database)
        # One edit that changed the status, resolved the issue and touched a field: three actions.
        database.execute(
            "update fct_actions set source_event_id = 'edit-' || (hash(action_id) % 60) "
            "where action_code in ('STATUS_CHANGED', 'ISSUE_RESOLVED', 'ISSUE_UPDATED') "
            "and hash(action_id) % 4 = 1"
        )
        database.execute(
            "update fct_action_changes set occurred_at = facts.occurred_at "
            "from fct_actions as facts "
            "where facts.action_id = fct_action_changes.action_id"
        )
        # Of some actions nobody knows what type their issue had then; the type of request changed.
        database.execute(
            "update fct_actions set issue_type_id = null where hash(action_id) % 11 = 0"
        )
        database.execute(
            "update fct_actions set "
            "request_type_id = case hash(action_id) % 3 when 0 then '2' when 1 then '1' end "
            "where request_type_id is not null"
        )
        # Some edits changed two fields.
        database.execute(
            "insert into fct_action_changes select * replace (change_id || '-2' as change_id, "
            "1 as item_index, case field_id when 'summary' then 'assignee' else 'summary' end "
            "as field_id, case field_id when 'summary' then 'Assignee' else 'Summary' end "
            "as field_name, null as old_value_id, null as new_value_id) "
            "from fct_action_changes where hash(action_id) % 5 = 0"
        )
        database.execute(
            "update fct_actions set change_count = 2 "
            "where change_count = 1 and hash(action_id) % 5 = 0"
        )
        listed = database.execute(
            "select action_id from fct_actions where not is_secured and issue_id is not null "
            "and action_code in ('ISSUE_UPDATED', 'ISSUE_COMMENTED', 'COMMENT_UPDATED') "
            "order by occurred_at desc, action_id desc limit ?",
            [len(HOSTILE_TEXTS)],
        ).fetchall()
        for (action_id,), text in zip(listed, HOSTILE_TEXTS, strict=True):
            database.execute(
                "update fct_actions set old_value = ?, new_value = ? where action_id = ?",
                [text, text, action_id],
            )
        # A second site knows some of the same accounts and uses the same numbers for other things.
        for table in ("dim_users", "dim_projects", "dim_issues", "dim_issue_types"):
            database.execute(
                f"insert into {table} select * replace ('other.atlassian.net' as site_id) "
                f"from {table} limit 10"
            )
        # Project 10000 was once called OLD: its issues bore that key in their first half.
        database.execute(
            "update bridge_issue_keys set valid_from_at = timestamp '2025-11-15' "
            "where starts_with(issue_key, 'P0-')"
        )
        database.execute(
            "insert into bridge_issue_keys "
            "select * replace (replace(issue_key, 'P0-', 'OLD-') as issue_key, "
            "timestamp '2025-01-01' as valid_from_at, timestamp '2025-11-15' as valid_to_at, "
            "false as is_current) from bridge_issue_keys "
            "where starts_with(issue_key, 'P0-')"
        )
        # An issue that moved from OLD to P1 keeps its old key too; P1 never was OLD.
        database.execute(
            "insert into bridge_issue_keys "
            "select * replace ('OLD-999' as issue_key, '10000' as project_id, "
            "timestamp '2024-01-01' as valid_from_at, timestamp '2024-02-01' as valid_to_at, "
            "false as is_current) from bridge_issue_keys "
            "where starts_with(issue_key, 'P1-') limit 1"
        )
        write_named_issues(database)
        database.execute("checkpoint")


@pytest.fixture(scope="session")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("marts") / "marts.duckdb"
    make_marts(path)
    return path


@pytest.fixture(scope="session")
def facts(marts: Path) -> list[Fact]:
    """Every fact, newest first: what the API must agree with."""
    with duckdb.connect(str(marts), read_only=True) as database:
        rows = database.execute(
            "select action_id, occurred_at, action_code, actor_account_id, project_id, is_secured, "
            "from_status_id, to_status_id, resolution_id, source_event_id, issue_id, "
            "(select coalesce(list(field_id), []) from fct_action_changes as changes "
            "where changes.action_id = fct_actions.action_id) "
            "from fct_actions"
        ).fetchall()
        members = database.execute(
            "select account_id, group_id, valid_from_at, valid_to_at from bridge_group_members "
            "union all select account_id, project_id, valid_from_at, valid_to_at "
            "from bridge_project_people "
            "union all select account_id, organization_id, valid_from_at, valid_to_at "
            "from bridge_organization_members"
        ).fetchall()
    memberships: defaultdict[str | None, list[Member]] = defaultdict(list)
    for account_id, *membership in members:
        memberships[account_id].append(Member(*membership))
    found = [Fact(*(*row, tuple(memberships[row[3]]))) for row in rows]
    return sorted(found, key=lambda fact: (fact.occurred_at, fact.action_id), reverse=True)


def publish_copy(home: Path, marts: Path) -> str:
    """Publish a copy of `marts` under `home`; returns the snapshot's id."""
    home.mkdir(parents=True, exist_ok=True)
    copy = home / "copy.duckdb"
    copy.write_bytes(marts.read_bytes())
    return publish(home, copy)


def make_client(home: Path, **settings: object) -> TestClient:
    """Return a client of an application of its own over `home`."""
    app = create_app(ServeSettings.model_validate({"home": home, **settings}))
    return TestClient(app, base_url=BASE_URL, raise_server_exceptions=False)


def app_of(client: TestClient) -> FastAPI:
    """Return the application of a client, which knows it as any ASGI callable."""
    return cast("FastAPI", client.app)


def publish_endless(home: Path, marts: Path, table: str) -> None:
    """Publish a copy of a log in which the rows of `table` are too many for any machine."""
    copy = home / "endless.duckdb"
    copy.write_bytes(marts.read_bytes())
    with duckdb.connect(str(copy)) as database:
        database.execute(f"alter table {table} rename to few")
        database.execute(
            f"create view {table} as select few.* from few, range(1_000_000_000) as times (i)"
        )
        database.execute("checkpoint")
    publish_copy(home, copy)
    copy.unlink()


@pytest.fixture(scope="session")
def client(marts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a client of an application whose snapshot never changes."""
    home = tmp_path_factory.mktemp("home")
    publish_copy(home, marts)
    with make_client(home) as made:
        yield made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Query]:
    """Return the list of everything that is asked of a snapshot from now on."""
    queries: list[Query] = []
    run = Snapshot.run

    def listening(self: Snapshot, query: Query) -> list[tuple[Any, ...]]:
        queries.append(query)
        return run(self, query)

    monkeypatch.setattr(Snapshot, "run", listening)
    return queries


@contextmanager
def hurried(client: TestClient, seconds: float) -> Iterator[None]:
    """Give the queries of an open snapshot only so long, as its settings would, until it ends.

    A limit for all that a test asks would fail what is meant to succeed on a busy machine.
    """
    warehouse = app_of(client).state.warehouse
    with warehouse.lease() as snapshot:
        usual = snapshot._settings
        limits = {"query_seconds": seconds, "export_seconds": seconds}
        snapshot._settings = usual.model_copy(update=limits)
        try:
            yield
        finally:
            snapshot._settings = usual
