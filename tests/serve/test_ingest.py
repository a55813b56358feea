"""Receiving: who is let in, what is refused, what is kept, and that it stays kept."""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serve.ingest.schemas import MAX_VIEWS
from serve.json_body import MAX_DEPTH
from serve.middleware import MAX_INGEST_BODY_BYTES
from tests.serve.conftest import make_client

SECRET = "webhook-secret"  # noqa: S105 - of a receiver that lives for one test
VIEWS_SECRET = "views-secret"  # noqa: S105 - of a receiver that lives for one test
BODY = b'{"timestamp": 1767601800000, "webhookEvent": "comment_deleted", "comment": {"id": "7"}}'
VIEW = {"accountId": "5b10:ac-8d", "issueKey": "ABC-1", "source": "issue_view"}


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[TestClient]:
    secrets = {"webhook_secret": SECRET, "views_secret": VIEWS_SECRET}
    with make_client(tmp_path / "home", **secrets) as client:
        yield client


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def push(client: TestClient, body: bytes, query: str = "", **headers: str) -> tuple[int, Any]:
    sent = {"X-Hub-Signature": signature(body)}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.post(f"/ingest/jira{query}", content=body, headers=sent)
    return answer.status_code, answer.json()


def look(client: TestClient, body: object, secret: str = VIEWS_SECRET) -> tuple[int, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {secret}"}
    answer = client.post("/ingest/issue-views", content=content, headers=headers)
    return answer.status_code, answer.json()


def kept(home: Path) -> list[dict[str, Any]]:
    """Return the rows of the inbox, whose table a starting receiver may still be making."""
    with closing(sqlite3.connect(home / "app.db")) as database:
        database.row_factory = sqlite3.Row
        deadline = time.monotonic() + 60
        while not database.execute("select 1 from sqlite_master limit 1").fetchall():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        rows = database.execute("select * from inbox_deliveries order by id").fetchall()
    return [dict(row) for row in rows]


def test_a_signed_webhook_is_kept_as_it_came(receiver: TestClient, tmp_path: Path) -> None:
    status, answer = push(
        receiver,
        BODY,
        "?triggeredByUser=5b10%3Aac",
        X_Atlassian_Webhook_Identifier="one",
        X_Atlassian_Webhook_Flow="Primary",
        X_Atlassian_Webhook_Retry="2",
        X_Other="not kept",
    )
    assert (status, answer) == (200, {"stored": 1, "known": 0})
    (row,) = kept(tmp_path / "home")
    assert (row["kind"], row["body"], row["query"]) == ("jira", BODY, "triggeredByUser=5b10%3Aac")
    assert json.loads(row["headers"]) == {
        "x-atlassian-webhook-identifier": "one",
        "x-atlassian-webhook-flow": "Primary",
        "x-atlassian-webhook-retry": "2",
    }
    assert (tmp_path / "home" / "app.db").stat().st_mode & 0o077 == 0


def test_the_same_content_is_kept_once_whatever_its_identifier(
    receiver: TestClient, tmp_path: Path
) -> None:
    push(receiver, BODY, "?triggeredByUser=first", X_Atlassian_Webhook_Identifier="one")
    reordered = json.dumps(dict(reversed(json.loads(BODY).items()))).encode()
    for body, identifier in ((BODY, "one"), (BODY, "two"), (reordered, "three")):
        status, answer = push(
            receiver, body, "?triggeredByUser=forged", X_Atlassian_Webhook_Identifier=identifier
        )
        assert (status, answer) == (200, {"stored": 0, "known": 1})
    (row,) = kept(tmp_path / "home")
    assert row["query"] == "triggeredByUser=first"


@pytest.mark.parametrize(
    "given",
    [
        [],
        [""],
        ["sha256="],
        [signature(BODY)[:-1]],
        [signature(BODY) + "0"],
        [signature(BODY).replace("sha256=", "sha1=")],
        [signature(BODY)[7:]],
        ["sha256=" + "g" * 64],
        ["sha256=" + "\u00e9" * 64],
        [signature(BODY, "another secret")],
        [signature(BODY + b" ")],
        [signature(BODY), signature(BODY)],
    ],
)
def test_a_wrong_signature_is_401_and_nothing_is_kept(
    receiver: TestClient, tmp_path: Path, given: list[str]
) -> None:
    headers = [(b"x-hub-signature", value.encode("latin-1")) for value in given]
    answer = receiver.post("/ingest/jira", content=BODY, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["type"].endswith("#unauthorized")
    assert kept(tmp_path / "home") == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5_000 + b"}",
        b'{"a": "\xff"}',
        '{"a": "é"}'.encode("utf-16"),
        b'{"a": ' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}",
        b"[" * 100_000,
    ],
)
def test_signed_garbage_is_400_and_nothing_is_kept(
    receiver: TestClient, tmp_path: Path, body: bytes
) -> None:
    status, answer = push(receiver, body)
    assert (status, answer["title"]) == (400, "Bad request")
    assert kept(tmp_path / "home") == []


