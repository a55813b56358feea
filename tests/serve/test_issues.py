"""The issues behind a number, and the links into Jira."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings

from serve.issues.service import MAX_URL, links
from tests.serve.conftest import Fact
from tests.serve.test_actions import ALL_TIME, all_pages, expected, filters, get


@pytest.fixture(scope="session")
def issues(marts: Path) -> dict[str, tuple[str, str]]:
    """Issue id -> (key, deletion state), of the site with the actions."""
    with duckdb.connect(str(marts), read_only=True) as database:
        rows = database.execute(
            "select issue_id, issue_key, deletion_state from dim_issues "
            "where site_id = 'synthetic.atlassian.net'"
        ).fetchall()
    return {issue_id: (key, state) for issue_id, key, state in rows}


def keys_of(url: str) -> list[str]:
    (jql,) = parse_qs(urlsplit(url).query)["jql"]
    return jql.removeprefix("issuekey in (").removesuffix(")").split(",")


@settings(max_examples=25)
@given(question=filters)
def test_all_issues_are_listed_with_their_actions(
    client: TestClient,
    facts: list[Fact],
    issues: dict[str, tuple[str, str]],
    question: dict[str, Any],
) -> None:
    items = all_pages(client, "/api/v1/issues", limit=1_000, **question)
    wanted = Counter(
        fact.issue_id
        for fact in expected(facts, question)
        if fact.issue_id is not None and not fact.is_secured
    )
    assert {item["issue"]["id"]: item["action_count"] for item in items} == wanted
    numbers = [int(item["issue"]["id"]) for item in items]
    assert numbers == sorted(numbers)
    for item in items:
        key, state = issues[item["issue"]["id"]]
        assert item["issue"]["key"] == key
        assert item["issue"]["is_deleted"] == (state == "deleted")
        assert item["issue"]["url"] == (
            f"https://{item['site_id']}/browse/{key}" if state != "deleted" else None
        )
    links_page = get(client, "/api/v1/issues/links", limit=1_000, **question)
    opened = [key for item in links_page["items"] for key in keys_of(item["url"])]
    present = [item["issue"]["key"] for item in items if item["issue"]["url"]]
    assert opened == present
    assert links_page["issue_count"] == len(present)


def test_links_are_ranges_of_a_hundred(client: TestClient) -> None:
    page = get(client, "/api/v1/issues/links", limit=1_000, **ALL_TIME)
    assert page["issue_count"] > 100
    ends = [(item["first"], item["last"]) for item in page["items"]]
    assert ends[0] == (1, 100)
    assert ends[1] == (101, page["issue_count"])
    assert all(item["url"].startswith(f"https://{item['site_id']}/") for item in page["items"])
    assert all_pages(client, "/api/v1/issues/links", limit=1, **ALL_TIME) == page["items"]


def test_pages_of_issues_joined_are_the_whole(client: TestClient) -> None:
    whole = get(client, "/api/v1/issues", limit=1_000, **ALL_TIME)
    assert all_pages(client, "/api/v1/issues", limit=17, **ALL_TIME) == whole["items"]
    assert whole["issue_count"] == len(whole["items"])


@pytest.mark.parametrize("length", [5, 20, 60, 255])
def test_an_address_that_would_be_too_long_is_split(length: int) -> None:
    keys = [f"{'K' * length}-{number}" for number in range(1, 101)]
    parts = list(links("example.atlassian.net", 201, keys))
    assert [key for part in parts for key in keys_of(part.url)] == keys
    assert all(len(part.url) <= MAX_URL for part in parts)
    assert parts[0].first == 201
    assert parts[-1].last == 300
    assert all(before.last + 1 == after.first for before, after in pairwise(parts))


def test_no_issues_is_an_empty_list(client: TestClient) -> None:
    for path in ("/api/v1/issues", "/api/v1/issues/links"):
        page = get(client, path, **{"from": "2030-01-01"})
        assert (page["items"], page["issue_count"], page["next_cursor"]) == ([], 0, None)
