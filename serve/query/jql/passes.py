"""What hangs on issues, read once for all that a query asks of it.

A query asks whether an issue holds something that meets a test: a label, a comment with a word, a
change, a time of a value. Each relation is read in one pass that answers all such tests, whatever
their number, with a row for every issue that meets one of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows (site_id, issue_id, ...) as a FROM clause that names them `held`.

    `is_searched`: its tests share what the relation computes for each row, which is dear. They are
    then asked in its columns: rows that were left out first would be computed for each test.
    """

    sql: str
    is_searched: bool = False


MOST_SEARCHES = 10
"""Searches in one pass: a query is not interrupted before all are asked of some 2,000 texts."""


@dataclass
class Passes:
    """The passes that a query needs so far."""

    _passes: list[tuple[Relation, list[str]]] = field(default_factory=list)
    _columns: dict[tuple[Relation, str], str] = field(default_factory=dict)

    def holds(self, relation: Relation, test: str) -> str:
        """Return SQL, of the relation `issues`, of whether a row of an issue meets `test`."""
        if (relation, test) not in self._columns:
            number = self._place(relation)
            tests = self._passes[number][1]
            self._columns[relation, test] = f"pass_{number}.test_{len(tests)}"
            tests.append(test)
        return f"coalesce({self._columns[relation, test]}, false)"

    def _place(self, relation: Relation) -> int:
        """Return the number of a pass that has room for one more test."""
        for number, (read, tests) in enumerate(self._passes):
            if read == relation and not (read.is_searched and len(tests) >= MOST_SEARCHES):
                return number
        self._passes.append((relation, []))
        return len(self._passes) - 1

    def joins(self) -> str:
        """Return the joins with `issues` that what `holds` returned needs."""
        return " ".join(
            f"left join ({_passed(relation, tests)}) as pass_{number} "
            f"on pass_{number}.site_id = issues.site_id "
            f"and pass_{number}.issue_id = issues.issue_id"
            for number, (relation, tests) in enumerate(self._passes)
        )


def _passed(relation: Relation, tests: list[str]) -> str:
    names = [f"test_{number}" for number in range(len(tests))]
    asked = ", ".join(f"({test}) as {name}" for name, test in zip(names, tests, strict=True))
    met = ", ".join(f"bool_or({name}) as {name}" for name in names)
    rows = f"select held.site_id, held.issue_id, {asked} from {relation.sql}"
    any_met = " or ".join(names)
    grouped = "group by site_id, issue_id"
    if relation.is_searched and len(tests) > 1:
        every = f"select site_id, issue_id, {met} from ({rows}) {grouped}"
        return f"select * from ({every}) where {any_met}"
    return f"select site_id, issue_id, {met} from ({rows}) where {any_met} {grouped}"
