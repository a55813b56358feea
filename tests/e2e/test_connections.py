"""A connection that is missing costs its own actions, says so, and nothing else."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient

from orchestration import publishing
from serve.app import create_app
from serve.config import ServeSettings
from tests.e2e.product import Product, assert_exact
from tests.sandbox.running import running_sandbox


def test_without_organisation_assets_and_administration_the_rest_is_exact(tmp_path: Path) -> None:
    with running_sandbox(days=4, actions_per_year=10_000, activity=1) as sandbox:
        for right in ("ADMINISTER", "ASSETS", "CONFLUENCE_ADMIN"):
            sandbox.permission(right, granted=False)
        product = Product(tmp_path, sandbox)
        nothing = {"org_id": None, "org_api_key": None}
        reports = product.sync(without=(), **nothing)
        for minutes in (45, 24 * 60):
            sandbox.advance(minutes)
            reports = product.sync(without=(), **nothing)
        product.build()
        publishing.publish(product.home)
        assert_exact(product.check())

    skipped = {(report.source, one.resource) for report in reports for one in report.skipped}
    assert ("jira_audit", "records") in skipped
    assert "org_events" not in {report.source for report in reports}

    application = create_app(ServeSettings(home=tmp_path))
    with TestClient(application, base_url="http://127.0.0.1") as client:
        coverage = client.get("/api/v1/coverage").json()
    sources = {one["source"]: one for one in coverage["sources"] if one["resource"] is None}
    assert {name for name, source in sources.items() if source["is_connected"]} == {
        "jira_issues",
        "jira_platform",
        "jira_software",
    }
    assert sources["jira_audit"]["missing_permission"]
    assert all(source["loses"] for source in sources.values())
    lost = set(coverage["uncovered_actions"])
    assert {"API_TOKEN_CREATED", "ASSET_OBJECT_CREATED", "GLOBAL_PERMISSION_ADDED"} <= lost
    assert not lost & {"ISSUE_CREATED", "VERSION_RELEASED", "BOARD_UPDATED", "PROJECT_CREATED"}
