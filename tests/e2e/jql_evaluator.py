"""Clauses of JQL as pairs: a text for the product, and what it means in plain Python.

Written from the documentation of Jira's query language, without any code of the product. Every
clause has two meanings: what it selects, and what NOT makes of it. NOT turns the operator of each
comparison round (`NOT a = b` is `a != b`), and neither `=` nor `!=` finds what is empty, so the two
are no complements.

Times are whole milliseconds since 1970 UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from tests.e2e.jql_site import Truth
from tests.sandbox.clock import DAY, HOUR, MINUTE, from_ms, to_ms
from tests.sandbox.objects import Issue


@dataclass(frozen=True)
class Ask:
    """Who asks, when, and in which time zone. `now`: ms since 1970 UTC; `viewer`: an account."""

    truth: Truth
    now: int
    zone: ZoneInfo
    viewer: str | None = None


Test = Callable[[Ask, Issue], bool]
Value = Any  # of a field: an id, a number, a day, a point in time
Values = Callable[[Ask, Issue], Collection[Value]]
Texts = Callable[[Ask, Issue], Iterable[str | None]]
Matches = Callable[[str], bool]
Point = Callable[[Ask], tuple[int, int]]
"""First and last millisecond of a point in time as exact as it was written."""

_LOOSEST, _AND, _TIGHTEST = range(3)


@dataclass(frozen=True)
class Clause:
    """A text, the issues it selects, and those that NOT before it selects."""

    jql: str
    holds: Test
    opposite: Test
    binding: int = _TIGHTEST

    def written(self, jql: str) -> Clause:
        """Give the same meaning in other words."""
        return replace(self, jql=jql)

    def within(self, binding: int) -> str:
        """Write the text for a place that binds so tightly: in brackets if it must be."""
        return self.jql if self.binding >= binding else f"({self.jql})"


def every(*clauses: Clause) -> Clause:
    """Join clauses with AND."""
    return Clause(
        " AND ".join(clause.within(_AND) for clause in clauses),
        lambda ask, issue: all(clause.holds(ask, issue) for clause in clauses),
        lambda ask, issue: any(clause.opposite(ask, issue) for clause in clauses),
        _AND,
    )


def some(*clauses: Clause) -> Clause:
    """Join clauses with OR."""
    return Clause(
        " OR ".join(clause.jql for clause in clauses),
        lambda ask, issue: any(clause.holds(ask, issue) for clause in clauses),
        lambda ask, issue: all(clause.opposite(ask, issue) for clause in clauses),
        _LOOSEST,
    )


def negated(clause: Clause) -> Clause:
    """Put NOT before a clause."""
    return Clause(f"NOT {clause.within(_TIGHTEST)}", clause.opposite, clause.holds)


def turned(clause: Clause, jql: str) -> Clause:
    """Give the opposite of a comparison as an operator of its own (`!=` for `=`)."""
    return Clause(jql, clause.opposite, clause.holds)


def complement(jql: str, holds: Test) -> Clause:
    """Make a clause whose opposite is everything else (EMPTY, history)."""
    return Clause(jql, holds, lambda ask, issue: not holds(ask, issue))


# -- values ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """A field: its name in JQL, and the values an issue has in it, none if it is empty."""

    name: str
    values: Values

    def named(self, name: str) -> Field:
        """Give the same field by another name."""
        return replace(self, name=name)

    def equals(self, text: str, *wanted: Value) -> Clause:
        """Compare with a value that means any of `wanted`; EMPTY means none."""
        return self._among(f"{self.name} = {text}", wanted)

    def differs(self, text: str, *wanted: Value) -> Clause:
        """Compare with `!=`: what is empty is never found."""
        return turned(self.equals(text, *wanted), f"{self.name} != {text}")

    def within(self, text: str, *wanted: Value) -> Clause:
        """Compare with `IN` and a list or function; None in `wanted` stands for EMPTY."""
        return self._among(f"{self.name} IN {text}", wanted)

    def outside(self, text: str, *wanted: Value) -> Clause:
        """Compare with `NOT IN`: what is empty is never found."""
        return turned(self.within(text, *wanted), f"{self.name} NOT IN {text}")

    def _among(self, jql: str, wanted: Sequence[Value]) -> Clause:
        chosen = frozenset(wanted)

        def holds(ask: Ask, issue: Issue) -> bool:
            values = self.values(ask, issue)
            return any(value in chosen for value in values) or (not values and None in chosen)

        def opposite(ask: Ask, issue: Issue) -> bool:
            values = self.values(ask, issue)
            return bool(values) and not any(value in chosen for value in values)

        return Clause(jql, holds, opposite)

    def compared(
        self, operator: str, text: str, bound: Callable[[Ask, Issue], Value | None]
    ) -> Clause:
        """Compare with `<`, `<=`, `>`, `>=`; `bound` None: the value says nothing of the issue."""
        compare, opposite = _ORDERINGS[operator], _ORDERINGS[_TURNED[operator]]

        def holds(ask: Ask, issue: Issue) -> bool:
            return _any_compared(compare, self.values(ask, issue), bound(ask, issue))

        def turned_round(ask: Ask, issue: Issue) -> bool:
            return _any_compared(opposite, self.values(ask, issue), bound(ask, issue))

        return Clause(f"{self.name} {operator} {text}", holds, turned_round)

    def empty(self, word: str = "EMPTY") -> Clause:
        """Test with `IS EMPTY`."""
        return complement(f"{self.name} IS {word}", lambda ask, issue: not self.values(ask, issue))

    def filled(self, word: str = "EMPTY") -> Clause:
        """Test with `IS NOT EMPTY`."""
        return turned(self.empty(), f"{self.name} IS NOT {word}")


_ORDERINGS: dict[str, Callable[[Value, Value], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_TURNED = {"<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def _any_compared(
    compare: Callable[[Value, Value], bool], values: Collection[Value], bound: Value | None
) -> bool:
    return bound is not None and any(compare(value, bound) for value in values)


# -- texts -----------------------------------------------------------------------------------------


def words_of(text: str) -> list[str]:
    """Split a text into its words: letters and digits, in small letters."""
    return re.findall(r"\w+", text.lower())


def all_words(*wanted: str) -> Matches:
    """Test that a text has every one of some words, anywhere."""
    return lambda text: set(wanted) <= set(words_of(text))


def phrase(*wanted: str) -> Matches:
    """Test that a text has some words one after the other."""

    def matches(text: str) -> bool:
        words = words_of(text)
        spans = range(len(words) - len(wanted) + 1)
        return any(tuple(words[start : start + len(wanted)]) == wanted for start in spans)

    return matches


def like(pattern: str) -> Matches:
    """Test that a text has a word of a pattern (regular expression of the whole word)."""
    return lambda text: any(re.fullmatch(pattern, word) for word in words_of(text))


@dataclass(frozen=True)
class TextField:
    """A field that is searched for words; one of its texts must match on its own."""

    name: str
    texts: Texts

    def contains(self, text: str, matches: Matches) -> Clause:
        """Search with `~`."""

        def holds(ask: Ask, issue: Issue) -> bool:
            return any(matches(one) for one in self.texts(ask, issue) if one)

        def opposite(ask: Ask, issue: Issue) -> bool:
            texts = [one for one in self.texts(ask, issue) if one]
            return bool(texts) and not any(matches(one) for one in texts)

        return Clause(f"{self.name} ~ {text}", holds, opposite)

    def lacks(self, text: str, matches: Matches) -> Clause:
        """Search with `!~`: what is empty is never found."""
        return turned(self.contains(text, matches), f"{self.name} !~ {text}")


# -- points in time --------------------------------------------------------------------------------

_UNITS = {"w": 7 * DAY, "d": DAY, "h": HOUR, "m": MINUTE}


def _utc(local: datetime, zone: ZoneInfo) -> int:
    return to_ms(local.replace(tzinfo=zone))


def day(text: str) -> Point:
    """Give a bare date: that day of the time zone, which begins the point and ends it."""

    def point(ask: Ask) -> tuple[int, int]:
        local = datetime.fromisoformat(text)
        return _utc(local, ask.zone), _utc(local + timedelta(days=1), ask.zone) - 1

    return point


def minute(text: str) -> Point:
    """Give a date with a time (`2031-05-12T14:30`): that minute of the time zone."""

    def point(ask: Ask) -> tuple[int, int]:
        start = _utc(datetime.fromisoformat(text), ask.zone)
        return start, start + MINUTE - 1

    return point


def from_now(**amounts: int) -> Point:
    """Give a distance from now, in `weeks`, `days`, `hours` and `minutes`: an instant."""
    distance = timedelta(**amounts) // timedelta(milliseconds=1)
    return lambda ask: (ask.now + distance, ask.now + distance)


def edge(unit: str, *, end: bool = False, moved: int = 0, then: timedelta = timedelta()) -> Point:
    """Give the start (or end) of a day, week, month or year: an instant of the time zone.

    `moved`: by so many of the unit itself, before its edge is taken; `then`: what is added to the
    edge. Weeks begin on Monday.
    """

    def point(ask: Ask) -> tuple[int, int]:
        local = from_ms(ask.now).astimezone(ask.zone).replace(tzinfo=None)
        start = _moved(_start(local, unit), unit, moved + end) + then
        instant = _utc(start, ask.zone) - end
        return instant, instant

    return point


def _start(local: datetime, unit: str) -> datetime:
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    match unit:
        case "day":
            return midnight
        case "week":
            return midnight - timedelta(days=midnight.weekday())
        case "month":
            return midnight.replace(day=1)
        case _:
            return midnight.replace(month=1, day=1)


def _moved(start: datetime, unit: str, by: int) -> datetime:
    match unit:
        case "day" | "week":
            return start + by * timedelta(days=1 if unit == "day" else 7)
        case "month":
            months = start.year * 12 + start.month - 1 + by
            return start.replace(year=months // 12, month=months % 12 + 1)
        case _:
            return start.replace(year=start.year + by)


def start_of(point: Point) -> Callable[[Ask, Issue], int]:
    """Take a point for comparing with a date and time: a bare date is its midnight."""
    return lambda ask, _: point(ask)[0]


def day_of(point: Point) -> Callable[[Ask, Issue], str]:
    """Take a point for comparing with a date without time: its day in the time zone."""
    return lambda ask, _: local_day(ask, point(ask)[0])


def local_day(ask: Ask, at: int) -> str:
    """Give the day of an instant in the time zone, `2031-06-03`."""
    return f"{from_ms(at).astimezone(ask.zone):%Y-%m-%d}"


# -- history ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One change of one field: the values before and after; None is empty."""

    at: int
    author: str | None
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Spell:
    """A time in which a field had a value: [start, end), `end` None while it lasts."""

    value: str | None
    start: int
    end: int | None
    setter: str | None


