"""The administration log against the sandbox: every record once, whatever it does meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.runner import SyncReport, run_source
from tests.pipelines.conftest import QUICK, lake_rows, settings_for
from tests.sandbox.clock import HOUR, MINUTE, SECOND
from tests.sandbox.domains.admin import Admin
from tests.sandbox.domains.admin.log import RETENTION, user_key
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.world import World

RECORDS = "GET /rest/api/3/auditing/record"
MIGRATION = "GET /rest/api/3/user/bulk/migration"


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """Run a site where nothing happens by itself."""
    with running_sandbox(days=0, actions_per_year=1, domains=("admin",)) as running:
        yield running


def sync(sandbox: RunningSandbox, home: Path, *, full: bool = False) -> SyncReport:
    settings = settings_for(sandbox.base_url, home)
    return run_source("jira_audit", settings, patience=QUICK, full=full)


def with_admin(sandbox: RunningSandbox, command: Callable[[Admin, int], object]) -> None:
    """Run a command of the administration at the sandbox's present."""

    def run(world: World, now: int) -> None:
        command(world.domain(Admin), now)

    sandbox.do(run)


def write(admin: Admin, at: int, count: int, *, apart: int = 0, delay: int = 0) -> None:
    """Write records from `at` on, `apart` ms after each other, that appear after `delay` ms."""
    for number in range(count):
        admin.log.add(
            at + number * apart,
            admin.world.me,
            "Workflow created",
            "workflows",
            {"name": str(number), "typeName": "WORKFLOW"},
            delay=delay,
        )


def stored(home: Path) -> list[str]:
    """Ids of the records in the lake, each once, in the order of the log."""
    ids = {row["object_id"] for row in lake_rows(home, "jira_audit", "records")}
    return sorted(ids, key=int)


def logged(sandbox: RunningSandbox) -> list[str]:
    """Ids of all records of the log."""
    return [str(record.id) for record in sandbox.site.world.domain(Admin).log.records]


def test_every_record_is_read_and_then_only_the_new_ones(
    sandbox: RunningSandbox, home: Path
) -> None:
    with_admin(sandbox, lambda admin, now: write(admin, now - 100 * HOUR, 3_500, apart=90_000))
    first = sync(sandbox, home)
    assert stored(home) == logged(sandbox)
    assert first.mode == "full"
    assert first.requests[RECORDS] <= 2 * 3_500 / 500 + 20
    row = lake_rows(home, "jira_audit", "records")[0]
    assert row["version"] == row["object_id"] == str(json.loads(row["payload"])["id"])
    assert row["source_at"] is not None
    with_admin(sandbox, lambda admin, now: write(admin, now, 3))
    sandbox.advance(30)
    second = sync(sandbox, home)
    assert stored(home) == logged(sandbox)
    assert second.mode == "incremental"
    assert second.rows["records"] == 3
    assert second.requests[RECORDS] == 2
    assert second.cursor_from == first.cursor_to


def test_many_records_of_one_millisecond_are_all_read(sandbox: RunningSandbox, home: Path) -> None:
    with_admin(sandbox, lambda admin, now: write(admin, now - HOUR, 2_345))
    sync(sandbox, home)
    assert stored(home) == logged(sandbox)
    assert len(stored(home)) == 2_345


@pytest.mark.parametrize("error", [-(10**6), -1, 1, 999, 10**6])
def test_no_total_is_believed(sandbox: RunningSandbox, home: Path, error: int) -> None:
    def lie(admin: Admin, now: int) -> None:
        write(admin, now - HOUR, 1_500, apart=1_000)
        admin.log.total_error = lambda _: error

    with_admin(sandbox, lie)
    report = sync(sandbox, home)
    assert stored(home) == logged(sandbox)
    assert report.requests[RECORDS] < 40


@pytest.mark.parametrize("count", [1, 7, 1_200])
def test_offsets_that_shift_lose_nothing(sandbox: RunningSandbox, home: Path, count: int) -> None:
    """Records come in after each of the first answers: at the present, and late in the past."""

    def write_while_read(admin: Admin, now: int) -> None:
        write(admin, now - HOUR, count, apart=1_000)
        left = [
            lambda: write(admin, now - 30 * MINUTE, 1),
            lambda: write(admin, now - HOUR, 2),
            lambda: write(admin, now - 10 * SECOND, 40),
        ]
        admin.log.after_answer = lambda: left.pop()() if left else None

    with_admin(sandbox, write_while_read)
    sync(sandbox, home)
    assert set(stored(home)) >= set(logged(sandbox)[:count])
    sandbox.advance(25 * 60)
    sync(sandbox, home)
    assert stored(home) == logged(sandbox)


