"""The organisation to the ledger: its events, who was last active, and who looked at issues."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import duckdb
import pytest

from orchestration import transformation
from orchestration.transformation import MARTS
from pipelines.errors import NotConnectedError
from pipelines.runner import run_source
from serve.db.engine import database_address, open_engine
from serve.ingest import service
from serve.ingest.repository import InboxRepository
from tests.e2e.product import Product, marts
from tests.sandbox.clock import SECOND
from tests.sandbox.domains.organization import Organization, View
from tests.sandbox.domains.organization.organization import ACCOUNT_ACTIONS
from tests.sandbox.running import running_sandbox
from tests.sandbox.verdicts import Report, render
from tests.sandbox.world import World

# The longer story of one domain; `test_all_actions` proves the same codes in `make test`.
pytestmark = pytest.mark.slow

SOURCES = ("jira_platform", "jira_issues", "org_events", "inbox")
CODES = {*ACCOUNT_ACTIONS.values(), "ISSUE_VIEWED", "USER_LAST_ACTIVE"}


def sync(product: Product) -> Report:
    for name in SOURCES:
        with suppress(NotConnectedError):  # the inbox, until something was received
            run_source(name, product.settings())
    product.build()
    return product.check_marts()


def _collect(product: Product, world: World, _: int) -> None:
    """From now on a collector tells the product of two views in three."""
    site = product.sandbox.site

    def store(view: View) -> None:
        if view.number % 3 == 0:
            return
        repository = InboxRepository(open_engine(database_address(product.home, None)))
        repository.start()
        try:
            repository.add(service.views(json.dumps(view.body).encode())).result(timeout=300)
        finally:
            repository.close()
        site.served.write(0, view.at, [f"view:{view.number}"], [])

    world.domain(Organization).receiver = store


def _everything(world: World, now: int) -> None:
    """Do each thing once, and look at issues around the five minutes."""
    log = world.domain(Organization)
    for action in ACCOUNT_ACTIONS:
        if action == "token_created":
            log.create_token(now, world.me)
        elif action == "token_revoked":
            log.revoke_token(now, world.me)
        else:
            log.change(action, now, actor=None, account_id=world.me)
    issue = list(world.issues.values())[-1]
    for seconds, source in (
        (0, "customer_portal"),
        (200, "issue_view"),
        (299.999, "issue_view"),
        (300, "customer_portal"),
        (600, "issue_view"),
        (601, "issue_view"),
    ):
        log.view(now + int(seconds * SECOND), world.me, issue, source)
    log.be_active(now + 602 * SECOND, world.me)


@pytest.fixture(scope="module")
def story(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Product, list[Report]]]:
    """Sync a site, some hours later with views pushed, then after every kind of event."""
    with running_sandbox(days=10, domains=("organization",)) as sandbox:
        product = Product(tmp_path_factory.mktemp("organization"), sandbox)
        verdicts = [sync(product)]
        sandbox.do(partial(_collect, product))
        sandbox.advance(9 * 60)
        sandbox.fault("/admin/*", "server_error", times=2)
        verdicts.append(sync(product))
        sandbox.do(_everything)
        sandbox.advance(12 * 60)
        verdicts.append(sync(product))
        yield product, verdicts


def test_every_stage_is_exact(story: tuple[Product, list[Report]]) -> None:
    for verdict in story[1]:
        assert verdict.faults == 0, "\n" + render(verdict)


def test_every_code_was_met(story: tuple[Product, list[Report]]) -> None:
    found = {code for code, tally in story[1][-1].tallies.items() if tally.found}
    assert found >= CODES


def test_views_have_their_place_and_what_they_stand_for(
    story: tuple[Product, list[Report]],
) -> None:
    product = story[0]
    with duckdb.connect(str(product.home / MARTS), read_only=True) as connection:
        places = connection.execute(
            "select view_source, count(*) > 0 from fct_issue_views group by 1 order by 1"
        ).fetchall()
        folded = connection.execute(
            "select max(raw_view_count), count(distinct sources) from fct_issue_views"
        ).fetchone()
        unlike = connection.execute(
            """
            select count(*) from fct_issue_views as views
            full join (select * from fct_actions where action_code = 'ISSUE_VIEWED') as actions
                on views.view_id = actions.action_id and views.viewed_at = actions.occurred_at
                and views.project_id is not distinct from actions.project_id
                and views.is_secured = actions.is_secured and views.sources = actions.sources
            where views.view_id is null or actions.action_id is null
            """
        ).fetchone()
    assert places == [("customer_portal", True), ("issue_view", True)]
    assert folded is not None
    assert folded[0] > 1
    assert folded[1] == 3
    assert unlike == (0,)


def test_a_rebuild_gives_the_same_rows(story: tuple[Product, list[Report]]) -> None:
    product = story[0]
    before = marts(product.home / MARTS)
    transformation.build(product.home, project=product.project, full_refresh=True)
    after = marts(product.home / MARTS)
    for table in (
        "fct_actions",
        "fct_action_changes",
        "fct_issue_views",
        "agg_user_last_active",
        "fct_user_last_active_history",
    ):
        assert after[table] == before[table], table
