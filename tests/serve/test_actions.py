"""The list of actions: filters, order, pages, security levels."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.serve.conftest import SHAPE, Fact, make_client, publish_copy

ALL_TIME = {"from": "2025-01-01", "to": "2026-01-02"}
CODES = ["ISSUE_CREATED", "ISSUE_UPDATED", "STATUS_CHANGED", "PROJECT_CREATED", "ISSUE_DELETED"]

STATUS_IDS = {"To Do": "1", "in progress": "2", "3": "3", "Done": "4", "8": "8"}
RESOLUTION_IDS = {"fixed": "10001", "10002": "10002"}
FIELD_IDS = {"Story points": "customfield_10016", "assignee": "assignee", "status": "status"}

filters = st.fixed_dictionaries(
    {
        "from": st.dates(date(2025, 9, 20), date(2025, 12, 30)).map(str),
        "to": st.just("2026-01-02") | st.just("2025-12-31T12:00:00Z"),
    },
    optional={
        "user": st.lists(st.sampled_from([f"account-{n}" for n in range(8)]), max_size=3),
        "project": st.lists(st.sampled_from(["P0", "p1", "10002", "OLD"]), max_size=2),
        "action_code": st.lists(st.sampled_from(CODES), max_size=3),
        "group": st.lists(st.sampled_from(["group-1", "Group 2"]), max_size=2),
        "people_in_project": st.lists(st.sampled_from(["P3", "10004"]), max_size=2),
        "people_in_organization": st.lists(st.sampled_from(["organization 5"]), max_size=1),
        "membership": st.sampled_from(["now", "then"]),
        "status_from": st.lists(st.sampled_from(list(STATUS_IDS)), max_size=3),
        "status_to": st.lists(st.sampled_from(list(STATUS_IDS)), max_size=3),
        "resolution": st.lists(st.sampled_from(list(RESOLUTION_IDS)), max_size=2),
        "field": st.lists(st.sampled_from(list(FIELD_IDS)), max_size=2),
    },
)
PROJECT_IDS = {"P0": "10000", "p1": "10001", "10002": "10002", "OLD": "10000"}


Params = str | int | list[str]


def get(client: TestClient, path: str, **params: Params) -> dict[str, Any]:
    response = client.get(path, params=params)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def all_pages(client: TestClient, path: str, **params: Params) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = get(client, path, **params, **cursor)
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        assert len(page["items"]) == params["limit"]
        cursor = {"cursor": page["next_cursor"]}


def expected(facts: list[Fact], question: dict[str, Any]) -> list[Fact]:
    """Evaluate a filter in plain Python."""
    start, end = (
        datetime.fromisoformat(question[name]).replace(tzinfo=None) for name in ("from", "to")
    )
    projects = {PROJECT_IDS[name] for name in question.get("project", [])}
    in_time = [fact for fact in facts if start <= fact.occurred_at < end]
    kinds = edit_kinds(question)
    meeting = [{fact.source_event_id for fact in in_time if kind(fact)} for kind in kinds]
    return [
        fact
        for fact in in_time
        if is_meant(fact, question)
        and (not projects or fact.project_id in projects)
        and (not question.get("action_code") or fact.action_code in question["action_code"])
        and (not kinds or any(kind(fact) for kind in kinds))
        and (len(kinds) < 2 or all(fact.source_event_id in events for events in meeting))
    ]


MEMBERS = {
    "group": {"group-1": "group-1", "Group 2": "group-2"},
    "people_in_project": {"P3": "10003", "10004": "10004"},
    "people_in_organization": {"organization 5": "organization-5"},
}


def is_meant(fact: Fact, question: dict[str, Any]) -> bool:
    """Tell whether the author is in the set of people that the question names, if it names any."""
    things = {ids[name] for kind, ids in MEMBERS.items() for name in question.get(kind, [])}
    if not things and not question.get("user"):
        return True
    if fact.actor_account_id in question.get("user", []):
        return True
    is_now = question.get("membership", "now") == "now"
    return any(
        member.thing_id in things
        and (
            member.valid_to_at is None
            if is_now
            else (member.valid_from_at is None or member.valid_from_at <= fact.occurred_at)
            and (member.valid_to_at is None or fact.occurred_at < member.valid_to_at)
        )
        for member in fact.memberships
    )


def edit_kinds(question: dict[str, Any]) -> list[Callable[[Fact], bool]]:
    """Give the filters of the question that speak of edits, each as a test of one fact."""
    leaving = {STATUS_IDS[name] for name in question.get("status_from", [])}
    entering = {STATUS_IDS[name] for name in question.get("status_to", [])}
    resolutions = {RESOLUTION_IDS[name] for name in question.get("resolution", [])}
    fields = {FIELD_IDS[name] for name in question.get("field", [])}

    def is_transition(fact: Fact) -> bool:
        return (not leaving or fact.from_status_id in leaving) and (
            not entering or fact.to_status_id in entering
        )

    kinds: list[Callable[[Fact], bool]] = []
    if leaving or entering:
        kinds.append(is_transition)
    if resolutions:
        kinds.append(lambda fact: fact.resolution_id in resolutions)
    if fields:
        kinds.append(lambda fact: not fields.isdisjoint(fact.field_ids))
    return kinds


@settings(max_examples=40)
@given(question=filters)
def test_filters_agree_with_plain_python(
    client: TestClient, facts: list[Fact], question: dict[str, Any]
) -> None:
    items = get(client, "/api/v1/actions", limit=1_000, **question)["items"]
    wanted = [fact for fact in expected(facts, question) if not fact.is_secured]
    assert [item["action_id"] for item in items] == [fact.action_id for fact in wanted][:1_000]


@settings(max_examples=15)
@given(question=filters, limit=st.integers(9, 200))
def test_pages_joined_are_the_whole_answer(
    client: TestClient, facts: list[Fact], question: dict[str, Any], limit: int
) -> None:
    question = question | {"from": max(question["from"], "2025-12-15")}
    items = all_pages(client, "/api/v1/actions", limit=limit, **question)
    wanted = [fact for fact in expected(facts, question) if not fact.is_secured]
    assert [item["action_id"] for item in items] == [fact.action_id for fact in wanted]


def test_secured_actions_exist_and_are_never_listed(client: TestClient, facts: list[Fact]) -> None:
    secured = {fact.action_id for fact in facts if fact.is_secured}
    assert secured
    items = all_pages(client, "/api/v1/actions", limit=1_000, **ALL_TIME)
    assert secured.isdisjoint(item["action_id"] for item in items)
    assert len(items) + len(secured) == len(facts)


def test_default_is_the_last_30_days_of_the_snapshot(client: TestClient, facts: list[Fact]) -> None:
    page = get(client, "/api/v1/actions", limit=1_000)
    until = SHAPE.until.replace(tzinfo=UTC)
    assert datetime.fromisoformat(page["to"]) == until
    assert datetime.fromisoformat(page["from"]) == until - timedelta(days=30)
    since = SHAPE.until - timedelta(days=30)
    wanted = [f for f in facts if f.occurred_at >= since and not f.is_secured]
    assert [item["action_id"] for item in page["items"]] == [f.action_id for f in wanted][:1_000]


def test_several_edit_filters_keep_the_edits_that_meet_all(
    client: TestClient, facts: list[Fact]
) -> None:
    question: dict[str, Params] = {
        "status_to": ["Done", "8"],
        "field": ["assignee", "Story points"],
        **ALL_TIME,
    }
    wanted = [fact for fact in expected(facts, question) if not fact.is_secured]
    items = get(client, "/api/v1/actions", limit=1_000, **question)["items"]
    assert [item["action_id"] for item in items] == [fact.action_id for fact in wanted]
    kinds = {(fact.source_event_id, fact.to_status_id is None) for fact in wanted}
    both = {event for event, _ in kinds if {(event, True), (event, False)} <= kinds}
    assert both, "the fixture has edits with a status change and a change of a field"


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("status_from", "No such"), ("status_to", "99"), ("resolution", "Won't"), ("field", "x")],
)
def test_unknown_names_are_refused(client: TestClient, parameter: str, value: str) -> None:
    response = client.get("/api/v1/actions", params={parameter: value})
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert error["field"] == parameter
    assert value in error["message"]


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ({"period": "yesterday"}, "2025-12-31T00:00:00Z", "2026-01-01T00:00:00Z"),
        (
            {"period": "today", "time_zone": "Pacific/Kiritimati"},
            "2025-12-31T10:00:00Z",
            "2026-01-01T10:00:00Z",
        ),
        (
            {"period": "this_month", "time_zone": "America/New_York"},
            "2025-12-01T05:00:00Z",
            "2026-01-01T05:00:00Z",
        ),
        ({"period": "last_7_days"}, "2025-12-25T00:00:00Z", "2026-01-01T00:00:00Z"),
        (
            {"from": "2025-12-30", "to": "2025-12-31", "time_zone": "Europe/Zurich"},
            "2025-12-29T23:00:00Z",
            "2025-12-30T23:00:00Z",
        ),
        (
            {"from": "2025-12-30T08:00+05:00", "time_zone": "Europe/Zurich"},
            "2025-12-30T03:00:00Z",
            "2026-01-01T00:00:00Z",
        ),
    ],
)
def test_times_are_read_in_the_time_zone(
    client: TestClient, question: dict[str, str], start: str, end: str
) -> None:
    page = get(client, "/api/v1/actions", limit=1, **question)
    assert (page["from"], page["to"]) == (start, end)


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"period": "last_week", "from": "2025-01-01"}, "from"),
        ({"period": "last_week", "to": "2025-01-01"}, "to"),
        ({"period": "next_week"}, "period"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
    ],
)
def test_contradictory_times_are_refused(
    client: TestClient, question: dict[str, str], field: str
) -> None:
    response = client.get("/api/v1/actions", params=question)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_one_day_is_a_half_open_interval(client: TestClient, facts: list[Fact]) -> None:
    midnights = [
        fact
        for fact in facts
        if fact.occurred_at.isoformat() == "2025-12-10T00:00:00" and not fact.is_secured
    ]
    assert midnights, "the fixture puts actions on the very edge"
    day = get(client, "/api/v1/actions", limit=1_000, **{"from": "2025-12-10", "to": "2025-12-11"})
    before = get(
        client, "/api/v1/actions", limit=1_000, **{"from": "2025-12-09", "to": "2025-12-10"}
    )
    edge = {fact.action_id for fact in midnights}
    assert edge <= {item["action_id"] for item in day["items"]}
    assert edge.isdisjoint(item["action_id"] for item in before["items"])


def test_offset_of_a_time_is_honoured(client: TestClient) -> None:
    page = get(client, "/api/v1/actions", **{"from": "2025-12-10T02:00:00+02:00"})
    assert page["from"] == "2025-12-10T00:00:00Z"


def test_item_has_everything_of_the_detail_view(client: TestClient) -> None:
    page = get(
        client,
        "/api/v1/actions",
        limit=1_000,
        expand="changes",
        action_code="ISSUE_UPDATED",
        **ALL_TIME,
    )
    item = next(i for i in page["items"] if i["old_value"] and i["old_value"].startswith("old "))
    author = item["author"]["account_id"]
    assert item["author"]["display_name"].endswith(f"Nr {author.removeprefix('account-')}")
    assert item["action"] == {
        "code": "ISSUE_UPDATED",
        "label": "Issue updated",
        "has_changes": True,
    }
    assert item["project"]["name"] == f"Project {item['project']['key'][1:]}"
    assert item["issue"]["key"] == item["reference"]
    assert item["issue"]["summary"].startswith("Summary of issue ")
    assert item["issue"]["type"] in {"Task", "Bug", "Story", "Epic", "Sub-task"}
    assert item["detection_window"] is None
    (change,) = item["changes"]
    names = {"summary": "Summary", "assignee": "Assignee", "priority": "Priority"}
    names["customfield_10016"] = "Story Points"
    assert change["field_name"] == names[change["field_id"]]
    assert change["new_value"] == item["new_value"]


def test_types_of_an_issue_are_those_of_the_action(client: TestClient, marts: Path) -> None:
    with duckdb.connect(str(marts), read_only=True) as database:
        rows = database.execute(
            "select action_id, coalesce(facts.issue_type_id, issues.issue_type_id), "
            "request_type_name, facts.request_type_id is distinct from issues.request_type_id "
            "from fct_actions as facts left join dim_issues as issues using (site_id, issue_id) "
            "left join dim_request_types as types "
            "on types.request_type_id = facts.request_type_id "
            "where issue_id is not null and not facts.is_secured"
        ).fetchall()
    assert any(changed for *_, changed in rows), "some issues changed their request type"
    types = dict(enumerate(["Task", "Bug", "Story", "Epic", "Sub-task"], start=1))
    wanted = {action_id: (types[int(kind)], request) for action_id, kind, request, _ in rows}
    items = all_pages(client, "/api/v1/actions", limit=1_000, **ALL_TIME)
    assert wanted == {
        item["action_id"]: (item["issue"]["type"], item["issue"]["request_type"])
        for item in items
        if item["issue"]
    }


def test_changes_come_only_when_asked_for(client: TestClient) -> None:
    items = get(client, "/api/v1/actions", limit=5)["items"]
    assert [item["changes"] for item in items] == [None] * 5


def test_unknown_author_keeps_its_detection_window(client: TestClient) -> None:
    items = get(client, "/api/v1/actions", action_code="ISSUE_DELETED", **ALL_TIME)["items"]
    assert items
    for item in items:
        assert item["author"] is None
        window = item["detection_window"]
        assert window["from"] < window["to"] == item["occurred_at"]


def test_action_off_issues_refers_to_its_target(client: TestClient) -> None:
    items = get(client, "/api/v1/actions", action_code="USER_CREATED", **ALL_TIME)["items"]
    assert items
    assert all(i["issue"] is None and i["reference"] == i["target"]["id"] for i in items)


def test_former_project_key_finds_the_project_that_bore_it(
    client: TestClient, facts: list[Fact]
) -> None:
    items = all_pages(client, "/api/v1/actions", limit=1_000, project="old", **ALL_TIME)
    assert {item["project"]["id"] for item in items} == {"10000"}
    wanted = [f for f in facts if f.project_id == "10000" and not f.is_secured]
    assert len(items) == len(wanted)


def test_pages_stay_on_their_snapshot_while_others_are_published(
    tmp_path: Path, marts: Path
) -> None:
    publish_copy(tmp_path, marts)
    with make_client(tmp_path) as client:
        whole = get(client, "/api/v1/actions", limit=1_000)
        first = get(client, "/api/v1/actions", limit=300)
        newer = publish_copy(tmp_path, marts)
        second = get(client, "/api/v1/actions", limit=700, cursor=first["next_cursor"])
        assert second["snapshot_id"] == first["snapshot_id"] != newer
        assert first["items"] + second["items"] == whole["items"][:1_000]
        assert get(client, "/api/v1/actions")["snapshot_id"] == newer

        (tmp_path / "snapshots" / f"{first['snapshot_id']}.duckdb").unlink()
        gone = client.get("/api/v1/actions", params={"cursor": first["next_cursor"]})
        assert gone.status_code == 410
        assert "start again without cursor" in gone.json()["remedy"]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"frm": "2025-01-01"}, "frm"),
        ({"users": "a"}, "users"),
        ({"limit": 0}, "limit"),
        ({"limit": 1_001}, "limit"),
        ({"limit": "-8900000000000000000"}, "limit"),
        ({"limit": "1" * 5_000}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "+5"}, "limit"),
        ({"limit": "1_0"}, "limit"),
        ({"limit": " 5"}, "limit"),
        ({"limit": "5.0"}, "limit"),
        ({"limit": "1e999"}, "limit"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2025-02-30"}, "from"),
        ({"from": "2025-01-01T25:00:00Z"}, "from"),
        ({"from": "0001-01-01"}, "from"),
        ({"from": "0001-01-01T00:00:00+23:59"}, "from"),
        ({"to": "9999-12-31T23:59:59-23:59"}, "to"),
        ({"from": "２０２５-01-01"}, "from"),  # noqa: RUF001 - digits of another script
        ({"from": ""}, "from"),
        ({"from": "2025-01-02", "to": "2025-01-02"}, "to"),
        ({"user": ""}, "user"),
        ({"user": "a\x00b"}, "user"),
        ({"user": "x" * 256}, "user"),
        ({"user": ["x"] * 1_001}, "user"),
        ({"project": "NOSUCH"}, "project"),
        ({"project": "' or 1=1 --"}, "project"),
        ({"action_code": "issue_created"}, "action_code"),
        ({"action_code": "NO_SUCH_CODE"}, "action_code"),
        ({"action_code": "ISSUE_CREATED') or 1=1 --"}, "action_code"),
        ({"expand": "everything"}, "expand"),
        ({"cursor": "%%%"}, "cursor"),
        ({"cursor": "x" * 513}, "cursor"),
        ({"cursor": "eyJhIjoxfQ"}, "cursor"),
        ({"row": "action:"}, "row"),
        ({"row": "action:NO_SUCH_CODE"}, "row"),
        ({"row": "fields:"}, "row"),
        ({"row": "transition:3"}, "row"),
        ({"row": "transition:3:4:5"}, "row"),
    ],
)
def test_wrong_parameter_is_named_with_a_remedy(
    client: TestClient, params: dict[str, Any], field: str
) -> None:
    response = client.get("/api/v1/actions", params=params)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["remedy"]
    assert problem["errors"][0]["remedy"]
    assert len(response.content) < 5_000


def test_cursor_of_another_question_is_refused(client: TestClient) -> None:
    cursor = get(client, "/api/v1/actions", limit=1)["next_cursor"]
    for path, params in (
        ("/api/v1/actions", {"user": "account-1"}),
        ("/api/v1/actions", {"expand": "changes"}),
        ("/api/v1/activity", {}),
    ):
        response = client.get(path, params={"cursor": cursor, **params})
        assert response.status_code == 422
        assert [error["field"] for error in response.json()["errors"]] == ["cursor"]


def test_ids_that_differ_in_case_are_different_things(marts: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(marts.read_bytes())
    with duckdb.connect(str(copy)) as database:
        # Attributes of Assets are known by their names; one is called like a field of issues.
        database.execute(
            "insert into dim_fields select * replace ('Summary' as field_id) "
            "from dim_fields where field_id = 'summary'"
        )
        database.execute(
            "update fct_action_changes set field_id = 'Summary' "
            "where field_id = 'summary' and hash(change_id) % 7 = 0"
        )
        wanted = dict(
            database.execute(
                "select changes.field_id, count(distinct action_id) from fct_action_changes "
                "as changes join fct_actions as actions using (action_id) "
                "where not actions.is_secured group by all"
            ).fetchall()
        )
    publish_copy(tmp_path, copy)
    with make_client(tmp_path) as client:
        for field in ("summary", "Summary"):
            page = get(client, "/api/v1/actions", field=field, count="true", **ALL_TIME)
            assert page["action_count"] == wanted[field] > 10
        by_name = get(client, "/api/v1/actions", field="sUMMARY", count="true", **ALL_TIME)
        assert by_name["action_count"] == wanted["summary"]


@pytest.mark.parametrize("us", [0, 253_402_300_799_999_999, 253_402_300_800_000_000, 10**30])
def test_a_cursor_that_somebody_made_is_answered_or_refused(client: TestClient, us: int) -> None:
    page = get(client, "/api/v1/actions", limit=1)
    cursor = json.loads(base64.urlsafe_b64decode(page["next_cursor"] + "=="))
    made = base64.urlsafe_b64encode(json.dumps(cursor | {"occurred_at_us": us}).encode()).decode()
    response = client.get("/api/v1/actions", params={"cursor": made.rstrip("=")})
    assert response.status_code == (200 if us < 253_402_300_800_000_000 else 422)


@pytest.mark.parametrize("text", ["%FF", "a%C3", "%ED%A0%80", "%F8%88%80%80%80"])
@pytest.mark.parametrize("path", ["actions", "activity", "issue-views", "lookups/users", "meta"])
def test_bytes_that_are_no_text_are_refused(client: TestClient, path: str, text: str) -> None:
    name = "q" if "lookups" in path else "user"
    response = client.get(f"/api/v1/{path}?{name}={text}")
    assert response.status_code == 422
    assert "UTF-8" in response.json()["detail"]


@settings(max_examples=80)
@given(
    name=st.sampled_from(["user", "project", "from", "to", "cursor", "action_code", "expand", "q"]),
    value=st.text(max_size=60),
)
def test_no_text_breaks_the_api(client: TestClient, name: str, value: str) -> None:
    response = client.get("/api/v1/actions", params={name: value.encode("utf-8", "replace")})
    assert response.status_code in {200, 422}
    assert "Traceback" not in response.text


@pytest.mark.parametrize("column", ["author", "target", "action", "project", "occurred_at"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_any_order_is_total_and_pages_keep_it(client: TestClient, column: str, sign: str) -> None:
    question: dict[str, Params] = {"sort": sign + column, "from": "2025-12-20", "to": "2026-01-02"}
    newest = get(client, "/api/v1/actions", limit=1_000, **(question | {"sort": "-occurred_at"}))
    whole = get(client, "/api/v1/actions", limit=1_000, **question)
    names = [name_of(item, column) for item in whole["items"]]
    known = [name for name in names if name is not None]
    assert known == sorted(known, reverse=bool(sign))
    assert names[len(known) :] == [None] * (len(names) - len(known))
    # a stable sort of the newest-first list gives the same order
    rank = {name: place for place, name in enumerate(dict.fromkeys(names))}
    stable = sorted(newest["items"], key=lambda item: rank[name_of(item, column)])
    assert [item["action_id"] for item in whole["items"]] == [item["action_id"] for item in stable]
    assert all_pages(client, "/api/v1/actions", limit=37, **question) == whole["items"]


def name_of(item: dict[str, Any], column: str) -> str | None:
    value: str | None
    match column:
        case "occurred_at":
            value = item["occurred_at"]
        case "author":
            value = item["author"]["display_name"].lower() if item["author"] else None
        case "project":
            value = item["project"]["name"].lower() if item["project"] else None
        case "target":
            value = item["target"]["type"].lower()
        case _:
            value = item["action"]["label"].lower()
    return value


@settings(max_examples=20)
@given(question=filters)
def test_count_is_of_the_whole_list(
    client: TestClient, facts: list[Fact], question: dict[str, Any]
) -> None:
    page = get(client, "/api/v1/actions", limit=3, count="true", **question)
    assert page["action_count"] == sum(not fact.is_secured for fact in expected(facts, question))
    assert get(client, "/api/v1/actions", limit=3, **question)["action_count"] is None
