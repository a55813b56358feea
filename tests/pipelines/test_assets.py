"""Assets against the sandbox: changed histories only, deletions only when proved."""

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
from pipelines.sources.assets.objects import decode_page
from tests.pipelines.conftest import QUICK, lake_rows, settings_for
from tests.sandbox.domains.assets import Assets
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.world import World

AQL = "POST /gateway/api/jsm/assets/workspace/{workspace}/v1/object/aql"
HISTORY = "GET /gateway/api/jsm/assets/workspace/{workspace}/v1/object/{object}/history"
ROLE = "GET /gateway/api/jsm/assets/workspace/{workspace}/v1/config/role/{role}"


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """Run a site whose Assets have half a year of history."""
    with running_sandbox(days=180, actions_per_year=62_000, domains=("assets",)) as running:
        yield running


def sync(sandbox: RunningSandbox, home: Path, *, accept_shrink: bool = False) -> SyncReport:
    return run_source(
        "assets", settings_for(sandbox.base_url, home), patience=QUICK, accept_shrink=accept_shrink
    )


def assets_of(sandbox: RunningSandbox) -> Assets:
    return sandbox.site.world.domain(Assets)


def rows(home: Path, resource: str) -> list[dict[str, Any]]:
    return lake_rows(home, "assets", resource)


def entries_of(sandbox: RunningSandbox) -> set[str]:
    objects = assets_of(sandbox).objects.values()
    return {str(entry.id) for asset in objects for entry in asset.entries}


def _edit(object_id: int, name: str, world: World, now: int) -> None:
    world.domain(Assets).update_object(now, world.me, object_id, {"Name": name, "Notes": name})


def _delete(object_id: int, world: World, now: int) -> None:
    world.domain(Assets).delete_object(now, world.me, object_id)


def _join(role_id: int, world: World, now: int) -> None:
    world.domain(Assets).change_role(now, world.me, role_id, added=[f"user:{world.me}"])


def test_everything_once_then_only_what_changed(sandbox: RunningSandbox, home: Path) -> None:
    first = sync(sandbox, home)
    objects = assets_of(sandbox).objects
    assert {row["object_id"] for row in rows(home, "objects")} == set(map(str, objects))
    assert {row["object_id"] for row in rows(home, "object_histories")} == entries_of(sandbox)
    assert first.requests[HISTORY] == len(objects)
    assert first.mode == "full"
    assert len(rows(home, "schema_roles")) == 6
    assert len(rows(home, "object_type_roles")) == 15

    second = sync(sandbox, home)
    assert set(second.rows) == {"sweeps"}
    assert HISTORY not in second.requests
    assert second.requests[AQL] == 2

    sandbox.advance(30 * 24 * 60)
    before = {row["object_id"] for row in rows(home, "object_histories")}
    third = sync(sandbox, home)
    changed = {row["object_id"] for row in rows(home, "objects") if row["is_present"]}
    assert changed >= set(map(str, objects))
    assert {r["object_id"] for r in rows(home, "object_histories")} == before | entries_of(sandbox)
    assert third.requests[HISTORY] == third.rows["objects"] - len(
        [row for row in rows(home, "objects") if not row["is_present"]]
    )


def test_an_edit_costs_one_history_and_adds_only_new_entries(
    sandbox: RunningSandbox, home: Path
) -> None:
    sync(sandbox, home)
    held = len(rows(home, "object_histories"))
    chosen = next(iter(assets_of(sandbox).objects))
    sandbox.advance(90)
    settled = sync(sandbox, home)
    sandbox.do(partial(_edit, chosen, "Renamed"))
    report = sync(sandbox, home)
    assert report.requests[HISTORY] == 1
    assert report.mode == "incremental"
    assert report.cursor_to is not None
    assert report.cursor_to > str(settled.cursor_to)
    added = rows(home, "object_histories")[held:]
    ours = [row for row in added if row["parent_id"] == str(chosen)]
    assert len({row["object_id"] for row in ours}) >= 2
    values = [json.loads(row["payload"]) for row in ours]
    assert {value["newValue"] for value in values} >= {"Renamed"}


def test_deleted_objects_get_one_tombstone_and_keep_their_history(
    sandbox: RunningSandbox, home: Path
) -> None:
    sync(sandbox, home)
    doomed = next(iter(assets_of(sandbox).objects))
    sandbox.do(partial(_delete, doomed))
    for _ in range(2):
        sync(sandbox, home)
    tombstones = [row for row in rows(home, "objects") if not row["is_present"]]
    assert [row["object_id"] for row in tombstones] == [str(doomed)]
    parents = {row["parent_id"] for row in rows(home, "object_histories")}
    assert str(doomed) in parents


