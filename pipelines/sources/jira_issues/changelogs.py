"""Histories by `POST /changelog/bulkfetch`: many issues a request, a row per history."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from pipelines.client import Answer
from pipelines.paging import complete, for_each, token_pages
from pipelines.rows import Row, id_of, record_reader, time_us
from pipelines.sync import Sync, chunks

BULK_FETCH = "/rest/api/3/changelog/bulkfetch"
ISSUES_PER_REQUEST = 250
HISTORIES_PER_PAGE = 5_000
"""Below what the API allows (1,000 and 10,000): such pages take long to make and, several in
flight, much memory."""


class ChangelogPage(msgspec.Struct):
    """A page of histories grouped by issue; one issue's may continue on the next page."""

    records: list[msgspec.Raw] = msgspec.field(name="issueChangeLogs")
    next_page_token: str | None = msgspec.field(name="nextPageToken", default=None)


class _IssueHistories(msgspec.Struct):
    issue_id: str | int = msgspec.field(name="issueId")
    histories: list[msgspec.Raw] = msgspec.field(name="changeHistories")


_read_group = record_reader(_IssueHistories)


class _History(msgspec.Struct):
    id: str | int
    created: str | int | float


_read_history = record_reader(_History)


def _decode_page(body: bytes) -> ChangelogPage:
    return msgspec.json.decode(body, type=ChangelogPage)


async def fetch_changelogs(sync: Sync, ids: list[str]) -> None:
    """Fetch the whole history of every issue."""
    done = 0

    async def fetch(part: list[str]) -> None:
        nonlocal done
        await complete(lambda: _fetch_chunk(sync, part), "changelogs")
        done += len(part)
        sync.report("changelogs", done, len(ids))

    await for_each(chunks(ids, ISSUES_PER_REQUEST), fetch, workers=sync.settings.concurrency)


async def _fetch_chunk(sync: Sync, part: list[str]) -> None:
    async def ask(token: str | None) -> Answer[ChangelogPage]:
        body = {"issueIdsOrKeys": part, "maxResults": HISTORIES_PER_PAGE}
        return await sync.client.post(
            BULK_FETCH, _decode_page, body=body | ({"nextPageToken": token} if token else {})
        )

    async for answer in token_pages(ask):
        sync.read_records("changelogs", answer.content.records, answer, _group_reader(sync, answer))
        await sync.flush_full()


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
