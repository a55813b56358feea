"""The optional bound on how many days one question may cover."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from serve.config import ServeSettings
from tests.serve.conftest import make_client, publish_copy
from tests.serve.test_actions import get

PATHS = (
    "/api/v1/actions",
    "/api/v1/actions.xlsx",
    "/api/v1/activity",
    "/api/v1/activity.xlsx",
    "/api/v1/issues",
    "/api/v1/issues/links",
    "/api/v1/issue-views",
    "/api/v1/issue-views.xlsx",
)


@pytest.fixture(scope="module")
def bounded(marts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("bounded")
    publish_copy(home, marts)
    with make_client(home, max_range_days=31) as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"from": "2025-11-30", "to": "2026-01-01"}, "from"),
        ({"from": "2025-11-01"}, "from"),
        ({"period": "last_90_days"}, "period"),
        ({"period": "all"}, "period"),
    ],
)
def test_more_days_are_refused(
    bounded: TestClient, path: str, question: dict[str, str], field: str
) -> None:
    response = bounded.get(path, params=question)
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert error["field"] == field
    assert "more than 31 days" in error["message"]
    assert "AUDIT_LOG_MAX_RANGE_DAYS" in error["remedy"]


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"to": "2025-12-01"},
        {"from": "2025-12-01", "to": "2026-01-01"},
        {"period": "last_month"},
        # October has one hour more than 31 times 24 where clocks go back.
        {"from": "2025-10-01", "to": "2025-11-01", "time_zone": "Europe/Zurich"},
    ],
)
def test_as_many_days_are_answered(bounded: TestClient, question: dict[str, str]) -> None:
    get(bounded, "/api/v1/activity", **question)


def test_bound_is_told_and_there_is_none_by_default(
    bounded: TestClient, client: TestClient
) -> None:
    assert get(bounded, "/api/v1/meta")["limits"]["max_range_days"] == 31
    assert get(client, "/api/v1/meta")["limits"]["max_range_days"] is None
    get(client, "/api/v1/activity", period="all")


def test_the_default_question_is_always_allowed() -> None:
    with pytest.raises(ValueError, match="max_range_days"):
        ServeSettings(max_range_days=29)
