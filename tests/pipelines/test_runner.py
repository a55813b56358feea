"""Whole runs: guards, errors that change nothing, and kill -9 at every point that matters."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pipelines.config import Settings
from pipelines.errors import (
    AlreadyRunningError,
    AuthenticationError,
    BadResponseError,
    ConfigurationError,
    PipelineError,
    SiteFailingError,
    WrongSiteError,
)
from pipelines.lake import raw_dir, read_manifest
from pipelines.rows import RowBuffer
from pipelines.runner import drain, run_source
from pipelines.sync import QUEUED_TABLES, Handoff, Progress, ResourceTable
from tests.pipelines.conftest import QUICK, ScriptedSite, lake_rows, settings_for
from tests.sandbox.running import RunningSandbox, running_sandbox

CRASHING = """
import os, signal, sys
from pathlib import Path
import dlt.destinations.impl.filesystem.factory
from dlt.destinations.impl.filesystem.filesystem import FilesystemClient, FilesystemLoadJob
from dlt.pipeline.pipeline import Pipeline
from pipelines import runner
from pipelines.config import load_settings

def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def torn_file(folder):
    real = FilesystemClient._write_to_json_file
    def write(client, path, content):
        if folder not in path:
            return real(client, path, content)
        Path(path).write_text('{"load_id": "17', encoding="utf-8")
        die()
    return write

def die_after_first_table(drain):
    def first_table(*arguments):
        yield next(drain(*arguments))
        die()
    return first_table

def die_at_second_call(real):
    calls = []
    def call(home):
        calls.append(home)
        return die() if len(calls) == 2 else real(home)
    return call

def arm(point):
    if point == "extract":
        runner.drain = die_after_first_table(runner.drain)
    elif point == "normalize":
        Pipeline.normalize = die
    elif point == "copy":
        FilesystemLoadJob.run = die
    elif point == "complete":
        FilesystemClient.complete_load = die
    elif point == "state":
        FilesystemClient._write_to_json_file = torn_file("_dlt_pipeline_state")
    elif point == "between":
        FilesystemClient._store_load = die
    elif point == "loads":
        FilesystemClient._write_to_json_file = torn_file("_dlt_loads")
    elif point == "manifest":
        runner.write_manifest = die_at_second_call(runner.write_manifest)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        arm(line.strip())
        runner.run_source("jira_issues", load_settings())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""
"""Syncs once per point named on its input, each in a process that kills itself there."""

POINTS = ("extract", "normalize", "copy", "complete", "state", "between", "loads", "manifest")
TWICE = {"extract", "between"}


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """Run a small site without index lag."""
    with running_sandbox(days=2, max_lag_minutes=0) as running:
        yield running


