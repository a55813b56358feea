"""`python -m pipelines`: one clear line and an exit code for everything that can be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipelines.__main__ import app
from pipelines.check import check_connection
from pipelines.connections import CONNECTIONS
from pipelines.registry import SOURCES
from tests.pipelines.conftest import settings_for
from tests.sandbox.running import RunningSandbox, running_sandbox


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[RunningSandbox]:
    """Run a small site that the environment points at."""
    with running_sandbox(days=1) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AUDIT_LOG_HOME", str(home))
        yield running


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_every_permission_is_tested(sandbox: RunningSandbox, home: Path) -> None:
    findings = check_connection(settings_for(sandbox.base_url, home))
    assert all(finding.is_granted for finding in findings)
    named = [(finding.source, finding.permission) for finding in findings]
    for source in SOURCES.values():
        for probe in source.probes:
            assert (source.name, probe.permission) in named
    for connection in CONNECTIONS.values():
        sources = {spec.name for spec in SOURCES.values() if spec.connection == connection.name}
        assert any(source in sources | {connection.name} for source, _ in named), connection.name
    assert {"Administer Jira", "Browse users and groups", "View worklogs"} <= {
        finding.permission for finding in findings
    }


def test_a_connection_nobody_set_up_is_told_and_no_error(
    monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox
) -> None:
    assert sandbox.port
    monkeypatch.delenv("ATLASSIAN_ORG_API_KEY", raising=False)
    result = command("check")
    assert result.exit_code == 0, result.output
    [line] = [line for line in result.stdout.splitlines() if line.startswith("NOT CONNECTED")]
    assert "guard" in line
    assert CONNECTIONS["guard"].loses in line
    assert "ATLASSIAN_ORG_API_KEY" in line


def test_a_missing_permission_names_its_loss(sandbox: RunningSandbox) -> None:
    sandbox.permission("ADMINISTER", granted=False)
    result = command("check")
    assert result.exit_code == 1
    assert "MISSING  Administer Jira" in result.stdout
    assert "names of issue security levels are unknown" in " ".join(result.stdout.split())


def test_an_account_that_sees_no_project_is_told(sandbox: RunningSandbox) -> None:
    for project in sandbox.site.world.projects.values():
        sandbox.hide_project(project.key)
    result = command("check")
    assert result.exit_code == 1
    assert "MISSING  Browse projects" in result.stdout


@pytest.mark.usefixtures("sandbox")
def test_run_reports_rows_and_requests() -> None:
    result = command("run", "jira_platform")
    assert result.exit_code == 0
    words = " ".join(result.stdout.split())
    assert "jira_platform of sandbox-7.atlassian.net (full)" in words
    assert " projects, " in words
    assert "requests" in words


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("ATLASSIAN_API_TOKEN", "wrong", "ATLASSIAN_API_TOKEN"),
        ("ATLASSIAN_SITE_URL", "http://127.0.0.1:9", "cannot be reached"),
        ("ATLASSIAN_SITE_URL", "http://example.com", "https"),
        ("ATLASSIAN_EMAIL", "", "ATLASSIAN_EMAIL is not set"),
    ],
)
@pytest.mark.parametrize("arguments", [("run", "jira_issues"), ("check",)])
def test_errors_are_one_line_and_a_code(
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    words: str,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setenv(variable, value)
    result = command(*arguments)
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.output


def test_list_shows_every_source_and_resource() -> None:
    result = command("list")
    assert result.exit_code == 0
    for source in SOURCES.values():
        assert source.name in result.stdout
        for resource in source.resources:
            assert resource.name in result.stdout
            assert resource.description


def test_list_shows_every_connection_and_what_is_lost_without_it() -> None:
    lines = command("list").stdout.splitlines()
    for connection in CONNECTIONS.values():
        [line] = [line for line in lines if f" {connection.name} ({connection.title})" in line]
        assert line.startswith("set up" if connection.asks == "nobody" else "NOT CONNECTED")
        assert connection.loses in line
