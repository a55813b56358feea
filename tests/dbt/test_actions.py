"""Golden cases: rows of the lake in, actions out. One build serves them all; a case is an issue."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from dbt.contracts.graph.manifest import Manifest

from tests.dbt.builds import PROJECT, build, dbt, messages, query
from tests.dbt.lakes import (
    Lake,
    Row,
    at,
    attachment,
    comment,
    history,
    issue,
    item,
    link_item,
    link_types,
    listed,
    listing,
    presence,
    status_item,
    worklog,
    worklog_deletion,
)

FETCHED = at(600)


def first_load() -> list[Row]:
    """Return the rows of all cases but those that arrive later."""
    return [
        *link_types(at(1)),
        listed("users", "bob", {"displayName": "Bob B.", "active": True}, fetched=at(1)),
        listed("users", "eve", {"displayName": "Eve", "active": False}, fetched=at(1)),
        listed("users", "eve", None, fetched=at(2)),
        listed("projects", "10", {"key": "AB", "name": "Alpha"}, fetched=at(1)),
        listed("projects", "11", {"key": "CD", "name": "Beta", "archived": True}, fetched=at(1)),
        listed("projects", "12", {"key": "EF", "name": "Gamma", "deleted": True}, fetched=at(1)),
        listed("projects", "13", {"key": "GH", "name": "Delta"}, fetched=at(1)),
        listed("projects", "13", None, fetched=at(2)),
        listed("fields", "customfield_1", {"name": "Team", "custom": True}, fetched=at(1)),
        *_created(),
        *_changelog(),
        *_moved(),
        *_comments(),
        *_worklogs(),
        *_attachments(),
        *_links(),
        *_deleted(),
    ]


def _created() -> list[Row]:
    return [
        # An erased account: the later version no longer has its creator.
        issue(100, "AB-100", updated=at(10), fetched=at(20), creator="ann"),
        issue(100, "AB-100", updated=at(15), fetched=at(30), creator=None, security="9"),
        issue(101, "AB-101", updated=at(10), fetched=at(20), creator=None),
    ]


def _changelog() -> list[Row]:
    resolved = item("resolution", new=("5", "Done"), field_id="resolution")
    summary = item("summary", (None, "old"), (None, "new"), field_id="summary")
    labels = item("labels", ("", ""), ("", "x y"), field_id="labels")
    entries: dict[int, list[dict[str, Any]]] = {
        1: [status_item("1", "3"), resolved, summary],
        2: [item("resolution", ("5", "Done"), ("6", "Duplicate"), field_id="resolution")],
        3: [item("resolution", ("6", "Duplicate"), (None, None), field_id="resolution")],
        4: [summary, labels],
        5: [item("Rank", ("", ""), ("", "Ranked higher"), field_id="customfield_2")],
        6: [status_item("3", "1"), status_item("1", "4")],
        7: [],
        8: [item("Workflow", ("1", "a"), ("2", "b")), item("RemoteIssueLink", new=("7", "page"))],
    }
    rows = [
        history(number, 110, items, created=at(20 + number), fetched=FETCHED)
        for number, items in entries.items()
    ]
    automated = history(9, 110, [summary], created=at(29), fetched=FETCHED, author=None)
    return [issue(110, "AB-110", updated=at(40), fetched=FETCHED), *rows, automated]


def _moved() -> list[Row]:
    move = [
        item("project", ("11", "Beta"), ("10", "Alpha"), field_id="project"),
        item("Key", (None, "CD-5"), (None, "AB-120")),
        status_item("1", "3"),
    ]
    retype = [item("issuetype", ("2", "Bug"), ("1", "Task"), field_id="issuetype")]
    return [
        issue(120, "AB-120", updated=at(40), fetched=FETCHED),
        history(20, 120, [status_item("1", "2")], created=at(10), fetched=FETCHED),
        history(21, 120, move, created=at(20), fetched=FETCHED),
        history(22, 120, retype, created=at(30), fetched=FETCHED),
        comment(20, 120, "last", created=at(35), fetched=FETCHED),
    ]


def _comments() -> list[Row]:
    rich = {
        "type": "doc",
        "version": 1,
        "content": [
            {
                "type": "paragraph",
                "content": [
                    {"type": "text", "text": "Ask "},
                    {"type": "mention", "attrs": {"id": "1", "text": "@Ann"}},
                    {"type": "hardBreak"},
                    {"type": "text", "text": "now"},
                ],
            },
            {"type": "paragraph"},
            {
                "type": "bulletList",
                "content": [
                    {
                        "type": "listItem",
                        "content": [
                            {"type": "paragraph", "content": [{"type": "text", "text": word}]}
                        ],
                    }
                    for word in ("one", "two")
                ],
            },
        ],
    }
    return [
        issue(130, "AB-130", updated=at(40), fetched=FETCHED),
        comment(30, 130, "first", created=at(5), fetched=at(10)),
        comment(30, 130, "second", created=at(5), updated=at(15), fetched=at(20)),
        comment(
            30, 130, "third", created=at(5), updated=at(25), fetched=at(30), update_author="dan"
        ),
        comment(31, 130, "edited", created=at(6), updated=at(15), fetched=at(20)),
        comment(32, 130, rich, created=at(7), fetched=at(20)),
        comment(33, 130, "plain text", created=at(8), fetched=at(20)),
        comment(34, 130, "gone", created=at(9), fetched=at(20)),
        comment(35, 130, "back again", created=at(9), fetched=at(20)),
        comment(36, 130, None, created=at(9), fetched=at(20), author=None),
        listing(130, [30, 31, 32, 33, 34, 35, 36], listed=at(20), fetched=at(20)),
        listing(130, [30, 31, 32, 33, 34, 36], listed=at(30), fetched=at(30)),
        listing(130, [30, 31, 32, 33, 35, 36], listed=at(40), fetched=at(41)),
        listing(130, [30, 31, 32, 33, 35, 36], listed=at(50), fetched=at(51)),
    ]


def _worklogs() -> list[Row]:
    spent = item("timespent", new=("60", "60"), field_id="timespent")
    estimate = item("timeestimate", ("90", "90"), ("30", "30"), field_id="timeestimate")

    def removed(worklog_id: int) -> dict[str, Any]:
        return item("WorklogId", (str(worklog_id), str(worklog_id)))

    return [
        issue(140, "AB-140", updated=at(40), fetched=FETCHED),
        worklog(40, 140, "1h", created=at(5), fetched=at(10)),
        worklog(40, 140, "2h", created=at(5), updated=at(15), fetched=at(20), update_author="ann"),
        worklog(41, 140, "3h", created=at(6), fetched=at(10)),
        history(40, 140, [spent, estimate], created=at(5), fetched=FETCHED),
        history(41, 140, [removed(41), estimate], created=at(30.05), fetched=FETCHED),
        history(42, 140, [estimate], created=at(31), fetched=FETCHED),
        worklog_deletion(41, deleted=at(30), fetched=FETCHED),
        # Nobody tells of this worklog but its removal, ten seconds late.
        history(43, 140, [removed(42)], created=at(32), fetched=FETCHED),
        worklog_deletion(42, deleted=at(32.2), fetched=FETCHED),
        worklog_deletion(43, deleted=at(33), fetched=FETCHED),
    ]


def _attachments() -> list[Row]:
    def told(number: int, attachment_id: int, *, added: bool) -> Row:
        side = (str(attachment_id), f"file{attachment_id}.txt")
        sides = ((None, None), side) if added else (side, (None, None))
        change = item("Attachment", *sides, field_id="attachment")
        return history(number, 150, [change], created=at(number), fetched=at(20))

    files = [attachment(50, "file50.txt", at(50)), attachment(51, "file51.txt", at(4), author=None)]
    return [
        issue(150, "AB-150", updated=at(10), fetched=FETCHED, attachments=files),
        issue(150, "AB-150", updated=at(20), fetched=at(700), attachments=files[:1]),
        told(50, 50, added=True),
        told(53, 51, added=False),
        told(54, 52, added=True),
        told(55, 52, added=False),
    ]


def _links() -> list[Row]:
    def told(
        number: float, issue_id: int, phrase: str, key: str, minute: float, *, created: bool = True
    ) -> Row:
        items = [link_item(phrase, key, created=created)]
        return history(int(number), issue_id, items, created=at(minute), fetched=FETCHED)

    issues = [
        issue(number, f"AB-{number}", updated=at(40), fetched=FETCHED)
        for number in (160, 161, 162, 163, 164, 165)
    ]
    former_key = item("Key", (None, "CD-9"), (None, "AB-164"))
    return [
        *issues,
        # Made, removed and made again; told by both ends, the second time a second apart.
        told(600, 160, "blocks", "AB-161", 10),
        told(601, 161, "is blocked by", "AB-160", 10.0005),
        told(602, 161, "is blocked by", "AB-160", 20, created=False),
        told(603, 160, "blocks", "AB-161", 20.02, created=False),
        told(604, 160, "blocks", "AB-161", 30),
        told(605, 161, "is blocked by", "AB-160", 30.02),
        # Without direction: the issue with the lower number tells it.
        told(610, 162, "relates to", "AB-161", 11),
        told(611, 161, "relates to", "AB-162", 11.001),
        # Both ways at once are two links.
        told(620, 162, "clones", "AB-163", 12),
        told(621, 163, "is cloned by", "AB-162", 12.001),
        told(622, 163, "clones", "AB-162", 13),
        told(623, 162, "is cloned by", "AB-163", 13.001),
        # Only the inward end is visible; the other key is nobody's.
        told(630, 160, "is blocked by", "ZZ-1", 14),
        # The other issue had another key then.
        told(640, 160, "relates to", "CD-9", 15),
        told(641, 164, "relates to", "AB-160", 15.001),
        history(642, 164, [former_key], created=at(25), fetched=FETCHED),
    ]


def _deleted() -> list[Row]:
    return [
        issue(170, "AB-170", updated=at(40), fetched=at(50)),
        presence(170, "s1", observed=at(60), fetched=at(60), is_present=False, previous=at(45)),
        issue(171, "AB-171", updated=at(40), fetched=at(50)),
        presence(171, "s1", observed=at(60), fetched=at(60), is_present=False),
        presence(171, "s2", observed=at(80), fetched=at(80), is_present=True),
        issue(172, "AB-172", updated=at(40), fetched=at(50)),
        presence(172, "s1", observed=at(60), fetched=at(60), is_present=False),
        issue(172, "AB-172", updated=at(65), fetched=at(70)),
    ]


def second_load() -> list[Row]:
    """Return rows that came late or not at all for the first build."""
    return [
        # The other end of a link known since the first load, fetched before it and loaded after it.
        history(
            650,
            165,
            [link_item("relates to", "AB-160", created=True)],
            created=at(16),
            fetched=at(500),
        ),
        worklog(43, 140, "5h", created=at(9), fetched=at(800)),
    ]


@pytest.fixture(scope="module")
def home(manifest: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the two loads one after the other, with all data tests."""
    place = tmp_path_factory.mktemp("golden")
    lake = Lake(place)
    late_end = history(
        651,
        160,
        [link_item("relates to", "AB-165", created=True)],
        created=at(16.001),
        fetched=FETCHED,
    )
    lake.load([*first_load(), late_end])
    build(place, manifest, tests=True)
    lake.load(second_load())
    build(place, manifest, tests=True)
    return place


