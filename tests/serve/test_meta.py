"""What a page is told, so that it holds no rules: compared with what the API does."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from serve.actions.schemas import Action, AuthorActivity
from serve.issue_views.schemas import ListedView
from serve.query.spec import FilterSpec
from tests.serve.test_actions import ALL_TIME, all_pages, get


@pytest.fixture(scope="module")
def meta(client: TestClient) -> dict[str, Any]:
    return get(client, "/api/v1/meta")


def test_default_columns_are_the_eight_of_the_guide(meta: dict[str, Any]) -> None:
    assert meta["default_columns"] == [
        "ISSUE_CREATED",
        "ISSUE_UPDATED",
        "ISSUE_DELETED",
        "ISSUE_RESOLVED",
        "STATUS_CHANGED",
        "ISSUE_COMMENTED",
        "COMMENT_UPDATED",
        "COMMENT_DELETED",
    ]


def test_actions_tell_what_they_need_and_how_late_they_come(meta: dict[str, Any]) -> None:
    by_code = {one["code"]: one for one in meta["action_types"]}
    created = by_code["API_TOKEN_CREATED"]
    assert (created["connection"], created["max_delay_minutes"]) == ("guard", 30)
    assert by_code["ISSUE_CREATED"]["max_delay_minutes"] == 0
    assert all(one["description"] for one in meta["action_types"])


def test_limits_are_those_that_are_kept(client: TestClient, meta: dict[str, Any]) -> None:
    limits = meta["limits"]
    longest = "(" * 10 + "x" * limits["max_jql_characters"]
    for length in (limits["max_jql_characters"], limits["max_jql_characters"] + 1):
        problem = client.get("/api/v1/actions", params={"jql": longest[:length]}).json()
        is_too_long = "more than" in problem["detail"]
        assert is_too_long == (length > limits["max_jql_characters"])
    address = "/api/v1/actions?limit=1&jql="
    for length in (limits["max_address_bytes"], limits["max_address_bytes"] + 1):
        response = client.get(address + "x" * (length - len(address) + 1))
        assert response.status_code == (422 if length <= limits["max_address_bytes"] else 414)
    assert response.json()["type"] == "/api/docs#address-too-long"
    links = all_pages(client, "/api/v1/issues/links", **ALL_TIME)
    assert max(link["last"] - link["first"] + 1 for link in links) == limits["issues_per_link"]
    for one in meta["memberships"]:
        get(client, "/api/v1/actions", membership=one["membership"], limit=1)
    assert [one["membership"] for one in meta["memberships"]] == ["now", "then"]


def test_search_and_tabs_have_the_words_and_the_order_of_the_guide(meta: dict[str, Any]) -> None:
    assert [one["label"] for one in meta["filters"] if not one["is_more"]] == [
        "Calendar",
        "Project",
        "User",
        "Group",
        "People in Projects",
        "People in Organizations",
    ]
    more = [one["label"] for one in meta["filters"] if one["is_more"]]
    assert more == ["Status changed", "Resolution set", "Fields"]
    assert [view["label"] for view in meta["views"]] == [
        "Aggregated View",
        "Detailed View",
        "Issue View",
    ]
    assert [entry["label"] for entry in meta["breakdowns"]] == [
        "Projects",
        "Status",
        "Transition",
        "Issues",
        "Fields",
    ]
    assert meta["views"][0]["columns"][-1]["label"] == "Total"
    columns = [[column["label"] for column in view["columns"]] for view in meta["views"][1:]]
    assert columns == [
        ["Date", "Author", "Target", "Action", "Project", "Details"],
        ["Date", "User", "Issue", "Project"],
    ]
    assert meta["words"]["non_project"] == "Non-project activities"
    assert meta["words"]["not_applicable"] == "N/A"
    assert meta["export_columns"][0] == "Date"
    assert len(meta["export_columns"]) == 9


def test_filters_name_parameters_and_lookups_that_exist(
    client: TestClient, meta: dict[str, Any]
) -> None:
    parameters = {field.alias or name for name, field in FilterSpec.model_fields.items()}
    for entry in meta["filters"]:
        assert set(entry["parameters"]) <= parameters
        if entry["lookup"]:
            assert entry["lookup"] in meta["lookups"]
            assert get(client, f"/api/v1/lookups/{entry['lookup']}")["items"]
    people = [entry["parameters"] for entry in meta["filters"] if entry["is_people"]]
    assert people == [["user"], ["group"], ["people_in_project"], ["people_in_organization"]]


def test_columns_name_members_and_orders_that_exist(
    client: TestClient, meta: dict[str, Any]
) -> None:
    items = [Action.model_fields, ListedView.model_fields]
    members = [set(one) for one in (AuthorActivity.model_fields, *items)]
    for view, known in zip(meta["views"], members, strict=True):
        for column in view["columns"]:
            assert column["member"] in known
            for sign in ("", "-") if column["sort"] else ():
                get(client, view["path"], limit=1, sort=sign + column["sort"])
    sorts = [column["sort"] for column in meta["views"][1]["columns"] if column["sort"]]
    assert {sign + sort for sort in sorts for sign in ("", "-")} == set(meta["detail_sorts"])


def test_periods_are_answered(client: TestClient, meta: dict[str, Any]) -> None:
    ends = {}
    for entry in meta["periods"]:
        page = get(client, "/api/v1/activity", limit=1, period=entry["period"])
        ends[entry["period"]] = (page["from"], page["to"])
        assert entry["label"][0].isupper()
    default = get(client, "/api/v1/activity", limit=1)
    assert ends[meta["default_period"]] == (default["from"], default["to"])


def test_what_has_no_changes_shows_no_values(client: TestClient, meta: dict[str, Any]) -> None:
    with_changes = {kind["code"]: kind["has_changes"] for kind in meta["action_types"]}
    without = {"VERSION_RELEASED", "VERSION_UNRELEASED", "ASSET_OBJECT_CREATED"}
    assert not any(with_changes[code] for code in without)
    items = all_pages(client, "/api/v1/actions", limit=1_000, expand="changes", **ALL_TIME)
    kinds = {item["action"]["code"]: item["action"]["has_changes"] for item in items}
    assert kinds == {code: with_changes[code] for code in kinds}
    assert set(kinds.values()) == {True, False}
    for item in items:
        if not item["action"]["has_changes"]:
            assert (item["old_value"], item["new_value"], item["changes"]) == (None, None, None)
        else:
            assert len(item["changes"]) == item["change_count"]


def test_targets_are_called_as_in_the_guide(client: TestClient, meta: dict[str, Any]) -> None:
    labels = {entry["type"]: entry["label"] for entry in meta["target_types"]}
    assert {
        "issue",
        "status",
        "comment",
        "issue link",
        "worklog",
        "project",
        "user",
        "version",
        "sprint",
        "board",
        "global feature",
    } <= set(labels.values())
    items = get(client, "/api/v1/actions", limit=1_000, **ALL_TIME)["items"]
    assert all(item["target"]["type_label"] == labels[item["target"]["type"]] for item in items)
    assert "issue link" in {item["target"]["type_label"] for item in items}


def test_only_actions_on_issues_lead_to_issues(client: TestClient, meta: dict[str, Any]) -> None:
    on_issues = {kind["code"] for kind in meta["action_types"] if kind["is_issue_action"]}
    for item in get(client, "/api/v1/actions", limit=1_000, **ALL_TIME)["items"]:
        assert (item["issue"] is not None) == (item["action"]["code"] in on_issues)


def test_pages_of_people_and_issues_in_jira(client: TestClient) -> None:
    items = get(client, "/api/v1/actions", limit=200, project="P0", **ALL_TIME)["items"]
    for item in items:
        issue, author = item["issue"], item["author"]
        if author is not None:
            assert author["url"].endswith(f".atlassian.net/jira/people/{author['account_id']}")
        if issue is not None:
            page = f"https://{item['site_id']}/browse/{issue['key']}"
            assert issue["url"] == (None if issue["is_deleted"] else page)
