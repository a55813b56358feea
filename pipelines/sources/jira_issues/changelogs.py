"""Histories by `POST /changelog/bulkfetch`: many issues a request, a row per history."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from pipelines.client import Answer
from pipelines.paging import complete, token_pages
from pipelines.rows import (
    PlainId,
    Row,
    Rows,
    id_of,
    is_plain,
    record_reader,
    time_us,
    times_column,
)
from pipelines.sources.jira_issues.feed import IdFeed
from pipelines.sync import Sync

BULK_FETCH = "/rest/api/3/changelog/bulkfetch"
ISSUES_PER_REQUEST = 250
HISTORIES_PER_PAGE = 5_000
"""Below what the API allows (1,000 and 10,000): such pages take long to make and, several in
flight, much memory."""


class ChangelogPage(NamedTuple):
    """A page of histories; one issue's may continue on the next page.

    `columns` holds ids, times and issues of `records` when these are histories as they should be;
    where it is None, `records` are the groups of histories that the page holds, to look at one by
    one.
    """

    records: list[msgspec.Raw]
    next_page_token: str | None = None
    columns: _Columns | None = None


class _Columns(NamedTuple):
    ids: list[str]
    created: pa.Array[Any]
    issue_ids: list[str]


class _RawGroup(msgspec.Struct):
    issue_id: PlainId = msgspec.field(name="issueId")
    histories: list[msgspec.Raw] = msgspec.field(name="changeHistories")


class _RawPage(msgspec.Struct):
    groups: list[_RawGroup] = msgspec.field(name="issueChangeLogs")
    next_page_token: str | None = msgspec.field(name="nextPageToken", default=None)


class _PlainHistory(msgspec.Struct):
    id: PlainId
    created: str | int


class _PlainGroup(msgspec.Struct):
    histories: list[_PlainHistory] = msgspec.field(name="changeHistories")


class _PlainPage(msgspec.Struct):
    groups: list[_PlainGroup] = msgspec.field(name="issueChangeLogs")


class _AnyPage(msgspec.Struct):
    groups: list[msgspec.Raw] = msgspec.field(name="issueChangeLogs")
    next_page_token: str | None = msgspec.field(name="nextPageToken", default=None)


_decode_raw = msgspec.json.Decoder(_RawPage).decode
_decode_plain = msgspec.json.Decoder(_PlainPage).decode
_decode_any = msgspec.json.Decoder(_AnyPage).decode


class _IssueHistories(msgspec.Struct):
    issue_id: str | int = msgspec.field(name="issueId")
    histories: list[msgspec.Raw] = msgspec.field(name="changeHistories")


_read_group = record_reader(_IssueHistories)


class _History(msgspec.Struct):
    id: str | int
    created: str | int | float


_read_history = record_reader(_History)


def decode_page(body: bytes) -> ChangelogPage:
    """Decode a page whole if every history is as it should be, else only into groups."""
    if is_plain(body):
        with suppress(msgspec.ValidationError):
            page, plain = _decode_raw(body), _decode_plain(body)
            histories = [history for group in plain.groups for history in group.histories]
            created = times_column([history.created for history in histories])
            if created is not None:
                issue_ids = [group.issue_id for group in page.groups for _ in group.histories]
                columns = _Columns([history.id for history in histories], created, issue_ids)
                records = [record for group in page.groups for record in group.histories]
                return ChangelogPage(records, page.next_page_token, columns)
    whole = _decode_any(body)
    return ChangelogPage(whole.groups, whole.next_page_token)


async def fetch_changelogs(sync: Sync, feed: IdFeed) -> None:
    """Fetch the whole history of every issue."""
    done = 0

    async def fetch(part: list[str]) -> None:
        nonlocal done
        await complete(lambda: _fetch_chunk(sync, part), "changelogs")
        done += len(part)
        sync.report("changelogs", done, feed.total)

    await feed.each(ISSUES_PER_REQUEST, fetch, workers=sync.settings.concurrency)


async def _fetch_chunk(sync: Sync, part: list[str]) -> None:
    async def ask(token: str | None) -> Answer[ChangelogPage]:
        body = {"issueIdsOrKeys": part, "maxResults": HISTORIES_PER_PAGE}
        return await sync.client.post(
            BULK_FETCH, decode_page, body=body | ({"nextPageToken": token} if token else {})
        )

    async for answer in token_pages(ask):
        _add_page(sync, answer)
        await sync.flush_full()


def _add_page(sync: Sync, answer: Answer[ChangelogPage]) -> None:
    page = answer.content
    if page.columns is None:
        sync.read_records("changelogs", page.records, answer, _group_reader(sync, answer))
        return
    ids, created, issue_ids = page.columns
    rows = Rows(ids, ids, answer.fetched_us, page.records, created, issue_ids)
    sync.buffer("changelogs").extend(rows)


def _group_reader(sync: Sync, answer: Answer[ChangelogPage]) -> Callable[[bytes], None]:
    buffer, fetched_us = sync.buffer("changelogs"), answer.fetched_us

    def read(group_record: bytes) -> None:
        group = _read_group(group_record)
        issue_id = id_of(group.issue_id)

        def add(record: bytes) -> None:
            history = _read_history(record)
            history_id, created = id_of(history.id), time_us(history.created)
            buffer.add(Row(history_id, history_id, fetched_us, record, created, issue_id))

        sync.read_records("changelogs", group.histories, answer, add)

    return read
