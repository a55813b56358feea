"""Syntax tree -> one SQL condition on the issues that a viewer may list.

NOT is pushed to the comparisons, as Jira does it: `NOT a = b` is `a != b`, and no comparison but
IS EMPTY matches an issue whose field is empty. Values are always bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NoReturn

from serve.query.jql.errors import JqlError
from serve.query.jql.fields import (
    MATCHING,
    ORDERING,
    SPRINT_TYPE,
    SYSTEM_FIELDS,
    Column,
    FieldType,
    Hanging,
    JqlField,
    Source,
    Values,
    compared_as,
    custom_field,
    system_field,
    without_suffix,
)
from serve.query.jql.functions import (
    ALL_FUNCTIONS,
    FUNCTIONS,
    LINKED,
    REFUSED_FUNCTIONS,
    Among,
    Question,
    links_reading,
    no_such_value,
)
from serve.query.jql.moments import CALENDAR_NAMES, TIME_FUNCTIONS, Clock, moment_of, naive
from serve.query.jql.names import (
    CATEGORIES,
    FORMER_VALUES,
    LINK_TYPES,
    VALUES,
    Kind,
    Names,
    Thing,
    Vocabulary,
    compile_beyond,
    fold,
)
from serve.query.jql.parser import unescape
from serve.query.jql.passes import Passes, Relation
from serve.query.jql.past import compile_past
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
    PredicateName,
    Query,
    Span,
    comparisons,
)
from serve.query.jql.syntax import (
    Sequence as List,
)
from serve.query.jql.text import composed, spellings, wanted_of
from serve.query.jql.values import number_of, seconds_of
from serve.query.visibility import Rights, of_listed_issues, visible_issues

MAX_COMPARISONS = 200
"""Comparisons in one query; lists of IN count once."""

MAX_HISTORY = 40
"""Comparisons of one query that read the history."""

_INLINE = 50
"""Ids that are written as a list; more are a relation of their own."""

_NEGATED = {
    Operator.EQUALS: Operator.NOT_EQUALS,
    Operator.CONTAINS: Operator.NOT_CONTAINS,
    Operator.LESS: Operator.GREATER_EQUALS,
    Operator.LESS_EQUALS: Operator.GREATER,
    Operator.IN: Operator.NOT_IN,
    Operator.IS: Operator.IS_NOT,
    Operator.WAS: Operator.WAS_NOT,
    Operator.WAS_IN: Operator.WAS_NOT_IN,
}
NEGATED = _NEGATED | {negated: operator for operator, negated in _NEGATED.items()}
_NEGATIVE = frozenset({Operator.NOT_EQUALS, Operator.NOT_IN, Operator.NOT_CONTAINS})
_OF_ONE_THING = frozenset({Operator.EQUALS, Operator.IN, Operator.CONTAINS}) | ORDERING


@dataclass(frozen=True, slots=True)
class Selection:
    """A statement whose rows (site_id, issue_id) are the issues that a query finds, each once."""

    sql: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The values that an operand means: any of `among` and `literals`, or none at all."""

    among: tuple[Among, ...]
    literals: tuple[Literal | Function, ...]
    has_empty: bool
    span: Span


Test = Callable[[str, str], str]
"""SQL of a value, and of its site -> SQL of the condition on it."""

# Which cell of a value the values of a type are compared by.
_CELLS = {
    FieldType.CHOICE: "id",
    FieldType.ORDERED: "id",
    FieldType.PERSON: "id",
    FieldType.ISSUE: "id",
    FieldType.WORD: "text",
    FieldType.TEXT: "text",
    FieldType.NUMBER: "number",
    FieldType.DURATION: "number",
    FieldType.TIME: "at",
    FieldType.DATE: "at",
    FieldType.DAY_OF_TIME: "at",
    FieldType.FLAG: "id",
    FieldType.PRESENCE: "id",
}


def compile_query(query: Query, names: Names, rights: Rights, clock: Clock) -> Selection:
    """Return the statement of a query. JqlError with its place for what cannot be answered."""
    return Compiler(names, rights, clock).selection(query)


