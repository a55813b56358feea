"""The action catalogue is defined once, and complete: 88 actions, each known to somebody."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import pytest

from pipelines.registry import SOURCES

SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"
COLUMNS = [
    "action_number",
    "action_code",
    "label",
    "product",
    "target_type",
    "source",
    "connection_required",
    "max_delay_minutes",
    "is_default_column",
    "is_issue_action",
    "has_changes",
    "happens_once",
    "visibility_rule",
    "description",
]
CODE = re.compile(r"[A-Z]+(_[A-Z]+)+")
VERBS = {
    "ACTIVE",
    "ADDED",
    "ARCHIVED",
    "CANCELED",
    "CHANGED",
    "CLOSED",
    "COMMENTED",
    "COPIED",
    "CREATED",
    "DEACTIVATED",
    "DELETED",
    "DISABLED",
    "EMPTIED",
    "ENABLED",
    "EXPORTED",
    "IMPORTED",
    "INSTALLED",
    "INVITED",
    "MOVED",
    "REACTIVATED",
    "RELEASED",
    "REMOVED",
    "RESOLVED",
    "RESTORED",
    "REVOKED",
    "SCHEDULED",
    "STARTED",
    "UNARCHIVED",
    "UNINSTALLED",
    "UNRELEASED",
    "UPDATED",
    "UPLOADED",
    "VIEWED",
}
NAMED_BY_THE_VENDOR = {
    "AGENT_PORTAL_ANNOUNCEMENT_UPDATE_PERMISSION",
    "JIRA_SERVICE_DESK_CONFIGURATION",
}
"""Codes without a verb in the past tense: the audit log itself calls the events so."""
CONNECTIONS = {
    "jira_issues": "jira",
    "jira_platform": "jira",
    "jira_software": "jira",
    "jira_audit": "jira_admin",
    "org_events": "guard",
    "assets": "assets",
    "confluence": "confluence",
    "inbox": "issue_views",
}
"""Source -> the connection it needs. Sources without a pipeline are not connected yet."""
VISIBILITY_RULES = {"issue_security", "browse_project", "assets_role", "none"}
DEFAULT_COLUMNS = {
    "ISSUE_CREATED",
    "ISSUE_UPDATED",
    "ISSUE_DELETED",
    "STATUS_CHANGED",
    "ISSUE_RESOLVED",
    "ISSUE_COMMENTED",
    "COMMENT_UPDATED",
    "COMMENT_DELETED",
}
"""Ruling Q5 on the reference guide."""
WITHOUT_CHANGES = {"VERSION_RELEASED", "VERSION_UNRELEASED", "ASSET_OBJECT_CREATED"}
"""The guide shows no Changes section for these (F168)."""


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a csv file with a header."""
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines, strict=True))


@pytest.fixture(scope="module")
def action_types() -> list[dict[str, str]]:
    """Read the catalogue."""
    return rows_of(SEEDS / "action_types.csv")


@pytest.fixture(scope="module")
def mappings() -> list[dict[str, str]]:
    """Read the rules that make events actions."""
    return rows_of(SEEDS / "action_mappings.csv")


def specification() -> list[dict[str, str]]:
    """Read the list of actions the project was specified with; skips, saying so, without it."""
    beside = Path(__file__).parents[3] / "shared" / "spec"
    path = Path(os.environ.get("AUDIT_LOG_SPECIFICATION", beside)) / "actions.csv"
    if not path.exists():
        pytest.skip(f"NOT TESTED: {path} is absent; AUDIT_LOG_SPECIFICATION names another place")
    return rows_of(path)


def test_every_column_of_every_row_is_filled(action_types: list[dict[str, str]]) -> None:
    for row in action_types:
        assert list(row) == COLUMNS
        assert all(value and value == value.strip() for value in row.values()), row["action_code"]
        for column in ("is_default_column", "is_issue_action", "has_changes", "happens_once"):
            assert row[column] in {"true", "false"}, row["action_code"]
        assert row["max_delay_minutes"].isdecimal(), row["action_code"]
        assert row["description"].endswith("."), row["action_code"]


def test_there_are_88_actions_numbered_in_order(action_types: list[dict[str, str]]) -> None:
    jira = [row for row in action_types if row["product"] == "jira"]
    assert [int(row["action_number"]) for row in jira] == list(range(1, 89))


