"""What is sent is what the models describe, although nothing checks it on the way."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from serve.actions.schemas import ActionPage, ActivityPage, DetectionWindow
from serve.issue_views.schemas import IssueViewsPage
from serve.issues.schemas import IssueRangesPage, IssuesPage
from serve.paging import Response

PAGES: dict[str, type[Response]] = {
    "/api/v1/actions?period=all&expand=changes&count=true&limit=1000": ActionPage,
    "/api/v1/actions?period=all&sort=author": ActionPage,
    "/api/v1/activity?period=all&breakdown=issues&limit=1000": ActivityPage,
    "/api/v1/activity?period=all&zeros=true": ActivityPage,
    "/api/v1/issues?period=all": IssuesPage,
    "/api/v1/issues/links?period=all": IssueRangesPage,
    "/api/v1/issue-views?period=all": IssueViewsPage,
}


@pytest.mark.parametrize("path", PAGES)
def test_an_answer_is_what_its_model_says(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.headers["content-type"] == "application/json"
    assert response.json()["items"]
    checked = PAGES[path].model_validate_json(response.content, strict=True)
    assert checked.model_dump_json(by_alias=True).encode() == response.content


def test_a_model_made_without_checks_is_the_one_that_was_checked() -> None:
    start, end = datetime(2026, 1, 5, 8, tzinfo=UTC), datetime(2026, 1, 5, 9, tzinfo=UTC)
    made = DetectionWindow.of(observed_from=start, observed_to=end)
    assert made == DetectionWindow.model_validate({"from": start, "to": end})
    assert made == DetectionWindow.model_construct(observed_from=start, observed_to=end)


@pytest.mark.parametrize("values", [{}, {"observed_to": 1}, {"observed_from": 1, "to": 1}])
def test_a_model_is_made_of_all_its_fields_and_no_others(values: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="observed_from, observed_to"):
        DetectionWindow.of(**values)
