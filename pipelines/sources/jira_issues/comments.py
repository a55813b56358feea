"""Comments: inline in the issue when all fit, else by `GET /issue/{id}/comment`."""

from __future__ import annotations

from datetime import datetime

import msgspec

from pipelines.client import Answer
from pipelines.errors import NotFoundError, PermissionDeniedError
from pipelines.paging import OffsetPage, complete, offset_pages
from pipelines.rows import decode_record, id_of, parse_time, sha256, version_at
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


def _decode_page(body: bytes) -> OffsetPage:
    page = msgspec.json.decode(body, type=CommentField)
    return OffsetPage(page.comments, page.total)


def add_comments(
    sync: Sync,
    issue_id: str,
    records: list[msgspec.Raw],
    fetched_at: datetime,
    server_time: datetime,
) -> None:
    """Add all comments of an issue, and the listing that says these are all.

    With a record that cannot be read no listing is added: it could not prove a deletion.
    """
    buffer = sync.buffer("comments")
    ids: list[str] = []
    for record in records:
        text = sync.text("comments", record, fetched_at)
        with sync.set_aside("comments", text, fetched_at):
            comment = decode_record(text, _Comment)
            comment_id = id_of(comment.id)
            updated = parse_time(comment.updated)
            buffer.add(
                comment_id,
                parent_id=issue_id,
                version=version_at(updated),
                source_at=updated,
                fetched_at=fetched_at,
                payload=text,
            )
            ids.append(comment_id)
    if len(ids) == len(records):
        listing = msgspec.json.encode(ids).decode()
        sync.buffer("comment_listings").add(
            issue_id,
            parent_id=issue_id,
            # a list that comes back (comment added, then deleted) must be a version of its own
            version=f"{sha256(listing)}.{sync.run_id}",
            source_at=server_time,
            fetched_at=fetched_at,
            payload=listing,
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
    records = [record for answer in answers for record in answer.content.records]
    add_comments(sync, issue_id, records, answers[0].fetched_at, answers[0].server_time)
