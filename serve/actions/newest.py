"""A page of actions, newest first: where to look for it, so that little is read for it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from itertools import accumulate, compress
from typing import Any

from serve.query.columns import DETAIL_COLUMNS
from serve.query.compiler import Query, compile_detail, compile_withheld
from serve.query.cursors import DetailCursor
from serve.query.known_days import compile_known_days
from serve.query.scope import Scope
from serve.query.visibility import WITHHELD_PARTS, Rights, withhold
from serve.warehouse.snapshot import Snapshot

# The first search reaches back as far as this many pages' worth of all actions would; each further
# one this much farther. A page of everything is found at once, a rare one in a few.
_FIRST_REACH = 4
_SHORTEST_REACH = timedelta(minutes=5)
_WIDER = 16
# Days that one search looks at: all of them become part of its text.
_MOST_DAYS = 100

Rows = list[tuple[Any, ...]]
"""What a query returns."""


def newest_actions(
    snapshot: Snapshot, scope: Scope, rights: Rights, limit: int, cursor: DetailCursor | None
) -> list[dict[str, Any]]:
    """Return the newest `limit` rows after the cursor; fewer only if there are no more."""
    directory = snapshot.directory
    if directory.oldest_at is None or directory.newest_at is None:
        return []
    after = (cursor.occurred_at, cursor.action_id) if cursor else None
    start = max(scope.interval.start, directory.oldest_at)
    latest = min(
        scope.interval.end, directory.newest_at, after[0] if after else directory.newest_at
    )
    days = _known_days(snapshot, scope)
    if days is None:
        rows = _reaching_back(snapshot, scope, rights, limit, start, latest, after)
    else:
        rows = _on_known_days(snapshot, scope, rights, limit, start, latest, after, days)
    return shown_rows(snapshot, rights, rows)


def shown_rows(snapshot: Snapshot, rights: Rights, rows: Rows) -> list[dict[str, Any]]:
    """Return rows of `DETAIL_COLUMNS` with their names, and without the texts to be withheld."""
    named = [dict(zip(DETAIL_COLUMNS, row, strict=True)) for row in rows]
    if named and rights.withholds:
        places = {row["action_id"]: row for row in named}
        actions = [(action_id, row["occurred_at"]) for action_id, row in places.items()]
        query = compile_withheld(actions, rights)
        for action_id, *hides in snapshot.run(query):
            withhold(places[action_id], set(compress(WITHHELD_PARTS, hides)))
    return named


def _reaching_back(
    snapshot: Snapshot,
    scope: Scope,
    rights: Rights,
    limit: int,
    start: datetime,
    latest: datetime,
    after: tuple[datetime, str] | None,
) -> Rows:
    """Look at the time before `latest`, ever farther back until the page is full."""
    directory = snapshot.directory
    action_count = max(directory.action_count, 1)
    span = (directory.newest_at or latest) - (directory.oldest_at or start)
    reach = max(_SHORTEST_REACH, span / action_count * limit * _FIRST_REACH)
    while True:
        not_before = start if reach >= latest - start else latest - reach
        rows = snapshot.run(
            compile_detail(scope, rights, limit=limit, not_before=not_before, after=after)
        )
        if len(rows) == limit or not_before == start:
            return rows
        reach *= _WIDER


def _known_days(snapshot: Snapshot, scope: Scope) -> list[tuple[date, int]] | None:
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


def _on_known_days(
    snapshot: Snapshot,
    scope: Scope,
    rights: Rights,
    limit: int,
    start: datetime,
    latest: datetime,
    after: tuple[datetime, str] | None,
    days: list[tuple[date, int]],
) -> Rows:
    """Look only at `days`, as many of them at once as the rest of the page seems to need."""
    left = [
        # Of the latest day a part may lie after the page: it is not counted upon.
        (day, count if day < latest.date() else 0)
        for day, count in days
        if start.date() <= day <= latest.date()
    ]
    rows: Rows = []
    reserve = 1
    while left and len(rows) < limit:
        wanted = (limit - len(rows)) * reserve
        newer = accumulate((count for _, count in left), initial=0)
        here = [day for (day, _), before in zip(left, newer, strict=False) if before < wanted]
        here = here[:_MOST_DAYS]
        rows += snapshot.run(
            compile_detail(
                scope,
                rights,
                limit=limit - len(rows),
                not_before=start,
                after=after,
                days=here,
            )
        )
        left = left[len(here) :]
        # Other filters have kept fewer of their actions than there were.
        reserve *= _WIDER
    return rows
