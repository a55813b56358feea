"""The days on which the people or the issues of a question were active: where to look for its rows.

A rollup by month holds the days of every person, another one those of every issue. They are never
an answer, only a reason not to look at other days, and they count more than a viewer may list.
"""

from __future__ import annotations

from collections.abc import Iterator

from serve.query.columns import MEMBERSHIPS
from serve.query.compiler import Query
from serve.query.scope import Condition, Scope, compile_people, compile_row_part
from serve.query.spec import row_part
from serve.query.visibility import days_of_issues, days_of_people


def compile_known_days(scope: Scope) -> list[Query]:
    """Return queries of (day, number of actions), UTC, newest first.

    All actions of `scope` are on days that every one of them names. None: it asks for too many
    people and issues, who are active on every day.
    """
    return [
        Query(
            f"""
            select day, sum(number)::bigint as number
            from (
                select
                    unnest(map_keys(actions.day_counts)) as day,
                    unnest(map_values(actions.day_counts)) as number
                from {rollup} as actions
                where {condition.sql}
            )
            group by day
            order by day desc
            """,
            condition.params,
            f"Days with actions: {scope.description}",
        )
        for rollup, condition in _narrow(scope)
    ]


def is_narrow(scope: Scope) -> bool:
    """Return whether `compile_known_days` knows where to look for the actions of `scope`."""
    return any(True for _ in _narrow(scope))


def _narrow(scope: Scope) -> Iterator[tuple[str, Condition]]:
    """Yield the conditions of `scope` that few days meet, with the rollup that knows them."""
    # Sets of people can be large.
    if scope.users and not any(getattr(scope, name) for name in MEMBERSHIPS):
        for people in compile_people(scope):
            yield days_of_people(), people
    if scope.jql is not None and scope.jql.is_narrow:
        yield days_of_issues(), scope.jql
    for text in scope.row:
        kind, thing_id = row_part(text)
        if kind == "author":
            yield days_of_people(), compile_row_part(kind, thing_id)
        if kind == "issues" and thing_id is not None:
            yield days_of_issues(), compile_row_part(kind, thing_id)
