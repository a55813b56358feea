"""Comments: inline in the issue when all fit, else by `GET /issue/{id}/comment`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from pipelines.client import Answer
from pipelines.errors import NotFoundError, PermissionDeniedError
from pipelines.paging import OffsetPage, complete, offset_pages
from pipelines.rows import Row, at_us, id_of, record_reader, sha256, time_us, us_of, version_at
from pipelines.sync import Sync

COMMENTS = "/rest/api/3/issue/{id}/comment"
COMMENTS_PER_PAGE = 5_000


class CommentField(msgspec.Struct):
    """The inline comments of an issue, and how many there are altogether."""

    comments: list[msgspec.Raw]
    total: int | None = None


class _Comment(msgspec.Struct):
    id: str | int
    updated: str | int


_read_comment = record_reader(_Comment)


def _decode_page(body: bytes) -> OffsetPage:
    page = msgspec.json.decode(body, type=CommentField)
    return OffsetPage(page.comments, page.total)


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
    if unusable:
        return
    listing = msgspec.json.encode(ids)
    # a list that comes back (comment added, then deleted) must be a version of its own
    version = f"{sha256(listing)}.{sync.run_id}"
    sync.buffer("comment_listings").add(
        Row(issue_id, version, fetched_us, listing, us_of(answer.server_time), issue_id)
    )


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
