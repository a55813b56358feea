"""An inbox with deliveries in it, filled by the code that serve fills it with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from pipelines.lake import write_manifest
from pipelines.loading import load
from pipelines.rows import Row, RowBuffer, us_of
from pipelines.sync import ResourceTable
from serve.db.engine import database_address, open_engine
from serve.ingest import service
from serve.ingest.repository import Delivery, InboxRepository

SITE_ID = "example.atlassian.net"
STAMP = 1_767_601_800_123


def give_site(home: Path) -> None:
    """Make the lake know whose data it holds, as a sync of the site would."""
    buffer = RowBuffer(SITE_ID)
    buffer.add(Row("1", "1", us_of(datetime.now(UTC)), b"{}"))
    load(home, "jira_platform", lambda _: iter([ResourceTable("projects", buffer.take())]))
    write_manifest(home)


def webhook(event: str, number: int = 0, **more: object) -> bytes:
    """Make the body of a webhook; `number` sets one apart from another."""
    content = {"timestamp": STAMP + number, "webhookEvent": event, "n": number, **more}
    return json.dumps(content).encode()


def receive(home: Path, *deliveries: Delivery) -> int:
    """Store deliveries as serve does; returns how many were new."""
    repository = InboxRepository(open_engine(database_address(home, None)))
    repository.start()
    try:
        return sum(repository.add([delivery]).result(timeout=300) for delivery in deliveries)
    finally:
        repository.close()


def push(home: Path, body: bytes, query: str = "", **headers: str) -> int:
    """Store one webhook; `headers` without their common prefix."""
    named = {f"x-atlassian-webhook-{name}": value for name, value in headers.items()}
    return receive(home, service.webhook(body, named, query))
