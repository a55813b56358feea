"""Questions about few people or issues read only some days, and miss and double nothing.

What they are compared with is worked out in Python from all actions of the log. It has two sites
that use the same numbers for their issues, and many actions just at the ends of days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.actions.newest import newest_actions
from serve.config import ServeSettings
from serve.narrowing import narrowed
from serve.paging import microseconds
from serve.query.breakdowns import compile_breakdown
from serve.query.compiler import (
    Query,
    compile_author_counts,
    compile_authors,
    compile_count,
    compile_counts,
    compile_sorted_detail,
)
from serve.query.cursors import DetailCursor
from serve.query.export import compile_export_months
from serve.query.issues import compile_listed_issues
from serve.query.jql.compiler import Selection
from serve.query.jql.kept import FEW, NARROW
from serve.query.rollups import of_few_issues
from serve.query.scope import Scope
from serve.query.spec import AggregatedView, DetailSort, DetailView, Interval, row_part
from serve.query.visibility import OPERATOR, Rights
from serve.warehouse.names import former_projects
from serve.warehouse.snapshot import Snapshot
from serve.warehouse.warehouse import Warehouse
from tests.bench.synthetic import Shape, publish, write_marts, write_rollups

# Ten issues are worked on each day, each for weeks: few issues have few days.
SHAPE = Shape(actions=12_000, actors=60, projects=6, issues=2_400, days=240)
LONG_AGO, LATER = datetime(2024, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
BEGINNING, END = datetime(2025, 4, 28, tzinfo=UTC), datetime(2026, 1, 8, tzinfo=UTC)
RARE = "account-59"
everybody = Rights(OPERATOR)


class Fact(NamedTuple):
    """An action, as far as a filter of these tests can ask for it."""

    action_id: str
    site_id: str
    action_code: str
    occurred_at: datetime
    actor: str | None
    project_id: str | None
    issue_id: str | None
    to_status_id: str | None
    resolution_id: str | None
    is_secured: bool
    event: str
    field_ids: list[str]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    home = tmp_path_factory.mktemp("narrowing")
    marts = home / "marts.duckdb"
    write_marts(marts, SHAPE)
    with duckdb.connect(str(marts)) as database:
        for table in ("dim_issues", "dim_projects"):
            database.execute(
                f"insert into {table} "
                f"select * replace ('other.example.com' as site_id) from {table}"
            )
        for table in ("fct_actions", "fct_action_changes"):
            database.execute(
                f"update {table} set site_id = 'other.example.com' where hash(action_id) % 3 = 0"
            )
            # The first and the last moment of a day, of which the latter is often a year's.
            database.execute(
                f"update {table} set occurred_at = case hash(action_id) % 4 "
                "when 0 then date_trunc('day', occurred_at) "
                "when 1 then date_trunc('day', occurred_at) + interval '86399.999999 seconds' "
                "else occurred_at end"
            )
        # Some edits have several actions, even of different moments.
        database.execute(
            """
            update fct_actions set source_event_id = others.event
            from (
                select action_id, first_value(source_event_id) over (
                    partition by site_id, occurred_date order by action_id
                ) as event
                from fct_actions
            ) as others
            where others.action_id = fct_actions.action_id
            """
        )
        write_rollups(database)
    publish(home, marts)
    warehouse = Warehouse(ServeSettings(home=home))
    with warehouse.lease() as lent:
        yield lent
    warehouse.close()


@pytest.fixture(scope="module")
def facts(snapshot: Snapshot) -> list[Fact]:
    """Return all actions, newest first."""
    rows = snapshot.run(
        Query(
            """
            select
                action_id, site_id, action_code, occurred_at, actor_account_id, project_id,
                issue_id, to_status_id, resolution_id, is_secured, source_event_id,
                coalesce(field_ids, [])
            from fct_actions
            left join (
                select action_id, list(field_id) as field_ids
                from fct_action_changes group by action_id
            ) using (action_id)
            order by occurred_at desc, action_id desc
            """
        )
    )
    return [Fact(*row)._replace(occurred_at=row[3].replace(tzinfo=UTC)) for row in rows]


def some(*values: str, most: int = 2) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=most, unique=True).map(tuple)


moments = st.datetimes(
    BEGINNING.replace(tzinfo=None), END.replace(tzinfo=None), timezones=st.just(UTC)
)
edges = (
    moments
    | st.dates(BEGINNING.date(), END.date()).map(
        lambda day: datetime(day.year, day.month, day.day, tzinfo=UTC)
    )
    | st.sampled_from([LONG_AGO, LATER])
)
intervals = st.tuples(edges, edges).map(lambda pair: Interval(start=min(pair), end=max(pair)))
no_values: st.SearchStrategy[tuple[str, ...]] = st.just(())
scopes = st.builds(
    Scope,
    intervals | st.just(Interval(start=LONG_AGO, end=LATER)),
    users=no_values | some(RARE, "account-58", "account-0", "nobody"),
    projects=no_values | some("10001", "10002", "10003"),
    action_codes=no_values | some("ISSUE_CREATED", "STATUS_CHANGED", "ISSUE_UPDATED"),
    statuses_to=no_values | some("1", "2", "3"),
    resolutions=no_values | some("10000", "10001"),
    fields=no_values | some("status", "priority"),
    row=no_values | some(f"author:{RARE}", "issues:101200", "fields:status", most=2),
)
issue_counts = st.sampled_from([None, 0, 1, 2, 5, FEW + 1, NARROW + 1])


class World(NamedTuple):
    """A scope as it is asked, and its actions, newest first: that are counted, and listed."""

    scope: Scope
    counted: list[Fact]
    listed: list[Fact]


def _meets(fact: Fact, scope: Scope, issues: frozenset[tuple[str, str]] | None) -> bool:
    return (
        (not scope.users or fact.actor in scope.users)
        and (not scope.projects or fact.project_id in scope.projects)
        and (not scope.action_codes or fact.action_code in scope.action_codes)
        and (issues is None or (fact.site_id, fact.issue_id) in issues)
        and all(_is_of_row(fact, *row_part(text)) for text in scope.row)
    )


def _is_of_row(fact: Fact, kind: str, thing_id: str | None) -> bool:
    match kind:
        case "author":
            return fact.actor == thing_id
        case "issues":
            return fact.issue_id == thing_id and not fact.is_secured
        case _:
            return thing_id in fact.field_ids


def _kinds(scope: Scope) -> list[Callable[[Fact], bool]]:
    kinds: list[Callable[[Fact], bool]] = []
    if scope.statuses_to:
        kinds.append(lambda fact: fact.to_status_id in scope.statuses_to)
    if scope.resolutions:
        kinds.append(lambda fact: fact.resolution_id in scope.resolutions)
    if scope.fields:
        kinds.append(lambda fact: not set(scope.fields).isdisjoint(fact.field_ids))
    return kinds


def ask(snapshot: Snapshot, facts: list[Fact], scope: Scope, issue_count: int | None) -> World:
    """Return `scope` for so many of the issues, as JQL would find them; None: for all."""
    issues = None
    if issue_count is not None:
        selection = Selection(
            "select site_id, issue_id from dim_issues order by hash(issue_id || site_id), site_id "
            "limit $issue_count",
            {"issue_count": issue_count},
        )
        found = snapshot.issues_found(("test", issue_count), lambda: selection)
        assert found.is_narrow == (issue_count <= NARROW)
        scope = replace(scope, jql=found)
        issues = frozenset(snapshot.run(Query(selection.sql, selection.params)))
    listed = [fact for fact in facts if not fact.is_secured]
    return World(scope, _keep(facts, scope, issues), _keep(listed, scope, issues))


def _keep(facts: list[Fact], scope: Scope, issues: frozenset[tuple[str, str]] | None) -> list[Fact]:
    """Return the actions that `scope` keeps of all that one may know of."""
    interval = scope.interval
    within = [fact for fact in facts if interval.start <= fact.occurred_at < interval.end]
    kinds = _kinds(scope)
    if kinds:
        edits = [{(one.site_id, one.event) for one in within if kind(one)} for kind in kinds]
        if len(kinds) > 1:
            met = set.intersection(*edits)
            within = [one for one in within if (one.site_id, one.event) in met]
        within = [one for one in within if any(kind(one) for kind in kinds)]
    return [one for one in within if _meets(one, scope, issues)]


@settings(max_examples=150)
@given(scope=scopes, issue_count=issue_counts, sort=st.sampled_from(["-total", "display_name"]))
def test_counts_are_those_of_all_actions(
    snapshot: Snapshot, facts: list[Fact], scope: Scope, issue_count: int | None, sort: str
) -> None:
    world = ask(snapshot, facts, scope, issue_count)
    scope = narrowed(snapshot, world.scope)
    ((number,),) = snapshot.run(compile_count(scope, everybody))
    assert number == len(world.listed)
    months = snapshot.run(compile_export_months(scope, everybody))
    assert dict(months) == Counter(fact.occurred_at.date().replace(day=1) for fact in world.listed)
    view = AggregatedView(sort=sort)
    authors = snapshot.run(compile_author_counts(scope, view, everybody))
    wanted: dict[str | None, Counter[str]] = {}
    for fact in world.counted:
        wanted.setdefault(fact.actor, Counter())[fact.action_code] += 1
    assert {author: counts for author, _, counts, *_ in authors} == wanted
    assert all(row[3] == sum(row[2].values()) for row in authors)
    assert {row[4:6] for row in authors} <= {(len(wanted), len(world.counted))}
    pages = [
        row
        for offset in range(0, len(authors) + 3, 3)
        for row in snapshot.run(
            compile_author_counts(scope, view, everybody, limit=3, offset=offset)
        )
    ]
    assert pages == authors
    in_two_stages = snapshot.run(compile_authors(scope, view, everybody, limit=1_000, offset=0))
    assert [row[:2] for row in in_two_stages] == [(row[0], row[3]) for row in authors]
    if authors:
        counts = snapshot.run(compile_counts(scope, everybody, [row[0] for row in authors]))
        assert sorted(counts, key=str) == sorted(
            (
                (author, code, number)
                for author, of in wanted.items()
                for code, number in of.items()
            ),
            key=str,
        )


@settings(max_examples=100)
@given(scope=scopes, issue_count=issue_counts)
def test_groups_and_issues_are_those_of_all_actions(
    snapshot: Snapshot, facts: list[Fact], scope: Scope, issue_count: int | None
) -> None:
    world = ask(snapshot, facts, scope, issue_count)
    scope = narrowed(snapshot, world.scope)
    view = AggregatedView(breakdown=("projects",))
    rows = snapshot.run(compile_breakdown(scope, view, everybody))
    assert {(row[0], row[1][0]): row[4] for row in rows} == Counter(
        (fact.actor, fact.project_id) for fact in world.counted
    )
    listed = snapshot.run(compile_listed_issues(scope, everybody, limit=10_000, offset=0))
    assert {row[:2]: row[3] for row in listed} == Counter(
        (fact.site_id, fact.issue_id) for fact in world.listed if fact.issue_id is not None
    )


@settings(max_examples=100)
@given(
    scope=scopes,
    issue_count=issue_counts,
    limit=st.integers(1, 40),
    sort=st.sampled_from(["author", "-action", "target", "occurred_at"]),
)
def test_pages_are_those_of_all_actions(
    snapshot: Snapshot,
    facts: list[Fact],
    scope: Scope,
    issue_count: int | None,
    limit: int,
    sort: DetailSort,
) -> None:
    world = ask(snapshot, facts, scope, issue_count)
    wanted = [fact.action_id for fact in world.listed]
    cursor = None
    for place in range(0, 4 * limit, limit):
        rows = newest_actions(snapshot, world.scope, everybody, limit, cursor)
        assert [row["action_id"] for row in rows] == wanted[place : place + limit]
        if len(rows) < limit:
            break
        cursor = DetailCursor(
            snapshot=snapshot.id,
            question="0" * 16,
            occurred_at_us=microseconds(rows[-1]["occurred_at"]),
            action_id=rows[-1]["action_id"],
        )
    scope, view = narrowed(snapshot, world.scope), DetailView(sort=sort)
    every = snapshot.run(compile_sorted_detail(scope, view, everybody, limit=len(facts), offset=0))
    assert sorted(row[0] for row in every) == sorted(wanted)
    if sort == "target":
        types = [(row[8] is None, row[8] or "") for row in every]
        assert types == sorted(types)
        assert [row[0] for row in every if row[8] == "issue"] == [
            one for one in wanted if one in {row[0] for row in every if row[8] == "issue"}
        ]
    if sort == "occurred_at":
        assert [row[3] for row in every] == sorted(row[3] for row in every)
    page = snapshot.run(
        compile_sorted_detail(scope, view, everybody, limit=limit, offset=len(every) // 2)
    )
    assert page == every[len(every) // 2 :][:limit]


def test_the_log_has_actions_at_the_ends_of_days_and_on_both_sites(facts: list[Fact]) -> None:
    times = Counter(fact.occurred_at.time().isoformat() for fact in facts)
    assert times["00:00:00"] > 1_000
    assert times["23:59:59.999999"] > 1_000
    sites = {
        site_id: {fact.issue_id for fact in facts if fact.site_id == site_id}
        for site_id in {fact.site_id for fact in facts}
    }
    assert len(sites) == 2
    assert len(set.intersection(*sites.values())) > 100


def test_a_question_about_few_is_narrowed(snapshot: Snapshot, facts: list[Fact]) -> None:
    always = Scope(Interval(start=LONG_AGO, end=LATER))
    world = ask(snapshot, facts, always, 2)
    days = narrowed(snapshot, world.scope).days
    assert days == tuple(sorted({fact.occurred_at.date() for fact in world.counted}, reverse=True))
    assert of_few_issues(world.scope) is not None
    rare = replace(always, users=(RARE,), projects=("10001",))
    assert narrowed(snapshot, rare).days == tuple(
        sorted({fact.occurred_at.date() for fact in facts if fact.actor == RARE}, reverse=True)
    )


def test_the_first_and_the_last_day_of_the_time_are_looked_at(
    snapshot: Snapshot, facts: list[Fact]
) -> None:
    times = [fact.occurred_at for fact in facts if fact.actor == RARE]
    assert len(times) >= 10
    for at in times:
        for interval in (
            Interval(start=at, end=at + timedelta(days=60)),
            Interval(start=at - timedelta(days=60), end=at + timedelta(microseconds=1)),
        ):
            narrow = narrowed(snapshot, Scope(interval, row=(f"author:{RARE}",)))
            assert narrow.days is not None
            rows = snapshot.run(compile_author_counts(narrow, AggregatedView(), everybody))
            assert [row[3] for row in rows] == [
                sum(interval.start <= one < interval.end for one in times)
            ]


@pytest.mark.parametrize(
    "wide",
    [{}, {"users": (RARE,)}, {"users": ("account-0",), "projects": ("10001",)}],
    ids=["everything", "told by rollups", "somebody busy"],
)
def test_a_question_about_many_days_is_left_as_it_is(
    snapshot: Snapshot, wide: dict[str, Any]
) -> None:
    scope = Scope(Interval(start=LONG_AGO, end=LATER), **wide)
    assert narrowed(snapshot, scope) is scope


def test_of_people_who_did_nothing_nothing_is_found(snapshot: Snapshot) -> None:
    scope = Scope(Interval(start=LONG_AGO, end=LATER), users=("nobody",), projects=("10001",))
    nothing = narrowed(snapshot, scope)
    assert nothing.days == ()
    assert snapshot.run(compile_count(nothing, everybody)) == [(0,)]
    assert snapshot.run(compile_author_counts(nothing, AggregatedView(), everybody)) == []
    assert newest_actions(snapshot, scope, everybody, 10, None) == []


def test_a_former_key_is_looked_up_once(snapshot: Snapshot, asked: list[Query]) -> None:
    found = [former_projects(snapshot, key) for key in ("p2", "P2", "P3", "P2", "P")]
    assert found == [("10002",), ("10002",), ("10003",), ("10002",), ()]
    assert len(asked) == 3
