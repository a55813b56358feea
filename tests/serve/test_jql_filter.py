"""JQL over HTTP: as a filter of every list and number, checked with names, and completed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook

from tests.bench.synthetic import publish
from tests.serve.conftest import Fact, make_client
from tests.serve.jql_marts import write_jql_marts

ALL = {"period": "all"}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a client of the site of nine issues, whose viewer is ann."""
    home = tmp_path_factory.mktemp("home")
    write_jql_marts(home / "marts.duckdb")
    publish(home, home / "marts.duckdb")
    with make_client(home, viewer_account_id="ann") as client:
        yield client


def asked(client: TestClient, path: str, **parameters: str | int) -> dict[str, Any]:
    response = client.get(f"/api/v1/{path}", params={**ALL, **parameters})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def fault_of(client: TestClient, jql: str, path: str = "actions") -> dict[str, Any]:
    response = client.get(f"/api/v1/{path}", params=ALL | {"jql": jql})
    assert response.status_code == 422, response.text
    (error,) = response.json()["errors"]
    assert error["field"] == "jql"
    found: dict[str, Any] = error
    return found


def listed(facts: list[Fact], issues: set[str]) -> list[Fact]:
    return [fact for fact in facts if fact.issue_id in issues and not fact.is_secured]


def test_every_list_and_number_is_of_the_issues_found(
    client: TestClient, facts: list[Fact]
) -> None:
    jql = 'project = P1 and "Story Points" > 2'
    issues = {item["issue"]["id"] for item in asked(client, "issues", jql=jql, limit=1000)["items"]}
    expected = listed(facts, issues)
    assert 0 < len(expected) < len([fact for fact in facts if fact.project_id == "10001"])
    actions = asked(client, "actions", jql=jql, limit=1000, count=True)
    assert [item["action_id"] for item in actions["items"]] == [one.action_id for one in expected]
    assert actions["action_count"] == len(expected)
    # what may not be listed is not counted either: a search must not tell of it
    activity = asked(client, "activity", jql=jql, limit=1000)
    assert activity["action_count"] == len(expected)
    rows = asked(client, "activity", jql=jql, limit=1000, breakdown="issues")["items"]
    assert sum(row["total"] for row in rows) == len(expected)
    by_author = asked(client, "actions", jql=jql, limit=1000, sort="author", count=True)
    assert by_author["action_count"] == len(expected)
    workbook = client.get("/api/v1/actions.xlsx", params=ALL | {"jql": jql})
    sheet = load_workbook(io.BytesIO(workbook.content), read_only=True).active
    assert sheet is not None
    assert len(list(sheet.iter_rows())) == len(expected) + 1
    links = asked(client, "issues/links", jql=jql)
    assert 0 < links["issue_count"] <= len(issues)


def test_only_actions_on_issues_are_found(client: TestClient, facts: list[Fact]) -> None:
    everywhere = asked(client, "activity", limit=1000)
    outside = {one.action_code for one in facts if one.issue_id is None}
    codes = {code for item in everywhere["items"] for code in item["counts"]}
    assert outside & codes
    for jql in ("order by key", "deleted in (true, false)"):
        found = asked(client, "activity", jql=jql, limit=1000)
        assert not outside & {code for item in found["items"] for code in item["counts"]}
        assert 0 < found["action_count"] < everywhere["action_count"]


def test_jql_narrows_the_other_filters(client: TestClient, facts: list[Fact]) -> None:
    jql, user = "project in (P1, P2)", "account-0"
    both = asked(client, "actions", jql=jql, user=user, project="P1", limit=1000)["items"]
    gone = {
        item["issue"]["id"]
        for item in asked(client, "issues", jql="deleted = true", limit=1000)["items"]
    }
    expected = [
        fact.action_id
        for fact in facts
        if fact.actor_account_id == user
        and fact.project_id == "10001"
        and not fact.is_secured
        and fact.issue_id is not None
        and fact.issue_id not in gone
    ]
    assert [item["action_id"] for item in both] == expected
    assert expected


