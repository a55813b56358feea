"""The evaluator that judges the product is judged itself, by cases worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.jql_corpus import (
    ASSIGNEE,
    ASSIGNEE_HISTORY,
    COMMENT,
    LABELS,
    STATUS_HISTORY,
    SUMMARY,
    VERSION_HISTORY,
    corpus,
)
from tests.e2e.jql_evaluator import (
    Ask,
    Clause,
    Field,
    Narrowing,
    Point,
    after,
    all_words,
    before,
    by,
    changed_from,
    changed_to,
    day,
    during,
    edge,
    every,
    from_now,
    like,
    minute,
    negated,
    on,
    phrase,
    selected,
    some,
)
from tests.e2e.jql_site import Truth
from tests.sandbox.clock import from_ms, parse_iso
from tests.sandbox.objects import Change, Comment, History, Issue, Person
from tests.sandbox.world import World

NOW = parse_iso("2031-06-03T21:30:00Z")
"""A Tuesday."""
ANN, BEN = "ann", "ben"


def world() -> World:
    made = World(site="https://hand.made")
    made.now = NOW
    made.people = {name: Person(name, name.title()) for name in (ANN, BEN)}
    return made


def ask(*issues: Issue, zone: str = "UTC") -> Ask:
    truth = Truth(world(), {issue.id: issue for issue in issues}, frozenset({9}))
    return Ask(truth, NOW, ZoneInfo(zone))


def issue(number: int = 1, **values: object) -> Issue:
    usual: dict[str, object] = {
        "id": number,
        "key": f"HAND-{number}",
        "project": "1",
        "issuetype": "1",
        "status": "1",
        "created": parse_iso("2031-05-01T10:00:00Z"),
        "updated": NOW,
        "creator": ANN,
        "summary": "Nothing",
    }
    return Issue(**(usual | values))  # type: ignore[arg-type]  # a test's shorthand


def history(at: str, author: str | None, *changes: tuple[str, str | None, str | None]) -> History:
    items = [Change(field, "jira", old, old, new, new) for field, old, new in changes]
    return History(1, parse_iso(at), author, items)


def holds(clause: Clause, one: Issue, zone: str = "UTC") -> bool:
    return clause.holds(ask(one, zone=zone), one)


def test_neither_equal_nor_different_finds_what_is_empty() -> None:
    equal, different = ASSIGNEE.equals("Ann", "ann"), ASSIGNEE.differs("Ann", "ann")
    for assignee, found in ((ANN, (True, False)), (BEN, (False, True)), (None, (False, False))):
        one = issue(assignee=assignee)
        assert (holds(equal, one), holds(different, one)) == found
        assert (holds(negated(different), one), holds(negated(equal), one)) == found


def test_one_element_of_a_list_is_enough_and_one_too_many() -> None:
    one = issue(labels=("a", "b"))
    assert holds(LABELS.equals("a", "a"), one)
    assert not holds(LABELS.differs("a", "a"), one)
    assert holds(LABELS.outside("(c, d)", "c", "d"), one)
    assert not holds(LABELS.outside("(b, c)", "b", "c"), one)
    assert holds(LABELS.within("(c, EMPTY)", "c", None), issue())
    assert not holds(LABELS.outside("(c, EMPTY)", "c", None), issue())
    assert holds(LABELS.empty(), issue())
    assert holds(LABELS.filled(), one)


@pytest.mark.parametrize(
    ("operator", "found"),
    [("<", [1]), ("<=", [1, 2]), (">", [3]), (">=", [2, 3])],
)
def test_an_ordering_and_its_opposite_leave_out_what_is_empty(
    operator: str, found: list[int]
) -> None:
    points = Field("points", lambda _, one: () if one.points is None else (one.points,))
    clause = points.compared(operator, "2", lambda *_: 2.0)
    assert clause.jql == f"points {operator} 2"
    issues = [issue(number, points=number) for number in (1, 2, 3)] + [issue(4)]
    assert [one.id for one in issues if holds(clause, one)] == found
    assert [one.id for one in issues if holds(negated(clause), one)] == [
        number for number in (1, 2, 3) if number not in found
    ]
    nothing_said = points.compared(operator, "2", lambda *_: None)
    assert not any(holds(nothing_said, one) or holds(negated(nothing_said), one) for one in issues)


def test_brackets_stand_only_where_they_change_the_meaning() -> None:
    a, b, c = (LABELS.equals(name, name) for name in "abc")
    assert some(a, every(b, c)).jql == "labels = a OR labels = b AND labels = c"
    assert every(some(a, b), c).jql == "(labels = a OR labels = b) AND labels = c"
    assert negated(every(a, b)).jql == "NOT (labels = a AND labels = b)"
    assert negated(negated(a)).jql == "NOT NOT labels = a"
    only_a, only_bc = issue(labels=("a",)), issue(labels=("b", "c"))
    assert holds(some(a, every(b, c)), only_a)
    assert not holds(every(some(a, b), c), only_a)
    assert holds(every(some(a, b), c), only_bc)


def test_not_of_a_conjunction_is_a_disjunction_of_the_opposites() -> None:
    clause = negated(every(LABELS.equals("a", "a"), ASSIGNEE.equals("Ann", "ann")))
    assert holds(clause, issue(labels=("b",), assignee=ANN))
    assert not holds(clause, issue(labels=("a",), assignee=ANN))
    assert not holds(clause, issue()), "both are empty, so neither opposite finds it"


def test_words_phrases_and_patterns() -> None:
    one = issue(summary="Zebra-crossing, at NIGHT (v2)")
    for matches, found in (
        (all_words("night", "zebra"), True),
        (all_words("zebr"), False),
        (all_words("zebra", "day"), False),
        (phrase("crossing", "at"), True),
        (phrase("at", "crossing"), False),
        (phrase("night", "v2"), True),
        (like("zeb.*"), True),
        (like("ross.*"), False),
        (like("n.ght"), True),
    ):
        assert holds(SUMMARY.contains("x", matches), one) == found
        assert holds(SUMMARY.lacks("x", matches), one) != found
    assert not holds(SUMMARY.lacks("x", all_words("x")), issue(summary="")), "empty is not found"


def test_one_comment_has_all_words() -> None:
    texts = ("a quokka", "a wombat")
    comments = {n: Comment(n, ANN, NOW, NOW, ANN, text) for n, text in enumerate(texts)}
    one = issue(comments=comments)
    assert holds(COMMENT.contains("quokka", all_words("quokka")), one)
    assert not holds(COMMENT.contains("both", all_words("quokka", "wombat")), one)
    assert not holds(COMMENT.lacks("quokka", all_words("quokka")), one)
    assert holds(COMMENT.lacks("both", all_words("quokka", "wombat")), one)
    assert not holds(COMMENT.lacks("both", all_words("quokka", "wombat")), issue())


def written(at: int, zone: str) -> str:
    local = from_ms(at).astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("point", "zone", "first", "last"),
    [
        (day("2031-05-12"), "UTC", "2031-05-12 00:00:00", "2031-05-12 23:59:59"),
        (day("2031-03-30"), "Europe/Zurich", "2031-03-30 00:00:00", "2031-03-30 23:59:59"),
        (minute("2031-05-12T14:30"), "UTC", "2031-05-12 14:30:00", "2031-05-12 14:30:59"),
        (from_now(days=-1, hours=-2), "UTC", "2031-06-02 19:30:00", "2031-06-02 19:30:00"),
        (edge("day"), "UTC", "2031-06-03 00:00:00", "2031-06-03 00:00:00"),
        (edge("day"), "Pacific/Kiritimati", "2031-06-04 00:00:00", "2031-06-04 00:00:00"),
        (edge("day", end=True), "Asia/Kathmandu", "2031-06-04 23:59:59", "2031-06-04 23:59:59"),
        (edge("week"), "UTC", "2031-06-02 00:00:00", "2031-06-02 00:00:00"),
        (edge("week", end=True, moved=-1), "UTC", "2031-06-01 23:59:59", "2031-06-01 23:59:59"),
        (edge("month"), "America/New_York", "2031-06-01 00:00:00", "2031-06-01 00:00:00"),
        (edge("month", moved=-6), "UTC", "2030-12-01 00:00:00", "2030-12-01 00:00:00"),
        (edge("month", end=True, moved=-4), "UTC", "2031-02-28 23:59:59", "2031-02-28 23:59:59"),
        (
            edge("month", then=timedelta(days=14)),
            "UTC",
            "2031-06-15 00:00:00",
            "2031-06-15 00:00:00",
        ),
        (edge("year", end=True), "UTC", "2031-12-31 23:59:59", "2031-12-31 23:59:59"),
        (edge("year", moved=-1), "UTC", "2030-01-01 00:00:00", "2030-01-01 00:00:00"),
    ],
)
def test_points_in_time(point: Point, zone: str, first: str, last: str) -> None:
    found = point(ask(zone=zone))
    assert (written(found[0], zone), written(found[1], zone)) == (first, last)


def test_a_day_of_summer_time_is_an_hour_shorter() -> None:
    first, last = day("2031-03-30")(ask(zone="Europe/Zurich"))
    assert last - first + 1 == 23 * 3_600_000


MOVED = issue(
    status="3",
    histories=[
        history("2031-05-02T00:00:00Z", BEN, ("status", "1", "2")),
        history("2031-05-04T12:00:00Z", None, ("status", "2", "3"), ("assignee", "ann", "ben")),
    ],
    assignee=BEN,
)
"""Created by Ann on 1 May with status 1; Ben set 2 on 2 May at 0:00, no one 3 on 4 May."""


@pytest.mark.parametrize(
    ("value", "narrow", "found"),
    [
        ("1", [], True),
        ("3", [], True),
        ("4", [], False),
        ("1", [by("Ann", ANN)], True),
        ("2", [by("Ann", ANN)], False),
        ("2", [by("Ben", BEN)], True),
        ("3", [by("EMPTY", None)], True),
        ("2", [before("2 May", day("2031-05-02"))], False),
        ("2", [before("3 May", day("2031-05-03"))], True),
        ("1", [after("1 May", day("2031-05-01"))], True),
        ("1", [after("2 May", day("2031-05-02"))], False),
        ("2", [after("4 May", day("2031-05-04"))], False),
        ("2", [after("4 May 11:59", minute("2031-05-04T11:58"))], True),
        ("3", [after("5 May", day("2031-05-05"))], True),
        ("1", [on("1 May", day("2031-05-01"))], True),
        ("1", [on("2 May", day("2031-05-02"))], False),
        ("2", [on("2 May", day("2031-05-02"))], True),
        ("2", [on("3 May", day("2031-05-03"))], True),
        ("2", [on("4 May", day("2031-05-04"))], True),
        ("3", [on("4 May", day("2031-05-04"))], True),
        ("3", [on("3 May", day("2031-05-03"))], False),
        ("1", [during("a", day("2031-05-02"), "b", day("2031-05-09"))], False),
        ("2", [during("a", day("2031-04-02"), "b", day("2031-05-02"))], True),
        ("3", [during("a", day("2031-04-02"), "b", day("2031-05-03"))], False),
        ("2", [by("Ben", BEN), before("2 May", day("2031-05-02"))], False),
    ],
)
def test_a_value_was_there(value: str, narrow: list[Narrowing], found: bool) -> None:  # noqa: FBT001 - a column of the table above
    assert holds(STATUS_HISTORY.was("x", value, narrow=narrow), MOVED) == found
    assert holds(STATUS_HISTORY.was_not("x", value, narrow=narrow), MOVED) != found
    assert holds(negated(STATUS_HISTORY.was("x", value, narrow=narrow)), MOVED) != found
    assert holds(STATUS_HISTORY.was_in("x", "9", value, narrow=narrow), MOVED) == found
    assert holds(STATUS_HISTORY.was_not_in("x", "9", value, narrow=narrow), MOVED) != found


@pytest.mark.parametrize(
    ("narrow", "found"),
    [
        ([], True),
        ([changed_from("1", "1")], True),
        ([changed_to("1", "1")], False),
        ([changed_from("1", "1"), changed_to("3", "3")], False),
        ([changed_from("2", "2"), by("EMPTY", None)], True),
        ([changed_from("2", "2"), by("Ben", BEN)], False),
        ([before("2 May", day("2031-05-02"))], False),
        ([after("4 May", day("2031-05-04"))], False),
        ([after("3 May", day("2031-05-03")), before("5 May", day("2031-05-05"))], True),
        ([on("2 May", day("2031-05-02"))], True),
        ([on("1 May", day("2031-05-01"))], False),
        ([during("a", day("2031-05-03"), "b", day("2031-05-04"))], True),
        ([during("a", day("2031-05-03"), "b", day("2031-05-03"))], False),
        ([on("2 May", day("2031-05-02")), changed_to("3", "3")], False),
    ],
)
def test_one_change_fulfils_all(narrow: list[Narrowing], found: bool) -> None:  # noqa: FBT001 - a column of the table above
    assert holds(STATUS_HISTORY.changed(*narrow), MOVED) == found
    assert holds(negated(STATUS_HISTORY.changed(*narrow)), MOVED) != found


def test_the_first_value_of_a_field_is_what_its_first_change_left() -> None:
    assert holds(ASSIGNEE_HISTORY.was("Ann", ANN), MOVED)
    assert not holds(ASSIGNEE_HISTORY.was("EMPTY", None), MOVED)
    assert holds(ASSIGNEE_HISTORY.was("EMPTY", None), issue())
    assert not holds(ASSIGNEE_HISTORY.changed(), issue(assignee=ANN))


VERSIONS = issue(
    fix_versions=("b",),
    histories=[
        history("2031-05-02T12:00:00Z", ANN, ("Fix Version", "a", None)),
        history(
            "2031-05-04T12:00:00Z", BEN, ("Fix Version", None, "b"), ("Fix Version", None, "c")
        ),
        history("2031-05-06T12:00:00Z", ANN, ("Fix Version", "c", None)),
    ],
)
"""Created with a; nothing from 2 May; b and c from 4 May; b alone from 6 May."""


@pytest.mark.parametrize(
    ("value", "narrow", "found"),
    [
        ("a", [], True),
        ("b", [], True),
        (None, [], True),
        ("a", [after("2 May", day("2031-05-02"))], False),
        ("b", [by("Ben", BEN), after("9 May", day("2031-05-09"))], True),
        ("c", [after("6 May", day("2031-05-06"))], False),
        ("c", [on("5 May", day("2031-05-05"))], True),
        (None, [on("3 May", day("2031-05-03"))], True),
        (None, [on("5 May", day("2031-05-05"))], False),
        (None, [before("2 May", day("2031-05-02"))], False),
    ],
)
def test_each_member_of_a_list_has_its_own_spells(
    value: str | None,
    narrow: list[Narrowing],
    found: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    assert holds(VERSION_HISTORY.was("x", value, narrow=narrow), VERSIONS) == found


def test_secured_issues_are_left_out_and_gone_ones_unless_asked_for() -> None:
    present, secured, deleted = issue(1), issue(2, security="10400"), issue(9)
    everything = LABELS.empty()
    question = ask(present, secured, deleted)
    assert selected(everything, question) == {"HAND-1"}
    assert selected(everything, question, with_gone=True) == {"HAND-1", "HAND-9"}


def test_dates_are_read_in_the_zone_of_the_filter() -> None:
    late = issue(created=parse_iso("2031-05-12T22:30:00Z"))
    in_zone = Field("created", lambda _, one: (one.created,))
    clause = in_zone.compared(">=", "13 May", lambda question, _: day("2031-05-13")(question)[0])
    assert not holds(clause, late)
    assert holds(clause, late, "Europe/Zurich")
    assert datetime(2031, 6, 3, tzinfo=UTC).weekday() == 1, "the calendar this file counts by"


FIELDS = """
project category issuetype type status statusCategory resolution priority labels component
fixVersion affectedVersion assignee reporter creator created createdDate updated resolved
resolutiondate due duedate summary description environment comment text key issuekey issue id
parent level attachments timespent originalEstimate remainingEstimate votes watchers worklogAuthor
worklogDate worklogComment Sprint team issueLinkType deleted "story points" "customer impact"
cf[10016] cf[10020] cf[10030] cf[10041]
parentEpic parentProject textfields issueLink workItemLink workItemLinkType workItem workItemKey
space workType
"""
FUNCTIONS = """
currentUser membersOf now startOfDay startOfWeek startOfMonth startOfYear endOfDay endOfWeek
endOfMonth endOfYear openSprints closedSprints futureSprints releasedVersions unreleasedVersions
latestReleasedVersion earliestUnreleasedVersion updatedBy linkedIssues projectsLeadByUser
standardIssueTypes subtaskIssueTypes standardWorkTypes subtaskWorkTypes spacesLeadByUser
projectsWhereUserHasRole spacesWhereUserHasRole linkedWorkItems choiceOption organizationMembers
"""
OPERATORS = (
    " = , != , ~ , !~ , < , <= , > , >= , IN (, NOT IN (, IS EMPTY, IS NOT EMPTY, IS NULL, WAS , "
    "WAS IN (, WAS NOT , WAS NOT IN (, CHANGED, FROM , TO , BY , BEFORE , AFTER , ON , DURING (, "
    "AND , OR , NOT (, ORDER BY "
)


def test_the_corpus_has_every_atom() -> None:
    texts = [case.jql.lower() for case in corpus()]
    names = [name.lower() for name in _names(FIELDS)]
    missing = [name for name in names if not any(text.startswith(name) for text in texts)]
    missing += [
        name for name in FUNCTIONS.split() if not any(f"{name.lower()}(" in text for text in texts)
    ]
    missing += [
        operator
        for operator in OPERATORS.split(",")
        if not any(operator.strip().lower() in text for text in texts)
    ]
    assert missing == []
    assert len({case.jql for case in corpus()}) >= 300


def _names(text: str) -> list[str]:
    """Split names at blanks, but not within quotes."""
    found = []
    for number, part in enumerate(text.split('"')):
        found += [f'"{part}"'] if number % 2 else part.split()
    return found
