"""Issues by `POST /issue/bulkfetch`, and the comments that come with them."""

from __future__ import annotations

import msgspec

from pipelines.client import Answer, Patience
from pipelines.errors import BadResponseError, NotJsonError, SiteFailingError
from pipelines.paging import for_each
from pipelines.rows import Row, at_us, decode_record, id_of, time_us, version_at
from pipelines.sources.jira_issues.comments import CommentField, add_comments, read_all_comments
from pipelines.sync import Sync, chunks

BULK_FETCH = "/rest/api/3/issue/bulkfetch"
ISSUES_PER_REQUEST = 100
SPARE_WORKERS = 2
"""More workers than requests in flight, so that one is always ready to ask while others parse."""
BROKEN_CHUNK_PATIENCE = Patience(attempts=3, total_seconds=120)
BROKEN_ISSUES_LIMIT = 20
"""With more issues than this the site itself is broken, not single issues."""


NO_COMMENTS = msgspec.Raw(b"null")


class IssueError(msgspec.Struct):
    """An issue the site could not send just now."""

    id: str | int


class BulkIssues(msgspec.Struct):
    """The answer of a bulk fetch. Issues in neither list do not exist or are not visible."""

    issues: list[msgspec.Raw]
    errors: list[IssueError] = msgspec.field(name="issueErrors", default_factory=list)


class _Fields(msgspec.Struct):
    updated: str | int
    comment: msgspec.Raw = NO_COMMENTS


class _Issue(msgspec.Struct):
    id: str | int
    fields: _Fields


def decode_bulk(body: bytes) -> BulkIssues:
    """Decode the answer of a bulk fetch without touching the issues."""
    return msgspec.json.decode(body, type=BulkIssues)


async def fetch_issues(sync: Sync, ids: list[str]) -> set[str]:
    """Fetch issues with all fields; return the ids the site could not send now.

    Raises SiteFailingError or BadResponseError when that is more than a few issues, NotJsonError
    when the site does not speak JSON at all.
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
    except NotJsonError:
        raise  # no issue makes the site answer with a page
    except (SiteFailingError, BadResponseError):
        if len(failed) >= BROKEN_ISSUES_LIMIT:
            raise
        if len(part) == 1:
            failed.update(part)
        else:
            await _fetch_part(sync, part[::2], failed, BROKEN_CHUNK_PATIENCE)
            await _fetch_part(sync, part[1::2], failed, BROKEN_CHUNK_PATIENCE)
        return
    for issue_id in _add_issues(sync, answer):
        await read_all_comments(sync, issue_id)
    await sync.flush_full()
    refused = [str(error.id) for error in answer.content.errors]
    if len(part) == 1:
        failed.update(refused)
    else:
        for issue_id in refused:
            await _fetch_part(sync, [issue_id], failed, BROKEN_CHUNK_PATIENCE)


def _add_issues(sync: Sync, answer: Answer[BulkIssues]) -> list[str]:
    """Add issues and their inline comments; return the issues whose comments are not all inline."""
    buffer, fetched_us = sync.buffer("issues"), answer.fetched_us
    unfinished: list[str] = []

    def add(record: bytes) -> None:
        issue = decode_record(record, _Issue)
        issue_id, updated = id_of(issue.id), time_us(issue.fields.updated)
        buffer.add(Row(issue_id, version_at(at_us(updated)), fetched_us, record, updated))

        def add_inline(field: bytes) -> None:
            inline = decode_record(field, CommentField)
            if inline.total is None or inline.total <= len(inline.comments):
                add_comments(sync, issue_id, [(inline.comments, answer)])
            else:
                unfinished.append(issue_id)

        if issue.fields.comment != NO_COMMENTS:
            sync.read_records("comments", [issue.fields.comment], answer, add_inline)

    sync.read_records("issues", answer.content.issues, answer, add)
    return unfinished