@dataclass
class Compiler:
    """The state of compiling one query: its parameters, its passes, and what its names mean."""

    names: Names
    rights: Rights
    clock: Clock
    params: dict[str, Any] = field(default_factory=dict)
    passes: Passes = field(default_factory=Passes)
    _bound: dict[tuple[type, Hashable], str] = field(default_factory=dict)
    _issues: dict[str, tuple[Thing, ...]] = field(default_factory=dict)
    _meant: dict[Kind, dict[str, tuple[Thing, ...]]] = field(default_factory=dict)

    def selection(self, query: Query) -> Selection:
        """Return the statement of a whole query."""
        self._check_size(query)
        # a list may have a thousand names: they are one question, not a thousand
        if keys := list(dict.fromkeys(self._keys(query))):
            self._ask_for_issues(keys)
        named: dict[Kind, dict[str, None]] = {}
        for kind, text in self._named_texts(query):
            named.setdefault(kind, {})[text] = None
        for kind, texts in named.items():
            self._ask_for_things(kind, list(texts))
        for key in query.order_by:
            if self._lookup(key.field) is None:
                self._no_field(key.field)
        issues = visible_issues(self.rights)
        conditions = ["true"]
        if query.where is not None:
            conditions = [self._clause(query.where, negated=False)]
        if not any(self.field(one.field).name == "deleted" for one in comparisons(query.where)):
            conditions.append("issues.deletion_state not in ('deleted', 'trashed')")
        sql = (
            "select issues.site_id, issues.issue_id "
            f"from {issues} as issues {self.passes.joins()} "
            f"where {' and '.join(f'({one})' for one in conditions)}"
        )
        # what a field has in several places may not be needed in all of them
        used = set(_PARAMETER.findall(sql))
        return Selection(sql, {name: self.params[name] for name in self.params if name in used})

    def bind(self, value: object) -> str:
        """Return the name of the parameter that holds `value`."""
        key = (type(value), tuple(value) if isinstance(value, list) else value)
        if key not in self._bound:
            name = f"jql_{len(self.params)}"
            self.params[name] = value
            self._bound[key] = f"${name}"
        return self._bound[key]

    def question(self, named: JqlField) -> Question:
        """Return what functions of a field need to know."""
        return Question(
            self.names,
            self.rights,
            self.clock,
            self.bind,
            self.issues,
            self.find,
            self.near,
            _field_ids(named),
        )

    def issues(self, one: Literal) -> tuple[Thing, ...]:
        """Return the issues that a key or an id stands for, as far as they may be listed.

        JqlError if there is none.
        """
        text = one.text.strip().upper()
        if text not in self._issues:
            self._ask_for_issues([text])
        if not self._issues[text]:
            raise JqlError(
                f"There is no issue {one.text[:80]} that you may see.", "Check the key.", one.span
            )
        return self._issues[text]

    def _ask_for_issues(self, texts: Sequence[str]) -> None:
        self._issues |= dict.fromkeys(texts, ()) | dict(self.names.issues(texts))

    def find(self, kind: Kind, text: str) -> tuple[Thing, ...]:
        """Return what a text stands for among the things of a kind; any number of them."""
        text = text.strip()
        if text not in self._meant.get(kind, ()):
            self._ask_for_things(kind, [text])
        return self._meant[kind][text]

    def near(self, kind: Kind, text: str) -> str | None:
        """Return the name of a thing in use that resembles `text` most; None if none does."""
        if kind.name in _WHOLE:
            return self.vocabulary(kind.name).near(text)
        return self.names.near(kind, text)

    def _ask_for_things(self, kind: Kind, texts: Sequence[str]) -> None:
        found: Mapping[str, tuple[Thing, ...]]
        if kind.name in _WHOLE:
            vocabulary = self.vocabulary(kind.name)
            found = {text: vocabulary.find(text) for text in texts}
        else:
            found = dict.fromkeys(texts, ()) | dict(self.names.find(kind, texts))
        self._meant.setdefault(kind, {}).update(found)

    def _named_texts(self, query: Query) -> Iterator[tuple[Kind, str]]:
        """Return the texts of a query that are names of things, with the kinds of these."""
        for one in comparisons(query.where):
            named = self._lookup(one.field)
            for predicate in one.predicates:
                if predicate.name is PredicateName.BY:
                    for atom in _atoms(predicate.operand):
                        if isinstance(atom, Literal):
                            yield _USER, atom.text.strip()
            kind = None if named is None else _kind_of(named)
            if named is None or kind is None or not self._is_named(named, one.operator):
                continue
            operands = [
                predicate.operand
                for predicate in one.predicates
                if predicate.name in {PredicateName.FROM, PredicateName.TO}
            ]
            for operand in operands if one.operand is None else [one.operand, *operands]:
                for atom in _atoms(operand):
                    if isinstance(atom, Literal):
                        yield kind, atom.text.strip()

    def _keys(self, query: Query) -> Iterator[str]:
        """Return the texts of a query that are keys or ids of issues, in upper case."""
        for one in comparisons(query.where):
            named = self._lookup(one.field)
            operands = [predicate.operand for predicate in one.predicates]
            for operand in operands if one.operand is None else [one.operand, *operands]:
                for atom in _atoms(operand):
                    if isinstance(atom, Literal):
                        if named is not None and named.type is FieldType.ISSUE:
                            yield atom.text.strip().upper()
                    elif isinstance(atom, Function) and atom.name.lower() in LINKED:
                        yield from (key.text.strip().upper() for key in atom.arguments[:1])

    # -- clauses -------------------------------------------------------------------------------

    def _check_size(self, query: Query) -> None:
        found = list(comparisons(query.where))
        past = [one for one in found if one.operator in HISTORY_OPERATORS]
        for kind, some, most in (
            ("comparisons", found, MAX_COMPARISONS),
            ("comparisons with the history", past, MAX_HISTORY),
        ):
            if len(some) > most:
                raise JqlError(
                    f"The query has {len(some)} {kind}; at most {most} are answered.",
                    "Use IN with a list for several values of one field.",
                    some[most].span,
                )

    def _clause(self, clause: Clause, *, negated: bool) -> str:
        match clause:
            case Not(inner):
                return self._clause(inner, negated=not negated)
            case And(clauses) | Or(clauses):
                word = "and" if isinstance(clause, And) != negated else "or"
                operator = Operator.EQUALS if isinstance(clause, Or) else Operator.NOT_EQUALS
                merged = self._as_lists(clauses, operator)
                together = self._of_one_thing(merged) if word == "and" and not negated else []
                parts = [
                    self._clause(one, negated=negated) for one in merged if one not in together
                ]
                if together:
                    parts.append(self._thing(together))
                return f" {word} ".join(f"({part})" for part in parts)
            case Comparison():
                return self._comparison(clause, negated=negated)

    def _as_lists(self, clauses: Sequence[Clause], operator: Operator) -> list[Clause]:
        """Return `a = x OR a = y` as `a IN (x, y)`, != with AND likewise: one search, not many."""
        listed = Operator.IN if operator is Operator.EQUALS else Operator.NOT_IN
        values: dict[Field, list[Operand]] = {}
        others: list[Clause] = []
        for one in clauses:
            if (
                isinstance(one, Comparison)
                and one.operator is operator
                and isinstance(one.operand, Literal)
                and self.field(one.field).operators >= {operator, listed}
            ):
                values.setdefault(one.field, []).append(one.operand)
            else:
                others.append(one)
        return others + [
            Comparison(named, operator, operands[0], span=named.span)
            if len(operands) == 1
            else Comparison(named, listed, List(tuple(operands)), span=named.span)
            for named, operands in values.items()
        ]

    def _of_one_thing(self, clauses: Sequence[Clause]) -> list[Comparison]:
        """Return the comparisons that must be met by one and the same thing of an issue, if any."""
        found = [
            one
            for one in clauses
            if isinstance(one, Comparison)
            and one.operator in _OF_ONE_THING
            and all(
                isinstance(source, Hanging) and source.is_one
                for source in self._sources(self.field(one.field))
            )
        ]
        return found if len(found) > 1 else []

    def _thing(self, together: Sequence[Comparison]) -> str:
        """Return SQL of whether one thing of an issue meets all of these comparisons."""
        conditions, relations = [], []
        for one in together:  # a worklog that meets a test has a value to be tested
            named, operator, wanted = self._wanted(one, negated=False)
            if wanted.has_empty:
                raise JqlError(
                    f"EMPTY says nothing of one and the same of several {named.name}.",
                    f"Take it out of the list, or put {named.name} IS EMPTY into brackets with OR.",
                    wanted.span,
                )
            (source,) = named.sources
            assert isinstance(source, Hanging)  # noqa: S101 - what has things has no columns
            relation, cells = self.rows(source)
            relations.append(relation)
            cell = cells[_CELLS[named.type]]
            test = self._test(named, operator, wanted)
            folded = f"lower({cell})" if named.type is FieldType.TEXT else cell
            conditions.append(f"({test(folded, 'held.site_id')})")
        return self.passes.holds(relations[0], " and ".join(conditions))

    def _comparison(self, one: Comparison, *, negated: bool) -> str:
        if one.operator in HISTORY_OPERATORS:
            named = self.field(one.field)
            if one.operator not in named.operators:
                self._not_allowed(one, named)
            return compile_past(self, one, named, negated=negated)
        return self.now(*self._wanted(one, negated=negated))

    def _wanted(self, one: Comparison, *, negated: bool) -> tuple[JqlField, Operator, Wanted]:
        """Return the field, the operator in effect and what it is compared with."""
        named = self.field(one.field)
        if one.operator not in named.operators:
            self._not_allowed(one, named)
        operator = NEGATED[one.operator] if negated else one.operator
        operand = one.operand
        assert operand is not None  # noqa: S101 - only CHANGED has none
        if operator in {Operator.IS, Operator.IS_NOT} and not isinstance(operand, Empty):
            raise JqlError(
                "IS and IS NOT are only followed by EMPTY or NULL.",
                f"Write {named.name} = …, or {named.name} IS EMPTY.",
                operand.span,
            )
        return named, operator, self.resolved(operand, named, one.operator)

    def now(self, named: JqlField, operator: Operator, wanted: Wanted) -> str:
        """Return SQL of how the values of now compare with the wanted ones."""
        parts = []
        if wanted.among or wanted.literals:
            test = self._test(named, operator, wanted)
            parts.append(self._compared(named, operator, test))
        if wanted.has_empty:
            is_there = f"({' or '.join(map(self._present, self._sources(named)))})"
            is_wanted = operator in _NEGATIVE | {Operator.IS_NOT}
            parts.append(is_there if is_wanted else f"not {is_there}")
        word = " and " if operator in _NEGATIVE else " or "
        return word.join(f"({part})" for part in parts)

    def _not_allowed(self, one: Comparison, named: JqlField) -> NoReturn:
        allowed = ", ".join(
            operator.value.upper() for operator in Operator if operator in named.operators
        )
        raise JqlError(
            f"The operator '{one.operator.value.upper()}' is not supported by the field "
            f"'{named.name}'.",
            f"It supports {allowed}.",
            one.span,
        )

    # -- fields --------------------------------------------------------------------------------

    def field(self, named: Field) -> JqlField:
        """Return the entry of a field. JqlError if there is none, or it cannot be answered."""
        found = self._lookup(named)
        if named.property_path is not None and found is not None and found.name == "issueLink":
            return self._links(found, named, named.property_path)
        if named.property_path is not None:
            raise JqlError(
                "Entity properties are not part of this log.",
                "Leave the clause out, or use a field.",
                named.span,
            )
        if found is None:
            self._no_field(named)
        if found.refusal is not None:
            raise JqlError(found.refusal.reason, found.refusal.remedy, named.span)
        return found

    def _links(self, linked: JqlField, named: Field, path: str) -> JqlField:
        """Return the field of the links that read as the text in brackets behind its name."""
        inner = path.strip("[] ")
        is_quoted = inner[:1] in {"'", '"'}
        phrase = unescape(inner[1:-1] if is_quoted else inner, named.span.start)
        texts = self.bind(links_reading(self.names, phrase, named.span))
        where = f"lower(held.direction_name) in (select unnest({texts}::varchar[]))"
        return replace(linked, sources=(Hanging("links", "linked_issue_id", where),))

    def _lookup(self, named: Field) -> JqlField | None:
        facts = self.names.custom_fields()
        if named.custom_id is not None:
            same = [one for one in facts if one.id == f"customfield_{named.custom_id}"]
            return custom_field(named.name, same) if same else None
        found = system_field(named.name)
        if found is not None:
            return found
        name = fold(named.name)
        if name == "sprint":
            same = [one for one in facts if one.custom_type == SPRINT_TYPE]
        else:
            same = [one for one in facts if name in (fold(one.name), one.id)]
        suffixed = without_suffix(named.name)
        if not same and suffixed is not None:
            same = [
                one
                for one in facts
                if fold(one.name) == fold(suffixed[0]) and compared_as(one) in suffixed[1]
            ]
        return custom_field(named.name, same) if same else None

    def _no_field(self, named: Field) -> NoReturn:
        near = self.field_names().near(named.name)
        raise JqlError(
            f"The field '{named.name[:80]}' does not exist.",
            f"Did you mean '{near}'?" if near else "POST /api/v1/jql/suggest lists the fields.",
            named.span,
        )

    def field_names(self) -> Vocabulary:
        """Return all fields that can be compared, by name."""
        system = [
            Thing(None, one.name, one.name, one.aliases)
            for one in SYSTEM_FIELDS
            if one.refusal is None
        ]
        custom = [Thing(one.site_id, one.id, one.name) for one in self.names.custom_fields()]
        return Vocabulary([*system, *custom])

    def _sources(self, named: JqlField) -> tuple[Source, ...]:
        if named.name not in {"text", "textfields"}:
            return named.sources
        texts = tuple(
            one.id for one in self.names.custom_fields() if compared_as(one) is FieldType.TEXT
        )
        comments = system_field("comment")
        assert comments is not None  # noqa: S101 - an entry of the registry
        written = (Column("issues.summary"), Values(("description", "environment", *texts)))
        return written if named.name == "textfields" else (*written, *comments.sources)

    # -- values of now -------------------------------------------------------------------------

    def rows(self, source: Values | Hanging) -> tuple[Relation, dict[str, str]]:
        """Return the relation of a source that hangs on issues, and its cells."""
        if isinstance(source, Values):
            ids = ", ".join(self.bind(field_id) for field_id in source.field_ids)
            relation = of_listed_issues(self.rights, "field_values")
            cells = {name: f"held.value_{name}" for name in ("id", "text", "number", "at")}
            return Relation(f"{relation} as held where held.field_id in ({ids})"), cells
        relation = of_listed_issues(self.rights, source.what)
        cells = dict.fromkeys(("id", "text", "number", "at"), f"held.{source.value}")
        where = f"{source.where} and held.{source.value} is not null"
        return Relation(f"{relation} as held where {where}"), cells

    def texts(self, sources: Sequence[Source]) -> Relation:
        """Return the relation of the texts of all sources, `folded` into small letters."""
        parts = []
        for source in sources:
            if isinstance(source, Column):
                text = self.column(source)
                rows = f"{visible_issues(self.rights)} as issues where {text} is not null"
                parts.append(f"select site_id, issue_id, lower({text}) as folded from {rows}")
            else:
                relation, cells = self.rows(source)
                text = f"lower({cells['text']}) as folded"
                parts.append(f"select held.site_id, held.issue_id, {text} from {relation.sql}")
        return Relation(f"({' union all '.join(parts)}) as held", is_searched=True)

    def column(self, source: Column) -> str:
        """Return SQL of the value of a column on the relation `issues`."""
        return source.sql.replace("{issues}", visible_issues(self.rights))

    def _present(self, source: Source) -> str:
        if isinstance(source, Column):
            return f"{self.column(source)} is not null"
        rows, _ = self.rows(source)
        return self.passes.holds(rows, "true")

    def _compared(self, named: JqlField, operator: Operator, test: Test) -> str:
        """Return SQL of whether a value of an issue meets `test`; of negative operators, none."""
        cell = _CELLS[named.type]
        sources = self._sources(named)
        met = []
        if named.type is FieldType.TEXT:
            met.append(self.passes.holds(self.texts(sources), test("held.folded", "held.site_id")))
        else:
            for source in sources:
                if isinstance(source, Column):
                    met.append(f"coalesce({test(self.column(source), 'issues.site_id')}, false)")
                    continue
                rows, cells = self.rows(source)
                met.append(self.passes.holds(rows, test(cells[cell], "held.site_id")))
        if operator in _NEGATIVE:
            has = " or ".join(map(self._present, sources))
            return f"({has}) and not ({' or '.join(met)})"
        return " or ".join(met)

    def _test(self, named: JqlField, operator: Operator, wanted: Wanted) -> Test:
        """Return the test of one value; of a negative operator that of its opposite."""
        positive = NEGATED[operator] if operator in _NEGATIVE else operator
        tests = [self._literal_test(named, positive, one) for one in wanted.literals]
        if wanted.among and positive in ORDERING:
            tests.append(self._ordered(named, positive, wanted))
        elif wanted.among and named.type is FieldType.WORD:
            # words have no ids but their own text
            tests.append(lambda cell, site: self.any_of(f"lower({cell})", site, wanted.among))
        elif wanted.among:
            tests.append(lambda cell, site: self.any_of(cell, site, wanted.among))
        return lambda cell, site: " or ".join(f"({test(cell, site)})" for test in tests)

    def _literal_test(self, named: JqlField, operator: Operator, one: Literal | Function) -> Test:
        comparing = operator.value if operator in ORDERING else "="
        if named.type in _OF_TIME:
            return self._time_test(named.type, comparing, one)
        if named.type is FieldType.ISSUE and operator in ORDERING:
            return self._key_test(named, comparing, one)
        if isinstance(one, Function):
            self._misplaced(one, named)
        if named.type is FieldType.ISSUE:
            # "-12" is the number of an issue, and no word that is not wanted
            has_words = self._text_test(replace(one, text=one.text.strip().removeprefix("-")))
            return lambda _, site: has_words("lower(issues.issue_key)", site)
        if named.type is FieldType.TEXT:
            return self._text_test(one)
        if named.type not in _WRITTEN:
            self._misplaced(one, named)
        value = self.bind(_WRITTEN[named.type](one))
        if named.type is FieldType.WORD:
            return lambda cell, _: f"lower({cell}) = {value}"
        return lambda cell, _: f"{cell} {comparing} {value}"

    def _text_test(self, one: Literal) -> Test:
        """Return the test of a text in small letters."""
        wanted = wanted_of(one)
        parts = [self.bind(part) for part in wanted.parts]
        found = [self.bind(pattern) for pattern in wanted.patterns]
        return lambda cell, _: _one_by_one(
            [f"contains({cell}, lower({part}))" for part in parts]
            + [f"regexp_matches({cell}, {pattern}, 'i')" for pattern in found]
        )

    def _time_test(self, kind: FieldType, comparing: str, one: Literal | Function) -> Test:
        moment = moment_of(one, self.clock)
        if kind is FieldType.DATE:
            day = datetime.combine(self.clock.day(moment), datetime.min.time())
            start, end = day, day + timedelta(days=1)
        elif kind is FieldType.DAY_OF_TIME:
            first, following = self.clock.day_bounds(self.clock.day(moment))
            start, end = naive(first), naive(following)
        elif comparing == "=":
            # Jira's index keeps times to the second
            start = naive(moment).replace(microsecond=0)
            end = start + timedelta(seconds=1)
        else:
            start = end = naive(moment)
        # a day is over when the next one begins; an instant has no length
        has_length = start < end
        low, high = self.bind(start), self.bind(end)
        match comparing:
            case "=":
                return lambda cell, _: f"{cell} >= {low} and {cell} < {high}"
            case "<":
                return lambda cell, _: f"{cell} < {low}"
            case ">=":
                return lambda cell, _: f"{cell} >= {low}"
            case "<=":
                sign = "<" if has_length else "<="
            case _:
                sign = ">=" if has_length else ">"
        return lambda cell, _: f"{cell} {sign} {high}"

    def _key_test(self, named: JqlField, comparing: str, one: Literal | Function) -> Test:
        """Compare keys within their project by number."""
        match = _KEY.fullmatch(one.text.strip()) if isinstance(one, Literal) else None
        if match is None or named.name != "issuekey":
            raise JqlError(
                f"Only the keys of issues have an order, not {_shown(one)}.",
                "Write a key such as DEMO-12.",
                one.span,
            )
        projects = self._found(
            Kind("project"),
            Literal(match[1], one.span),
            named.name,
            self.names.former_projects,
        )
        number = self.bind(int(match[2]))
        within = self.any_of("issues.project_id", "issues.site_id", (Among(tuple(projects)),))
        return lambda _, __: (
            f"({within}) and "
            "try_cast(regexp_extract(issues.issue_key, '[0-9]+$') as bigint) "
            f"{comparing} {number}"
        )

    def _ordered(self, named: JqlField, operator: Operator, wanted: Wanted) -> Test:
        """Compare by rank: versions within their project; the first priority is the highest."""
        if any(among.relation for among in wanted.among):
            raise JqlError(
                f"'{operator.value}' compares '{named.name}' with a value, not with a function.",
                "Name the value.",
                wanted.span,
            )
        assert named.kind is not None  # noqa: S101 - what has an order is of a kind
        limits = [thing for among in wanted.among for thing in among.things]
        among = Among(relation=compile_beyond(named.kind, operator, limits, self.bind))
        return lambda cell, site: self.any_of(cell, site, (among,))

    # -- what operands mean --------------------------------------------------------------------

    def resolved(
        self, operand: Operand, named: JqlField, operator: Operator, *, is_past: bool = False
    ) -> Wanted:
        """Resolve an operand. JqlError for what does not exist or cannot be compared so.

        `is_past`: it is compared with values that the field had.
        """
        if isinstance(operand, List) and operator not in LIST_OPERATORS:
            raise JqlError(
                f"'{operator.value.upper()}' compares with one value, not with a list.",
                "Use IN or NOT IN.",
                operand.span,
            )
        among: list[Among] = []
        literals: list[Literal | Function] = []
        things: dict[Thing, None] = {}
        has_empty = False
        for atom in _atoms(operand):
            if isinstance(atom, Empty) or self._is_unresolved(atom, named):
                has_empty = True
                if operator in ORDERING | MATCHING:
                    raise JqlError(
                        f"EMPTY has no place with '{operator.value}'.",
                        f"Write {named.name} IS EMPTY.",
                        atom.span,
                    )
            elif isinstance(atom, Function) and atom.name.lower() not in TIME_FUNCTIONS:
                found = self._call(atom, named, operator)
                if found.test is not None and is_past:
                    raise JqlError(
                        f"{atom.name}() does not read the history.",
                        "Name the option itself.",
                        atom.span,
                    )
                if found.is_nothing:
                    has_empty = True
                else:
                    among.append(found)
            elif isinstance(atom, Literal) and self._is_named(named, operator):
                things |= dict.fromkeys(self.things(atom, named))
            else:
                literals.append(atom)
        if things:
            among.append(Among(tuple(things)))
        return Wanted(tuple(among), tuple(literals), has_empty, operand.span)

    def _is_unresolved(self, atom: Operand, named: JqlField) -> bool:
        """Whether it is Jira's word for an empty resolution."""
        return (
            named.kind == "resolution"
            and isinstance(atom, Literal)
            and fold(atom.text) == "unresolved"
            and not self.find(Kind("resolution"), atom.text)
        )

    @staticmethod
    def _is_named(named: JqlField, operator: Operator) -> bool:
        """Whether literals are names of things, to be resolved to ids."""
        if named.type is FieldType.ISSUE:
            return operator not in ORDERING | MATCHING
        if named.type is FieldType.WORD:
            return named.kind is not None
        return named.type in _OF_THINGS

    def things(self, one: Literal, named: JqlField) -> Sequence[Thing]:
        """Return what a literal names in a field. JqlError if there is nothing of that name."""
        if named.type is FieldType.ISSUE:
            return self.issues(one)
        kind = _kind_of(named)
        assert kind is not None  # noqa: S101 - whoever asks has seen that its values have names
        former: Callable[[str], tuple[Thing, ...]] | None = None
        past = named.history
        if named.kind == "project":
            former = self.names.former_projects
        elif past is not None:
            values = Kind(FORMER_VALUES, past.field_ids)
            former = partial(self.find, values)
        return self._found(kind, one, named.name, former)

    def _found(
        self,
        kind: Kind,
        one: Literal,
        field_name: str,
        former: Callable[[str], tuple[Thing, ...]] | None,
    ) -> Sequence[Thing]:
        found = self.find(kind, one.text)
        if kind.name == "project":
            # a key hides the projects that are called so
            key = fold(one.text)
            found = tuple(thing for thing in found if key in map(fold, thing.others)) or found
        if not found and former is not None:
            found = former(one.text.strip())
        if not found:
            near = self.near(kind, one.text)
            remedy = "Check the spelling, or give its id."
            raise no_such_value(one, f"field '{field_name}'", near, remedy)
        return found

    def vocabulary(self, kind: str) -> Vocabulary:
        """Return all things of a kind: of one that editors show, or of few."""
        return STATUS_CATEGORIES if kind == "status_category" else self.names.vocabulary(Kind(kind))

    def _call(self, call: Function, named: JqlField, operator: Operator) -> Among:
        """Resolve a function. JqlError if it does not exist, or has no place here."""
        name = call.name.lower()
        refusal = REFUSED_FUNCTIONS.get(name)
        if refusal is not None:
            raise JqlError(refusal.reason, refusal.remedy, call.span)
        function = FUNCTIONS.get(name)
        if function is None:
            near = FUNCTION_NAMES.near(call.name)
            raise JqlError(
                f"The function '{call.name[:80]}' does not exist.",
                f"Did you mean '{near}()'?" if near else "Give the values themselves.",
                call.span,
            )
        if function.gives not in gives_of(named):
            self._misplaced(call, named)
        fewest, most = function.arguments
        if not fewest <= len(call.arguments) <= most:
            wants = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            raise JqlError(
                f"{function.name}() takes {wants} arguments, not {len(call.arguments)}.",
                "Add or remove some.",
                call.span,
            )
        if function.is_list and operator not in LIST_OPERATORS:
            raise JqlError(
                f"{function.name}() gives a list, which '{operator.value.upper()}' cannot compare.",
                "Use IN or NOT IN.",
                call.span,
            )
        among = function.answer(self.question(named), call)
        if named.type is FieldType.ISSUE and named.name != "issuekey" and among.relation:
            # of issues that hang on others only those count whose name may be known
            return Among(
                relation=(
                    f"select found.* from ({among.relation}) as found (site_id, issue_id) "
                    f"semi join {visible_issues(self.rights)} as listed using (site_id, issue_id)"
                )
            )
        return among

    def _misplaced(self, one: Literal | Function, named: JqlField) -> NoReturn:
        raise JqlError(
            f"{_shown(one)} gives no values for the field '{named.name}'.",
            "Give a value, or another function.",
            one.span,
        )

    # -- ids -----------------------------------------------------------------------------------

    def any_of(self, cell: str, site: str, among: Sequence[Among]) -> str:
        """Return SQL of whether `cell`, an id on `site`, is among the wanted ones."""
        parts = []
        for one in among:
            for site_id, ids in _by_site(one.things).items():
                found = f"{cell} in {self._ids(ids)}"
                if site_id is not None and not self.names.has_one_site:
                    found = f"({site} = {self.bind(site_id)} and {found})"
                parts.append(found)
            if one.relation is not None:
                key = f"({site}, {cell})" if one.is_of_site else cell
                parts.append(f"{key} in ({one.relation})")
            if one.test is not None:
                parts.append(f"({one.test(cell, site)})")
        return f"({' or '.join(parts)})" if parts else "false"

    def _ids(self, ids: list[str]) -> str:
        if len(ids) > _INLINE:
            return f"(select unnest({self.bind(ids)}::varchar[]))"
        return f"({', '.join(self.bind(one) for one in ids)})"

    # -- history -------------------------------------------------------------------------------

    def any_item(self, items: str, site: str, wanted: Wanted) -> str:
        """Return SQL of whether one of `items`, a list of ids or words on `site`, is wanted."""
        parts = []
        for one in wanted.among:
            for site_id, ids in _by_site(one.things).items():
                found = f"list_has_any({items}, {self.bind(ids)}::varchar[])"
                if site_id is not None and not self.names.has_one_site:
                    found = f"({site} = {self.bind(site_id)} and {found})"
                parts.append(found)
            if one.relation is not None:
                columns = "(site_id, id)" if one.is_of_site else "(id)"
                parts.append(
                    f"list_has_any({items}, (select coalesce(list(wanted.id), []) "
                    f"from ({one.relation}) as wanted {columns}))"
                )
        if words := self.words(wanted):
            parts.append(f"list_has_any({items}, {self.bind(words)}::varchar[])")
        return f"({' or '.join(parts)})" if parts else "false"

    @staticmethod
    def words(wanted: Wanted) -> list[str]:
        """Return the wanted values that are words of their own, as changes are compared."""
        return [
            word
            for one in wanted.literals
            if isinstance(one, Literal)
            for word in spellings(_word_of(one))
        ]


