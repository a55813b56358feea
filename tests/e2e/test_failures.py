"""When the site cannot be read: one clear line, nothing half-published, the old snapshot served."""

from __future__ import annotations

import socket
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
from tests.e2e.product import Product, marts
from tests.sandbox.running import RunningSandbox, running_sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(days=5, domains=()) as running:
        yield running


@pytest.fixture(scope="module")
def published(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Publish one snapshot; the site moves on afterwards."""
    product = Product(tmp_path_factory.mktemp("published"), sandbox)
    product.run()
    sandbox.advance(60)
    return product


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


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wrong_token(_: RunningSandbox) -> dict[str, str]:
    return {"ATLASSIAN_API_TOKEN": "wrong"}


def site_down(_: RunningSandbox) -> dict[str, str]:
    return {"ATLASSIAN_SITE_URL": f"http://127.0.0.1:{unused_port()}"}


def no_project(sandbox: RunningSandbox) -> dict[str, str]:
    for project in list(sandbox.site.world.projects.values()):
        sandbox.hide_project(project.key)
    return {}


def maintenance_page(sandbox: RunningSandbox) -> dict[str, str]:
    sandbox.break_json("/rest/api/3/*", times=20)
    return {}


@pytest.mark.parametrize(
    ("trouble", "thing", "remedy"),
    [
        (wrong_token, "refused the account", "ATLASSIAN_API_TOKEN"),
        (site_down, "127.0.0.1", "ATLASSIAN_SITE_URL"),
        (no_project, "project", "Browse projects"),
        (maintenance_page, "JSON", "ATLASSIAN_SITE_URL"),
    ],
)
def test_trouble_is_one_clear_line_and_readers_keep_what_they_had(
    published: Product,
    sandbox: RunningSandbox,
    trouble: Callable[[RunningSandbox], dict[str, str]],
    thing: str,
    remedy: str,
) -> None:
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
        product.sync()
        before = lake.read_manifest(product.home)
        sandbox.advance(60)
        sandbox.break_json(f"/rest/api/3/{path}")
        impatient = Patience(attempts=2, first_pause_seconds=0.01)
        with pytest.raises(BadResponseError, match=rf"/rest/api/3/{path} is text/html, not JSON"):
            run_source(source, product.settings(), patience=impatient)
        assert lake.write_manifest(product.home) == before
