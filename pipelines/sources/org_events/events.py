"""The event stream, `GET /admin/v1/orgs/{organization}/events-stream`, from the last cursor on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from pipelines.client import Answer
from pipelines.errors import RequestRefusedError
from pipelines.full_lists import ListPage, next_cursor
from pipelines.rows import Row, at_us, id_of, record_reader, time_us, us_of, version_at
from pipelines.sync import Sync

EVENTS = "/admin/v1/orgs/{organization}/events-stream"
EVENTS_PER_PAGE = 500
PAGES_PER_MINUTE = 50
PAGES_PER_RUN = 400
LATENESS = timedelta(days=2)
"""How late an event may be processed: how far back to read when the cursor is of no use."""
RETENTION = timedelta(days=180)


class _Attributes(msgspec.Struct):
    time: str


class _Event(msgspec.Struct):
    id: str | int
    attributes: _Attributes


_read_event = record_reader(_Event)


async def read_events(sync: Sync) -> None:
    """Store the events processed since the last run, and the cursor for the next one.

    State: `cursor` (text of the server's), `newest_event_us` (the newest event's time),
    `read_until` (server's time when the stream was last read to its end). A cursor that the
    server no longer takes costs a second reading from `LATENESS` before the newest event.
    """
    sync.organization.pace(f"GET {EVENTS}", per_minute=PAGES_PER_MINUTE)
    newest: int | None = None if sync.full else sync.state.get("newest_event_us")
    cursor: str | None = None if sync.full else sync.state.get("cursor")
    if newest is None:
        sync.mode = "full"
        since = sync.server_now - RETENTION
    else:
        sync.mode = "incremental"
        sync.cursor_from = version_at(at_us(newest))
        since = at_us(newest) - LATENESS
    _warn_of_gap(sync)
    try:
        await _read_pages(sync, cursor, since)
    except RequestRefusedError:
        if cursor is None:
            raise
        sync.warn(
            "The server no longer takes the stored cursor of the event stream; events of the last "
            "days were read again."
        )
        await _read_pages(sync, None, since)
    last: int | None = sync.state.get("newest_event_us")
    sync.cursor_to = None if last is None else version_at(at_us(last))


def _warn_of_gap(sync: Sync) -> None:
    read_until = sync.state.get("read_until")
    if read_until and sync.server_now - at_us(read_until) > RETENTION:
        sync.warn(
            f"Events were last read at {version_at(at_us(read_until))}; the organisation keeps "
            f"them for {RETENTION.days} days, so some are lost."
        )


async def _read_pages(sync: Sync, cursor: str | None, since: datetime) -> None:
    """Follow the stream from `cursor`, else from events of `since` on, `PAGES_PER_RUN` pages."""
    done = 0
    for _ in range(PAGES_PER_RUN):
        answer = await _ask(sync, cursor, since)
        page = answer.content
        sync.read_records("events", page.records, answer, _adder(sync, answer))
        await sync.flush_full()
        done += len(page.records)
        sync.report("events", done, None)
        # The last page names the cursor to go on with later, or none: then it is read again.
        is_last = not page.records or page.next_page_token in {None, cursor}
        cursor = page.next_page_token or cursor
        if cursor:
            sync.state["cursor"] = cursor
        if is_last:
            sync.state["read_until"] = us_of(sync.server_now)
            return
    sync.warn(f"More than {done} events were waiting; the next run goes on with the others.")


async def _ask(sync: Sync, cursor: str | None, since: datetime) -> Answer[ListPage]:
    start = ("cursor", cursor) if cursor else ("from", str(us_of(since) // 1_000))
    params = (("limit", str(EVENTS_PER_PAGE)), start)
    return await sync.organization.get(
        EVENTS, _decode, path={"organization": sync.settings.org_id or ""}, params=params
    )


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]


def _decode(body: bytes) -> ListPage:
    page = msgspec.json.decode(body, type=_Page)
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return ListPage(page.data, next_page_token=next_cursor(members))


def _adder(sync: Sync, answer: Answer[ListPage]) -> Callable[[bytes], None]:
    buffer, fetched_us = sync.buffer("events"), answer.fetched_us

    def add(record: bytes) -> None:
        event = _read_event(record)
        event_id, occurred_us = id_of(event.id), time_us(event.attributes.time)
        buffer.add(Row(event_id, event_id, fetched_us, record, occurred_us))
        newest = sync.state.get("newest_event_us")
        sync.state["newest_event_us"] = occurred_us if newest is None else max(newest, occurred_us)

    return add
