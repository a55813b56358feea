"""A query that runs over its time limit is interrupted and says so, over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.serve.conftest import hurried, make_client, publish_endless

SECONDS = 1
# All that reads members of organizations has thousands of millions of them to go through.
SLOW = (
    "/api/v1/activity?period=all&people_in_organization=organization-5",
    "/api/v1/actions?period=all&people_in_organization=organization-5",
    "/api/v1/issues?period=all&people_in_organization=organization-5",
    "/api/v1/actions.xlsx?period=all&people_in_organization=organization-5",
    "/api/v1/activity.xlsx?period=all&people_in_organization=organization-5",
)


@pytest.fixture(scope="module")
def endless(marts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish a log whose memberships are too many for any machine."""
    home = tmp_path_factory.mktemp("endless")
    publish_endless(home, marts, "bridge_organization_members")
    return home


@pytest.mark.parametrize("path", SLOW)
def test_a_slow_query_is_interrupted_and_says_so(
    endless: Path, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with make_client(endless) as client:
        assert client.get("/api/v1/actions?limit=1").status_code == 200
        with hurried(client, SECONDS):
            response = client.get(path)
        assert response.status_code == 503
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert problem["type"].endswith("#query-too-slow")
        assert problem["detail"] == f"the query was interrupted after {SECONDS} seconds"
        assert "shorter time" in problem["remedy"]
        assert "AUDIT_LOG_QUERY_SECONDS" in problem["remedy"]
        assert "at any time" in caplog.text, "the log says what was asked"
        # Its place is free again, and the rest of the API answers.
        for _ in range(5):
            assert client.get("/api/v1/actions?limit=1").status_code == 200
