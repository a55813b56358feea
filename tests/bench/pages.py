"""Jira-shaped issues for the load benchmarks, as files and as a site that serves them.

The product is measured against a site that costs next to nothing: every issue and every
changelog is rendered once, a response only joins bytes. What is left is the product's own work.
"""

import argparse
import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

WORDS = [
    *("invoice", "login", "report", "export", "filter", "sprint", "board", "deploy", "customer"),
    *("request", "audit", "table", "field", "upgrade", "timeout", "cache", "retry", "webhook"),
    *("permission", "scheme", "dashboard", "search", "index", "queue", "worker"),
]
EPOCH_MS = 1_735_689_600_000


@dataclass(frozen=True)
class Shape:
    """How large an issue is: custom fields, history entries, words of text, comments."""

    custom_fields: int
    histories: int
    words: int
    comments: int


HEAVY = Shape(custom_fields=60, histories=8, words=120, comments=2)
LIGHT = Shape(custom_fields=0, histories=1, words=12, comments=0)


def _text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words))


def _user(number: int) -> dict[str, Any]:
    return {
        "accountId": f"5b10a2844c20165700ed{number:04d}",
        "displayName": f"Person {number}",
        "active": True,
        "timeZone": "Europe/Zurich",
        "accountType": "atlassian",
        "avatarUrls": {"48x48": f"https://avatars.example.com/{number}/48"},
    }


