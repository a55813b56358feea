"""Views of issues: which of them count, and that it does not matter when they arrive."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from dbt.contracts.graph.manifest import Manifest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dbt.builds import build, dbt, query
from tests.dbt.lakes import (
    Lake,
    Row,
    at,
    event_action,
    history,
    issue,
    issue_view,
    item,
    org_event,
)

PAUSE = timedelta(minutes=5)
BEGINNING = datetime(2026, 1, 5, 9, 0)  # noqa: DTZ001  (the warehouse holds UTC without zone)


class Look(NamedTuple):
    """One view as a source tells of it."""

    account: str
    issue: str
    viewed_at: datetime
    source: str


def counted(looks: list[Look]) -> list[tuple[str, str, datetime, int]]:
    """Count by the rule: (person, issue, time, views that are folded into it), sorted."""
    times: dict[tuple[str, str], list[Look]] = defaultdict(list)
    for look in looks:
        times[look.account, look.issue].append(look)
    result = []
    for (account, viewed), told in times.items():
        last: datetime | None = None
        folded: dict[datetime, dict[str, int]] = {}
        for look in sorted(told, key=lambda look: look.viewed_at):
            if last is None or look.viewed_at - last >= PAUSE:
                last = look.viewed_at
                folded[last] = defaultdict(int)
            folded[last][look.source] += 1
        result += [
            (account, viewed, moment, max(by_source.values()))
            for moment, by_source in folded.items()
        ]
    return sorted(result)


@pytest.fixture(scope="module")
def counting(manifest: Manifest) -> Iterator[str]:
    """Give the SQL of int_issue_views__counted as dbt compiles it."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        Lake(home)
        result = dbt(home, "compile", "--select", "int_issue_views__counted", manifest=manifest)
        assert result.success, result.exception
        compiled = [
            path.read_text(encoding="utf-8")
            for path in home.rglob("compiled/**/int_issue_views__counted.sql")
        ]
        assert len(compiled) == 1
        yield compiled[0]


LOOKS = st.lists(
    st.builds(
        Look,
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(["1", "2"]),
        # Steps around the pause, of which sums meet it exactly.
        st.integers(0, 40).flatmap(
            lambda step: st.sampled_from([0, 1, -1]).map(
                lambda off: BEGINNING + step * timedelta(seconds=50) + timedelta(milliseconds=off)
            )
        ),
        st.sampled_from(["inbox", "org_events"]),
    ),
    max_size=60,
)


@settings(max_examples=60, database=None)
@given(looks=LOOKS)
def test_the_views_that_count_are_those_of_the_rule(counting: str, looks: list[Look]) -> None:
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as warehouse")
        connection.execute("create schema warehouse.intermediate")
        connection.execute(
            """
            create table warehouse.intermediate.int_issue_views__resolved (
                site_id varchar, source varchar, source_event_id varchar, account_id varchar,
                issue_id varchar, issue_key varchar, view_source varchar, viewed_at timestamp,
                recorded_at timestamp
            )
            """
        )
        rows = [
            (look.source, str(number), look.account, look.issue, look.viewed_at, look.viewed_at)
            for number, look in enumerate(looks)
        ]
        if rows:
            connection.executemany(
                "insert into warehouse.intermediate.int_issue_views__resolved "
                "values ('s', ?, ?, ?, ?, null, 'issue_view', ?, ?)",
                rows,
            )
        found = connection.execute(
            f"select account_id, issue_id, viewed_at, raw_view_count from ({counting})"
        ).fetchall()
    assert sorted(found) == counted(looks)


def moved(issue_id: int, old: str, new: str, minutes: float) -> list[Row]:
    keys = item("Key", (None, old), (None, new), field_id="Key")
    return [
        history(f"h{issue_id}", issue_id, [keys], created=at(minutes), fetched=at(minutes + 1)),
        issue(issue_id, new, updated=at(minutes), fetched=at(minutes + 1)),
    ]


