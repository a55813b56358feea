"""Golden cases of Assets and Confluence: rows of the lake in, actions out, through two builds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.contracts.graph.manifest import Manifest

from tests.dbt.builds import build, contents, query
from tests.dbt.lakes import Lake, Row, at, listed

ANN = "5b10ac8d82e05b22cc7d4ef5"
BOB = "712020:3f2c1a00-0000-4000-8000-000000000001"


def asset(
    object_id: int,
    label: str | None,
    *,
    created: datetime,
    updated: datetime,
    fetched: datetime,
) -> Row:
    """Return a version of an object; without a label, the time it was found deleted."""
    payload = {
        "id": str(object_id),
        "label": label,
        "objectKey": f"ITAM-{object_id}",
        "objectType": {"id": "10", "name": "Notebook"},
        "created": created.isoformat(),
        "updated": updated.isoformat(),
    }
    return Row(
        "assets",
        "objects",
        str(object_id),
        updated.isoformat(),
        fetched,
        parent_id="1",
        source_at=updated,
        is_present=label is not None,
        payload=json.dumps(payload) if label else None,
    )


def entry(
    entry_id: int,
    object_id: int,
    created: datetime,
    *,
    fetched: datetime,
    kind: int = 1,
    actor: Mapping[str, Any] | None = None,
    change: tuple[str, str, str] | None = None,
) -> Row:
    """Return an entry of an object's history; `change` is attribute, old and new value."""
    payload: dict[str, Any] = {"id": str(entry_id), "objectId": str(object_id), "type": kind}
    if actor:
        payload["actor"] = dict(actor)
    if change:
        payload |= dict(zip(("affectedAttribute", "oldValue", "newValue"), change, strict=True))
    return Row(
        "assets",
        "object_histories",
        str(entry_id),
        str(entry_id),
        fetched,
        parent_id=str(object_id),
        source_at=created,
        payload=json.dumps(payload),
    )


def role(
    resource: str, role_id: int, parent: int, actors: Sequence[str], sweep: str, fetched: datetime
) -> Row:
    """Return a version of a role: who is in it, `group:` before groups."""
    payload = {
        "id": role_id,
        "name": "Object Schema Users",
        "actors": [
            {
                "name": actor.removeprefix("group:"),
                "type": f"atlassian-{'group' if actor.startswith('group:') else 'user'}-role-actor",
            }
            for actor in actors
        ],
    }
    return Row(
        "assets",
        resource,
        str(role_id),
        f"{'-'.join(actors)}.{sweep}",
        fetched,
        parent_id=str(parent),
        payload=json.dumps(payload),
    )


def sweep(name: str, sweep_id: str, started: datetime, finished: datetime) -> Row:
    """Return a complete listing."""
    payload = {
        "status": "complete",
        "started_at": started.isoformat(),
        "finished_at": finished.isoformat(),
    }
    return Row(
        "assets", "sweeps", name, sweep_id, finished, source_at=started, payload=json.dumps(payload)
    )


def record(summary: str, place: int, created: datetime, *, author: str | None = ANN) -> Row:
    """Return a record of Confluence's log; `place` tells it from equal ones."""
    payload: dict[str, Any] = {
        "summary": summary,
        "category": "Spaces",
        "affectedObject": {"name": "Web", "objectType": "Space"},
        "changedValues": [{"name": "Key", "oldValue": "", "newValue": "WEB"}],
    }
    if author:
        payload["author"] = {"accountId": author, "displayName": "Ann"}
    record_id = f"{summary}.{place}"
    return Row(
        "confluence",
        "audit_records",
        record_id,
        record_id,
        at(90),
        source_at=created,
        payload=json.dumps(payload),
    )


