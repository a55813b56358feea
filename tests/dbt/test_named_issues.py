"""Which texts name which issues: `bridge_named_issues`, rule by rule."""

from __future__ import annotations

import duckdb

from tests.bench.models import sql_of

TABLES = {
    "fct_actions": "site_id, action_id, issue_id, target_type, target_id",
    "fct_action_changes": (
        "site_id, change_id, action_id, issue_id, field_id, field_name, "
        "old_value_id, old_value, new_value_id, new_value"
    ),
    "int_fields__naming_issues": "site_id, field_id",
    "dim_comments": "site_id, comment_id, is_restricted",
}
ROWS: dict[str, list[tuple[str | bool | None, ...]]] = {
    "fct_actions": [
        ("s", "link", "1", "issuelink", "1-10-2"),
        ("s", "link by key", "1", "issuelink", "1-10-a-7"),
        ("s", "link unread", "1", "issuelink", "1 and 2"),
        ("s", "unknown", None, "issue", "9"),
        ("s", "edit", "1", "issue", "1"),
        ("s", "hushed", "1", "comment", "5"),
        ("s", "said", "1", "comment", "6"),
        ("t", "elsewhere", "1", "comment", "5"),
    ],
    "fct_action_changes": [
        ("s", "parent", "edit", "1", "parent", "Parent", "3", "A-3", None, ""),
        ("s", "epic", "edit", "1", "customfield_1", "Epos", None, None, "4", "b-4"),
        ("s", "old epic", "edit", "1", "customfield_2", "Epic Link", None, None, None, "1"),
        ("s", "summary", "edit", "1", "summary", "Summary", None, "A-3", None, "A-4"),
        ("s", "itself", "edit", "1", "parent", "Parent", None, None, "1", None),
        ("s", "words", "hushed", "1", "comment", "Comment", None, None, None, "hush"),
        ("t", "other site", "elsewhere", "1", "customfield_1", "Epos", None, None, None, "b-4"),
    ],
    "int_fields__naming_issues": [("s", "customfield_1")],
    "dim_comments": [("s", "5", True), ("s", "6", False)],
}


def test_texts_tell_which_issues_they_name() -> None:
    with duckdb.connect() as database:
        for table, columns in TABLES.items():
            types = ", ".join(
                f"{name} {'boolean' if name.startswith('is_') else 'varchar'}"
                for name in columns.split(", ")
            )
            database.execute(f"create table {table} ({types}, occurred_at timestamp)")
            marks = ", ".join("?" for _ in columns.split(", "))
            database.executemany(f"insert into {table} values ({marks}, null)", ROWS[table])
        found = database.execute(
            "select action_id, text_id, part, named_issue "
            f"from ({sql_of('bridge_named_issues', {})})"
        ).fetchall()
    # An empty name: nobody may read the text. That an issue names itself is no news.
    assert sorted(found) == [
        ("edit", "epic", "new", "4"),
        ("edit", "epic", "new", "B-4"),
        ("edit", "old epic", "new", ""),
        ("edit", "parent", "old", "3"),
        ("edit", "parent", "old", "A-3"),
        ("hushed", "hushed", "new", ""),
        ("hushed", "hushed", "old", ""),
        ("hushed", "words", "new", ""),
        ("hushed", "words", "old", ""),
        ("link", "link", "all", "2"),
        ("link by key", "link by key", "all", "A-7"),
        ("link unread", "link unread", "all", ""),
        ("unknown", "unknown", "all", ""),
    ]
