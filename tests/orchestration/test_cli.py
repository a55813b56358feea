"""`audit-log`: what it prints, its exit codes, and that errors are one line with a remedy."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestration import cli
from orchestration.locking import run_lock
from orchestration.state import read_source
from pipelines.connections import CONNECTIONS
from pipelines.patience import FIRST_CONTACT
from pipelines.registry import SOURCES
from pipelines.specs import SourceSpec
from pipelines.sync import Sync
from tests.orchestration.conftest import TinyHome
from tests.sandbox.running import RunningSandbox, running_sandbox

SETTINGS = ("ATLASSIAN_SITE_URL", "ATLASSIAN_EMAIL", "ATLASSIAN_API_TOKEN", "PORT")
ORGANIZATION = ("ATLASSIAN_ORG_ID", "ATLASSIAN_ORG_API_KEY", "ATLASSIAN_ADMIN_URL")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a home of the test's own, no .env, and no site configured."""
    monkeypatch.chdir(tmp_path)
    for name in (*SETTINGS, "AUDIT_LOG_DEBUG", "AUDIT_LOG_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AUDIT_LOG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PORT", "0")
    return tmp_path / "home"


@pytest.fixture(scope="module")
def site() -> Iterator[RunningSandbox]:
    with running_sandbox(days=3) as running:
        yield running


def audit_log(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, arguments)


def point_at(site: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("command", ["run", "sync", "build", "publish", "compact"])
def test_a_second_start_is_skipped_and_no_failure(home: Path, command: str) -> None:
    with run_lock(home):
        result = audit_log(command)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Skipped: already running (pid {os.getpid()}, since 20")
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sync", "--source", "nope"], "'nope' is not one of"),
        (["synch"], "No such command 'synch'"),
        (["serve", "--port", "70000"], "Invalid value for '--port'"),
    ],
)
def test_wrong_usage_is_told_with_exit_code_2(arguments: list[str], told: str) -> None:
    result = audit_log(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("ATLASSIAN_EMAIL", None, "ATLASSIAN_SITE_URL is not set."),
        ("ATLASSIAN_SITE_URL", "example.atlassian.net", "ATLASSIAN_SITE_URL: is not a web address"),
        ("AUDIT_LOG_OVERLAP_MINUTES", "ten", "AUDIT_LOG_OVERLAP_MINUTES: "),
    ],
)
def test_wrong_settings_are_one_line_with_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None, told: str
) -> None:
    if value is not None:
        monkeypatch.setenv(variable, value)
    result = audit_log("run")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"audit-log: {told}")
    assert result.stderr.count("\n") == 1


def test_serve_refuses_an_address_others_can_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_LOG_HOST", "0.0.0.0")  # noqa: S104  (that it is refused)
    result = audit_log("serve")
    assert result.exit_code == 2
    assert "not a loopback address" in result.stderr
    assert result.stderr.count("\n") == 1


