"""The aggregated view, broken down: a row for each author and group.

Rulings of the reference guide: Status and Transition speak of status changes only; the unit of
Fields is the changed field (Q17), of all others the action, so that the groups of Projects and
Issues add up to the plain row. Actions that the viewer may count but not list have groups without a
name: one for issues with a security level, one for views of issues that may not be browsed.
"""

from __future__ import annotations

from dataclasses import dataclass

from serve.query.compiler import AUTHOR_NAMES, Query, author_order
from serve.query.scope import Scope, compile_where
from serve.query.spec import AggregatedView, Breakdown, row_part
from serve.query.visibility import (
    Purpose,
    Rights,
    is_hidden_view,
    is_of_hidden_issue,
    visible_actions,
    visible_changes,
    visible_issues,
)

NON_PROJECT = "Non-project activities"
NON_ISSUE = "Non-issue activities"
SECURED = "Issues with a security level"
UNBROWSED = "Issues that may not be browsed"
UNKNOWN = "Unknown"

# The action that the breakdowns Status and Transition are about.
STATUS_CHANGED = "STATUS_CHANGED"


@dataclass(frozen=True, slots=True)
class Grouping:
    """One breakdown: the id and the label of an action's group, as SQL; `joins` give the names.

    `{visible_issues}` in a join stands for the issues that may be listed.
    """

    key: str
    label: str
    joins: tuple[str, ...] = ()
    keeps: str = "true"


def _names(table: str, column: str) -> str:
    """Join a small dimension under the name of the column it explains."""
    thing = column.removeprefix("from_").removeprefix("to_").removesuffix("_id")
    return (
        f"left join {table} as {column}s on {column}s.site_id = counted.site_id "
        f"and {column}s.{thing}_id = counted.{column}"
    )


_ISSUE_NAMES = (
    "left join {visible_issues} as issue_ids on issue_ids.site_id = counted.site_id "
    "and issue_ids.issue_id = counted.named_issue_id"
)
_STATUS_NAME = "coalesce({0}s.status_name, counted.{0}, '" + UNKNOWN + "')"
_TO = _STATUS_NAME.format("to_status_id")
_FROM = _STATUS_NAME.format("from_status_id")

GROUPINGS: dict[Breakdown, Grouping] = {
    "projects": Grouping(
        key="counted.project_id",
        label=(
            "coalesce(project_ids.project_name, project_ids.project_key, counted.project_id, "
            f"'{NON_PROJECT}')"
        ),
        joins=(_names("dim_projects", "project_id"),),
    ),
    "status": Grouping(
        key="counted.to_status_id",
        label=_TO,
        joins=(_names("dim_statuses", "to_status_id"),),
        keeps="actions.to_status_id is not null",
    ),
    "transition": Grouping(
        key="coalesce(counted.from_status_id, '') || ':' || counted.to_status_id",
        label=f"{_FROM} || ' → ' || {_TO}",
        joins=(
            _names("dim_statuses", "from_status_id"),
            _names("dim_statuses", "to_status_id"),
        ),
        keeps="actions.to_status_id is not null",
    ),
    "issues": Grouping(
        key="counted.named_issue_id",
        label=(
            "coalesce(counted.instead_of_name, issue_ids.issue_key, counted.named_issue_id, "
            f"'{NON_ISSUE}')"
        ),
        joins=(_ISSUE_NAMES,),
    ),
    "fields": Grouping(
        key="counted.field_id",
        label="coalesce(field_ids.field_name, counted.field_name, counted.field_id)",
        joins=(_names("dim_fields", "field_id"),),
    ),
}


