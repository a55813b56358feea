"""Histories by `POST /changelog/bulkfetch`: up to 1,000 issues a request, a row per history."""

from __future__ import annotations

from datetime import datetime

import msgspec

from pipelines.client import Answer
from pipelines.paging import complete, for_each, token_pages
from pipelines.rows import decode_record, id_of, parse_time
from pipelines.sync import Sync, chunks

BULK_FETCH = "/rest/api/3/changelog/bulkfetch"
ISSUES_PER_REQUEST = 1_000
HISTORIES_PER_PAGE = 10_000


class ChangelogPage(msgspec.Struct):
    """A page of histories grouped by issue; one issue's may continue on the next page."""

    records: list[msgspec.Raw] = msgspec.field(name="issueChangeLogs")
    next_page_token: str | None = msgspec.field(name="nextPageToken", default=None)


class _IssueHistories(msgspec.Struct):
    issue_id: str | int = msgspec.field(name="issueId")
    histories: list[msgspec.Raw] = msgspec.field(name="changeHistories")


class _History(msgspec.Struct):
    id: str | int
    created: str | int | float


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
        for record in answer.content.records:
            text = str(bytes(record), "utf-8", "replace")
            with sync.set_aside("changelogs", text, answer.fetched_at):
                group = decode_record(bytes(record), _IssueHistories)
                issue_id = id_of(group.issue_id)
                for history in group.histories:
                    _add_history(sync, issue_id, history, answer.fetched_at)
        await sync.flush_full()


def _add_history(sync: Sync, issue_id: str, record: msgspec.Raw, fetched_at: datetime) -> None:
    text = sync.text("changelogs", record, fetched_at)
    with sync.set_aside("changelogs", text, fetched_at):
        history = decode_record(text, _History)
        history_id = id_of(history.id)
        sync.buffer("changelogs").add(
            history_id,
            parent_id=issue_id,
            version=history_id,
            source_at=parse_time(history.created),
            fetched_at=fetched_at,
            payload=text,
        )
