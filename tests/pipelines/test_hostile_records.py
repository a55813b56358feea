"""A site whose records are broken in every way we know: whole runs, down to the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from aiohttp import web

from pipelines.errors import SiteFailingError
from pipelines.lake import raw_dir
from pipelines.runner import SyncReport, run_source
from tests.pipelines.conftest import QUICK, ScriptedSite, lake_rows, settings_for

GOOD_TIME = "2026-05-01T10:00:00.000+0200"


def issue(number: int, **fields: Any) -> str:  # noqa: ANN401  (any JSON)
    return json.dumps({"id": str(number), "fields": {"updated": GOOD_TIME} | fields})


ISSUES = {
    1: issue(1, summary="plain"),
    2: issue(2, summary="x" * 5_000_000),
    3: issue(3, summary="half a pair \ud83d", nothing="\0"),
    4: '{"id":"4","fields":{"updated":"' + GOOD_TIME + '","big":1e400,"long":' + "9" * 300 + "}}",
    5: issue(5, updated="yesterday"),
    6: '{"fields":{"updated":"' + GOOD_TIME + '"}}',
    7: issue(7, updated=None),
    8: '{"id":["8"],"fields":{}}',
    9: "[]",
    10: issue(10, comment=[]),
    11: issue(11, comment={"total": 2, "comments": [{"id": "1"}, {"id": "2", "updated": 1}]}),
    12: issue(12, comment={"total": 0, "comments": []}),
    13: issue(13, comment={"total": 1, "comments": [{"id": "3", "updated": GOOD_TIME}]}),
}
HISTORIES = [
    '{"id":"h1","created":1767225600000,"items":[]}',
    '{"id":"h2","created":"2026-05-01T10:00:00.000+0200","items":[]}',
    '{"id":"h3","created":"2026-05-01T10:00:00"}',
    '{"created":1767225600000}',
    '{"id":"h4","created":99999999999999999999}',
]


class HostileSite:
    """Answers what a sync of issues asks; single issues can be made to break the bulk fetch."""

    def __init__(self, *, breaking: frozenset[int] = frozenset()) -> None:
        self.breaking = breaking

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        body = msgspec.json.decode(await request.read() or b"{}")
        part = request.path.removeprefix("/rest/api/3/")
        answers: dict[str, Any] = {
            "serverInfo": {"baseUrl": "https://hostile.atlassian.net"},
            "myself": {"accountId": "me", "timeZone": "UTC"},
            "worklog/updated": {"values": [], "until": 0, "lastPage": True},
            "worklog/deleted": {"values": [{"worklogId": None}], "until": 5, "lastPage": True},
        }
        if part == "search/jql":
            found = [{"id": number, "fields": {"updated": GOOD_TIME}} for number in ISSUES]
            return web.json_response({"issues": found[: body["maxResults"]]})
        if part == "issue/bulkfetch":
            asked = [int(number) for number in body["issueIdsOrKeys"]]
            if self.breaking.intersection(asked):
                return web.json_response({"errorMessages": ["Boom"]}, status=500)
            return _text('{"issues":[' + ",".join(ISSUES[number] for number in asked) + "]}")
        if part == "changelog/bulkfetch":
            group = '{"issueId":"1","changeHistories":[' + ",".join(HISTORIES) + "]}"
            return _text('{"issueChangeLogs":[' + group + ',{"changeHistories":[]}]}')
        return web.json_response(answers[part])


def _text(body: str) -> web.Response:
    return web.Response(text=body, content_type="application/json")


def sync(site: ScriptedSite, home: Path, handler: HostileSite) -> SyncReport:
    site.handler = handler
    return run_source("jira_issues", settings_for(site.url, home), patience=QUICK)


def stored(home: Path, resource: str) -> list[str]:
    return sorted(row["object_id"] for row in lake_rows(home, "jira_issues", resource))


def test_every_good_record_is_stored_and_every_bad_one_explained(
    site: ScriptedSite, home: Path
) -> None:
    report = sync(site, home, HostileSite())
    assert stored(home, "issues") == ["1", "10", "11", "12", "13", "2", "3", "4"]
    assert stored(home, "changelogs") == ["h1", "h2"]
    assert stored(home, "comments") == ["2", "3"]
    # 11 has a comment that cannot be read, 10 has no readable list: neither proves a deletion
    assert stored(home, "comment_listings") == ["12", "13"]
    reasons: dict[str, list[str]] = {}
    for row in lake_rows(home, "jira_issues", "quarantine"):
        content = json.loads(row["payload"])
        reasons.setdefault(content["resource"], []).append(row["object_id"])
    assert sorted(reasons["issues"]) == ["5", "7", "unknown", "unknown", "unknown"]
    assert sorted(reasons["changelogs"]) == ["h3", "h4", "unknown", "unknown"]
    assert sorted(reasons["comments"]) == ["1", "10"]
    assert reasons["worklog_deletions"] == ["unknown"]
    assert report.quarantined == sum(map(len, reasons.values()))
    assert any("lone surrogates" in warning for warning in report.warnings)


def test_what_is_stored_can_be_read_by_the_warehouse(site: ScriptedSite, home: Path) -> None:
    sync(site, home, HostileSite())
    files = str(raw_dir(home) / "jira_issues" / "*" / "*.parquet")
    unreadable = duckdb.execute(
        "select count(*) from read_parquet($1) "
        "where payload is not null and not json_valid(payload)",
        [files],
    ).fetchone()
    assert unreadable == (0,)
    summary = duckdb.execute(
        "select payload ->> '$.fields.summary', payload ->> '$.fields.nothing' "
        "from read_parquet($1) where object_id = '3' and payload like '%half a pair%'",
        [str(raw_dir(home) / "jira_issues" / "issues" / "*.parquet")],
    ).fetchone()
    assert summary == ("half a pair \ufffd", "\u2400")


def test_an_issue_that_breaks_its_request_costs_only_itself(site: ScriptedSite, home: Path) -> None:
    report = sync(site, home, HostileSite(breaking=frozenset({12})))
    assert stored(home, "issues") == ["1", "10", "11", "13", "2", "3", "4"]
    assert any("1 issues could not be sent" in warning for warning in report.warnings)
    sync(site, home, HostileSite())
    assert "12" in stored(home, "issues")


def test_a_site_that_breaks_on_everything_is_an_error(site: ScriptedSite, home: Path) -> None:
    with pytest.raises(SiteFailingError):
        sync(site, home, HostileSite(breaking=frozenset(ISSUES)))
    assert lake_rows(home, "jira_issues", "runs") == []
