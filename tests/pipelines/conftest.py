"""A place for the lake, settings for a site, and servers that answer as a test scripts them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from aiohttp import web
from pydantic import SecretStr

from pipelines.client import AtlassianClient
from pipelines.config import Connection, Settings
from pipelines.lake import raw_dir, read_manifest
from pipelines.patience import Patience
from pipelines.sync import Handoff, Sync
from tests.loopback import Handler, answering
from tests.sandbox.server import API_TOKEN

NOW = datetime(2026, 6, 1, tzinfo=UTC)
QUICK = Patience(attempts=4, first_pause_seconds=0.01, longest_pause_seconds=0.05, try_seconds=120)


def settings_for(
    url: str, home: Path, *, overlap_minutes: int = 10, token: str = API_TOKEN
) -> Settings:
    """Return settings for a site and an organisation at `url` with the sandbox's accounts."""
    return Settings(
        home=home,
        site_url=url,
        email="admin@example.com",
        api_token=SecretStr(token),
        org_id="org-sandbox",
        org_api_key=SecretStr("sandbox-org-key"),
        admin_url=url,
        overlap_minutes=overlap_minutes,
    )


def make_sync(*, queue: int = 100) -> Sync:
    """Return a running sync of no site, for what happens before the network and the lake."""
    connection = Connection.to_site("http://127.0.0.1:1", "me", "x")
    return Sync(
        source="jira_issues",
        run_id="run",
        site_id="a.atlassian.net",
        home=Path("unused"),
        settings=Settings(),
        site_client=AtlassianClient(connection),
        organization_client=None,
        server_now=NOW,
        time_zone=None,
        state={},
        full=False,
        reconcile=None,
        accept_shrink=False,
        progress=None,
        tables=Handoff(queue),
    )


async def taken(sync: Sync) -> dict[str, list[dict[str, object]]]:
    """Return all rows a sync was given, by resource."""
    await sync.flush_all()
    sync.tables.close()
    tables: dict[str, list[dict[str, object]]] = {}
    for item in sync.tables.take_all(asyncio.get_running_loop()):
        tables.setdefault(item.resource, []).extend(item.table.to_pylist())
    return tables


def lake_rows(home: Path, source: str, resource: str) -> list[dict[str, Any]]:
    """Return all rows of a resource in the files that count, in file order."""
    paths = [
        raw_dir(home) / entry.file
        for entry in read_manifest(home)
        if (entry.source, entry.resource) == (source, resource)
    ]
    return pa.concat_tables(map(pq.read_table, paths)).to_pylist() if paths else []


class ScriptedSite:
    """A server on loopback whose answers a test writes as one handler."""

    def __init__(self) -> None:
        self.handler: Handler = _nothing
        self.requests: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Count the request and let the handler answer it."""
        self.requests.append(f"{request.method} {request.path}")
        return await self.handler(request)


async def _nothing(_: web.Request) -> web.StreamResponse:
    return web.json_response({})


@pytest.fixture
def site() -> Iterator[ScriptedSite]:
    """Serve a scripted site; set its `handler`."""
    scripted = ScriptedSite()
    with answering(scripted.answer) as scripted.url:
        yield scripted


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home that does not exist yet."""
    return tmp_path / "home"
