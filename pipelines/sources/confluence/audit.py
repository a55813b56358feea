"""Audit records by `GET /wiki/rest/api/audit`: each page a window of its own, ended by the last."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import msgspec

from pipelines.client import Answer
from pipelines.errors import (
    BrokenPagingError,
    NotConnectedError,
    NotFoundError,
    PermissionDeniedError,
)
from pipelines.paging import OffsetPage
from pipelines.rows import Row, content_hash, record_reader, time_us, us_of, version_at
from pipelines.sync import Sync
from pipelines.windows import BEGINNING, RECENT_EVERY, RECENT_SPAN

AUDIT = "/wiki/rest/api/audit"
PERMISSION = "Confluence administrator"
LOSES = "administration of Confluence is not recorded"
RECORDS_PER_PAGE = 1_000
PAGES_PER_MILLISECOND = 1_000
"""More than a million equal times are a server that ignores `start`."""


class _Links(msgspec.Struct):
    next: str | None = None


class _AuditPage(msgspec.Struct):
    results: list[msgspec.Raw]
    links: _Links = msgspec.field(name="_links", default_factory=_Links)


class _Author(msgspec.Struct, rename="camel"):
    account_id: str | None = None
    username: str | None = None
    user_key: str | None = None
    type: str | None = None


class _Record(msgspec.Struct, rename="camel"):
    """What identifies a record: all of it but how its author is shown, which may change."""

    creation_date: int
    summary: msgspec.Raw = msgspec.Raw(b"null")
    description: msgspec.Raw = msgspec.Raw(b"null")
    category: msgspec.Raw = msgspec.Raw(b"null")
    remote_address: msgspec.Raw = msgspec.Raw(b"null")
    affected_object: msgspec.Raw = msgspec.Raw(b"null")
    changed_values: msgspec.Raw = msgspec.Raw(b"null")
    associated_objects: msgspec.Raw = msgspec.Raw(b"null")
    author: _Author | None = None


_read_record = record_reader(_Record)


def _decode_page(body: bytes) -> OffsetPage:
    page = msgspec.json.decode(body, type=_AuditPage)
    return OffsetPage(page.results, is_last=page.links.next is None)


async def traverse(sync: Sync) -> None:
    """Read the records since the cursor less an overlap; once a day, the last 48 hours.

    Raises NotConnectedError when the site has no Confluence.
    """
    first = _first_ms(sync)
    try:
        await _read(sync, first, us_of(sync.server_now) // 1_000)
    except NotFoundError as error:
        raise NotConnectedError(
            "The site shows no Confluence to this account.",
            "If it has Confluence, give the account access to it.",
        ) from error
    except PermissionDeniedError:
        sync.skip("audit_records", PERMISSION, LOSES)
        return
    sync.cursor_to = sync.state["read_until"] = version_at(sync.server_now)
    if sync.mode != "incremental":
        sync.state["last_recent_at"] = sync.cursor_to


def _first_ms(sync: Sync) -> int:
    """Choose from when on to read (epoch ms)."""
    sync.cursor_from = sync.state.get("read_until")
    if sync.full or sync.cursor_from is None:
        return us_of(BEGINNING) // 1_000
    first = datetime.fromisoformat(sync.cursor_from) - timedelta(
        minutes=sync.settings.overlap_minutes
    )
    recent_at = datetime.fromisoformat(sync.state["last_recent_at"])
    sync.mode = "incremental"
    if sync.server_now - recent_at >= RECENT_EVERY:
        sync.mode = "recent"
        first = min(first, sync.server_now - RECENT_SPAN)
    return us_of(first) // 1_000


async def _read(sync: Sync, first: int, last: int) -> None:
    """Store the records from `first` to `last` (epoch ms, both included), newest first."""
    done = 0
    while True:
        answer = await _ask(sync, first, last, 0)
        batch = _Batch(sync)
        batch.add(answer)
        done += len(answer.content.records)
        sync.report("audit_records", done, None)
        if answer.content.is_last:
            batch.store()
            return
        if not batch.times:
            raise BrokenPagingError(
                "The audit log of Confluence sends pages without one readable record.",
                "Nothing was changed; the next sync tries again.",
            )
        oldest = min(batch.times)
        if max(batch.times) > oldest:
            # the page may have cut the records of its oldest millisecond
            batch.store(after=oldest)
            last = oldest
        else:
            await _read_millisecond(sync, oldest)
            last = oldest - 1
        await sync.flush_full()


async def _read_millisecond(sync: Sync, at: int) -> None:
    """Store the records of one millisecond, which are more than a page holds."""
    batch = _Batch(sync)
    start = 0
    for _ in range(PAGES_PER_MILLISECOND):
        answer = await _ask(sync, at, at, start)
        batch.add(answer)
        start += len(answer.content.records)
        if answer.content.is_last or not answer.content.records:
            batch.store()
            return
    raise BrokenPagingError(
        "The audit log of Confluence has no end within one millisecond.",
        "Nothing was changed; the next sync tries again.",
    )


async def _ask(sync: Sync, first: int, last: int, start: int) -> Answer[OffsetPage]:
    return await sync.client.get(
        AUDIT,
        _decode_page,
        params=(
            ("startDate", str(first)),
            ("endDate", str(last)),
            ("start", str(start)),
            ("limit", str(RECORDS_PER_PAGE)),
        ),
    )


class _Batch:
    """The records of one window. `times`: when each was made, epoch ms."""

    def __init__(self, sync: Sync) -> None:
        self._sync = sync
        self._rows: list[tuple[int, Row]] = []
        self._count: Counter[str] = Counter()

    @property
    def times(self) -> list[int]:
        return [at for at, _ in self._rows]

    def add(self, answer: Answer[OffsetPage]) -> None:
        """Take in an answer; records that cannot be read go to quarantine."""

        def add(record: bytes) -> None:
            content = _read_record(record)
            digest = content_hash(msgspec.json.encode(content))
            self._count[digest] += 1
            # of equal records each has its place among them as part of its id
            record_id = f"{digest[:32]}.{self._count[digest]}"
            created = time_us(content.creation_date)
            row = Row(record_id, record_id, answer.fetched_us, record, created)
            self._rows.append((content.creation_date, row))

        self._sync.read_records("audit_records", answer.content.records, answer, add)

    def store(self, after: int = 0) -> None:
        """Store the records made later than `after`."""
        buffer = self._sync.buffer("audit_records")
        for at, row in self._rows:
            if at > after:
                buffer.add(row)
