"""Jira-shaped issues for the load benchmarks, as files and as a site that serves them.

The product is measured against a site that costs next to nothing: every issue and every
changelog is rendered once, a response only joins bytes. What is left is the product's own work.
"""

import argparse
import asyncio
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl

import msgspec

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
    """A site of pre-rendered issues: it answers what the pipelines ask, whole and at once.

    `answered` counts requests, `waited` is how many seconds they took in all, from the moment that
    one had been received until its answer was handed to the kernel.
    """

    def __init__(self, folder: Path) -> None:
        self.answered = 0
        self.waited = 0.0
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
        self._routes: dict[str, Callable[[dict[str, Any]], bytes]] = {
            "/rest/api/3/search/jql": self._search,
            "/rest/api/3/issue/bulkfetch": self._issues,
            "/rest/api/3/changelog/bulkfetch": self._changelogs,
            "/rest/api/3/serverInfo": lambda _: _SERVER_INFO,
            "/rest/api/3/myself": lambda _: _MYSELF,
            "/rest/api/3/project/search": lambda _: _PROJECTS,
            "/rest/api/3/worklog/updated": self._worklogs,
            "/rest/api/3/worklog/deleted": self._worklogs,
            LATENCY: lambda _: msgspec.json.encode(self.waited / self.answered),
        }

    def answer(self, target: str, body: bytes) -> bytes:
        """Return the body of the answer to a GET or POST. KeyError for what the site lacks."""
        path, _, query = target.partition("?")
        asked = msgspec.json.decode(body) if body else dict(parse_qsl(query))
        return self._routes[path](asked)

    def _search(self, asked: dict[str, Any]) -> bytes:
        start = int(asked.get("nextPageToken") or 0)
        size = min(int(asked.get("maxResults", 50)), 5_000)
        with_updated = "updated" in asked.get("fields", [])
        page = self.ids[start : start + size]
        rows: list[dict[str, Any]] = [{"id": issue_id} for issue_id in page]
        if with_updated:
            rows = [{"id": self.ids[-1], "fields": {"updated": _jira_time(EPOCH_MS)}}]
        last = with_updated or start + size >= len(self.ids)
        answer: dict[str, Any] = {"issues": rows, "isLast": last}
        if not last:
            answer["nextPageToken"] = str(start + size)
        return msgspec.json.encode(answer)

    def _issues(self, asked: dict[str, Any]) -> bytes:
        found = [self.issues[issue_id] for issue_id in asked["issueIdsOrKeys"]]
        return b'{"issues":[' + b",".join(found) + b'],"issueErrors":[]}'

    def _changelogs(self, asked: dict[str, Any]) -> bytes:
        found = [self.changelogs[issue_id] for issue_id in asked["issueIdsOrKeys"]]
        return b'{"issueChangeLogs":[' + b",".join(found) + b"]}"

    @staticmethod
    def _worklogs(asked: dict[str, Any]) -> bytes:
        since = int(asked.get("since", 0))
        page = {"values": [], "since": since, "until": since, "lastPage": True}
        return msgspec.json.encode(page)


_SERVER_INFO = b'{"baseUrl":"https://bench.example.com","deploymentType":"Cloud"}'
_MYSELF = b'{"accountId":"bench","timeZone":"UTC","displayName":"Bench"}'
_PROJECTS = msgspec.json.encode(
    {
        "startAt": 0,
        "maxResults": 100,
        "total": 20,
        "isLast": True,
        "values": [{"id": str(10_000 + number), "key": f"P{number}"} for number in range(20)],
    }
)


LATENCY = "/mean-latency"
"""Where the site says how many seconds its answers took on average."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: application/json; charset=utf-8\r\n"
    b"Content-Length: %d\r\n\r\n"
)


class _Answering(asyncio.Protocol):
    """A connection of HTTP/1.1 that is kept open, one request at a time.

    An answer is due `latency` seconds after its request has been received, and what it takes to
    make one is part of them: a framework's work would be latency that no real site has.
    """

    def __init__(self, site: PageSite, latency: float) -> None:
        self._site = site
        self._latency = latency
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or len(body) < (int(length[1]) if length else 0):
            return
        self._received = b""
        content = self._site.answer(head.split(b" ", 2)[1].decode(), body)
        answer = _HEAD % len(content) + content

        def send() -> None:
            self._transport.write(answer)
            self._site.answered += 1
            self._site.waited += loop.time() - began

        if self._latency:
            loop.call_at(began + self._latency, send)
        else:
            send()


async def _serve(folder: Path, latency: float) -> None:
    site = PageSite(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Answering(site, latency), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"port": port}), flush=True)  # noqa: T201 - the parent reads the port here
    # A benchmark that was killed must not leave a server behind: an hour is the bound.
    await asyncio.sleep(3_600)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve the pages of a benchmark on a free port.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.folder, arguments.latency))
