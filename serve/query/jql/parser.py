"""JQL text -> syntax tree, in time that grows with the length of the text.

The grammar is `jql.lark`; what it does not say stands here: reserved words, escapes, limits, and
errors in words for people.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError
from lark.tree import Meta

from serve.query.jql.errors import JqlError
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
    Operator,
    Or,
    Predicate,
    PredicateName,
    Query,
    Sequence,
    Sorting,
    Span,
)

MAX_LENGTH = 10_000
MAX_DEPTH = 50
MAX_SORTINGS = 7
"""Jira's own limit of ORDER BY."""

# The words that Jira reserves for SQL and for itself; as a field or value they must be quoted.
_RESERVED_WORDS = """
a an abort access add after alias all alter and any are as asc at audit avg be before
begin between boolean break but by byte catch cf changed char character check checkpoint
collate collation column commit connect continue count create current date decimal declare
decrement default defaults define delete delimiter desc difference distinct divide do
double drop during else empty encoding end equals escape exclusive exec execute exists
explain false fetch field file first float for from function go goto grant greater group
having identified if immediate in increment index initial inner inout input insert int
integer intersect intersection into is isempty isnull it join last left less like limit
lock long max min minus mode modify modulo more multiply next no noaudit not notin nowait
null number object of on option or order outer output power previous prior privileges
public raise raw remainder rename resource return returns revoke right row rowid rownum
rows select session set share size sqrt start strict string subtract such sum synonym
table that the their then there these they this to trans transaction trigger true uid
union unique update user validate values view was when whenever where while will with
"""
RESERVED = frozenset(_RESERVED_WORDS.split())

# Words that Jira reserves too, but which the field `deleted` is compared with.
_TRUTH = frozenset({"true", "false"})