_OF_TIME = frozenset({FieldType.TIME, FieldType.DATE, FieldType.DAY_OF_TIME})
_PARAMETER = re.compile(r"\$(jql_\d+)\b", re.ASCII)
_FLAGS = {"true": True, "false": False}
_KEY = re.compile(r"([\w]+)-(\d{1,18})", re.ASCII)
_OF_THINGS = frozenset({FieldType.CHOICE, FieldType.ORDERED, FieldType.PERSON})


def _word_of(one: Literal) -> str:
    return composed(one.text.strip()).lower()


def _flag_of(one: Literal) -> bool:
    if fold(one.text) not in _FLAGS:
        raise JqlError(f"{one.text[:80]} is neither true nor false.", "Write true.", one.span)
    return _FLAGS[fold(one.text)]


_USER = Kind("user")

_WHOLE = frozenset({"status_category", LINK_TYPES})
"""Kinds of which there are so few that all of them are read at once."""

# How a literal of a type is read.
_WRITTEN: Mapping[FieldType, Callable[[Literal], object]] = {
    FieldType.WORD: _word_of,
    FieldType.NUMBER: number_of,
    FieldType.DURATION: seconds_of,
    FieldType.FLAG: _flag_of,
}

STATUS_CATEGORIES = Vocabulary(
    Thing(None, key, name, (number,)) for key, (number, name) in CATEGORIES.items()
)
FUNCTION_NAMES = Vocabulary(
    Thing(None, name, name)
    for name in (*(one.name for one in ALL_FUNCTIONS), "now", *CALENDAR_NAMES)
)