def naive(minutes: float) -> datetime:
    """Return a time as the marts hold it: UTC without zone."""
    return at(minutes).replace(tzinfo=None)


def actions(home: Path, issue_id: int, *codes: str, columns: str) -> list[tuple[Any, ...]]:
    """Return columns of an issue's actions of the codes, in order of time."""
    return query(
        home,
        f"select {columns} from fct_actions where issue_id = ? and list_contains(?, action_code) "
        "order by occurred_at, action_code, source_event_id",
        [str(issue_id), list(codes)],
    )


def test_an_issue_is_created_by_its_creator_at_its_time(home: Path) -> None:
    columns = "actor_account_id, occurred_at, recorded_at, target_type, target_id, target_label"
    columns += ", project_id, issue_type_id, is_secured, security_level_id"
    assert actions(home, 100, "ISSUE_CREATED", columns=columns) == [
        ("ann", naive(0), naive(20), "issue", "100", "AB-100", "10", "1", True, "9")
    ]
    assert actions(home, 101, "ISSUE_CREATED", columns="actor_account_id, is_secured") == [
        (None, False)
    ]


def test_promoted_fields_are_actions_and_the_rest_is_one_edit(home: Path) -> None:
    columns = "source_event_id, action_code, old_value, new_value, change_count"
    codes = ("STATUS_CHANGED", "ISSUE_RESOLVED", "ISSUE_UPDATED")
    assert set(actions(home, 110, *codes, columns=columns)) == {
        ("1", "STATUS_CHANGED", "Status 1", "Status 3", 1),
        ("1", "ISSUE_RESOLVED", None, "Done", 1),
        ("1", "ISSUE_UPDATED", "old", "new", 1),
        ("2", "ISSUE_RESOLVED", "Done", "Duplicate", 1),
        ("3", "ISSUE_UPDATED", "Duplicate", None, 1),
        ("4", "ISSUE_UPDATED", "summary: old", "summary: new\nlabels: x y", 2),
        ("5", "ISSUE_UPDATED", "", "Ranked higher", 1),
        ("6", "STATUS_CHANGED", "Status 3", "Status 1", 1),
        ("6", "STATUS_CHANGED", "Status 1", "Status 4", 1),
        ("8", "ISSUE_UPDATED", "Workflow: a", "Workflow: b\nRemoteIssueLink: page", 2),
        ("9", "ISSUE_UPDATED", "old", "new", 1),
    }


