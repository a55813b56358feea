"""What issues hold now: rows of the lake in, field values and what hangs on an issue out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from dbt.contracts.graph.manifest import Manifest

from tests.dbt.builds import build, query
from tests.dbt.lakes import (
    Lake,
    Row,
    at,
    attachment,
    body_of,
    comment,
    history,
    issue,
    item,
    listed,
    listing,
    person,
    presence,
    webhook,
    worklog,
    worklog_deletion,
)

FETCHED = at(600)
BLOCKS = {"id": "10000", "name": "Blocks", "inward": "is blocked by", "outward": "blocks"}
REQUEST_TYPE = "customfield_10"

Value = tuple[int, str | None, str | None, float | None, datetime | None]
"""Index, id, text, number, time."""


def naive(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return a time as the marts hold it: UTC without zone."""
    return datetime(year, month, day, hour, minute)  # noqa: DTZ001 - marts hold naive UTC


RICH = {
    "type": "doc",
    "version": 1,
    "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": "Ask "}, {"type": "hardBreak"}]},
        {
            "type": "bulletList",
            "content": [
                {
                    "type": "listItem",
                    "content": [
                        {"type": "paragraph", "content": [{"type": "text", "text": "one"}]}
                    ],
                }
            ],
        },
    ],
}

KINDS: dict[str, tuple[object, list[Value]]] = {
    "labels": (["b", "a"], [(0, None, "b", None, None), (1, None, "a", None, None)]),
    "environment": (
        'a "quoted" text\nwith lines',
        [(0, None, 'a "quoted" text\nwith lines', None, None)],
    ),
    "description": (RICH, [(0, None, "Ask \n\none", None, None)]),
    # JQL compares letters in one piece with their accents.
    "components": (
        [{"id": "7", "name": "Cafe\N{COMBINING ACUTE ACCENT}", "self": "x"}],
        [(0, "7", "Caf\N{LATIN SMALL LETTER E WITH ACUTE}", None, None)],
    ),
    "votes": ({"self": "x", "votes": 3, "hasVoted": False}, [(0, None, "3", 3.0, None)]),
    "watches": ({"watchCount": 0, "isWatching": False}, [(0, None, "0", 0.0, None)]),
    "duedate": ("2026-02-28", [(0, None, "2026-02-28", None, naive(2026, 2, 28))]),
    "resolutiondate": (
        "2026-03-01T00:30:00.123+0130",
        [(0, None, "2026-03-01T00:30:00.123+0130", None, datetime(2026, 2, 28, 23, 0, 0, 123000))],  # noqa: DTZ001 - marts hold naive UTC
    ),
    "timespent": (3600, [(0, None, "3600", 3600.0, None)]),
    "workratio": (-1, [(0, None, "-1", -1.0, None)]),
    "customfield_20": (5.0, [(0, None, "5", 5.0, None)]),
    "customfield_21": (0.25, [(0, None, "0.25", 0.25, None)]),
    "customfield_22": ("0|i0001:", [(0, None, "0|i0001:", None, None)]),
    "customfield_23": (person("ann", "Ann"), [(0, "ann", "Ann", None, None)]),
    "customfield_24": (
        [person("bob", "Bob"), None, person("cid", "Cid")],
        [(0, "bob", "Bob", None, None), (1, "cid", "Cid", None, None)],
    ),
    "customfield_25": ({"id": "1", "value": "Red"}, [(0, "1", "Red", None, None)]),
    "customfield_26": (
        [{"id": "1", "value": "Red"}, {"id": "2", "value": "Blue"}],
        [(0, "1", "Red", None, None), (1, "2", "Blue", None, None)],
    ),
    "customfield_27": (
        {"id": "1", "value": "Europe", "child": {"id": "2", "value": "Bern"}},
        [(0, "1", "Europe", None, None), (1, "2", "Bern", None, None)],
    ),
    "customfield_28": (
        [{"id": 5, "name": "Sprint 5", "state": "active", "boardId": 1, "goal": ""}],
        [(0, "5", "Sprint 5", None, None)],
    ),
    "customfield_29": (
        {"id": "9c3a", "name": "Team Red", "title": "Red", "isShared": True},
        [(0, "9c3a", "Team Red", None, None)],
    ),
    "customfield_30": (
        {"name": "jira-admins", "groupId": "g-1", "self": "x"},
        [(0, "g-1", "jira-admins", None, None)],
    ),
    "customfield_31": (
        [{"workspaceId": "w", "id": "w:88", "objectId": "88"}],
        [(0, "w:88", "88", None, None)],
    ),
    "customfield_32": (
        {"id": "10", "key": "AB", "name": "Alpha"},
        [(0, "10", "Alpha", None, None)],
    ),
    "customfield_33": (
        {"id": "150", "key": "AB-150", "fields": {"summary": "x"}},
        [(0, "150", "AB-150", None, None)],
    ),
    "customfield_34": ({"rating": 4}, [(0, None, "4", 4.0, None)]),
    "customfield_35": (True, [(0, None, "true", None, None)]),
    # Junk is kept as it is, and breaks nothing.
    "customfield_40": ({"id": {"a": 1}, "name": ["x"]}, [(0, '{"a":1}', '["x"]', None, None)]),
    "customfield_41": (
        [[1], {}, [], "", None, "x"],
        [(0, None, "[1]", None, None), (4, None, "x", None, None)],
    ),
    "customfield_42": ({"votes": "many"}, [(0, None, '{"votes":"many"}', None, None)]),
    "customfield_43": ({"value": "up", "child": "down"}, [(0, None, "up", None, None)]),
    "customfield_44": ("9999-99-99", [(0, None, "9999-99-99", None, None)]),
    "customfield_45": (
        "2026-01-01T25:00:00.000+0000",
        [(0, None, "2026-01-01T25:00:00.000+0000", None, None)],
    ),
    "customfield_46": (10**400, [(0, None, "1" + "0" * 400, None, None)]),
    "customfield_47": ("2026-01-01 is no date", [(0, None, "2026-01-01 is no date", None, None)]),
    "customfield_48": ({"type": "doc", "content": "none"}, [(0, None, "", None, None)]),
    "odd.field \"name'": ("x", [(0, None, "x", None, None)]),
}

