"""Issues by `POST /issue/bulkfetch`, and the comments that come with them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from pipelines.client import Answer, Patience
from pipelines.errors import BadResponseError, SiteFailingError
from pipelines.paging import for_each
from pipelines.rows import decode_record, id_of, parse_time, version_at
from pipelines.sources.jira_issues.comments import CommentField, add_comments, read_all_comments
from pipelines.sync import Sync, chunks

BULK_FETCH = "/rest/api/3/issue/bulkfetch"
ISSUES_PER_REQUEST = 100
SPARE_WORKERS = 2
"""More workers than requests in flight, so that one is always ready to ask while others parse."""
BROKEN_CHUNK_PATIENCE = Patience(attempts=3, total_seconds=120)
BROKEN_ISSUES_LIMIT = 20
"""With more issues than this the site itself is broken, not single issues."""


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

    Raises SiteFailingError or BadResponseError when that is more than a few issues.
    """
    failed: set[str] = set()
    done = 0

    async def fetch(part: list[str]) -> None:
        nonlocal done
        await _fetch_part(sync, part, failed, None)
        done += len(part)
        sync.report("issues", done, len(ids))

    await for_each(
        chunks(ids, ISSUES_PER_REQUEST),
        fetch,
        workers=sync.settings.concurrency + SPARE_WORKERS,
    )
    if failed:
        sync.warn(f"{len(failed)} issues could not be sent by the site; the next sync asks again.")
    return failed


async def _fetch_part(
    sync: Sync, part: list[str], failed: set[str], patience: Patience | None
) -> None:
    """Fetch some issues. What the site cannot answer is halved until the broken one is found."""
    try:
        answer = await sync.client.post(
            BULK_FETCH,
            decode_bulk,
            body={"issueIdsOrKeys": part, "fields": ["*all"]},
            patience=patience,
        )
    except (SiteFailingError, BadResponseError):
        if len(failed) >= BROKEN_ISSUES_LIMIT:
            raise
        if len(part) == 1:
            failed.update(part)
        else:
            await _fetch_part(sync, part[::2], failed, BROKEN_CHUNK_PATIENCE)
            await _fetch_part(sync, part[1::2], failed, BROKEN_CHUNK_PATIENCE)
        return
    for record in answer.content.issues:
        await _add_issue(sync, record, answer)
    await sync.flush_full()
    refused = [str(error.id) for error in answer.content.errors]
    if len(part) == 1:
        failed.update(refused)
    else:
        for issue_id in refused:
            await _fetch_part(sync, [issue_id], failed, BROKEN_CHUNK_PATIENCE)


async def _add_issue(sync: Sync, record: msgspec.Raw, answer: Answer[BulkIssues]) -> None:
    text = sync.text("issues", record, answer.fetched_at)
    with sync.set_aside("issues", text, answer.fetched_at):
        issue = decode_record(text, _Issue)
        issue_id = id_of(issue.id)
        updated = parse_time(issue.fields.updated)
        sync.buffer("issues").add(
            issue_id,
            version=version_at(updated),
            source_at=updated,
            fetched_at=answer.fetched_at,
            payload=text,
        )
        await _add_comments(sync, issue_id, issue.fields.comment, answer)


async def _add_comments(
    sync: Sync, issue_id: str, field: msgspec.Raw, answer: Answer[BulkIssues]
) -> None:
    text = str(field, "utf-8")
    if text == "null":
        return
    fetched_at: datetime = answer.fetched_at
    with sync.set_aside("comments", text, fetched_at):
        inline = decode_record(text, CommentField)
        if inline.total is None or inline.total <= len(inline.comments):
            add_comments(sync, issue_id, inline.comments, fetched_at, answer.server_time)
        else:
            await read_all_comments(sync, issue_id)
