"""From a number of the aggregated view to exactly the actions and issues behind it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.query.breakdowns import SECURED, STATUS_CHANGED
from tests.serve.conftest import Fact
from tests.serve.test_actions import ALL_TIME, all_pages, expected, filters, get
from tests.serve.test_activity import author_id
from tests.serve.test_breakdowns import LEGAL, keys

FIELDS = {"Story points": "customfield_10016"}


def behind(
    facts: list[Fact], question: dict[str, Any], item: dict[str, Any]
) -> tuple[list[str], list[str]]:
    """Return the ids of the actions that a row counts and of their issues, both listable only."""
    subset = tuple(group["by"] for group in item["groups"])
    ids = tuple(group["id"] for group in item["groups"])
    found = [
        fact
        for fact in expected(facts, question)
        if fact.actor_account_id == author_id(item)
        and not fact.is_secured
        and ids in keys(fact, subset)
    ]
    issues = {fact.issue_id for fact in found if fact.issue_id is not None}
    return [fact.action_id for fact in found], sorted(issues, key=int)


def listed(client: TestClient, path: str, question: dict[str, Any], row: list[str]) -> list[str]:
    items = all_pages(client, path, limit=1_000, row=row, **question)
    return [
        item["action_id"] if path.endswith("actions") else item["issue"]["id"] for item in items
    ]


def pick(items: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """Take some of many rows, the first and the last among them."""
    return items if len(items) <= number else [*items[:: len(items) // number], items[-1]]


@settings(max_examples=12)
@given(question=filters, subset=st.sampled_from(LEGAL))
def test_a_row_opens_exactly_what_it_counts(
    client: TestClient, facts: list[Fact], question: dict[str, Any], subset: tuple[str, ...]
) -> None:
    rows = all_pages(client, "/api/v1/activity", limit=1_000, breakdown=list(subset), **question)
    for item in pick(rows, 4):
        if any(group["label"] == SECURED for group in item["groups"]):
            assert item["drill"] is None
            continue
        row = item["drill"]["row"]
        actions, issues = behind(facts, question, item)
        assert listed(client, "/api/v1/actions", question, row) == actions
        assert listed(client, "/api/v1/issues", question, row) == issues


@pytest.mark.parametrize("subset", LEGAL, ids="+".join)
def test_every_breakdown_leads_to_its_issues(
    client: TestClient, facts: list[Fact], subset: tuple[str, ...]
) -> None:
    page = get(client, "/api/v1/activity", limit=1_000, breakdown=list(subset), **ALL_TIME)
    for item in pick(page["items"], 3):
        if item["drill"] is None:
            assert any(group["label"] == SECURED for group in item["groups"])
            continue
        actions, issues = behind(facts, ALL_TIME, item)
        assert listed(client, "/api/v1/actions", ALL_TIME, item["drill"]["row"]) == actions
        assert listed(client, "/api/v1/issues", ALL_TIME, item["drill"]["row"]) == issues
        assert len(actions) <= item["total"]
        # one column of the row
        code = max(item["counts"])
        cell = [*item["drill"]["row"], f"action:{code}"]
        by_code = {fact.action_id: fact.action_code for fact in facts}
        wanted = [one for one in actions if by_code[one] == code]
        assert listed(client, "/api/v1/actions", ALL_TIME, cell) == wanted


@pytest.mark.parametrize(
    "subset", [(*others, by) for by in ("status", "transition") for others in ((), ("projects",))]
)
def test_total_of_a_status_opens_all_issues_whose_status_the_person_changed(
    client: TestClient, facts: list[Fact], subset: tuple[str, ...]
) -> None:
    page = get(client, "/api/v1/activity", limit=1_000, breakdown=list(subset), **ALL_TIME)
    opened: dict[tuple[str, ...], list[str]] = {}
    for item in pick(page["items"], 6):
        projects = [group["id"] for group in item["groups"] if group["by"] == "projects"]
        wanted = {
            fact.issue_id
            for fact in facts
            if fact.action_code == STATUS_CHANGED
            and not fact.is_secured
            and fact.actor_account_id == author_id(item)
            and (not projects or fact.project_id in projects)
        }
        total = item["drill"]["total"]
        issues = listed(client, "/api/v1/issues", ALL_TIME, total)
        assert set(issues) == wanted
        assert opened.setdefault(tuple(total), issues) == issues


@pytest.mark.parametrize("subset", LEGAL, ids="+".join)
def test_a_row_asked_for_again_is_itself(client: TestClient, subset: tuple[str, ...]) -> None:
    """Also of fields: an action that changed another one, too, counts in no row but this."""
    question: dict[str, Any] = ALL_TIME | {"breakdown": list(subset), "limit": 1_000}
    for item in pick(get(client, "/api/v1/activity", **question)["items"], 3):
        if item["drill"] is not None:
            again = get(client, "/api/v1/activity", row=item["drill"]["row"], **question)
            assert again["items"] == [item]
            assert again["action_count"] == item["total"]


def test_without_a_breakdown_of_statuses_total_and_row_are_one(client: TestClient) -> None:
    for subset in ((), ("projects",), ("issues",), ("fields", "projects")):
        page = get(client, "/api/v1/activity", limit=50, breakdown=list(subset), **ALL_TIME)
        assert all(
            item["drill"] is None or item["drill"]["row"] == item["drill"]["total"]
            for item in page["items"]
        )


def test_rows_of_everything_share_the_log(client: TestClient, facts: list[Fact]) -> None:
    """The rows of a breakdown take the listable actions apart: each is behind exactly one."""
    page = get(client, "/api/v1/activity", limit=1_000, breakdown="projects", **ALL_TIME)
    seen: Counter[str] = Counter()
    for item in page["items"]:
        if author_id(item) in {None, "account-0", "account-1", "account-2"}:
            seen.update(listed(client, "/api/v1/actions", ALL_TIME, item["drill"]["row"]))
    wanted = {
        fact.action_id
        for fact in facts
        if not fact.is_secured
        and fact.actor_account_id in {None, "account-0", "account-1", "account-2"}
    }
    assert seen == Counter(wanted)


@pytest.mark.parametrize(
    "row",
    [["author"], ["planet:1"], ["author:a", "author:b"], ["status:a\x00"], ["author:" + "x" * 300]],
)
def test_what_is_no_row_is_refused(client: TestClient, row: list[str]) -> None:
    response = client.get("/api/v1/issues", params={"row": row})
    assert response.status_code == 422
    assert {error["field"] for error in response.json()["errors"]} == {"row"}


def test_a_row_reads_as_english(client: TestClient) -> None:
    row = ["author:account-1", "projects:10000", "transition:1:4", "action:STATUS_CHANGED"]
    described = get(client, "/api/v1/issues", row=row, **ALL_TIME)["description"]
    author = get(client, "/api/v1/lookups/users/labels", id="account-1")["items"][0]["label"]
    assert described.endswith(
        f", in the row of author {author}, action “Status changed”, project P0 "
        "and transition To Do → Done"
    )
    nothing = get(client, "/api/v1/issues", row=["projects:", "author:"], **ALL_TIME)
    assert nothing["description"].endswith(", in the row of the unknown author and no project")


def test_no_row_counts_an_issue_that_must_not_be_named(
    client: TestClient, facts: list[Fact]
) -> None:
    secured = next(fact.issue_id for fact in facts if fact.is_secured)
    named = next(fact.issue_id for fact in facts if fact.issue_id and not fact.is_secured)
    counted = [
        get(client, "/api/v1/activity", row=[f"issues:{one}"], **ALL_TIME)["action_count"]
        for one in (secured, named)
    ]
    assert counted == [0, sum(fact.issue_id == named for fact in facts)]
    off_issues = get(client, "/api/v1/activity", row=["issues:"], **ALL_TIME)["action_count"]
    assert off_issues == sum(fact.issue_id is None for fact in facts)
