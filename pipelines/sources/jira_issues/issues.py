"""Issues by `POST /issue/bulkfetch`, and the comments that come with them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from pipelines.client import Patience
from pipelines.errors import BadResponseError, SiteFailingError
from pipelines.paging import for_each
from pipelines.rows import BadRecordError, decode_record, id_of, parse_time, text_of, version_at
from pipelines.sources.jira_issues.comments import CommentField, add_comments, read_all_comments
from pipelines.sync import Sync, chunks

BULK_FETCH = "/rest/api/3/issue/bulkfetch"
ISSUES_PER_REQUEST = 100
SPARE_WORKERS = 2
"""More workers than requests in flight, so that one is always ready to ask while others parse."""
BROKEN_CHUNK_PATIENCE = Patience(attempts=3, total_seconds=120)
BROKEN_ISSUES_LIMIT = 20


class IssueError(msgspec.Struct):
    """An issue the site could not send just now."""

    id: str | int


class BulkIssues(msgspec.Struct):
    """The answer of a bulk fetch. Issues in neither list do not exist or are not visible."""

    issues: list[msgspec.Raw]
    errors: list[IssueError] = msgspec.field(name="issueErrors", default_factory=list)


class _Fields(msgspec.Struct):
    updated: str | int
    comment: msgspec.Raw = msgspec.Raw(b"null")


class _Issue(msgspec.Struct):
    id: str | int
    fields: _Fields


def decode_bulk(body: bytes) -> BulkIssues:
    """Decode the answer of a bulk fetch without touching the issues."""
    return msgspec.json.decode(body, type=BulkIssues)


async def fetch_issues(sync: Sync, ids: list[str]) -> set[str]:
    """Fetch issues with all fields; return the ids the site could not send now.

    A request that the site cannot answer is halved until the one issue that breaks it is found.
    """
    failed: set[str] = set()
    done = 0

    async def fetch(part: list[str], patience: Patience | None = None) -> None:
        try:
            answer = await sync.client.post(
                BULK_FETCH,
                decode_bulk,
                body={"issueIdsOrKeys": part, "fields": ["*all"]},
                patience=patience,
            )
        except (SiteFailingError, BadResponseError):
            if len(part) == 1:
                failed.add(part[0])
                if len(failed) > BROKEN_ISSUES_LIMIT:
                    raise
                return
            for half in (part[: len(part) // 2], part[len(part) // 2 :]):
                await fetch(half, BROKEN_CHUNK_PATIENCE)
            return
        for record in answer.content.issues:
            await _add_issue(sync, bytes(record), answer.fetched_at, answer.server_time)
        await sync.flush_full()
        refused = [str(error.id) for error in answer.content.errors]
        if refused and len(part) > 1:
            for issue_id in refused:
                await fetch([issue_id], BROKEN_CHUNK_PATIENCE)
        else:
            failed.update(refused)

    async def fetch_chunk(part: list[str]) -> None:
        nonlocal done
        await fetch(part)
        done += len(part)
        sync.report("issues", done, len(ids))

    await for_each(
        chunks(ids, ISSUES_PER_REQUEST),
        fetch_chunk,
        workers=sync.settings.concurrency + SPARE_WORKERS,
    )
    if failed:
        sync.warn(f"{len(failed)} issues could not be sent by the site; the next sync asks again.")
    return failed


async def _add_issue(
    sync: Sync, record: bytes, fetched_at: datetime, server_time: datetime
) -> None:
    text, replaced = text_of(record)
    try:
        issue = decode_record(text, _Issue)
        issue_id = id_of(issue.id)
        updated = parse_time(issue.fields.updated)
    except BadRecordError as error:
        sync.quarantine("issues", str(error), text, fetched_at)
        return
    if replaced:
        original = str(record, "utf-8", "replace")
        sync.quarantine("issues", f"kept, with {replaced} replaced", original, fetched_at)
    sync.buffer("issues").add(
        issue_id,
        version=version_at(updated),
        source_at=updated,
        fetched_at=fetched_at,
        payload=text,
    )
    try:
        comment = decode_record(bytes(issue.fields.comment), CommentField | None)
    except BadRecordError as error:
        sync.quarantine("comments", str(error), str(issue.fields.comment, "utf-8"), fetched_at)
        return
    if comment is None:
        return
    if comment.total is None or comment.total <= len(comment.comments):
        add_comments(sync, issue_id, comment.comments, fetched_at, server_time)
    else:
        await read_all_comments(sync, issue_id)
