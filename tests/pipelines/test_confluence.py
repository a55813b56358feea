"""Confluence's audit log against the sandbox: each record once, equal ones all of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import NotConnectedError
from pipelines.runner import SyncReport, run_source
from pipelines.sources.confluence.audit import AUDIT
from tests.pipelines.conftest import QUICK, lake_rows, settings_for
from tests.sandbox.clock import MINUTE
from tests.sandbox.domains.confluence import Confluence
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.world import World


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """Run a site whose Confluence has half a year of history."""
    with running_sandbox(days=180, actions_per_year=62_000, domains=("confluence",)) as running:
        yield running


def sync(sandbox: RunningSandbox, home: Path, *, full: bool = False) -> SyncReport:
    return run_source("confluence", settings_for(sandbox.base_url, home), patience=QUICK, full=full)


def confluence_of(sandbox: RunningSandbox) -> Confluence:
    return sandbox.site.world.domain(Confluence)


def told(home: Path) -> Counter[str]:
    """Count the records of the lake by their text; rows of one id are one record."""
    rows: dict[str, Any] = {
        row["object_id"]: row["payload"] for row in lake_rows(home, "confluence", "audit_records")
    }
    return Counter(json.dumps(json.loads(text), sort_keys=True) for text in rows.values())


def happened(sandbox: RunningSandbox) -> Counter[str]:
    records = confluence_of(sandbox).records
    now = sandbox.site.world.now
    readable = (record.content for record in records if record.readable_at <= now)
    return Counter(json.dumps(content, sort_keys=True) for content in readable)


def _happen(
    summary: str, times: int, lateness: int, world: World, now: int, *, ago: int = 0
) -> None:
    world.domain(Confluence).happen(
        now - ago, world.me, summary, times=times, lateness=lateness + ago
    )


def test_every_record_once_and_twins_twice(sandbox: RunningSandbox, home: Path) -> None:
    report = sync(sandbox, home)
    assert told(home) == happened(sandbox)
    assert max(told(home).values()) == 2
    assert report.requests[f"GET {AUDIT}"] == 1
    sync(sandbox, home)
    assert told(home) == happened(sandbox)
    sync(sandbox, home, full=True)
    assert told(home) == happened(sandbox)


@pytest.mark.parametrize("page_limit", [1, 2, 7, 100])
def test_small_pages_lose_and_double_nothing(
    sandbox: RunningSandbox, home: Path, page_limit: int
) -> None:
    confluence_of(sandbox).page_limit = page_limit
    for _ in range(3):
        sandbox.do(partial(_happen, "Page archived", 9, 0))
    report = sync(sandbox, home)
    assert told(home) == happened(sandbox)
    records = len(confluence_of(sandbox).records)
    assert report.requests[f"GET {AUDIT}"] <= 3 * records / page_limit + 10


def test_records_that_arrive_while_pages_are_read(sandbox: RunningSandbox, home: Path) -> None:
    confluence_of(sandbox).page_limit = 20
    sync(sandbox, home)
    for ago in (0, 3 * MINUTE, 7 * MINUTE):
        sandbox.do(partial(_happen, "Space export", 2, 0, ago=ago))
    sandbox.advance(30)
    report = sync(sandbox, home)
    assert told(home) == happened(sandbox)
    assert report.mode == "incremental"
    assert report.requests[f"GET {AUDIT}"] == 1


def test_a_twin_that_becomes_readable_later_is_a_record_of_its_own(
    sandbox: RunningSandbox, home: Path
) -> None:
    sandbox.do(partial(_happen, "Space export", 1, 0))

    def repeat(world: World, _: int) -> None:
        records = world.domain(Confluence).records
        last = records[-1]
        records.append(type(last)(len(records) + 1, last.at, last.at + 5 * MINUTE, last.content))

    sandbox.do(repeat)
    sync(sandbox, home)
    sandbox.advance(6)
    sync(sandbox, home)
    assert told(home) == happened(sandbox)


def test_the_last_two_days_are_read_again_once_a_day(sandbox: RunningSandbox, home: Path) -> None:
    sync(sandbox, home)
    sandbox.do(partial(_happen, "Space export", 1, 20 * 60 * MINUTE))
    sandbox.advance(60)
    assert sync(sandbox, home).mode == "incremental"
    assert told(home) == happened(sandbox)
    sandbox.advance(24 * 60)
    assert sync(sandbox, home).mode == "recent"
    assert told(home) == happened(sandbox)


def test_a_new_name_of_the_author_makes_no_new_record(sandbox: RunningSandbox, home: Path) -> None:
    sandbox.do(partial(_happen, "Space export", 1, 0))
    sync(sandbox, home)
    count = len(told(home))

    def rename(world: World, _: int) -> None:
        world.domain(Confluence).records[-1].content["author"]["displayName"] = "Somebody Else"

    sandbox.do(rename)
    sync(sandbox, home)
    assert len(told(home)) == count


def test_faults_lose_nothing(sandbox: RunningSandbox, home: Path) -> None:
    confluence_of(sandbox).page_limit = 20
    for number, kind in enumerate(("server_error", "truncated", "rate_limited", "reset", "html")):
        sandbox.fault("/wiki/*", kind, nth=[2 + 3 * number, 20 + 3 * number])
    sync(sandbox, home)
    assert len(sandbox.faults()) == 10
    assert told(home) == happened(sandbox)


def test_a_record_without_a_time_is_quarantined(sandbox: RunningSandbox, home: Path) -> None:
    def spoil(world: World, _: int) -> None:
        world.domain(Confluence).records[-1].content["creationDate"] = "yesterday"

    sandbox.do(spoil)
    report = sync(sandbox, home)
    assert report.quarantined == 1
    assert report.rows["audit_records"] == len(confluence_of(sandbox).records) - 1


def test_without_the_right_the_run_ends_well_and_says_so(
    sandbox: RunningSandbox, home: Path
) -> None:
    sandbox.permission("CONFLUENCE_ADMIN", granted=False)
    report = sync(sandbox, home)
    assert [skipped.permission for skipped in report.skipped] == ["Confluence administrator"]
    assert "audit_records" not in report.rows
    sandbox.permission("CONFLUENCE_ADMIN", granted=True)
    sync(sandbox, home)
    assert told(home) == happened(sandbox)


def test_a_site_without_confluence_is_not_connected(home: Path) -> None:
    with running_sandbox(days=0, actions_per_year=1, domains=("confluence",)) as sandbox:
        confluence_of(sandbox).is_installed = False
        with pytest.raises(NotConnectedError, match="shows no Confluence"):
            sync(sandbox, home)
