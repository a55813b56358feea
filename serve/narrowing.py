"""Where to look for the actions of a question: on days on which its people or issues were active.

Nothing here decides what an answer holds, only which days need not be read for it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial

from serve.query.compiler import Query
from serve.query.known_days import compile_known_days
from serve.query.rollups import is_rolled_up
from serve.query.scope import DAY, Scope
from serve.warehouse.snapshot import Snapshot

_MOST_DAYS = 200
"""All of them become part of a statement."""
_WORTH = 2
"""So many times as many days there have to be in the interval."""


def known_days(snapshot: Snapshot, scope: Scope) -> list[tuple[date, int]] | None:
    """Return (day, most actions there can be), newest first, of all days with actions of `scope`.

    None: it may have some on every day. The answer holds for all times and is kept.
    """
    known: list[tuple[date, int]] | None = None
    for query in compile_known_days(scope):
        of_some = snapshot.kept(
            (query.sql, *query.params.items()), partial(_numbers_by_day, snapshot, query)
        )
        if known is None:
            known = list(of_some.items())
        else:
            known = [(day, min(count, of_some[day])) for day, count in known if day in of_some]
    return known


def _numbers_by_day(snapshot: Snapshot, query: Query) -> dict[date, int]:
    return dict(snapshot.run(query))


def narrowed(snapshot: Snapshot, scope: Scope) -> Scope:
    """Return `scope` with the days of its actions, if there are so few that it is worth it."""
    if is_rolled_up(scope):
        return scope
    known = known_days(snapshot, scope)
    if known is None:
        return scope
    first, last = scope.interval.start.date(), scope.interval.end.date()
    oldest, newest = snapshot.directory.oldest_at, snapshot.directory.newest_at
    if oldest is not None and newest is not None:
        first, last = max(first, oldest.date()), min(last, newest.date())
    days = tuple(day for day, _ in known if first <= day <= last)
    if len(days) > _MOST_DAYS or len(days) * _WORTH > (last - first) / DAY + 1:
        return scope
    return replace(scope, days=days)
