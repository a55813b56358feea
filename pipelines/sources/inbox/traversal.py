"""One run over the inbox: deliveries behind the cursor -> rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import msgspec

from pipelines.rows import BadRecordError, Row, is_plain, mend, time_us, us_of
from pipelines.sources.inbox.database import Inbox, StoredDelivery, open_inbox
from pipelines.sync import Sync

PAGE_ROWS = 200
ACTOR_PARAMETERS = ("triggeredByUser", "user_id")
"""Where Jira tells in the query string who caused an event, best first."""
MAX_ID_CHARACTERS = 128


class Cursor(msgspec.Struct):
    """The last delivery read. Times are ISO texts in UTC, to the microsecond."""

    id: int = 0
    content_hash: str = ""
    received_at: str | None = None


async def traverse(sync: Sync) -> None:
    """Read every delivery that came after the last one read, and prune old ones."""
    cursor = msgspec.convert(sync.state.get("cursor", {}), Cursor)
    with open_inbox(sync.settings) as inbox:
        # A database that was replaced or restored gives numbers again: then everything is read.
        is_known = inbox.holds(cursor.id, cursor.content_hash)
        if is_known:
            retention = timedelta(days=sync.settings.inbox_retention_days)
            inbox.prune(cursor.id, datetime.now(UTC) - retention)
        if not is_known or sync.full:
            cursor = Cursor()
        sync.mode = "incremental" if cursor.id else "full"
        sync.cursor_from = cursor.received_at
        cursor = await _read(sync, inbox, cursor)
        sync.cursor_to = cursor.received_at
    sync.state["cursor"] = msgspec.to_builtins(cursor)


async def _read(sync: Sync, inbox: Inbox, cursor: Cursor) -> Cursor:
    done = 0
    while page := inbox.after(cursor.id, PAGE_ROWS):
        for delivery in page:
            _add(sync, delivery)
        last = page[-1]
        cursor = Cursor(last.id, last.content_hash, last.received_at.isoformat())
        done += len(page)
        sync.report("deliveries", done, None)
        await sync.flush_full()
    return cursor


def _add(sync: Sync, delivery: StoredDelivery) -> None:
    fetched_us = us_of(delivery.received_at)
    resource, make = _KINDS.get(delivery.kind, ("deliveries", _unknown))
    try:
        text, replaced = _readable(delivery.body)
        row = make(delivery, text, fetched_us)
    except BadRecordError as error:
        sync.quarantine(resource, str(error), delivery.body, fetched_us)
        return
    if replaced:
        reason = f"kept, with {replaced} replaced"
        sync.quarantine(resource, reason, delivery.body, fetched_us)
    sync.buffer(resource).add(row)


def _readable(body: bytes) -> tuple[bytes, str | None]:
    """Return a body as text every reader can take, and what was replaced in it, if anything."""
    if is_plain(body):
        try:
            msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            pass  # perhaps it can be mended
        else:
            return body, None
    return mend(body)


def _webhook(delivery: StoredDelivery, text: bytes, fetched_us: int) -> Row:
    body = _members(text)
    event = body.get("webhookEvent")
    if not isinstance(event, str) or not event:
        raise BadRecordError("no webhookEvent")
    query = parse_qs(delivery.query)
    headers = delivery.headers
    retry = str(headers.get("x-atlassian-webhook-retry", ""))
    content = {
        "event": event,
        "flow": headers.get("x-atlassian-webhook-flow"),
        "identifier": headers.get("x-atlassian-webhook-identifier"),
        "retry": int(retry) if retry.isdecimal() and len(retry) < 10 else None,  # noqa: PLR2004 - digits of a number that fits everywhere
        "triggered_by": _actor(query),
        "query": {name: values[0] for name, values in query.items()},
        "body": msgspec.Raw(text),
    }
    return Row(
        delivery.content_hash,
        delivery.content_hash,
        fetched_us,
        msgspec.json.encode(content),
        _time(body.get("timestamp")),
    )


def _view(delivery: StoredDelivery, text: bytes, fetched_us: int) -> Row:
    viewed_us = _time(_members(text).get("viewedAt"))
    return Row(
        delivery.content_hash,
        delivery.content_hash,
        fetched_us,
        text,
        fetched_us if viewed_us is None else viewed_us,
    )


def _unknown(delivery: StoredDelivery, _text: bytes, _fetched_us: int) -> Row:
    raise BadRecordError(f"a delivery of unknown kind {delivery.kind[:40]!r}")


_KINDS = {"jira": ("deliveries", _webhook), "issue_view": ("issue_views", _view)}


def _members(text: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecordError(f"unexpected shape: {error}") from error


def _actor(query: dict[str, list[str]]) -> str | None:
    found = (query[name][0] for name in ACTOR_PARAMETERS if name in query)
    return next((actor for actor in found if 0 < len(actor) <= MAX_ID_CHARACTERS), None)


def _time(value: object) -> int | None:
    try:
        return time_us(value)
    except BadRecordError:
        return None
