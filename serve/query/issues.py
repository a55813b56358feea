"""The issues of the actions of a filter, in the order of their numeric ids."""

from __future__ import annotations

from serve.query.compiler import Query
from serve.query.scope import Scope, Where, compile_where
from serve.query.visibility import Purpose, Rights, browsable_issues, visible_actions

RANGE = 100
"""Issues that one link opens in Jira, as in the reference guide."""

ISSUE_COLUMNS = (
    "site_id",
    "issue_id",
    "project_id",
    "action_count",
    "last_action_at",
    "is_browsable",
)
_ORDER = "try_cast(issue_id as bigint), issue_id, site_id"


def compile_listed_issues(scope: Scope, rights: Rights, *, limit: int, offset: int) -> Query:
    """Return `limit` rows of `ISSUE_COLUMNS` and, last in each row, the number of all issues.

    `action_count` and `last_action_at` (naive UTC) are of the actions of the filter.
    """
    found, where = _found(scope, rights)
    return Query(
        f"""
        with found as ({found})
        select
            found.site_id, found.issue_id, coalesce(issues.project_id, found.project_id),
            found.action_count, found.last_action_at, coalesce(issues.is_browsable, false),
            count(*) over ()
        from found
        left join {browsable_issues(rights)} as issues using (site_id, issue_id)
        order by {_ORDER}
        limit $limit offset $offset
        """,
        where.params | {"limit": limit, "offset": offset},
        f"Issues of actions: {scope.description}",
    )


def compile_issue_ranges(scope: Scope, rights: Rights, *, limit: int, offset: int) -> Query:
    """Return ranges of at most `RANGE` issues that Jira can still show.

    Columns: site_id, first (number of the range's first issue, from 1), keys (list), closed_keys
    (those of them that the viewer may not browse), issue_count (of the whole answer), range_count
    (likewise). A range holds issues of one site.
    """
    found, where = _found(scope, rights)
    return Query(
        f"""
        with found as ({found}),
        openable as (
            select
                site_id, issues.issue_key, issues.is_browsable,
                row_number() over (partition by site_id order by {_ORDER}) - 1 as place
            from found
            join {browsable_issues(rights)} as issues using (site_id, issue_id)
            where issues.deletion_state = 'present' and issues.issue_key is not null
        ),
        ranges as (
            select
                site_id, min(place) + 1 as first, list(issue_key order by place) as keys,
                coalesce(list(issue_key) filter (where not is_browsable), []) as closed_keys,
                count(*) as size
            from openable
            group by site_id, place // {RANGE}
        )
        select site_id, first, keys, closed_keys, (sum(size) over ())::bigint, count(*) over ()
        from ranges
        order by site_id, first
        limit $limit offset $offset
        """,
        where.params | {"limit": limit, "offset": offset},
        f"Ranges of issues of actions: {scope.description}",
    )


def _found(scope: Scope, rights: Rights) -> tuple[str, Where]:
    where = compile_where(scope, rights, Purpose.LIST)
    return (
        f"""
        select
            actions.site_id, actions.issue_id, arg_max(actions.project_id, actions.occurred_at)
                as project_id,
            count(*) as action_count, max(actions.occurred_at) as last_action_at
        from {visible_actions(rights, Purpose.LIST, texts=False)} as actions
        where {where.sql} and actions.issue_id is not null
        group by actions.site_id, actions.issue_id
        """,
        where,
    )
