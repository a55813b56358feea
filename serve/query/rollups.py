"""Counting actions: whole months and days from the rollups, the rest of the time from the facts.

A rollup answers for an actor, a month or a day, and an action code, and for nothing else. A filter
that asks for more is answered from the facts alone; both ways give the same numbers. What an issue
decides about, whether it may be listed, has a rollup of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from typing import Any

from serve.query.columns import MEMBERSHIPS
from serve.query.scope import (
    DAY,
    Condition,
    Scope,
    compile_codes,
    compile_people,
    compile_where,
    naive,
)
from serve.query.spec import Interval
from serve.query.visibility import (
    Purpose,
    Rights,
    Rollup,
    days_of_issues,
    is_decided_by_issues,
    unlisted_of_issues,
    visible_actions,
    visible_rollup,
)

# What a rollup can tell apart. Whatever else a scope comes to hold is a matter of the facts.
_ALWAYS = {"interval", "description", "membership", "days"}
_TOLD_APART = {*_ALWAYS, "users", *MEMBERSHIPS, "action_codes"}

_TIME_COLUMNS: dict[Rollup, str] = {
    "months": "occurred_month",
    "days": "occurred_date",
    "issue_days": "occurred_date",
}


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation as SQL, with the parameters that it binds."""

    sql: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of an interval, half-open, and the rollup that knows it; None: only the facts do."""

    rollup: Rollup | None
    start: date
    end: date


def counted_actions(
    scope: Scope, rights: Rights, purpose: Purpose, *, by_code: bool, who: str = "true"
) -> Relation:
    """Return the actions of `scope` as numbers to be added up, at least 1 each.

    Columns: actor_account_id (null: unknown), action_code if `by_code`, number. `who` is a
    predicate on `actions.actor_account_id`.
    """
    if not is_rolled_up(scope):
        where = compile_where(scope, rights, purpose)
        facts = visible_actions(rights, purpose, texts=False)
        sql = _rows(facts, "1", f"{where.sql} and {who}", by_code=by_code)
        return Relation(f"({sql})", where.params)
    codes = compile_codes(scope)
    people = [*compile_people(scope), Condition(who, {})]
    params: dict[str, Any] = {}
    parts = []
    for number, stretch in enumerate(_counted_stretches(scope, rights, purpose)):
        conditions = [_within(stretch, number), *people]
        for condition in (*conditions, *codes):
            params |= condition.params
        where_sql = _all_of(conditions)
        match stretch.rollup:
            case "days" | "months":
                maps = visible_rollup(rights, purpose, stretch.rollup)
                part = _maps(maps, where_sql, codes, by_code=by_code)
            case "issue_days":
                days = visible_rollup(rights, purpose, stretch.rollup)
                where_sql = _all_of([*conditions, *codes])
                part = _rows(days, "actions.action_count", where_sql, by_code=by_code)
            case None:
                facts = visible_actions(rights, purpose, texts=False)
                part = _rows(facts, "1", _all_of([*conditions, *codes]), by_code=by_code)
        parts.append(part)
    return Relation(f"({' union all '.join(parts)})", params)


def _all_of(conditions: list[Condition]) -> str:
    return " and ".join(condition.sql for condition in conditions)


def _counted_stretches(scope: Scope, rights: Rights, purpose: Purpose) -> Iterator[Stretch]:
    """Cut the interval of `scope`; what issues decide comes once more, for its whole days."""
    rolled_up = []
    for stretch in stretches(scope.interval.start, scope.interval.end):
        yield stretch
        if stretch.rollup is not None:
            rolled_up.append(stretch)
    if rolled_up and is_decided_by_issues(rights, purpose):
        yield Stretch("issue_days", rolled_up[0].start, rolled_up[-1].end)


def _within(stretch: Stretch, number: int) -> Condition:
    column = _TIME_COLUMNS[stretch.rollup] if stretch.rollup else "occurred_at"
    return Condition(
        f"actions.{column} >= $from_{number} and actions.{column} < $to_{number}",
        {f"from_{number}": stretch.start, f"to_{number}": stretch.end},
    )


def is_rolled_up(scope: Scope) -> bool:
    """Whether the rollups answer for whole days of `scope` what the facts would."""
    return not _is_of_then(scope) and not _asks_for_more_than(scope, _TOLD_APART)


def of_few_issues(scope: Scope) -> Condition | None:
    """Return the condition on issues if `scope` is all that was done to few of them, else None.

    So few that their own rollup is of use.
    """
    of_issues = scope.jql
    if of_issues is None or not of_issues.is_narrow:
        return None
    return None if _asks_for_more_than(scope, {*_ALWAYS, "jql"}) else of_issues


def _asks_for_more_than(scope: Scope, told: set[str]) -> bool:
    return any(getattr(scope, field.name) for field in fields(scope) if field.name not in told)


def listed_of_issues(of_issues: Condition, interval: Interval, rights: Rights) -> Relation:
    """Return the listed actions of an interval and `of_few_issues` as numbers to be added up.

    Columns: actor_account_id (null: unknown or not told), number, below 0 for what is counted with
    the rest but may not be listed. `rights` are those of somebody who may count everything.
    """
    params = dict(of_issues.params)
    parts = []
    whole = []
    for number, stretch in enumerate(stretches(interval.start, interval.end)):
        if stretch.rollup is not None:
            whole.append(stretch)
            continue
        during = _within(stretch, number)
        params |= during.params
        facts = visible_actions(rights, Purpose.LIST, texts=False)
        parts.append(_rows(facts, "1", _all_of([during, of_issues]), by_code=False))
    if whole:
        params |= {"first_day": whole[0].start, "next_day": whole[-1].end}
        days = "day >= $first_day and day < $next_day"
        parts.append(
            f"""
            select null, number
            from (
                select
                    unnest(map_keys(actions.day_counts)) as day,
                    unnest(map_values(actions.day_counts)) as number
                from {days_of_issues()} as actions
                where
                    actions.occurred_month >= date_trunc('month', $first_day::date)
                    and actions.occurred_month < $next_day and {of_issues.sql}
            )
            where {days}
            """
        )
        parts.append(
            f"""
            select null, -actions.action_count
            from (select *, occurred_date as day from {unlisted_of_issues(rights)}) as actions
            where {days} and {of_issues.sql}
            """
        )
    return Relation(f"({' union all '.join(parts)})", params)


def _is_of_then(scope: Scope) -> bool:
    return scope.membership == "then" and any(getattr(scope, name) for name in MEMBERSHIPS)


def stretches(start: datetime, end: datetime) -> Iterator[Stretch]:
    """Cut an interval (UTC) into whole months, whole days and what is left at its ends.

    At least one stretch; their times are naive. Rollups are asked for no part of a day.
    """
    start, end = naive(start), naive(end)
    if end - start < DAY:
        yield Stretch(None, start, end)
        return
    first_day, last_day = _next_midnight(start), datetime.combine(end, time.min)
    first_month = first_day
    while first_month.day != 1 and first_month < last_day:
        first_month += DAY
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
    return midnight if midnight == moment else midnight + DAY


def _rows(relation: str, number: str, where: str, *, by_code: bool) -> str:
    """Count in a relation that has a row for each action code."""
    return f"""
        select
            actions.actor_account_id{", actions.action_code" if by_code else ""}, {number} as number
        from {relation} as actions
        where {where}
    """


def _maps(relation: str, where: str, codes: list[Condition], *, by_code: bool) -> str:
    """Count in a relation that has a map of action codes to numbers."""
    if not codes and not by_code:
        return _rows(relation, "actions.action_count", where, by_code=False)
    # Spread first: looking a code up in every map costs more, already for two codes.
    spread = f"""
        (
            select
                actions.actor_account_id,
                unnest(map_keys(actions.code_counts)) as action_code,
                unnest(map_values(actions.code_counts)) as number
            from {relation} as actions
            where {where}
        )
    """
    return _rows(spread, "actions.number", _all_of(codes) or "true", by_code=by_code)
