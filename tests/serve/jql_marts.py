"""A site of nine issues, small enough to know every answer by heart, as marts.

Issues are named by their last digit: DEV-1 is 1, ..., OPS-9 is 9. 6 is deleted, 7 has a security
level, 9 is in a trashed project; all others are present. `now` is 2026-03-01 12:00 UTC, a Sunday.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from tests.bench.synthetic import Shape, write_marts, write_rollups

SITE, OTHER_SITE = "one.atlassian.net", "two.atlassian.net"
NOW = "2026-03-01 12:00:00"

Row = dict[str, Any]


def _issue(number: int, key: str, project: str, **values: Any) -> Row:  # noqa: ANN401 - cells of any type
    return {
        "site_id": SITE,
        "issue_id": str(number),
        "issue_key": key,
        "previous_keys": [],
        "project_id": project,
        "issue_type_id": "1",
        "status_id": "1",
        "creator_account_id": "ann",
        "reporter_account_id": "ann",
        "created_at": "2026-01-01 10:00:30",
        "updated_at": "2026-02-01 00:00:00",
        "is_secured": False,
        "deletion_state": "present",
        **values,
    }


ISSUES: list[Row] = [
    _issue(
        1,
        "DEV-1",
        "100",
        summary="Paint the shed",
        priority_id="1",
        reporter_account_id="bob",
        assignee_account_id="bob",
    ),
    _issue(
        2,
        "DEV-2",
        "100",
        summary="Painting a shed, in red-green",
        issue_type_id="2",
        status_id="2",
        priority_id="2",
        creator_account_id="bob",
        parent_issue_id="3",
        created_at="2026-01-04 23:00:00",
    ),
    _issue(
        3,
        "DEV-3",
        "100",
        summary="CAFÉ über alles",
        issue_type_id="3",
        status_id="3",
        resolution_id="1",
        priority_id="3",
        assignee_account_id="ann",
        created_at="2026-01-10 00:00:00",
    ),
    _issue(
        4,
        "DEV-4",
        "100",
        summary="shed_x",
        issue_type_id="4",
        status_id="3",
        resolution_id="2",
        reporter_account_id=None,
        parent_issue_id="2",
        created_at="2026-02-01 00:00:00",
    ),
    _issue(
        5,
        "OPS-1",
        "200",
        summary="A shed of paint",
        priority_id="2",
        creator_account_id="bob",
        assignee_account_id="gone",
        request_type_id="7",
        created_at="2026-02-10 08:00:00",
    ),
    _issue(6, "OPS-2", "200", summary="Deleted shed", deletion_state="deleted"),
    _issue(7, "OPS-3", "200", summary="Secret shed", is_secured=True, security_level_id="50"),
    _issue(8, "OPS-4", "200", summary="Archived", deletion_state="archived", priority_id="1"),
    _issue(9, "OPS-9", "200", summary="Trashed shed", deletion_state="trashed"),
]


def _value(issue: int, field: str, index: int = 0, **cells: Any) -> Row:  # noqa: ANN401 - cells of any type
    return {
        "site_id": SITE,
        "issue_id": str(issue),
        "field_id": field,
        "value_index": index,
        **{f"value_{name}": cell for name, cell in cells.items()},
    }


VALUES: list[Row] = [
    _value(1, "labels", 0, text="Red"),
    _value(1, "labels", 1, text="blue"),
    _value(3, "labels", text="red"),
    _value(5, "labels", text="green"),
    _value(1, "components", id="61", text="API"),
    _value(2, "components", id="62", text="Web"),
    _value(2, "components", 1, id="61", text="API"),
    _value(5, "components", id="71", text="API"),
    _value(1, "fixVersions", id="12", text="2.0"),
    _value(2, "fixVersions", id="11", text="1.0"),
    _value(2, "fixVersions", 1, id="13", text="3.0"),
    _value(5, "fixVersions", id="21", text="1.0"),
    _value(3, "versions", id="14", text="4.0"),
    _value(1, "duedate", text="2026-03-01", at="2026-03-01 00:00:00"),
    _value(2, "duedate", text="2026-03-02", at="2026-03-02 00:00:00"),
    _value(3, "duedate", text="2026-02-28", at="2026-02-28 00:00:00"),
    _value(3, "resolutiondate", text="2026-01-20", at="2026-01-20 00:00:00"),
    _value(1, "description", text="The old door\nsqueaks"),
    _value(5, "environment", text="door, garden"),
    _value(1, "votes", number=0),
    _value(2, "votes", number=3),
    _value(1, "watches", number=2),
    _value(1, "timespent", number=14_400),
    _value(2, "timespent", number=28_800),
    _value(1, "timeoriginalestimate", number=5 * 28_800),
    _value(1, "timeestimate", number=60),
    _value(2, "workratio", number=80),
    _value(1, "customfield_10001", number=3),
    _value(2, "customfield_10001", number=5),
    _value(3, "customfield_10008", number=8),
    _value(1, "customfield_10002", id="501", text="Team Blue"),
    _value(2, "customfield_10002", id="502", text="Team Red"),
    _value(2, "customfield_10003", text="door handle"),
    _value(1, "customfield_10004", id="31", text="Sprint 1"),
    _value(1, "customfield_10004", 1, id="32", text="Sprint 2"),
    _value(2, "customfield_10004", id="33", text="Sprint 3"),
    _value(1, "customfield_10005", id="ann", text="Ann Ünal"),
    _value(2, "customfield_10005", id="cid", text="Bob"),
    _value(1, "customfield_10006", text="2026-03-05", at="2026-03-05 00:00:00"),
    _value(1, "customfield_10007", text="alpha"),
    _value(2, "customfield_10012", at="2026-02-14 09:30:20"),
    _value(1, "customfield_10013", text="https://example.com/A"),
    _value(1, "statuscategorychangedate", text="x", at="2026-01-06 09:00:10"),
    _value(2, "statuscategorychangedate", text="x", at="2026-01-05 08:30:00"),
    # Europe, Rome; Europe; none; a region called none, the town of Europe
    _value(1, "customfield_10014", id="700", text="Europe"),
    _value(1, "customfield_10014", 1, id="701", text="Rome"),
    _value(2, "customfield_10014", id="700", text="Europe"),
    _value(3, "customfield_10014", id="710", text="none"),
    _value(3, "customfield_10014", 1, id="711", text="Europe"),
    _value(1, "customfield_10015", id="801", text="Example Ltd"),
    _value(2, "customfield_10015", id="801", text="Example Ltd"),
    _value(2, "customfield_10015", 1, id="802", text="Other Inc"),
    _value(4, "customfield_10016", id="t-1", text="Painters"),
    _value(6, "labels", text="red"),
    _value(7, "labels", text="red"),
    _value(7, "components", id="99", text="Hidden"),
]

_PREFIX = "com.atlassian.jira.plugin.system.customfieldtypes"


def _field(number: int, name: str, kind: str, items: str | None = None, custom: str = "x") -> Row:
    return {
        "site_id": SITE,
        "field_id": f"customfield_{number}",
        "field_name": name,
        "is_custom": True,
        "field_type": kind,
        "item_type": items,
        "custom_type": custom if ":" in custom else f"{_PREFIX}:{custom}",
        "is_deleted": False,
    }


FIELDS: list[Row] = [
    _field(10001, "Story Points", "number", custom="float"),
    _field(10002, "Team", "option", custom="select"),
    _field(10003, "Notes", "string", custom="textarea"),
    _field(10004, "Sprint", "array", "json", "com.pyxis.greenhopper.jira:gh-sprint"),
    _field(10005, "Reviewers", "array", "user", "multiuserpicker"),
    _field(10006, "Launch", "date", custom="datepicker"),
    _field(10007, "Tags", "array", "string", "labels"),
    _field(10008, "Story points", "number", custom="float"),
    _field(10009, "Mixed", "number", custom="float"),
    _field(10010, "Mixed", "date", custom="datepicker"),
    _field(10011, "Odd", "any", custom="com.example:odd"),
    _field(10012, "Moment", "datetime", custom="datetime"),
    _field(10013, "Address", "string", custom="url"),
    _field(10014, "Location", "option-with-child", custom="cascadingselect"),
    _field(
        10015,
        "Organizations",
        "array",
        "sd-customerorganization",
        "com.atlassian.servicedesk:sd-customer-organizations",
    ),
    _field(10016, "Squad", "team", custom="atlassian-team"),
    _field(
        10017,
        "Time to resolution",
        "sd-servicelevelagreement",
        custom="com.atlassian.servicedesk:sd-sla-field",
    ),
]


def _change(
    issue: int,
    field: str,
    at: str,
    by: str | None,
    old: str | None,
    new: str | None,
    *,
    texts: tuple[str | None, str | None] | None = None,
) -> tuple[int, str, str, str | None, str | None, str | None, tuple[str | None, str | None]]:
    return issue, field, at, by, old, new, texts or (old, new)


CHANGES = [
    # 1: To Do -> In Progress -> To Do
    _change(1, "status", "2026-01-03 12:00:00", "bob", "1", "2", texts=("To Do", "Doing")),
    _change(1, "status", "2026-01-06 09:00:10", "cid", "2", "1", texts=("In Progress", "To Do")),
    # 2: To Do -> In Progress
    _change(2, "status", "2026-01-05 08:30:00", "ann", "1", "2", texts=("To Do", "In Progress")),
    # 3: Ancient -> Done, nobody knows by whom
    _change(3, "status", "2026-01-20 00:00:00", None, "9", "3", texts=("Ancient", "Done")),
    _change(2, "assignee", "2026-01-07 00:00:00", "ann", "bob", None),
    _change(3, "assignee", "2026-01-12 00:00:00", "ann", "", "ann"),
    # 1 got 1.0, then 2.0 in its place; 3 once had 3.0; 2 has always had what it has
    _change(1, "fixVersions", "2026-01-02 00:00:00", "bob", None, "11"),
    _change(1, "fixVersions", "2026-01-04 00:00:00", "ann", "11", None),
    _change(1, "fixVersions", "2026-01-04 00:00:00", "ann", None, "12"),
    _change(3, "fixVersions", "2026-01-15 00:00:00", "bob", "13", None),
    _change(1, "labels", "2026-01-08 00:00:00", "bob", None, None, texts=("Red", "Red blue")),
    _change(2, "labels", "2026-01-09 00:00:00", "bob", None, None, texts=("old", "")),
    _change(1, "customfield_10004", "2026-01-02 00:00:00", "bob", "", "31"),
    _change(1, "customfield_10004", "2026-01-09 00:00:00", "bob", "31", "31, 32"),
    _change(1, "customfield_10002", "2026-01-11 00:00:00", "bob", "[503]", "[501]",
            texts=("Team Old", "Team Blue")),
    _change(1, "summary", "2026-01-13 00:00:00", "bob", None, None, texts=("Paint", "Paint it")),
    # 3 affected 3.0, then nothing for two days, then 4.0
    _change(3, "versions", "2026-01-12 00:00:00", "bob", "13", None),
    _change(3, "versions", "2026-01-14 00:00:00", "bob", None, "14"),
    _change(6, "status", "2026-01-20 00:00:00", "bob", "1", "3", texts=("To Do", "Done")),
    _change(7, "status", "2026-01-20 00:00:00", "bob", "1", "2", texts=("To Do", "Secret")),
]  # fmt: skip

COMMENTS: list[Row] = [
    {"issue_id": "1", "body_text": "A ladder is needed", "author_account_id": "bob"},
    {"issue_id": "1", "body_text": "And a brush", "author_account_id": "ann"},
    {"issue_id": "2", "body_text": "no ladder here", "author_account_id": "ann"},
    {"issue_id": "3", "body_text": "ladder", "is_restricted": True},
    {"issue_id": "5", "body_text": "ladder", "is_deleted": True},
]

WORKLOGS: list[Row] = [
    {"issue_id": "1", "author_account_id": "ann", "started_at": "2026-02-14 23:30:00",
     "comment_text": "sanding"},
    {"issue_id": "2", "author_account_id": "bob", "started_at": "2026-02-16 10:00:00",
     "comment_text": "painting"},
    {"issue_id": "2", "author_account_id": "ann", "started_at": "2026-02-20 10:00:00",
     "comment_text": "sanding"},
    {"issue_id": "5", "author_account_id": "bob", "started_at": "2026-02-16 10:00:00",
     "comment_text": "sanding", "is_deleted": True},
    {"issue_id": "3", "author_account_id": "bob", "started_at": "2026-02-16 10:00:00",
     "comment_text": "sanding", "is_restricted": True},
]  # fmt: skip

# 1 blocks 2; 3 blocks the secured 7
LINKS: list[Row] = [
    {"issue_id": one, "linked_issue_id": other, "link_type_name": "Blocks", "direction_name": words}
    for one, other, words in (
        ("1", "2", "blocks"),
        ("2", "1", "is blocked by"),
        ("3", "7", "blocks"),
        ("7", "3", "is blocked by"),
    )
]

ACTIONS = [
    # code, issue, by, at, target type, target id
    ("ISSUE_CREATED", 1, "ann", "2026-01-01 10:00:30", "issue", "1"),
    ("ISSUE_COMMENTED", 2, "cid", "2026-01-15 12:00:00", "comment", "c1"),
    ("ISSUE_VIEWED", 3, "cid", "2026-01-15 12:00:00", "issue", "3"),
    ("ISSUELINK_CREATED", 5, "dan", "2026-01-16 00:00:00", "issuelink", "5-1-3"),
    # Of the other issue no more than the key is known: its number is nobody's id.
    ("ISSUELINK_CREATED", 5, "dan", "2026-01-16 00:00:00", "issuelink", "5-1-XY-4"),
    ("ISSUE_COMMENTED", 7, "cid", "2026-01-15 12:00:00", "comment", "c2"),
    ("ISSUE_COMMENTED", 1, "dan", "2026-02-20 12:00:00", "comment", "c3"),
]


def write_jql_marts(path: Path) -> None:
    """Write the site to a new DuckDB file."""
    write_marts(path, Shape(actions=20, actors=5, projects=2, issues=10, days=10))
    with duckdb.connect(str(path)) as database:
        _fill(database, "dim_issues", ISSUES)
        _fill(
            database,
            "bridge_issue_keys",
            [
                {"site_id": SITE, "issue_id": issue["issue_id"], "issue_key": issue["issue_key"],
                 "project_id": issue["project_id"], "valid_from_at": "2026-01-01",
                 "is_current": True}
                for issue in ISSUES
            ]
            + [
                {"site_id": SITE, "issue_id": "1", "issue_key": "OLD-1", "project_id": "100",
                 "valid_from_at": "2025-01-01", "valid_to_at": "2026-01-01", "is_current": False},
                {"site_id": SITE, "issue_id": "1", "issue_key": "WAS-1", "project_id": "100",
                 "valid_from_at": "2026-01-01", "valid_to_at": "2027-01-01", "is_current": False},
            ],
        )  # fmt: skip
        _fill(database, "bridge_issue_field_values", VALUES)
        _fill(database, "dim_fields", FIELDS)
        _fill(database, "dim_comments", _hung(COMMENTS, "comment_id"))
        _fill(database, "dim_worklogs", _hung(WORKLOGS, "worklog_id"))
        _fill(database, "bridge_issue_links", _hung(LINKS, "link_id"))
        _fill(
            database,
            "bridge_issue_attachments",
            [{"site_id": SITE, "issue_id": "4", "attachment_id": "a1"}],
        )
        _write_names(database)
        _write_facts(database)
        database.execute(
            "update fct_actions set occurred_date = occurred_at::date, "
            "occurred_month = date_trunc('month', occurred_at)"
        )
        write_rollups(database)
        database.execute("checkpoint")


def _hung(rows: list[Row], key: str) -> list[Row]:
    return [
        {
            "site_id": SITE,
            key: f"{key}-{number}",
            "is_deleted": False,
            "is_restricted": False,
            "was_restricted": row.get("is_restricted", False),
            **row,
        }
        for number, row in enumerate(rows)
    ]


def _write_names(database: duckdb.DuckDBPyConnection) -> None:
    here = {"site_id": SITE, "is_deleted": False}
    _fill(
        database,
        "dim_projects",
        [
            {"site_id": SITE, "project_id": "100", "project_key": "DEV", "project_name": "Develop",
             "project_type": "software", "project_category": "Core", "lead_account_id": "ann",
             "lifecycle_state": "live"},
            {"site_id": SITE, "project_id": "200", "project_key": "OPS", "project_name": "Operate",
             "project_type": "service_desk", "lead_account_id": "bob", "lifecycle_state": "live"},
        ],
    )  # fmt: skip
    _fill(
        database,
        "dim_users",
        [
            here | {"account_id": account_id, "display_name": name, "email_address": email,
                    "is_active": True, "is_deleted": account_id == "gone"}
            for account_id, name, email in (
                ("ann", "Ann Ünal", "ann@example.com"),
                ("bob", "Bob", "bob@example.com"),
                ("cid", "Bob", None),
                ("dan", "Dan", None),
                ("gone", "Gone", None),
            )
        ],
    )  # fmt: skip
    for table, name, rows in (
        ("dim_statuses", "status", [("1", "To Do"), ("2", "In Progress"), ("3", "Done"),
                                    ("9", "Ancient")]),
        ("dim_resolutions", "resolution", [("1", "Fixed"), ("2", "Won't Do")]),
        ("dim_priorities", "priority", [("1", "High"), ("2", "Medium"), ("3", "Low")]),
        ("dim_issue_types", "issue_type", [("1", "Task"), ("2", "Bug"), ("3", "Epic"),
                                           ("4", "Sub-task")]),
        ("dim_groups", "group", [("g1", "staff"), ("g2", "guests")]),
        ("dim_request_types", "request_type", [("7", "Get help")]),
        ("dim_organizations", "organization", [("801", "Example Ltd"), ("802", "Other Inc")]),
    ):  # fmt: skip
        _fill(
            database,
            table,
            [here | {f"{name}_id": one, f"{name}_name": label} for one, label in rows],
        )
    database.execute("update dim_priorities set priority_order = priority_id::integer")
    database.execute(
        "update dim_issue_types set is_subtask = issue_type_id = '4', "
        "hierarchy_level = case issue_type_id when '3' then 1 when '4' then -1 else 0 end"
    )
    database.execute(
        "update dim_statuses set is_deleted = status_id = '9', status_category = "
        "['new', 'indeterminate', 'done'][least(status_id::integer, 4)]"
    )
    _fill(
        database,
        "dim_security_levels",
        [here | {"level_id": "50", "level_name": "Board"}],
    )
    _fill(
        database,
        "bridge_group_members",
        [
            {"site_id": SITE, "group_id": "g1", "account_id": "ann"},
            {"site_id": SITE, "group_id": "g1", "account_id": "bob", "valid_to_at": "2026-01-01"},
            {"site_id": SITE, "group_id": "g2", "account_id": "bob"},
        ],
    )
    _fill(
        database,
        "bridge_organization_members",
        [
            {"site_id": SITE, "organization_id": "801", "account_id": "ann"},
            {"site_id": SITE, "organization_id": "802", "account_id": "bob"},
            {"site_id": SITE, "organization_id": "802", "account_id": "ann",
             "valid_to_at": "2026-01-01"},
        ],
    )  # fmt: skip
    _fill(
        database,
        "dim_versions",
        [
            here | {"version_id": one, "version_name": name, "project_id": project,
                    "is_released": released, "is_archived": archived, "version_order": order}
            for one, name, project, released, archived, order in (
                ("11", "1.0", "100", True, False, 0),
                ("12", "2.0", "100", True, False, 1),
                ("13", "3.0", "100", False, True, 2),
                ("14", "4.0", "100", False, False, 3),
                ("21", "1.0", "200", False, False, 0),
            )
        ],
    )  # fmt: skip
    _fill(
        database,
        "dim_sprints",
        [
            here | {"sprint_id": f"3{n}", "sprint_name": f"Sprint {n}", "sprint_state": state}
            for n, state in ((1, "closed"), (2, "active"), (3, "future"))
        ],
    )
    database.execute("update agg_source_freshness set last_success_at = $1::timestamp", [NOW])


def _write_facts(database: duckdb.DuckDBPyConnection) -> None:
    actions: list[Row] = []
    changes: list[Row] = []
    for number, (issue, field, at, by, old, new, texts) in enumerate(CHANGES):
        action = {
            "action_id": f"change-{number:02}",
            "site_id": SITE,
            "action_code": "ISSUE_UPDATED",
            "occurred_at": at,
            "issue_id": str(issue),
        }
        actions.append(
            action | {"actor_account_id": by, "target_type": "issue", "target_id": str(issue)}
        )
        changes.append(
            action
            | {
                "change_id": f"item-{number:02}",
                "field_id": field,
                "field_name": field,
                "item_index": number,
                "old_value_id": old,
                "new_value_id": new,
                "old_value": texts[0],
                "new_value": texts[1],
            }
        )
    for number, (code, issue, by, at, kind, target) in enumerate(ACTIONS):
        actions.append(
            {
                "action_id": f"action-{number:02}",
                "site_id": SITE,
                "action_code": code,
                "occurred_at": at,
                "issue_id": str(issue),
                "actor_account_id": by,
                "target_type": kind,
                "target_id": target,
            }
        )
    projects = {issue["issue_id"]: issue["project_id"] for issue in ISSUES}
    for one in actions:
        one["project_id"] = projects[one["issue_id"]]
        one["is_secured"] = one["issue_id"] == "7"
        one["recorded_at"] = one["occurred_at"]
        one["source"] = "jira_issues"
        one["source_event_id"] = one["action_id"]
        one["change_count"] = 0
    _fill(database, "fct_actions", actions)
    _fill(database, "fct_action_changes", changes)


def _fill(database: duckdb.DuckDBPyConnection, table: str, rows: list[Row]) -> None:
    """Put rows in the place of what `table` holds; cells that are not named are null."""
    columns = {row[0] for row in database.execute(f"describe {table}").fetchall()}
    database.execute(f"delete from {table}")
    for row in rows:
        named = [name for name in row if name in columns]
        database.execute(
            f"insert into {table} ({', '.join(named)}) values ({', '.join('?' for _ in named)})",
            [row[name] for name in named],
        )
