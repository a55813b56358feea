"""The confluence domain: every kind of record, newest first, by windows and offsets."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.sandbox.clock import DAY, HOUR, MINUTE, YEAR, parse_iso
from tests.sandbox.domain import ApiError, Call, Reply
from tests.sandbox.domains.confluence import KINDS, Confluence
from tests.sandbox.generator import build_world
from tests.sandbox.ledger import Line
from tests.sandbox.world import World

START = parse_iso("2025-06-01T00:00:00")


def told(seed: int, *steps: int) -> tuple[World, list[Line]]:
    lines: list[Line] = []
    world = build_world(seed=seed, start=START, sink=lines.append)
    world.stream = None
    world.permissions["CONFLUENCE_ADMIN"] = True
    world.domains["confluence"] = Confluence(world, random.Random(f"{seed}:confluence"), START)
    for step in steps:
        world.advance(START + step)
    return world, lines


def ask(world: World, **query: int) -> Reply:
    arguments = {name: [str(value)] for name, value in query.items()}
    return world.domain(Confluence).audit(Call("", arguments, {}))


def test_a_year_has_every_action() -> None:
    _, lines = told(7, YEAR)
    counts = Counter(line.code for line in lines)
    assert set(counts) == {kind.code or "_CONFLUENCE_RECORD" for kind in KINDS.values()}
    assert 1_200 < len(lines) < 1_900
    assert any(line.actor is None for line in lines)


def test_the_stream_does_not_depend_on_how_it_is_asked_for() -> None:
    assert told(3, 30 * DAY)[1] == told(3, 1, HOUR, 5 * DAY + 17, 30 * DAY)[1]


def test_records_come_newest_first_in_closed_windows() -> None:
    world, lines = told(7, 200 * DAY)
    records = ask(world, startDate=START, endDate=world.now).body["results"]
    times = [record["creationDate"] for record in records]
    assert times == sorted(times, reverse=True)
    assert len(records) > len(lines) - 3
    part = ask(world, startDate=times[40], endDate=times[20]).body["results"]
    assert {record["creationDate"] for record in part} == set(times[20:41])
    twins = [at for at, count in Counter(times).items() if count > 1]
    for at in twins:
        first, second = ask(world, startDate=at, endDate=at).body["results"]
        assert first == second
    assert twins


def test_pages_are_capped_and_linked() -> None:
    world, _ = told(7, 100 * DAY)
    world.domain(Confluence).page_limit = 10
    first = ask(world, limit=1_000)
    assert (first.body["size"], first.body["limit"]) == (10, 10)
    assert "start=10" in first.body["_links"]["next"]
    seen = list(first.keys)
    start = 10
    while True:
        page = ask(world, start=start, limit=1_000)
        seen += page.keys
        if "next" not in page.body["_links"]:
            break
        start += 10
    assert len(set(seen)) == len(seen) > 300


def test_a_late_record_is_readable_later() -> None:
    world, _ = told(7, 0)
    world.domain(Confluence).happen(START, world.me, "Space created", lateness=2 * MINUTE)
    assert ask(world).body["results"] == []
    world.now = START + 2 * MINUTE
    assert len(ask(world).body["results"]) == 1


def test_a_site_without_confluence_or_without_the_right() -> None:
    world, _ = told(7, 0)
    world.permissions["CONFLUENCE_ADMIN"] = False
    with pytest.raises(ApiError) as refused:
        ask(world)
    assert refused.value.status == 403
    world.domains["confluence"] = Confluence(world, random.Random(1), None)
    with pytest.raises(ApiError) as absent:
        ask(world)
    assert absent.value.status == 404