def test_a_status_change_names_both_statuses(home: Path) -> None:
    columns = "from_status_id, to_status_id, target_type, target_id, target_label, resolution_id"
    rows = actions(home, 110, "STATUS_CHANGED", columns=columns)
    assert rows[0] == ("1", "3", "status", "3", "Status 3", None)
    resolutions = actions(home, 110, "ISSUE_RESOLVED", columns="resolution_id, from_status_id")
    assert resolutions == [("5", None), ("6", None)]


def test_changed_fields_are_kept_one_by_one(home: Path) -> None:
    rows = query(
        home,
        "select field_id, field_name, item_index, old_value_id, old_value, new_value_id, new_value "
        "from fct_action_changes where action_id in "
        "(select action_id from fct_actions where source_event_id = '4') order by item_index",
    )
    assert rows == [
        ("summary", "summary", 0, None, "old", None, "new"),
        ("labels", "labels", 1, "", "", "", "x y"),
    ]


def test_project_and_type_are_those_of_the_time(home: Path) -> None:
    columns = "occurred_at, project_id, issue_type_id"
    codes = ("ISSUE_CREATED", "STATUS_CHANGED", "ISSUE_UPDATED", "ISSUE_COMMENTED")
    assert actions(home, 120, *codes, columns=columns) == [
        (naive(0), "11", "2"),
        (naive(10), "11", "2"),
        (naive(20), "10", "2"),
        (naive(20), "10", "2"),
        (naive(30), "10", "1"),
        (naive(35), "10", "1"),
    ]


