"""Random JQL trees from a seed: what the grammar can say, hostile names and values included."""

from __future__ import annotations

import random

from serve.query.jql.syntax import (
    HISTORY_OPERATORS,
    LIST_OPERATORS,
    And,
    Clause,
    Comparison,
    Empty,
    Field,
    Function,
    Literal,
    Not,
    Operand,
    Operator,
    Or,
    Predicate,
    PredicateName,
    Query,
    Sequence,
    Sorting,
)

_TEXTS = (
    "Done",
    "In Progress",
    "order",
    "NOT",
    "empty",
    "",
    " ",
    'say "no"',
    "it's",
    "back\\slash",
    "\\",
    "a/b*c",
    "-1w",
    "2026/01/31 10:00",
    "10.5",
    "user@example.com",
    "line\nbreak\ttab\r",
    "Ünïcödé 中文 👩‍👩‍👧 \u202e",
    "\u0007 bell \ufeff",
    "(x, y) or [z]",
    "); drop table issues; --",
    "cf[10020]",
    "null",
)
_NAMES = ("status", "project", "assignee", "Story Points", "from", "Größe", "issue.x", "naïve-1")
_MORE_OPERATORS = tuple(set(Operator) - LIST_OPERATORS - {Operator.CHANGED})


class Trees:
    """A stream of random trees; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def query(self) -> Query:
        """Return a whole query."""
        where = self._clause(self._random.randint(0, 5)) if self._random.random() < 0.95 else None
        keys = range(self._random.choice((0, 0, 0, 1, 2, 7)))
        directions = (None, True, False)
        return Query(
            where,
            tuple(Sorting(self._field(), self._random.choice(directions)) for _ in keys),
        )

    def _clause(self, depth: int) -> Clause:
        kind = self._random.random() if depth else 1
        if kind < 0.25:
            return And(self._clauses(depth))
        if kind < 0.5:
            return Or(self._clauses(depth))
        if kind < 0.65:
            return Not(self._clause(depth - 1))
        return self._comparison()

    def _clauses(self, depth: int) -> tuple[Clause, ...]:
        return tuple(self._clause(depth - 1) for _ in range(self._random.randint(2, 4)))

    def _comparison(self) -> Comparison:
        kind = self._random.random()
        if kind < 0.2:
            return Comparison(self._field(), Operator.CHANGED, None, self._predicates())
        if kind < 0.5:
            operator = self._random.choice(sorted(LIST_OPERATORS))
            operand: Operand = self._function() if kind < 0.25 else self._sequence(2)
        else:
            operator = self._random.choice(sorted(_MORE_OPERATORS))
            operand = self._operand(1)
        predicates = self._predicates() if operator in HISTORY_OPERATORS else ()
        return Comparison(self._field(), operator, operand, predicates)

    def _predicates(self) -> tuple[Predicate, ...]:
        return tuple(
            Predicate(self._random.choice(list(PredicateName)), self._operand(1))
            for _ in range(self._random.choice((0, 0, 1, 2, 3)))
        )

    def _operand(self, depth: int) -> Operand:
        kind = self._random.random()
        if kind < 0.15 and depth:
            return self._sequence(depth)
        if kind < 0.3:
            return self._function()
        return Empty() if kind < 0.4 else self._literal()

    def _sequence(self, depth: int) -> Sequence:
        items = range(self._random.randint(1, 4))
        return Sequence(tuple(self._operand(depth - 1) for _ in items))

    def _function(self) -> Function:
        names = ("currentUser", "membersOf", "startOfDay", "order", "my function")
        arguments = range(self._random.choice((0, 1, 2)))
        return Function(self._random.choice(names), tuple(self._literal() for _ in arguments))

    def _literal(self) -> Literal:
        return Literal(self._random.choice(_TEXTS))

    def _field(self) -> Field:
        kind = self._random.random()
        if kind < 0.1:
            number = self._random.randint(0, 10**12)
            return Field(f"cf[{number}]", number)
        if kind < 0.15:
            return Field("issue.property", None, '["a.key"].path.to')
        return Field(self._random.choice(_NAMES))
