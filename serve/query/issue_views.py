"""Counted views of issues, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from serve.query.compiler import Query
from serve.query.scope import Condition, Scope, compile_where, naive
from serve.query.visibility import Purpose, Rights, visible_issues, visible_views

VIEW_COLUMNS = (
    "action_id",
    "site_id",
    "occurred_at",
    "recorded_at",
    "actor_account_id",
    "project_id",
    "issue_id",
    "view_source",
    "raw_view_count",
)


def of_issues(issue_ids: Sequence[str]) -> list[Condition]:
    """Return the condition that keeps the views of the given issues; none if there are none."""
    if not issue_ids:
        return []
    return [
        Condition("actions.issue_id in (select unnest($issue_ids))", {"issue_ids": list(issue_ids)})
    ]


def compile_views(
    scope: Scope,
    rights: Rights,
    *,
    issue_ids: Sequence[str],
    limit: int,
    after: tuple[datetime, str] | None,
) -> Query:
    """Return `limit` rows of `VIEW_COLUMNS`; `after` is (time, id) of the last one already given.

    Views of the given issues, or of any if there are none.
    """
    more = of_issues(issue_ids)
    if after is not None:
        more.append(
            Condition(
                "actions.occurred_at <= $after_at "
                "and (actions.occurred_at < $after_at or actions.action_id < $after_id)",
                {"after_at": naive(after[0]), "after_id": after[1]},
            )
        )
    where = compile_where(scope, rights, Purpose.LIST, *more)
    return Query(
        f"""
        select {", ".join(VIEW_COLUMNS)}
        from {visible_views(rights)} as actions
        where {where.sql}
        order by occurred_at desc, action_id desc
        limit $limit
        """,
        where.params | {"limit": limit},
        f"Views of issues, newest first: {scope.description}",
    )


def compile_view_count(scope: Scope, rights: Rights, issue_ids: Sequence[str]) -> Query:
    """Return the number of views of the given issues, or of any if there are none."""
    where = compile_where(scope, rights, Purpose.LIST, *of_issues(issue_ids))
    return Query(
        f"select count(*) from {visible_views(rights)} as actions where {where.sql}",
        where.params,
        f"Number of views of issues: {scope.description}",
    )


def compile_first_view(rights: Rights) -> Query:
    """Return the time (naive UTC) of the oldest view there is; null without any."""
    return Query(f"select min(occurred_at) from {visible_views(rights)} as actions")


def compile_issue_ids(names: Sequence[str], rights: Rights) -> Query:
    """Return (name, issue_id) of the issues that have one of the names as id, key or former key."""
    return Query(
        f"""
        select distinct names.name, issues.issue_id
        from (select unnest($names) as name) as names
        join {visible_issues(rights)} as issues
            on issues.issue_id = names.name
            or issues.issue_key = upper(names.name)
            or list_contains(issues.previous_keys, upper(names.name))
        """,
        {"names": list(names)},
    )