def test_odd_but_readable_bodies_are_kept(receiver: TestClient, tmp_path: Path) -> None:
    bodies = [
        b'{"a": "\\ud800 alone", "b": "\\u0000"}',
        b'{"a": ' + b"[" * (MAX_DEPTH - 2) + b"]" * (MAX_DEPTH - 2) + b"}",
        b'{"a": "' + b"x" * (MAX_INGEST_BODY_BYTES - 20) + b'"}',
        json.dumps({f"key {number}": number for number in range(60_000)}).encode(),
    ]
    for body in bodies:
        assert push(receiver, body)[0] == 200
    assert [row["body"] for row in kept(tmp_path / "home")] == bodies


def test_too_much_is_413_and_compressed_is_415(receiver: TestClient, tmp_path: Path) -> None:
    status, _ = push(receiver, b'{"a": "' + b"x" * MAX_INGEST_BODY_BYTES + b'"}')
    assert status == 413
    assert push(receiver, BODY, Content_Encoding="gzip")[0] == 415
    assert push(receiver, BODY, "?" + "x" * 5_000)[0] == 400
    assert kept(tmp_path / "home") == []


@pytest.mark.parametrize(
    ("path", "variable"),
    [
        ("/ingest/jira", "AUDIT_LOG_WEBHOOK_SECRET"),
        ("/ingest/issue-views", "AUDIT_LOG_VIEWS_SECRET"),
    ],
)
@pytest.mark.parametrize("value", [None, ""])
def test_without_a_secret_nothing_is_received(
    tmp_path: Path, path: str, variable: str, value: str | None
) -> None:
    with make_client(tmp_path, webhook_secret=value, views_secret=value) as client:
        headers = {"X-Hub-Signature": signature(BODY, ""), "Authorization": "Bearer "}
        answer = client.post(path, content=BODY, headers=headers)
    assert answer.status_code == 503
    assert variable in answer.json()["detail"]
    assert variable in answer.json()["remedy"]
    assert kept(tmp_path) == []


def test_deliveries_may_come_under_any_host_and_reading_may_not(receiver: TestClient) -> None:
    """A tunnel keeps its public name in the Host header; the secret is the lock there."""
    public = {"Host": "audit.example.com"}
    assert push(receiver, BODY, **public)[0] == 200
    for path in ("/healthz", "/api/v1/meta", "/ingest", "/%69ngest/../healthz"):
        assert receiver.get(path, headers=public).status_code == 421, path


