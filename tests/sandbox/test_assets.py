"""The assets domain: histories tell each edit, AQL finds what changed, roles show their people."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from tests.sandbox.clock import DAY, HOUR, MINUTE, YEAR, iso, parse_iso
from tests.sandbox.domain import ApiError, Call, Reply
from tests.sandbox.domains.assets import Assets
from tests.sandbox.domains.assets.aql import AqlError, parse
from tests.sandbox.generator import build_world
from tests.sandbox.ledger import Line
from tests.sandbox.objects import JsonObject
from tests.sandbox.world import World

START = parse_iso("2025-06-01T00:00:00")
CODES = {
    "ASSET_OBJECT_CREATED",
    "ASSET_OBJECT_UPDATED",
    "ASSETS_ROLES_UPDATED",
    "ASSETS_OBJECT_TYPE_ROLES_UPDATED",
}


def told(seed: int, *steps: int) -> tuple[World, list[Line]]:
    lines: list[Line] = []
    world = build_world(seed=seed, start=START, sink=lines.append)
    world.stream = None
    world.permissions["ASSETS"] = True
    world.domains["assets"] = Assets(world, random.Random(f"{seed}:assets"), START)
    for step in steps:
        world.advance(START + step)
    return world, lines


def ask(assets: Assets, method: str, path: str, body: JsonObject | None = None) -> Reply:
    """Route a request of the workspace."""
    path, _, query = path.partition("?")
    whole = f"{assets.routes()[1].path.rpartition('/objectschema')[0]}/{path}"
    pairs = [pair.split("=") for pair in query.split("&") if pair]
    for route in assets.routes():
        match = re.fullmatch(route.path, whole)
        if match and route.method == method:
            arguments = {name: [value] for name, value in pairs}
            return route.handler(Call(whole, arguments, body or {}, match.groupdict()))
    raise AssertionError(path)


def test_a_year_has_every_action() -> None:
    _, lines = told(7, YEAR)
    counts = Counter(line.code for line in lines if not line.code.startswith("_"))
    assert set(counts) == CODES
    assert 1_500 < sum(counts.values()) < 2_500
    assert counts["ASSETS_ROLES_UPDATED"] > 100
    assert any(line.code == "_ASSET_OBJECT_DELETED" for line in lines)
    assert max(len(line.items) for line in lines) >= 3


def test_the_stream_does_not_depend_on_how_it_is_asked_for() -> None:
    assert told(3, 30 * DAY)[1] == told(3, 1, HOUR, 5 * DAY + 17, 30 * DAY)[1]


def test_histories_tell_the_ledger() -> None:
    world, lines = told(7, 200 * DAY)
    assets = world.domain(Assets)
    of_object: dict[str, list[Line]] = {}
    for line in lines:
        if line.code.startswith("ASSET_OBJECT"):
            of_object.setdefault(str(line.target_id), []).append(line)
    for asset in assets.objects.values():
        entries = ask(assets, "GET", f"object/{asset.id}/history?asc=true").body
        edits = of_object[str(asset.id)]
        assert entries[0]["type"] == 0
        for line in edits[1:]:
            shown = {
                (e["affectedAttribute"], e["oldValue"] or None, e["newValue"] or None)
                for e in entries
                if e["created"] == line.at and e["type"] == 1
            }
            assert shown == {(item.field, item.old, item.new) for item in line.items}
    newest = ask(assets, "GET", "object/1/history").body
    assert newest == ask(assets, "GET", "object/1/history?asc=true").body[::-1]


def test_aql_reads_times_in_the_account_s_zone_and_pages() -> None:
    world, _ = told(7, 100 * DAY)
    assets = world.domain(Assets)
    everything = sorted(assets.objects.values(), key=lambda asset: asset.updated)
    middle = everything[len(everything) // 2].updated
    moment = iso(middle + 2 * HOUR)  # Europe/Zurich, summer
    query = {"qlQuery": f'Updated >= "{moment[:10]} {moment[11:16]}" ORDER BY Updated ASC'}
    expected = [str(a.id) for a in everything if a.updated >= middle - middle % MINUTE]
    body = ask(assets, "POST", "object/aql?maxResults=1000", query).body
    assert [row["id"] for row in body["values"]] == expected
    assert (body["total"], body["isLast"]) == (len(expected), True)
    assert ask(assets, "POST", "object/aql/totalcount", query).body == {"totalCount": len(expected)}
    assets.generation = "entries"
    page = ask(assets, "POST", "object/aql?startAt=2&maxResults=3", query).body
    assert [row["id"] for row in page["objectEntries"]] == expected[2:5]
    assert "isLast" not in page
    one_schema = {"qlQuery": "objectSchemaId = 2 ORDER BY Created DESC"}
    rows = ask(assets, "POST", "object/aql?maxResults=1000", one_schema).body["objectEntries"]
    assert {row["objectType"]["objectSchemaId"] for row in rows} == {"2"}
    assert [row["created"] for row in rows] == sorted((r["created"] for r in rows), reverse=True)


@pytest.mark.parametrize("text", ["label = x", 'Updated >= "soon"', "objectSchemaId > 3"])
def test_what_is_not_of_the_subset_is_refused(text: str) -> None:
    with pytest.raises(AqlError):
        parse(text, "Europe/Zurich")


def test_roles_show_their_people_and_each_read_is_a_listing() -> None:
    world, lines = told(7, 0)
    assets = world.domain(Assets)
    roles = ask(assets, "GET", "config/role/objectschema/1").body
    assert list(roles) == [
        "Object Schema Managers",
        "Object Schema Developers",
        "Object Schema Users",
    ]
    role_id = roles["Object Schema Users"].rpartition("/")[2]
    assets.change_role(START, world.me, int(role_id), added=[f"user:{world.me}", "group:it-assets"])
    reply = ask(assets, "GET", f"config/role/{role_id}")
    assert [(a["name"], a["type"]) for a in reply.body["actors"]] == [
        (world.me, "atlassian-user-role-actor"),
        ("it-assets", "atlassian-group-role-actor"),
    ]
    assert [detail.key for detail in reply.details] == lines[-1].listing
    assert [(i.field, i.old_id, i.new_id) for i in lines[-1].items] == [
        ("User", None, world.me),
        ("Group", None, "it-assets"),
    ]


def test_an_object_that_is_deleted_is_gone_with_its_history() -> None:
    world, _ = told(7, 0)
    assets = world.domain(Assets)
    asset = assets.create_object(START, world.me, 10, {"Name": "Notebook 1"})
    assets.delete_object(START, world.me, asset.id)
    for path in (f"object/{asset.id}", f"object/{asset.id}/history"):
        with pytest.raises(ApiError) as refused:
            ask(assets, "GET", path)
        assert refused.value.status == 404


def test_a_site_without_assets_or_without_the_right() -> None:
    world, _ = told(7, 0)
    assets = world.domain(Assets)
    world.permissions["ASSETS"] = False
    with pytest.raises(ApiError) as refused:
        ask(assets, "GET", "objectschema/list")
    assert refused.value.status == 403
    image = Assets(world, random.Random(1), None)
    assert image.workspaces(Call("", {}, {})).body["values"] == []
    with pytest.raises(ApiError) as absent:
        ask(image, "GET", "objectschema/list")
    assert absent.value.status == 404
