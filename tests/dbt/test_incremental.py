"""However the rows reach the lake, the marts are those of one build over everything."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from dbt.contracts.graph.manifest import Manifest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.dbt.builds import build, contents
from tests.dbt.lakes import Lake, Row
from tests.dbt.worlds import story

LOADS = 4


def deal(random: Random, rows: Sequence[Row]) -> list[list[Row]]:
    """Deal the rows out to loads: mostly in order, some late, some twice, in any order within.

    The first load is large and the others are small, so that most of them touch few issues.
    """
    loads: list[list[Row]] = [[] for _ in range(LOADS)]
    sizes = (1.0, *(random.choice((0.02, 0.1, 0.5)) for _ in range(LOADS - 1)))
    ends = [len(rows) * sum(sizes[: number + 1]) / sum(sizes) for number in range(LOADS)]
    disorder = random.choice((0.0, 0.05, 0.3))
    for number, row in enumerate(rows):
        regular = next(load for load, end in enumerate(ends) if number < end)
        loads[random.randrange(LOADS) if random.random() < disorder else regular].append(row)
        if random.random() < disorder:
            loads[random.randrange(LOADS)].append(row)
    for load in loads:
        if random.random() < disorder:
            random.shuffle(load)
    return loads


def assert_batches_equal_full_refresh(
    manifest: Manifest, random: Random, worlds: int, commands: int
) -> None:
    """Build after each load and once from scratch; every site is a story of its own."""
    loads: list[list[Row]] = [[] for _ in range(LOADS)]
    for number in range(worlds):
        # Ids are unique within a site only: now and then two sites have the same.
        world = random.choice((number, number // 2))
        rows = story(random, random.randint(1, commands), world)
        site = f"site{number}.atlassian.net"
        for load, dealt in zip(loads, deal(random, rows), strict=True):
            load += [replace(row, site_id=site) for row in dealt]
    with tempfile.TemporaryDirectory() as directory:
        steps, whole = Path(directory, "steps"), Path(directory, "whole")
        growing, complete = Lake(steps), Lake(whole)
        for load in loads:
            growing.load(load)
            complete.load(load)
            if random.random() < 0.3:
                growing.compact("jira_issues", "changelogs")
            build(steps, manifest)
        build(whole, manifest)
        expected, observed = contents(whole), contents(steps)
        for mart, rows_expected in expected.items():
            assert observed[mart] == rows_expected, mart
        assert len(expected["fct_actions"]) > worlds


SEEDS = st.integers(min_value=0, max_value=2**32 - 1)
"""A story has thousands of decisions, more than hypothesis draws one by one: it draws the seed."""
PHASES = (Phase.explicit, Phase.generate)
"""A smaller seed is no smaller story: nothing to shrink."""


@settings(max_examples=1, deadline=None, database=None, phases=PHASES)
@given(seed=SEEDS)
def test_any_split_into_loads_gives_the_marts_of_a_full_refresh(
    manifest: Manifest, seed: int
) -> None:
    assert_batches_equal_full_refresh(manifest, Random(seed), worlds=60, commands=60)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, database=None, phases=PHASES)
@given(seed=SEEDS)
def test_many_splits_into_loads_give_the_marts_of_a_full_refresh(
    manifest: Manifest, seed: int
) -> None:
    assert_batches_equal_full_refresh(manifest, Random(seed), worlds=150, commands=80)
