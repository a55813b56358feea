"""A page of actions, newest first: where to look for it, so that little is read for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import compress
from typing import Any

from serve.query.columns import DETAIL_COLUMNS
from serve.query.compiler import compile_active_days, compile_detail, compile_withheld
from serve.query.cursors import DetailCursor
from serve.query.rollups import has_known_days
from serve.query.scope import Scope
from serve.query.visibility import WITHHELD_PARTS, Rights, withhold
from serve.warehouse.snapshot import Snapshot

# The first search reaches back as far as this many pages' worth of all actions would; each further
# one this much farther. A page of everything is found at once, a rare one in a few.
_FIRST_REACH = 4
_SHORTEST_REACH = timedelta(minutes=5)
_WIDER = 16

_DAY = timedelta(days=1)
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
    search = _on_known_days if has_known_days(scope) else _reaching_back
    return shown_rows(
        snapshot, rights, search(snapshot, scope, rights, limit, start, latest, after)
    )


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


def _on_known_days(
    snapshot: Snapshot,
    scope: Scope,
    rights: Rights,
    limit: int,
    start: datetime,
    latest: datetime,
    after: tuple[datetime, str] | None,
) -> Rows:
    """Look only at days on which the people of `scope` did something."""
    rows: Rows = []
    before, reserve = latest.date() + _DAY, 1
    while start.date() < before:
        # Of the latest day a part may lie after the page: it is not counted upon.
        wanted = (limit - len(rows)) * reserve
        query = compile_active_days(scope, start.date(), before, latest.date(), wanted)
        days = snapshot.run(query)
        if not days:
            break
        rows += snapshot.run(
            compile_detail(
                scope,
                rights,
                limit=limit - len(rows),
                not_before=start,
                after=after,
                days=[day for day, _ in days],
            )
        )
        before, day_count = days[-1]
        if len(rows) == limit or len(days) == day_count:
            break
        # Other filters have kept fewer of their actions than there were.
        reserve *= _WIDER
    return rows
