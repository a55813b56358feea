"""Records of the administration log by `GET /auditing/record`, and the windows they are read in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from pipelines.client import Answer
from pipelines.errors import NotConnectedError, NotFoundError, PermissionDeniedError
from pipelines.paging import RestartListing, complete
from pipelines.rows import (
    Row,
    at_us,
    id_of,
    record_reader,
    sha256,
    time_us,
    us_of,
    version_at,
)
from pipelines.sources.jira_audit.user_keys import fetch_user_keys
from pipelines.sync import Sync
from pipelines.windows import BEGINNING, RECENT_EVERY, RECENT_SPAN

RECORDS = "/rest/api/3/auditing/record"
PERMISSION = "Administer Jira"
LOSES = "who changed projects, people, groups, schemes and permissions is unknown"
RECORDS_PER_PAGE = 1_000
SETTLED_AFTER = timedelta(seconds=60)
"""Records appear some seconds after their own time; younger ones are left to the next run."""


class _Page(msgspec.Struct):
    records: list[msgspec.Raw]
    total: int = 0
    limit: int = RECORDS_PER_PAGE


class _Item(msgspec.Struct, rename="camel"):
    id: str | None = None
    type_name: str | None = None


class _Record(msgspec.Struct, rename="camel"):
    """What is needed of a record: who it is, when it was, whose keys it names."""

    id: int | str
    created: str
    author_key: str | None = None
    author_account_id: str | None = None
    object_item: _Item | None = None
    associated_items: list[_Item] | None = None


_read_record = record_reader(_Record)


def _decode(body: bytes) -> _Page:
    return msgspec.json.decode(body, type=_Page)


class _Window(NamedTuple):
    """A closed span of time, in milliseconds since 1970 UTC, both ends included."""

    first: int
    last: int


@dataclass(slots=True)
class _Reading:
    """What one window holds: record -> answer it came in, by the digest of its text."""

    records: dict[str, tuple[msgspec.Raw, Answer[_Page]]] = field(default_factory=dict)

    def add(self, answer: Answer[_Page]) -> None:
        """Take in the records of an answer."""
        for record in answer.content.records:
            self.records[_identity(record)] = (record, answer)


def _identity(record: msgspec.Raw) -> str:
    """Return the digest of a record; the log never changes one."""
    return sha256(record)


async def traverse(sync: Sync) -> None:
    """Read what was logged since the cursor less an overlap; once a day, the last 48 hours.

    An account that may not read the log skips it; the run ends well. Raises NotConnectedError
    when the site has no such log.
    """
    until = sync.server_now - SETTLED_AFTER
    keys: set[str] = set()
    try:
        await _read_windows(sync, _first(sync), us_of(until) // 1_000, keys)
    except PermissionDeniedError:
        sync.skip("records", PERMISSION, LOSES)
        return
    except NotFoundError as error:
        raise NotConnectedError(
            "The site shows no administration log.",
            "Check that ATLASSIAN_SITE_URL is the address of a Jira Cloud site.",
        ) from error
    sync.cursor_to = sync.state["read_until"] = version_at(until)
    if sync.mode != "incremental":
        sync.state["last_recent_at"] = version_at(sync.server_now)
    await fetch_user_keys(sync, keys)


def _first(sync: Sync) -> int:
    """Choose from when on to read, in epoch milliseconds."""
    state: Mapping[str, str] = sync.state
    sync.cursor_from = state.get("read_until")
    if sync.full or sync.cursor_from is None:
        return us_of(BEGINNING) // 1_000
    first = datetime.fromisoformat(sync.cursor_from) - timedelta(
        minutes=sync.settings.overlap_minutes
    )
    sync.mode = "incremental"
    if sync.server_now - datetime.fromisoformat(state["last_recent_at"]) >= RECENT_EVERY:
        sync.mode = "recent"
        first = min(first, sync.server_now - RECENT_SPAN)
    return us_of(first) // 1_000


async def _read_windows(sync: Sync, first: int, last: int, keys: set[str]) -> None:
    """Store every record of a span, newest windows first; `keys` receives the user keys named."""
    waiting = [_Window(first, last)] if first <= last else []
    done = 0
    while waiting:
        window = waiting.pop()
        reading, rest = await complete(
            lambda window=window: _read_window(sync, window),  # type: ignore[misc]  # bound now
            f"the administration log at {version_at(at_us(window.last * 1_000))}",
        )
        waiting += rest
        _store(sync, reading, keys)
        done += len(reading.records)
        sync.report("records", done, None)
        await sync.flush_full()


async def _ask(sync: Sync, window: _Window, offset: int) -> Answer[_Page]:
    params = (
        ("offset", str(offset)),
        ("limit", str(RECORDS_PER_PAGE)),
        ("from", version_at(at_us(window.first * 1_000))),
        ("to", version_at(at_us(window.last * 1_000))),
    )
    return await sync.client.get(RECORDS, _decode, params=params)


async def _read_window(sync: Sync, window: _Window) -> tuple[_Reading, list[_Window]]:
    """Read a window, or cut it in two if an answer does not hold it; then nothing was read.

    Raises RestartListing when two answers disagree: the window changed in between.
    """
    answer = await _ask(sync, window, 0)
    reading = _Reading()
    reading.add(answer)
    count = len(answer.content.records)
    is_full = 0 < count >= min(answer.content.limit, RECORDS_PER_PAGE)
    if not is_full:
        is_full = await _goes_on(sync, window, answer.content.records)
    if not is_full:
        return reading, []
    if window.first < window.last:
        middle = _middle(window, answer.content.records)
        return _Reading(), [_Window(window.first, middle - 1), _Window(middle, window.last)]
    await _read_by_offset(sync, window, reading, answer.content.records)
    return reading, []


async def _goes_on(sync: Sync, window: _Window, records: list[msgspec.Raw]) -> bool:
    """Ask again for the last record read, and say whether there are more behind it.

    Raises RestartListing when another record stands in its place.
    """
    answer = await _ask(sync, window, max(len(records) - 1, 0))
    expected = records[-1:]
    found = answer.content.records
    if [_identity(record) for record in found[:1]] != [_identity(record) for record in expected]:
        raise RestartListing("records came in between two answers")
    return len(found) > len(expected)


async def _read_by_offset(
    sync: Sync, window: _Window, reading: _Reading, records: list[msgspec.Raw]
) -> None:
    """Read the rest of a millisecond that holds more than a page, each page from the last record.

    Raises RestartListing when a page does not begin with the record the one before ended with.
    """
    offset = 0
    while len(records) > 1 or not offset:
        offset += len(records) - 1
        last = records[-1]
        answer = await _ask(sync, window, offset)
        records = answer.content.records
        if not records or _identity(records[0]) != _identity(last):
            raise RestartListing("records came in between two answers")
        reading.add(answer)


def _middle(window: _Window, records: list[msgspec.Raw]) -> int:
    """Choose where to cut: at the record in the middle of a page, so that half a page is left.

    What a page says may be wrong; any place after the window's first millisecond is right.
    """
    times = []
    for record in records:
        try:
            times.append(time_us(_read_record(record).created) // 1_000)
        except ValueError:
            continue  # it is quarantined where it is stored
    times.sort()
    middle = times[len(times) // 2] if times else 0
    if window.first < middle <= window.last:
        return middle
    return (window.first + window.last) // 2 + 1


def _store(sync: Sync, reading: _Reading, keys: set[str]) -> None:
    buffer = sync.buffer("records")
    for record, answer in reading.records.values():

        def add(text: bytes, fetched_us: int = answer.fetched_us) -> None:
            found = _read_record(text)
            record_id = id_of(found.id)
            buffer.add(Row(record_id, record_id, fetched_us, text, time_us(found.created)))
            if found.author_account_id is None and found.author_key:
                keys.add(found.author_key)
            for item in (found.object_item, *(found.associated_items or ())):
                if item and item.type_name == "USER" and item.id:
                    keys.add(item.id)

        sync.read_records("records", [record], answer, add)