def _atoms(operand: Operand) -> Iterator[Literal | Empty | Function]:
    if isinstance(operand, List):
        for item in operand.items:
            yield from _atoms(item)
    else:
        yield operand


def _by_site(things: Sequence[Thing]) -> dict[str | None, list[str]]:
    by_site: dict[str | None, list[str]] = {}
    for thing in things:
        by_site.setdefault(thing.site_id, []).append(thing.id)
    return by_site


def _kind_of(named: JqlField) -> Kind | None:
    """Return the kind of the things that are a field's values; None if they have no names."""
    if named.kind is not None:
        return Kind(named.kind)
    if named.type not in _OF_THINGS:
        return None
    return Kind(VALUES, _field_ids(named))


def _field_ids(named: JqlField) -> tuple[str, ...]:
    held = [source for source in named.sources if isinstance(source, Values)]
    return tuple(field_id for source in held for field_id in source.field_ids)


def gives_of(named: JqlField) -> frozenset[str | None]:
    """Return what a function may give to be compared with a field."""
    if named.type is FieldType.ISSUE:
        return frozenset({"issue"})
    return frozenset({named.kind, named.options}) - {None}


def _one_by_one(conditions: Sequence[str]) -> str:
    """Return SQL of whether all conditions are met, each asked only where the ones before it are.

    AND does so too in WHERE, but not in a column.
    """
    first, *others = conditions
    return f"case when {first} then {_one_by_one(others)} else false end" if others else first


def _shown(one: Literal | Function) -> str:
    return f"{one.name}()" if isinstance(one, Function) else f"'{one.text[:80]}'"
