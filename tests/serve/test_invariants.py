"""What must hold of any filter, whatever it is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.query.breakdowns import STATUS_CHANGED
from tests.serve.conftest import Fact, make_client, publish_copy
from tests.serve.test_actions import ALL_TIME, all_pages, expected, filters, get
from tests.serve.test_activity import author_id
from tests.serve.test_workbook import HEADER, assert_same, download, expected_row, read

PEOPLE = {
    "user": ["account-0", "account-1", "account-9", "account-30"],
    "group": ["group-1", "group-4"],
    "people_in_project": ["P3", "10004"],
    "people_in_organization": ["organization 5"],
}


@settings(max_examples=12)
@given(question=filters, start=st.dates(date(2025, 11, 20), date(2025, 12, 28)))
def test_export_holds_the_rows_of_all_pages(
    client: TestClient, question: dict[str, Any], start: date
) -> None:
    question = {**question, "from": str(start)}
    items = all_pages(client, "/api/v1/actions", limit=173, **question)
    (sheet,) = read(download(client, **question))
    assert sheet[0] == HEADER
    assert len(sheet) == len(items) + 1
    for row, item in zip(sheet[1:], items, strict=True):
        assert_same(row, expected_row(item))
    counted = get(client, "/api/v1/actions", limit=1, count="true", **question)
    assert counted["action_count"] == len(items)


@settings(max_examples=15)
@given(question=filters)
def test_fields_count_at_least_the_actions(
    client: TestClient, facts: list[Fact], question: dict[str, Any]
) -> None:
    question = {name: value for name, value in question.items() if name != "field"}
    groups = all_pages(client, "/api/v1/activity", limit=1_000, breakdown="fields", **question)
    sums: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    for item in groups:
        sums[author_id(item)] += Counter(item["counts"])
    plain: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    changed: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    for fact in expected(facts, question):
        if fact.field_ids:
            plain[fact.actor_account_id][fact.action_code] += 1
            changed[fact.actor_account_id][fact.action_code] += len(fact.field_ids)
    assert sums == changed
    assert all(sums[author] >= counts for author, counts in plain.items())


@settings(max_examples=15)
@given(question=filters, by=st.sampled_from(["status", "transition"]))
def test_status_and_transition_cover_status_changes_only(
    client: TestClient, question: dict[str, Any], by: str
) -> None:
    groups = all_pages(client, "/api/v1/activity", limit=1_000, breakdown=by, **question)
    assert all(set(item["counts"]) == {STATUS_CHANGED} for item in groups)
    sums: Counter[str | None] = Counter()
    for item in groups:
        sums[author_id(item)] += item["total"]
    plain = all_pages(client, "/api/v1/activity", limit=1_000, **question)
    assert sums == Counter(
        {author_id(item): item["counts"].get(STATUS_CHANGED, 0) for item in plain}
    )


@settings(max_examples=20)
@given(question=filters, data=st.data())
def test_one_more_person_never_removes_a_row(
    client: TestClient, question: dict[str, Any], data: st.DataObject
) -> None:
    first, more = (
        data.draw(
            st.sampled_from([(kind, one) for kind, values in PEOPLE.items() for one in values])
        )
        for _ in range(2)
    )
    few: dict[str, Any] = {name: [] for name in PEOPLE} | question
    few[first[0]] = [*few[first[0]], first[1]]
    many = {**few, more[0]: [*few[more[0]], more[1]]}
    before, after = (
        {item["action_id"] for item in all_pages(client, "/api/v1/actions", limit=1_000, **one)}
        for one in (few, many)
    )
    assert before <= after
    fewer, more_of_them = (
        Counter({author_id(item): item["total"] for item in get_rows(client, one)})
        for one in (few, many)
    )
    assert fewer <= more_of_them


def get_rows(client: TestClient, question: dict[str, Any]) -> list[dict[str, Any]]:
    return all_pages(client, "/api/v1/activity", limit=1_000, **question)


def test_nobody_chosen_means_everybody(client: TestClient, facts: list[Fact]) -> None:
    nobody: dict[str, Any] = {name: [] for name in PEOPLE}
    items = get_rows(client, nobody | ALL_TIME)
    assert {author_id(item): item["total"] for item in items} == Counter(
        fact.actor_account_id for fact in facts
    )
    assert get(client, "/api/v1/activity")["action_count"] > 0, "only the default time is needed"


PAGED: dict[str, dict[str, Any]] = {
    "/api/v1/actions": {"from": "2025-12-10"},
    "/api/v1/actions?sort=author&count=true": {"from": "2025-12-10"},
    "/api/v1/activity": {},
    "/api/v1/activity?breakdown=projects&sort=display_name": {"from": "2025-12-10"},
    "/api/v1/issues": {},
    "/api/v1/issues/links": {},
    "/api/v1/issue-views": {"from": "2025-12-10"},
}


@pytest.mark.parametrize("address", PAGED)
def test_pages_of_any_size_join_while_others_are_published(
    tmp_path: Path, marts: Path, address: str
) -> None:
    """Each page of another size; a newer, emptier log is published after the first one."""
    path, _, more = address.partition("?")
    question: dict[str, Any] = {
        **PAGED[address],
        **dict(pair.split("=") for pair in more.split("&") if pair),
    }
    emptier = tmp_path / "emptier.duckdb"
    emptier.write_bytes(marts.read_bytes())
    with duckdb.connect(str(emptier)) as database:
        for table in ("fct_actions", "fct_action_changes", "fct_issue_views"):
            database.execute(f"delete from {table} where hash(site_id || rowid) % 2 = 0")
        database.execute("checkpoint")
    publish_copy(tmp_path, marts)
    with make_client(tmp_path) as client:
        whole = all_pages(client, path, limit=1_000, **question)
        page = get(client, path, limit=1, **question)
        items, snapshot_id = page["items"], page["snapshot_id"]
        newer = publish_copy(tmp_path, emptier)
        assert get(client, path, limit=1, **question)["snapshot_id"] == newer
        for size in (1, 7, 64, 3, 250, 2, *[611] * 10):
            if page["next_cursor"] is None:
                break
            page = get(client, path, limit=size, cursor=page["next_cursor"], **question)
            assert page["snapshot_id"] == snapshot_id
            items += page["items"]
        assert page["next_cursor"] is None
        assert items == whole


# Actions of one issue: (edit, code, from, to, resolution, changed fields).
EDITS = {
    "a": ("edit-1", STATUS_CHANGED, "1", "4", None, ["status"]),
    "b": ("edit-2", STATUS_CHANGED, "1", "2", None, ["status"]),
    "c": ("edit-2", "ISSUE_UPDATED", None, None, None, ["assignee"]),
    "d": ("edit-3", "ISSUE_RESOLVED", None, None, "10001", ["resolution"]),
    "e": ("edit-4", STATUS_CHANGED, "2", "4", None, ["status"]),
    "f": ("edit-4", "ISSUE_RESOLVED", None, None, "10001", ["resolution"]),
    "g": ("edit-4", "ISSUE_UPDATED", None, None, None, ["assignee", "summary"]),
    "h": ("edit-5", "ISSUE_UPDATED", None, None, None, ["summary"]),
    "i": ("edit-6", "ISSUE_RESOLVED", None, None, "10002", ["resolution"]),
    "j": ("edit-7", "ISSUE_COMMENTED", None, None, None, []),
}
TRUTH = [
    ({}, "abcdefghij"),
    ({"status_from": "To Do"}, "ab"),
    ({"status_to": "Done"}, "ae"),
    ({"status_from": "To Do", "status_to": "Done"}, "a"),
    ({"status_from": ["To Do", "In Progress"], "status_to": "Done"}, "ae"),
    ({"status_from": "Done"}, ""),
    ({"resolution": "Fixed"}, "df"),
    ({"resolution": ["Fixed", "Duplicate"]}, "dfi"),
    ({"field": "assignee"}, "cg"),
    ({"field": ["assignee", "summary"]}, "cgh"),
    ({"field": "status"}, "abe"),
    ({"status_to": "Done", "resolution": "Fixed"}, "ef"),
    ({"status_to": "In Progress", "resolution": "Fixed"}, ""),
    ({"status_to": "In Progress", "field": "assignee"}, "bc"),
    ({"status_from": "To Do", "field": "summary"}, ""),
    ({"resolution": "Fixed", "field": "assignee"}, "fg"),
    ({"status_to": "Done", "resolution": "Fixed", "field": "assignee"}, "efg"),
    ({"status_to": "Done", "resolution": "Duplicate", "field": "assignee"}, ""),
    ({"status_to": "Done", "resolution": "Fixed", "action_code": "ISSUE_RESOLVED"}, "f"),
    ({"status_to": "Done", "project": "P1"}, "ae"),
    ({"status_to": "Done", "project": "P2"}, ""),
]


@pytest.fixture(scope="module")
def edited(marts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Publish a log of nothing but EDITS."""
    home = tmp_path_factory.mktemp("edited")
    copy = home / "edits.duckdb"
    copy.write_bytes(marts.read_bytes())
    with duckdb.connect(str(copy)) as database:
        database.execute(
            "create temp table one as select * from fct_actions where issue_id is not null "
            "and project_id = '10001' and not is_secured limit 1"
        )
        database.execute("create temp table change as select * from fct_action_changes limit 1")
        database.execute("delete from fct_actions; delete from fct_action_changes")
        for name, (edit, code, before, after, resolution, fields) in EDITS.items():
            database.execute(
                "insert into fct_actions select * replace (? as action_id, ? as action_code, "
                "timestamp '2025-12-24 10:00:00' as occurred_at, 'account-1' as actor_account_id, "
                "? as from_status_id, ? as to_status_id, ? as resolution_id, "
                "? as source_event_id) from one",
                [name, code, before, after, resolution, edit],
            )
            for field in fields:
                database.execute(
                    "insert into fct_action_changes select * replace (? as action_id, "
                    "? as change_id, ? as field_id, "
                    "timestamp '2025-12-24 10:00:00' as occurred_at) from change",
                    [name, name + field, field],
                )
        database.execute("checkpoint")
    publish_copy(home, copy)
    with make_client(home) as client:
        yield client


@pytest.mark.parametrize(("question", "wanted"), TRUTH, ids=[str(one) for one, _ in TRUTH])
def test_truth_table_of_the_filters_on_edits(
    edited: TestClient, question: dict[str, Any], wanted: str
) -> None:
    items = get(edited, "/api/v1/actions", limit=100, **question)["items"]
    assert sorted(item["action_id"] for item in items) == list(wanted)
