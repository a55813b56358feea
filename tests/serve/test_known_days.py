"""Pages of few people or issues are looked for only on days with actions, and are complete."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.actions.newest import newest_actions
from serve.config import ServeSettings
from serve.paging import microseconds
from serve.query.compiler import Query
from serve.query.cursors import DetailCursor
from serve.query.jql.compiler import Selection
from serve.query.jql.kept import FEW, NARROW
from serve.query.scope import Scope, compile_where
from serve.query.spec import Interval
from serve.query.visibility import OPERATOR, Purpose, Rights, visible_actions
from serve.warehouse.snapshot import Snapshot
from serve.warehouse.warehouse import Warehouse
from tests.bench.synthetic import Shape, publish_synthetic

BEGINNING, END = datetime(2025, 9, 25, tzinfo=UTC), datetime(2026, 1, 8, tzinfo=UTC)
ISSUES = 2_000
everybody = Rights(OPERATOR)

moments = st.datetimes(
    BEGINNING.replace(tzinfo=None), END.replace(tzinfo=None), timezones=st.just(UTC)
)
intervals = st.tuples(moments, moments).map(lambda pair: Interval(start=min(pair), end=max(pair)))


def some(*values: str, most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=most, unique=True).map(tuple)


scopes = st.builds(
    Scope,
    intervals,
    users=some("account-0", "account-20", "account-39", "nobody"),
    groups=some("group-1", most=1),
    membership=st.sampled_from(["now", "now", "then"]),
    projects=some("10001", "10002"),
    action_codes=some("ISSUE_CREATED", "STATUS_CHANGED", "ISSUE_VIEWED"),
    row=some("author:account-3", "author:", "issues:100050", "action:ISSUE_UPDATED", most=2),
)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    home = tmp_path_factory.mktemp("known_days")
    publish_synthetic(home, Shape(actions=20_000, actors=40, projects=6, issues=ISSUES, days=90))
    warehouse = Warehouse(ServeSettings(home=home))
    with warehouse.lease() as lent:
        yield lent
    warehouse.close()


def with_issues(snapshot: Snapshot, scope: Scope, issue_count: int | None) -> Scope:
    """Return `scope` for so many of the issues, as JQL would find them; None: for all."""
    if issue_count is None:
        return scope
    selection = Selection(
        "select site_id, issue_id from dim_issues order by hash(issue_id) limit $issue_count",
        {"issue_count": issue_count},
    )
    found = snapshot.issues_found(("test", issue_count), lambda: selection)
    assert found.is_narrow == (issue_count <= NARROW)
    return Scope(
        **{name: getattr(scope, name) for name in scope.__slots__ if name != "jql"}, jql=found
    )


@settings(max_examples=150)
@given(
    scope=scopes,
    limit=st.integers(1, 60),
    issue_count=st.sampled_from([None, 0, 1, 20, FEW + 1, NARROW, NARROW + 1]),
)
def test_pages_found_by_known_days_are_all_there_is(
    snapshot: Snapshot, scope: Scope, limit: int, issue_count: int | None
) -> None:
    scope = with_issues(snapshot, scope, issue_count)
    where = compile_where(scope, everybody, Purpose.LIST)
    wanted = snapshot.run(
        Query(
            "select occurred_at, action_id "
            f"from {visible_actions(everybody, Purpose.LIST)} as actions where {where.sql} "
            "order by occurred_at desc, action_id desc",
            where.params,
        )
    )
    cursor, pages = None, 0
    while pages < 4:
        rows = newest_actions(snapshot, scope, everybody, limit, cursor)
        place = pages * limit
        found = [(row["occurred_at"], row["action_id"]) for row in rows]
        assert found == wanted[place : place + limit]
        if len(rows) < limit:
            break
        pages += 1
        cursor = DetailCursor(
            snapshot=snapshot.id,
            question="0" * 16,
            occurred_at_us=microseconds(found[-1][0]),
            action_id=found[-1][1],
        )


def days_looked_at(asked: list[Query]) -> list[object]:
    return [
        value for query in asked for name, value in query.params.items() if name.startswith("day_")
    ]


@pytest.mark.parametrize(
    "narrow", [{"users": ("account-39",)}, {"row": ("author:account-39",)}], ids=str
)
def test_a_rare_person_is_looked_for_only_where_they_acted(
    snapshot: Snapshot, asked: list[Query], narrow: dict[str, Any]
) -> None:
    scope = Scope(Interval(start=BEGINNING, end=END), **narrow)
    rows = newest_actions(snapshot, scope, everybody, 15, None)
    assert len(rows) == 15
    looked = days_looked_at(asked)
    assert {row["occurred_at"].date() for row in rows} <= set(looked)
    assert len(looked) <= 16
    before = len(asked)
    newest_actions(snapshot, scope, everybody, 15, None)
    # The days are known by now, although a test before this one may have asked for them first.
    assert len(asked) - before == 1


def test_of_a_busy_day_only_a_part_is_looked_at(snapshot: Snapshot, asked: list[Query]) -> None:
    scope = Scope(Interval(start=BEGINNING, end=END), users=("account-0",))
    rows = newest_actions(snapshot, scope, everybody, 2, None)
    first = next(query for query in asked if "not_before" in query.params)
    assert len(days_looked_at(asked)) == 1
    newest_at = rows[0]["occurred_at"]
    assert timedelta() < newest_at - first.params["not_before"] < timedelta(hours=12)


def test_few_issues_are_looked_for_only_where_something_was_done_to_them(
    snapshot: Snapshot, asked: list[Query]
) -> None:
    scope = with_issues(snapshot, Scope(Interval(start=BEGINNING, end=END)), 5)
    rows = newest_actions(snapshot, scope, everybody, 1_000, None)
    ((wanted,),) = Snapshot.run(
        snapshot,
        Query(
            "select list(distinct occurred_date) from fct_actions where issue_id in "
            "(select issue_id from dim_issues order by hash(issue_id) limit 5)"
        ),
    )
    assert rows
    assert sorted(map(str, days_looked_at(asked))) == sorted(map(str, wanted))


def test_of_people_and_issues_only_days_of_both_are_looked_at(
    snapshot: Snapshot, asked: list[Query]
) -> None:
    one = Scope(Interval(start=BEGINNING, end=END), users=("account-39",))
    newest_actions(snapshot, one, everybody, 1_000, None)
    alone = set(days_looked_at(asked))
    asked.clear()
    newest_actions(snapshot, with_issues(snapshot, one, 20), everybody, 1_000, None)
    assert set(days_looked_at(asked)) < alone
