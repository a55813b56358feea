"""Which texts name which issues, and which of these hide the text: rule by rule, load by load."""

from __future__ import annotations

from pathlib import Path

import duckdb
from dbt.contracts.graph.manifest import Manifest

from tests.bench.models import sql_of
from tests.dbt.builds import build, dbt, query
from tests.dbt.lakes import Lake, at, history, issue, item

TABLES = {
    "fct_actions": "site_id, action_id, issue_id, target_type, target_id",
    "fct_action_changes": (
        "site_id, change_id, action_id, issue_id, field_id, field_name, "
        "old_value_id, old_value, new_value_id, new_value"
    ),
    "int_fields__naming_issues": "site_id, field_id",
    "dim_comments": "site_id, comment_id, was_restricted",
    "dim_worklogs": "site_id, worklog_id, was_restricted",
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
        ("s", "worked", "1", "worklog", "6"),
        ("s", "drudged", "1", "worklog", "5"),
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
    "dim_worklogs": [("s", "5", False), ("s", "6", True)],
}


def test_texts_tell_which_issues_they_name() -> None:
    with duckdb.connect() as database:
        for table, columns in TABLES.items():
            types = ", ".join(
                f"{name} {'boolean' if name == 'was_restricted' else 'varchar'}"
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
        ("worked", "worked", "new", ""),
        ("worked", "worked", "old", ""),
    ]


WITHHELD_TABLES = {
    "bridge_named_issues": (
        "site_id varchar, text_id varchar, issue_id varchar, named_issue varchar",
        [
            ("s", "by id", "1", "2"),
            ("s", "by key", "1", "A-2"),
            ("s", "by former key", "1", "OLD-2"),
            ("s", "open", "1", "3"),
            ("s", "open by key", "1", "A-3"),
            ("s", "key of two", "1", "B-5"),
            ("s", "unknown id", "1", "9"),
            ("s", "unknown key", "1", "A-9"),
            ("s", "key of one nobody saw", "1", "A-8"),
            ("s", "for some people only", "1", ""),
            ("s", "itself", "2", "OLD-2"),
            ("s", "outside issues", None, "2"),
            ("t", "other site", "1", "A-3"),
        ],
    ),
    "bridge_issue_keys": (
        "site_id varchar, issue_key varchar, issue_id varchar",
        [
            ("s", "A-2", "2"), ("s", "OLD-2", "2"), ("s", "A-3", "3"), ("s", "A-8", "8"),
            ("s", "B-5", "2"), ("s", "B-5", "3"), ("t", "A-2", "2"),
        ],
    ),
    "dim_issues": (
        "site_id varchar, issue_id varchar, is_secured boolean",
        [("s", "1", False), ("s", "2", True), ("s", "3", False), ("t", "2", True)],
    ),
}  # fmt: skip


def test_a_text_is_hidden_by_secured_issues_and_by_names_that_are_nobodys() -> None:
    with duckdb.connect() as database:
        for table, (columns, rows) in WITHHELD_TABLES.items():
            database.execute(f"create table {table} ({columns})")
            marks = ", ".join("?" for _ in columns.split(", "))
            database.executemany(f"insert into {table} values ({marks})", rows)
        database.execute(
            "alter table bridge_named_issues add action_id varchar;"
            "alter table bridge_named_issues add occurred_at timestamp;"
            "alter table bridge_named_issues add part varchar"
        )
        found = database.execute(
            f"select text_id, hidden_issue_id from ({sql_of('bridge_withheld_texts', {})})"
        ).fetchall()
    assert sorted(found) == [
        ("by former key", "2"),
        ("by id", "2"),
        ("by key", "2"),
        ("for some people only", ""),
        ("key of one nobody saw", ""),
        ("key of two", "2"),
        ("other site", ""),
        ("outside issues", "2"),
        ("unknown id", ""),
        ("unknown key", ""),
    ]


def test_texts_are_hidden_and_shown_as_what_they_name_changes(
    manifest: Manifest, tmp_path: Path
) -> None:
    """Nothing is told of the issue with the texts itself after the first load."""
    lake = Lake(tmp_path)

    def withheld() -> list[tuple[str, ...]]:
        build(tmp_path, manifest, tests=True)
        return query(
            tmp_path,
            "select changes.new_value, texts.hidden_issue_id from bridge_withheld_texts as texts "
            "join fct_action_changes as changes on changes.change_id = texts.text_id "
            "where texts.issue_id = '1' and texts.part = 'new' order by all",
        )

    def parent(number: str, key: str) -> dict[str, object]:
        return item("parent", new=(number, key), field_id="parent")

    lake.load(
        [
            issue(1, "AB-1", updated=at(9), fetched=at(10)),
            issue(2, "AB-2", updated=at(1), fetched=at(10)),
            history(1, 1, [parent("2", "AB-2")], created=at(5), fetched=at(10)),
            history(2, 1, [parent("3", "AB-3")], created=at(9), fetched=at(10)),
        ]
    )
    assert withheld() == [("AB-3", "")]
    moved = [
        item("Key", (None, "AB-2"), (None, "CD-2")),
        item("project", ("10", "AB"), ("11", "CD"), field_id="project"),
    ]
    lake.load(
        [
            issue(2, "CD-2", updated=at(20), fetched=at(21), project="11", security="9"),
            history(3, 2, moved, created=at(20), fetched=at(21)),
            issue(3, "AB-3", updated=at(20), fetched=at(21)),
        ]
    )
    assert withheld() == [("AB-2", "2")]
    assert _verdict(tmp_path, manifest) == "pass"
    with _marts(tmp_path) as marts:
        marts.execute("create table kept as from bridge_withheld_texts")
        marts.execute("delete from bridge_withheld_texts where hidden_issue_id = '2'")
    assert _verdict(tmp_path, manifest) == "fail", "a text that names a secured issue is shown"
    with _marts(tmp_path) as marts:
        marts.execute("insert into bridge_withheld_texts from kept where hidden_issue_id = '2'")
        marts.execute("update dim_issues set is_secured = false where issue_id = '2'")
    assert _verdict(tmp_path, manifest) == "fail", "a text that names an open issue is withheld"
    with _marts(tmp_path) as marts:
        marts.execute("update dim_issues set is_secured = true where issue_id = '2'")
        marts.execute("drop table kept")
    lake.load([issue(2, "CD-2", updated=at(30), fetched=at(31), project="11")])
    assert withheld() == []


def _marts(home: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(home / "marts.duckdb"))


def _verdict(home: Path, manifest: Manifest) -> str:
    """Return what the data test of withheld texts says."""
    name = "assert_texts_naming_secured_issues_are_withheld"
    result = dbt(home, "test", "--select", name, manifest=manifest).result
    found = {entry.node.name: entry.status for entry in getattr(result, "results", [])}
    return str(found[name])
