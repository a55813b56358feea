"""Issues by `POST /issue/bulkfetch`, and the comments that come with them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from pipelines.client import Answer
from pipelines.errors import BadResponseError, NotJsonError, PipelineError, SiteFailingError
from pipelines.rows import (
    BadRecordError,
    PlainId,
    Row,
    Rows,
    at_us,
    id_of,
    is_plain,
    record_reader,
    time_us,
    times_column,
    version_at,
    versions_column,
)
from pipelines.sources.jira_issues.comments import (
    CommentedIssue,
    CommentField,
    add_all_comments,
    read_all_comments,
)
from pipelines.sources.jira_issues.feed import IdFeed
from pipelines.sync import Sync

BULK_FETCH = "/rest/api/3/issue/bulkfetch"
ISSUES_PER_REQUEST = 100
WORKERS_PER_REQUEST = 2
"""So that for each answer that waits to be read somebody else takes its place in flight."""
RETRY_ATTEMPTS = 3
"""Tries for a part of a request that failed as a whole."""
BROKEN_ISSUES_LIMIT = 20
"""With more issues than this the site itself is broken, not single issues."""


class IssueError(msgspec.Struct):
    """An issue the site could not send just now."""

    id: str | int


class _Bulk(msgspec.Struct):
    issues: list[msgspec.Raw]
    errors: list[IssueError] = msgspec.field(name="issueErrors", default_factory=list)


class _Fields(msgspec.Struct):
    updated: str | int
    comment: CommentField | None = None


class _Issue(msgspec.Struct):
    id: str | int
    fields: _Fields


class _UpdatedField(msgspec.Struct):
    updated: str | int


class _IssueAlone(msgspec.Struct):
    id: str | int
    fields: _UpdatedField


_read_issue = record_reader(_Issue)
_read_issue_alone = record_reader(_IssueAlone)


class _PlainIssue(msgspec.Struct):
    id: PlainId
    fields: _Fields


class _PlainBulk(msgspec.Struct):
    issues: list[_PlainIssue]


_decode_bulk = msgspec.json.Decoder(_Bulk).decode
_decode_plain = msgspec.json.Decoder(_PlainBulk).decode


class _Columns(NamedTuple):
    ids: list[str]
    updated: pa.Array[Any]
    comments: list[CommentField | None]


class BulkIssues(NamedTuple):
    """The answer of a bulk fetch. Issues in neither list do not exist or are not visible.

    `columns` holds ids, times and comments of `issues` when all of them are as they should be;
    where it is None they have to be looked at one by one.
    """

    issues: list[msgspec.Raw]
    errors: list[IssueError]
    columns: _Columns | None = None


def decode_bulk(body: bytes) -> BulkIssues:
    """Decode the answer of a bulk fetch, with columns if every issue is as it should be."""
    whole = _decode_bulk(body)
    if is_plain(body):
        with suppress(msgspec.ValidationError):
            plain = _decode_plain(body).issues
            updated = times_column([issue.fields.updated for issue in plain])
            if updated is not None:
                comments = [issue.fields.comment for issue in plain]
                columns = _Columns([issue.id for issue in plain], updated, comments)
                return BulkIssues(whole.issues, whole.errors, columns)
    return BulkIssues(whole.issues, whole.errors)


async def fetch_issues(sync: Sync, feed: IdFeed) -> set[str]:
    """Fetch issues with all fields; return the ids the site could not send now.

    Raises SiteFailingError or BadResponseError when that is more than a few issues or all of
    several, NotJsonError when the site does not speak JSON at all.
    """
    refused: set[str] = set()
    broken: dict[str, PipelineError] = {}
    done = 0

    async def fetch(part: list[str]) -> None:
        nonlocal done
        refused.update(await _fetch_part(sync, part, broken))
        done += len(part)
        sync.report("issues", done, feed.total)

    workers = WORKERS_PER_REQUEST * sync.settings.concurrency
    await feed.each(ISSUES_PER_REQUEST, fetch, workers=workers)
    if len(broken) == done > 1:
        raise next(iter(broken.values()))
    failed = refused | broken.keys()
    if failed:
        sync.warn(f"{len(failed)} issues could not be sent by the site; the next sync asks again.")
    return failed


async def _fetch_part(
    sync: Sync, part: list[str], broken: dict[str, PipelineError], *, is_retry: bool = False
) -> set[str]:
    """Fetch some issues; return those that the site refused twice.

    A request that the site cannot answer is halved until the issue that breaks it is found; that
    one goes to `broken`.
    """
    patience = sync.client.patience
    try:
        answer = await sync.client.post(
            BULK_FETCH,
            decode_bulk,
            body={"issueIdsOrKeys": part, "fields": ["*all"]},
            patience=replace(patience, attempts=RETRY_ATTEMPTS) if is_retry else patience,
        )
    except NotJsonError:
        raise  # no issue makes the site answer with a page
    except (SiteFailingError, BadResponseError) as error:
        if len(broken) >= BROKEN_ISSUES_LIMIT:
            raise
        if len(part) == 1:
            broken[part[0]] = error
            return set()
        halves = [
            await _fetch_part(sync, half, broken, is_retry=True) for half in (part[::2], part[1::2])
        ]
        return set().union(*halves)
    for issue in _add_issues(sync, answer):
        await read_all_comments(sync, issue)
    await sync.flush_full()
    refused = {str(error.id) for error in answer.content.errors}
    if is_retry or not refused:
        return refused
    return await _fetch_part(sync, sorted(refused), broken, is_retry=True)


def _add_issues(sync: Sync, answer: Answer[BulkIssues]) -> list[CommentedIssue]:
    """Add issues and their inline comments; return the issues whose comments are not all inline."""
    columns = answer.content.columns
    held: list[tuple[CommentedIssue, CommentField]] = []
    if columns is None:
        read = _issue_reader(sync, answer, held)
        sync.read_records("issues", answer.content.issues, answer, read)
    else:
        ids, updated, fields = columns
        rows = Rows(ids, None, answer.fetched_us, answer.content.issues, updated)
        sync.buffer("issues").extend(rows)
        versions: list[Any] = versions_column(updated).to_pylist()
        held = [
            (CommentedIssue(issue_id, version), field)
            for issue_id, version, field in zip(ids, versions, fields, strict=True)
            if field is not None
        ]
    whole: list[tuple[CommentedIssue, list[msgspec.Raw]]] = []
    unfinished: list[CommentedIssue] = []
    for issue, field in held:
        if field.total is None or field.total <= len(field.comments):
            whole.append((issue, field.comments))
        else:
            unfinished.append(issue)
    add_all_comments(sync, whole, answer)
    return unfinished


def _issue_reader(
    sync: Sync, answer: Answer[BulkIssues], held: list[tuple[CommentedIssue, CommentField]]
) -> Callable[[bytes], None]:
    buffer, fetched_us = sync.buffer("issues"), answer.fetched_us

    def read(record: bytes) -> None:
        comments: CommentField | None = None
        try:
            issue = _read_issue(record)
            issue_id, updated = id_of(issue.id), time_us(issue.fields.updated)
            comments = issue.fields.comment
        except BadRecordError as error:
            # comments of an unexpected shape must not cost the issue
            alone = _read_issue_alone(record)
            issue_id, updated = id_of(alone.id), time_us(alone.fields.updated)
            sync.quarantine("comments", str(error), record, fetched_us)
        version = version_at(at_us(updated))
        buffer.add(Row(issue_id, version, fetched_us, record, updated))
        if comments is not None:
            held.append((CommentedIssue(issue_id, version), comments))

    return read
