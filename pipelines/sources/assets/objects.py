"""Objects by AQL, and the histories of those that changed.

What changed is told by comparing `updated` with the version in the lake, so windows may overlap
as far as they like: AQL has minutes and does not say in whose time zone, and reading an object
again costs no request of its own. Deleted objects are missing from a complete listing and answer
404 by id; a listing is only read when the number of objects differs from what the lake holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from ulid import ULID

from pipelines.client import Answer, server_time_after
from pipelines.errors import NotFoundError, PermissionDeniedError
from pipelines.full_lists import Names
from pipelines.lake import Seen
from pipelines.paging import OffsetPage, complete, for_each, offset_pages
from pipelines.rows import (
    NEVER,
    Row,
    at_us,
    id_of,
    record_reader,
    time_us,
    us_of,
    version_at,
)
from pipelines.sources.assets.workspace import AQL, HISTORY, OBJECT, TOTAL_COUNT
from pipelines.sync import Sync
from pipelines.windows import jql_minute

OBJECTS_PER_PAGE = 500
TOTAL_LIMIT = 1_000
"""Where the `total` of an answer stops counting."""
SETTLED_US = 3_600_000_000
"""How long before an object's last known change its history can still have gained entries."""


class _AqlPage(msgspec.Struct, rename="camel"):
    """An answer of either generation."""

    values: list[msgspec.Raw] | None = None
    object_entries: list[msgspec.Raw] | None = None
    total: int | None = None
    total_filter_count: int | None = None
    is_last: bool | None = None
    last: bool | None = None
    has_more_results: bool | None = None


class _Total(msgspec.Struct):
    count: int = msgspec.field(name="totalCount")


class _Object(msgspec.Struct):
    id: str | int
    updated: str | int


class _Entry(msgspec.Struct):
    id: str | int
    created: str | int


_read_object = record_reader(_Object)
_read_entry = record_reader(_Entry)


def decode_page(body: bytes) -> OffsetPage:
    """Decode one page of AQL results. Raises msgspec's errors when it is none."""
    page = msgspec.json.decode(body, type=_AqlPage)
    records = page.values if page.values is not None else page.object_entries
    if records is None:
        raise msgspec.ValidationError("an AQL answer without objects")
    total = page.total if page.total is not None else page.total_filter_count
    if total is not None and total >= TOTAL_LIMIT:
        total = None
    is_last = page.is_last if page.is_last is not None else page.last
    if is_last is None and page.has_more_results is not None:
        is_last = not page.has_more_results
    return OffsetPage(records, total, is_last)


def decode_history(body: bytes) -> list[msgspec.Raw]:
    """Decode the history of one object: a bare array."""
    return msgspec.json.decode(body, type=list[msgspec.Raw])


@dataclass(slots=True)
class _Found:
    """An object as listed. `fetched_us` is our clock, `updated_us` the site's."""

    record: bytes
    fetched_us: int
    updated_us: int


