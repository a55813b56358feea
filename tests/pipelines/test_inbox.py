"""The inbox: every delivery comes into the lake once, and leaves the database only afterwards."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipelines.config import Settings
from pipelines.errors import ConfigurationError, NotConnectedError
from pipelines.lake import raw_dir
from pipelines.runner import SyncReport, run_source
from pipelines.sources.inbox.database import InboxError, open_inbox
from serve.db.engine import database_address, open_engine
from serve.ingest import service
from serve.ingest.repository import InboxRepository
from tests.pipelines.conftest import ScriptedSite, lake_rows, settings_for
from tests.pipelines.inboxes import SITE_ID, give_site, push, receive, webhook


@pytest.fixture
def settings(home: Path) -> Settings:
    """Return settings of a home that knows its site; the site itself is never asked."""
    give_site(home)
    return settings_for("http://127.0.0.1:1", home)


def run(settings: Settings, *, full: bool = False) -> SyncReport:
    return run_source("inbox", settings, full=full)


def rows(home: Path, resource: str = "deliveries") -> list[dict[str, Any]]:
    found = lake_rows(home, "inbox", resource)
    return [row | {"payload": json.loads(row["payload"])} for row in found]


def in_database(home: Path) -> int:
    with closing(sqlite3.connect(home / "app.db")) as database:
        count: int = database.execute("select count(*) from inbox_deliveries").fetchone()[0]
    return count


def test_a_delivery_becomes_a_row_with_its_body_untouched(settings: Settings, home: Path) -> None:
    body = b'{ "webhookEvent":"comment_deleted","timestamp":1767601800123,"a":1.50,"b":"\xc3\xa9"}'
    before = datetime.now(UTC)
    push(home, body, "triggeredByUser=5b10%3Aac&x=1", identifier="i-1", flow="Secondary", retry="3")
    after = datetime.now(UTC)
    report = run(settings)
    [row] = lake_rows(home, "inbox", "deliveries")
    assert row["site_id"] == SITE_ID
    assert row["object_id"] == row["version"]
    assert len(row["object_id"]) == 64
    assert row["source_at"] == datetime(2026, 1, 5, 8, 30, 0, 123_000, tzinfo=UTC)
    assert before <= row["fetched_at"] <= after
    assert row["payload"].endswith('"body":' + body.decode() + "}")
    payload = json.loads(row["payload"])
    del payload["body"]
    assert payload == {
        "event": "comment_deleted",
        "flow": "Secondary",
        "identifier": "i-1",
        "retry": 3,
        "triggered_by": "5b10:ac",
        "query": {"triggeredByUser": "5b10:ac", "x": "1"},
    }
    assert (report.mode, report.rows["deliveries"], report.requests) == ("full", 1, {})
    assert report.cursor_to == row["fetched_at"].isoformat()


@pytest.mark.parametrize(
    ("query", "actor"),
    [
        ("", None),
        ("user_id=b", "b"),
        ("user_id=b&triggeredByUser=a", "a"),
        ("triggeredByUser=&user_id=b", "b"),
        ("triggeredByUser=" + "x" * 200, None),
        ("triggeredByUser=%ff%00", "\ufffd\x00"),
        ("&&&=", None),
    ],
)
def test_the_actor_of_the_query_string(
    settings: Settings, home: Path, query: str, actor: str | None
) -> None:
    push(home, webhook("sprint_started"), query)
    run(settings)
    [row] = rows(home)
    assert row["payload"]["triggered_by"] == actor
    assert row["payload"]["flow"] is row["payload"]["retry"] is None


def test_a_run_reads_only_what_is_new_and_a_full_one_everything(
    settings: Settings, home: Path
) -> None:
    for number in range(3):
        push(home, webhook("board_created", number))
    assert run(settings).rows["deliveries"] == 3
    assert "deliveries" not in run(settings).rows
    for number in range(2, 5):
        push(home, webhook("board_created", number))
    report = run(settings)
    assert (report.mode, report.rows["deliveries"]) == ("incremental", 2)
    assert sorted(row["payload"]["body"]["n"] for row in rows(home)) == [0, 1, 2, 3, 4]
    assert run(settings, full=True).rows["deliveries"] == 5
    assert len({row["object_id"] for row in rows(home)}) == 5


def test_a_replaced_or_restored_database_is_read_from_its_beginning(
    settings: Settings, home: Path
) -> None:
    for number in range(3):
        push(home, webhook("board_created", number))
    run(settings)
    for path in home.glob("app.db*"):
        path.unlink()
    for number in range(10, 15):
        push(home, webhook("board_created", number))
    assert run(settings).rows["deliveries"] == 5
    assert {row["payload"]["body"]["n"] for row in rows(home)} == {0, 1, 2, 10, 11, 12, 13, 14}


def test_views_are_rows_of_their_own(settings: Settings, home: Path) -> None:
    view = {"accountId": "a", "issueKey": "ABC-1", "source": "customer_portal"}
    timed = view | {"viewedAt": "2026-01-05T10:30:00+02:00"}
    assert receive(home, *service.views(json.dumps([view, timed]).encode())) == 2
    report = run(settings)
    assert (report.rows["issue_views"], report.rows.get("deliveries")) == (2, None)
    untimed, at_noon = sorted(
        rows(home, "issue_views"), key=lambda row: bool(row["payload"]["viewedAt"])
    )
    assert untimed["source_at"] == untimed["fetched_at"]
    assert at_noon["source_at"] == datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
    assert at_noon["payload"] == view | {
        "issueId": None, "viewedAt": "2026-01-05T08:30:00Z", "sender": "collector"
    }  # fmt: skip


def test_what_cannot_be_used_goes_to_quarantine_and_stops_nothing(
    settings: Settings, home: Path
) -> None:
    odd = [
        (b'{"timestamp": 5}', "no webhookEvent"),
        (b'{"webhookEvent": 5}', "no webhookEvent"),
        (b'{"webhookEvent": "a", "text": "\\ud800 \\u0000"}', "kept, with lone surrogates, NUL"),
    ]
    for body, _ in odd:
        push(home, body)
    push(home, webhook("board_created", timestamp="nonsense"))
    with closing(sqlite3.connect(home / "app.db")) as database, database:
        database.execute("update inbox_deliveries set body = x'7b' where id = 2")
        database.execute(
            "insert into inbox_deliveries (kind, received_at, headers, query, body, content_hash)"
            " select 'fax', received_at, headers, query, body, 'x' from inbox_deliveries where id=1"
        )
    report = run(settings)
    reasons = [row["payload"]["reason"] for row in rows(home, "quarantine")]
    assert report.quarantined == len(reasons) == 4
    assert sum(reason.startswith("unexpected shape") for reason in reasons) == 1
    assert "a delivery of unknown kind 'fax'" in reasons
    assert "no webhookEvent" in reasons
    kept = {row["payload"]["event"]: row for row in rows(home)}
    assert set(kept) == {"a", "board_created"}
    assert kept["a"]["payload"]["body"]["text"] == "\ufffd \u2400"
    assert kept["board_created"]["source_at"] is None


def test_the_database_lets_go_only_of_what_a_finished_load_holds(
    settings: Settings, home: Path
) -> None:
    settings = settings.model_copy(update={"inbox_retention_days": 0})
    for number in range(3):
        push(home, webhook("board_created", number))
    run(settings)
    assert in_database(home) == 3  # nothing of this load may go before it is finished
    push(home, webhook("board_created", 3))
    run(settings)
    # The last one read stays: by it the next run knows that this is still the same database.
    assert in_database(home) == 2
    run(settings)
    assert in_database(home) == 1
    assert len(rows(home)) == 4
    run(settings.model_copy(update={"inbox_retention_days": 30}))
    assert in_database(home) == 1


def test_a_load_that_did_not_finish_is_read_again(settings: Settings, home: Path) -> None:
    push(home, webhook("board_created"))
    run(settings)
    for path in (raw_dir(home) / "inbox" / "_dlt_loads").glob("*.jsonl"):
        path.unlink()
    push(home, webhook("board_created", 1))
    assert run(settings.model_copy(update={"inbox_retention_days": 0})).rows["deliveries"] == 2
    assert len(rows(home)) == in_database(home) == 2


def test_not_connected_before_anything_could_be_received(home: Path) -> None:
    give_site(home)
    settings = settings_for("http://127.0.0.1:1", home)
    with pytest.raises(NotConnectedError, match="AUDIT_LOG_WEBHOOK_SECRET"):
        run(settings)
    sqlite3.connect(home / "app.db").close()
    with pytest.raises(NotConnectedError):
        run(settings)
    assert not (home / "other.db").exists()
    with pytest.raises(NotConnectedError):
        run(
            settings.model_copy(
                update={"database_url": SecretStr(f"sqlite:///{home / 'other.db'}")}
            )
        )
    assert not (home / "other.db").exists()


@pytest.mark.parametrize("url", ["nonsense", "oracle://x", "postgresql+nosuchdriver://a/b"])
def test_an_address_that_is_none_is_one_line(settings: Settings, url: str) -> None:
    with pytest.raises(ConfigurationError, match="AUDIT_LOG_DATABASE_URL"):
        run(settings.model_copy(update={"database_url": SecretStr(url)}))


def test_a_damaged_database_is_one_line(settings: Settings, home: Path) -> None:
    (home / "app.db").write_bytes(b"no database at all, and long enough to be sure of it" * 50)
    with pytest.raises(InboxError, match="not a database"):
        run(settings)


def test_the_inbox_may_be_on_postgres(home: Path, postgres_url: str) -> None:
    give_site(home)
    settings = settings_for("http://127.0.0.1:1", home).model_copy(
        update={"database_url": SecretStr(postgres_url), "inbox_retention_days": 0}
    )
    engine = open_engine(database_address(home, postgres_url))
    with pytest.raises(NotConnectedError):
        run(settings)
    repository = InboxRepository(engine)
    repository.start()
    try:
        for number in range(3):
            delivery = service.webhook(webhook("board_created", number), {}, "user_id=a")
            repository.add([delivery]).result(timeout=300)
    finally:
        repository.close()
    report = run(settings)
    assert report.rows["deliveries"] == 3
    assert {row["payload"]["triggered_by"] for row in rows(home)} == {"a"}
    run(settings)
    with open_inbox(settings) as inbox:
        assert len(inbox.after(0, 10)) == 1
        assert report.cursor_to is not None
        assert inbox.oldest_after(datetime.fromisoformat(report.cursor_to)) is None


def test_what_waits_is_known_without_a_run(
    settings: Settings, home: Path, site: ScriptedSite
) -> None:
    push(home, webhook("board_created"))
    with open_inbox(settings) as inbox:
        oldest = inbox.oldest_after(None)
        assert oldest is not None
        assert oldest.isoformat() == run(settings).cursor_to
        assert inbox.oldest_after(oldest) is None
        push(home, webhook("board_created", 1))
        push(home, webhook("board_created", 2))
        waiting = inbox.oldest_after(oldest)
        assert waiting is not None
        assert waiting > oldest
        assert inbox.oldest_after(waiting) is not None
    assert site.requests == []
