"""Counting actions: whole months and days from the rollups, the rest of the time from the facts.

A rollup answers for an actor, a month or a day, and an action code, and for nothing else. A filter
that asks for more is answered from the facts alone; both ways give the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Any

from serve.query.columns import MEMBERSHIPS
from serve.query.scope import Condition, Scope, compile_codes, compile_people, compile_where, naive
from serve.query.visibility import (
    Purpose,
    Rights,
    RolledUp,
    Rollup,
    visible_actions,
    visible_rollup,
)

# What a rollup can tell apart. Whatever else a scope comes to hold is a matter of the facts.
_TOLD_APART = {"interval", "description", "users", *MEMBERSHIPS, "membership", "action_codes"}

_DAY = timedelta(days=1)
_TIME_COLUMNS: dict[Rollup, str] = {"months": "occurred_month", "days": "occurred_date"}


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation as SQL, with the parameters that it binds."""

    sql: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of an interval, half-open, and the rollup that knows it; None: only the facts do.

    Of the facts only those count that meet the predicate `rule`.
    """

    rollup: Rollup | None
    start: date
    end: date
    rule: str = "true"


def counted_actions(
    scope: Scope, rights: Rights, purpose: Purpose, *, by_code: bool, who: str = "true"
) -> Relation:
    """Return the actions of `scope` as numbers to be added up, at least 1 each.

    Columns: actor_account_id (null: unknown), action_code if `by_code`, number. `who` is a
    predicate on `actions.actor_account_id`.
    """
    if not is_rolled_up(scope):
        where = compile_where(scope, rights, purpose)
        sql = _facts(rights, purpose, f"{where.sql} and {who}", by_code=by_code)
        return Relation(f"({sql})", where.params)
    codes = compile_codes(scope)
    people = [*compile_people(scope), Condition(who, {})]
    params: dict[str, Any] = {}
    parts = []
    for number, stretch in enumerate(_counted_stretches(scope, rights, purpose)):
        within = _within(stretch, number)
        conditions = [within, *people, *(() if stretch.rollup else codes)]
        where_sql = " and ".join(condition.sql for condition in conditions)
        for condition in (*conditions, *codes):
            params |= condition.params
        if stretch.rollup is None:
            parts.append(_facts(rights, purpose, where_sql, by_code=by_code))
        else:
            rolled_up = visible_rollup(rights, purpose, stretch.rollup)
            parts.append(_rolled_up(rolled_up, where_sql, codes, by_code=by_code))
    return Relation(f"({' union all '.join(parts)})", params)


def _counted_stretches(scope: Scope, rights: Rights, purpose: Purpose) -> Iterator[Stretch]:
    """Cut the interval of `scope`; what its rollups leave out comes once more, from the facts."""
    rolled_up = []
    for stretch in stretches(scope.interval.start, scope.interval.end):
        yield stretch
        if stretch.rollup is not None:
            rolled_up.append(stretch)
    if rolled_up:
        for rule in visible_rollup(rights, purpose, "days").besides:
            yield Stretch(None, rolled_up[0].start, rolled_up[-1].end, rule)


def _within(stretch: Stretch, number: int) -> Condition:
    column = _TIME_COLUMNS[stretch.rollup] if stretch.rollup else "occurred_at"
    return Condition(
        f"actions.{column} >= $from_{number} and actions.{column} < $to_{number} "
        f"and {stretch.rule}",
        {f"from_{number}": stretch.start, f"to_{number}": stretch.end},
    )


def is_rolled_up(scope: Scope) -> bool:
    """Whether the rollups answer for whole days of `scope` what the facts would."""
    return not _is_of_then(scope) and not any(
        getattr(scope, field.name) for field in fields(scope) if field.name not in _TOLD_APART
    )


def _is_of_then(scope: Scope) -> bool:
    return scope.membership == "then" and any(getattr(scope, name) for name in MEMBERSHIPS)


def stretches(start: datetime, end: datetime) -> Iterator[Stretch]:
    """Cut an interval (UTC) into whole months, whole days and what is left at its ends.

    At least one stretch; their times are naive. Rollups are asked for no part of a day.
    """
    start, end = naive(start), naive(end)
    if end - start < _DAY:
        yield Stretch(None, start, end)
        return
    first_day, last_day = _next_midnight(start), datetime.combine(end, time.min)
    first_month = first_day
    while first_month.day != 1 and first_month < last_day:
        first_month += _DAY
    last_month = max(first_month, last_day.replace(day=1))
    parts: tuple[tuple[Rollup | None, datetime, datetime], ...] = (
        (None, start, first_day),
        ("days", first_day, first_month),
        ("months", first_month, last_month),
        ("days", last_month, last_day),
        (None, last_day, end),
    )
    for rollup, begin, until in parts:
        if begin < until:
            yield (
                Stretch(rollup, begin.date(), until.date())
                if rollup
                else Stretch(None, begin, until)
            )


def _next_midnight(moment: datetime) -> datetime:
    midnight = datetime.combine(moment, time.min)
    return midnight if midnight == moment else midnight + _DAY


def _facts(rights: Rights, purpose: Purpose, where: str, *, by_code: bool) -> str:
    return f"""
        select actions.actor_account_id{", actions.action_code" if by_code else ""}, 1 as number
        from {visible_actions(rights, purpose, texts=False)} as actions
        where {where}
    """


def _rolled_up(rolled_up: RolledUp, where: str, codes: list[Condition], *, by_code: bool) -> str:
    kept = [condition.sql for condition in codes]
    kept += [f"actions.action_code != '{code}'" for code in rolled_up.other_codes]
    if not kept and not by_code:
        return f"""
            select actions.actor_account_id, actions.action_count as number
            from {rolled_up.relation} as actions
            where {where}
        """
    # Spread first: looking a code up in every map costs more, already for two codes.
    return f"""
        select actions.actor_account_id{", actions.action_code" if by_code else ""}, actions.number
        from (
            select
                actions.actor_account_id,
                unnest(map_keys(actions.code_counts)) as action_code,
                unnest(map_values(actions.code_counts)) as number
            from {rolled_up.relation} as actions
            where {where}
        ) as actions
        where {" and ".join(kept) or "true"}
    """
