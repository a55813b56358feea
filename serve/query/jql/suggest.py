"""What may follow at a place in a query: fields, operators, values, functions, keywords.

The grammar says what kind of thing may stand there; the registries and the vocabularies say which.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal as OneOf

from lark import Token

from serve.query.jql.compiler import FUNCTION_NAMES, Compiler, gives_of
from serve.query.jql.errors import JqlError
from serve.query.jql.fields import FieldType, JqlField, Values, system_field
from serve.query.jql.functions import ALL_FUNCTIONS
from serve.query.jql.moments import TIME_FUNCTIONS
from serve.query.jql.names import VALUES, WORDS, Kind, Vocabulary
from serve.query.jql.parser import tokens_of, unescape
from serve.query.jql.printer import quoted
from serve.query.jql.syntax import Field, Operator, Span
from serve.query.lookups import unaccented

SuggestionKind = OneOf["field", "operator", "value", "function", "keyword"]

MOST = 50


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something that may stand at the place: what to write, and what to show."""

    kind: SuggestionKind
    text: str
    label: str
    detail: str | None = None
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Suggestions:
    """At most `MOST` suggestions for the part of the text that was begun at `span`."""

    span: Span
    items: tuple[Suggestion, ...]
    has_more: bool


_TEXT = re.compile(r"""(?P<whole>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<open>["'])""", re.DOTALL)
_BEGUN = re.compile(r"""[^\s"'()=~<>!,&|]*\Z""")

_KEYWORDS = {"_AND": "AND", "_OR": "OR", "_ORDER": "ORDER BY", "_BY": "BY", "_NOT": "NOT"}
_OPERATOR_TOKENS = frozenset({"EQUALITY", "ORDERING", "MATCH", "_IN", "_IS", "_WAS", "_CHANGED"})
_FIELD_TOKENS = frozenset({"WORD", "QUOTED", "CUSTOM_FIELD"})
_PREDICATES = {
    "from": frozenset({"_CHANGED"}),
    "to": frozenset({"_CHANGED"}),
    **dict.fromkeys(
        ("after", "before", "during", "on", "by"), frozenset({"_CHANGED", "_WAS", "_IN", "_NOT"})
    ),
}


def suggest(text: str, position: int, compiler: Compiler) -> Suggestions:
    """Return what may stand at `position` of `text`, fitting what was begun there.

    JqlError if what stands before is no beginning of a query.
    """
    before = text[:position]
    start = _start_of_begun(before)
    begun = before[start:]
    tokens, follows = tokens_of(before[:start])
    place = _Place(tokens, follows, compiler)
    wanted = _plain(begun)
    fitting = _fitting(place.suggestions(), wanted)
    return Suggestions(Span(start, position), tuple(fitting[:MOST]), len(fitting) > MOST)


def _start_of_begun(before: str) -> int:
    """Return where the word or the quoted text begins that ends, unfinished, with `before`."""
    start = 0
    for match in _TEXT.finditer(before):
        if match["open"]:
            return match.start()
        start = match.end()
    begun = _BEGUN.search(before, start)
    return begun.start() if begun else len(before)


def _plain(begun: str) -> str:
    quote = begun[:1] if begun[:1] in {"'", '"'} else ""
    try:
        plain = unescape(begun.removeprefix(quote), 0)
    except JqlError:  # an escape that is not finished yet
        plain = begun.removeprefix(quote)
    return unaccented(plain).strip()


