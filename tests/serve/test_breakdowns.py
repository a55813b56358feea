"""Breakdowns of the counts, against a reckoning in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations, groupby
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.query.breakdowns import NON_ISSUE, NON_PROJECT, SECURED
from serve.query.spec import BREAKDOWNS
from tests.serve.conftest import Fact
from tests.serve.test_actions import ALL_TIME, all_pages, expected, filters, get
from tests.serve.test_activity import author_id

SUBSETS = [
    subset for size in range(len(BREAKDOWNS) + 1) for subset in combinations(BREAKDOWNS, size)
]
LEGAL = [
    subset
    for subset in SUBSETS
    if not ("fields" in subset and {"status", "transition"} & set(subset))
]


def keys(fact: Fact, subset: tuple[str, ...]) -> list[tuple[str | None, ...]]:
    """Return the groups that a fact counts in: none, one, or one for each changed field."""
    if {"status", "transition"} & set(subset) and fact.to_status_id is None:
        return []
    parts: dict[str, list[str | None]] = {
        "projects": [fact.project_id],
        "status": [fact.to_status_id],
        "transition": [f"{fact.from_status_id}:{fact.to_status_id}"],
        "issues": [None if fact.is_secured else fact.issue_id],
        "fields": list(fact.field_ids),
    }
    found: list[tuple[str | None, ...]] = [()]
    for name in subset:
        found = [(*key, part) for key in found for part in parts[name]]
    return found


@settings(max_examples=40)
@given(question=filters, subset=st.sampled_from([subset for subset in LEGAL if subset]))
def test_groups_agree_with_plain_python(
    client: TestClient,
    facts: list[Fact],
    question: dict[str, Any],
    subset: tuple[str, ...],
) -> None:
    question = {**question, "breakdown": list(subset)}
    items = all_pages(client, "/api/v1/activity", limit=1_000, **question)
    fields = {"Story points": "customfield_10016"}
    asked = {fields.get(name, name) for name in question.get("field", [])}
    wanted: Counter[tuple[str | None, tuple[str | None, ...], bool, str]] = Counter()
    issues: defaultdict[tuple[str | None, tuple[str | None, ...], bool], set[str | None]] = (
        defaultdict(set)
    )
    for fact in expected(facts, question):
        for key in keys(fact, subset):
            if "fields" in subset and asked and key[subset.index("fields")] not in asked:
                continue
            is_nameless = "issues" in subset and fact.is_secured
            wanted[fact.actor_account_id, key, is_nameless, fact.action_code] += 1
            issues[fact.actor_account_id, key, is_nameless].add(fact.issue_id)
    counted = {
        (author_id(item), group_key(item), is_secured_group(item), code): count
        for item in items
        for code, count in item["counts"].items()
    }
    assert counted == wanted
    assert all(item["total"] == sum(item["counts"].values()) for item in items)
    for item in items:
        row = (author_id(item), group_key(item), is_secured_group(item))
        assert item["issue_count"] == len(issues[row] - {None})


def group_key(item: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple(group["id"] for group in item["groups"])


def is_secured_group(item: dict[str, Any]) -> bool:
    return any(group["label"] == SECURED for group in item["groups"])


@settings(max_examples=20)
@given(question=filters, by=st.sampled_from(["projects", "issues"]))
def test_projects_and_issues_add_up_to_the_plain_row(
    client: TestClient, question: dict[str, Any], by: str
) -> None:
    plain = get(client, "/api/v1/activity", limit=1_000, **question)
    groups = all_pages(client, "/api/v1/activity", limit=1_000, breakdown=by, **question)
    sums: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    for item in groups:
        sums[author_id(item)] += Counter(item["counts"])
    assert sums == {author_id(item): Counter(item["counts"]) for item in plain["items"]}


@pytest.mark.parametrize("subset", SUBSETS, ids="+".join)
def test_every_combination_follows_the_rule(client: TestClient, subset: tuple[str, ...]) -> None:
    response = client.get(
        "/api/v1/activity", params={"breakdown": list(subset), "limit": 1, **ALL_TIME}
    )
    if subset in LEGAL:
        assert response.status_code == 200
        assert [group["by"] for group in response.json()["items"][0]["groups"]] == list(subset)
    else:
        assert response.status_code == 422
        (error,) = response.json()["errors"]
        assert error["field"] == "breakdown"
        assert "cannot be combined with" in error["message"]


def test_meta_tells_the_rule(client: TestClient) -> None:
    told = {
        entry["by"]: set(entry["not_with"]) for entry in get(client, "/api/v1/meta")["breakdowns"]
    }
    assert list(told) == list(BREAKDOWNS)
    for subset in SUBSETS:
        assert (subset in LEGAL) == all(told[one].isdisjoint(subset) for one in subset)


@pytest.mark.parametrize("subset", [("projects",), ("issues",), ("projects", "transition")])
def test_pages_keep_one_order(client: TestClient, subset: tuple[str, ...]) -> None:
    question: dict[str, Any] = {"breakdown": list(subset), **ALL_TIME}
    whole = all_pages(client, "/api/v1/activity", limit=1_000, **question)
    page = get(client, "/api/v1/activity", limit=13, **question)
    assert page["row_count"] == len(whole)
    assert all_pages(client, "/api/v1/activity", limit=13, **question)[:200] == whole[:200]
    totals: Counter[str | None] = Counter()
    for item in whole:
        totals[author_id(item)] += item["total"]
    order = [totals[author_id(item)] for item in whole]
    assert order == sorted(order, reverse=True)
    blocks = [key for key, _ in groupby(author_id(item) for item in whole)]
    assert len(blocks) == len(set(blocks)), "the rows of an author stand together"


def test_groups_without_a_thing_have_names_of_their_own(client: TestClient) -> None:
    projects = get(client, "/api/v1/activity", limit=1_000, breakdown="projects", **ALL_TIME)
    issues = all_pages(client, "/api/v1/activity", limit=1_000, breakdown="issues", **ALL_TIME)
    nameless = {
        group["label"]
        for item in [*projects["items"], *issues]
        for group in item["groups"]
        if group["id"] is None
    }
    assert nameless == {NON_PROJECT, NON_ISSUE, SECURED}


def test_no_secured_issue_is_named(client: TestClient, marts: Path) -> None:
    with duckdb.connect(str(marts), read_only=True) as database:
        secured = {
            name
            for row in database.execute(
                "select issue_id, issue_key from dim_issues where is_secured"
            ).fetchall()
            for name in row
        }
    assert secured
    items = all_pages(client, "/api/v1/activity", limit=1_000, breakdown="issues", **ALL_TIME)
    named = {part for item in items for group in item["groups"] for part in group.values()}
    assert secured.isdisjoint(named)