_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_UNESCAPABLE = re.compile("[\ud800-\udfff\x00]")
_NESTING = re.compile(
    r"""
    (?P<skip>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<open>\() | (?P<close>\))
    | (?P<not>!(?![=~])|(?<![\w.\-:\\])not(?![\w.\-:\\]))
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_SPECIAL = frozenset("{}*/%+^$#@?;[]&|")
_BLANK = re.compile(r"\s*")


def parse(text: str) -> Query:
    """Read a query. Raises JqlError: too long, too deep, or not JQL (with the place)."""
    if len(text) > MAX_LENGTH:
        _fail(
            f"The query has {len(text):,} characters; at most {MAX_LENGTH:,} are read.",
            "Shorten it, or save parts of it as filters of their own.",
            MAX_LENGTH,
            len(text),
        )
    _check_nesting(text)
    try:
        tree = _PARSER.parse(text)
        query: Query = _Builder(text).transform(tree)
    except UnexpectedInput as error:
        raise _explained(text, error) from None
    except VisitError as error:
        if isinstance(error.orig_exc, JqlError):
            raise error.orig_exc from None
        raise
    return query


def tokens_of(text: str) -> tuple[list[Token], frozenset[str]]:
    """Return the tokens of the beginning of a query, and the kinds that may follow.

    JqlError for what no query begins with.
    """
    _check_nesting(text)
    state = _PARSER.parse_interactive(text)
    try:
        tokens = list(state.exhaust_lexer())
    except UnexpectedInput as error:
        raise _explained(text, error) from None
    follows: set[str] = state.accepts()  # type: ignore[no-untyped-call]  # lark leaves it untyped
    return tokens, frozenset(follows)


def unescape(text: str, start: int) -> str:
    """Replace the escapes of a word or text that stands at `start`. JqlError for a half escape."""

    def replaced(match: re.Match[str]) -> str:
        kind = match[1]
        if len(kind) > 1:
            return chr(int(kind[1:], 16))
        if kind in "uU":
            _fail(
                f"{match[0]} is not followed by four hexadecimal digits.",
                "Write a character as \\u0041, or a backslash itself as \\\\.",
                start + match.start(),
                start + match.end(),
            )
        return _ESCAPED.get(kind, kind)

    plain = _ESCAPE.sub(replaced, text)
    # two escapes may be the halves of one character, as in JSON
    plain = plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if _UNESCAPABLE.search(plain):
        _fail(
            "The character U+0000 cannot be searched for.",
            "Leave it out.",
            start,
            start + len(text),
        )
    return plain


def _check_nesting(text: str) -> None:
    depth = negations = 0
    last = 0
    for match in _NESTING.finditer(text):
        # a run of NOT nests as brackets do; anything between two of them ends the run
        if match["not"]:
            is_run = _BLANK.fullmatch(text, last, match.start()) is not None
            negations = negations + 1 if is_run else 1
            last = match.end()
        elif match["open"]:
            depth += 1
        elif match["close"]:
            depth -= 1
        if depth + negations > MAX_DEPTH:
            _fail(
                f"Brackets and NOT are nested deeper than {MAX_DEPTH}.",
                "Take away brackets that change nothing, or use IN with a list.",
                match.start(),
                match.end(),
            )


def _fail(reason: str, remedy: str, start: int, end: int) -> NoReturn:
    raise JqlError(reason, remedy, Span(start, end))


@v_args(meta=True)
class _Builder(Transformer[Token, Query]):
    """Tree of the grammar -> nodes of `syntax`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    @v_args()
    def start(self, parts: list[object]) -> Query:
        where: Clause | None = None
        order_by: tuple[Sorting, ...] = ()
        for part in parts:
            if isinstance(part, tuple):
                order_by = part
            elif isinstance(part, Comparison | Not | And | Or):
                where = part
        return Query(where, order_by)

    def disjunction(self, meta: Meta, clauses: list[Clause]) -> Clause:
        return Or(tuple(clauses), _span(meta))

    def conjunction(self, meta: Meta, clauses: list[Clause]) -> Clause:
        return And(tuple(clauses), _span(meta))

    def negated(self, meta: Meta, clauses: list[Clause]) -> Clause:
        return Not(clauses[0], _span(meta))

    def compared(self, meta: Meta, parts: list[object]) -> Comparison:
        named, operator, operand = parts
        return _compared(meta, Operator(str(operator)), [named, operand])

    def is_in(self, meta: Meta, parts: list[object]) -> Comparison:
        return _compared(meta, Operator.IN, parts)

    def is_not_in(self, meta: Meta, parts: list[object]) -> Comparison:
        return _compared(meta, Operator.NOT_IN, parts)

    def is_(self, meta: Meta, parts: list[object]) -> Comparison:
        return _compared(meta, Operator.IS, parts)

    def is_not(self, meta: Meta, parts: list[object]) -> Comparison:
        return _compared(meta, Operator.IS_NOT, parts)

    def was(self, meta: Meta, parts: list[object]) -> Comparison:
        return _compared(meta, Operator.WAS, parts)

    def was_not(self, meta: Meta, parts: list[object]) -> Comparison:
        return _compared(meta, Operator.WAS_NOT, parts)

    def was_in(self, meta: Meta, parts: list[object]) -> Comparison:
        return _compared(meta, Operator.WAS_IN, parts)

    def was_not_in(self, meta: Meta, parts: list[object]) -> Comparison:
        return _compared(meta, Operator.WAS_NOT_IN, parts)

    def changed(self, meta: Meta, parts: list[object]) -> Comparison:
        return _compared(meta, Operator.CHANGED, [parts[0], None, *parts[1:]])

    def field(self, meta: Meta, parts: list[object]) -> Field:
        path = str(parts[1]) if len(parts) > 1 else None
        if isinstance(parts[0], Literal):
            return Field(parts[0].text, None, path, _span(meta))
        digits = "".join(filter(str.isdigit, str(parts[0])))
        return Field(f"cf[{int(digits)}]", int(digits), path, _span(meta))

    @v_args()
    def property(self, parts: list[Token]) -> str:
        return str(parts[0])

    @v_args()
    def name(self, parts: list[Token]) -> Literal:
        return self._literal(parts[0])

    def value(self, meta: Meta, parts: list[Token]) -> Operand:
        if parts[0].type == "EMPTY":
            return Empty(_span(meta))
        if parts[0].lower() in _TRUTH:
            return Literal(str(parts[0]).lower(), _span(meta))
        return self._literal(parts[0])

    def function(self, meta: Meta, parts: list[Literal | Empty | None]) -> Function:
        name, *arguments = [part for part in parts if part is not None]
        name = cast("Literal", name)
        # EMPTY is a word like any other among arguments
        texts = tuple(
            one if isinstance(one, Literal) else Literal("EMPTY", one.span) for one in arguments
        )
        return Function(name.text, texts, _span(meta))

    def bracketed(self, meta: Meta, parts: list[Operand]) -> Sequence:
        return Sequence(tuple(parts), _span(meta))

    def predicate(self, meta: Meta, parts: list[object]) -> Predicate:
        name, operand = parts
        return Predicate(PredicateName(str(name).lower()), cast("Operand", operand), _span(meta))

    def sorting(self, meta: Meta, parts: list[object]) -> Sorting:
        named, direction = cast("tuple[Field, Token | None]", tuple(parts))
        is_descending = None if direction is None else str(direction).lower() == "desc"
        return Sorting(named, is_descending, _span(meta))

    @v_args()
    def order_by(self, parts: list[Sorting]) -> tuple[Sorting, ...]:
        if len(parts) > MAX_SORTINGS:
            _fail(
                f"ORDER BY names {len(parts)} fields; Jira reads at most {MAX_SORTINGS}.",
                "Leave out those that decide nothing any more.",
                parts[MAX_SORTINGS].span.start,
                parts[-1].span.end,
            )
        return tuple(parts)

    def _literal(self, token: Token) -> Literal:
        start, end = token.start_pos or 0, token.end_pos or 0
        if token.type == "QUOTED":
            return Literal(unescape(token[1:-1], start + 1), Span(start, end))
        if token.lower() in RESERVED:
            _fail(
                f"{token} is a reserved word of JQL.",
                f'Put it in quotes if it is a name or a value: "{token}".',
                start,
                end,
            )
        return Literal(unescape(str(token), start), Span(start, end))


def _compared(meta: Meta, operator: Operator, parts: list[object]) -> Comparison:
    named, operand, *predicates = parts
    return Comparison(
        cast("Field", named),
        operator,
        cast("Operand | None", operand),
        cast("tuple[Predicate, ...]", tuple(predicates)),
        _span(meta),
    )


def _span(meta: Meta) -> Span:
    return Span(meta.start_pos, meta.end_pos)


_WANTED = {
    "WORD": "a name or value",
    "QUOTED": "a name or value",
    "EMPTY": "a name or value",
    "CUSTOM_FIELD": "a name or value",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "EQUALITY": "an operator (=, !=, ~, <, IN, IS, WAS, CHANGED, …)",
    "_AND": "AND",
    "_OR": "OR",
    "_ORDER": "ORDER BY",
    "_BY": "BY",
    "_IN": "IN",
    "PREDICATE": "AFTER, BEFORE, DURING, ON, BY, FROM or TO",
    "DIRECTION": "ASC or DESC",
    "$END": "the end",
}


def _explained(text: str, error: UnexpectedInput) -> JqlError:
    """Say in words what stands where it cannot stand."""
    start, found, expected = len(text), "", set[str]()
    if isinstance(error, UnexpectedToken):
        expected = error.accepts or expected
        if error.token.type != "$END":
            start, found = error.token.start_pos or 0, str(error.token)
    elif isinstance(error, UnexpectedCharacters):
        expected = error.allowed or expected
        start = cast("int", error.pos_in_stream)  # declared None by lark, always set here
        found = text[start]
    wanted = list(dict.fromkeys(words for kind, words in _WANTED.items() if kind in expected))
    wishes = " or ".join([", ".join(wanted[:-1]), wanted[-1]] if len(wanted) > 1 else wanted)
    remedy = f"Here {wishes} can follow." if wishes else "Take it away."
    span = Span(start, max(start + len(found), start))
    if not found:
        return JqlError("The query ends too early.", remedy, span)
    if found in "\"'":
        return JqlError(
            "A text begins with a quote that is never closed.",
            f"Close it with {found}, and write a quote inside the text as \\{found}.",
            Span(start, len(text)),
        )
    if found == "\\":
        return JqlError("A backslash stands alone.", "Write a backslash in a value as \\\\.", span)
    if found in _SPECIAL:
        return JqlError(
            f"{found} is a reserved character of JQL.",
            "Put the whole value in quotes.",
            span,
        )
    if found.lower() in RESERVED:
        return JqlError(
            f"{found} is a reserved word of JQL and cannot stand here.",
            f'Put it in quotes if it is a name or a value: "{found}". {remedy}',
            span,
        )
    return JqlError(
        f"{found[:80]} cannot stand here.",
        f"{remedy} A name or value that holds blanks must be in quotes.",
        span,
    )


_PARSER = Lark(
    Path(__file__).with_name("jql.lark").read_text(encoding="utf-8"),
    parser="lalr",
    propagate_positions=True,
    maybe_placeholders=True,
)