def test_keys_are_remembered(home: Path) -> None:
    keys = (
        "select issue_key, project_id, valid_from_at, valid_to_at, is_current "
        "from bridge_issue_keys"
    )
    assert query(home, f"{keys} where issue_id = '120' order by valid_from_at") == [
        ("CD-5", "11", naive(0), naive(20), False),
        ("AB-120", "10", naive(20), None, True),
    ]
    issues = "select issue_key, previous_keys, project_id from dim_issues where issue_id = '120'"
    assert query(home, issues) == [("AB-120", ["CD-5"], "10")]


def test_comments_are_written_and_edited(home: Path) -> None:
    columns = "target_id, actor_account_id, occurred_at, recorded_at, old_value, new_value"
    assert actions(home, 130, "ISSUE_COMMENTED", columns=columns) == [
        ("30", "cid", naive(5), naive(10), None, "first"),
        ("31", "cid", naive(6), naive(20), None, None),
        ("32", "cid", naive(7), naive(20), None, "Ask @Ann\nnow\none\ntwo"),
        ("33", "cid", naive(8), naive(20), None, "plain text"),
        ("34", "cid", naive(9), naive(20), None, "gone"),
        ("35", "cid", naive(9), naive(20), None, "back again"),
        ("36", None, naive(9), naive(20), None, None),
    ]
    assert actions(home, 130, "COMMENT_UPDATED", columns=columns) == [
        ("30", "cid", naive(15), naive(20), "first", "second"),
        ("31", "cid", naive(15), naive(20), None, "edited"),
        ("30", "dan", naive(25), naive(30), "second", "third"),
    ]