@dataclass(slots=True)
class Objects:
    """Reads the objects of one workspace. `since` None: all of them.

    `newest_us` is the newest `updated` seen (microseconds since 1970), None without objects.
    """

    sync: Sync
    names: Names
    since: datetime | None
    known: Mapping[str, Mapping[str, Seen]]
    newest_us: int | None = None
    _done: int = 0
    _has_no_histories: bool = False

    async def read_schema(self, schema_id: str) -> None:
        """Store what changed in one schema, and a tombstone per object that is gone."""
        known = self.known.get(schema_id, {})
        condition = f"objectSchemaId = {schema_id}"
        everything = self.since is None
        if self.since is None:
            started_at = self.sync.client.server_time
            found, finished_at = await self._list(condition)
        else:
            minute = jql_minute(self.since, None)
            found, finished_at = await self._list(f'{condition} AND Updated >= "{minute}"')
            present = {one for one, seen in known.items() if seen.is_present}
            if await self._count(condition) != len(present | found.keys()):
                started_at = self.sync.client.server_time
                found, finished_at = await self._list(condition)
                everything = True
        if everything:
            await self._find_deleted(schema_id, found, started_at, finished_at)
        await for_each(
            [*found.items()],
            lambda entry: self._store(schema_id, *entry, known.get(entry[0])),
            workers=self.sync.settings.concurrency,
        )

    async def _list(self, condition: str) -> tuple[dict[str, _Found], datetime]:
        """List objects, in an order that edits do not disturb; and the time when that ended."""
        sync = self.sync
        body = {"qlQuery": f"{condition} ORDER BY Created ASC"}

        async def ask(start: int) -> Answer[OffsetPage]:
            return await sync.client.post(
                AQL,
                decode_page,
                body=body,
                path=self.names,
                params=(
                    ("startAt", str(start)),
                    ("maxResults", str(OBJECTS_PER_PAGE)),
                    ("includeAttributes", "false"),
                ),
            )

        async def read() -> tuple[dict[str, _Found], datetime]:
            found: dict[str, _Found] = {}
            finished_at = NEVER
            async for answer in offset_pages(ask):
                finished_at = server_time_after(answer)
                add = _adder(found, answer.fetched_us)
                sync.read_records("objects", answer.content.records, answer, add)
            return found, finished_at

        return await complete(read, "Assets objects")

    async def _count(self, condition: str) -> int:
        answer = await self.sync.client.post(
            TOTAL_COUNT,
            lambda body: msgspec.json.decode(body, type=_Total),
            body={"qlQuery": condition},
            path=self.names,
        )
        return answer.content.count

    async def _store(
        self, schema_id: str, object_id: str, found: _Found, last: Seen | None
    ) -> None:
        """Store an object that changed, after its history; one that is gone meanwhile is not."""
        sync = self.sync
        self.newest_us = max(self.newest_us or found.updated_us, found.updated_us)
        version = version_at(at_us(found.updated_us))
        settled_us = 0
        if last and last.is_present and not sync.full:
            if _told(last.version) == version:
                return
            settled_us = time_us(_told(last.version)) - SETTLED_US
        if not await self._store_history(object_id, settled_us):
            return
        if last and not last.is_present:
            # an object that comes back as it was is a version of its own
            version = f"{version}@{sync.run_id}"
        sync.buffer("objects").add(
            Row(object_id, version, found.fetched_us, found.record, found.updated_us, schema_id)
        )
        await sync.flush_full()
        self._done += 1
        sync.report("objects", self._done, None)

    async def _store_history(self, object_id: str, settled_us: int) -> bool:
        """Store the history entries made after `settled_us`; False when the object is gone."""
        sync = self.sync
        if self._has_no_histories:
            return True
        try:
            answer = await sync.client.get(
                HISTORY,
                decode_history,
                path={**self.names, "object": object_id},
                params=(("asc", "true"),),
            )
        except NotFoundError:
            return False
        except PermissionDeniedError:
            self._has_no_histories = True
            sync.skip(
                "object_histories",
                "Object schema user",
                "who changed which attribute of an object is unknown; once it is given, run the "
                "sync with --full",
            )
            return True
        buffer = sync.buffer("object_histories")

        def add(record: bytes) -> None:
            entry = _read_entry(record)
            entry_id, created = id_of(entry.id), time_us(entry.created)
            if created >= settled_us:
                buffer.add(Row(entry_id, entry_id, answer.fetched_us, record, created, object_id))

        sync.read_records("object_histories", answer.content, answer, add)
        return True

    async def _find_deleted(
        self,
        schema_id: str,
        found: Mapping[str, _Found],
        started_at: datetime,
        finished_at: datetime,
    ) -> None:
        """Compare a complete listing with the lake; each missing object is asked for by itself."""
        sync, resource = self.sync, f"objects:{schema_id}"
        known = self.known.get(schema_id, {})
        present = {one for one, seen in known.items() if seen.is_present}
        missing = sorted(present - found.keys())
        held_back = sync.shrank(resource, len(missing), len(present))
        gone: list[str] = []

        async def ask(object_id: str) -> None:
            try:
                await sync.client.get(
                    OBJECT, lambda _: None, path={**self.names, "object": object_id}
                )
            except NotFoundError:
                gone.append(object_id)
            except PermissionDeniedError:
                sync.warn(f"objects: {object_id} is hidden from the account and not deleted.")

        if not held_back:
            await for_each(missing, ask, workers=sync.settings.concurrency)
        sweep_id = str(ULID())
        fetched_us = us_of(datetime.now(started_at.tzinfo))
        for object_id in sorted(gone):
            sync.buffer("objects").add(
                Row(
                    object_id,
                    sweep_id,
                    fetched_us,
                    None,
                    us_of(finished_at),
                    schema_id,
                    is_present=False,
                )
            )
        sync.record_sweep(
            resource,
            sweep_id,
            started_at=started_at,
            finished_at=finished_at,
            fetched_us=fetched_us,
            object_count=len(found),
            present_added=len(found.keys() - present),
            absent=len(missing),
            held_back=held_back,
        )


def _told(version: str) -> str:
    """Return the `updated` of a stored version, without the run that saw the object come back."""
    return version.partition("@")[0]


def _adder(found: dict[str, _Found], fetched_us: int) -> Callable[[bytes], None]:
    def add(record: bytes) -> None:
        one = _read_object(record)
        found[id_of(one.id)] = _Found(record, fetched_us, time_us(one.updated))

    return add