def test_a_cursor_belongs_to_its_query(client: TestClient) -> None:
    page = asked(client, "actions", jql="project = P1", limit=5)
    following = asked(client, "actions", jql="project = P1", limit=5, cursor=page["next_cursor"])
    assert {item["action_id"] for item in following["items"]}.isdisjoint(
        item["action_id"] for item in page["items"]
    )
    for jql in ("project = P2", None):
        parameters = ALL | {"limit": 5, "cursor": page["next_cursor"]}
        response = client.get("/api/v1/actions", params=parameters | ({"jql": jql} if jql else {}))
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize(
    "path", ["actions", "activity", "issues", "issues/links", "actions.xlsx", "activity.xlsx"]
)
def test_a_fault_has_its_place(client: TestClient, path: str) -> None:
    error = fault_of(client, "project = P1 and status = Dnoe", path)
    assert (error["start"], error["end"]) == (26, 30)
    assert "'Dnoe'" in error["message"]
    assert "'Done'" in error["remedy"]
    error = fault_of(client, "project = ", path)
    assert (error["start"], error["end"]) == (10, 10)


@pytest.mark.parametrize("jql", ["", "\x00", "x" * 10_001])
def test_odd_texts_are_refused(client: TestClient, jql: str) -> None:
    response = client.get("/api/v1/actions", params={"jql": jql})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["jql"]


def test_other_errors_have_no_place(client: TestClient) -> None:
    (error,) = client.get("/api/v1/actions", params={"limit": 0}).json()["errors"]
    assert set(error) == {"field", "message", "remedy"}


def test_the_viewer_is_the_current_user(small: TestClient) -> None:
    found = asked(small, "issues", jql="status changed by currentUser()")
    assert [item["issue"]["key"] for item in found["items"]] == ["DEV-2"]
    assert "currentUser()" in asked(small, "actions", jql="assignee = currentUser()")["description"]


# -- editors ---------------------------------------------------------------------------------------


def parsed(client: TestClient, jql: str, **more: object) -> dict[str, Any]:
    response = client.post("/api/v1/jql/parse", json={"jql": jql, **more})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_names_are_looked_up_only_if_asked(small: TestClient, tmp_path: Path) -> None:
    jql = "status = Dnoe"
    assert parsed(small, jql)["fault"] is None
    fault = parsed(small, jql, check_names=True)["fault"]
    assert (fault["start"], fault["end"]) == (9, 13)
    assert parsed(small, "status = Done and key = DEV-1", check_names=True)["fault"] is None
    with make_client(tmp_path) as empty:
        assert parsed(empty, jql)["fault"] is None
        response = empty.post("/api/v1/jql/parse", json={"jql": jql, "check_names": True})
        assert response.status_code == 503


def suggested(client: TestClient, text: str, position: int | None = None) -> dict[str, Any]:
    response = client.post(
        "/api/v1/jql/suggest",
        json={"jql": text, "position": len(text) if position is None else position},
    )
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def texts(answer: dict[str, Any], *kinds: str) -> list[str]:
    return [item["text"] for item in answer["items"] if not kinds or item["kind"] in kinds]


@pytest.mark.parametrize(
    ("text", "begun", "expected"),
    [
        ("sta", "sta", ["status", "statusCategory", "statusCategoryChangedDate"]),
        ("project = DEV and STAT", "STAT",
         ["status", "statusCategory", "statusCategoryChangedDate"]),
        ("not (ass", "ass", ["assignee"]),
        ('"story', '"story', ['"Story Points"', '"Story points"']),
        ("order by upd", "upd", ["updated"]),
        ("order by updated ", "", ["ASC", "DESC"]),
        ("status = ", "", ["Done", "EMPTY", '"In Progress"', '"To Do"', "Ancient"]),
        ("status = d", "d", ["Done", '"To Do"']),
        ("status in (Done, 'in p", "'in p", ['"In Progress"']),
        ("status is ", "", ["EMPTY", "NOT"]),
        ("status not ", "", ["IN"]),
        ("status was not i", "i", ["IN", '"In Progress"']),
        ("assignee = unal", "unal", ['"Ann Ünal"']),
        ("assignee = bob@", "bob@", ["bob"]),
        ("reporter in (dan, mem", "mem", ["membersOf()"]),
        ("reporter in membersOf(", "", ["guests", "staff"]),
        ("fixVersion in releasedVersions(o", "o", ["Operate"]),
        ("issue in ", "", ["EMPTY", "linkedIssue()", "linkedIssues()", "updatedBy()"]),
        ("labels = R", "R", ["Red"]),
        ("Team = ", "", ["EMPTY", '"Team Blue"', '"Team Red"', "choiceOption()"]),
        ("reporter in organizationMembers(ex", "ex", ['"Example Ltd"']),
        ("cf[10002] = 'team r", "'team r", ['"Team Red"']),
        ("deleted = ", "", ["false", "true"]),
        ("status = Done o", "o", ["OR", "ORDER BY"]),
        ("status = Done order ", "", ["BY"]),
        ("status changed b", "b", ["BEFORE", "BY"]),
        ("status was Done a", "a", ["AFTER", "AND"]),
        ("status = Done b", "b", []),
        ("status changed from In", "In", ['"In Progress"']),
        ("status changed by da", "da", ["Dan"]),
        ("created > startOf", "startOf",
         ["startOfDay()", "startOfMonth()", "startOfWeek()", "startOfYear()"]),
        ("status changed after no", "no", ["now()"]),
        ("component = ", "", ["API", "EMPTY", "Web"]),
        ("key = zzz", "zzz", []),
    ],
)  # fmt: skip
def test_what_may_follow(small: TestClient, text: str, begun: str, expected: list[str]) -> None:
    answer = suggested(small, text)
    assert answer["fault"] is None
    assert text[answer["start"] : answer["end"]] == begun
    assert sorted(texts(answer)) == sorted(expected)
    assert answer["has_more"] is False


