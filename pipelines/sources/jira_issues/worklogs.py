"""Worklogs by their change feeds: `GET /worklog/updated|deleted`, `POST /worklog/list`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from pipelines.client import Answer
from pipelines.paging import ChangedWorklogs, complete, for_each, worklog_pages
from pipelines.rows import decode_record, id_of, parse_time, version_at
from pipelines.sync import Sync

UPDATED = "/rest/api/3/worklog/updated"
DELETED = "/rest/api/3/worklog/deleted"
LIST = "/rest/api/3/worklog/list"
WORKLOGS_PER_REQUEST = 1_000


class _Change(msgspec.Struct):
    worklog_id: int = msgspec.field(name="worklogId")
    updated_time: int = msgspec.field(name="updatedTime")


class _Worklog(msgspec.Struct):
    id: str | int
    issue_id: str | int = msgspec.field(name="issueId")
    updated: str | int


def _decode_feed(body: bytes) -> ChangedWorklogs:
    return msgspec.json.decode(body, type=ChangedWorklogs)


def _decode_list(body: bytes) -> list[msgspec.Raw]:
    return msgspec.json.decode(body, type=list[msgspec.Raw])


async def fetch_worklogs(sync: Sync, since: int) -> None:
    """Fetch every worklog changed after `since` (epoch ms) and remember how far the feed went."""

    async def read() -> tuple[set[int], int]:
        ids: set[int] = set()
        until = since
        async for answer in _feed(sync, UPDATED, since):
            until = max(until, answer.content.until)
            for record in answer.content.values:
                text = sync.text("worklogs", record, answer.fetched_at)
                with sync.set_aside("worklogs", text, answer.fetched_at):
                    ids.add(decode_record(text, _Change).worklog_id)
        return ids, until

    ids, until = await complete(read, "changed worklogs")
    done = 0

    async def fetch(part: list[int]) -> None:
        nonlocal done
        answer = await sync.client.post(LIST, _decode_list, body={"ids": part})
        for record in answer.content:
            _add_worklog(sync, record, answer.fetched_at)
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


async def fetch_deletions(sync: Sync, since: int) -> None:
    """Store the entries of the deletion feed after `since` (epoch ms)."""

    async def read() -> int:
        until = since
        async for answer in _feed(sync, DELETED, since):
            until = max(until, answer.content.until)
            for record in answer.content.values:
                text = sync.text("worklog_deletions", record, answer.fetched_at)
                with sync.set_aside("worklog_deletions", text, answer.fetched_at):
                    change = decode_record(text, _Change)
                    sync.buffer("worklog_deletions").add(
                        str(change.worklog_id),
                        version=str(change.updated_time),
                        source_at=parse_time(change.updated_time),
                        fetched_at=answer.fetched_at,
                        payload=text,
                    )
            await sync.flush_full()
        return until

    until = await complete(read, "deleted worklogs")
    sync.state["deletions_until"] = max(until, sync.state.get("deletions_until", 0))


def _feed(sync: Sync, path: str, since: int) -> AsyncIterator[Answer[ChangedWorklogs]]:
    async def ask(start: int) -> Answer[ChangedWorklogs]:
        return await sync.client.get(path, _decode_feed, params=(("since", str(start)),))

    return worklog_pages(ask, since)


def _add_worklog(sync: Sync, record: msgspec.Raw, fetched_at: datetime) -> None:
    text = sync.text("worklogs", record, fetched_at)
    with sync.set_aside("worklogs", text, fetched_at):
        worklog = decode_record(text, _Worklog)
        updated = parse_time(worklog.updated)
        sync.buffer("worklogs").add(
            id_of(worklog.id),
            parent_id=id_of(worklog.issue_id),
            version=version_at(updated),
            source_at=updated,
            fetched_at=fetched_at,
            payload=text,
        )
