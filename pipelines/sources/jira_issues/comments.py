"""Comments: inline in the issue when all fit, else by `GET /issue/{id}/comment`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from pipelines.client import Answer, server_time_after
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
    time_us,
    times_column,
    us_of,
    version_at,
)
from pipelines.sync import Sync

COMMENTS = "/rest/api/3/issue/{id}/comment"
COMMENTS_PER_PAGE = 5_000


class CommentField(msgspec.Struct):
    """The inline comments of an issue, and how many there are altogether."""

    comments: list[msgspec.Raw]
    total: int | None = None


class CommentedIssue(NamedTuple):
    """An issue whose comments are listed, and its own version (`version_at` of `updated`).

    Whatever happens to a comment moves `updated`, so the listing is not older than that.
    """

    id: str
    version: str


class _Listing(msgspec.Struct):
    """What the lake keeps of a complete listing. It was worked out after `asked_at` (UTC)."""

    asked_at: str
    issue_updated_at: str
    comment_ids: list[str]


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
    sync: Sync, held: Sequence[tuple[CommentedIssue, list[msgspec.Raw]]], answer: Answer[Any]
) -> None:
    """Add all comments of many issues, each with its listing. See `add_comments`."""
    if not (answer.is_plain and _add_plain_comments(sync, held, answer)):
        for issue, records in held:
            add_comments(sync, issue, [(records, answer)])


def _add_plain_comments(
    sync: Sync, held: Sequence[tuple[CommentedIssue, list[msgspec.Raw]]], answer: Answer[Any]
) -> bool:
    """Add them column by column; False, with nothing added, when one is not as it should be."""
    records = [record for _, of_issue in held for record in of_issue]
    if not records:
        _add_listings(sync, [(issue, []) for issue, _ in held], answer, answer)
        return True
    try:
        comments = _decode_plain(b"[" + b",".join(records) + b"]")
    except msgspec.ValidationError:
        return False
    updated = times_column([comment.updated for comment in comments])
    if updated is None:
        return False
    ids = [comment.id for comment in comments]
    parents = [issue.id for issue, of_issue in held for _ in of_issue]
    sync.buffer("comments").extend(Rows(ids, None, answer.fetched_us, records, updated, parents))
    ends = accumulate(len(of_issue) for _, of_issue in held)
    listings = [
        (issue, ids[end - len(of_issue) : end])
        for (issue, of_issue), end in zip(held, ends, strict=True)
    ]
    _add_listings(sync, listings, answer, answer)
    return True


def _add_listings(
    sync: Sync,
    listings: Sequence[tuple[CommentedIssue, list[str]]],
    first: Answer[Any],
    last: Answer[Any],
) -> None:
    """Add listings of comment ids that the answers from `first` to `last` held."""
    asked_at = version_at(first.asked_at)
    texts = [msgspec.json.encode(_Listing(asked_at, issue.version, ids)) for issue, ids in listings]
    # a list that comes back (comment added, then deleted) must be a version of its own
    versions = [f"{issue.version}.{sync.run_id}" for issue, _ in listings]
    told_at = pa.repeat(pa.scalar(us_of(server_time_after(last)), TIMESTAMP), len(listings))
    issue_ids = [issue.id for issue, _ in listings]
    sync.buffer("comment_listings").extend(
        Rows(issue_ids, versions, last.fetched_us, texts, told_at, issue_ids)
    )


def add_comments(
    sync: Sync, issue: CommentedIssue, parts: Sequence[tuple[list[msgspec.Raw], Answer[Any]]]
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
            buffer.add(Row(comment_id, version, fetched_us, bytes(record), updated, issue.id))
            ids.append(comment_id)

        unusable += sync.read_records("comments", records, answer, add)
    if not unusable:
        _add_listings(sync, [(issue, ids)], parts[0][1], parts[-1][1])


async def read_all_comments(sync: Sync, issue: CommentedIssue) -> None:
    """Page through the comments of one issue; nothing is added when it vanished meanwhile."""

    async def ask(start: int) -> Answer[OffsetPage]:
        return await sync.client.get(
            COMMENTS,
            _decode_page,
            path={"id": issue.id},
            params=(
                ("startAt", str(start)),
                ("maxResults", str(COMMENTS_PER_PAGE)),
                ("orderBy", "created"),
            ),
        )

    async def read() -> list[Answer[OffsetPage]]:
        return [answer async for answer in offset_pages(ask)]

    try:
        answers = await complete(read, f"comments of issue {issue.id}")
    except (NotFoundError, PermissionDeniedError):
        return
    add_comments(sync, issue, [(answer.content.records, answer) for answer in answers])