def steps(issue: Issue, item: str) -> list[Step]:
    """Read the changes of a field (the name of its changelog items), oldest first."""
    return [
        Step(history.at, history.author, change.old_id or None, change.new_id or None)
        for history in issue.histories
        for change in history.changes
        if change.field == item
    ]


def single_spells(
    item: str, value_of: str | Callable[[Issue], str | None]
) -> Callable[[Issue], list[Spell]]:
    """Tell the spells of a field with one value; the first value is the creator's.

    `value_of`: the attribute that holds the value of now, or what tells it.
    """
    held = attrgetter(value_of) if isinstance(value_of, str) else value_of

    def spells(issue: Issue) -> list[Spell]:
        changes = steps(issue, item)
        first = changes[0].old if changes else held(issue)
        stations = [
            (first, issue.created, issue.creator),
            *((step.new, step.at, step.author) for step in changes),
        ]
        found = [
            Spell(value, start, until, setter)
            for (value, start, setter), (_, until, _) in pairwise(stations)
        ]
        value, start, setter = stations[-1]
        return [*found, Spell(value, start, None, setter)]

    return spells


def member_spells(item: str, attribute: str) -> Callable[[Issue], list[Spell]]:
    """Tell the spells of each member of a list, and those in which the list was empty."""

    def spells(issue: Issue) -> list[Spell]:
        states = _states(issue, item, attribute)
        values = {None, *(member for _, _, members in states for member in members)}
        return [spell for value in values for spell in _spells_of(value, states)]

    return spells