def views(home: Path) -> list[tuple[str, str | None, datetime, str, str, int]]:
    return query(
        home,
        "select account_id, issue_id, viewed_at, view_source, sources, raw_view_count "
        "from fct_issue_views order by account_id, viewed_at",
    )


def naive(minutes: float) -> datetime:
    return at(minutes).replace(tzinfo=None)


def test_late_and_doubled_views_are_counted_again(manifest: Manifest, tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    seen = [issue(1, "AB-1", updated=at(1), fetched=at(2)), *moved(1, "AB-1", "CD-1", 20)]
    push = issue_view("p1", "ann", viewed=at(4), fetched=at(4.1), issue_key="AB-1", portal=True)
    unknown = issue_view("p2", "bob", viewed=at(30), fetched=at(30.1), issue_key="XY-9")
    lake.load([*seen, push, unknown, push.again(at(50))])
    build(tmp_path, manifest, tests=True)
    assert views(tmp_path) == [
        ("ann", "1", naive(4), "customer_portal", "inbox", 1),
        ("bob", None, naive(30), "issue_view", "inbox", 1),
    ]
    # Hours later the event log tells of the same view and of one before it, which now counts
    # instead: 0 and 4 minutes are one view, 5 minutes is another.
    name = event_action("jira_issue_viewed", "Viewed", fetched=at(3))
    late = [
        org_event(f"e{number}", "jira_issue_viewed", occurred=at(m), fetched=at(99), issue_key=key)
        for number, (m, key) in enumerate([(0, "AB-1"), (4, "AB-1"), (5, "1")])
    ]
    lake.load([name, *late])
    build(tmp_path, manifest, tests=True)
    assert views(tmp_path) == [
        ("ann", "1", naive(0), "issue_view", "inbox,org_events", 2),
        ("ann", "1", naive(5), "issue_view", "org_events", 1),
        ("bob", None, naive(30), "issue_view", "inbox", 1),
    ]
    # The unknown key becomes known, by another site's issue too, which changes nothing here.
    lake.load([issue(9, "XY-9", updated=at(25), fetched=at(120), created=at(25))])
    build(tmp_path, manifest, tests=True)
    assert views(tmp_path)[-1] == ("bob", "9", naive(30), "issue_view", "inbox", 1)
    actions = query(
        tmp_path,
        "select action_id, occurred_at, actor_account_id, issue_id, project_id from fct_actions "
        "where action_code = 'ISSUE_VIEWED' order by all",
    )
    assert actions == query(
        tmp_path,
        "select view_id, viewed_at, account_id, issue_id, project_id from fct_issue_views "
        "order by all",
    )
    assert len(actions) == 3


def test_the_organisation_names_people_whom_jira_does_not(
    manifest: Manifest, tmp_path: Path
) -> None:
    lake = Lake(tmp_path)
    joined = org_event(
        "e1",
        "user_added_to_group",
        occurred=at(6),
        fetched=at(9),
        actor="ann",
        users=["zoe"],
        group=("g1", "Admins"),
    )
    login = org_event("e2", "user_login", occurred=at(7), fetched=at(9), actor="ann")
    lake.load([issue(1, "AB-1", updated=at(1), fetched=at(2)), joined, login])
    build(tmp_path, manifest, tests=True)
    assert query(
        tmp_path,
        "select action_code, occurred_at, actor_account_id, target_id, new_value from fct_actions "
        "where issue_id is null order by all",
    ) == [
        ("USER_ADDED_TO_GROUP", naive(6), "ann", "g1", "Zoe"),
        ("USER_LAST_ACTIVE", naive(7), "ann", "ann", None),
    ]
    assert query(tmp_path, "select account_id, display_name from dim_users order by all") == [
        ("ann", "Ann"),
        ("zoe", "Zoe"),
    ]
    assert query(
        tmp_path,
        "select account_id, first_active_at, last_active_at from fct_user_last_active_history",
    ) == [("ann", naive(6), naive(7))]