EMPTY: dict[str, Any] = {
    "customfield_50": None,
    "customfield_51": [],
    "customfield_52": "",
    "customfield_53": {},
    "fixVersions": [None],
}
"""What is no value."""

ELSEWHERE: dict[str, Any] = {
    "comment": {"comments": [], "total": 0},
    "worklog": {"worklogs": []},
    "subtasks": [{"id": "1"}],
    "timetracking": {"timeSpent": "1h"},
    "statusCategory": {"id": 2, "key": "new", "name": "To Do"},
}
"""What relations of their own tell, or what only repeats other fields."""


def link(link_id: str, other: int, *, outward: bool) -> dict[str, Any]:
    """Return a link as issues list it."""
    end = "outwardIssue" if outward else "inwardIssue"
    return {"id": link_id, "type": BLOCKS, end: {"id": str(other), "key": f"AB-{other}"}}


def requested(type_id: str | None) -> dict[str, Any]:
    """Return the field of the request type, as an issue has it."""
    if type_id is None:
        return {REQUEST_TYPE: None}
    kind = {"id": type_id, "name": f"Request {type_id}", "serviceDeskId": "1"}
    return {REQUEST_TYPE: {"requestType": kind, "currentStatus": {"status": "Open"}}}


def request_item(old: str | None, new: str | None) -> dict[str, Any]:
    """Return the item of a change of the request type."""
    sides = [(kind, f"Request {kind}" if kind else None) for kind in (old, new)]
    return item("Request Type", *sides, field_id=REQUEST_TYPE)


def first_load() -> list[Row]:
    """Return what a first sync reads, without the list of fields."""
    held: dict[str, Any] = {field: value for field, (value, _) in KINDS.items()}
    return [
        *(
            listed("priorities", number, {"name": f"Priority {number}"}, fetched=at(1))
            for number in ("3", "1", "2")
        ),
        replace(
            listed("priority_orders", "priority_orders", {}, fetched=at(1)),
            payload=json.dumps(["3", "1", "2"]),
        ),
        issue(100, "AB-100", updated=at(10), fetched=FETCHED, **held, **EMPTY, **ELSEWHERE),
        # A version that is older but was fetched later says nothing of now.
        issue(
            101,
            "AB-101",
            updated=at(10),
            fetched=at(20),
            labels=["old", "older"],
            duedate="2026-01-01",
        ),
        issue(101, "AB-101", updated=at(20), fetched=at(30), labels=["new"], duedate=None),
        issue(101, "AB-101", updated=at(15), fetched=at(40), labels=["between"]),
        # Gone, and told by a webhook alone.
        issue(102, "AB-102", updated=at(10), fetched=at(20), labels=["kept"]),
        presence(102, "s1", observed=at(30), fetched=at(30), is_present=False),
        *_links(),
        *_hanging(),
        *_requests(),
    ]