def test_an_object_that_comes_back_is_a_version_of_its_own(
    sandbox: RunningSandbox, home: Path
) -> None:
    sync(sandbox, home)
    chosen = next(iter(assets_of(sandbox).objects))
    sandbox.do(partial(_delete, chosen))
    sync(sandbox, home)

    def bring_back(world: World, _: int) -> None:
        assets = world.domain(Assets)
        assets.objects[chosen] = assets.deleted.pop(chosen)

    sandbox.do(bring_back)
    sync(sandbox, home)
    versions = [row for row in rows(home, "objects") if row["object_id"] == str(chosen)]
    assert [row["is_present"] for row in versions] == [True, False, True]
    assert len({row["version"] for row in versions}) == 3


def test_too_many_missing_objects_are_held_back(sandbox: RunningSandbox, home: Path) -> None:
    sync(sandbox, home)
    for doomed in list(assets_of(sandbox).objects)[:120]:
        sandbox.do(partial(_delete, doomed))
    report = sync(sandbox, home)
    assert any("are missing from the listing" in warning for warning in report.warnings)
    assert all(row["is_present"] for row in rows(home, "objects"))
    accepted = sync(sandbox, home, accept_shrink=True)
    assert accepted.warnings == []
    assert sum(not row["is_present"] for row in rows(home, "objects")) == 120


def test_roles_are_versions_of_their_people(sandbox: RunningSandbox, home: Path) -> None:
    sync(sandbox, home)
    role = next(
        role
        for role in assets_of(sandbox).roles.values()
        if f"user:{sandbox.site.world.me}" not in role.actors
    )
    sandbox.do(partial(_join, role.id))
    report = sync(sandbox, home)
    assert report.rows["schema_roles"] == 1
    versions = [row for row in rows(home, "schema_roles") if row["object_id"] == str(role.id)]
    people = [{a["name"] for a in json.loads(row["payload"])["actors"]} for row in versions]
    assert people[1] - people[0] == {sandbox.site.world.me}
    sweeps = {row["object_id"] for row in rows(home, "sweeps")}
    assert {"schema_roles:1", "schema_roles:2", "object_type_roles:10"} <= sweeps
    assert report.requests[ROLE] == 21


def test_both_generations_of_answers_hold_the_same(sandbox: RunningSandbox, home: Path) -> None:
    assets_of(sandbox).generation = "entries"
    sync(sandbox, home)
    assert {row["object_id"] for row in rows(home, "objects")} == set(
        map(str, assets_of(sandbox).objects)
    )


def test_answers_say_in_many_ways_that_they_are_the_last() -> None:
    assert decode_page(b'{"values": [], "total": 1000, "isLast": true}').total is None
    assert decode_page(b'{"values": [], "total": 7, "last": true}').is_last is True
    assert decode_page(b'{"values": [], "hasMoreResults": true}').is_last is False
    older = decode_page(b'{"objectEntries": [{}], "totalFilterCount": 3, "toIndex": 1}')
    assert (len(older.records), older.total, older.is_last) == (1, 3, None)


def test_faults_lose_nothing(sandbox: RunningSandbox, home: Path) -> None:
    kinds = ("server_error", "truncated", "rate_limited", "reset", "html")
    for number, kind in enumerate(kinds):
        sandbox.fault("/gateway/*", kind, nth=[5 + 3 * number, 60 + 3 * number])
    sync(sandbox, home)
    assert len(sandbox.faults()) == 10
    assert {row["object_id"] for row in rows(home, "object_histories")} == entries_of(sandbox)
    counts = Counter(row["object_id"] for row in rows(home, "objects"))
    assert set(counts) == set(map(str, assets_of(sandbox).objects))
    assert max(counts.values()) == 1


def test_a_lost_right_skips_everything_and_deletes_nothing(
    sandbox: RunningSandbox, home: Path
) -> None:
    sync(sandbox, home)
    sandbox.permission("ASSETS", granted=False)
    report = sync(sandbox, home)
    assert {skipped.resource for skipped in report.skipped} == {"object_schemas"}
    assert all(row["is_present"] for row in rows(home, "objects"))
    sandbox.permission("ASSETS", granted=True)
    assert sync(sandbox, home).skipped == []


def test_a_site_without_assets_is_not_connected(home: Path) -> None:
    with running_sandbox(days=0, actions_per_year=1, domains=("assets",)) as sandbox:
        assets_of(sandbox).has_workspace = False
        with pytest.raises(NotConnectedError, match="shows no Assets"):
            sync(sandbox, home)