@pytest.mark.parametrize("column", ["action_number", "action_code", "label", "description"])
def test_nothing_is_there_twice(action_types: list[dict[str, str]], column: str) -> None:
    values = [row[column] for row in action_types]
    assert len(set(values)) == len(values)


def test_codes_have_one_form_and_say_what_was_done(action_types: list[dict[str, str]]) -> None:
    codes = {row["action_code"] for row in action_types}
    assert {code for code in codes if not CODE.fullmatch(code)} == set()
    assert {code for code in codes if not VERBS & set(code.split("_"))} == NAMED_BY_THE_VENDOR


def test_the_default_columns_are_those_of_the_guide(action_types: list[dict[str, str]]) -> None:
    marked = {row["action_code"] for row in action_types if row["is_default_column"] == "true"}
    assert marked == DEFAULT_COLUMNS


def test_who_may_see_an_action_follows_from_what_it_is(action_types: list[dict[str, str]]) -> None:
    for row in action_types:
        assert row["visibility_rule"] in VISIBILITY_RULES
        if row["is_issue_action"] == "true":
            assert row["visibility_rule"] in {"issue_security", "browse_project"}
        assert (row["visibility_rule"] == "assets_role") == (row["source"] == "assets")


def test_every_source_needs_one_connection(action_types: list[dict[str, str]]) -> None:
    needed = {(row["source"], row["connection_required"]) for row in action_types}
    assert needed == set(CONNECTIONS.items())
    assert set(SOURCES) <= set(CONNECTIONS)


def test_every_source_is_described_for_coverage() -> None:
    described = {row["source"]: row for row in rows_of(SEEDS / "sources.csv")}

    assert described.keys() == SOURCES.keys()
    for name, row in described.items():
        assert row["connection"] == SOURCES[name].connection
        assert row["main_resource"] in {resource.name for resource in SOURCES[name].resources}
        assert row["loses"]


def test_some_actions_have_no_changes_to_show(action_types: list[dict[str, str]]) -> None:
    shown = {row["action_code"] for row in action_types if row["has_changes"] == "true"}
    assert not shown & WITHOUT_CHANGES
    assert {"ISSUE_UPDATED", "STATUS_CHANGED", "ISSUE_RESOLVED", "COMMENT_UPDATED"} <= shown


def test_codes_labels_and_targets_are_those_specified(action_types: list[dict[str, str]]) -> None:
    ours = [
        (row["action_number"], row["action_code"], row["label"], row["target_type"])
        for row in action_types
        if row["product"] == "jira"
    ]
    assert ours == [
        (row["no"], row["code"], row["action"], row["target"]) for row in specification()
    ]


def test_every_action_is_produced_or_waits_for_its_source(
    action_types: list[dict[str, str]], mappings: list[dict[str, str]]
) -> None:
    produced = {row["action_code"] for row in mappings}
    mapped_sources = {row["source"] for row in mappings} & SOURCES.keys()
    waiting = {row["action_code"] for row in action_types if row["source"] not in mapped_sources}
    assert produced | waiting >= {row["action_code"] for row in action_types}


def test_mappings_name_connected_sources_and_known_codes(
    action_types: list[dict[str, str]], mappings: list[dict[str, str]]
) -> None:
    no_action = ""
    known = {row["action_code"] for row in action_types} | {no_action}
    for row in mappings:
        assert row["source"] in CONNECTIONS
        assert row["action_code"] in known
        assert row["raw_event"]
        assert row["condition"]
    rules = [(row["source"], row["raw_event"], row["condition"]) for row in mappings]
    assert len(set(rules)) == len(rules)


def test_every_rule_is_used_by_a_model(mappings: list[dict[str, str]]) -> None:
    """A rule nobody reads would promise an action that is never derived.

    The models of issues name the events they look for; those of other sources read all rules.
    """
    models = "\n".join(
        path.read_text(encoding="utf-8") for path in (SEEDS.parent / "models").rglob("*.sql")
    )
    for row in mappings:
        if row["source"] != "jira_issues":
            continue
        event = row["raw_event"].split(".")[0]
        assert f"raw_event = '{event}'" in models or f"raw_event, '{event}." in models, row
