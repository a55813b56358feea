"""FilterSpec and view -> Query: one DuckDB statement with named parameters and its English.

Values are always bound. What is spliced into SQL comes from the white-lists of `columns`, from
`visibility`, or is a generated parameter name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from serve.query.columns import CHANGE_COLUMNS, DETAIL_COLUMNS, SORT_COLUMNS, SortColumn
from serve.query.rollups import (
    counted_actions,
    is_rolled_up,
    listed_of_issues,
    of_few_issues,
)
from serve.query.scope import (
    DAY,
    Condition,
    Scope,
    compile_days,
    compile_what,
    compile_where,
    midnight,
    naive,
    on_days,
)
from serve.query.spec import AggregatedView, DetailView, Interval
from serve.query.visibility import (
    WITHHELD_PARTS,
    Purpose,
    Rights,
    visible_changes,
    visible_rows,
    withheld_texts,
)


@dataclass(frozen=True, slots=True)
class Query:
    """One statement; `description` says in English what it answers."""

    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""


def compile_detail(
    scope: Scope,
    rights: Rights,
    *,
    limit: int,
    not_before: datetime,
    before: datetime,
    after: tuple[datetime, str] | None = None,
    days: Sequence[date] = (),
) -> Query:
    """Newest first, `limit` rows of `DETAIL_COLUMNS`, of the part of `scope` that is looked at.

    Of its interval from `not_before` until before `before`, on `days` (UTC, newest first; none:
    all) and, with the (time, id) `after` of the last row already given, behind that row. The
    caller goes on until the page is full.
    """
    start = max(scope.interval.start, not_before)
    end = min(scope.interval.end, before)
    place = []
    if days:
        place.append(compile_days(days))
    # A comparison that whole days meet anyhow would be made for each of their actions.
    if not days or start > midnight(days[-1]):
        place.append(Condition("actions.occurred_at >= $not_before", {"not_before": naive(start)}))
    if after is not None:
        # The time alone comes first: a row comparison (a, b) < (x, y) cannot use the zone maps. Of
        # all ways to say the rest DuckDB plans this one in the shortest time.
        place.append(
            Condition(
                "actions.occurred_at <= $after_at and case "
                "when actions.occurred_at = $after_at then actions.action_id < $after_id "
                "else true end",
                {"after_at": naive(after[0]), "after_id": after[1]},
            )
        )
    is_behind = after is not None and after[0] < end
    if not is_behind and (not days or end < midnight(days[0]) + DAY):
        place.append(Condition("actions.occurred_at < $before", {"before": naive(end)}))
    within = Interval(start=start, end=end)
    if days:
        within = on_days(within, days)
    where = compile_what(scope, rights, Purpose.LIST, *place, within=within)
    rows, rule = visible_rows(rights, Purpose.LIST)
    # DuckDB asks the zone map of every row group in the order of the conditions: the times, which
    # rule out nearly all of them, stand before the rule.
    return Query(
        sql=f"""
            select {", ".join(f"actions.{name}" for name in DETAIL_COLUMNS)}
            from {rows}
            where {where.sql} and {rule}
            order by actions.occurred_at desc, actions.action_id desc
            limit $limit
        """,
        params=where.params | {"limit": limit},
        description=f"Actions, newest first: {scope.description}",
    )


def compile_sorted_detail(
    scope: Scope, view: DetailView, rights: Rights, *, limit: int, offset: int
) -> Query:
    """Return `limit` rows of `DETAIL_COLUMNS` from `offset` on, in another order than by time."""
    where = compile_where(scope, rights, Purpose.LIST)
    direction = "desc" if view.sort.startswith("-") else "asc"
    key = view.sort.removeprefix("-")
    column = SORT_COLUMNS.get(key, _BY_TIME)
    rows, rule = visible_rows(rights, Purpose.LIST)
    order = f"sorted_by {direction} nulls last, actions.occurred_at desc, actions.action_id desc"
    return Query(
        # Which rows they are is found without their texts, of which there may be many millions.
        sql=f"""
            with chosen as materialized (
                select actions.rowid as place, {column.sql} as sorted_by
                from {rows}
                {column.join}
                where {where.sql} and {rule}
                order by {order}
                limit $limit offset $offset
            )
            select {", ".join(f"actions.{name}" for name in DETAIL_COLUMNS)}
            from {rows}
            join chosen on chosen.place = actions.rowid
            where {rule}
            order by {order}
        """,
        params=where.params | {"limit": limit, "offset": offset},
        description=f"Actions by {key}: {scope.description}",
    )


_BY_TIME = SortColumn("actions.occurred_at")


def compile_count(scope: Scope, rights: Rights) -> Query:
    """Return the number of actions of `scope` that may be listed."""
    of_issues = of_few_issues(scope)
    if of_issues is not None and rights.counts_everything:
        counted = listed_of_issues(of_issues, scope.interval, rights)
    else:
        counted = counted_actions(scope, rights, Purpose.LIST, by_code=False)
    return Query(
        f"select coalesce(sum(number), 0)::bigint from {counted.sql} as counted",
        counted.params,
        f"Number of actions: {scope.description}",
    )


def compile_withheld_times(rights: Rights) -> Query:
    """Return one row with the times of all actions with withheld texts, in order.

    The times are a list of microseconds since 1970, UTC.
    """
    return Query(
        "select coalesce(list(epoch_us(occurred_at) order by occurred_at), []) "
        f"from {withheld_texts(rights)} as withheld",
        description="Times of withheld texts",
    )


def compile_withheld(actions: Sequence[tuple[str, datetime]], rights: Rights) -> Query:
    """Whether each of WITHHELD_PARTS is withheld, by action id, of the given (action id, time).

    Actions of which nothing is withheld are left out.
    """
    return Query(
        sql=f"""
            select action_id, {", ".join(f"hides_{part}" for part in WITHHELD_PARTS)}
            from {withheld_texts(rights)} as withheld
            where {_AMONG_ACTIONS}
        """,
        params=_among_actions(actions),
        description=f"Withheld texts of {len(actions)} actions",
    )


def compile_changes(actions: Sequence[tuple[str, datetime]], rights: Rights) -> Query:
    """Rows of `CHANGE_COLUMNS` for the given (action id, time), in the order of their items."""
    return Query(
        sql=f"""
            select {", ".join(CHANGE_COLUMNS)}
            from {visible_changes(rights, Purpose.LIST)} as changes
            where {_AMONG_ACTIONS}
            order by action_id, item_index
        """,
        params=_among_actions(actions),
        description=f"Field changes of {len(actions)} actions",
    )


# By time first, because what is looked through is in order of time.
_AMONG_ACTIONS = (
    "occurred_at between $oldest and $newest and action_id in (select unnest($action_ids))"
)


def _among_actions(actions: Sequence[tuple[str, datetime]]) -> dict[str, Any]:
    times = [naive(occurred_at) for _, occurred_at in actions]
    return {
        "oldest": min(times),
        "newest": max(times),
        "action_ids": [action_id for action_id, _ in actions],
    }


def compile_authors(
    scope: Scope, view: AggregatedView, rights: Rights, *, limit: int, offset: int
) -> Query:
    """One page of authors in the order of `view`; first of the two stages of the aggregated view.

    Columns: actor_account_id (null: unknown), total (of the author), author_count and action_count
    (of the whole answer, the same in every row).
    """
    sort_count, order, sort_params = author_order(view.sort, "action_code", "sum(number)")
    counted = counted_actions(scope, rights, Purpose.COUNT, by_code=bool(sort_params))
    return Query(
        sql=f"""
            with authors as (
                select
                    actor_account_id, sum(number)::bigint as total, {sort_count} as sort_count
                from {counted.sql} as counted
                group by actor_account_id
            ),
            users as ({AUTHOR_NAMES})
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
        params={**counted.params, **sort_params, "limit": limit, "offset": offset},
        description=f"Authors of actions: {scope.description}",
    )