def test_one_line_or_with_debug_the_traceback_too(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = audit_log("publish")
    assert plain.exit_code == 1
    assert plain.stderr == (
        "audit-log: There are no tested marts to publish."
        " Run `audit-log build` first, and mend what it reports.\n"
    )
    monkeypatch.setenv("AUDIT_LOG_DEBUG", "1")
    debugged = audit_log("publish")
    assert debugged.exit_code == 1
    assert debugged.stderr.startswith(plain.stderr)
    assert "Traceback" in debugged.stderr


@pytest.mark.parametrize(
    ("place", "reason"), [("/dev/null/home", "Not a directory"), ("/dev/null", "File exists")]
)
def test_a_home_that_cannot_be_made_names_the_setting(
    place: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIT_LOG_HOME", place)
    result = audit_log("build")
    assert result.exit_code == cli.MISUSED
    assert result.stderr == (
        f"audit-log: {place} cannot be a directory: {reason}. "
        "Set AUDIT_LOG_HOME to a directory, or to a place where one can be made.\n"
    )


def test_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_up(_home: Path, **_options: object) -> None:
        cause = OSError(28, "No space left on device", "/home/raw/x.parquet")
        raise RuntimeError("Pipeline execution failed at step=load") from cause

    monkeypatch.setattr(cli, "build", fill_up)
    result = audit_log("build")
    assert result.exit_code == 1
    assert result.stderr == (
        "audit-log: The disk is full: /home/raw/x.parquet. Free some space and run again.\n"
    )


def test_errors_that_are_each_others_context_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk under a sync leaves them so: the file is closed while the error is raised."""

    def fill_up(_home: Path, **_options: object) -> None:
        closing, writing = OSError(28, "No space left on device"), ValueError("write")
        closing.__context__, writing.__context__ = writing, closing
        raise closing

    monkeypatch.setattr(cli, "build", fill_up)
    result = audit_log("build")
    assert result.exit_code == 1
    assert result.stderr == "audit-log: The disk is full. Free some space and run again.\n"


def test_an_interrupted_run_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_home: Path, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "build", interrupt)
    result = audit_log("build")
    assert result.exit_code == 130
    assert result.stderr == "audit-log: Interrupted. The next run repairs what is left.\n"


def test_publish_and_status_tell_the_snapshot(
    built_home: TinyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = built_home.publish()
    monkeypatch.setenv("AUDIT_LOG_HOME", str(built_home.path))
    result = audit_log("status")
    assert result.exit_code == 0
    assert f"snapshot: {report.snapshot_id}, 0.8 MB" in result.stdout
    assert "running:  nothing" in result.stdout
    assert "never" in result.stdout
    with run_lock(built_home.path):
        assert f"running:  pid {os.getpid()}" in audit_log("status").stdout


def test_a_sync_shows_in_status_and_doctor(
    home: Path, site: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(site, monkeypatch)
    synced = audit_log("sync")
    assert synced.exit_code == 0, synced.output
    for source in ("jira_platform", "jira_issues"):
        assert f"== sync {source} done in " in synced.stdout
        state = read_source(home, source)
        assert state.last_success_at is not None
        assert state.rows > 0
        assert state.requests > 0
    assert read_source(home, "jira_issues").cursor is not None
    told = audit_log("status").stdout
    never = [line for line in told.splitlines() if "never" in line]
    assert not [line for line in never if "jira_issues" in line or "jira_platform" in line]
    diagnosis = audit_log("doctor")
    assert diagnosis.exit_code == 0, diagnosis.output
    assert "FAIL" not in diagnosis.stdout
    assert "ok   site: Log in: " in diagnosis.stdout


def test_a_connection_that_is_not_there_or_fails_costs_only_its_own_source(
    home: Path, site: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(sync: Sync) -> None:
        await sync.organization.get("/nothing/there", bytes)

    own = SourceSpec("events", "Asks the organisation.", (), "guard", "", ask)
    monkeypatch.setattr(cli, "SOURCES", {"jira_platform": SOURCES["jira_platform"], "events": own})
    monkeypatch.setitem(SOURCES, "events", own)
    done: list[str] = []
    monkeypatch.setattr(cli, "_build", lambda *_: done.append("build"))
    monkeypatch.setattr(cli, "_publish", lambda *_: done.append("publish"))
    for name in SETTINGS[:3]:
        monkeypatch.setenv(name, site.environment[name])
    for name in ORGANIZATION:
        monkeypatch.delenv(name, raising=False)
    missing = audit_log("run")
    assert missing.exit_code == 0, missing.output
    assert "events is not connected, so " + CONNECTIONS["guard"].loses in missing.stdout
    assert "ATLASSIAN_ORG_ID is not set." in missing.stdout
    assert done == ["build", "publish"]
    for name, value in zip(ORGANIZATION, ("o", "k", site.base_url), strict=True):
        monkeypatch.setenv(name, value)
    failing = audit_log("run")
    assert failing.exit_code == 1
    assert done == ["build", "publish"] * 2
    assert failing.stderr.startswith("audit-log: events not synced: ")
    assert "Everything else was published." in failing.stderr
    assert failing.stderr.count("\n") == 1
    assert read_source(home, "jira_platform").rows > 0


@pytest.mark.parametrize(
    ("trouble", "thing", "remedy"),
    [
        ("wrong token", "refused the account", "ATLASSIAN_API_TOKEN"),
        ("site down", "127.0.0.1", "ATLASSIAN_SITE_URL"),
        ("not JSON", "JSON", "ATLASSIAN_SITE_URL"),
    ],
)
def test_a_source_that_fails_publishes_nothing_and_says_what_to_do(
    built_home: TinyHome,
    site: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
    thing: str,
    remedy: str,
) -> None:
    before = built_home.publish()
    monkeypatch.setenv("AUDIT_LOG_HOME", str(built_home.path))
    point_at(site, monkeypatch)
    # Each of the sources tries as often as ever, but at once.
    quick = replace(FIRST_CONTACT, first_pause_seconds=0.001)
    monkeypatch.setattr("pipelines.runner.FIRST_CONTACT", quick)
    if trouble == "wrong token":
        monkeypatch.setenv("ATLASSIAN_API_TOKEN", "another")
    elif trouble == "site down":
        monkeypatch.setenv("ATLASSIAN_SITE_URL", "http://127.0.0.1:9")
    else:
        site.break_json()
    result = audit_log("run")
    assert result.exit_code == 1
    names = [name for name in SOURCES if CONNECTIONS[SOURCES[name].connection].asks != "nobody"]
    assert f"audit-log: {' and '.join(names)} not synced: " in result.stderr
    assert thing in result.stderr
    assert remedy in result.stderr
    assert "Nothing was published (the last snapshot stays current)." in result.stderr
    assert result.stderr.count("\n") == 1
    assert "== build" not in result.stdout
    pointed = (built_home.path / "CURRENT").read_text()
    assert pointed == f"snapshots/{before.snapshot_id}.duckdb\n"


def test_doctor_names_what_is_wrong_and_the_remedy(
    built_home: TinyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_home.publish().path.write_bytes(b"garbage")
    (built_home.path / "warehouse.duckdb").write_bytes(b"garbage")
    built_home.path.chmod(0o755)
    monkeypatch.setenv("AUDIT_LOG_HOME", str(built_home.path))
    result = audit_log("doctor", "--offline")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    failed = {
        line.split(":")[0]: lines[number + 1]
        for number, line in enumerate(lines)
        if line.startswith("FAIL ")
    }
    assert failed.keys() == {"FAIL home's mode", "FAIL warehouse.duckdb", "FAIL snapshot"}
    assert failed["FAIL home's mode"] == f"     -> chmod 700 {built_home.path}"
    assert "rebuilds it from the lake" in failed["FAIL warehouse.duckdb"]


def test_the_installed_command_answers_with_its_version() -> None:
    command = Path(sys.executable).with_name("audit-log")
    answer = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert answer.stdout == "audit-log 0.1.0\n"


@pytest.mark.parametrize("command", [[], *([name] for name in ("run", "sync", "build", "doctor"))])
def test_every_command_explains_itself_and_its_options(command: list[str]) -> None:
    result = audit_log(*command, "--help")
    assert result.exit_code == 0
    options = [line for line in result.stdout.splitlines() if line.startswith("│ --")]
    assert options
    assert all(len(line.strip("│ ").split("  ")) > 1 for line in options)
