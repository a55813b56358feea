"""A page of actions, newest first: where to look for it, so that little is read for it."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from itertools import compress
from typing import Any

from serve.narrowing import known_days
from serve.paging import microseconds
from serve.query.columns import DETAIL_COLUMNS
from serve.query.compiler import compile_detail, compile_withheld, compile_withheld_times
from serve.query.cursors import DetailCursor
from serve.query.scope import DAY, Scope, compares_edits, midnight
from serve.query.visibility import WITHHELD_PARTS, Rights, withhold
from serve.warehouse.snapshot import Snapshot

# The first search reaches back as far as this many pages' worth of all actions would; each further
# one this much farther. A page of everything is found at once, a rare one in a few.
_FIRST_REACH = 4
_SHORTEST_REACH = timedelta(minutes=5)
_WIDER = 16
# Days that one search looks at: all of them become part of its text.
_MOST_DAYS = 100
# So many times as much of a day as its mean would ask for.
_UNEVEN = 2

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
    # To compare edits is to look through all of the time, and that once.
    at_once = compares_edits(scope)
    known = None if at_once else known_days(snapshot, scope)
    days = [one for one in known or () if start.date() <= one[0] <= latest.date()]
    before = scope.interval.end
    rows: Rows = []
    reserve = 1
    # Each search looks at the time just before that of the search before it.
    while before > start and len(rows) < limit and (days or known is None):
        wanted = (limit - len(rows)) * reserve
        if known is None:
            here: Sequence[date] = ()
            not_before = start if at_once else latest - _reach(snapshot, wanted)
        else:
            here, not_before = _nearest(days, latest, wanted)
            days = [one for one in days if midnight(one[0]) < not_before]
        rows += snapshot.run(
            compile_detail(
                scope,
                rights,
                limit=limit - len(rows),
                not_before=max(start, not_before),
                before=before,
                after=after,
                days=here,
            )
        )
        latest = before = not_before
        after = None
        # Other filters have kept fewer of their actions than there were.
        reserve *= _WIDER
    return shown_rows(snapshot, rights, rows)


def shown_rows(snapshot: Snapshot, rights: Rights, rows: Rows) -> list[dict[str, Any]]:
    """Return rows of `DETAIL_COLUMNS` with their names, and without the texts to be withheld."""
    named = [dict(zip(DETAIL_COLUMNS, row, strict=True)) for row in rows]
    if not rights.withholds:
        return named
    # A page rarely has such a text; that it has none is seen from the times alone.
    times = snapshot.kept(
        ("times of withheld texts", str(rights.memory)), partial(_withheld_times, snapshot, rights)
    )
    places = {
        row["action_id"]: row for row in named if _holds(times, microseconds(row["occurred_at"]))
    }
    if places:
        actions = [(action_id, row["occurred_at"]) for action_id, row in places.items()]
        query = compile_withheld(actions, rights)
        for action_id, *hides in snapshot.run(query):
            withhold(places[action_id], set(compress(WITHHELD_PARTS, hides)))
    return named


def _withheld_times(snapshot: Snapshot, rights: Rights) -> array[int]:
    """Return the times in order, of eight bytes each: there can be a million."""
    ((times,),) = snapshot.run(compile_withheld_times(rights))
    return array("q", times)


def _holds(times: array[int], moment: int) -> bool:
    place = bisect_left(times, moment)
    return place < len(times) and times[place] == moment


def _reach(snapshot: Snapshot, wanted: int) -> timedelta:
    """Return the time in which there are `wanted` actions of all, and several times as many."""
    directory = snapshot.directory
    span = (directory.newest_at or directory.now) - (directory.oldest_at or directory.now)
    # Farther than the whole log is of no use, and may be before the first year there is.
    return min(
        span, max(_SHORTEST_REACH, span / max(directory.action_count, 1) * wanted * _FIRST_REACH)
    )


def _nearest(
    days: Sequence[tuple[date, int]], latest: datetime, wanted: float
) -> tuple[list[date], datetime]:
    """Return the newest of `days` that hold the `wanted` actions, and the time to begin at.

    Of a day with many more a part will do. Of a part of a day, as of that before `latest`, a share
    of the day's actions is counted upon, but not all of it: nobody acts evenly all day.
    """
    here: list[date] = []
    begin = latest
    for day, count in days:
        begin = midnight(day)
        end = min(latest, begin + DAY)
        here.append(day)
        part = max(_SHORTEST_REACH, DAY * (wanted * _UNEVEN / max(count, 1)))
        if part < end - begin:
            return here, end - part
        share = (end - begin) / DAY
        wanted -= count if share == 1 else count * share / _UNEVEN
        if wanted <= 0 or len(here) == _MOST_DAYS:
            break
    return here, begin