def compile_author_counts(
    scope: Scope, view: AggregatedView, rights: Rights, *, limit: int | None = None, offset: int = 0
) -> Query:
    """One page of authors in the order of `view`, or all, with their counts: both stages at once.

    For an export, and for so few actions that it costs less to count all than to read them twice.
    Columns: actor_account_id (null: unknown), labels (of groups: none), counts (map of action code
    to number), total, row_count and action_count (the same in every row), author_name.
    """
    sort_count, order, sort_params = author_order(view.sort, "action_code", "sum(number)")
    counted = counted_actions(scope, rights, Purpose.COUNT, by_code=True)
    return Query(
        sql=f"""
            with codes as (
                select actor_account_id, action_code, sum(number)::bigint as number
                from {counted.sql} as counted
                group by all
            ),
            authors as (
                select
                    actor_account_id, sum(number)::bigint as total, {sort_count} as sort_count,
                    map_from_entries(list((action_code, number) order by action_code)) as counts
                from codes
                group by actor_account_id
            ),
            users as ({AUTHOR_NAMES})
            select
                authors.actor_account_id, []::varchar[] as labels, authors.counts, authors.total,
                count(*) over () as row_count,
                (sum(authors.total) over ())::bigint as action_count,
                users.display_name as author_name
            from authors
            left join users on users.account_id = authors.actor_account_id
            order by {order}, authors.actor_account_id nulls last
            {"" if limit is None else "limit $limit offset $offset"}
        """,
        params={
            **counted.params,
            **sort_params,
            **({} if limit is None else {"limit": limit, "offset": offset}),
        },
        description=f"Actions by author: {scope.description}",
    )


