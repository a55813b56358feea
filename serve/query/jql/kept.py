"""The issues that a query has found, kept as a relation of their own, and the condition on them."""

from __future__ import annotations

from collections.abc import Sequence

from serve.query.compiler import Query
from serve.query.jql.compiler import Selection
from serve.query.scope import Condition

FEW = 50
"""Issues that are written as a list, which is found faster than a relation."""


def compile_keep(selection: Selection, table: str) -> Query:
    """Make `table` (a generated name) of the issues of a selection; the answer is their number."""
    return Query(
        f"create table {table} as {selection.sql}", selection.params, "Issues that JQL finds"
    )


def compile_kept(table: str) -> Query:
    """Return (site_id, issue_id) of the issues of a table."""
    return Query(f"select site_id, issue_id from {table}", description="Issues that JQL found")


def compile_drop(table: str) -> Query:
    """Give a table up."""
    return Query(f"drop table {table}", description="Issues that JQL found")


NARROW = 1_000
"""Issues on which something was done on so few days that it pays to ask which."""


def is_among_kept(table: str, issue_count: int, *, has_one_site: bool) -> Condition:
    """Return the condition on `actions` that their issue is one of so many in a table."""
    sql = f"(actions.site_id, actions.issue_id) in (select site_id, issue_id from {table})"
    if has_one_site:
        sql = f"actions.issue_id in (select issue_id from {table})"
    return Condition(sql, {}, is_narrow=issue_count <= NARROW)


def is_among_few(issues: Sequence[tuple[str, str]]) -> Condition:
    """Return the condition on `actions` that their issue is one of few (site_id, issue_id)."""
    by_site: dict[str, list[str]] = {}
    for site_id, issue_id in issues:
        by_site.setdefault(site_id, []).append(issue_id)
    params: dict[str, str] = {}

    def bound(value: str) -> str:
        name = f"jql_{len(params)}"
        params[name] = value
        return f"${name}"

    conditions = [
        f"(actions.site_id = {bound(site_id)} "
        f"and actions.issue_id in ({', '.join(map(bound, ids))}))"
        for site_id, ids in by_site.items()
    ]
    return Condition(
        f"({' or '.join(conditions)})" if conditions else "false", params, is_narrow=True
    )
