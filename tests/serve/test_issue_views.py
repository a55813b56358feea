"""Who looked at which issue."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from fastapi.testclient import TestClient

from serve import exports as exports_module
from tests.serve.test_actions import ALL_TIME, all_pages, get

SITE = "synthetic.atlassian.net"


@pytest.fixture(scope="session")
def views(marts: Path) -> list[dict[str, Any]]:
    """Every counted view, newest first, secured ones too."""
    with duckdb.connect(str(marts), read_only=True) as database:
        cursor = database.execute(
            "select views.*, issues.issue_key from fct_issue_views as views "
            "join dim_issues as issues using (site_id, issue_id) "
            "order by viewed_at desc, view_id desc"
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_views_are_listed_newest_first(client: TestClient, views: list[dict[str, Any]]) -> None:
    items = all_pages(client, "/api/v1/issue-views", limit=50, **ALL_TIME)
    listed = [view for view in views if not view["is_secured"]]
    assert 0 < len(listed) < len(views), "the fixture has views of secured issues"
    assert [item["view_id"] for item in items] == [view["view_id"] for view in listed]
    for item, view in zip(items, listed, strict=True):
        assert item["user"]["account_id"] == view["account_id"]
        assert item["issue"]["key"] == view["issue_key"]
        assert item["issue"]["summary"].startswith("Summary of issue ")
        assert item["project"]["id"] == view["project_id"]
        assert item["source"] == view["view_source"]
        assert item["look_count"] == view["raw_view_count"]
    assert {item["source_label"] for item in items} == {"Issue View", "Customer Portal"}


@pytest.mark.parametrize(
    "question",
    [
        {"user": ["account-0", "account-1"]},
        {"project": "P1"},
        {"from": "2025-12-01", "to": "2025-12-08"},
        {"period": "last_7_days"},
    ],
)
def test_filters_of_views(
    client: TestClient, views: list[dict[str, Any]], question: dict[str, Any]
) -> None:
    times = {} if {"from", "period"} & set(question) else ALL_TIME
    page = get(client, "/api/v1/issue-views", limit=1_000, **(times | question))
    start, end = page["from"][:19], page["to"][:19]
    wanted = [
        view["view_id"]
        for view in views
        if not view["is_secured"]
        and start <= view["viewed_at"].isoformat() < end
        and view["account_id"] in question.get("user", [view["account_id"]])
        and (question.get("project") is None or view["project_id"] == "10001")
    ]
    assert wanted
    assert [item["view_id"] for item in page["items"]] == wanted


def test_who_viewed_this_issue(client: TestClient, views: list[dict[str, Any]]) -> None:
    view = next(view for view in views if not view["is_secured"])
    wanted = [one["view_id"] for one in views if one["issue_id"] == view["issue_id"]]
    for name in (view["issue_id"], view["issue_key"], view["issue_key"].lower()):
        page = get(client, "/api/v1/issue-views", limit=1_000, issue=name, **ALL_TIME)
        assert [item["view_id"] for item in page["items"]] == wanted


def test_views_of_issues_that_a_query_finds_are_listed_counted_and_exported(
    client: TestClient, views: list[dict[str, Any]]
) -> None:
    question = {"jql": "project = P1 AND deleted in (true, false)", **ALL_TIME}
    page = get(client, "/api/v1/issue-views", limit=2, count="true", **question)
    wanted = [
        view["view_id"]
        for view in views
        if not view["is_secured"] and view["issue_key"].startswith("P1-")
    ]
    assert page["view_count"] == len(wanted) > 2
    assert "on issues that match JQL “project = P1" in page["description"]
    items = all_pages(client, "/api/v1/issue-views", limit=50, **question)
    assert [item["view_id"] for item in items] == wanted
    content = client.get("/api/v1/issue-views.xlsx", params=question).content
    (sheet,) = openpyxl.load_workbook(io.BytesIO(content)).worksheets
    assert sheet.max_row == len(wanted) + 1
    assert get(client, "/api/v1/issue-views", **question)["view_count"] is None
    problem = client.get("/api/v1/issue-views", params={"jql": "nonsense = 1"}).json()
    assert problem["errors"][0]["field"] == "jql"


def test_a_secured_issue_is_as_unknown_as_one_that_is_not_there(
    client: TestClient, views: list[dict[str, Any]]
) -> None:
    secured = next(view for view in views if view["is_secured"])["issue_key"]
    for name in (secured, "NOPE-1"):
        response = client.get("/api/v1/issue-views", params={"issue": name})
        assert response.status_code == 422
        (error,) = response.json()["errors"]
        assert error["field"] == "issue"
        assert error["message"] == (
            f"is no key or id of an issue in the log that you may see: {name}"
        )


def test_tells_since_when_views_were_collected(
    client: TestClient, views: list[dict[str, Any]]
) -> None:
    page = get(client, "/api/v1/issue-views", limit=1, **{"from": "2030-01-01"})
    oldest = min(view["viewed_at"] for view in views if not view["is_secured"])
    assert page["items"] == []
    assert page["first_view_at"][:19] == oldest.isoformat()[:19]


def test_export_holds_the_views_of_the_list(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports_module, "STRETCH_ROWS", 1)
    questions: tuple[dict[str, Any], ...] = (
        {**ALL_TIME},
        {"user": ["account-0"], "project": "P1", **ALL_TIME},
        {"issue": "P1-1", "period": "all"},
    )
    for question in questions:
        items = all_pages(client, "/api/v1/issue-views", limit=500, **question)
        response = client.get("/api/v1/issue-views.xlsx", params=question)
        assert response.headers["content-disposition"].startswith(
            'attachment; filename="issue_views_'
        )
        (sheet,) = openpyxl.load_workbook(io.BytesIO(response.content)).worksheets
        header, *rows = sheet.iter_rows(values_only=True)
        assert header == ("Date", "User", "Issue", "Project", "Source")
        assert [row[1:] for row in rows] == [
            (
                item["user"]["display_name"],
                f"{item['issue']['key']} {item['issue']['summary']}",
                item["project"]["name"],
                item["source_label"],
            )
            for item in items
        ]
        for row, item in zip(rows, items, strict=True):
            viewed_at = datetime.fromisoformat(item["viewed_at"]).replace(tzinfo=None)
            assert isinstance(row[0], datetime)
            assert abs(row[0] - viewed_at) <= timedelta(milliseconds=1)
