"""FilterSpec and view -> Query: one DuckDB statement with named parameters and its English.

Values are always bound. What is spliced into SQL comes from the white-lists of `columns`, from
`visibility`, or is a generated parameter name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from serve.query.columns import CHANGE_COLUMNS, DETAIL_COLUMNS, FILTER_COLUMNS
from serve.query.spec import AggregatedView, FilterSpec, Interval
from serve.query.visibility import Purpose, Viewer, visible_actions, visible_changes


@dataclass(frozen=True, slots=True)
class Query:
    """One statement; `description` says in English what it answers."""

    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """A FilterSpec with everything relative resolved: the interval and the project ids."""

    interval: Interval
    users: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    action_codes: tuple[str, ...] = ()

    @classmethod
    def of(cls, spec: FilterSpec, interval: Interval, project_ids: Iterable[str]) -> Scope:
        """Resolve `spec`; `project_ids` stand for its project keys and ids."""
        return cls(interval, spec.users, tuple(project_ids), spec.action_codes)


@dataclass(frozen=True, slots=True)
class Condition:
    """One predicate of a WHERE clause, with its parameters and its English."""

    sql: str
    params: Mapping[str, Any]
    english: str


def compile_detail(
    scope: Scope,
    viewer: Viewer,
    *,
    limit: int,
    not_before: datetime,
    after: tuple[datetime, str] | None,
) -> Query:
    """Newest first, `limit` rows of `DETAIL_COLUMNS`, none older than `not_before`.

    `after` is the (time, id) of the last row already given. `not_before` keeps the scan small; the
    caller widens it until the page is full.
    """
    conditions = [
        *_conditions(scope),
        Condition("occurred_at >= $not_before", {"not_before": _naive(not_before)}, ""),
    ]
    if after is not None:
        # The time alone comes first: a row comparison (a, b) < (x, y) cannot use the zone maps.
        conditions.append(
            Condition(
                "occurred_at <= $after_at and (occurred_at < $after_at or action_id < $after_id)",
                {"after_at": _naive(after[0]), "after_id": after[1]},
                "",
            )
        )
    return Query(
        sql=f"""
            select {", ".join(DETAIL_COLUMNS)}
            from {visible_actions(viewer, Purpose.LIST)} as actions
            where {_where(conditions)}
            order by occurred_at desc, action_id desc
            limit $limit
        """,
        params=_params(conditions) | {"limit": limit},
        description=describe(scope, "Actions, newest first"),
    )


def compile_changes(actions: Sequence[tuple[str, datetime]], viewer: Viewer) -> Query:
    """Rows of `CHANGE_COLUMNS` for the given (action id, time), in the order of their items."""
    times = [_naive(occurred_at) for _, occurred_at in actions]
    return Query(
        sql=f"""
            select {", ".join(CHANGE_COLUMNS)}
            from {visible_changes(viewer)} as changes
            where occurred_at between $oldest and $newest
                and action_id in (select unnest($action_ids))
            order by action_id, item_index
        """,
        params={
            "oldest": min(times),
            "newest": max(times),
            "action_ids": [action_id for action_id, _ in actions],
        },
        description=f"Field changes of {len(actions)} actions",
    )


def compile_authors(
    scope: Scope, view: AggregatedView, viewer: Viewer, *, limit: int, offset: int
) -> Query:
    """One page of authors in the order of `view`; first of the two stages of the aggregated view.

    Columns: actor_account_id (null: unknown), total (of the author), author_count and action_count
    (of the whole answer, the same in every row).
    """
    where, params = compile_conditions(scope)
    key = view.sort.removeprefix("-")
    direction = "desc" if view.sort.startswith("-") else "asc"
    name = "lower(strip_accents(users.display_name))"
    match key:
        case "total":
            sort_count, order = "count(*)", f"sort_count {direction}, {name} nulls last"
        case "display_name":
            sort_count, order = "0", f"{name} {direction} nulls last"
        case _:
            sort_count = "count(*) filter (where action_code = $sort_code)"
            order = f"sort_count {direction}, {name} nulls last"
            params["sort_code"] = key
    return Query(
        sql=f"""
            with authors as (
                select actor_account_id, count(*) as total, {sort_count} as sort_count
                from {visible_actions(viewer, Purpose.COUNT)} as actions
                where {where}
                group by actor_account_id
            ),
            -- An account that several sites know is one person.
            users as (
                select account_id, max(display_name) as display_name
                from dim_users
                group by account_id
            )
            select
                authors.actor_account_id,
                authors.total,
                count(*) over () as author_count,
                sum(authors.total) over () as action_count
            from authors
            left join users on users.account_id = authors.actor_account_id
            order by {order}, authors.actor_account_id nulls last
            limit $limit offset $offset
        """,
        params=params | {"limit": limit, "offset": offset},
        description=describe(scope, "Authors of actions"),
    )


def compile_counts(scope: Scope, viewer: Viewer, authors: Sequence[str | None]) -> Query:
    """(actor_account_id, action_code, count) of the given authors; null stands for the unknown one.

    Second stage of the aggregated view. Two selects, because `in (...) or is null` cannot use the
    hash of the chosen authors and costs twice as much.
    """
    where, params = compile_conditions(scope)
    count = (
        "select actor_account_id, action_code, count(*) "
        f"from {visible_actions(viewer, Purpose.COUNT)} as actions where {where} and "
    )
    known = f"{count} actor_account_id in (select unnest($authors)) group by all"
    unknown = f"{count} actor_account_id is null group by all"
    return Query(
        sql=f"{known} union all {unknown}" if None in authors else known,
        params=params | {"authors": [author for author in authors if author is not None]},
        description=describe(scope, f"Counts of actions of {len(authors)} authors"),
    )


def compile_conditions(scope: Scope) -> tuple[str, dict[str, Any]]:
    """Return the WHERE clause of `scope` and its parameters."""
    conditions = _conditions(scope)
    return _where(conditions), _params(conditions)


def describe(scope: Scope, subject: str) -> str:
    """Say in English what is asked for."""
    return " ".join([subject, *(condition.english for condition in _conditions(scope))])


def _conditions(scope: Scope) -> list[Condition]:
    interval = scope.interval
    conditions = [
        Condition(
            "occurred_at >= $start and occurred_at < $end",
            {"start": _naive(interval.start), "end": _naive(interval.end)},
            f"from {interval.start:%Y-%m-%d %H:%M:%S} to {interval.end:%Y-%m-%d %H:%M:%S} UTC",
        )
    ]
    for name, column in FILTER_COLUMNS.items():
        values: tuple[str, ...] = getattr(scope, name)
        if values:
            params = {f"{name}_{index}": value for index, value in enumerate(values)}
            conditions.append(
                Condition(
                    f"{column} in ({', '.join(f'${param}' for param in params)})",
                    params,
                    f"and {name.replace('_', ' ')} {', '.join(values)}",
                )
            )
    return conditions


def _where(conditions: Iterable[Condition]) -> str:
    return " and ".join(condition.sql for condition in conditions)


def _params(conditions: Iterable[Condition]) -> dict[str, Any]:
    return {name: value for condition in conditions for name, value in condition.params.items()}


def _naive(moment: datetime) -> datetime:
    """Drop the zone of a UTC time: the marts hold TIMESTAMP, naive UTC."""
    return moment.replace(tzinfo=None)
