"""Comments: inline in the issue when all fit, else by `GET /issue/{id}/comment`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import msgspec
import pyarrow as pa

from pipelines.client import Answer
from pipelines.errors import NotFoundError, PermissionDeniedError
from pipelines.paging import OffsetPage, complete, offset_pages
from pipelines.rows import (
    TIMESTAMP,
    PlainId,
    Row,
    Rows,
    at_us,
    id_of,
    record_reader,
    sha256,
    time_us,
    times_column,
    us_of,
    version_at,
)
from pipelines.sync import Sync

COMMENTS = "/rest/api/3/issue/{id}/comment"
COMMENTS_PER_PAGE = 5_000
NO_IDS = msgspec.json.encode([])


class CommentField(msgspec.Struct):
    """The inline comments of an issue, and how many there are altogether."""

    comments: list[msgspec.Raw]
    total: int | None = None


class _Comment(msgspec.Struct):
    id: str | int
    updated: str | int


_read_comment = record_reader(_Comment)


class _PlainComment(msgspec.Struct):
    id: PlainId
    updated: str | int


_decode_plain = msgspec.json.Decoder(list[_PlainComment]).decode


def _decode_page(body: bytes) -> OffsetPage:
    page = msgspec.json.decode(body, type=CommentField)
    return OffsetPage(page.comments, page.total)


def add_all_comments(
    sync: Sync, listings: Sequence[tuple[str, list[msgspec.Raw]]], answer: Answer[Any]
) -> None:
    """Add all comments of many issues, each with its listing. See `add_comments`."""
    if not (answer.is_plain and _add_plain_comments(sync, listings, answer)):
        for issue_id, records in listings:
            add_comments(sync, issue_id, [(records, answer)])


def _add_plain_comments(
    sync: Sync, listings: Sequence[tuple[str, list[msgspec.Raw]]], answer: Answer[Any]
) -> bool:
    """Add them column by column; False, with nothing added, when one is not as it should be."""
    records = [record for _, held in listings for record in held]
    if not records:
        _add_listings(
            sync, [issue_id for issue_id, _ in listings], [NO_IDS] * len(listings), answer
        )
        return True
    try:
        comments = _decode_plain(b"[" + b",".join(records) + b"]")
    except msgspec.ValidationError:
        return False
    updated = times_column([comment.updated for comment in comments])
    if updated is None:
        return False
    ids = [comment.id for comment in comments]
    parents = [issue_id for issue_id, held in listings for _ in held]
    sync.buffer("comments").extend(Rows(ids, None, answer.fetched_us, records, updated, parents))
    ends = accumulate(len(held) for _, held in listings)
    texts = [
        msgspec.json.encode(ids[end - len(held) : end])
        for (_, held), end in zip(listings, ends, strict=True)
    ]
    _add_listings(sync, [issue_id for issue_id, _ in listings], texts, answer)
    return True


def _add_listings(
    sync: Sync, issue_ids: list[str], listings: list[bytes], answer: Answer[Any]
) -> None:
    # a list that comes back (comment added, then deleted) must be a version of its own
    version_of = {listing: f"{sha256(listing)}.{sync.run_id}" for listing in set(listings)}
    versions = [version_of[listing] for listing in listings]
    told_at = pa.repeat(pa.scalar(us_of(answer.server_time), TIMESTAMP), len(issue_ids))
    sync.buffer("comment_listings").extend(
        Rows(issue_ids, versions, answer.fetched_us, listings, told_at, issue_ids)
    )


def add_comments(
    sync: Sync, issue_id: str, parts: Iterable[tuple[list[msgspec.Raw], Answer[Any]]]
) -> None:
    """Add all comments of an issue, and the listing that says these are all.

    `parts` are its comments with the answers that held them, in order. With a record that cannot
    be read no listing is added: it could not prove a deletion.
    """
    buffer = sync.buffer("comments")
    ids: list[str] = []
    unusable = 0
    for records, answer in parts:
        fetched_us = answer.fetched_us

        def add(record: bytes, fetched_us: int = fetched_us) -> None:
            comment = _read_comment(record)
            comment_id, updated = id_of(comment.id), time_us(comment.updated)
            version = version_at(at_us(updated))
            # a copy: a view would keep the whole page with its issues in memory
            buffer.add(Row(comment_id, version, fetched_us, bytes(record), updated, issue_id))
            ids.append(comment_id)

        unusable += sync.read_records("comments", records, answer, add)
    if not unusable:
        _add_listings(sync, [issue_id], [msgspec.json.encode(ids)], answer)


async def read_all_comments(sync: Sync, issue_id: str) -> None:
    """Page through the comments of one issue; nothing is added when it vanished meanwhile."""

    async def ask(start: int) -> Answer[OffsetPage]:
        return await sync.client.get(
            COMMENTS,
            _decode_page,
            path={"id": issue_id},
            params=(
                ("startAt", str(start)),
                ("maxResults", str(COMMENTS_PER_PAGE)),
                ("orderBy", "created"),
            ),
        )

    async def read() -> list[Answer[OffsetPage]]:
        return [answer async for answer in offset_pages(ask)]

    try:
        answers = await complete(read, f"comments of issue {issue_id}")
    except (NotFoundError, PermissionDeniedError):
        return
    add_comments(sync, issue_id, [(answer.content.records, answer) for answer in answers])