def compile_breakdown(
    scope: Scope, view: AggregatedView, rights: Rights, *, limit: int | None = None, offset: int = 0
) -> Query:
    """One page of groups, or all: authors in the order of `view`, the groups of each by total.

    Columns: actor_account_id (null: unknown), ids (list, in the order of `view.breakdowns`; null:
    no such thing, or one without a name), labels (list), counts (map of action code to number),
    total, issue_count (distinct issues), row_count, author_count and action_count (of the whole
    answer, the same in every row), author_name.
    """
    where = compile_where(scope, rights, Purpose.COUNT)
    groupings = [GROUPINGS[breakdown] for breakdown in view.breakdowns]
    joins = dict.fromkeys(join for grouping in groupings for join in grouping.joins)
    keeps = " and ".join(dict.fromkeys(grouping.keeps for grouping in groupings))
    sort_count, order, sort_params = author_order(view.sort, "counted.action_code")
    changed, field = "", "null::varchar as field_id, null::varchar as field_name"
    if "fields" in view.breakdowns:
        changed = (
            f"join {visible_changes(rights, Purpose.COUNT)} as changes "
            "on changes.action_id = actions.action_id "
            "and changes.occurred_at >= $start and changes.occurred_at < $end"
        )
        field = "changes.field_id, changes.field_name"
        if scope.fields:
            names = ", ".join(f"$fields_{index}" for index in range(len(scope.fields)))
            keeps += f" and changes.field_id in ({names})"
        if any(kind == "fields" for kind, _ in map(row_part, scope.row)):
            keeps += " and changes.field_id = $row_fields"
    instead_of_name = (
        f"case when {is_of_hidden_issue(rights, 'actions')} then '{SECURED}' "
        f"when {is_hidden_view(rights, 'actions')} then '{UNBROWSED}' end"
    )
    return Query(
        sql=f"""
            with counted as (
                select
                    actions.site_id, actions.actor_account_id, actions.action_code,
                    actions.project_id, actions.from_status_id, actions.to_status_id,
                    actions.issue_id, {instead_of_name} as instead_of_name,
                    {field}
                from {visible_actions(rights, Purpose.COUNT)} as actions
                {changed}
                where {where.sql} and {keeps}
            ),
            keyed as (
                select
                    counted.actor_account_id, counted.action_code, counted.issue_id,
                    [{", ".join(grouping.key for grouping in groupings)}]::varchar[] as ids,
                    [{", ".join(grouping.label for grouping in groupings)}]::varchar[] as labels
                from (
                    select *, case when instead_of_name is null then issue_id end as named_issue_id
                    from counted
                ) as counted
                {" ".join(joins).format(visible_issues=visible_issues(rights))}
            ),
            codes as (
                select actor_account_id, ids, labels, action_code, count(*) as number
                from keyed
                group by all
            ),
            issues as (
                select actor_account_id, ids, labels, count(distinct issue_id) as issue_count
                from keyed
                group by all
            ),
            grouped as (
                select
                    actor_account_id, ids, labels, sum(number)::bigint as total,
                    map_from_entries(list((action_code, number) order by action_code)) as counts
                from codes
                group by all
            ),
            authors as (
                select actor_account_id, count(*) as total, {sort_count} as sort_count
                from counted
                group by actor_account_id
            ),
            users as ({AUTHOR_NAMES})
            select
                grouped.actor_account_id, grouped.ids, grouped.labels, grouped.counts,
                grouped.total, issues.issue_count,
                count(*) over () as row_count,
                (select count(*) from authors) as author_count,
                (select count(*) from counted) as action_count,
                users.display_name as author_name
            from grouped
            join authors
                on authors.actor_account_id is not distinct from grouped.actor_account_id
            join issues
                on issues.actor_account_id is not distinct from grouped.actor_account_id
                and issues.ids is not distinct from grouped.ids
                and issues.labels is not distinct from grouped.labels
            left join users on users.account_id = grouped.actor_account_id
            order by
                {order}, authors.actor_account_id nulls last,
                grouped.total desc, grouped.labels, grouped.ids
            {"" if limit is None else "limit $limit offset $offset"}
        """,
        params=where.params
        | sort_params
        | ({} if limit is None else {"limit": limit, "offset": offset}),
        description=f"Actions by author and {', '.join(view.breakdowns)}: {scope.description}",
    )