def _fitting(suggestions: Iterable[Suggestion], wanted: str) -> list[Suggestion]:
    """Return those with a word that begins as wanted: what is in use first, then by name."""
    found: dict[tuple[str, str], tuple[tuple[bool, bool, str], Suggestion]] = {}
    for one in suggestions:
        label = unaccented(one.label)
        starts = label.startswith(wanted) or unaccented(one.text).startswith(wanted)
        is_named = one.kind in {"field", "value"} and (
            f" {wanted}" in label or (one.detail and wanted in unaccented(one.detail))
        )
        if starts or is_named:
            place = (one.is_gone, not starts, label)
            found.setdefault((one.kind, one.text), (place, one))
    return [one for _, one in sorted(found.values(), key=lambda pair: pair[0])]


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in a query: the tokens before it, and the kinds of tokens that may follow."""

    tokens: Sequence[Token]
    follows: frozenset[str]
    compiler: Compiler

    def suggestions(self) -> Iterator[Suggestion]:
        if "CUSTOM_FIELD" in self.follows:
            yield from self._fields()
        elif "EQUALITY" in self.follows:
            yield from self._operators()
        elif "WORD" in self.follows:
            yield from self._operands()
        if "PREDICATE" in self.follows:
            yield from self._predicates()
        if "DIRECTION" in self.follows:
            yield from (Suggestion("keyword", word, word) for word in ("ASC", "DESC"))
        if "_IN" in self.follows and "EQUALITY" not in self.follows:
            yield Suggestion("keyword", "IN", "IN")
        for kind, word in _KEYWORDS.items():
            if kind in self.follows and "EQUALITY" not in self.follows:
                yield Suggestion("keyword", word, word)

    def _fields(self) -> Iterator[Suggestion]:
        for field in self.compiler.field_names().things:
            if field.label is not None:
                custom = field.id.removeprefix("customfield_")
                detail = None if custom == field.id else f"cf[{custom}]"
                yield Suggestion("field", quoted(field.label), field.label, detail, field.is_gone)

    def _operators(self) -> Iterator[Suggestion]:
        field = self._field(len(self.tokens))
        if field is not None:
            for operator in Operator:
                if operator in field.operators:
                    word = operator.value.upper()
                    yield Suggestion("operator", word, word)

    def _predicates(self) -> Iterator[Suggestion]:
        operator = next(
            (one.type for one in reversed(self.tokens) if one.type in _OPERATOR_TOKENS), ""
        )
        for word, after in _PREDICATES.items():
            if operator in after:
                yield Suggestion("keyword", word.upper(), word.upper())

    def _operands(self) -> Iterator[Suggestion]:
        function = self._open_function()
        if function is not None:
            yield from self._things(_ARGUMENTS.get(function.lower()))
            return
        place = next(
            index
            for index in reversed(range(len(self.tokens)))
            if self.tokens[index].type in _OPERATOR_TOKENS | {"PREDICATE"}
        )
        operator = self.tokens[place]
        field = self._field(place)
        if operator.type == "PREDICATE" and operator.lower() not in {"from", "to"}:
            field = system_field("reporter" if operator.lower() == "by" else "created")
        if field is None:
            return
        if operator.type != "_IS":
            yield from self._values(field)
            yield from self._functions(field)
        is_moment = operator.type == "PREDICATE" and field.name == "created"
        if Operator.IS in field.operators and not is_moment:
            yield Suggestion("keyword", "EMPTY", "EMPTY")

    def _open_function(self) -> str | None:
        """Return the name of the function between whose brackets the place is."""
        depth = 0
        for index in reversed(range(len(self.tokens))):
            kind = self.tokens[index].type
            depth += (kind == "RPAR") - (kind == "LPAR")
            if depth < 0:
                name = self.tokens[index - 1]
                return str(name) if index and name.type in {"WORD", "QUOTED"} else None
        return None

    def _field(self, place: int) -> JqlField | None:
        """Return the field of the comparison that the token at `place` belongs to."""
        while place and self.tokens[place - 1].type in {"PREDICATE", "PROPERTY"}:
            place -= 1
        operators = [index for index in range(place + 1) if self._is_operator(index)]
        end = operators[-1] if operators and place < len(self.tokens) else place
        for index in reversed(range(end)):
            token = self.tokens[index]
            if token.type in _FIELD_TOKENS:
                return self._named(token)
        return None

    def _is_operator(self, index: int) -> bool:
        return index < len(self.tokens) and self.tokens[index].type in _OPERATOR_TOKENS

    def _named(self, token: Token) -> JqlField | None:
        digits = "".join(filter(str.isdigit, token)) if token.type == "CUSTOM_FIELD" else ""
        text = token[1:-1] if token.type == "QUOTED" else str(token)
        try:
            return self.compiler.field(Field(unescape(text, 0), int(digits) if digits else None))
        except JqlError:
            return None

    def _values(self, field: JqlField) -> Iterator[Suggestion]:
        if field.type is FieldType.FLAG:
            yield from (Suggestion("value", word, word) for word in ("true", "false"))
            return
        field_ids = tuple(
            field_id
            for source in field.sources
            if isinstance(source, Values)
            for field_id in source.field_ids
        )
        if field.kind is not None:
            yield from self._things(field.kind)
        elif field.type is FieldType.WORD:
            yield from self._named_things(self.compiler.names.vocabulary(Kind(WORDS, field_ids)))
        elif field.type is FieldType.CHOICE:
            yield from self._named_things(self.compiler.names.vocabulary(Kind(VALUES, field_ids)))

    def _things(self, kind: str | None) -> Iterator[Suggestion]:
        if kind is not None:
            yield from self._named_things(self.compiler.vocabulary(kind), by_id=kind == "user")

    @staticmethod
    def _named_things(vocabulary: Vocabulary, *, by_id: bool = False) -> Iterator[Suggestion]:
        """Suggest things by name, or by id where several people have the name."""
        for thing in vocabulary.things:
            if thing.label is None:
                continue
            is_alone = not by_id or len(vocabulary.find(thing.label)) == 1
            detail = ", ".join(thing.others) or None
            yield Suggestion(
                "value",
                quoted(thing.label if is_alone else thing.id),
                thing.label,
                detail,
                thing.is_gone,
            )

    @staticmethod
    def _functions(field: JqlField) -> Iterator[Suggestion]:
        gives = gives_of(field)
        for function in ALL_FUNCTIONS:
            if function.gives in gives:
                yield Suggestion("function", f"{function.name}()", function.name)
        if field.type in {FieldType.TIME, FieldType.DATE, FieldType.DAY_OF_TIME}:
            for name in FUNCTION_NAMES.things:
                if name.id.lower() in TIME_FUNCTIONS:
                    yield Suggestion("function", f"{name.id}()", name.id)


# What the arguments of functions name.
_ARGUMENTS = {
    "membersof": "group",
    "updatedby": "user",
    **dict.fromkeys(("projectsleadbyuser", "spacesleadbyuser"), "user"),
    **dict.fromkeys(("projectswhereuserhasrole", "spaceswhereuserhasrole"), "role"),
    "organizationmembers": "organization",
    **dict.fromkeys(
        (
            "releasedversions",
            "unreleasedversions",
            "latestreleasedversion",
            "earliestunreleasedversion",
        ),
        "project",
    ),
}
