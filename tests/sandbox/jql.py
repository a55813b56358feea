"""The part of JQL that a bounded search of the product may send, parsed for real.

`clause AND clause … ORDER BY field [ASC|DESC], …` with clauses on `updated`/`created`
(`>= > <= < =`), `project` and `id`/`issue`/`key`/`issuekey` (`= in`), `project is not EMPTY`.
Dates have minute granularity and are read in the API user's time zone. Everything else is the 400
that Jira would give for an unknown field, or a syntax error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from tests.sandbox.clock import MINUTE, to_ms
from tests.sandbox.search_index import IndexEntry
from tests.sandbox.world import World

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<operator>>=|<=|!=|=|>|<|\(|\)|,)
      | (?P<word>[^\s"'=<>!(),]+)
    )""",
    re.VERBOSE,
)
_MOMENTS = ("%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y-%m-%d")
_ISSUE_FIELDS = frozenset({"id", "issue", "key", "issuekey"})
_ORDER_LIMIT = 7

SortKey = tuple[int, ...]


class JqlError(Exception):
    """A query that Jira answers with 400; the text is the error message of the body."""


class Query(Struct, frozen=True):
    """A parsed query: a test of index entries, and their order (always total: the id is last)."""

    text: str
    matches: Callable[[IndexEntry], bool]
    sort_key: Callable[[IndexEntry], SortKey]


def parse(text: str, world: World) -> Query:
    """Parse JQL for the world's API user. JqlError when Jira would refuse it."""
    return _Parser(text, world).query()


