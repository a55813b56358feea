"""WAS and CHANGED: a comparison with the history as SQL, from the parts that `history` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serve.query.jql.errors import JqlError
from serve.query.jql.fields import Column, FieldType, JqlField, system_field
from serve.query.jql.history import Story, Window, empty_periods, periods, told
from serve.query.jql.moments import INSTANT, naive, span_of
from serve.query.jql.passes import Relation
from serve.query.jql.syntax import (
    Comparison,
    Operand,
    Operator,
    Predicate,
    PredicateName,
    Sequence,
)
from serve.query.visibility import of_listed_issues, visible_issues

if TYPE_CHECKING:
    from serve.query.jql.compiler import Compiler, Wanted

_NEGATIVE = frozenset({Operator.WAS_NOT, Operator.WAS_NOT_IN})


def compile_past(compiler: Compiler, one: Comparison, named: JqlField, *, negated: bool) -> str:
    """Return SQL of a comparison with the history. JqlError for predicates it cannot have.

    All predicates hold for one and the same period or change; the opposite is the complement.
    """
    past = named.history
    assert past is not None  # noqa: S101 - a field without one allows no such operator
    story = Story(
        of_listed_issues(compiler.rights, "changes"),
        of_listed_issues(compiler.rights, "actions")
        if any(predicate.name is PredicateName.BY for predicate in one.predicates)
        else None,
        visible_issues(compiler.rights),
        ", ".join(compiler.bind(field_id) for field_id in past.field_ids),
        past.shape,
    )
    if one.operator is Operator.CHANGED:
        conditions = [
            *_changes(compiler, one, named, story),
            *_within(compiler, one, "held.changed_at >= {start}", "held.changed_at < {end}"),
            *_by(compiler, one),
        ]
        found = _found(compiler, told(story), conditions)
    else:
        found = _was(compiler, one, named, story)
    return f"not ({found})" if negated != (one.operator in _NEGATIVE) else found


def _was(compiler: Compiler, one: Comparison, named: JqlField, story: Story) -> str:
    for predicate in one.predicates:
        if predicate.name in {PredicateName.FROM, PredicateName.TO}:
            raise JqlError(
                f"{predicate.name.value.upper()} narrows only CHANGED.",
                "Use CHANGED, or AFTER, BEFORE, ON, DURING and BY.",
                predicate.span,
            )
    assert one.operand is not None  # noqa: S101 - only CHANGED has none
    wanted = compiler.resolved(one.operand, named, one.operator, is_past=True)
    if not one.predicates and not (wanted.has_empty and story.shape == "members"):
        # at any time: it is so now, or a change tells of it; which is much cheaper to ask
        told_of = [_is_any(compiler, story, f"held.{side}_item", wanted) for side in ("old", "new")]
        now = compiler.now(named, Operator.IN, wanted)
        return f"({now}) or {_found(compiler, told(story), [' or '.join(told_of)])}"
    held = _held(compiler, named)
    # a period [since, until) has a time in common with [start, end)
    narrowed = [
        *_within(
            compiler,
            one,
            "coalesce(held.until > {start}, true)",
            "coalesce(held.since < {end}, true)",
        ),
        *_by(compiler, one),
    ]
    parts = []
    if wanted.among or wanted.literals:
        is_one = _is_one(compiler, "held.item", wanted)
        parts.append(_found(compiler, periods(story, held), [is_one, *narrowed]))
    if wanted.has_empty:
        conditions = ["held.item is null", *narrowed]
        parts.append(_found(compiler, empty_periods(story, held), conditions))
    return " or ".join(f"({part})" for part in parts)


def _found(compiler: Compiler, relation: str, conditions: list[str]) -> str:
    where = " and ".join(f"({condition})" for condition in conditions) or "true"
    return compiler.passes.holds(Relation(f"{relation} as held"), where)


def _changes(compiler: Compiler, one: Comparison, named: JqlField, story: Story) -> list[str]:
    """Return the conditions of FROM and TO."""
    conditions = []
    for predicate in one.predicates:
        if predicate.name not in {PredicateName.FROM, PredicateName.TO}:
            continue
        if Operator.WAS not in named.operators:
            raise JqlError(
                f"The values that '{named.name}' had cannot be compared.",
                f"Leave {predicate.name.value.upper()} out.",
                predicate.span,
            )
        item = "held.old_item" if predicate.name is PredicateName.FROM else "held.new_item"
        wanted = compiler.resolved(predicate.operand, named, Operator.IN, is_past=True)
        conditions.append(_is_any(compiler, story, item, wanted))
    return conditions


def _is_any(compiler: Compiler, story: Story, item: str, wanted: Wanted) -> str:
    parts = [f"{item} is null"] if wanted.has_empty else []
    if wanted.among or wanted.literals:
        if story.has_lists:
            parts.append(compiler.any_item(item, "held.site_id", wanted))
        else:
            parts.append(_is_one(compiler, item, wanted))
    return f"({' or '.join(parts)})"


def _is_one(compiler: Compiler, item: str, wanted: Wanted) -> str:
    """Return SQL of whether an item, an id or a word, is one of the wanted values."""
    parts = [compiler.any_of(item, "held.site_id", wanted.among)] if wanted.among else []
    if words := compiler.words(wanted):
        parts.append(f"{item} in (select unnest({compiler.bind(words)}::varchar[]))")
    return f"({' or '.join(parts)})"


def _by(compiler: Compiler, one: Comparison) -> list[str]:
    """Return the conditions of BY; BY EMPTY means what nobody is told to have done."""
    person = system_field("reporter")
    assert person is not None  # noqa: S101 - an entry of the registry
    conditions = []
    for predicate in one.predicates:
        if predicate.name is PredicateName.BY:
            wanted = compiler.resolved(predicate.operand, person, Operator.IN)
            parts = ["held.author is null"] if wanted.has_empty else []
            if wanted.among:
                parts.append(compiler.any_of("held.author", "held.site_id", wanted.among))
            conditions.append(" or ".join(parts))
    return conditions


def _within(compiler: Compiler, one: Comparison, after: str, before: str) -> list[str]:
    """Return the conditions of the time that all predicates of time have in common."""
    window = Window()
    for predicate in one.predicates:
        window = window.within(_window(compiler, one.operator, predicate))
    conditions = []
    if window.start is not None:
        conditions.append(after.format(start=compiler.bind(naive(window.start))))
    if window.end is not None:
        conditions.append(before.format(end=compiler.bind(naive(window.end))))
    return conditions


def _window(compiler: Compiler, operator: Operator, predicate: Predicate) -> Window:
    """Return the time that a predicate speaks of; times are as precise as they are written.

    Nothing changes in an instant: CHANGED ON startOfDay() or -1d means the day that holds it.
    """
    match predicate.name:
        case PredicateName.BEFORE:
            return Window(end=span_of(predicate.operand, compiler.clock)[0])
        case PredicateName.AFTER:
            return Window(start=span_of(predicate.operand, compiler.clock)[1])
        case PredicateName.ON:
            start, end = span_of(predicate.operand, compiler.clock)
            if operator is Operator.CHANGED and end - start <= INSTANT:
                start, end = compiler.clock.day_bounds(compiler.clock.day(start))
            return Window(start, end)
        case PredicateName.DURING:
            first, last = _pair(predicate.operand)
            return Window(
                span_of(first, compiler.clock)[0],
                span_of(last, compiler.clock)[1],
            )
        case _:
            return Window()


def _pair(operand: Operand) -> tuple[Operand, Operand]:
    match operand:
        case Sequence((first, last)):
            return first, last
    raise JqlError(
        "DURING needs two times.", 'Write DURING ("2026-01-01", "2026-01-31").', operand.span
    )


def _held(compiler: Compiler, named: JqlField) -> str:
    """Return a query of (site_id, issue_id, item): what a field holds now, an item a row."""
    cell = "text" if named.type is FieldType.WORD else "id"
    parts = []
    for source in named.sources:
        if isinstance(source, Column):
            column = compiler.column(source)
            parts.append(
                f"select issues.site_id, issues.issue_id, {column} as item "
                f"from {visible_issues(compiler.rights)} as issues where {column} is not null"
            )
            continue
        rows, cells = compiler.rows(source)
        item = f"lower({cells[cell]})" if cell == "text" else cells[cell]
        parts.append(f"select held.site_id, held.issue_id, {item} as item from {rows.sql}")
    return " union all ".join(parts)