def test_a_killed_run_loses_nothing_and_doubles_nothing(
    sandbox: RunningSandbox, home: Path
) -> None:
    """Kill a real process at each point in turn; the next run repairs what is left."""
    settings = settings_for(sandbox.base_url, home)
    environment = os.environ | sandbox.environment | {"AUDIT_LOG_HOME": str(home)}
    with subprocess.Popen(
        [sys.executable, "-c", CRASHING],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as crashing:
        assert crashing.stdin
        assert crashing.stdout
        for point in POINTS:
            before = read_manifest(home)
            for _ in range(2 if point in TWICE else 1):  # again, over its own leftovers
                print(point, file=crashing.stdin, flush=True)
                assert int(crashing.stdout.readline()) == -signal.SIGKILL, point
                if point != "manifest":
                    assert read_manifest(home) == before, point
            report = run_source("jira_issues", settings)
            assert report.mode == ("full" if point == "extract" else "incremental"), point
            assert files_on_disk(home) == [entry.file for entry in read_manifest(home)], point
            sandbox.advance(minutes=20)
        crashing.stdin.close()
    run_source("jira_issues", settings)
    assert_lake_is_exact(sandbox, home)
    assert not (home / "dlt" / "jira_issues").exists()


def files_on_disk(home: Path) -> list[str]:
    raw = raw_dir(home)
    return sorted(str(path.relative_to(raw)) for path in raw.rglob("*.parquet"))


def assert_lake_is_exact(sandbox: RunningSandbox, home: Path) -> None:
    world = sandbox.site.world
    histories = {str(history.id) for issue in world.issues.values() for history in issue.histories}
    assert {row["object_id"] for row in lake_rows(home, "jira_issues", "changelogs")} == histories
    presence = [row["object_id"] for row in lake_rows(home, "jira_issues", "issue_presence")]
    assert Counter(presence) == Counter(str(number) for number in world.issues)


def test_kills_at_random_moments_are_repaired_too(sandbox: RunningSandbox, home: Path) -> None:
    environment = os.environ | sandbox.environment | {"AUDIT_LOG_HOME": str(home)}
    command = [sys.executable, "-m", "pipelines", "run", "jira_issues"]
    for delay in (0.0, 0.1, 0.2, 0.35):
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
            while not (home / "dlt" / "jira_issues").exists() and process.poll() is None:
                time.sleep(0.005)
            time.sleep(delay)
            process.kill()
        sandbox.advance(minutes=20)
    run_source("jira_issues", settings_for(sandbox.base_url, home))
    assert_lake_is_exact(sandbox, home)


def test_another_site_is_refused(sandbox: RunningSandbox, home: Path) -> None:
    run_source("jira_platform", settings_for(sandbox.base_url, home))
    with running_sandbox(seed=8, days=0, actions_per_year=1) as other:
        for source in ("jira_platform", "jira_issues"):
            with pytest.raises(WrongSiteError, match=r"sandbox-8.* of sandbox-7") as raised:
                run_source(source, settings_for(other.base_url, home))
            assert "AUDIT_LOG_HOME" in raised.value.remedy


def test_one_process_at_a_time(sandbox: RunningSandbox, home: Path) -> None:
    (home / "dlt").mkdir(parents=True)
    with (home / "dlt" / "jira_issues.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(AlreadyRunningError, match="syncing jira_issues"):
            run_source("jira_issues", settings_for(sandbox.base_url, home))
        run_source("jira_platform", settings_for(sandbox.base_url, home))


def test_an_unknown_source_lists_the_known(home: Path) -> None:
    with pytest.raises(ConfigurationError, match="jira_issues"):
        run_source("jira", Settings(home=home))


def test_failures_change_nothing(sandbox: RunningSandbox, home: Path) -> None:
    settings = settings_for(sandbox.base_url, home)
    run_source("jira_issues", settings)
    before = read_manifest(home)
    sandbox.advance(minutes=30)
    failures: list[tuple[str, type[PipelineError]]] = [
        ("revoked", AuthenticationError),
        ("html", BadResponseError),
        ("failing", SiteFailingError),
    ]
    for kind, error in failures:
        if kind == "revoked":
            sandbox.revoke_token()
        elif kind == "html":
            sandbox.break_json("/rest/api/3/changelog/bulkfetch", times=QUICK.attempts)
        else:
            sandbox.fault(
                "/rest/api/3/search/jql", "server_error", times=QUICK.attempts, retry_after=0
            )
        with pytest.raises(error):
            run_source("jira_issues", settings, patience=QUICK)
        assert read_manifest(home) == before
        sandbox.revoke_token(revoked=False)
    run_source("jira_issues", settings, patience=QUICK)
    assert_lake_is_exact(sandbox, home)


def test_a_wrong_token_is_said_at_once(sandbox: RunningSandbox, home: Path) -> None:
    with pytest.raises(AuthenticationError, match="ATLASSIAN_API_TOKEN"):
        run_source("jira_issues", settings_for(sandbox.base_url, home, token="wrong"))
    assert read_manifest(home) == []


def test_a_site_that_is_no_jira_is_said(site: ScriptedSite, home: Path) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response({"hello": "world"})

    site.handler = handler
    with pytest.raises(BadResponseError, match="serverInfo"):
        run_source("jira_issues", settings_for(site.url, home), patience=QUICK)


def test_progress_reaches_its_total(sandbox: RunningSandbox, home: Path) -> None:
    seen: list[Progress] = []
    threads: set[str] = set()

    def note(progress: Progress) -> None:
        seen.append(progress)
        threads.add(threading.current_thread().name)

    report = run_source("jira_issues", settings_for(sandbox.base_url, home), progress=note)
    final = {progress.resource: progress for progress in seen}
    assert final["issues"].done == final["issues"].total == report.rows["issues"]
    assert final["changelogs"].done == final["changelogs"].total
    assert all(progress.source == "jira_issues" for progress in seen)
    assert threads == {"extract"}


def test_files_are_private_and_hold_no_secret(sandbox: RunningSandbox, home: Path) -> None:
    run_source("jira_issues", settings_for(sandbox.base_url, home))
    run_source("jira_issues", settings_for(sandbox.base_url, home))
    for path in home.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        if path.is_file():
            content = path.read_bytes()
            assert b"sandbox-token" not in content
            assert b"admin@example.com" not in content or path.suffix == ".parquet"


def test_dlt_reads_no_settings_but_ours(
    sandbox: RunningSandbox, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dlt project around us, or dlt's variables, must not change where or how rows are stored."""
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text(
        '[data_writer]\ndisable_compression=true\n[destination.filesystem]\nbucket_url="elsewhere"\n'
        "[normalize.parquet_normalizer]\nadd_dlt_load_id=true\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt_data"))
    monkeypatch.setenv("NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_ID", "true")
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "true")
    run_source("jira_platform", settings_for(sandbox.base_url, home))
    (run,) = lake_rows(home, "jira_platform", "runs")
    assert "_dlt_id" not in run
    assert "_dlt_load_id" not in run
    assert {path.name for path in tmp_path.iterdir()} == {".dlt", "home"}


def test_extraction_stops_while_the_lake_is_slow() -> None:
    """Tables wait in a queue of fixed length, so memory does not grow with the site."""
    made = 0
    table = RowBuffer("site").take()

    async def extract(state: dict[str, Any], tables: Handoff) -> None:
        nonlocal made
        for _ in range(50):
            await tables.put(lambda: ResourceTable("issues", table))
            made += 1
        state["done"] = True

    stored: dict[str, Any] = {}
    taken = 0
    for _ in drain(stored, extract):
        taken += 1
        time.sleep(0.002)
        assert made <= taken + QUEUED_TABLES + 1
        assert stored == {}
    assert taken == 50
    assert stored == {"done": True}


def test_an_abandoned_extraction_ends() -> None:
    """When loading fails, the extraction behind it is cancelled and its thread is gone."""

    def extracting() -> int:
        return [thread.name for thread in threading.enumerate()].count("extract")

    table = RowBuffer("site").take()

    async def extract(_: dict[str, Any], tables: Handoff) -> None:
        while True:
            await tables.put(lambda: ResourceTable("issues", table))

    tables = drain({}, extract)
    next(tables)
    assert extracting() == 1
    tables.close()
    assert extracting() == 0
