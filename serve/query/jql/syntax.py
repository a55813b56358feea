"""The syntax tree of JQL. Nodes are immutable and equal when they mean the same text.

`span` is the place in the text, [start, end) in characters; it does not take part in equality.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Span:
    """A place in the text: characters from `start` up to, not including, `end`."""

    start: int = 0
    end: int = 0


NOWHERE = Span()


class Operator(StrEnum):
    """What stands between a field and its operand, as it is printed."""

    EQUALS = "="
    NOT_EQUALS = "!="
    CONTAINS = "~"
    NOT_CONTAINS = "!~"
    LESS = "<"
    LESS_EQUALS = "<="
    GREATER = ">"
    GREATER_EQUALS = ">="
    IN = "in"
    NOT_IN = "not in"
    IS = "is"
    IS_NOT = "is not"
    WAS = "was"
    WAS_NOT = "was not"
    WAS_IN = "was in"
    WAS_NOT_IN = "was not in"
    CHANGED = "changed"


HISTORY_OPERATORS = frozenset(
    {
        Operator.WAS,
        Operator.WAS_NOT,
        Operator.WAS_IN,
        Operator.WAS_NOT_IN,
        Operator.CHANGED,
    }
)
LIST_OPERATORS = frozenset({Operator.IN, Operator.NOT_IN, Operator.WAS_IN, Operator.WAS_NOT_IN})


class PredicateName(StrEnum):
    """What narrows a history operator."""

    AFTER = "after"
    BEFORE = "before"
    DURING = "during"
    ON = "on"
    BY = "by"
    FROM = "from"
    TO = "to"


@dataclass(frozen=True, slots=True)
class Field:
    """A field as it was named: by name, or `cf[custom_id]`; `property_path` as in Jira's text."""

    name: str
    custom_id: int | None = None
    property_path: str | None = None
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Literal:
    """A word or a quoted text, unescaped."""

    text: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Empty:
    """EMPTY, which NULL is another word for."""

    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Function:
    """A call; the arguments are texts."""

    name: str
    arguments: tuple[Literal, ...] = ()
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list in brackets; it may hold functions that give several values, and lists."""

    items: tuple[Operand, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


Operand = Literal | Empty | Function | Sequence


@dataclass(frozen=True, slots=True)
class Predicate:
    """One narrowing of a history operator."""

    name: PredicateName
    operand: Operand
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field, an operator, and what it is compared with (nothing for CHANGED)."""

    field: Field
    operator: Operator
    operand: Operand | None
    predicates: tuple[Predicate, ...] = ()
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a clause."""

    clause: Clause
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of at least two clauses."""

    clauses: tuple[Clause, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """Any of at least two clauses."""

    clauses: tuple[Clause, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


Clause = Comparison | Not | And | Or


@dataclass(frozen=True, slots=True)
class Sorting:
    """One key of ORDER BY. `is_descending` None: the field's own default."""

    field: Field
    is_descending: bool | None = None
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query. Without a clause it means every issue."""

    where: Clause | None = None
    order_by: tuple[Sorting, ...] = ()


def comparisons(clause: Clause | None) -> Iterator[Comparison]:
    """Yield the comparisons of a clause, in the order of the text."""
    match clause:
        case And(clauses) | Or(clauses):
            for one in clauses:
                yield from comparisons(one)
        case Not(negated):
            yield from comparisons(negated)
        case Comparison():
            yield clause


def functions(operand: Operand | None) -> Iterator[Function]:
    """Yield the calls in an operand, in the order of the text."""
    match operand:
        case Function():
            yield operand
        case Sequence(items):
            for item in items:
                yield from functions(item)


def names(query: Query) -> tuple[list[str], list[str]]:
    """Return the fields and the functions that a query names, each once, in order."""
    fields = [one.field.name for one in comparisons(query.where)]
    fields += [key.field.name for key in query.order_by]
    calls = [
        call.name
        for one in comparisons(query.where)
        for operand in (one.operand, *(predicate.operand for predicate in one.predicates))
        for call in functions(operand)
    ]
    return list(dict.fromkeys(fields)), list(dict.fromkeys(calls))
