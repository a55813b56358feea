"""Commands that fail, as a person types them, each in a process of its own.

When the site cannot be read they say so in one clear line, nothing is half-published, and the old
snapshot is served. `tests/orchestration/test_demo.py` has a run that succeeds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from orchestration.publishing import LINK, POINTER, SNAPSHOTS
from pipelines import lake
from pipelines.errors import BadResponseError
from pipelines.patience import Patience
from pipelines.runner import run_source
from serve.app import create_app
from serve.config import ServeSettings
from tests.e2e.product import COMMAND_SECONDS, REPOSITORY, Product, marts
from tests.sandbox.running import RunningSandbox, running_sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(days=5, domains=()) as running:
        yield running


@pytest.fixture(scope="module")
def published(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Publish one snapshot, as `audit-log run` does; the site moves on afterwards."""
    product = Product(tmp_path_factory.mktemp("published"), sandbox)
    umask = os.umask(0o077)
    try:
        product.run()
    finally:
        os.umask(umask)
    product.assert_secrets_are_kept("")
    sandbox.advance(60)
    return product


def test_what_was_published_is_exact(published: Product, sandbox: RunningSandbox) -> None:
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "tests.sandbox", "check"),
            *("--ledger", str(sandbox.state_dir), "--snapshot", str(published.home)),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "exact: nothing lost, doubled, invented or wrong" in checked.stdout


def what_readers_see(home: Path) -> Mapping[str, object]:
    """Read the pointer, the snapshots there are, and what API and BI tools get."""
    application = create_app(ServeSettings(home=home))
    with TestClient(application, base_url="http://127.0.0.1") as client:
        answer = client.get("/api/v1/actions", params={"limit": 50})
    assert answer.status_code == 200
    return {
        "pointer": (home / POINTER).read_text(),
        "snapshots": sorted(path.name for path in (home / SNAPSHOTS).iterdir()),
        "actions": answer.json(),
        "marts": marts((home / LINK).resolve()),
    }


def wrong_token(_: RunningSandbox) -> dict[str, str]:
    return {"ATLASSIAN_API_TOKEN": "wrong"}


def no_project(sandbox: RunningSandbox) -> dict[str, str]:
    for project in list(sandbox.site.world.projects.values()):
        sandbox.hide_project(project.key)
    return {}


@pytest.mark.parametrize(
    ("trouble", "thing", "remedy"),
    [
        (wrong_token, "refused the account", "ATLASSIAN_API_TOKEN"),
        (no_project, "project", "Browse projects"),
    ],
)
def test_trouble_is_one_clear_line_and_readers_keep_what_they_had(
    published: Product,
    sandbox: RunningSandbox,
    trouble: Callable[[RunningSandbox], dict[str, str]],
    thing: str,
    remedy: str,
) -> None:
    """`tests/orchestration/test_cli.py` has the troubles that take their time."""
    before = what_readers_see(published.home)
    ran = published.command("run", environment=trouble(sandbox))
    for project in list(sandbox.site.world.projects.values()):
        sandbox.unhide_project(project.key)
    assert ran.returncode != 0, ran.stdout
    (line,) = ran.stderr.splitlines()
    assert line.startswith("audit-log: ")
    assert thing in line
    assert remedy in line
    assert "Traceback" not in ran.stdout
    published.assert_secrets_are_kept(ran.stdout + ran.stderr)
    assert what_readers_see(published.home) == before


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("jira_platform", "field"),
        ("jira_issues", "search/jql"),
        ("jira_issues", "issue/bulkfetch"),
        ("jira_issues", "changelog/bulkfetch"),
        ("jira_issues", "worklog/updated"),
    ],
)
def test_a_body_that_is_not_json_fails_the_whole_sync(
    tmp_path: Path, source: str, path: str
) -> None:
    with running_sandbox(days=2, domains=()) as sandbox:
        product = Product(tmp_path, sandbox)
        run_source(source, product.settings())
        before = lake.read_manifest(product.home)
        sandbox.advance(60)
        sandbox.break_json(f"/rest/api/3/{path}")
        impatient = Patience(attempts=2, first_pause_seconds=0.01)
        with pytest.raises(BadResponseError, match=rf"/rest/api/3/{path} is text/html, not JSON"):
            run_source(source, product.settings(), patience=impatient)
        assert lake.write_manifest(product.home) == before
