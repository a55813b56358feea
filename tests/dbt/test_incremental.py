"""However the rows reach the lake, the marts are those of one build over everything.

What webhooks told may be missing: then only what they alone knew is.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from dbt.contracts.graph.manifest import Manifest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.dbt.builds import build, contents, query
from tests.dbt.lakes import Lake, Row
from tests.dbt.worlds import story


def deal(random: Random, rows: Sequence[Row], count: int) -> list[list[Row]]:
    """Deal the rows out to loads: mostly in order, some late, some twice, in any order within.

    The first load is large and the others are small, so that most of them touch few issues.
    """
    loads: list[list[Row]] = [[] for _ in range(count)]
    sizes = (1.0, *(random.choice((0.02, 0.1, 0.5)) for _ in range(count - 1)))
    ends = [len(rows) * sum(sizes[: number + 1]) / sum(sizes) for number in range(count)]
    disorder = random.choice((0.0, 0.05, 0.3))
    for number, row in enumerate(rows):
        regular = next(load for load, end in enumerate(ends) if number < end)
        loads[random.randrange(count) if random.random() < disorder else regular].append(row)
        if random.random() < disorder:
            loads[random.randrange(count)].append(row)
    for load in loads:
        if random.random() < disorder:
            random.shuffle(load)
    return loads


def assert_batches_equal_full_refresh(
    manifest: Manifest, random: Random, *, worlds: int, commands: int, count: int
) -> None:
    """Build what changed after each of `count` loads, and once from scratch.

    Every site has its own story. The last load is two: what was pushed comes alone, as between
    two syncs.
    """
    loads: list[list[Row]] = [[] for _ in range(count)]
    for number in range(worlds):
        # Ids are unique within a site only: now and then two sites have the same.
        world = random.choice((number, number // 2))
        rows = story(random, random.randint(1, commands), world)
        site = f"site{number}.atlassian.net"
        for load, dealt in zip(loads, deal(random, rows, count), strict=True):
            load += [replace(row, site_id=site) for row in dealt]
    pushed = [row for row in loads[-1] if row.source == "inbox"]
    loads[-1:] = [pushed, [row for row in loads[-1] if row.source != "inbox"]]
    with tempfile.TemporaryDirectory() as directory:
        steps, whole = Path(directory, "steps"), Path(directory, "whole")
        growing, complete = Lake(steps), Lake(whole)
        for load in loads:
            growing.load(load)
            complete.load(load)
            if random.random() < 0.3:
                growing.compact("jira_issues", "changelogs")
            build(steps, manifest)
        build(whole, manifest, whole=True)
        expected, observed = contents(whole), contents(steps)
        for mart, rows_expected in expected.items():
            assert observed[mart] == rows_expected, mart
        assert len(expected["fct_actions"]) > worlds


SEEDS = st.integers(min_value=0, max_value=2**32 - 1)
"""A story has thousands of decisions, more than hypothesis draws one by one: it draws the seed."""
PHASES = (Phase.explicit, Phase.generate)
"""A smaller seed is no smaller story: nothing to shrink."""


@settings(max_examples=1, database=None, phases=PHASES)
@given(seed=SEEDS)
def test_any_split_into_loads_gives_the_marts_of_a_full_refresh(
    manifest: Manifest, seed: int
) -> None:
    assert_batches_equal_full_refresh(manifest, Random(seed), worlds=60, commands=60, count=3)


@pytest.mark.slow
@settings(max_examples=6, database=None, phases=PHASES)
@given(seed=SEEDS)
def test_many_splits_into_loads_give_the_marts_of_a_full_refresh(
    manifest: Manifest, seed: int
) -> None:
    assert_batches_equal_full_refresh(manifest, Random(seed), worlds=150, commands=80, count=4)


KNOWN_TO_WEBHOOKS = {
    "occurred_at",
    "occurred_date",
    "occurred_month",
    "recorded_at",
    "observed_from_at",
    "observed_to_at",
    "actor_account_id",
    "actor_certainty",
    "old_value",
    "sources",
}
"""What may be told better by a webhook: when, by whom, and which text a comment had in between."""
OF_THE_ISSUE = {
    "project_id",
    "issue_type_id",
    "request_type_id",
    "security_level_id",
    "is_secured",
    "target_label",
}
"""And how the issue was: at the time, or in the end if no sync could read it any more."""


def actions_of(home: Path, condition: str) -> dict[object, dict[str, Any]]:
    """Return actions on issues by site and id."""
    columns = [name for (name,) in query(home, "select column_name from (describe fct_actions)")]
    rows = query(home, f"select * from fct_actions where issue_id is not null and {condition}")
    actions = [dict(zip(columns, row, strict=True)) for row in rows]
    return {(action["site_id"], action["action_id"]): action for action in actions}


def polled_links(home: Path, *, but_for: set[str]) -> Counter[tuple[str, str]]:
    """Count links that a sync told of, but for some sites.

    Their keys depend on every issue and link that is known: the two ends of a link to an issue that
    a lost webhook alone told of are not recognised as one.
    """
    links = actions_of(home, "action_code like 'ISSUELINK%' and sources != 'inbox'").values()
    return Counter(
        (link["site_id"], link["action_code"]) for link in links if link["site_id"] not in but_for
    )


def known_issues(home: Path) -> set[tuple[str, str]]:
    """Return the issues that are known, by site and id."""
    return {
        (site, number) for site, number in query(home, "select site_id, issue_id from dim_issues")
    }


def test_a_lost_webhook_costs_only_what_it_alone_knew(manifest: Manifest) -> None:
    """Drop three of ten; the last sync reads all that can still be read."""
    random = Random(30)
    rows = [
        replace(row, site_id=f"site{world}.atlassian.net")
        for world in range(40)
        for row in story(random, 60, world, completely=True)
    ]
    kept = [row for row in rows if row.resource != "deliveries" or random.random() < 0.7]
    with tempfile.TemporaryDirectory() as directory:
        told, lossy = Path(directory, "told"), Path(directory, "lossy")
        for home, loaded in ((told, rows), (lossy, kept)):
            Lake(home).load(loaded)
            build(home, manifest, tests=True)
        others = "action_code not like 'ISSUELINK%' and action_code != 'ISSUE_VIEWED'"
        before, after = actions_of(told, others), actions_of(lossy, others)
        unknown = {site for site, _ in known_issues(told) - known_issues(lossy)}
        linked = polled_links(told, but_for=unknown)
        assert linked
        assert linked == polled_links(lossy, but_for=unknown)
    assert after.keys() <= before.keys()
    lost = [before[key] for key in before.keys() - after.keys()]
    assert {row["sources"] for row in lost} == {"inbox"}
    deleted = {
        (row["site_id"], row["issue_id"])
        for row in before.values()
        if row["action_code"] == "ISSUE_DELETED"
    }
    better = 0
    for key, row in after.items():
        changed = {name for name, value in before[key].items() if row[name] != value}
        if "jira_issues" in row["sources"]:
            is_deleted = (row["site_id"], row["issue_id"]) in deleted
            depends = is_deleted or "occurred_at" in changed
            allowed = KNOWN_TO_WEBHOOKS | (OF_THE_ISSUE if depends else set())
            if row["new_value"] is None:
                # The text of a comment before its first edit.
                allowed |= {"new_value"}
            assert changed <= allowed, (key, changed - allowed)
            better += bool(changed)
    assert better > len(after) / 20
