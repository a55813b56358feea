"""Run one source: extract on an event loop in the background, load with dlt in the foreground."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from ulid import ULID

from pipelines.client import AtlassianClient
from pipelines.config import Connection, Settings
from pipelines.connections import CONNECTIONS
from pipelines.errors import (
    AlreadyRunningError,
    ConfigurationError,
    NotConnectedError,
    NotFoundError,
    WrongSiteError,
)
from pipelines.lake import site_of, sweep, write_manifest
from pipelines.loading import load
from pipelines.patience import FIRST_CONTACT, Patience
from pipelines.registry import SOURCES
from pipelines.rows import Row, at_us, time_us, us_of, version_at
from pipelines.sync import QUEUED_TABLES, Handoff, Progress, ResourceTable, Skipped, Sync


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one successful sync did. Times are ISO texts in UTC by our clock.

    `rows` and `requests` count by resource and by endpoint; cursors are the site's own times.
    `skipped`: resources that were not read for lack of a permission.
    """

    run_id: str
    source: str
    site_id: str
    mode: str
    started_at: str
    finished_at: str
    rows: dict[str, int]
    requests: dict[str, int]
    cursor_from: str | None
    cursor_to: str | None
    quarantined: int
    warnings: list[str]
    skipped: list[Skipped] = field(default_factory=list)
    load_ids: list[str] = field(default_factory=list)


class ServerInfo(msgspec.Struct):
    """The part of `/serverInfo` that says which site answers and what time it has."""

    base_url: str = msgspec.field(name="baseUrl")
    server_time: str | None = msgspec.field(name="serverTime", default=None)


class Myself(msgspec.Struct):
    """The account, and the time zone in which JQL reads its dates."""

    account_id: str = msgspec.field(name="accountId")
    time_zone: str | None = msgspec.field(name="timeZone", default=None)


async def first_contact(client: AtlassianClient) -> tuple[str, datetime, Myself]:
    """Ask who the site is, its time (UTC), and who we are there.

    Raises the client's errors; NotFoundError when the address is no Jira site.
    """
    asking_me = asyncio.create_task(
        client.get(
            "/rest/api/3/myself",
            lambda body: msgspec.json.decode(body, type=Myself),
            patience=FIRST_CONTACT,
        )
    )
    try:
        info = await client.get(
            "/rest/api/3/serverInfo",
            lambda body: msgspec.json.decode(body, type=ServerInfo),
            patience=FIRST_CONTACT,
        )
        host = urlsplit(info.content.base_url).hostname
        if not host:
            raise NotFoundError(
                "The site does not say its own address in serverInfo.",
                "Check that ATLASSIAN_SITE_URL is the address of a Jira site.",
            )
        me = await asking_me
    finally:
        # what is wrong with the site is told first, whatever it says about the account
        asking_me.cancel()
        await asyncio.gather(asking_me, return_exceptions=True)
    stated = info.content.server_time
    return host, at_us(time_us(stated)) if stated else info.server_time, me.content


def run_source(
    name: str,
    settings: Settings,
    *,
    full: bool = False,
    reconcile: bool | None = None,
    accept_shrink: bool = False,
    progress: Callable[[Progress], None] | None = None,
    patience: Patience = Patience(),  # noqa: B008  (immutable)
) -> SyncReport:
    """Sync one source into the lake of `settings.home` and list it in the manifest.

    `full` reads everything again, `reconcile` overrides whether complete listings are compared,
    `accept_shrink` believes listings that lost more than the threshold. `progress` is called from
    another thread. Raises `pipelines.errors.PipelineError`; then nothing of the run counts and
    the next run repairs what is left; NotConnectedError when the source's connection is not there,
    which concerns no other source. Files are made readable by their owner only.
    """
    spec = SOURCES.get(name)
    if spec is None:
        raise ConfigurationError(
            f"There is no source {name!r}.", f"Choose one of: {', '.join(SOURCES)}."
        )
    connection = CONNECTIONS[spec.connection]
    connection.require(settings)
    home = settings.home.absolute()
    started_at = datetime.now(UTC)
    reports: list[SyncReport] = []
    os.umask(0o077)

    async def extract(state: dict[str, Any], tables: Handoff) -> None:
        async with AsyncExitStack() as stack:

            async def opened(of: Connection) -> AtlassianClient:
                client = AtlassianClient(of, concurrency=settings.concurrency, patience=patience)
                return await stack.enter_async_context(client)

            asks = connection.asks
            site = None if asks == "nobody" else await opened(settings.connection())
            organization = await opened(settings.organization()) if asks == "organization" else None
            site_id, server_now, time_zone = await _identify(home, site)
            sync = Sync(
                source=name,
                run_id=str(ULID()),
                site_id=site_id,
                home=home,
                settings=settings,
                site_client=site,
                organization_client=organization,
                server_now=server_now,
                time_zone=time_zone,
                state=state,
                full=full,
                reconcile=reconcile,
                accept_shrink=accept_shrink,
                progress=progress,
                tables=tables,
            )
            await spec.traverse(sync)
            await sync.flush_all()
            mended = sum((client.mended for client in (site, organization) if client), Counter())
            for endpoint, count in mended.items():
                sync.warn(
                    f"{count} answers to {endpoint} held characters that are no text (lone "
                    "surrogates); they were replaced by U+FFFD."
                )
            reports.append(_report(sync, started_at))
            _add_run(sync, reports[-1])
            await sync.flush_all()

    with _only_one(home, name), _heap_at_rest():
        sweep(home, name)
        write_manifest(home)
        load_ids = load(home, name, lambda state: drain(state, extract))
        write_manifest(home)
    return replace(reports[-1], load_ids=load_ids)


