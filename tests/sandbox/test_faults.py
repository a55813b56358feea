"""Faults: each kind does what it says, is logged, repeats itself, and never counts as served."""

from __future__ import annotations

import http.client
from collections import Counter
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests.sandbox.client import Client
from tests.sandbox.faults import Fault, Faults, PlanError
from tests.sandbox.running import RunningSandbox, running_sandbox

EVERYTHING = 'updated >= "1970-01-01 00:00" ORDER BY created ASC'
FIRST_PLAN = Path(__file__).parent / "plans" / "first.toml"
SEARCH = "/rest/api/3/search/jql"


@pytest.fixture
def site() -> Iterator[RunningSandbox]:
    with running_sandbox(days=4) as sandbox:
        yield sandbox


def kinds(site: RunningSandbox) -> list[str]:
    return [row["kind"] for row in site.faults()]


def test_rate_limits_carry_jiras_headers(site: RunningSandbox) -> None:
    site.fault(SEARCH, "rate_limited", times=1, retry_after=7)
    client = Client(site)
    assert client.get("serverInfo").status == 200
    answer = client.search(EVERYTHING)
    assert answer.status == 429
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["ratelimit-reason"] == "jira-burst-based"
    assert answer.headers["x-ratelimit-reset"] == "2026-06-01T12:01Z"
    assert client.search(EVERYTHING).status == 200
    site.fault(SEARCH, "rate_limited", times=1, retry_after=90, style="date")
    answer = client.search(EVERYTHING)
    wait = parsedate_to_datetime(answer.headers["retry-after"]) - parsedate_to_datetime(
        answer.headers["date"]
    )
    assert wait.total_seconds() == 90


def test_broken_answers_are_broken_and_not_served(site: RunningSandbox) -> None:
    client = Client(site)
    site.fault(SEARCH, "server_error", nth=[1], status=502)
    site.fault(SEARCH, "truncated", nth=[2])
    site.fault(SEARCH, "html", nth=[3])
    site.fault(SEARCH, "reset", nth=[4])
    assert client.search(EVERYTHING).status == 502
    with pytest.raises(http.client.IncompleteRead):
        client.search(EVERYTHING, maxResults=5000)
    answer = client.search(EVERYTHING)
    assert (answer.status, answer.body) == (200, None)
    assert answer.raw.startswith(b"<!DOCTYPE html>")
    with pytest.raises(ConnectionError):
        client.search(EVERYTHING)
    assert site.served() == []
    assert kinds(site) == ["server_error", "truncated", "html", "reset"]
    assert client.search(EVERYTHING, maxResults=5000).status == 200
    assert site.served()


def test_paging_faults_strike_tokens_only(site: RunningSandbox) -> None:
    client = Client(site)
    site.fault(SEARCH, "repeated_page", nth=[1])
    site.fault(SEARCH, "expired_token", nth=[2])
    first = client.search(EVERYTHING, maxResults=10).body
    token = first["nextPageToken"]
    assert client.search(EVERYTHING, maxResults=10, nextPageToken=token).body == first
    assert client.search(EVERYTHING, maxResults=10, nextPageToken=token).status == 400
    second = client.search(EVERYTHING, maxResults=10, nextPageToken=token).body
    assert not {i["id"] for i in second["issues"]} & {i["id"] for i in first["issues"]}
    assert kinds(site) == ["repeated_page", "expired_token"]


def test_slow_and_near_limit_answers_are_served(site: RunningSandbox) -> None:
    site.fault(SEARCH, "near_limit", nth=[1])
    site.fault(SEARCH, "slow", nth=[2], seconds=0.01)
    assert Client(site).search(EVERYTHING).headers["x-ratelimit-nearlimit"] == "true"
    assert site.served()
    assert Client(site).search(EVERYTHING).status == 200
    assert kinds(site) == ["near_limit", "slow"]


def test_an_issue_error_is_a_gap_to_be_asked_for_again(site: RunningSandbox) -> None:
    client = Client(site)
    ids = [issue["id"] for issue in client.search(EVERYTHING, maxResults=3).body["issues"]]
    site.fault("/rest/api/3/issue/bulkfetch", "issue_error", times=1)
    answer = client.post("issue/bulkfetch", issueIdsOrKeys=ids).body
    (error,) = answer["issueErrors"]
    assert sorted([error["id"], *(issue["id"] for issue in answer["issues"])]) == sorted(ids)
    assert f"issue:{error['id']}" not in {row["key"] for row in site.served()}
    answer = client.post("issue/bulkfetch", issueIdsOrKeys=ids).body
    assert (len(answer["issues"]), answer["issueErrors"]) == (3, [])


def test_break_json_lasts_as_long_as_asked(site: RunningSandbox) -> None:
    site.break_json("/rest/api/3/field", times=2)
    client = Client(site)
    bodies = [client.get("field").body for _ in range(3)]
    assert bodies[:2] == [None, None]
    assert bodies[2]


def test_the_first_plan_strikes_often_and_the_same_each_time() -> None:
    """Every kind appears, and two runs of the same requests meet the same faults."""
    paths = [SEARCH, "/rest/api/3/changelog/bulkfetch", "/rest/api/3/issue/bulkfetch"] * 400
    runs = []
    for _ in range(2):
        faults = Faults.load(FIRST_PLAN)
        struck = [faults.pick(path, has_token=number % 2 == 0) for number, path in enumerate(paths)]
        runs.append([fault.kind if fault else None for fault in struck])
    assert runs[0] == runs[1]
    counts = Counter(runs[0])
    assert set(counts) >= {
        "rate_limited",
        "server_error",
        "truncated",
        "html",
        "reset",
        "slow",
        "repeated_page",
        "expired_token",
    }
    assert 0.15 < 1 - counts[None] / len(paths) < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "fault = 3",
        "[[fault]]\npath='*'\nkind='html'",
        "[[fault]]\npath='*'\nkind='html'\ntimes=1\nnth=[1]",
        "[[fault]]\npath='*'\nkind='html'\ntimes=1\ncolour='red'",
        "[[fault]]\npath='*'\nkind='server_error'\ntimes=1\nstatus=200",
        "not toml",
    ],
)
def test_a_wrong_plan_is_refused_by_name(tmp_path: Path, text: str) -> None:
    plan = tmp_path / "wrong.toml"
    plan.write_text(text)
    with pytest.raises(PlanError, match=r"wrong\.toml"):
        Faults.load(plan)


def test_a_rule_needs_exactly_one_occasion() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Fault(path="*", kind="html")
