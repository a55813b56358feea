"""Counts from the rollups are those of the facts, whatever is asked and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.config import ServeSettings
from serve.errors import ProblemError
from serve.query.compiler import Query, compile_authors, compile_count, compile_counts
from serve.query.jql.compiler import Selection
from serve.query.jql.kept import FEW
from serve.query.rollups import (
    Stretch,
    counted_actions,
    is_rolled_up,
    of_few_issues,
    stretches,
)
from serve.query.scope import Scope, compile_where
from serve.query.spec import AggregatedView, Interval
from serve.query.visibility import (
    MACHINE,
    OPERATOR,
    Extent,
    Purpose,
    Rights,
    Role,
    Viewer,
    visible_actions,
)
from serve.warehouse.snapshot import Snapshot
from serve.warehouse.warehouse import Warehouse
from tests.bench.synthetic import Shape, publish_synthetic

CODES = (
    "ISSUE_CREATED", "ISSUE_DELETED", "STATUS_CHANGED", "ISSUE_VIEWED", "ASSET_OBJECT_CREATED",
    "NEVER_HEARD_OF",
)  # fmt: skip
BEGINNING, END = datetime(2025, 9, 25, tzinfo=UTC), datetime(2026, 1, 8, tzinfo=UTC)

moments = st.datetimes(
    BEGINNING.replace(tzinfo=None), END.replace(tzinfo=None), timezones=st.just(UTC)
)
# Midnights and firsts of a month are where one stretch ends and the next begins.
edges = moments | st.dates(BEGINNING.date(), END.date()).map(
    lambda day: datetime(day.year, day.month, day.day, tzinfo=UTC)
)
intervals = st.tuples(edges, edges).map(lambda pair: Interval(start=min(pair), end=max(pair)))


def some(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=3, unique=True).map(tuple)


told_apart = st.builds(
    Scope,
    intervals,
    users=some(("account-0", "account-3", "account-39", "nobody")),
    groups=some(("group-1", "group-2")),
    people_in_projects=some(("10003",)),
    people_in_organizations=some(("organization-5",)),
    action_codes=some(CODES),
)
everybody = Rights(OPERATOR)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    home = tmp_path_factory.mktemp("rollups")
    publish_synthetic(home, Shape(actions=20_000, actors=40, projects=6, issues=400, days=90))
    warehouse = Warehouse(ServeSettings(home=home))
    with warehouse.lease() as lent:
        yield lent
    warehouse.close()


def by_facts(
    snapshot: Snapshot, scope: Scope, rights: Rights, purpose: Purpose
) -> dict[tuple[str | None, str], int]:
    where = compile_where(scope, rights, purpose)
    rows = snapshot.run(
        Query(
            "select actor_account_id, action_code, count(*) "
            f"from {visible_actions(rights, purpose)} as actions where {where.sql} group by all",
            where.params,
        )
    )
    return {(actor, code): count for actor, code, count in rows}


def rights_of(snapshot: Snapshot, name: str) -> Rights:
    """Return the rights of everybody, of serve itself, of an account, or of half an account."""
    if name in {"everybody", "serve"}:
        return everybody if name == "everybody" else MACHINE
    account, _, lacks = name.partition(" without ")
    rights = snapshot.rights(Viewer("somebody", Role.MANAGER, account))
    assert {rights.assets, rights.views} == {Extent.SOME}
    changes: dict[str, Any] = {lacks: Extent.NONE} if lacks else {}
    return replace(rights, **changes)


NAMES = (
    "everybody", "serve", "account-1", "account-2", "account-3", "account-4",
    "account-2 without assets", "account-3 without secured_issues",
)  # fmt: skip


def test_somebody_sees_some_secured_issues(snapshot: Snapshot) -> None:
    extents = {rights_of(snapshot, name).secured_issues for name in NAMES}
    assert extents == set(Extent)


@settings(max_examples=150)
@given(
    scope=told_apart,
    name=st.sampled_from(NAMES),
    purpose=st.sampled_from(list(Purpose)),
)
def test_rollups_count_what_the_facts_hold(
    snapshot: Snapshot, scope: Scope, name: str, purpose: Purpose
) -> None:
    rights = rights_of(snapshot, name)
    assert is_rolled_up(scope)
    wanted = by_facts(snapshot, scope, rights, purpose)
    by_code = counted_actions(scope, rights, purpose, by_code=True)
    rows = snapshot.run(
        Query(
            f"select actor_account_id, action_code, sum(number) from {by_code.sql} group by all",
            by_code.params,
        )
    )
    assert {(actor, code): count for actor, code, count in rows} == wanted
    totals = counted_actions(scope, rights, purpose, by_code=False)
    ((least, total),) = snapshot.run(
        Query(f"select min(number), coalesce(sum(number), 0) from {totals.sql}", totals.params)
    )
    assert total == sum(wanted.values())
    assert least is None or least > 0


@settings(max_examples=150)
@given(
    interval=intervals,
    issue_count=st.sampled_from([0, 1, FEW, FEW + 1, 400]),
    name=st.sampled_from(NAMES),
    changes=st.sampled_from([{}, {"assets": Extent.ALL}]),
)
def test_few_issues_are_counted_as_the_facts_hold_them(
    snapshot: Snapshot, interval: Interval, issue_count: int, name: str, changes: dict[str, Any]
) -> None:
    rights = replace(rights_of(snapshot, name), **changes)
    selection = Selection(
        "select site_id, issue_id from dim_issues order by hash(issue_id) limit $issue_count",
        {"issue_count": issue_count},
    )
    found = snapshot.issues_found(("few", issue_count), lambda: selection)
    scope = Scope(interval, jql=found)
    assert of_few_issues(scope) is not None
    query = compile_count(scope, rights)
    if interval.end - interval.start > timedelta(days=2):
        assert ("agg_issue_months" in query.sql) == (rights.assets is Extent.ALL)
    assert snapshot.run(query) == [(sum(by_facts(snapshot, scope, rights, Purpose.LIST).values()),)]


@settings(max_examples=60)
@given(
    scope=told_apart,
    sort=st.sampled_from(["-total", "total", "display_name", "-ISSUE_CREATED", "STATUS_CHANGED"]),
)
def test_pages_from_rollups_are_pages_of_the_facts(
    snapshot: Snapshot, scope: Scope, sort: str
) -> None:
    wanted = by_facts(snapshot, scope, everybody, Purpose.COUNT)
    totals: dict[str | None, int] = {}
    for (actor, _), count in wanted.items():
        totals[actor] = totals.get(actor, 0) + count
    view = AggregatedView(sort=sort)
    authors = snapshot.run(compile_authors(scope, view, everybody, limit=100, offset=0))
    assert {author: total for author, total, *_ in authors} == totals
    assert all(row[2:] == (len(totals), sum(totals.values())) for row in authors)
    code = sort.removeprefix("-")
    if code in CODES:
        numbers = [wanted.get((author, code), 0) for author, *_ in authors]
        assert numbers == sorted(numbers, reverse=sort.startswith("-"))
    page = [author for author, *_ in authors[3:9]]
    counts = snapshot.run(compile_counts(scope, everybody, page))
    assert {(author, code): count for author, code, count in counts} == {
        key: count for key, count in wanted.items() if key[0] in page
    }
    listed = by_facts(snapshot, scope, everybody, Purpose.LIST)
    assert snapshot.run(compile_count(scope, everybody)) == [(sum(listed.values()),)]


@pytest.mark.parametrize(
    "more",
    [
        {"projects": ("10001",)},
        {"statuses_to": ("1",)},
        {"resolutions": ("10000",)},
        {"fields": ("summary",)},
        {"groups": ("group-1",), "membership": "then"},
    ],
    ids=str,
)
def test_what_rollups_cannot_tell_apart_is_asked_of_the_facts(more: dict[str, Any]) -> None:
    scope = Scope(Interval(start=BEGINNING, end=END), **more)
    assert not is_rolled_up(scope)
    assert "agg_" not in counted_actions(scope, everybody, Purpose.COUNT, by_code=True).sql


@given(interval=intervals)
def test_stretches_are_the_interval(interval: Interval) -> None:
    parts = list(stretches(interval.start, interval.end))
    places = [(as_moment(part.start), as_moment(part.end)) for part in parts]
    assert places[0][0] == interval.start.replace(tzinfo=None)
    assert places[-1][1] == interval.end.replace(tzinfo=None)
    assert [end for _, end in places[:-1]] == [start for start, _ in places[1:]]
    for part in parts:
        if part.rollup is None:
            assert as_moment(part.end) - as_moment(part.start) < timedelta(days=1)
        elif part.rollup == "months":
            assert part.start.day == part.end.day == 1
    assert sum(part.rollup == "days" for part in parts) <= 2
    days = [part.end - part.start for part in parts if part.rollup == "days"]
    assert sum(days, timedelta()) < timedelta(days=62)


def as_moment(day: date) -> datetime:
    return day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)  # noqa: DTZ001 - marts hold naive UTC


@pytest.mark.parametrize(
    ("start", "end"),
    [("0001-01-01", "9999-12-31 23:59:59.999999"), ("9999-12-05 07:00", "9999-12-31 23:00")],
)
def test_the_ends_of_time_are_no_special_case(start: str, end: str) -> None:
    first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end))
    parts = list(stretches(first, last))
    assert as_moment(parts[0].start) == first.replace(tzinfo=None)
    assert parts[-1] == Stretch(None, as_moment(last.date()), last.replace(tzinfo=None))


def test_counting_from_rollups_is_interrupted_like_any_question(tmp_path: Path) -> None:
    publish_synthetic(tmp_path, Shape(actions=2_000, actors=40, projects=6, issues=100, days=90))
    warehouse = Warehouse(ServeSettings(home=tmp_path, query_seconds=0.3))
    interval = Interval(start=BEGINNING.replace(hour=7), end=END)
    counted = counted_actions(Scope(interval), everybody, Purpose.COUNT, by_code=True)
    # Every stretch joined with every other one four times over: more than anybody waits for.
    endless = " cross join ".join(f"{counted.sql} as counted_{number}" for number in range(5))
    with warehouse.lease() as snapshot, pytest.raises(ProblemError) as slow:
        snapshot.run(Query(f"select sum(counted_0.number) from {endless}", counted.params))
    assert slow.value.problem.status == 503
    assert "agg_actor_months" in counted.sql
    warehouse.close()