async def _identify(home: Path, client: AtlassianClient | None) -> tuple[str, datetime, str | None]:
    """Return the site's id, its time (UTC) and the account's time zone.

    Without a client the site is the one whose data the home holds, and the time is ours.
    """
    held = site_of(home)
    if client is None:
        if held is None:
            raise NotConnectedError(
                f"{home} does not know yet whose data it holds.", "Sync a source of the site first."
            )
        return held, datetime.now(UTC), None
    site_id, server_now, me = await first_contact(client)
    if held and held != site_id:
        raise WrongSiteError(
            f"ATLASSIAN_SITE_URL answers as {site_id}, but {home} holds data of {held}.",
            "Set AUDIT_LOG_HOME to another directory for another site.",
        )
    return site_id, server_now, me.time_zone


def _report(sync: Sync, started_at: datetime) -> SyncReport:
    return SyncReport(
        run_id=sync.run_id,
        source=sync.source,
        site_id=sync.site_id,
        mode=sync.mode,
        started_at=version_at(started_at),
        finished_at=version_at(datetime.now(UTC)),
        rows=dict(sorted(sync.rows.items())),
        requests=sync.requests,
        cursor_from=sync.cursor_from,
        cursor_to=sync.cursor_to,
        quarantined=sync.quarantined,
        warnings=sync.warnings,
        skipped=sync.skipped,
    )


def _add_run(sync: Sync, report: SyncReport) -> None:
    content = asdict(report)
    for column in ("run_id", "site_id", "load_ids"):
        del content[column]
    sync.buffer("runs").add(
        Row(
            sync.run_id,
            sync.run_id,
            us_of(datetime.now(UTC)),
            msgspec.json.encode(content),
            us_of(sync.server_now),
        )
    )


@contextmanager
def _only_one(home: Path, source: str) -> Iterator[None]:
    """Hold the source for this process. Raises AlreadyRunningError at once if another has it."""
    (home / "dlt").mkdir(parents=True, exist_ok=True)
    with (home / "dlt" / f"{source}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(
                f"Another process is syncing {source} into {home}.", "Wait until it has ended."
            ) from None
        yield


@contextmanager
def _heap_at_rest() -> Iterator[None]:
    """Keep the garbage collector off what is there already, for the time of a sync.

    Answers are many short-lived objects; they make it look through all that was imported, which
    stops the reading, and every request that could go out, for a tenth of a second.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def drain(
    state: dict[str, Any], extract: Callable[[dict[str, Any], Handoff], Awaitable[None]]
) -> Generator[ResourceTable, None, None]:
    """Run `extract` on a loop of its own and yield its tables as they come.

    `state` receives what `extract` changed only when it ended well.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="extract", daemon=True)
    thread.start()
    tables = Handoff(QUEUED_TABLES)
    changed = dict(state)

    async def run() -> None:
        try:
            await extract(changed, tables)
        finally:
            tables.close()

    extraction = asyncio.run_coroutine_threadsafe(run(), loop)
    try:
        yield from tables.take_all(loop)
        extraction.result()
        state.clear()
        state.update(changed)
    finally:
        extraction.cancel()
        asyncio.run_coroutine_threadsafe(_settle(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _settle() -> None:
    """Let everything that was cancelled end."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)
