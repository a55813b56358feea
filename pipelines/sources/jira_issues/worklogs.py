"""Worklogs by their change feeds: `GET /worklog/updated|deleted`, `POST /worklog/list`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from pipelines.client import Answer
from pipelines.paging import ChangedWorklogs, complete, for_each, worklog_pages
from pipelines.rows import Row, at_us, id_of, record_reader, time_us, version_at
from pipelines.sync import Sync

UPDATED = "/rest/api/3/worklog/updated"
DELETED = "/rest/api/3/worklog/deleted"
LIST = "/rest/api/3/worklog/list"
WORKLOGS_PER_REQUEST = 1_000


class _Change(msgspec.Struct):
    worklog_id: int = msgspec.field(name="worklogId")
    updated_time: int = msgspec.field(name="updatedTime")


_read_change = record_reader(_Change)


class _Worklog(msgspec.Struct):
    id: str | int
    issue_id: str | int = msgspec.field(name="issueId")
    updated: str | int


_read_worklog = record_reader(_Worklog)


def _decode_feed(body: bytes) -> ChangedWorklogs:
    return msgspec.json.decode(body, type=ChangedWorklogs)


def _decode_list(body: bytes) -> list[msgspec.Raw]:
    return msgspec.json.decode(body, type=list[msgspec.Raw])


async def fetch_worklogs(sync: Sync, since: int) -> set[str]:
    """Fetch every worklog changed after `since` (epoch ms) and remember how far the feed went.

    Returns the issues they belong to; the feed also names issues that no search lists.
    """

    async def read() -> tuple[set[int], int]:
        ids: set[int] = set()
        until = since
        async for answer in _feed(sync, UPDATED, since):
            until = max(until, answer.content.until)
            sync.read_records(
                "worklogs",
                answer.content.values,
                answer,
                lambda record: ids.add(_read_change(record).worklog_id),
            )
        return ids, until

    ids, until = await complete(read, "changed worklogs")
    issue_ids: set[str] = set()
    done = 0

    async def fetch(part: list[int]) -> None:
        nonlocal done
        answer = await sync.client.post(LIST, _decode_list, body={"ids": part})
        add = _adder_of_worklogs(sync, answer, issue_ids)
        sync.read_records("worklogs", answer.content, answer, add)
        await sync.flush_full()
        done += len(part)
        sync.report("worklogs", done, len(ids))

    ordered = sorted(ids)
    starts = range(0, len(ordered), WORKLOGS_PER_REQUEST)
    await for_each(
        (ordered[start : start + WORKLOGS_PER_REQUEST] for start in starts),
        fetch,
        workers=sync.settings.concurrency,
    )
    sync.state["worklogs_until"] = max(until, sync.state.get("worklogs_until", 0))
    return issue_ids


async def fetch_deletions(sync: Sync, since: int) -> None:
    """Store the entries of the deletion feed after `since` (epoch ms)."""

    async def read() -> int:
        until = since
        async for answer in _feed(sync, DELETED, since):
            until = max(until, answer.content.until)
            add = _adder_of_deletions(sync, answer)
            sync.read_records("worklog_deletions", answer.content.values, answer, add)
            await sync.flush_full()
        return until

    until = await complete(read, "deleted worklogs")
    sync.state["deletions_until"] = max(until, sync.state.get("deletions_until", 0))


def _feed(sync: Sync, path: str, since: int) -> AsyncIterator[Answer[ChangedWorklogs]]:
    async def ask(start: int) -> Answer[ChangedWorklogs]:
        return await sync.client.get(path, _decode_feed, params=(("since", str(start)),))

    return worklog_pages(ask, since)


def _adder_of_worklogs(
    sync: Sync, answer: Answer[Any], issue_ids: set[str]
) -> Callable[[bytes], None]:
    buffer, fetched_us = sync.buffer("worklogs"), answer.fetched_us

    def add(record: bytes) -> None:
        worklog = _read_worklog(record)
        updated = time_us(worklog.updated)
        version = version_at(at_us(updated))
        worklog_id, issue_id = id_of(worklog.id), id_of(worklog.issue_id)
        buffer.add(Row(worklog_id, version, fetched_us, record, updated, issue_id))
        issue_ids.add(issue_id)

    return add


def _adder_of_deletions(sync: Sync, answer: Answer[Any]) -> Callable[[bytes], None]:
    buffer, fetched_us = sync.buffer("worklog_deletions"), answer.fetched_us

    def add(record: bytes) -> None:
        change = _read_change(record)
        deleted = time_us(change.updated_time)
        version = str(change.updated_time)
        buffer.add(Row(str(change.worklog_id), version, fetched_us, record, deleted))

    return add