def loads() -> list[list[Row]]:
    """Return what two syncs bring; the second also brings rows of the first again."""
    bob = {"displayName": "Bob", "name": "Bob"}
    ann = {"displayName": "Ann", "key": ANN, "name": ANN}
    first = [
        listed("users", ANN, {"displayName": "Ann", "active": True}, fetched=at(1)),
        listed("users", BOB, {"displayName": "Bob", "active": True}, fetched=at(1)),
        asset(1, "Notebook 1", created=at(10), updated=at(20), fetched=at(30)),
        entry(1, 1, at(10), kind=0, actor=ann, fetched=at(30)),
        entry(2, 1, at(10), actor=ann, change=("Name", "", "Notebook"), fetched=at(30)),
        entry(3, 1, at(20), actor=bob, change=("Name", "Notebook", "Notebook 1"), fetched=at(30)),
        entry(4, 1, at(20), actor=bob, change=("Owner", "Ann", ""), fetched=at(30)),
        entry(5, 1, at(21), kind=8, actor=bob, fetched=at(30)),
        asset(2, "Server", created=at(12), updated=at(12), fetched=at(30)),
        sweep("schema_roles:1", "a", at(29), at(30)),
        role("schema_roles", 62, 1, [ANN, "group:it"], "a", at(30)),
        record("Space created", 1, at(15)),
        record("Space created", 2, at(15)),
        record("Space deleted", 1, at(16), author=None),
        record("Macro moved", 1, at(17)),
    ]
    second = [
        *first[3:6],
        entry(9, 2, at(12), kind=0, actor=ann, fetched=at(60)),
        asset(1, None, created=at(10), updated=at(58), fetched=at(60)),
        sweep("schema_roles:1", "b", at(59), at(60)),
        role("schema_roles", 62, 1, [BOB, "group:it"], "b", at(60)),
        record("Space created", 2, at(15)),
    ]
    return [first, second]


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory, manifest: Manifest) -> tuple[Path, Path]:
    """Build after each load, and once from everything."""
    steps, whole = tmp_path_factory.mktemp("steps"), tmp_path_factory.mktemp("whole")
    lake = Lake(steps)
    for load in loads():
        lake.load(load)
        build(steps, manifest, tests=True)
    once = Lake(whole)
    for load in loads():
        once.load(load)
    build(whole, manifest, whole=True)
    return steps, whole


def actions(home: Path) -> list[tuple[Any, ...]]:
    return query(
        home,
        """
        select source_event_id, action_code, occurred_at, observed_from_at, actor_account_id,
            actor_certainty, target_id, old_value, new_value, change_count
        from fct_actions
        where source in ('assets', 'confluence') and action_code != 'USER_LAST_ACTIVE'
        order by action_code, source_event_id
        """,
    )


def naive(minutes: float) -> datetime:
    return at(minutes).replace(tzinfo=None)


def test_actions(homes: tuple[Path, Path]) -> None:
    changes = "Name: Notebook\nOwner: Ann"
    assert actions(homes[0]) == [
        (
            f"62@{BOB}-group:it.b",
            "ASSETS_ROLES_UPDATED",
            naive(60),
            naive(29),
            None,
            "unknown",
            "62",
            "User: Ann",
            "User: Bob",
            2,
        ),
        ("1", "ASSET_OBJECT_CREATED", naive(10), None, ANN, "known", "1", None, None, 0),
        ("9", "ASSET_OBJECT_CREATED", naive(12), None, ANN, "known", "2", None, None, 0),
        (
            "3",
            "ASSET_OBJECT_UPDATED",
            naive(20),
            None,
            BOB,
            "inferred",
            "1",
            changes,
            "Name: Notebook 1",
            2,
        ),
        (
            "Space created.1",
            "CONFLUENCE_SPACE_CREATED",
            naive(15),
            None,
            ANN,
            "known",
            "Space:Web",
            None,
            "WEB",
            1,
        ),
        (
            "Space created.2",
            "CONFLUENCE_SPACE_CREATED",
            naive(15),
            None,
            ANN,
            "known",
            "Space:Web",
            None,
            "WEB",
            1,
        ),
        (
            "Space deleted.1",
            "CONFLUENCE_SPACE_DELETED",
            naive(16),
            None,
            None,
            "unknown",
            "Space:Web",
            None,
            "WEB",
            1,
        ),
    ]


def test_builds_in_steps_are_the_build_of_everything(homes: tuple[Path, Path]) -> None:
    assert contents(homes[0]) == contents(homes[1])


def test_deleted_objects_stay_with_what_is_known_of_them(homes: tuple[Path, Path]) -> None:
    rows = query(homes[0], "select object_id, object_label, is_deleted from dim_assets order by 1")
    assert rows == [("1", "Notebook 1", True), ("2", "Server", False)]


def test_what_no_rule_knows_is_listed(homes: tuple[Path, Path]) -> None:
    with duckdb.connect(str(homes[0] / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute(f"attach '{homes[0] / 'marts.duckdb'}' as marts (read_only)")
        rows = connection.execute(
            """
            select raw_event, condition, event_count from intermediate.int_actions__unmapped
            where source in ('assets', 'confluence') order by 1
            """
        ).fetchall()
    assert rows == [("Macro moved", "any", 1), ("object_history", "type 8", 1)]