def _at(sandbox: RunningSandbox, record_id: str) -> int:
    records = sandbox.site.world.domain(Admin).log.records
    return next(record.at for record in records if str(record.id) == record_id)


def test_records_that_appear_late_are_not_passed_over(sandbox: RunningSandbox, home: Path) -> None:
    sync(sandbox, home)
    with_admin(sandbox, lambda admin, now: write(admin, now, 5, delay=40 * SECOND))
    with_admin(sandbox, lambda admin, now: write(admin, now, 5, delay=8 * HOUR))
    for minutes in (0.5, 0.5, 1):
        sandbox.advance(minutes)
        sync(sandbox, home)
    assert stored(home) == logged(sandbox)[:5]
    sandbox.advance(25 * 60)
    assert sync(sandbox, home).mode == "recent"
    assert stored(home) == logged(sandbox)


def test_what_the_log_no_longer_keeps_stays_in_the_lake(
    sandbox: RunningSandbox, home: Path
) -> None:
    with_admin(sandbox, lambda admin, now: write(admin, now - RETENTION + HOUR, 2))
    sync(sandbox, home)
    sandbox.advance(120)
    report = sync(sandbox, home, full=True)
    assert "records" not in report.rows
    assert stored(home) == logged(sandbox)


def test_without_the_right_the_log_is_skipped_and_caught_up_later(
    sandbox: RunningSandbox, home: Path
) -> None:
    with_admin(sandbox, lambda admin, now: write(admin, now - HOUR, 5))
    sandbox.permission("ADMINISTER", granted=False)
    report = sync(sandbox, home)
    assert [(skip.resource, skip.permission) for skip in report.skipped] == [
        ("records", "Administer Jira")
    ]
    assert "who changed projects" in report.skipped[0].loses
    assert report.cursor_to is None
    sandbox.permission("ADMINISTER", granted=True)
    sync(sandbox, home)
    assert stored(home) == logged(sandbox)


def test_keys_are_resolved_once_in_bulk(sandbox: RunningSandbox, home: Path) -> None:
    people = list(sandbox.site.world.people)

    def act(admin: Admin, now: int) -> None:
        group = next(iter(admin.groups.values()))
        for account_id in people[:70]:
            if account_id in group.members:
                admin.remove_member(now - HOUR, people[1], group, account_id)
            admin.add_member(now - HOUR, people[1], group, account_id)
        nobody = {"id": "ug:nobody", "name": "ug:nobody", "typeName": "USER"}
        admin.log.add(now - HOUR, None, "User created", "user management", nobody, delay=0)

    with_admin(sandbox, act)
    first = sync(sandbox, home)
    assert first.requests[MIGRATION] == 2
    rows = lake_rows(home, "jira_audit", "user_keys")
    accounts = {row["object_id"]: _account(row) for row in rows}
    expected: dict[str, str | None] = {user_key(who): who for who in people[:70]}
    named = {user_key(people[1]): people[1]}
    assert {**accounts, **named} == {**expected, "ug:nobody": None, **named}
    assert MIGRATION not in sync(sandbox, home).requests
    assert sync(sandbox, home, full=True).requests[MIGRATION] == 2


def _account(row: dict[str, Any]) -> str | None:
    account: str | None = json.loads(row["payload"]).get("accountId")
    return account


def test_a_busy_log_is_exact_under_faults(home: Path) -> None:
    with running_sandbox(days=40, actions_per_year=20_000, domains=("admin",)) as sandbox:
        for kind in ("truncated", "server_error", "html", "reset", "rate_limited"):
            sandbox.fault("/rest/api/3/auditing/record", kind, probability=0.15, retry_after=1)
        for _ in range(3):
            sync(sandbox, home)
            sandbox.advance(7 * 60)
        sync(sandbox, home)
        settled = [i for i in logged(sandbox) if _at(sandbox, i) <= sandbox.site.world.now - MINUTE]
        assert stored(home) == settled
        assert len(settled) > 80
        assert sandbox.faults()
