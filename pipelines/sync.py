"""What a source sees of a running sync: whom to ask, the lake so far, a place for rows.

Sources are coroutines on one event loop. Rows they add are gathered per resource and leave as
Arrow tables through a bounded queue, so that memory does not grow with the size of a site.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from pipelines.client import Answer, AtlassianClient
from pipelines.config import Settings
from pipelines.errors import NotConnectedError
from pipelines.lake import Seen, last_versions, last_versions_by_parent
from pipelines.rows import (
    QUARANTINED_TEXT_LIMIT,
    BadRecordError,
    Row,
    RowBuffer,
    best_known_id,
    mend,
    sha256,
    us_of,
    version_at,
)

TABLE_PAYLOAD_BYTES = 8 * 2**20
TABLE_ROWS = 20_000
QUEUED_TABLES = 2
PROGRESS_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one resource of a running sync is. `total` is None while it is unknown."""

    source: str
    resource: str
    done: int
    total: int | None
    per_second: float
    eta_seconds: float | None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A resource that was not read because the account lacks a permission, and what that loses."""

    resource: str
    permission: str
    loses: str


class ResourceTable(NamedTuple):
    """Rows of one resource on their way into the lake."""

    resource: str
    table: pa.Table


class Handoff:
    """A queue of at most `length` tables from an event loop to another thread.

    Written by hand because the futures of asyncio's own bridge are reference cycles, which keep
    their tables in memory until the garbage collector happens to come by.
    """

    def __init__(self, length: int) -> None:
        self._free = asyncio.Semaphore(length)
        self._items: SimpleQueue[ResourceTable | None] = SimpleQueue()

    async def put(self, make: Callable[[], ResourceTable | None]) -> None:
        """Hand over what `make` returns, unless it is None; waits while the queue is full.

        The table is made after the wait: many who wait must not hold a table each.
        """
        await self._free.acquire()
        item = make()
        if item is None:
            self._free.release()
        else:
            self._items.put(item)

    def close(self) -> None:
        """Say that nothing more comes."""
        self._items.put(None)

    def take_all(self, loop: asyncio.AbstractEventLoop) -> Iterator[ResourceTable]:
        """Yield tables until `close`; for the other thread. `loop` is where `put` runs."""
        while (item := self._items.get()) is not None:
            loop.call_soon_threadsafe(self._free.release)
            yield item


@dataclass
class Sync:
    """One run of one source. `state` is read at the start and stored with the run's data.

    `server_now` is the site's time when the run began (ours for a source that asks nobody).
    `site_client` and `organization_client` are None when the source's connection does not use
    them; sources call `client` and `organization`.
    """

    source: str
    run_id: str
    site_id: str
    home: Path
    settings: Settings
    site_client: AtlassianClient | None
    organization_client: AtlassianClient | None
    server_now: datetime
    time_zone: str | None
    state: dict[str, Any]
    full: bool
    reconcile: bool | None
    accept_shrink: bool
    progress: Callable[[Progress], None] | None
    tables: Handoff
    mode: str = "full"
    cursor_from: str | None = None
    cursor_to: str | None = None
    rows: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    quarantined: int = 0
    _buffers: dict[str, RowBuffer] = field(default_factory=dict)
    _started: dict[str, float] = field(default_factory=dict)
    _shown: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def client(self) -> AtlassianClient:
        """The site. Raises NotConnectedError in a source whose connection does not ask it."""
        if self.site_client is None:
            raise NotConnectedError(f"{self.source} does not ask the site.", "Read it elsewhere.")
        return self.site_client

    @property
    def organization(self) -> AtlassianClient:
        """The organisation's administration. Raises NotConnectedError when it is not set up."""
        if self.organization_client is None:
            raise NotConnectedError(
                "No organisation is connected.",
                "Set ATLASSIAN_ORG_ID and ATLASSIAN_ORG_API_KEY to connect it.",
            )
        return self.organization_client

    @property
    def requests(self) -> dict[str, int]:
        """What was sent so far, by endpoint, retries included."""
        clients = (self.site_client, self.organization_client)
        sent = sum((client.requests for client in clients if client), Counter[str]())
        return dict(sorted(sent.items()))

    def buffer(self, resource: str) -> RowBuffer:
        """Return where rows of a resource are added; call `flush_full` now and then."""
        buffer = self._buffers.get(resource)
        if buffer is None:
            buffer = self._buffers[resource] = RowBuffer(self.site_id)
        return buffer

    async def flush_full(self) -> None:
        """Send off every buffer that is worth a table; waits while the lake is behind."""
        for resource, buffer in [*self._buffers.items()]:
            if buffer.size >= TABLE_PAYLOAD_BYTES or len(buffer) >= TABLE_ROWS:
                await self._send(resource, buffer)

    async def flush_all(self) -> None:
        """Send off every buffer that holds anything."""
        for resource, buffer in [*self._buffers.items()]:
            await self._send(resource, buffer)

    async def _send(self, resource: str, buffer: RowBuffer) -> None:
        def table() -> ResourceTable | None:
            # another coroutine may have sent these rows while this one waited
            if not len(buffer):
                return None
            self.rows[resource] += len(buffer)
            return ResourceTable(resource, buffer.take())

        await self.tables.put(table)

    def read_records(
        self,
        resource: str,
        records: Iterable[msgspec.Raw],
        answer: Answer[Any],
        read: Callable[[bytes], None],
    ) -> int:
        """Call `read` with each record of an answer; return how many it could not use.

        A record for which `read` raises BadRecordError goes to quarantine, and so does the
        original of one whose text had to be mended; neither stops the others.
        """
        unusable = 0
        for record in records:
            text: bytes = record
            if not answer.is_plain:
                text, replaced = mend(record)
                if replaced:
                    reason = f"kept, with {replaced} replaced"
                    self.quarantine(resource, reason, record, answer.fetched_us)
            try:
                read(text)
            except BadRecordError as error:
                self.quarantine(resource, str(error), text, answer.fetched_us)
                unusable += 1
        return unusable

    def quarantine(self, resource: str, reason: str, record: bytes, fetched_us: int) -> None:
        """Keep a record that cannot be used as it is, with the reason."""
        self.quarantined += 1
        text = str(record, "utf-8", "replace")[:QUARANTINED_TEXT_LIMIT]
        content = {"resource": resource, "reason": reason, "record": text}
        self.buffer("quarantine").add(
            Row(best_known_id(record), sha256(record), fetched_us, msgspec.json.encode(content))
        )

    def warn(self, sentence: str) -> None:
        """Tell the person something that did not stop the sync; each sentence once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def skip(self, resource: str, permission: str, loses: str) -> None:
        """Say that a resource is not read for lack of a permission; each resource once.

        `loses` completes "Without it …". The run goes on and ends well.
        """
        skipped = Skipped(resource, permission, loses)
        if skipped not in self.skipped:
            self.skipped.append(skipped)
            self.warn(
                f"{resource} was skipped: the account lacks the permission '{permission}'. "
                f"Without it {loses}."
            )

    def last_versions(self, resource: str, *, is_listed: bool = False) -> dict[str, Seen]:
        """Return the last version of every object of a resource in the lake.

        `is_listed`: of one whose versions are those of complete listings, by the site's time.
        """
        return last_versions(self.home, self.source, resource, is_listed=is_listed)

    def last_versions_by_parent(
        self, resource: str, *, is_listed: bool = False
    ) -> dict[str, dict[str, Seen]]:
        """Return the same by parent ('' for none), for objects that are known under several."""
        return last_versions_by_parent(self.home, self.source, resource, is_listed=is_listed)

    def shrank(self, resource: str, absent: int, known: int) -> bool:
        """Decide whether a listing lost too much to be believed, and warn if so."""
        settings = self.settings
        is_suspect = (
            absent > settings.shrink_objects and absent * 100 > known * settings.shrink_percent
        )
        if is_suspect and not self.accept_shrink:
            self.warn(
                f"{resource}: {absent} of {known} known objects are missing from the listing. "
                "None was marked as deleted; if they are really gone, run the sync once with "
                "--accept-shrink."
            )
            return True
        return False

    def record_sweep(
        self,
        resource: str,
        sweep_id: str,
        *,
        started_at: datetime,
        finished_at: datetime,
        fetched_us: int,
        object_count: int,
        present_added: int,
        absent: int,
        held_back: bool,
    ) -> None:
        """Add the `sweeps` row of a complete listing. Server times, but `fetched_us` is ours."""
        content = {
            "object_count": object_count,
            "present_added": present_added,
            "absent": absent,
            "status": "held_back" if held_back else "complete",
            "started_at": version_at(started_at),
            "finished_at": version_at(finished_at),
        }
        self.buffer("sweeps").add(
            Row(
                resource,
                sweep_id,
                fetched_us,
                msgspec.json.encode(content),
                us_of(started_at),
            )
        )

    def report(self, resource: str, done: int, total: int | None) -> None:
        """Tell how far a resource is, at most twice a second and once at its end."""
        now = time.monotonic()
        started = self._started.setdefault(resource, now)
        if not self.progress or (done != total and now - self._shown[resource] < PROGRESS_SECONDS):
            return
        self._shown[resource] = now
        elapsed = now - started
        rate = done / elapsed if elapsed > 0 else 0.0
        eta = (total - done) / rate if total is not None and rate > 0 else None
        self.progress(Progress(self.source, resource, done, total, rate, eta))


def chunks(items: Iterable[str], size: int) -> list[list[str]]:
    """Cut ids into lists of at most `size`."""
    whole = list(items)
    return [whole[start : start + size] for start in range(0, len(whole), size)]
