"""Golden cases: records of the administration log and full lists in, actions and periods out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from dbt.contracts.graph.manifest import Manifest

from tests.dbt.builds import build, query
from tests.dbt.lakes import Lake, Row, at

LISTINGS = (at(0), at(60), at(120), at(180))
"""When each list was read; a listing takes a minute."""

Objects = Mapping[str, Mapping[str, Any]]


def lists(resource: str, *listings: Objects | None, parent: str | None = None) -> list[Row]:
    """Return the rows of successive complete listings: what changed, and what was missed.

    None: the list was not read then.
    """
    rows: list[Row] = []
    known: dict[str, str] = {}
    for number, (began, objects) in enumerate(zip(LISTINGS, listings, strict=False)):
        if objects is None:
            continue
        ended = began.replace(minute=1)
        sweep = f"S{number}"
        texts = {key: json.dumps(value) for key, value in objects.items()}
        for key, text in texts.items():
            if known.get(key) != text:
                rows.append(
                    Row("jira_platform", resource, key, f"{abs(hash(text))}.{sweep}", ended, parent)
                )
                rows[-1] = replace(rows[-1], source_at=began, payload=text)
        rows += [
            replace(
                Row("jira_platform", resource, key, sweep, ended, parent),
                source_at=ended,
                is_present=False,
            )
            for key in known.keys() - texts.keys()
        ]
        known = texts
        content = {
            "status": "complete",
            "started_at": began.isoformat(),
            "finished_at": ended.isoformat(),
        }
        name = resource if parent is None else f"{resource}:{parent}"
        swept = Row("jira_platform", "sweeps", name, sweep, ended)
        rows.append(replace(swept, source_at=began, payload=json.dumps(content)))
    return rows


def record(number: int, summary: str, moment: datetime, **content: object) -> Row:
    """Return a record of the administration log, by bob unless `content` says otherwise."""
    body = {"id": number, "summary": summary, "authorAccountId": "bob", **content}
    row = Row("jira_audit", "records", str(number), str(number), at(190))
    return replace(row, source_at=moment, payload=json.dumps(body))


def item(kind: str, name: str, object_id: str | None = None) -> dict[str, str]:
    """Return an item of a record."""
    return {"typeName": kind, "name": name} | ({} if object_id is None else {"id": object_id})


def key(user_key: str, account_id: str | None) -> Row:
    """Return a resolved user key."""
    body = {"key": user_key} | ({} if account_id is None else {"accountId": account_id})
    row = Row("jira_audit", "user_keys", user_key, account_id or "unknown", at(190))
    return replace(row, payload=json.dumps(body))


def user(name: str, *, active: bool = True, kind: str = "atlassian") -> dict[str, Any]:
    """Return an account of the list of accounts."""
    return {"displayName": name, "active": active, "accountType": kind}


def project(name: str, **more: object) -> dict[str, Any]:
    """Return a project of the list of projects."""
    return {"key": name[:2].upper(), "name": name, "projectTypeKey": "software", **more}


MEMBER: dict[str, Any] = {"active": True}
TRASHED = {
    "deleted": True,
    "deletedDate": "2026-01-05T10:30:00.000+0000",
    "deletedBy": {"accountId": "ann"},
}


def rows() -> list[Row]:
    """Return all cases; each has objects of its own."""
    groups: Objects = {"g1": {"name": "devs"}, "g2": {"name": "ops"}}
    roles: Objects = {"7": {"name": "Devs", "description": ""}}
    with_users = {"name": "Devs", "actors": [_user_actor("ann", "Ann")]}
    with_both = {"name": "Devs", "actors": [_user_actor("ann", "Ann"), _user_actor("bob", "Bob")]}
    with_group = {"name": "Devs", "actors": [_group_actor("g1", "devs")]}
    return [
        # bob is taken out between two listings; the log tells when, and who did it. eve is in from
        # the beginning, cid comes and goes where only the lists tell.
        *lists("groups", groups, groups, groups, {"g1": {"name": "devs"}}),
        *lists(
            "group_members",
            {"bob": MEMBER, "eve": MEMBER},
            {"eve": MEMBER, "cid": MEMBER},
            {"eve": MEMBER},
            {"eve": MEMBER},
            parent="g1",
        ),
        *lists("group_members", {"eve": MEMBER}, {"eve": MEMBER}, {"eve": MEMBER}, parent="g2"),
        record(
            1,
            "User removed from group",
            at(30),
            objectItem=item("GROUP", "devs"),
            associatedItems=[item("USER", "ug:bob", "ug:bob")],
        ),
        key("ug:bob", "bob"),
        *lists(
            "users",
            {"ann": user("Ann"), "bob": user("Bob"), "eve": user("Eve"), "dan": user("Dan")},
            {"ann": user("Ann"), "bob": user("Bob"), "eve": user("Eve", active=False)}
            | {"dan": user("Dan"), "neu": user("Neu")},
            {"ann": user("Ann B."), "bob": user("Bob"), "eve": user("Eve")}
            | {"dan": user("Former user", active=False, kind="unknown"), "neu": user("Neu")},
        ),
        record(
            2,
            "User updated",
            at(40),
            authorAccountId=None,
            authorKey="ug:bob",
            objectItem=item("USER", "ug:eve", "ug:eve"),
            changedValues=[
                {"fieldName": "Active / Inactive", "changedFrom": "Active", "changedTo": "Inactive"}
            ],
        ),
        key("ug:eve", "eve"),
        # 10 is hidden for a while, 11 is put into the trash and deleted for good, 12 is new.
        *lists(
            "projects",
            {"10": project("Alpha"), "11": project("Beta")},
            {"11": project("Beta")},
            {"10": project("Alpha"), "11": project("Beta", **TRASHED), "12": project("Gamma")},
            {"10": project("Alpha"), "12": project("Gamma plus")},
        ),
        *lists("project_roles", roles, roles, {"7": {"name": "Devs", "description": "All"}}),
        *lists("project_role_actors", {"7": with_users}, {"7": with_both}, parent="10"),
        *lists("project_role_actors", {"7": with_users}, {"7": with_group}, parent="11"),
        record(3, "Workflow created", at(50), objectItem=item("WORKFLOW", "w")),
    ]


def _user_actor(account_id: str, name: str) -> dict[str, Any]:
    return {"displayName": name, "actorUser": {"accountId": account_id}}


def _group_actor(group_id: str, name: str) -> dict[str, Any]:
    return {"displayName": name, "actorGroup": {"groupId": group_id, "name": name}}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, manifest: Manifest) -> Path:
    """Build all cases once, with every data test."""
    home = tmp_path_factory.mktemp("administration")
    Lake(home).load(rows())
    build(home, manifest, tests=True)
    return home


def minutes(moment: datetime | None) -> float | None:
    """Return minutes after the beginning; None stays None."""
    return None if moment is None else (moment - at(0).replace(tzinfo=None)).total_seconds() / 60


def test_log_and_lists_are_one_row_and_lists_alone_have_a_window(home: Path) -> None:
    found = query(
        home,
        "select action_code, target_id, coalesce(new_value, old_value), occurred_at, "
        "observed_from_at, actor_account_id, sources from fct_actions "
        "where action_code != 'USER_LAST_ACTIVE' order by occurred_at, action_code, target_id",
    )
    shown = [(*row[:3], minutes(row[3]), minutes(row[4]), *row[5:]) for row in found]
    lists_only = "jira_platform"
    both = "jira_audit,jira_platform"
    assert sorted(shown, key=repr) == sorted(
        [
            ("USER_REMOVED_FROM_GROUP", "g1", "Bob", 30, None, "bob", both),
            ("USER_ADDED_TO_GROUP", "g1", "cid", 61, 0, None, lists_only),
            ("USER_REMOVED_FROM_GROUP", "g1", "cid", 121, 60, None, lists_only),
            ("USER_DEACTIVATED", "eve", "Inactive", 40, None, "bob", both),
            ("USER_CREATED", "neu", None, 61, 0, None, lists_only),
            ("USER_REACTIVATED", "eve", "Active", 121, 60, None, lists_only),
            ("USER_UPDATED", "ann", "Ann B.", 121, 60, None, lists_only),
            ("USER_DELETED", "dan", None, 121, 60, None, lists_only),
            ("PROJECT_UPDATED", "11", "Trashed", 90, None, "ann", lists_only),
            ("PROJECT_CREATED", "12", None, 121, 60, None, lists_only),
            ("PROJECT_UPDATED", "12", "Gamma plus", 181, 120, None, lists_only),
            ("PROJECT_DELETED", "11", None, 181, 120, None, lists_only),
            ("PROJECT_ROLE_UPDATED", "7", "All", 121, 60, None, lists_only),
            ("PROJECT_ROLES_CHANGED", "7", "Groups: devs", 61, 0, None, lists_only),
            ("PROJECT_ROLES_CHANGED", "7", "Ann, Bob", 61, 0, None, lists_only),
        ],
        key=repr,
    )


def periods(home: Path, table: str, *columns: str) -> set[tuple[Any, ...]]:
    """Return the rows of a bridge, times in minutes."""
    found = query(home, f"select {', '.join(columns)}, valid_from_at, valid_to_at from {table}")
    return {(*row[:-2], minutes(row[-2]), minutes(row[-1])) for row in found}


def test_membership_has_the_exact_times_where_they_are_known(home: Path) -> None:
    assert periods(home, "bridge_group_members", "group_id", "account_id") == {
        ("g1", "bob", None, 30),
        ("g1", "eve", None, None),
        ("g1", "cid", 61, 121),
        ("g2", "eve", None, 181),  # with its group
    }


def test_people_of_a_project_are_those_with_a_role_and_those_of_its_groups(home: Path) -> None:
    assert periods(
        home, "bridge_project_people", "project_id", "account_id", "via", "group_id"
    ) == {
        ("10", "ann", "user", None, None, None),
        ("10", "bob", "user", None, 61, None),
        ("11", "ann", "user", None, None, 61),
        ("11", "eve", "group", "g1", 61, None),
        ("11", "cid", "group", "g1", 61, 121),
    }


def test_groups_and_roles_that_went_stay_known(home: Path) -> None:
    assert query(home, "select group_id, group_name, is_deleted from dim_groups order by 1") == [
        ("g1", "devs", False),
        ("g2", "ops", True),
    ]
    assert query(home, "select role_id, role_name, is_deleted from dim_project_roles") == [
        ("7", "Devs", False)
    ]