def list_spells(item: str, attribute: str) -> Callable[[Issue], list[Spell]]:
    """Tell the same of a list whose changes name all members: ids, or words of labels."""

    def spells(issue: Issue) -> list[Spell]:
        changes = [
            (
                history.at,
                history.author,
                _listed(change.old_id, change.old),
                _listed(change.new_id, change.new),
            )
            for history in issue.histories
            for change in history.changes
            if change.field == item
        ]
        now = frozenset(str(one).lower() for one in getattr(issue, attribute))
        states: list[_State] = [
            (issue.created, issue.creator, (changes[0][2] if changes else now) or frozenset({None}))
        ]
        states += [(at, author, new or frozenset({None})) for at, author, _, new in changes]
        values = {None, *(member for _, _, members in states for member in members)}
        return [spell for value in values for spell in _spells_of(value, states)]

    return spells


def _listed(ids: str | None, texts: str | None) -> frozenset[str | None]:
    """Read a list of ids with commas, or else of words with blanks."""
    found = ids.split(",") if ids else (texts or "").lower().split()
    return frozenset(one.strip() for one in found if one.strip())


_State = tuple[int, str | None, frozenset[str | None]]


def _states(issue: Issue, item: str, attribute: str) -> list[_State]:
    """Tell from when and by whom a list had which members: {None} when it was empty."""
    changes = steps(issue, item)
    members: set[str | None] = set(getattr(issue, attribute))
    for step in reversed(changes):
        members = (members - {step.new}) | {step.old}
        members.discard(None)
    states: list[_State] = [(issue.created, issue.creator, frozenset(members or {None}))]
    for step in changes:
        members = (members - {step.old}) | {step.new}
        members.discard(None)
        states.append((step.at, step.author, frozenset(members or {None})))
    return [
        state
        for state, following in pairwise([*states, None])
        if state is not None and (following is None or following[0] > state[0])
    ]


