"""The counts for each author."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings

from tests.serve.conftest import Fact
from tests.serve.test_actions import ALL_TIME, all_pages, expected, filters, get


def author_id(item: dict[str, Any]) -> str | None:
    return item["author"]["account_id"] if item["author"] else None


@settings(max_examples=30)
@given(question=filters)
def test_counts_are_those_of_the_facts_secured_ones_included(
    client: TestClient, facts: list[Fact], question: dict[str, Any]
) -> None:
    answer = get(client, "/api/v1/activity", limit=1_000, **question)
    wanted = expected(facts, question)
    counted = {
        (author_id(item), code): count
        for item in answer["items"]
        for code, count in item["counts"].items()
    }
    assert counted == Counter((fact.actor_account_id, fact.action_code) for fact in wanted)
    assert all(item["total"] == sum(item["counts"].values()) for item in answer["items"])
    assert answer["action_count"] == len(wanted)
    assert answer["author_count"] == len(answer["items"])
    listed = all_pages(client, "/api/v1/actions", limit=1_000, **question)
    assert len(wanted) - len(listed) == sum(fact.is_secured for fact in wanted)


@pytest.mark.parametrize(
    "sort", ["-total", "total", "display_name", "-display_name", "-ISSUE_CREATED", "STATUS_CHANGED"]
)
def test_order_is_total_and_pages_keep_it(client: TestClient, sort: str) -> None:
    whole = get(client, "/api/v1/activity", limit=1_000, sort=sort, **ALL_TIME)["items"]
    paged = all_pages(client, "/api/v1/activity", limit=7, sort=sort, **ALL_TIME)
    assert paged == whole

    def name_key(item: dict[str, Any]) -> tuple[bool, str, str]:
        author = item["author"]
        return (author is None, author["display_name"].lower() if author else "", "")

    key, sign = sort.removeprefix("-"), -1 if sort.startswith("-") else 1
    if key == "display_name":
        known = [name_key(item)[1] for item in whole if item["author"]]
        assert known == sorted(known, reverse=sign < 0)
        assert author_id(whole[-1]) is None
    else:
        by_key = sorted(
            whole,
            key=lambda item: (
                sign * (item["total"] if key == "total" else item["counts"].get(key, 0)),
                name_key(item),
            ),
        )
        assert whole == by_key


def test_unknown_author_has_a_row_of_its_own(client: TestClient, facts: list[Fact]) -> None:
    items = get(client, "/api/v1/activity", limit=1_000, **ALL_TIME)["items"]
    (unknown,) = [item for item in items if item["author"] is None]
    assert unknown["total"] == sum(fact.actor_account_id is None for fact in facts)
    assert set(unknown["counts"]) == {"ISSUE_DELETED", "COMMENT_DELETED"}


def test_zeros_gives_every_code_of_the_catalogue(client: TestClient) -> None:
    codes = {kind["code"] for kind in get(client, "/api/v1/meta")["action_types"]}
    jira = [
        kind for kind in get(client, "/api/v1/meta")["action_types"] if kind["product"] == "jira"
    ]
    assert len(jira) == 88
    plain = get(client, "/api/v1/activity", **ALL_TIME)["items"]
    zeros = get(client, "/api/v1/activity", zeros="true", **ALL_TIME)["items"]
    assert all(set(item["counts"]) == codes for item in zeros)
    assert [{c: n for c, n in item["counts"].items() if n} for item in zeros] == [
        item["counts"] for item in plain
    ]


def test_chosen_columns_are_given_and_the_total_is_of_all(client: TestClient) -> None:
    whole = get(client, "/api/v1/activity", limit=1_000, **ALL_TIME)["items"]
    columns = ["STATUS_CHANGED", "ISSUE_CREATED"]
    choices: tuple[dict[str, str], ...] = ({}, {"zeros": "true"})
    for more in choices:
        items = get(client, "/api/v1/activity", limit=1_000, column=columns, **more, **ALL_TIME)[
            "items"
        ]
        assert [item["total"] for item in items] == [item["total"] for item in whole]
        for item, all_columns in zip(items, whole, strict=True):
            assert item["counts"] == {
                code: all_columns["counts"].get(code, 0)
                for code in sorted(columns)
                if more or code in all_columns["counts"]
            }
    response = client.get("/api/v1/activity", params={"column": ["NO_SUCH"]})
    assert [error["field"] for error in response.json()["errors"]] == ["column"]


def test_empty_answer(client: TestClient) -> None:
    answer = get(client, "/api/v1/activity", **{"from": "2030-01-01"})
    assert (answer["items"], answer["author_count"], answer["action_count"]) == ([], 0, 0)
    assert answer["next_cursor"] is None


@pytest.mark.parametrize("sort", ["totals", "-NO_SUCH_CODE", "total; drop table x", "", "--total"])
def test_sort_outside_the_white_list_is_refused(client: TestClient, sort: str) -> None:
    response = client.get("/api/v1/activity", params={"sort": sort})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["sort"]
