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

from serve.query.lookups import LOOKUP_KINDS, _folded, unaccented
from tests.serve.conftest import make_client, publish_copy
from tests.serve.test_actions import get

PEOPLE = {
    "p1": ("Zoë Müller-Łukasz", "zoe@example.com", True, False),
    "p2": ("Anna Muller", "anna.m@example.com", True, False),
    "p3": ("Ex Muller", None, False, True),
    "p4": ("O'Brien (Ángel)", "angel_o@example.com", False, False),
    "p5": (None, None, True, False),
    # vowels as marks, capitals whose small letter depends on its place, letters without accents
    "p6": ("राम शर्मा", None, True, False),
    "p7": ("ปิยะ ชัยวัฒน์", None, True, False),
    "p8": ("ΝΙΚΟΣ Γεωργίου", None, True, False),
    "p9": ("Søren Strauß-Đorđević", None, True, False),
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
        for number in range(24):
            database.execute(
                "insert into dim_users select * replace (? as account_id, ? as display_name, "
                "null as email_address, true as is_active, false as is_deleted) "
                "from dim_users limit 1",
                [f"namesake-{number}", f"Namesake {'AB'[number % 2]}. {number}"],
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
        ("राम", ["p6"]),
        ("शर्मा", ["p6"]),
        ("ปิยะ", ["p7"]),
        ("ΝΙΚΟΣ", ["p8"]),
        ("νίκος γεω", ["p8"]),
        ("lukasz", ["p1"]),
        ("ŁUKASZ", ["p1"]),
        ("soren", ["p9"]),
        ("søren strauss", ["p9"]),
        ("STRAUẞ dord", ["p9"]),
        ("ex mul", ["p3"]),  # a word of a domain would find everybody
        ("com", []),
        ("@ex mul", ["p2", "p1", "p3"]),  # unless an address is meant
        ("angel_o@example.com", ["p4"]),
        ("p5", ["p5"]),
        ("P5", ["p5"]),
        ("namesake", []),
        ("%", []),
    ],
)
def test_words_are_found_where_they_begin(
    people: TestClient, typed: str, wanted: list[str]
) -> None:
    assert [one for one in found(people, "users", typed) if one in PEOPLE] == wanted


@pytest.mark.parametrize("kind", ["users", "groups", "projects"])
def test_an_id_is_found_as_a_whole_and_its_parts_are_no_words(
    client: TestClient, kind: str
) -> None:
    everything = get(client, f"/api/v1/lookups/{kind}", q="")["items"]
    thing_id = everything[0]["id"]
    assert thing_id in found(client, kind, thing_id)
    assert thing_id in found(client, kind, f" {thing_id.upper()} ")
    assert thing_id not in found(client, kind, thing_id[1:])


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
    whole = get(people, "/api/v1/lookups/users")
    assert (len(whole["items"]), whole["has_more"]) == (50, True)
    narrower = get(people, "/api/v1/lookups/users", q="namesake a")
    assert (len(narrower["items"]), narrower["has_more"]) == (12, False)


def test_people_come_by_their_last_activity(people: TestClient, marts: Path) -> None:
    with duckdb.connect(str(marts), read_only=True) as database:
        wanted = database.execute(
            "select account_id from dim_users left join agg_user_last_active "
            "using (site_id, account_id) where site_id = 'synthetic.atlassian.net' "
            "and is_active and not is_deleted order by last_active_at desc nulls last, "
            "lower(display_name)"
        ).fetchall()
    items = get(people, "/api/v1/lookups/users", q="person")["items"]
    in_use = [item["id"] for item in items if item["state"] is None]
    assert in_use == [account_id for (account_id,) in wanted if account_id not in PEOPLE]


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
        ("projects", "OLD", "10000"),
        ("projects", "old", "10000"),
        ("issue_types", "sub", "5"),
    ],
)
def test_every_kind_is_found(client: TestClient, kind: str, typed: str, wanted: str) -> None:
    assert wanted in found(client, kind, typed)


def test_a_project_is_found_once_by_all_its_keys(client: TestClient) -> None:
    assert found(client, "projects", "old") == ["10000"]
    assert found(client, "projects", "old ") == ["10000"]
    assert found(client, "projects", "p0") == ["10000"]
    assert found(client, "projects", "OLD-1") == []


def test_what_is_archived_deleted_or_hidden_is_found_and_marked(
    marts: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "gone.duckdb"
    copy.write_bytes(marts.read_bytes())
    states = ("archived", "trashed", "not_visible")
    with duckdb.connect(str(copy)) as database:
        for number, state in enumerate(states):
            database.execute(
                "update dim_projects set lifecycle_state = ? where project_id = ?",
                [state, str(10_001 + number)],
            )
        database.execute("update dim_statuses set is_deleted = true where status_id = '3'")
        database.execute("update dim_fields set is_deleted = true where field_id = 'priority'")
        database.execute("checkpoint")
    publish_copy(tmp_path, copy)
    with make_client(tmp_path) as client:
        items = get(client, "/api/v1/lookups/projects", q="project")["items"]
        assert [item["state"] for item in items if item["id"] <= "10003"] == [None, *states]
        for kind, typed in (
            ("statuses", "in review"),
            ("fields", "priority"),
            ("groups", "group 9"),
        ):
            (item,) = get(client, f"/api/v1/lookups/{kind}", q=typed)["items"]
            assert item["state"] == "deleted"
            (label,) = get(client, f"/api/v1/lookups/{kind}/labels", id=item["id"])["items"]
            assert label == item


def test_ids_are_named_in_one_call(client: TestClient) -> None:
    answer = get(client, "/api/v1/lookups/statuses/labels", id=["4", "nope", "1", "4"])
    assert [item["label"] for item in answer["items"]] == ["Done", "To Do"]
    assert answer["unknown_ids"] == ["nope"]


@settings(max_examples=300)
@given(text=st.text(max_size=20))
def test_what_is_typed_is_folded_like_what_is_searched(text: str) -> None:
    """Python folds what is typed, DuckDB the names: whatever the script, in the same way."""
    text = text.replace("\x00", "")
    with duckdb.connect() as database:
        found = database.execute(f"select {_folded('$text')}", {"text": text}).fetchall()
    assert found == [(unaccented(text),)]


@settings(max_examples=60)
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