def _spells_of(value: str | None, states: Sequence[_State]) -> Iterable[Spell]:
    begun: tuple[int, str | None] | None = None
    for at, author, members in states:
        if value in members:
            begun = begun or (at, author)
        elif begun is not None:
            yield Spell(value, begun[0], at, begun[1])
            begun = None
    if begun is not None:
        yield Spell(value, begun[0], None, begun[1])


@dataclass(frozen=True)
class Narrowing:
    """A predicate of a history operator: its text, and what it asks of a spell or of a step."""

    jql: str
    of_spell: Callable[[Ask, Spell], bool]
    of_step: Callable[[Ask, Step], bool]


def before(text: str, point: Point) -> Narrowing:
    """Narrow to what began, or changed, before a point in time."""
    return Narrowing(
        f"BEFORE {text}",
        lambda ask, spell: spell.start < point(ask)[0],
        lambda ask, step: step.at < point(ask)[0],
    )


def after(text: str, point: Point) -> Narrowing:
    """Narrow to what still lasted, or changed, after a point in time (a whole day: after it)."""
    return Narrowing(
        f"AFTER {text}",
        lambda ask, spell: spell.end is None or spell.end > point(ask)[1],
        lambda ask, step: step.at > point(ask)[1],
    )


def on(text: str, point: Point) -> Narrowing:
    """Narrow to what lasted, or changed, within a point in time."""
    return _between(f"ON {text}", point, point)


