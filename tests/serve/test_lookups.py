"""Type-ahead over the dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.query.lookups import LOOKUP_KINDS
from tests.serve.conftest import make_client, publish_copy
from tests.serve.test_actions import get

PEOPLE = {
    "p1": ("Zoë Müller-Łukasz", "zoe@example.com", True, False),
    "p2": ("Anna Muller", "anna.m@example.com", True, False),
    "p3": ("Ex Muller", None, False, True),
    "p4": ("O'Brien (Ángel)", "angel_o@example.com", False, False),
    "p5": (None, None, True, False),
}


@pytest.fixture(scope="module")
def people(marts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("people")
    copy = home / "people.duckdb"
    copy.write_bytes(marts.read_bytes())
    with duckdb.connect(str(copy)) as database:
        for account_id, (name, email, is_active, is_deleted) in PEOPLE.items():
            database.execute(
                "insert into dim_users select * replace (? as account_id, ? as display_name, "
                "? as email_address, ? as is_active, ? as is_deleted) from dim_users limit 1",
                [account_id, name, email, is_active, is_deleted],
            )
        database.execute("checkpoint")
    publish_copy(home, copy)
    with make_client(home) as client:
        yield client


def found(client: TestClient, kind: str, text: str) -> list[str]:
    return [item["id"] for item in get(client, f"/api/v1/lookups/{kind}", q=text)["items"]]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("muller", ["p2", "p1", "p3"]),
        ("MÜLLER", ["p2", "p1", "p3"]),
        ("zoe mul", ["p1"]),
        ("mul zoe", ["p1"]),
        ("uller", []),
        ("anna.m@ex", ["p2"]),
        ("brien", ["p4"]),
        ("ángel", ["p4"]),
        ("ex mul", ["p2", "p1", "p3"]),  # the word example of an address
        ("p5", ["p5"]),
        ("%", []),
    ],
)
def test_words_are_found_where_they_begin(
    people: TestClient, typed: str, wanted: list[str]
) -> None:
    assert [one for one in found(people, "users", typed) if one in PEOPLE] == wanted


def test_separators_are_no_words(people: TestClient) -> None:
    assert found(people, "users", " _-. ") == found(people, "users", "")


def test_what_is_gone_is_marked_and_last(people: TestClient) -> None:
    items = get(people, "/api/v1/lookups/users", q="muller")["items"]
    assert [item["state"] for item in items] == [None, None, "deleted"]
    assert items[0] == {
        "id": "p2",
        "label": "Anna Muller",
        "detail": "anna.m@example.com",
        "state": None,
    }


def test_at_most_fifty_and_says_that_there_are_more(people: TestClient) -> None:
    answer = get(people, "/api/v1/lookups/users")
    few = get(people, "/api/v1/lookups/users", q="muller")
    assert (len(answer["items"]), answer["has_more"]) == (45, False)
    assert few["has_more"] is False


def test_a_person_of_two_sites_is_found_once(client: TestClient) -> None:
    answer = get(client, "/api/v1/lookups/users", q="account-1")
    ids = [item["id"] for item in answer["items"]]
    assert len(ids) == len(set(ids))
    assert "account-1" in ids


@pytest.mark.parametrize(
    ("kind", "typed", "wanted"),
    [
        ("projects", "p0", "10000"),
        ("projects", "project 5", "10005"),
        ("groups", "group 3", "group-3"),
        ("organizations", "organ", "organization-9"),
        ("statuses", "in pro", "2"),
        ("resolutions", "dup", "10002"),
        ("fields", "story", "customfield_10016"),
        ("fields", "customfield", "customfield_10016"),
    ],
)
def test_every_kind_is_found(client: TestClient, kind: str, typed: str, wanted: str) -> None:
    assert wanted in found(client, kind, typed)


def test_ids_are_named_in_one_call(client: TestClient) -> None:
    answer = get(client, "/api/v1/lookups/statuses/labels", id=["4", "nope", "1", "4"])
    assert [item["label"] for item in answer["items"]] == ["Done", "To Do"]
    assert answer["unknown_ids"] == ["nope"]


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(LOOKUP_KINDS), text=st.text(max_size=40))
def test_whatever_is_typed_is_answered(client: TestClient, kind: str, text: str) -> None:
    response = client.get(f"/api/v1/lookups/{kind}", params={"q": text})
    assert response.status_code in {200, 422}
    body: dict[str, Any] = response.json()
    assert response.status_code == 200 or body["errors"][0]["field"] == "q"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/v1/lookups/planets", "kind"),
        ("/api/v1/lookups/users/labels", "id"),
        ("/api/v1/lookups/users?query=a", "query"),
        ("/api/v1/lookups/users?q=" + "a" * 256, "q"),
    ],
)
def test_bad_questions_name_the_field(client: TestClient, path: str, field: str) -> None:
    response = client.get(path)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