def _jira_time(milliseconds: int) -> str:
    seconds, millis = divmod(milliseconds, 1000)
    days, rest = divmod(seconds - EPOCH_MS // 1000, 86_400)
    # Months of 28 days keep this cheap; the benchmark needs plausible times, not a calendar.
    month, day = divmod(days, 28)
    year, month = divmod(month, 12)
    clock = f"{rest // 3600:02d}:{rest % 3600 // 60:02d}:{rest % 60:02d}"
    return f"{2025 + year}-{month + 1:02d}-{day + 1:02d}T{clock}.{millis:03d}+0000"


def issue(number: int, shape: Shape, rng: random.Random) -> dict[str, Any]:
    """One issue as `POST /issue/bulkfetch` returns it."""
    created = EPOCH_MS + number * 3_000_000
    fields: dict[str, Any] = {
        "summary": _text(rng, 8),
        "created": _jira_time(created),
        "updated": _jira_time(created + shape.histories * 60_000),
        "creator": _user(number % 900),
        "reporter": _user(number % 700),
        "assignee": _user(number % 500),
        "project": {"id": str(10_000 + number % 20), "key": f"P{number % 20}", "name": "Bench"},
        "issuetype": {"id": "10001", "name": "Task", "subtask": False},
        "status": {"id": str(1 + number % 5), "name": "In Progress"},
        "priority": {"id": "3", "name": "Medium"},
        "resolution": None,
        "labels": rng.choices(WORDS, k=3),
        "issuelinks": [],
        "attachment": [],
        "description": _text(rng, shape.words),
        "comment": {
            "total": shape.comments,
            "maxResults": shape.comments,
            "startAt": 0,
            "comments": [
                {
                    "id": str(number * 10 + position),
                    "author": _user((number + position) % 900),
                    "updateAuthor": _user((number + position) % 900),
                    "body": _text(rng, 40),
                    "created": _jira_time(created + 1_000 * position),
                    "updated": _jira_time(created + 1_000 * position),
                }
                for position in range(shape.comments)
            ],
        },
    }
    for field in range(shape.custom_fields):
        fields[f"customfield_{10_000 + field}"] = (
            {"self": f"https://bench.example.com/option/{field}", "value": _text(rng, 3)}
            if field % 3
            else _text(rng, 18)
        )
    return {
        "id": str(100_000 + number),
        "key": f"P{number % 20}-{number}",
        "self": f"https://bench.example.com/rest/api/3/issue/{100_000 + number}",
        "fields": fields,
    }


def changelog(number: int, shape: Shape, rng: random.Random) -> dict[str, Any]:
    """One issue's entry of `POST /changelog/bulkfetch`."""
    created = EPOCH_MS + number * 3_000_000
    return {
        "issueId": str(100_000 + number),
        "changeHistories": [
            {
                "id": str(number * 20 + position),
                "author": _user((number + position) % 900),
                "created": created + position * 60_000,
                "items": [
                    {
                        "field": "summary",
                        "fieldId": "summary",
                        "fieldtype": "jira",
                        "from": None,
                        "fromString": _text(rng, shape.words // 2),
                        "to": None,
                        "toString": _text(rng, shape.words // 2),
                    },
                    {
                        "field": "status",
                        "fieldId": "status",
                        "fieldtype": "jira",
                        "from": str(1 + position % 5),
                        "fromString": "To Do",
                        "to": str(1 + (position + 1) % 5),
                        "toString": "In Progress",
                    },
                ],
            }
            for position in range(shape.histories)
        ],
    }


def rendered(count: int, shape: Shape) -> Iterator[tuple[bytes, bytes]]:
    """Yield (issue JSON, changelog JSON) of `count` issues, the same for the same arguments."""
    rng = random.Random(count)
    for number in range(count):
        yield (
            json.dumps(issue(number, shape, rng), separators=(",", ":")).encode(),
            json.dumps(changelog(number, shape, rng), separators=(",", ":")).encode(),
        )


def write_ndjson(folder: Path, count: int, shape: Shape) -> tuple[Path, Path]:
    """Write `issues.ndjson` and `changelogs.ndjson` for the contenders that read files."""
    folder.mkdir(parents=True, exist_ok=True)
    issues, changelogs = folder / "issues.ndjson", folder / "changelogs.ndjson"
    with issues.open("wb") as issue_file, changelogs.open("wb") as changelog_file:
        for issue_json, changelog_json in rendered(count, shape):
            issue_file.write(issue_json + b"\n")
            changelog_file.write(changelog_json + b"\n")
    return issues, changelogs


class PageSite:
    """A site of pre-rendered issues; it answers what the pipelines ask after `latency` seconds."""

    def __init__(self, folder: Path, latency: float) -> None:
        self.latency = latency
        self.requests = 0
        self.issues: dict[str, bytes] = {}
        self.changelogs: dict[str, bytes] = {}
        for name, into, key in (
            ("issues.ndjson", self.issues, b'{"id":"'),
            ("changelogs.ndjson", self.changelogs, b'{"issueId":"'),
        ):
            with (folder / name).open("rb") as lines:
                for line in lines:
                    start = len(key)
                    into[line[start : line.index(b'"', start)].decode()] = line.rstrip()
        self.ids = list(self.issues)

    def app(self) -> web.Application:
        """Build the routes; reference lists are empty, the rest comes from the files."""
        app = web.Application(middlewares=[self._wait])
        app.router.add_post("/rest/api/3/search/jql", self._search)
        app.router.add_get("/rest/api/3/search/jql", self._search)
        app.router.add_post("/rest/api/3/issue/bulkfetch", self._issues)
        app.router.add_post("/rest/api/3/changelog/bulkfetch", self._changelogs)
        app.router.add_get("/rest/api/3/serverInfo", self._server_info)
        app.router.add_get("/rest/api/3/myself", self._myself)
        app.router.add_get("/rest/api/3/project/search", self._projects)
        app.router.add_get("/rest/api/3/worklog/updated", self._worklogs)
        app.router.add_get("/rest/api/3/worklog/deleted", self._worklogs)
        app.router.add_get("/__stats", self._stats)
        return app

    @web.middleware
    async def _wait(
        self,
        request: web.Request,
        handler: Any,  # noqa: ANN401 - aiohttp's handler type is private
    ) -> web.StreamResponse:
        if not request.path.startswith("/__"):
            self.requests += 1
            if self.latency:
                await asyncio.sleep(self.latency)
        response: web.StreamResponse = await handler(request)
        return response

    @staticmethod
    def _body(content: bytes) -> web.Response:
        return web.Response(body=content, content_type="application/json", charset="utf-8")

    async def _search(self, request: web.Request) -> web.Response:
        asked: dict[str, Any] = (
            msgspec.json.decode(await request.read())
            if request.method == "POST"
            else dict(request.query)
        )
        start = int(asked.get("nextPageToken") or 0)
        size = min(int(asked.get("maxResults", 50)), 5_000)
        fields = asked.get("fields", [])
        with_updated = "updated" in fields
        page = self.ids[start : start + size]
        rows: list[dict[str, Any]] = [{"id": issue_id} for issue_id in page]
        if with_updated:
            rows = [{"id": self.ids[-1], "fields": {"updated": _jira_time(EPOCH_MS)}}]
        last = with_updated or start + size >= len(self.ids)
        answer: dict[str, Any] = {"issues": rows, "isLast": last}
        if not last:
            answer["nextPageToken"] = str(start + size)
        return self._body(msgspec.json.encode(answer))

    async def _issues(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read())
        found = (self.issues[issue_id] for issue_id in asked["issueIdsOrKeys"])
        return self._body(b'{"issues":[' + b",".join(found) + b'],"issueErrors":[]}')

    async def _changelogs(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read())
        found = (self.changelogs[issue_id] for issue_id in asked["issueIdsOrKeys"])
        return self._body(b'{"issueChangeLogs":[' + b",".join(found) + b"]}")

    async def _server_info(self, _request: web.Request) -> web.Response:
        return self._body(b'{"baseUrl":"https://bench.example.com","deploymentType":"Cloud"}')

    async def _myself(self, _request: web.Request) -> web.Response:
        return self._body(b'{"accountId":"bench","timeZone":"UTC","displayName":"Bench"}')

    async def _projects(self, _request: web.Request) -> web.Response:
        values = [{"id": str(10_000 + number), "key": f"P{number}"} for number in range(20)]
        page = {"startAt": 0, "maxResults": 100, "total": 20, "isLast": True, "values": values}
        return self._body(msgspec.json.encode(page))

    async def _worklogs(self, request: web.Request) -> web.Response:
        since = int(request.query.get("since", 0))
        page = {"values": [], "since": since, "until": since, "lastPage": True}
        return self._body(msgspec.json.encode(page))

    async def _stats(self, _request: web.Request) -> web.Response:
        return self._body(msgspec.json.encode({"requests": self.requests}))


async def _serve(folder: Path, latency: float) -> None:
    runner = web.AppRunner(PageSite(folder, latency).app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    print(json.dumps({"port": port}), flush=True)  # noqa: T201 - the parent reads the port here
    # A benchmark that was killed must not leave a server behind: an hour is the bound.
    await asyncio.sleep(3_600)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve the pages of a benchmark on a free port.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.folder, arguments.latency))