def test_views_are_kept_one_by_one(receiver: TestClient, tmp_path: Path) -> None:
    forge = {
        "eventType": "avi:jira:viewed:issue",
        "issue": {"id": 10042, "key": "ABC-2", "fields": {"summary": "not kept"}},
        "atlassianId": "someone",
        "user": {"any": "thing"},
    }
    portal = {
        "accountId": "qm:1-2",
        "issueId": "10001",
        "source": "customer_portal",
        "viewedAt": "2026-01-05T10:30:00.5+02:00",
    }
    assert look(receiver, VIEW) == (200, {"stored": 1, "known": 0})
    assert look(receiver, [forge, portal]) == (200, {"stored": 2, "known": 0})
    rows = kept(tmp_path / "home")
    assert {row["kind"] for row in rows} == {"issue_view"}
    assert [json.loads(row["body"]) for row in rows] == [
        VIEW | {"issueId": None, "viewedAt": None, "sender": "collector"},
        {
            "accountId": "someone",
            "issueId": "10042",
            "issueKey": "ABC-2",
            "source": "issue_view",
            "viewedAt": None,
            "sender": "forge",
        },
        portal
        | {"issueKey": None, "viewedAt": "2026-01-05T08:30:00.500000Z", "sender": "collector"},
    ]
    # Without a time a second look cannot be told from a request sent twice; with one it can.
    assert look(receiver, [VIEW, portal]) == (200, {"stored": 1, "known": 1})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"accountId": None}, "accountId"),
        ({"accountId": "with space"}, "accountId"),
        ({"accountId": 5}, "accountId"),
        ({"accountId": "\ud800"}, "accountId"),
        ({"issueKey": None}, "body"),
        ({"issueKey": "abc-1"}, "issueKey"),
        ({"issueKey": "ABC"}, "issueKey"),
        ({"issueId": "1e3"}, "issueId"),
        ({"issueId": 10**30}, "issueId"),
        ({"issueId": True}, "issueId"),
        ({"source": "email"}, "source"),
        ({"viewedAt": 5}, "viewedAt"),
        ({"viewedAt": "2026-01-05T10:30:00"}, "viewedAt"),
        ({"viewedAt": "0001-01-01T00:00:00+14:00"}, "viewedAt"),
        ({"viewedAt": "9999-01-01T00:00:00Z"}, "viewedAt"),
        ({"owner": "x"}, "owner"),
        ({"eventType": "avi:jira:created:issue"}, "eventType"),
    ],
)
def test_one_wrong_view_refuses_the_whole_request_and_is_named(
    receiver: TestClient, tmp_path: Path, change: dict[str, object], field: str
) -> None:
    status, answer = look(receiver, VIEW | change)
    assert (status, answer["type"].rpartition("#")[2]) == (422, "invalid-body")
    assert field in {error["field"] for error in answer["errors"]}
    status, answer = look(receiver, [VIEW, VIEW | change])
    assert status == 422
    assert all(error["field"].startswith("[1]") for error in answer["errors"])
    assert kept(tmp_path / "home") == []


@pytest.mark.parametrize("body", [b"", b"nonsense", b'{"a": NaN}', b"[" * 5_000])
def test_views_that_are_no_json_are_400(receiver: TestClient, body: bytes) -> None:
    assert look(receiver, body)[0] == 400


@pytest.mark.parametrize("body", [[], [VIEW] * (MAX_VIEWS + 1), 5, None, [[VIEW]], ["text"]])
def test_views_in_another_shape_are_422(receiver: TestClient, body: object) -> None:
    assert look(receiver, body)[0] == 422


@pytest.mark.parametrize("secret", ["", "views-secre", "views-secret ", "\u00e9", "x" * 5_000])
def test_a_wrong_bearer_is_401(receiver: TestClient, tmp_path: Path, secret: str) -> None:
    headers = [(b"authorization", b"Bearer " + secret.encode("latin-1"))]
    answer = receiver.post("/ingest/issue-views", json=VIEW, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    for other in ({}, {"Authorization": VIEWS_SECRET}, {"Authorization": f"Basic {VIEWS_SECRET}"}):
        assert receiver.post("/ingest/issue-views", json=VIEW, headers=other).status_code == 401
    assert kept(tmp_path / "home") == []


def test_reading_goes_on_when_the_inbox_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "app.db").write_bytes(b"this is no database, and long enough to tell" * 100)
    with make_client(tmp_path, webhook_secret=SECRET) as client:
        status, answer = push(client, BODY)
        assert (status, answer["type"].rpartition("#")[2]) == (503, "inbox-failing")
        assert client.get("/healthz").status_code == 200