# An account that several sites know is one person.
AUTHOR_NAMES = (
    "select account_id, max(display_name) as display_name from dim_users group by account_id"
)


def author_order(
    sort: str, action_code: str, counting: str = "count(*)"
) -> tuple[str, str, dict[str, Any]]:
    """Return what authors are sorted by: an aggregate, ORDER BY terms, and their parameters.

    The terms name the aggregate `sort_count` and the relation `users`; `action_code` is the column
    by which the aggregate `counting` is limited.
    """
    key = sort.removeprefix("-")
    direction = "desc" if sort.startswith("-") else "asc"
    name = "lower(strip_accents(users.display_name))"
    if key == "display_name":
        return "0", f"{name} {direction} nulls last", {}
    by_count = f"sort_count {direction}, {name} nulls last"
    if key == "total":
        return counting, by_count, {}
    of_code = f"coalesce({counting} filter (where {action_code} = $sort_code), 0)"
    return of_code, by_count, {"sort_code": key}


def compile_counts(scope: Scope, rights: Rights, authors: Sequence[str | None]) -> Query:
    """(actor_account_id, action_code, count) of the given authors; null stands for the unknown one.

    Second stage of the aggregated view. Of the facts two selects, because `in (...) or is null`
    cannot use the hash of the chosen authors and costs twice as much; of few rows one is cheaper.
    """
    known = [author for author in authors if author is not None]
    if is_rolled_up(scope):
        chosen = ["coalesce(actions.actor_account_id, '') in (select unnest($authors))"]
        known += [""] if None in authors else []
    else:
        chosen = ["actions.actor_account_id in (select unnest($authors))"]
        chosen += ["actions.actor_account_id is null"] if None in authors else []
    parts = []
    params: dict[str, Any] = {"authors": known}
    for who in chosen:
        counted = counted_actions(scope, rights, Purpose.COUNT, by_code=True, who=who)
        parts.append(
            "select actor_account_id, action_code, sum(number)::bigint "
            f"from {counted.sql} as counted group by all"
        )
        params |= counted.params
    return Query(
        sql=" union all ".join(parts),
        params=params,
        description=f"Counts of actions of {len(authors)} authors: {scope.description}",
    )
