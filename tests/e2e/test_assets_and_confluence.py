"""Assets and Confluence to the ledger: every edit, every role, every record, under faults too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestration.transformation import MARTS
from pipelines.runner import run_source
from tests.e2e.product import Product, marts
from tests.sandbox.domains.assets import Assets
from tests.sandbox.domains.confluence import KINDS, Confluence
from tests.sandbox.running import running_sandbox
from tests.sandbox.verdicts import Report, render
from tests.sandbox.world import World

# The longer story of one domain; `test_all_actions` proves the same codes in `make test`.
pytestmark = pytest.mark.slow

SOURCES = ("jira_platform", "jira_issues", "assets", "confluence")
CODES = {
    "ASSET_OBJECT_CREATED",
    "ASSET_OBJECT_UPDATED",
    "ASSETS_ROLES_UPDATED",
    "ASSETS_OBJECT_TYPE_ROLES_UPDATED",
    *(kind.code for kind in KINDS.values() if kind.code),
}


def sync(product: Product) -> Report:
    for name in SOURCES:
        run_source(name, product.settings())
    product.build()
    return product.check_marts()


def _change_and_change_back(world: World, now: int) -> None:
    """Put somebody into a role and out again: no listing can tell."""
    assets = world.domain(Assets)
    role = next(role for role in assets.roles.values() if f"user:{world.me}" not in role.actors)
    assets.change_role(now, world.me, role.id, added=[f"user:{world.me}"])
    assets.change_role(now, world.me, role.id, removed=[f"user:{world.me}"])


def _swap(world: World, now: int) -> None:
    """Change a role of each kind twice between two listings: they tell the sum."""
    assets = world.domain(Assets)
    for code in ("ASSETS_ROLES_UPDATED", "ASSETS_OBJECT_TYPE_ROLES_UPDATED"):
        roles = [role for role in assets.roles.values() if role.code == code]
        role = max(roles, key=lambda role: len(role.actors))
        first = role.actors[:1]
        assets.change_role(now, world.me, role.id, removed=first, added=["group:night shift"])
        assets.change_role(now, world.me, role.id, added=[*first, "group:day shift"])


def _everything(world: World, now: int) -> None:
    confluence, assets = world.domain(Confluence), world.domain(Assets)
    for summary in KINDS:
        confluence.happen(now, world.me, summary, times=3)
    asset = assets.create_object(now, None, 20, {"Name": "made by a robot"})
    assets.update_object(now, world.me, asset.id, {"Name": "", "Owner": "Ada", "Notes": "\0 é"})
    gone = assets.create_object(now, world.me, 20, {"Name": "short-lived"})
    assets.delete_object(now, world.me, gone.id)


@pytest.fixture(scope="module")
def story(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Product, list[Report]]]:
    """Sync a site, and again after all that can happen between two listings."""
    with running_sandbox(days=20, domains=("assets", "confluence")) as sandbox:
        product = Product(tmp_path_factory.mktemp("assets"), sandbox)
        verdicts = [sync(product)]
        sandbox.advance(5 * 24 * 60)
        for step in (_change_and_change_back, _swap, _everything):
            sandbox.do(step)
        sandbox.fault("/gateway/*", "server_error", times=2)
        sandbox.fault("/wiki/*", "truncated", times=2)
        sandbox.advance(30)
        verdicts.append(sync(product))
        yield product, verdicts


def test_every_stage_is_exact(story: tuple[Product, list[Report]]) -> None:
    for verdict in story[1]:
        ours = {code: tally for code, tally in verdict.tallies.items() if code in CODES}
        assert sum(tally.faults for tally in ours.values()) == 0, "\n" + render(verdict)


def test_every_code_was_met(story: tuple[Product, list[Report]]) -> None:
    found = {code for code, tally in story[1][-1].tallies.items() if tally.found}
    assert found >= CODES


def test_what_nobody_could_see_is_not_invented(
    story: tuple[Product, list[Report]],
) -> None:
    unobservable = story[1][-1].tallies["ASSET_OBJECT_CREATED"].unobservable
    assert unobservable.total() >= 1


def test_deleted_objects_stay_known(story: tuple[Product, list[Report]]) -> None:
    product = story[0]
    assets: Assets = product.sandbox.site.world.domain(Assets)
    rows = marts(product.home / MARTS)["dim_assets"]
    deleted = {row[0] for row in rows if row[-2]}
    present = {row[0] for row in rows if not row[-2]}
    assert present == set(map(str, assets.objects))
    assert deleted <= set(map(str, assets.deleted))