def test_operators_are_those_of_the_field(small: TestClient) -> None:
    assert sorted(texts(suggested(small, "summary "))) == sorted(
        ["~", "!~", "IS", "IS NOT", "CHANGED"]
    )
    assert "WAS" in texts(suggested(small, "status "), "operator")
    assert "<" in texts(suggested(small, "priority "), "operator")
    assert "<" not in texts(suggested(small, "status "), "operator")
    assert texts(suggested(small, "nofield ")) == []


def test_what_was_suggested_can_be_written(small: TestClient) -> None:
    """Whatever is suggested for a value makes a query that can be answered."""
    for start in (
        "status = ",
        "assignee = ",
        "fixVersion = ",
        "Team = ",
        "priority > ",
        "labels = ",
    ):
        values = suggested(small, start)
        assert texts(values, "value")
        for text in texts(values, "value"):
            jql = start[: values["start"]] + text
            assert parsed(small, jql, check_names=True)["fault"] is None, jql


def test_what_only_the_history_knows_comes_last(small: TestClient) -> None:
    items = suggested(small, "status = ")["items"]
    assert [item["label"] for item in items if item["is_gone"]] == ["Ancient"]
    assert items[-1]["label"] == "Ancient"


def test_nothing_of_secured_issues_is_suggested(small: TestClient) -> None:
    assert "Hidden" not in texts(suggested(small, "component = "))


def test_many_suggestions_are_narrowed_down(client: TestClient) -> None:
    answer = suggested(client, "labels = ")
    assert len(answer["items"]) == 50
    assert answer["has_more"] is True
    narrower = suggested(client, "labels = label-59")
    assert narrower["has_more"] is False
    assert 0 < len(narrower["items"]) <= 11


def test_what_follows_the_cursor_does_not_matter(small: TestClient) -> None:
    answer = suggested(small, "status = Do and ((((", position=11)
    assert (answer["start"], answer["end"]) == (9, 11)
    assert texts(answer) == ["Done", '"To Do"']


@pytest.mark.parametrize("text", ["status foo ba", "= ", ")", "status = Done Done x", "(" * 60])
def test_no_beginning_of_a_query_is_a_fault(small: TestClient, text: str) -> None:
    answer = suggested(small, text)
    assert answer["items"] == []
    assert 0 <= answer["fault"]["start"] <= answer["fault"]["end"] <= len(text)
    assert answer["fault"]["remedy"]


@pytest.mark.parametrize(
    "text", ["", "x" * 10_000, '"' * 9_999, "a=b and " * 1_249, "'\\", "\\", "cf[", "x in (" * 40]
)
def test_odd_beginnings_are_answered(small: TestClient, text: str) -> None:
    answer = suggested(small, text)
    assert (answer["fault"] is None) or answer["items"] == []
    assert 0 <= answer["start"] <= answer["end"] <= len(text)


def test_places_beyond_the_text_are_its_end(small: TestClient) -> None:
    assert suggested(small, "sta", 9_999) == suggested(small, "sta", 3)
    response = small.post("/api/v1/jql/suggest", json={"jql": "x", "position": -1})
    assert response.status_code == 422