def test_a_comment_missing_from_a_complete_listing_is_deleted(home: Path) -> None:
    columns = "target_id, actor_account_id, observed_from_at, observed_to_at, occurred_at"
    columns += ", recorded_at, old_value"
    assert actions(home, 130, "COMMENT_DELETED", columns=columns) == [
        ("34", None, naive(30), naive(40), naive(40), naive(41), "gone")
    ]


def test_logged_work_is_its_own_action_and_no_edit(home: Path) -> None:
    columns = "action_code, target_id, actor_account_id, occurred_at, old_value, new_value"
    codes = ("WORKLOG_CREATED", "WORKLOG_UPDATED", "WORKLOG_DELETED")
    assert actions(home, 140, *codes, columns=columns) == [
        ("WORKLOG_CREATED", "40", "dan", naive(5), None, "1h"),
        ("WORKLOG_CREATED", "41", "dan", naive(6), None, "3h"),
        ("WORKLOG_CREATED", "43", "dan", naive(9), None, "5h"),
        ("WORKLOG_UPDATED", "40", "ann", naive(15), "1h", "2h"),
        ("WORKLOG_DELETED", "41", "bob", naive(30), "3h", None),
        ("WORKLOG_DELETED", "42", None, naive(32.2), None, None),
        ("WORKLOG_DELETED", "43", None, naive(33), "5h", None),
    ]
    # An estimate changed by itself is an edit.
    assert actions(home, 140, "ISSUE_UPDATED", columns="source_event_id") == [("42",)]


def test_attachments_are_told_by_the_issue_and_its_history_once(home: Path) -> None:
    columns = (
        "action_code, target_id, actor_account_id, occurred_at, recorded_at, old_value, new_value"
    )
    codes = ("ATTACHMENT_CREATED", "ATTACHMENT_DELETED")
    assert actions(home, 150, *codes, columns=columns) == [
        ("ATTACHMENT_CREATED", "51", None, naive(4), naive(600), None, "file51.txt"),
        ("ATTACHMENT_CREATED", "50", "ann", naive(50), naive(20), None, "file50.txt"),
        ("ATTACHMENT_DELETED", "51", "bob", naive(53), naive(20), "file51.txt", None),
        ("ATTACHMENT_CREATED", "52", "bob", naive(54), naive(20), None, "file52.txt"),
        ("ATTACHMENT_DELETED", "52", "bob", naive(55), naive(20), "file52.txt", None),
    ]
    assert actions(home, 150, "ISSUE_UPDATED", columns="*") == []


