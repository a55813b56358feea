"""`audit-log coverage`: tables for people, the API's document by --json, one line of error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestration import cli
from pipelines.terminal import console
from tests.bench.synthetic import Shape, publish, write_marts

SHAPE = Shape(actions=200, actors=4, projects=2, issues=20, days=9)


def coverage(*options: str) -> Result:
    return CliRunner().invoke(cli.app, ["coverage", *options])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a home with a snapshot, on a terminal that is too narrow for the tables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT_LOG_HOME", str(tmp_path))
    monkeypatch.setattr(console, "_width", 80)
    return tmp_path


def test_tables_tell_what_is_connected_and_what_is_lost(home: Path) -> None:
    write_marts(home / "marts.duckdb", SHAPE)
    publish(home, home / "marts.duckdb")
    result = coverage()
    assert result.exit_code == 0, result.stderr
    assert "no: lacks View worklogs" in result.stdout
    assert "API tokens are not recorded" in result.stdout
    (line,) = [line for line in result.stdout.splitlines() if "ISSUE_DELETED" in line]
    assert [cell.strip() for cell in line.split("│")][1:4] == [
        "ISSUE_DELETED",
        "jira_issues",
        "yes",
    ]
    assert "No connected source tells of" in result.stdout


def test_json_is_the_document_of_the_api(home: Path) -> None:
    write_marts(home / "marts.duckdb", SHAPE)
    publish(home, home / "marts.duckdb")
    document = json.loads(coverage("--json").stdout)
    assert {"snapshot_id", "sources", "actions", "uncovered_actions"} == set(document)
    assert document["sources"][0]["lag_p50_seconds"] == 60.5


@pytest.mark.usefixtures("home")
def test_without_a_snapshot_it_says_what_to_do() -> None:
    result = coverage()
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "audit-log run" in result.stderr