def during(first_text: str, first: Point, last_text: str, last: Point) -> Narrowing:
    """Narrow to what lasted, or changed, from the start of one point to the end of another."""
    return _between(f"DURING ({first_text}, {last_text})", first, last)


def _between(jql: str, first: Point, last: Point) -> Narrowing:
    return Narrowing(
        jql,
        lambda ask, spell: (
            spell.start <= last(ask)[1] and (spell.end is None or spell.end > first(ask)[0])
        ),
        lambda ask, step: first(ask)[0] <= step.at <= last(ask)[1],
    )


def by(text: str, *accounts: str | None) -> Narrowing:
    """Narrow to what one of some accounts set or changed; None: what nobody is named for."""
    return Narrowing(
        f"BY {text}",
        lambda _, spell: spell.setter in accounts,
        lambda _, step: step.author in accounts,
    )


def changed_from(text: str, *values: str | None) -> Narrowing:
    """Narrow changes to those from one of some values."""
    return Narrowing(f"FROM {text}", lambda *_: False, lambda _, step: step.old in values)


def changed_to(text: str, *values: str | None) -> Narrowing:
    """Narrow changes to those to one of some values."""
    return Narrowing(f"TO {text}", lambda *_: False, lambda _, step: step.new in values)


@dataclass(frozen=True)
class HistoryField:
    """A field with a history: its name in JQL, its changelog items, and its spells.

    `called` tells what a query is to call a value that was held.
    """

    name: str
    item: str
    spells: Callable[[Issue], list[Spell]]
    called: Callable[[Ask, str], str] = lambda _, value: value

    def was(self, text: str, *values: str | None, narrow: Sequence[Narrowing] = ()) -> Clause:
        """Ask with WAS: one spell with the value fulfils every narrowing."""
        return self._had("WAS", text, values, narrow)

    def was_in(self, text: str, *values: str | None, narrow: Sequence[Narrowing] = ()) -> Clause:
        """Ask with WAS IN."""
        return self._had("WAS IN", text, values, narrow)

    def was_not(self, text: str, *values: str | None, narrow: Sequence[Narrowing] = ()) -> Clause:
        """Ask with WAS NOT: there is no such spell, also if the field was always empty."""
        clause = self._had("WAS NOT", text, values, narrow)
        return turned(clause, clause.jql)

    def was_not_in(
        self, text: str, *values: str | None, narrow: Sequence[Narrowing] = ()
    ) -> Clause:
        """Ask with WAS NOT IN."""
        clause = self._had("WAS NOT IN", text, values, narrow)
        return turned(clause, clause.jql)

    def _had(
        self,
        operator: str,
        text: str,
        values: Sequence[str | None],
        narrow: Sequence[Narrowing],
    ) -> Clause:
        def holds(ask: Ask, issue: Issue) -> bool:
            return any(
                self._named(ask, spell.value) in values
                and all(one.of_spell(ask, spell) for one in narrow)
                for spell in self.spells(issue)
            )

        words = [self.name, operator, text, *(one.jql for one in narrow)]
        return complement(" ".join(words), holds)

    def changed(self, *narrow: Narrowing) -> Clause:
        """Ask with CHANGED: one change fulfils every narrowing; a first value is no change."""

        def holds(ask: Ask, issue: Issue) -> bool:
            told = [
                replace(step, old=self._named(ask, step.old), new=self._named(ask, step.new))
                for step in steps(issue, self.item)
            ]
            return any(all(one.of_step(ask, step) for one in narrow) for step in told)

        return complement(" ".join([self.name, "CHANGED", *(one.jql for one in narrow)]), holds)

    def _named(self, ask: Ask, value: str | None) -> str | None:
        return None if value is None else self.called(ask, value)


def selected(clause: Clause, ask: Ask, *, with_gone: bool = False) -> set[str]:
    """Evaluate a query over every issue: the keys of those it selects, secured ones left out."""
    return {
        issue.key
        for issue in ask.truth.issues.values()
        if issue.security is None
        and (with_gone or issue.id not in ask.truth.gone)
        and clause.holds(ask, issue)
    }