def test_a_link_is_one_action_told_by_its_outward_end(home: Path) -> None:
    rows = query(
        home,
        "select source_event_id, action_code, issue_id, occurred_at, target_id from fct_actions "
        "where starts_with(action_code, 'ISSUELINK_') order by occurred_at",
    )
    assert rows == [
        ("600", "ISSUELINK_CREATED", "160", naive(10), "160-10000-161"),
        ("611", "ISSUELINK_CREATED", "161", naive(11.001), "161-10001-162"),
        ("620", "ISSUELINK_CREATED", "162", naive(12), "162-10002-163"),
        ("622", "ISSUELINK_CREATED", "163", naive(13), "163-10002-162"),
        ("630", "ISSUELINK_CREATED", "160", naive(14), "ZZ-1-10000-160"),
        ("640", "ISSUELINK_CREATED", "160", naive(15), "160-10001-164"),
        ("651", "ISSUELINK_CREATED", "160", naive(16.001), "160-10001-165"),
        ("603", "ISSUELINK_DELETED", "160", naive(20.02), "160-10000-161"),
        ("604", "ISSUELINK_CREATED", "160", naive(30), "160-10000-161"),
    ]


def test_a_link_counts_as_recorded_when_either_end_was(home: Path) -> None:
    row = "select recorded_at from fct_actions where target_id = '160-10001-165'"
    assert query(home, row) == [(naive(500),)]


def test_a_missing_issue_is_deleted_until_it_is_seen_again(home: Path) -> None:
    columns = "actor_account_id, observed_from_at, observed_to_at, occurred_at, recorded_at"
    assert actions(home, 170, "ISSUE_DELETED", columns=columns) == [
        (None, naive(45), naive(60), naive(60), naive(60))
    ]
    assert actions(home, 171, "ISSUE_DELETED", columns="*") == []
    assert actions(home, 172, "ISSUE_DELETED", columns="*") == []
    states = query(
        home,
        "select issue_id, deletion_state, deleted_observed_to_at from dim_issues "
        "where issue_id in ('170', '171', '172') order by issue_id",
    )
    assert states == [
        ("170", "deleted", naive(60)),
        ("171", "present", None),
        ("172", "present", None),
    ]


def test_people_are_named_by_the_site_or_by_what_they_did(home: Path) -> None:
    rows = query(home, "select account_id, display_name, is_active, is_deleted from dim_users")
    assert sorted(rows) == [
        ("ann", "Ann", True, False),
        ("bob", "Bob B.", True, False),
        ("cid", "Cid", True, False),
        ("dan", "Dan", True, False),
        ("eve", "Eve", False, True),
    ]


def test_projects_have_a_state(home: Path) -> None:
    rows = query(home, "select project_id, project_key, lifecycle_state from dim_projects")
    assert sorted(rows) == [
        ("10", "AB", "live"),
        ("11", "CD", "archived"),
        ("12", "EF", "trashed"),
        ("13", "GH", "not_visible"),
    ]


def test_names_that_only_histories_know_are_kept(home: Path) -> None:
    statuses = query(home, "select status_id, status_name, is_deleted from dim_statuses")
    assert ("4", "Status 4", True) in statuses
    fields = query(home, "select field_id, field_name, is_custom, is_deleted from dim_fields")
    assert ("customfield_1", "Team", True, False) in fields
    assert ("customfield_2", "Rank", True, True) in fields
    assert ("Workflow", "Workflow", False, False) in fields
    types = query(home, "select issue_type_id, issue_type_name from dim_issue_types")
    assert ("2", "Bug") in types


def test_every_action_that_has_a_rule_is_derived(home: Path) -> None:
    with (PROJECT / "seeds" / "action_mappings.csv").open(newline="") as lines:
        rules = [row for row in csv.DictReader(lines) if row["source"] == "jira_issues"]
    mapped = {row["action_code"] for row in rules}
    derived = {code for (code,) in query(home, "select distinct action_code from fct_actions")}
    assert derived == mapped


def test_every_unit_test_passes(manifest: Manifest, home: Path) -> None:
    """Run dbt's own unit tests; they need the relations of a build to take their types from."""
    result = dbt(home, "test", "--select", "test_type:unit", manifest=manifest)
    assert result.success, messages(result) or result.exception
    statuses = Counter(
        str(entry.status)
        for entry in getattr(result.result, "results", [])
        if str(entry.node.resource_type) == "unit_test"
    )
    assert statuses == {"pass": len(manifest.unit_tests)}