def _links() -> list[Row]:
    both = [link("1", 111, outward=True), link("2", 112, outward=True)]
    return [
        issue(110, "AB-110", updated=at(10), fetched=FETCHED, issuelinks=[*both, both[0], None]),
        issue(
            111,
            "AB-111",
            updated=at(10),
            fetched=FETCHED,
            issuelinks=[link("1", 110, outward=False)],
        ),
        # This end was read before the other link was made, and its list holds junk.
        issue(
            112,
            "AB-112",
            updated=at(5),
            fetched=FETCHED,
            issuelinks=["x", {"id": "3"}, {"type": 1}],
        ),
    ]


def _hanging() -> list[Row]:
    files = [attachment(5, "a.txt", at(3), "ann"), attachment(6, "b.txt", at(4), None)]
    return [
        issue(120, "AB-120", updated=at(10), fetched=FETCHED, attachments=files),
        comment(30, 120, "first", created=at(5), fetched=at(10)),
        comment(31, 120, RICH, created=at(6), fetched=at(10), restricted_to="Administrators"),
        comment(32, 120, "doomed", created=at(7), fetched=at(10)),
        listing(120, [30, 31, 32, 33], listed=at(10), fetched=at(10)),
        worklog(40, 120, "1h", created=at(60), fetched=at(90), text="dug"),
        worklog(41, 120, "2h", created=at(60), fetched=at(90)),
        comment(33, 120, "once hushed", created=at(8), fetched=at(10), restricted_to="Users"),
        worklog(42, 120, "4h", created=at(60), fetched=at(90), restricted_to="team"),
        worklog(43, 120, "5h", created=at(60), fetched=at(90), restricted_to="team"),
    ]


def _requests() -> list[Row]:
    changes = [(1, None, "6", at(10)), (2, "6", None, at(20)), (3, None, "7", at(30))]
    return [
        issue(130, "HD-130", updated=at(40), fetched=FETCHED, **requested("7")),
        *(
            history(number, 130, [request_item(old, new)], created=moment, fetched=FETCHED)
            for number, old, new, moment in changes
        ),
        issue(131, "HD-131", updated=at(40), fetched=FETCHED, **requested("8")),
        comment(50, 131, "hello", created=at(5), fetched=FETCHED),
        # Moved out of the service desk: only its history tells that it was a request.
        issue(132, "AB-132", updated=at(40), fetched=FETCHED, **requested(None)),
        history(9, 132, [request_item("9", None)], created=at(20), fetched=FETCHED),
    ]


def second_load() -> list[Row]:
    """Return what comes later: changed values, deletions, a webhook, the list of fields."""
    fields = {
        REQUEST_TYPE: {
            "type": "sd-customerrequesttype",
            "custom": "com.atlassian.servicedesk:vp-origin",
        },
        "labels": {"type": "array", "items": "string", "system": "labels"},
    }
    pushed = issue(
        103,
        "AB-103",
        updated=at(50),
        fetched=at(50),
        labels=["pushed"],
        issuelinks=[link("9", 110, outward=True)],
    )
    return [
        *(
            listed(
                "fields",
                field_id,
                {
                    "name": field_id.title(),
                    "custom": field_id == REQUEST_TYPE,
                    "searchable": True,
                    "clauseNames": [field_id],
                    "schema": schema,
                },
                fetched=at(700),
            )
            for field_id, schema in fields.items()
        ),
        listed("priorities", "1", None, fetched=at(700)),
        issue(101, "AB-101", updated=at(700), fetched=at(710), labels=["newest"], customfield_9=1),
        webhook("jira:issue_created", {"issue": body_of(pushed)}, sent=at(50)),
        issue(111, "AB-111", updated=at(700), fetched=at(710), issuelinks=[]),
        issue(120, "AB-120", updated=at(700), fetched=at(710), attachments=[]),
        comment(30, 120, "edited", created=at(5), updated=at(700), fetched=at(710)),
        comment(33, 120, "loud", created=at(8), updated=at(700), fetched=at(710)),
        worklog(43, 120, "6h", created=at(60), updated=at(700), fetched=at(710)),
        listing(120, [30, 31, 33], listed=at(710), fetched=at(710)),
        worklog(40, 120, "3h", created=at(60), updated=at(700), fetched=at(710), text="dug more"),
        worklog_deletion(41, deleted=at(700), fetched=at(710)),
    ]


