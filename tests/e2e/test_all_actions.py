"""Every action of the catalogue, through each of its channels, exact to the ledger.

Three sites live a fortnight each, with everything that people do in projects, boards, schemes,
groups, Assets and Confluence:

* `pulled`: read by all sources, nothing is sent;
* `pushed`: as before, answers go wrong in every way, pages are small, and a real `audit-log serve`
  receives webhooks and views: three in ten never arrive, others come twice, late, out of order or
  forged;
* `compared`: neither the administration log nor the organisation is connected, so that changes of
  configuration are found by comparing lists alone.

A rule of `action_mappings.csv` that no true row of any of them was made by fails the test.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest

from orchestration.transformation import DBT_PROJECT
from pipelines.runner import SyncReport
from tests.e2e.product import (
    REPOSITORY,
    VIEWS_SECRET,
    WEBHOOK_SECRET,
    Product,
    assert_exact,
)
from tests.sandbox.domains.admin import Admin
from tests.sandbox.domains.software import Software
from tests.sandbox.domains.software.boards import Board
from tests.sandbox.objects import Project, Worklog
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.verdicts import Report
from tests.sandbox.world import World

DAY = 24 * 60
STEPS = (30, 45, 3 * DAY, 3 * DAY, 4 * DAY, 4 * DAY)
"""Minutes between syncs."""
ISSUE_ACTIONS_A_YEAR = 12_000
BUSY = 4.0
"""How much more happens beside the issues than on a usual site, so that a fortnight has it all."""


def _mapped() -> dict[str, set[str]]:
    """Give action code -> sources that can tell of it, for the 88 actions around Jira."""
    with (DBT_PROJECT / "seeds" / "action_types.csv").open(encoding="utf-8") as file:
        codes = {row["action_code"] for row in csv.DictReader(file) if row["product"] == "jira"}
    sources: dict[str, set[str]] = defaultdict(set)
    with (DBT_PROJECT / "seeds" / "action_mappings.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["action_code"] in codes:
                sources[row["action_code"]].add(row["source"])
    assert len(codes) == 88
    return {code: sources[code] for code in sorted(codes)}


SOURCES_OF = _mapped()

FAULTS = {
    "expired_token",
    "html",
    "issue_error",
    "near_limit",
    "rate_limited",
    "repeated_page",
    "reset",
    "server_error",
    "slow",
    "truncated",
}


MORE_SYNCS = 20
"""In which every fault has struck that had not yet; the rarest strikes one request in fifty."""


def _not_struck(sandbox: RunningSandbox) -> set[str]:
    return FAULTS - {fault["kind"] for fault in sandbox.faults()}


def _asks_again(reports: Iterable[SyncReport]) -> bool:
    return any("next sync asks again" in said for one in reports for said in one.warnings)


class Rarities:
    """What people seldom do, done before each sync, so that a fortnight has it several times."""

    def __init__(self) -> None:
        self._trashed: Project | None = None
        self._board: Board | None = None
        self._worklog: Worklog | None = None
        self._count = 0

    def __call__(self, world: World, now: int) -> None:
        """Switch options; make types, boards and projects; delete work, boards and projects."""
        self._count += 1
        admin, software = world.domain(Admin), world.domain(Software)
        for option in ("issueLinkingEnabled", "subTasksEnabled", "votingEnabled"):
            software.options.set(now, world.me, option, not software.options.shown()[option])
        software.issue_types.create(now, world.me, f"Rare {self._count}")
        # The site's own people may have come first.
        if self._board is not None and self._board.id in software.boards.all:
            software.boards.delete(now, world.me, self._board)
        self._board = software.boards.create(
            now, world.me, f"Rare {self._count}", "kanban", "11000", "1"
        )
        if self._worklog is not None and self._worklog.id in world.worklogs:
            world.delete_worklog(now, world.me, self._worklog)
        issue = next(i for i in world.issues.values() if world.find(str(i.id)))
        self._worklog = world.log_work(now, world.me, issue, 600, "Rare work")
        if self._trashed is not None and self._trashed.id in world.projects:
            admin.purge_project(now, self._trashed, world.me)
        key = f"RARE{self._count}"
        self._trashed = admin.create_project(now, world.me, key, f"Rare {self._count}")
        admin.change_state(now, world.me, self._trashed, "deleted")


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Report:
    with running_sandbox(days=6, actions_per_year=ISSUE_ACTIONS_A_YEAR, activity=BUSY) as sandbox:
        product = Product(tmp_path_factory.mktemp("pulled"), sandbox)
        product.sync()
        rarities = Rarities()
        for minutes in STEPS:
            sandbox.advance(minutes)
            sandbox.do(rarities)
            product.sync()
        product.build()
        return product.check_marts()


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Report:
    plan = REPOSITORY / "tests" / "sandbox" / "plans" / "first.toml"
    with running_sandbox(
        seed=8,
        days=6,
        actions_per_year=ISSUE_ACTIONS_A_YEAR,
        activity=BUSY,
        plan=plan,
        page_limit=20,
    ) as sandbox:
        product = Product(tmp_path_factory.mktemp("pushed"), sandbox)
        product.sync()
        with product.receiving() as url:
            mishaps = {
                "drop": 0.3,
                "duplicate": 0.05,
                "replay": 0.02,
                "forge": 0.02,
                "shuffle": 0.1,
            }
            sandbox.webhooks(f"{url}/ingest/jira", WEBHOOK_SECRET, delay_ms=5, **mishaps)
            sandbox.views(f"{url}/ingest/issue-views", VIEWS_SECRET, delay_ms=5, **mishaps)
            rarities = Rarities()
            for minutes in STEPS:
                sandbox.advance(minutes)
                sandbox.do(rarities)
                sandbox.settle()
                reports = product.sync()
            # How many requests there are, and so what strikes them, differs a little each time.
            for _ in range(MORE_SYNCS):
                if not _not_struck(sandbox):
                    break
                sandbox.advance(STEPS[0])
                sandbox.settle()
                reports = product.sync()
        assert _not_struck(sandbox) == set(), f"never, in {MORE_SYNCS} more syncs"
        # An issue that the site refuses twice in one sync is asked for again in the next one.
        for _ in range(MORE_SYNCS):
            if not _asks_again(reports):
                break
            reports = product.sync()
        assert not _asks_again(reports), [said for one in reports for said in one.warnings]
        product.build()
        return product.check_marts()


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Report:
    with running_sandbox(
        seed=9, days=6, actions_per_year=ISSUE_ACTIONS_A_YEAR // 10, activity=BUSY
    ) as sandbox:
        product = Product(tmp_path_factory.mktemp("compared"), sandbox)
        without = ("jira_audit", "org_events", "confluence")
        product.sync(without=without)
        for _ in range(10):
            sandbox.advance(1.4 * DAY)
            product.sync(without=without)
        product.build()
        return product.check_marts()


@pytest.mark.parametrize("world", ["pulled", "pushed", "compared"])
def test_nothing_is_lost_doubled_invented_or_wrong(
    world: str, request: pytest.FixtureRequest
) -> None:
    assert_exact(request.getfixturevalue(world))


@pytest.fixture(scope="module")
def proved(pulled: Report, pushed: Report, compared: Report) -> dict[str, Counter[str]]:
    """Give action code -> source -> true rows that name it, over all worlds."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for report in (pulled, pushed, compared):
        for code, tally in report.tallies.items():
            counted[code].update(tally.sources)
    return counted


@pytest.mark.parametrize("code", SOURCES_OF)
def test_every_channel_of_every_action_was_proved(
    code: str, proved: dict[str, Counter[str]]
) -> None:
    assert SOURCES_OF[code], f"no rule makes {code}"
    assert not SOURCES_OF[code] - proved[code].keys(), dict(proved[code])


def test_what_could_not_be_seen_is_counted_with_its_reason(pushed: Report) -> None:
    reasons = {reason for tally in pushed.tallies.values() for reason in tally.unobservable}
    assert all(reasons), "each has one"
