"""A filter with everything resolved, as the WHERE clause of a query on the actions.

Rulings of the reference guide: users, groups and the people of projects and organizations are one
set of people (Q1); the values of one filter are ORed, the filters are ANDed (Q2). The
filters for status changes, resolutions and fields speak of edits: one of them keeps the actions
that match it; several keep the actions that match any of them, but only of edits (events of the
source) that meet all of them, because one action is never a status change and a resolution at
once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from serve.query.columns import FILTER_COLUMNS, MEMBERSHIPS
from serve.query.spec import Interval, RowKind, row_part
from serve.query.visibility import (
    Purpose,
    Rights,
    is_hidden_view,
    is_nameless,
    visible_actions,
    visible_changes,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """A FilterSpec with the interval and all names resolved; every value is an id.

    `description` is the same in English, with names.
    """

    interval: Interval
    description: str = ""
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    people_in_projects: tuple[str, ...] = ()
    people_in_organizations: tuple[str, ...] = ()
    membership: Literal["now", "then"] = "now"
    projects: tuple[str, ...] = ()
    action_codes: tuple[str, ...] = ()
    statuses_from: tuple[str, ...] = ()
    statuses_to: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    row: tuple[str, ...] = ()
    jql: Condition | None = None
    days: tuple[date, ...] | None = None
    """The days (UTC) of all its actions, as a help to find them; None: there is no need to know."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One predicate of a WHERE clause, with its parameters.

    `holds` is what must not be let go as long as the predicate is used. `is_narrow`: so few issues
    meet it that it pays to ask on which days something was done to them.
    """

    sql: str
    params: Mapping[str, Any]
    holds: object = None
    is_narrow: bool = False


@dataclass(frozen=True, slots=True)
class Where:
    """A WHERE clause on the relation `actions`."""

    sql: str
    params: dict[str, Any]


def compile_where(scope: Scope, rights: Rights, purpose: Purpose, *more: Condition) -> Where:
    """Return the clause that keeps the actions of `scope` that also meet `more`."""
    days = [] if scope.days is None else [compile_days(scope.days)]
    interval = scope.interval
    if scope.days and not compares_edits(scope):
        interval = on_days(interval, scope.days)
    during = Condition(_DURING, _ends(interval))
    return compile_what(scope, rights, purpose, during, *days, *more, within=interval)


def compile_what(
    scope: Scope,
    rights: Rights,
    purpose: Purpose,
    *more: Condition,
    within: Interval | None = None,
) -> Where:
    """Do as `compile_where`, but leave it to `more` to keep the actions of the interval.

    If they keep only those of a part of it, it is worth to be told `within` which.
    """
    conditions = [*more, *compile_people(scope)]
    for name, column in FILTER_COLUMNS.items():
        values: tuple[str, ...] = getattr(scope, name)
        if values:
            conditions.append(_any_of(name, column, values))
    interval = scope.interval if within is None or compares_edits(scope) else within
    conditions += _edits(scope, rights, purpose, interval)
    conditions += _row(scope, rights, purpose, interval)
    if scope.jql is not None:
        conditions.append(scope.jql)
        if purpose is Purpose.COUNT:
            # JQL can ask for one issue: what may not be listed of it is not counted either.
            conditions.append(Condition(f"not {is_hidden_view(rights, 'actions')}", {}))
    return Where(
        " and ".join(condition.sql for condition in conditions) or "true",
        {name: value for condition in conditions for name, value in condition.params.items()},
    )


DAY = timedelta(days=1)


def midnight(day: date) -> datetime:
    """Return the beginning of a day (UTC)."""
    return datetime.combine(day, time.min, UTC)


def on_days(interval: Interval, days: Sequence[date]) -> Interval:
    """Return the part of `interval` from the first to the last of `days` (UTC, newest first)."""
    return Interval(
        start=max(interval.start, midnight(days[-1])),
        end=min(interval.end, midnight(days[0]) + DAY),
    )


def naive(moment: datetime) -> datetime:
    """Drop the zone of a UTC time: the marts hold TIMESTAMP, naive UTC."""
    return moment.replace(tzinfo=None)


_DURING = "actions.occurred_at >= $start and actions.occurred_at < $end"


def _ends(interval: Interval) -> dict[str, datetime]:
    return {"start": naive(interval.start), "end": naive(interval.end)}


def compile_days(days: Sequence[date]) -> Condition:
    """Return the condition that an action is of one of some days (UTC)."""
    params = {f"day_{number}": day for number, day in enumerate(days)}
    named = ", ".join(f"${name}" for name in params)
    return Condition(f"actions.occurred_date in ({named})" if params else "false", params)


def compile_codes(scope: Scope) -> list[Condition]:
    """Return the condition on what was done: none, or one for every code that is meant."""
    if not scope.action_codes:
        return []
    return [_any_of("action_codes", FILTER_COLUMNS["action_codes"], scope.action_codes)]


def compile_people(scope: Scope) -> list[Condition]:
    """Return the condition on who acted: none, or one for everybody who is meant."""
    sets = []
    if scope.users:
        sets.append(_any_of("users", "actions.actor_account_id", scope.users))
    for name, membership in MEMBERSHIPS.items():
        values: tuple[str, ...] = getattr(scope, name)
        if not values:
            continue
        things = _any_of(name, f"members.{membership.key}", values)
        if scope.membership == "now":
            sql = (
                "actions.actor_account_id in (select members.account_id "
                f"from {membership.bridge} as members "
                f"where {things.sql} and members.valid_to_at is null)"
            )
        else:
            sql = (
                f"exists (select 1 from {membership.bridge} as members "
                f"where {things.sql} and members.account_id = actions.actor_account_id "
                "and coalesce(members.valid_from_at <= actions.occurred_at, true) "
                "and coalesce(actions.occurred_at < members.valid_to_at, true))"
            )
        sets.append(Condition(sql, things.params))
    if not sets:
        return []
    return [
        Condition(
            f"({' or '.join(one.sql for one in sets)})",
            {name: value for one in sets for name, value in one.params.items()},
        )
    ]


def _any_of(name: str, column: str, values: tuple[str, ...]) -> Condition:
    params = {f"{name}_{index}": value for index, value in enumerate(values)}
    return Condition(
        f"{column} in ({', '.join(f'${param}' for param in params)})",
        params,
    )


def compares_edits(scope: Scope) -> bool:
    """Whether edits have to be looked at as a whole: their actions need not be of one time."""
    kinds = (scope.statuses_from or scope.statuses_to, scope.resolutions, scope.fields)
    return sum(map(bool, kinds)) > 1


def _edits(scope: Scope, rights: Rights, purpose: Purpose, interval: Interval) -> list[Condition]:
    """Return the conditions on what an edit changed: at most one, or one for all of them."""
    kinds = []
    if scope.statuses_from or scope.statuses_to:
        ends = [
            _any_of(name, f"actions.{column}", values)
            for name, column, values in (
                ("statuses_from", "from_status_id", scope.statuses_from),
                ("statuses_to", "to_status_id", scope.statuses_to),
            )
            if values
        ]
        kinds.append(_all_of(ends))
    if scope.resolutions:
        kinds.append(_any_of("resolutions", "actions.resolution_id", scope.resolutions))
    if scope.fields:
        changed = _any_of("fields", "changes.field_id", scope.fields)
        kinds.append(_with_changes(changed, rights, purpose, interval))
    if not compares_edits(scope):
        return kinds
    events = "(actions.site_id, actions.source, actions.source_event_id)"
    meeting = [
        Condition(
            f"{events} in (select {events} "
            f"from {visible_actions(rights, purpose, texts=False)} as actions "
            f"where {_DURING} and {kind.sql})",
            _ends(interval),
        )
        for kind in kinds
    ]
    either = Condition(
        f"({' or '.join(f'({kind.sql})' for kind in kinds)})",
        {name: value for kind in kinds for name, value in kind.params.items()},
    )
    return [either, *meeting]


def _with_changes(
    changed: Condition, rights: Rights, purpose: Purpose, interval: Interval
) -> Condition:
    """Return the condition on actions that some of their changes, of the same time, are so."""
    return Condition(
        "actions.action_id in (select changes.action_id "
        f"from {visible_changes(rights, purpose)} as changes where {changed.sql} "
        "and changes.occurred_at >= $start and changes.occurred_at < $end)",
        {**changed.params, **_ends(interval)},
    )


# Kind of a part of a row -> columns of the facts; a field is in the changes.
_ROW_COLUMNS: dict[RowKind, tuple[str, ...]] = {
    "author": ("actor_account_id",),
    "action": ("action_code",),
    "projects": ("project_id",),
    "status": ("to_status_id",),
    "transition": ("from_status_id", "to_status_id"),
    "issues": ("issue_id",),
}


def _row(scope: Scope, rights: Rights, purpose: Purpose, interval: Interval) -> list[Condition]:
    """Return the conditions that keep what one row of the aggregated view counts."""
    conditions = []
    for text in scope.row:
        kind, thing_id = row_part(text)
        if kind == "fields":
            changed = Condition("changes.field_id = $row_fields", {"row_fields": thing_id})
            conditions.append(_with_changes(changed, rights, purpose, interval))
            continue
        if kind == "issues":
            # Issues without a name share a row; none of them can be counted by itself.
            conditions.append(Condition(f"not {is_nameless(rights, 'actions')}", {}))
        conditions.append(compile_row_part(kind, thing_id))
    return conditions


def compile_row_part(kind: RowKind, thing_id: str | None) -> Condition:
    """Return the condition that a row is about this thing; not for fields, which are of changes."""
    ids: tuple[str | None, ...] = (thing_id,)
    if kind == "transition":
        before, _, after = (thing_id or "").partition(":")
        ids = (before or None, after or None)
    return _all_of(
        [
            Condition(f"actions.{column} = $row_{kind}_{column}", {f"row_{kind}_{column}": one})
            if one is not None
            else Condition(f"actions.{column} is null", {})
            for column, one in zip(_ROW_COLUMNS[kind], ids, strict=True)
        ]
    )


def _all_of(conditions: list[Condition]) -> Condition:
    return Condition(
        f"({' and '.join(condition.sql for condition in conditions)})",
        {name: value for condition in conditions for name, value in condition.params.items()},
    )
