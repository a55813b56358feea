"""Ids are fetched while they are listed: each once, by many at a time, until the listing ends."""

from __future__ import annotations

import asyncio
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from pipelines.errors import BrokenPagingError
from pipelines.runner import run_source
from pipelines.sources.jira_issues.feed import IdFeed
from tests.pipelines.conftest import QUICK, ScriptedSite, lake_rows, settings_for

UPDATED = "2026-05-01T10:00:00.000+0000"


def test_every_id_once_in_full_parts_whatever_came_when() -> None:
    async def run() -> tuple[list[list[str]], list[list[str]]]:
        feed = IdFeed(["3"])
        small: list[list[str]] = []
        large: list[list[str]] = []

        async def take_small(part: list[str]) -> None:
            await asyncio.sleep(0)
            small.append(part)

        async def take_large(part: list[str]) -> None:
            large.append(part)

        async def listing() -> None:
            for page in (["10", "9", "3"], [], ["9", "11"], ["12"]):  # with a start from the floor
                feed.add(page)
                assert feed.total is None
                await asyncio.sleep(0.001)
            feed.end()

        await asyncio.gather(
            listing(), feed.each(2, take_small, workers=3), feed.each(4, take_large, workers=2)
        )
        assert feed.total == len(feed) == 5
        return small, large

    small, large = asyncio.run(run())
    assert [*chain(*large)] == ["3", "9", "10", "11", "12"]
    assert sorted(chain(*small), key=int) == ["3", "9", "10", "11", "12"]
    assert [len(part) for part in large] == [4, 1]
    assert max(map(len, small)) == 2


class PagedSite:
    """A site of issues whose listing has pages of one; page two waits for a fetch of page one."""

    def __init__(self) -> None:
        self.was_fetched = asyncio.Event()
        self.expires = False

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        body = msgspec.json.decode(await request.read() or b"{}")
        match request.path.removeprefix("/rest/api/3/"):
            case "serverInfo":
                return web.json_response({"baseUrl": "https://a.atlassian.net"})
            case "myself":
                return web.json_response({"accountId": "me", "timeZone": "UTC"})
            case "search/jql":
                return await self._search(body)
            case "issue/bulkfetch":
                self.was_fetched.set()
                held = [{"id": i, "fields": {"updated": UPDATED}} for i in body["issueIdsOrKeys"]]
                return web.json_response({"issues": held})
            case "changelog/bulkfetch":
                return web.json_response({"issueChangeLogs": []})
            case _:
                return web.json_response({"values": [], "lastPage": True, "until": 0})

    async def _search(self, body: dict[str, Any]) -> web.StreamResponse:
        if body["fields"] == ["updated"]:
            return web.json_response({"issues": [{"id": "1", "fields": {"updated": UPDATED}}]})
        if "nextPageToken" not in body:
            first = [{"id": str(number)} for number in range(1, 101)]
            return web.json_response({"issues": first, "nextPageToken": "t"})
        await asyncio.wait_for(self.was_fetched.wait(), timeout=300)
        if self.expires:
            return web.json_response({"errorMessages": ["expired"]}, status=400)
        return web.json_response({"issues": [{"id": "101"}]})


def test_fetching_begins_while_the_listing_goes_on(site: ScriptedSite, home: Path) -> None:
    site.handler = PagedSite()
    report = run_source("jira_issues", settings_for(site.url, home), patience=QUICK)
    assert report.rows["issues"] == 101
    assert report.requests["POST /rest/api/3/issue/bulkfetch"] == 2
    assert len({row["object_id"] for row in lake_rows(home, "jira_issues", "issues")}) == 101


def test_a_listing_that_never_ends_well_leaves_nothing_of_what_was_fetched(
    site: ScriptedSite, home: Path
) -> None:
    paged = PagedSite()
    paged.expires = True
    site.handler = paged
    with pytest.raises(BrokenPagingError):
        run_source("jira_issues", settings_for(site.url, home), patience=QUICK)
    assert paged.was_fetched.is_set()
    assert lake_rows(home, "jira_issues", "issues") == []
