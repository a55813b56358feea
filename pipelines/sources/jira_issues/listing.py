"""Which issues there are: ids by `POST /search/jql`, never more fields than needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from pipelines.client import Answer, server_time_after
from pipelines.paging import complete, token_pages
from pipelines.rows import BadRecordError, decode_record, id_of, parse_time
from pipelines.sync import Sync
from pipelines.windows import BEGINNING, jql_minute, zone_of

SEARCH = "/rest/api/3/search/jql"
IDS_PER_PAGE = 5_000


class SearchPage(msgspec.Struct):
    """A page of `/search/jql`."""

    records: list[msgspec.Raw] = msgspec.field(name="issues")
    next_page_token: str | None = msgspec.field(name="nextPageToken", default=None)


class _Identity(msgspec.Struct):
    id: str | int


class _UpdatedField(msgspec.Struct):
    updated: str | int


class _Updated(msgspec.Struct):
    fields: _UpdatedField


@dataclass(slots=True)
class IdListing:
    """A complete listing of ids. `started_at`/`finished_at` are server times."""

    ids: set[str]
    unreadable: int
    started_at: datetime
    finished_at: datetime
    fetched_at: datetime


def _decode_page(body: bytes) -> SearchPage:
    return msgspec.json.decode(body, type=SearchPage)


async def high_water(sync: Sync) -> datetime | None:
    """Return `updated` of the most recently changed issue (UTC), or None on an empty site."""
    answer = await sync.client.post(
        SEARCH,
        _decode_page,
        body={
            "jql": f'updated >= "{_minute(sync, BEGINNING)}" ORDER BY updated DESC',
            "fields": ["updated"],
            "maxResults": 1,
        },
    )
    for record in answer.content.records:
        return parse_time(decode_record(bytes(record), _Updated).fields.updated)
    return None


async def list_changed(sync: Sync, since: datetime) -> IdListing:
    """List the issues changed at or after `since`, oldest change first."""
    return await _list(sync, f'updated >= "{_minute(sync, since)}" ORDER BY updated ASC')


async def list_everything(sync: Sync) -> IdListing:
    """List all visible issues, in an order that edits made meanwhile do not disturb."""
    return await _list(sync, f'updated >= "{_minute(sync, BEGINNING)}" ORDER BY created ASC')


async def _list(sync: Sync, jql: str) -> IdListing:
    async def read() -> IdListing:
        ids: set[str] = set()
        unreadable = 0
        listing: IdListing | None = None

        async def ask(token: str | None) -> Answer[SearchPage]:
            body = {"jql": jql, "fields": ["id"], "maxResults": IDS_PER_PAGE}
            return await sync.client.post(
                SEARCH, _decode_page, body=body | ({"nextPageToken": token} if token else {})
            )

        async for answer in token_pages(ask):
            for record in answer.content.records:
                try:
                    issue_id = id_of(decode_record(bytes(record), _Identity).id)
                    if not issue_id.isascii() or not issue_id.isdigit():
                        raise BadRecordError(f"no issue id: {issue_id[:40]!r}")
                    ids.add(issue_id)
                except BadRecordError as error:
                    unreadable += 1
                    text = str(bytes(record), "utf-8", "replace")
                    sync.quarantine("issue_presence", str(error), text, answer.fetched_at)
            listing = IdListing(
                ids, unreadable, sync.server_now, server_time_after(answer), answer.fetched_at
            )
            sync.report("listing", len(ids), None)
        assert listing
        return listing

    return await complete(read, "issues")


def _minute(sync: Sync, moment: datetime) -> str:
    return jql_minute(moment, zone_of(sync.time_zone))
