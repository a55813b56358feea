"""GET /api/v1/coverage: what is connected, what is lost without it, how late it comes."""

from __future__ import annotations

from fastapi.testclient import TestClient


def test_sources_and_what_of_them_cannot_be_read(client: TestClient) -> None:
    answer = client.get("/api/v1/coverage")
    assert answer.status_code == 200
    body = answer.json()
    assert [(one["source"], one["resource"], one["is_connected"]) for one in body["sources"]] == [
        ("jira_issues", None, True),
        ("jira_issues", "worklogs", False),
        ("org_events", None, False),
    ]
    issues, worklogs, organization = body["sources"]
    assert issues["last_success_at"] == "2026-01-01T00:00:00Z"
    assert (issues["gap_count"], issues["longest_gap_seconds"]) == (1, 7200)
    assert (issues["lag_p50_seconds"], issues["lag_p99_seconds"]) == (60.5, 1800)
    assert worklogs["missing_permission"] == "View worklogs"
    assert organization["loses"] == "API tokens are not recorded"


def test_actions_that_no_connected_source_tells_of_are_named(client: TestClient) -> None:
    body = client.get("/api/v1/coverage").json()
    by_code = {action["action_code"]: action for action in body["actions"]}
    codes = [one["code"] for one in client.get("/api/v1/meta").json()["action_types"]]
    assert list(by_code) == codes
    assert by_code["ISSUE_CREATED"]["is_connected"] is True
    assert by_code["ISSUE_DELETED"]["unobserved_count"] == 3
    missing = [code for code, action in by_code.items() if not action["is_connected"]]
    assert body["uncovered_actions"] == missing
