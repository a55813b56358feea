"""Syntax tree -> JQL text that reads as the same tree."""

from __future__ import annotations

import re

from serve.query.jql.parser import RESERVED
from serve.query.jql.syntax import (
    And,
    Clause,
    Comparison,
    Empty,
    Field,
    Function,
    Literal,
    Not,
    Operand,
    Or,
    Query,
    Sequence,
)

_PLAIN = re.compile(r"[\w.\-:]+")
_SPECIAL = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def render(query: Query) -> str:
    """Write a query; `parser.parse` of the result is equal to it."""
    parts = [] if query.where is None else [_clause(query.where)]
    if query.order_by:
        directions = {None: "", True: " DESC", False: " ASC"}
        keys = (f"{_field(key.field)}{directions[key.is_descending]}" for key in query.order_by)
        parts.append("ORDER BY " + ", ".join(keys))
    return " ".join(parts)


def _clause(clause: Clause) -> str:
    match clause:
        case Or(clauses):
            return " OR ".join(
                f"({_clause(one)})" if isinstance(one, Or) else _clause(one) for one in clauses
            )
        case And(clauses):
            return " AND ".join(_within(one, Or, And) for one in clauses)
        case Not(negated):
            return f"NOT {_within(negated, Or, And)}"
        case Comparison():
            return _comparison(clause)


def _within(clause: Clause, *bracketed: type) -> str:
    text = _clause(clause)
    return f"({text})" if isinstance(clause, bracketed) else text


def _comparison(clause: Comparison) -> str:
    parts = [_field(clause.field), clause.operator.value.upper()]
    if clause.operand is not None:
        parts.append(_operand(clause.operand))
    for predicate in clause.predicates:
        parts += [predicate.name.value.upper(), _operand(predicate.operand)]
    return " ".join(parts)


def _field(field: Field) -> str:
    name = quoted(field.name) if field.custom_id is None else f"cf[{field.custom_id}]"
    if field.property_path is None:
        return name
    return f"{name}{field.property_path}"


def _operand(operand: Operand) -> str:
    match operand:
        case Literal(text):
            return quoted(text)
        case Empty():
            return "EMPTY"
        case Function(name, arguments):
            return f"{quoted(name)}({', '.join(quoted(one.text) for one in arguments)})"
        case Sequence(items):
            return f"({', '.join(_operand(item) for item in items)})"


def quoted(text: str) -> str:
    """Write a name or value so that it reads as itself, in quotes only where it needs them."""
    if _PLAIN.fullmatch(text) and text.lower() not in RESERVED:
        return text
    escaped = "".join(
        _SPECIAL.get(letter, letter if letter.isprintable() else _escape(letter)) for letter in text
    )
    return f'"{escaped}"'


def _escape(letter: str) -> str:
    units = letter.encode("utf-16-be").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
