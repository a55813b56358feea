"""Which issues there are: ids by `POST /search/jql`, never more fields than needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

import msgspec

from pipelines.client import Answer, server_time_after
from pipelines.paging import complete, token_pages
from pipelines.rows import NEVER, BadRecordError, at_us, id_of, record_reader, time_us
from pipelines.sync import Sync
from pipelines.windows import BEGINNING, jql_minute, zone_of

SEARCH = "/rest/api/3/search/jql"
IDS_PER_PAGE = 5_000

Found = Callable[[Iterable[str]], None]


class SearchPage(msgspec.Struct):
    """A page of `/search/jql`."""

    records: list[msgspec.Raw] = msgspec.field(name="issues")
    next_page_token: str | None = msgspec.field(name="nextPageToken", default=None)


class _PlainIssue(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(pattern="^[0-9]+$")]


_decode_plain = msgspec.json.Decoder(list[_PlainIssue]).decode


class _Identity(msgspec.Struct):
    id: str | int


_read_identity = record_reader(_Identity)


class _UpdatedField(msgspec.Struct):
    updated: str | int


class _Updated(msgspec.Struct):
    fields: _UpdatedField


_read_updated = record_reader(_Updated)


@dataclass(slots=True)
class IdListing:
    """A complete listing of ids. Times are the server's, but `fetched_us` is ours."""

    started_at: datetime
    ids: set[str] = field(default_factory=set)
    unreadable: int = 0
    finished_at: datetime = NEVER
    fetched_us: int = 0


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
        return at_us(time_us(_read_updated(record).fields.updated))
    return None


async def list_changed(sync: Sync, since: datetime, found: Found) -> IdListing:
    """List the issues changed at or after `since`, oldest change first.

    `found` is told the ids of each page at once, of a listing that had to start again too.
    """
    jql = f'updated >= "{_minute(sync, since)}" ORDER BY updated ASC'
    return await _list(sync, jql, found)


async def list_everything(sync: Sync, found: Found | None = None) -> IdListing:
    """List all visible issues, in an order that edits made meanwhile do not disturb."""
    jql = f'updated >= "{_minute(sync, BEGINNING)}" ORDER BY created ASC'
    return await _list(sync, jql, found)


async def _list(sync: Sync, jql: str, found: Found | None) -> IdListing:
    async def ask(token: str | None) -> Answer[SearchPage]:
        body = {"jql": jql, "fields": ["id"], "maxResults": IDS_PER_PAGE}
        return await sync.client.post(
            SEARCH, _decode_page, body=body | ({"nextPageToken": token} if token else {})
        )

    async def read() -> IdListing:
        listing = IdListing(started_at=sync.server_now)
        async for answer in token_pages(ask):
            listing.finished_at = server_time_after(answer)
            listing.fetched_us = answer.fetched_us
            ids = _plain_ids(answer)
            if ids is None:
                ids = []
                listing.unreadable += sync.read_records(
                    "issue_presence", answer.content.records, answer, _id_reader(ids)
                )
            listing.ids.update(ids)
            if found:
                found(ids)
            sync.report("listing", len(listing.ids), None)
        return listing

    return await complete(read, "issues")


def _plain_ids(answer: Answer[SearchPage]) -> list[str] | None:
    """Return the ids of a page in one go, or None when one is not as it should be."""
    try:
        issues = _decode_plain(b"[" + b",".join(answer.content.records) + b"]")
    except msgspec.ValidationError:
        return None
    return [issue.id for issue in issues] if answer.is_plain else None


def _id_reader(ids: list[str]) -> Callable[[bytes], None]:
    def read(record: bytes) -> None:
        ids.append(_issue_id(_read_identity(record).id))

    return read


def _issue_id(value: str | int) -> str:
    issue_id = id_of(value)
    if not (issue_id.isascii() and issue_id.isdigit()):
        raise BadRecordError(f"no issue id: {issue_id[:40]!r}")
    return issue_id


def _minute(sync: Sync, moment: datetime) -> str:
    return jql_minute(moment, zone_of(sync.time_zone))