class _Parser:
    def __init__(self, text: str, world: World) -> None:
        self._text = text
        self._world = world
        self._zone = ZoneInfo(world.people[world.me].time_zone)
        self._tokens = self._lex(text)
        self._position = 0

    @staticmethod
    def _lex(text: str) -> list[tuple[str, str]]:
        tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise JqlError(f"Error in the JQL Query: unexpected character at {position + 1}.")
            kind = match.lastgroup or ""
            value = match[kind]
            if kind == "string":
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            tokens.append((kind, value))
            position = match.end()
        return tokens

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._position] if self._position < len(self._tokens) else ("end", "")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._position += 1
        return token

    def _take_word(self, *words: str) -> bool:
        kind, value = self._peek()
        if kind == "word" and value.lower() in words:
            self._position += 1
            return True
        return False

    def _value(self) -> str:
        kind, value = self._take()
        if kind not in ("string", "word"):
            raise JqlError(f"Error in the JQL Query: expecting a value but got '{value}'.")
        return value

    def _list(self) -> list[str]:
        if self._take() != ("operator", "("):
            raise JqlError("Error in the JQL Query: expecting '(' after 'in'.")
        values = [self._value()]
        while (token := self._take()) == ("operator", ","):
            values.append(self._value())
        if token != ("operator", ")"):
            raise JqlError(f"Error in the JQL Query: expecting ',' or ')' but got '{token[1]}'.")
        return values

    def query(self) -> Query:
        tests: list[Callable[[IndexEntry], bool]] = []
        if self._peek()[0] != "end" and not self._take_word("order"):
            tests.append(self._clause())
            while self._take_word("and"):
                tests.append(self._clause())
            has_order = self._take_word("order")
        else:
            has_order = self._position > 0
        sort_key = self._order() if has_order else _by_id_descending
        if self._peek()[0] != "end":
            raise JqlError(f"Error in the JQL Query: unexpected '{self._peek()[1]}'.")
        if not tests:
            raise JqlError(
                "Unbounded JQL queries are not allowed here. Please add a search restriction to "
                "your query."
            )
        return Query(self._text, lambda entry: all(test(entry) for test in tests), sort_key)

    def _clause(self) -> Callable[[IndexEntry], bool]:
        name = self._value().lower()
        kind, operator = self._take()
        operator = operator.lower()
        if name in ("updated", "updateddate", "created", "createddate") and kind == "operator":
            return self._moment(name[:7], operator, self._value())
        if name == "project":
            if operator == "is" and self._take_word("not") and self._take_word("empty"):
                return lambda _: True
            if operator in ("=", "in"):
                values = self._list() if operator == "in" else [self._value()]
                projects = {self._project(value) for value in values}
                return lambda entry: entry.project in projects
        if name in _ISSUE_FIELDS and operator in ("=", "in"):
            values = self._list() if operator == "in" else [self._value()]
            issues = {self._issue(value) for value in values}
            return lambda entry: entry.issue in issues
        if name in {"updated", "created", "project"} | _ISSUE_FIELDS:
            raise JqlError(f"The operator '{operator}' is not supported by the '{name}' field.")
        raise JqlError(f"Field '{name}' does not exist or you do not have permission to view it.")

    def _moment(self, name: str, operator: str, text: str) -> Callable[[IndexEntry], bool]:
        moment = None
        for form in _MOMENTS:
            try:
                moment = datetime.strptime(text, form).replace(tzinfo=self._zone)
            except ValueError:
                continue
            break
        if moment is None:
            raise JqlError(
                f"Date value '{text}' for field '{name}' is invalid. Valid formats include: "
                "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period "
                "format e.g. '-5d', '4w 2d'."
            )
        bound = to_ms(moment)

        def value(entry: IndexEntry) -> int:
            return entry.updated if name == "updated" else entry.created

        match operator:
            case ">=":
                return lambda entry: value(entry) >= bound
            case ">":
                return lambda entry: value(entry) > bound
            case "<=":
                return lambda entry: value(entry) <= bound
            case "<":
                return lambda entry: value(entry) < bound
            case "=":
                return lambda entry: value(entry) // MINUTE == bound // MINUTE
            case _:
                raise JqlError(f"The operator '{operator}' is not supported by the '{name}' field.")

    def _project(self, text: str) -> str:
        for project in self._world.projects.values():
            if text.lower() in (project.id, project.key.lower(), project.name.lower()):
                if project.is_hidden:
                    break
                return project.id
        raise JqlError(f"The value '{text}' does not exist for the field 'project'.")

    def _issue(self, text: str) -> int:
        issue = self._world.find(text)
        if issue is None:
            raise JqlError(
                f"An issue with key '{text}' does not exist or you do not have permission to view "
                "it."
            )
        return issue.id

    def _order(self) -> Callable[[IndexEntry], SortKey]:
        if not self._take_word("by"):
            raise JqlError("Error in the JQL Query: expecting 'by' after 'order'.")
        parts = [self._sort_part()]
        while self._peek() == ("operator", ","):
            self._take()
            parts.append(self._sort_part())
        if len(parts) > _ORDER_LIMIT:
            raise JqlError("The maximum number of order by fields is 7.")
        return lambda entry: (*(number for part in parts for number in part(entry)), entry.issue)

    def _sort_part(self) -> Callable[[IndexEntry], SortKey]:
        name = self._value().lower()
        sign = -1 if self._take_word("desc") else 1
        if sign == 1:
            self._take_word("asc")
        if name in ("updated", "updateddate"):
            return lambda entry: (sign * entry.updated,)
        if name in ("created", "createddate"):
            return lambda entry: (sign * entry.created,)
        keys = sorted(project.key for project in self._world.projects.values())
        rank = {p.id: keys.index(p.key) for p in self._world.projects.values()}
        if name == "project":
            return lambda entry: (sign * rank[entry.project],)
        if name == "id":
            return lambda entry: (sign * entry.issue,)
        if name in _ISSUE_FIELDS:
            return lambda entry: (sign * rank[entry.project], sign * entry.number)
        raise JqlError(f"Field '{name}' does not exist or you do not have permission to view it.")


def _by_id_descending(entry: IndexEntry) -> SortKey:
    return (-entry.issue,)