@pytest.fixture(scope="module")
def first_lake(manifest: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Build the first load alone, with all data tests."""
    lake = Lake(tmp_path_factory.mktemp("first"))
    lake.load(first_load())
    build(lake.home, manifest, tests=True)
    return lake


@pytest.fixture(scope="module")
def first(first_lake: Lake) -> Path:
    """Give the home of the first load."""
    return first_lake.home


@pytest.fixture(scope="module")
def home(manifest: Manifest, first_lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the second load after the first, with the data tests of what changed."""
    lake = first_lake.copied_to(tmp_path_factory.mktemp("both"))
    lake.load(second_load())
    build(lake.home, manifest, tests=True)
    return lake.home


def values(home: Path, issue_id: int, field_id: str) -> list[Value]:
    """Return the values of a field in their order."""
    rows = query(
        home,
        "select value_index, value_id, value_text, value_number, value_at "
        "from bridge_issue_field_values where issue_id = ? and field_id = ? order by value_index",
        [str(issue_id), field_id],
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


@pytest.mark.parametrize("field_id", KINDS)
def test_each_kind_of_value_has_its_columns(home: Path, field_id: str) -> None:
    assert values(home, 100, field_id) == KINDS[field_id][1]


def test_empty_fields_and_those_of_other_relations_have_no_rows(home: Path) -> None:
    rows = query(
        home, "select distinct field_id from bridge_issue_field_values where issue_id = '100'"
    )
    assert {field_id for (field_id,) in rows} == set(KINDS)


def test_only_the_last_version_counts(first: Path, home: Path) -> None:
    assert values(first, 101, "labels") == [(0, None, "new", None, None)]
    assert values(first, 101, "duedate") == []
    assert values(home, 101, "labels") == [(0, None, "newest", None, None)]
    assert values(home, 101, "customfield_9") == [(0, None, "1", 1.0, None)]


def test_issues_that_are_gone_keep_their_values(home: Path) -> None:
    assert query(home, "select deletion_state from dim_issues where issue_id = '102'") == [
        ("deleted",)
    ]
    assert values(home, 102, "labels") == [(0, None, "kept", None, None)]


def test_what_a_webhook_alone_told_counts(home: Path) -> None:
    assert values(home, 103, "labels") == [(0, None, "pushed", None, None)]
    assert query(home, "select link_id from bridge_issue_links where issue_id = '103'") == [("9",)]


def links(home: Path) -> set[tuple[Any, ...]]:
    """Return the links of the issues with links."""
    columns = "issue_id, linked_issue_id, link_id, link_type_id, link_type_name, direction_name"
    return {*query(home, f"select {columns} from bridge_issue_links where issue_id like '11_'")}


def test_a_link_is_told_by_each_end_as_it_was_last_seen(first: Path, home: Path) -> None:
    outward = {
        ("110", "111", "1", "10000", "Blocks", "blocks"),
        ("110", "112", "2", "10000", "Blocks", "blocks"),
    }
    inward = {("111", "110", "1", "10000", "Blocks", "is blocked by")}
    assert links(first) == outward | inward
    assert links(home) == outward


def test_files_are_those_of_the_last_version(first: Path, home: Path) -> None:
    columns = "attachment_id, file_name, created_at, author_account_id"
    sql = f"select {columns} from bridge_issue_attachments"
    listed_files = [
        ("5", "a.txt", at(3).replace(tzinfo=None), "ann"),
        ("6", "b.txt", at(4).replace(tzinfo=None), None),
    ]
    assert sorted(query(first, sql)) == listed_files
    assert query(home, sql) == []


def test_comments_are_known_in_their_last_version(home: Path) -> None:
    columns = "comment_id, body_text, updated_at, is_restricted, is_deleted"
    rows = query(
        home, f"select {columns} from dim_comments where issue_id = '120' order by comment_id"
    )
    assert rows == [
        ("30", "edited", at(700).replace(tzinfo=None), False, False),
        ("31", "Ask \n\none", at(6).replace(tzinfo=None), True, False),
        ("32", "doomed", at(7).replace(tzinfo=None), False, True),
        ("33", "loud", at(700).replace(tzinfo=None), False, False),
    ]
    authors = "select distinct author_account_id, issue_id from dim_comments where issue_id = '120'"
    assert query(home, authors) == [("cid", "120")]


def test_worklogs_are_known_in_their_last_version(home: Path) -> None:
    columns = "worklog_id, issue_id, author_account_id, started_at, time_spent_seconds"
    columns += ", comment_text, created_at, is_restricted, is_deleted"
    started, created = (at(minutes).replace(tzinfo=None) for minutes in (0, 60))
    assert query(home, f"select {columns} from dim_worklogs order by worklog_id") == [
        ("40", "120", "dan", started, 10800, "dug more", created, False, False),
        ("41", "120", "dan", started, 7200, None, created, False, True),
        ("42", "120", "dan", started, 14400, None, created, True, False),
        ("43", "120", "dan", started, 21600, None, created, False, False),
    ]


def test_texts_for_some_people_only_stay_withheld(home: Path) -> None:
    """What everybody may read now says nothing of what it said when only some people might."""
    withheld = query(
        home,
        "select distinct action_code, target_id, old_value, new_value from fct_actions "
        "join bridge_withheld_texts using (action_id) where fct_actions.issue_id = '120' "
        "and target_type in ('comment', 'worklog') order by all",
    )
    assert withheld == [
        ("COMMENT_UPDATED", "33", "once hushed", "loud"),
        ("ISSUE_COMMENTED", "31", None, "Ask \n\none"),
        ("ISSUE_COMMENTED", "33", None, "once hushed"),
        ("WORKLOG_CREATED", "42", None, "4h"),
        ("WORKLOG_CREATED", "43", None, "5h"),
        ("WORKLOG_UPDATED", "43", "5h", "6h"),
    ]


def request_types(home: Path, issue_id: int) -> list[tuple[Any, ...]]:
    """Return the request type of an issue at each of its actions, in order of time."""
    return query(
        home,
        "select action_code, request_type_id from fct_actions where issue_id = ? "
        "order by occurred_at, action_code",
        [str(issue_id)],
    )


def test_an_action_has_the_request_type_of_its_time(home: Path) -> None:
    edits = [("ISSUE_UPDATED", kind) for kind in ("6", None, "7")]
    assert request_types(home, 130) == [("ISSUE_CREATED", None), *edits]
    commented = [("ISSUE_CREATED", "8"), ("ISSUE_COMMENTED", "8")]
    assert request_types(home, 131) == commented
    assert request_types(home, 132) == [("ISSUE_CREATED", "9"), ("ISSUE_UPDATED", None)]
    current = (
        "select issue_id, request_type_id from dim_issues where issue_id like '13_' order by 1"
    )
    assert query(home, current) == [("130", "7"), ("131", "8"), ("132", None)]


def test_histories_tell_of_request_types_once_the_field_is_known(first: Path) -> None:
    """Until then, an issue counts as what it is now; the second build makes up for it."""
    assert {kind for _, kind in request_types(first, 130)} == {"7"}


def test_request_types_have_names_of_now_and_of_histories(home: Path) -> None:
    rows = query(home, "select request_type_id, request_type_name from dim_request_types")
    assert sorted(rows) == [(kind, f"Request {kind}") for kind in "6789"]


def test_priorities_have_the_order_of_their_list(home: Path) -> None:
    columns = "priority_id, priority_name, priority_order, is_deleted"
    assert query(home, f"select {columns} from dim_priorities order by priority_order") == [
        ("3", "Priority 3", 1, False),
        ("1", "Priority 1", 2, True),
        ("2", "Priority 2", 3, False),
    ]
    assert query(home, "select distinct priority_id, priority_name from dim_issues") == [
        ("3", "Medium")
    ]


def test_fields_say_how_jql_knows_them(home: Path) -> None:
    columns = "field_id, field_type, item_type, custom_type, clause_names, is_searchable"
    rows = query(
        home, f"select {columns} from dim_fields where not is_deleted and is_searchable order by 1"
    )
    assert rows == [
        (
            REQUEST_TYPE,
            "sd-customerrequesttype",
            None,
            "com.atlassian.servicedesk:vp-origin",
            [REQUEST_TYPE],
            True,
        ),
        ("labels", "array", "string", None, ["labels"], True),
    ]
