"""JQL over HTTP, for editors."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from serve.query.jql.fields import SYSTEM_FIELDS
from serve.query.jql.functions import FUNCTIONS
from serve.query.jql.printer import render
from tests.serve.jql_trees import Trees


def parsed(client: TestClient, text: str) -> dict[str, Any]:
    response = client.post("/api/v1/jql/parse", json={"jql": text})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_a_query_is_told_in_one_spelling(client: TestClient) -> None:
    answer = parsed(
        client,
        "PROJECT=demo && (status was not in ('In Progress', f(1)) BY currentUser() "
        "or 'Story Points'>3) order by created desc, project",
    )
    assert answer == {
        "fault": None,
        "jql": 'PROJECT = demo AND (status WAS NOT IN ("In Progress", f(1)) BY currentUser() '
        'OR "Story Points" > 3) ORDER BY created DESC, project',
        "fields": ["PROJECT", "status", "Story Points", "created", "project"],
        "functions": ["f", "currentUser"],
    }


def test_a_fault_has_its_place(client: TestClient) -> None:
    answer = parsed(client, "status = order")
    assert answer["jql"] is None
    assert (answer["fault"]["start"], answer["fault"]["end"]) == (9, 14)
    assert "reserved word" in answer["fault"]["reason"]
    assert answer["fault"]["remedy"]


def test_any_tree_is_read_back(client: TestClient) -> None:
    trees = Trees(seed=7)
    for _ in range(50):
        text = render(trees.query())
        assert parsed(client, text)["jql"] == text


@pytest.mark.parametrize("text", ["", "(" * 9_999, "x = " + "y" * 9_996, '"' * 9_999, "!" * 9_999])
def test_long_and_odd_texts_are_answered(client: TestClient, text: str) -> None:
    answer = parsed(client, text)
    assert (answer["fault"] is None) == (answer["jql"] is not None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"jql": "x" * 10_001}, "jql"),
        ({"jql": 1}, "jql"),
        ({}, "jql"),
        ({"jql": "", "more": 1}, "more"),
    ],
)
def test_bad_bodies_name_the_field(client: TestClient, body: dict[str, object], field: str) -> None:
    response = client.post("/api/v1/jql/parse", json=body)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff", b'{"jql": "\\ud800"}'])
def test_hostile_bodies_are_refused(client: TestClient, body: bytes) -> None:
    response = client.post(
        "/api/v1/jql/parse", content=body, headers={"Content-Type": "application/json"}
    )
    assert response.status_code in {400, 422}
    assert response.headers["content-type"] == "application/problem+json"


def test_the_reference_names_every_field_and_function(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    text = document["paths"]["/api/v1/jql/parse"]["post"]["description"]
    for field in SYSTEM_FIELDS:
        if field.refusal is None:
            assert all(f"`{name}`" in text for name in (field.name, *field.aliases))
    for function in FUNCTIONS.values():
        assert f"`{function.name}()`" in text
    assert "`status` (a choice): =, !=, IN, NOT IN, IS, IS NOT, WAS" in text
    assert "`startOfDay()`" in text
