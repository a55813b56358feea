"""The product as a test uses it: at a home of its own, pointed at a sandbox."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration import publishing, transformation
from pipelines.config import Settings
from pipelines.errors import NotConnectedError
from pipelines.patience import Clock, Patience
from pipelines.registry import SOURCES
from pipelines.runner import SyncReport, run_source
from tests.dbt import builds
from tests.sandbox import checker
from tests.sandbox.furniture import ADMIN_EMAIL
from tests.sandbox.running import RunningSandbox
from tests.sandbox.server import API_TOKEN
from tests.sandbox.verdicts import Report, render

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND_SECONDS = 1800
"""After which a command hangs; one takes half a minute on a machine with nothing else to do."""
WEBHOOK_SECRET, VIEWS_SECRET = "secret of the webhooks", "secret-of-the-views"
SECRETS = {
    "AUDIT_LOG_WEBHOOK_SECRET": WEBHOOK_SECRET,
    "AUDIT_LOG_VIEWS_SECRET": VIEWS_SECRET,
}


def waiting_at_once() -> Patience:
    """Return the usual patience by a clock on which pauses pass at once, and nothing else does.

    Faults and limits of a site cost no time then; `tests/pipelines` prove how long pauses are.
    """
    passed = 0.0

    def monotonic() -> float:
        return time.monotonic() + passed

    async def sleep(seconds: float) -> None:
        nonlocal passed
        until = monotonic() + seconds
        await asyncio.sleep(0)
        passed += max(0.0, until - monotonic())

    return Patience(clock=Clock(monotonic, sleep))


@dataclass(frozen=True)
class Product:
    """Sources, warehouse and snapshots in `home`, fed by `sandbox`.

    The first build finds databases without rows, or with `from_nothing` none.
    """

    home: Path
    sandbox: RunningSandbox
    project: Path = builds.PROJECT
    from_nothing: bool = False

    def settings(self, **changed: object) -> Settings:
        """Point the settings at the sandbox; `changed` by field name."""
        environment = self.sandbox.environment
        names = {
            "site_url": "ATLASSIAN_SITE_URL",
            "email": "ATLASSIAN_EMAIL",
            "api_token": "ATLASSIAN_API_TOKEN",
            "org_id": "ATLASSIAN_ORG_ID",
            "org_api_key": "ATLASSIAN_ORG_API_KEY",
            "admin_url": "ATLASSIAN_ADMIN_URL",
        }
        values: dict[str, object] = {"home": self.home}
        values |= {field: environment[name] for field, name in names.items() if name in environment}
        return Settings.model_validate(values | changed)

    def sync(self, *, without: Collection[str] = (), **changed: object) -> list[SyncReport]:
        """Sync every source that is connected once, but for those named."""
        settings = self.settings(**changed)
        reports = []
        for name in [name for name in SOURCES if name not in without]:
            with suppress(NotConnectedError):
                reports.append(run_source(name, settings, patience=waiting_at_once()))
        return reports

    @contextmanager
    def receiving(self) -> Iterator[str]:
        """Let `audit-log serve`, in a process of its own, receive what the site sends; its URL."""
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "serve", "--port", "0"],
            cwd=self.home,
            env=self._environment() | SECRETS,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found, "serve did not say where it listens"
            yield found[0]
        finally:
            process.terminate()
            process.wait(timeout=300)

    def build(self) -> transformation.BuildReport:
        """Bring the marts up to the lake; the project is parsed once for all homes."""
        home = self.home.resolve()
        if self.project == builds.PROJECT:
            if not self.from_nothing and not (home / "dbt").exists():
                builds.begin_empty(home)
            builds.lend_parsed(home)
        with builds.unreported():
            return transformation.build(home, project=self.project)

    def run(self, **changed: object) -> None:
        """Sync, build and publish, in this process."""
        self.sync(without=(), **changed)
        self.build()
        publishing.publish(self.home, project=self.project)

    def check(self) -> Report:
        """Hold the current snapshot against the sandbox's ledger."""
        return checker.check(self.sandbox.state_dir, self.home)

    def check_marts(self) -> Report:
        """Hold the marts as built, published or not, against the ledger."""
        return checker.check(self.sandbox.state_dir, self.home / transformation.MARTS)

    def command(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `audit-log …` as a person does, in a process and an environment of its own."""
        return subprocess.run(
            [sys.executable, "-m", "orchestration.cli", *arguments],
            cwd=self.home,
            env=self._environment() | dict(environment or {}),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def assert_secrets_are_kept(self, printed: str) -> None:
        """Fail if the home is open to others, or if it or `printed` holds a secret."""
        assert_secrets_are_kept(self.home.rglob("*"), printed)

    def _environment(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ATLASSIAN_", "AUDIT_LOG_"))
        }
        return {
            **inherited,
            "PYTHONPATH": str(REPOSITORY),
            "AUDIT_LOG_HOME": str(self.home),
            **self.sandbox.environment,
        }


def assert_secrets_are_kept(paths: Iterable[Path], printed: str) -> None:
    """Fail if one of `paths` is open to others, or if it or `printed` holds a secret of a site."""
    secrets = (API_TOKEN.encode(), b64encode(f"{ADMIN_EMAIL}:{API_TOKEN}".encode()))
    held = {"printed": printed.encode()}
    for path in paths:
        assert path.is_symlink() or path.stat().st_mode & 0o077 == 0, path
        if path.is_file():
            held[str(path)] = path.read_bytes()
    assert [
        place for place, content in held.items() if any(one in content for one in secrets)
    ] == []


def assert_exact(report: Report) -> None:
    """Fail with the checker's whole verdict unless it found no fault."""
    assert report.faults == 0, "\n" + render(report)


def marts(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of every table of the marts, in one order."""
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'main' order by 1"
        ).fetchall()
        return {
            name: connection.execute(f'select * from "{name}" order by all').fetchall()
            for (name,) in tables
        }
