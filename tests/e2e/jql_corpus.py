"""The corpus: queries in JQL, each with its meaning. A group's text is the ruling it follows.

The rulings are Jira's as documented. Where the documentation is silent, what Jira's published
sources do is taken; where Jira itself depends on settings (the first day of the week, the length of
a working day), the product's own is named.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from tests.e2e.jql_evaluator import (
    Ask,
    Clause,
    Field,
    HistoryField,
    Point,
    TextField,
    after,
    all_words,
    before,
    by,
    changed_from,
    changed_to,
    complement,
    day,
    day_of,
    during,
    edge,
    every,
    from_now,
    like,
    list_spells,
    local_day,
    member_spells,
    minute,
    negated,
    on,
    phrase,
    single_spells,
    some,
    start_of,
)
from tests.e2e.jql_site import KEY, Truth, first_world, people
from tests.sandbox.clock import SECOND
from tests.sandbox.domains.admin import Admin
from tests.sandbox.domains.software import Software
from tests.sandbox.objects import Issue, JsonObject

UTC, ZURICH, NEW_YORK, KIRITIMATI, KATHMANDU = (
    "UTC",
    "Europe/Zurich",
    "America/New_York",
    "Pacific/Kiritimati",
    "Asia/Kathmandu",
)
WORLD = first_world()
"""Only for the names that people have from the beginning."""
PEOPLE = people(WORLD)
OLD = next(project for project in WORLD.projects.values() if project.key == "OLD")
REQUESTS = [kind["name"] for kind in WORLD.request_types.values()]


@dataclass(frozen=True)
class Case:
    """One query. `zone`: of the filter; `viewer`: which of `PEOPLE` asks, None for the operator.

    `with_gone`: it names the field `deleted`, so that nothing is left out for being deleted.
    """

    clause: Clause
    zone: str = UTC
    viewer: int | None = None
    with_gone: bool = False

    @property
    def jql(self) -> str:
        """The text; what the world has yet to number stands in it as `number_of` writes it."""
        return self.clause.jql

    def asked(self, truth: Truth) -> str:
        """Give the text with the numbers of the world."""
        world = truth.world
        numbers = {project.key: project.id for project in world.projects.values()}
        return _NUMBER.sub(
            lambda found: numbers.get(found[1]) or str(world.keys[found[1]]), self.jql
        )


_NUMBER = re.compile(r"#([A-Z]+(?:-\d+)?)#")
"""No query has a `#` outside of quotes."""


def number_of(key: str) -> str:
    """Write the id of an issue or a project made by the stories: nobody knows it before."""
    return f"#{key}#"


def quoted(text: str) -> str:
    """Put a text in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# -- fields ----------------------------------------------------------------------------------------
# The values of a field are all that a query may call them by: ids, names in small letters, e-mails.


def _called(thing: JsonObject) -> tuple[str, str]:
    return str(thing["id"]), thing["name"].lower()


def _person(ask: Ask, account_id: str | None) -> tuple[str, ...]:
    if account_id is None:
        return ()
    person = ask.truth.world.people[account_id]
    names = (account_id, person.name.lower())
    return names if person.email is None else (*names, person.email.lower())


def _constant(catalogue: str, attribute: str) -> Callable[[Ask, Issue], tuple[str, ...]]:
    def values(ask: Ask, issue: Issue) -> tuple[str, ...]:
        found = getattr(issue, attribute)
        return () if found is None else _called(getattr(ask.truth.world, catalogue)[found])

    return values


def _plain(attribute: str) -> Callable[[Ask, Issue], tuple[object, ...]]:
    def values(_: Ask, issue: Issue) -> tuple[object, ...]:
        found = getattr(issue, attribute)
        return () if found is None else (found,)

    return values


def _project(ask: Ask, issue: Issue) -> tuple[str, ...]:
    project = ask.truth.world.projects[issue.project]
    return project.id, project.key.lower(), project.name.lower()


def _category(ask: Ask, issue: Issue) -> tuple[str, ...]:
    category = ask.truth.world.projects[issue.project].category
    return () if category is None else (category["name"].lower(),)


def _status_category(ask: Ask, issue: Issue) -> tuple[str, ...]:
    category = ask.truth.world.statuses[issue.status]["statusCategory"]
    return category["name"].lower(), category["key"]


def _members(ask: Ask, issue: Issue, kind: str, ids: Iterable[str]) -> list[JsonObject]:
    wanted = set(ids)
    found = getattr(ask.truth.world.projects[issue.project], kind)
    return [member for member in found if member["id"] in wanted]


def _names(members: Iterable[JsonObject]) -> tuple[str, ...]:
    return tuple(name for member in members for name in _called(member))


def _fix_versions(ask: Ask, issue: Issue) -> list[JsonObject]:
    return _members(ask, issue, "versions", issue.fix_versions)


def _sprints(ask: Ask, issue: Issue) -> tuple[str, ...]:
    every_sprint = ask.truth.world.domain(Software).sprints.all
    found = [every_sprint[int(sprint)] for sprint in issue.sprints]
    return tuple(name for one in found for name in (str(one.id), one.name.lower()))


def _sprint_states(ask: Ask, issue: Issue) -> tuple[str, ...]:
    every_sprint = ask.truth.world.domain(Software).sprints.all
    return tuple(every_sprint[int(sprint)].state for sprint in issue.sprints)


def _keys(ask: Ask, issue: Issue) -> tuple[str, ...]:
    world = ask.truth.world
    former = [key.lower() for key, issue_id in world.keys.items() if issue_id == issue.id]
    return str(issue.id), *former


def _parent(ask: Ask, issue: Issue) -> tuple[str, ...]:
    return tuple(name for parent in _shown_parents(ask, issue) for name in _keys(ask, parent))


def _shown_parents(ask: Ask, issue: Issue) -> list[Issue]:
    parent = None if issue.parent is None else ask.truth.world.issues.get(issue.parent)
    return [] if parent is None or parent.security is not None else [parent]


def _parent_epic(ask: Ask, issue: Issue) -> tuple[str, ...]:
    """Give the names of the epic above an issue: its parent, or of a sub-task its parent's."""
    above = _shown_parents(ask, issue)
    above += [one for parent in above for one in _shown_parents(ask, parent)]
    types = ask.truth.world.issue_types
    epics = [one for one in above if types[one.issuetype]["hierarchyLevel"] == 1]
    return _keys(ask, epics[0]) if epics else ()


def _others(issue: Issue, ask: Ask) -> list[tuple[str, int]]:
    """Give the phrase of each link as the issue reads it, and the other issue, if it is shown."""
    kinds = ask.truth.world.link_types
    ends = [
        (kinds[link.type]["outward"], link.target)
        if link.source == issue.id
        else (kinds[link.type]["inward"], link.source)
        for link in issue.links.values()
    ]
    shown = ask.truth.world.issues
    return [end for end in ends if end[1] in shown and shown[end[1]].security is None]


def _other_keys(ask: Ask, issue: Issue, phrase: str | None = None) -> list[str]:
    """Give the keys of the issues that an issue is linked with, or of those with one phrase."""
    return [
        ask.truth.world.issues[other].key.lower()
        for said, other in _others(issue, ask)
        if phrase in {None, said}
    ]


def _issue_called(ask: Ask, key: str) -> Issue:
    return ask.truth.issues[ask.truth.world.keys[key]]


def _remarks(issue: Issue) -> list[str]:
    """Give the comments that everybody may read."""
    return [one.text for one in issue.comments.values() if one.restricted_to is None]


def _reviewers(ask: Ask, issue: Issue) -> tuple[str, ...]:
    reviewers = ask.truth.world.reviewers(issue)
    return tuple(name for account_id in reviewers for name in _person(ask, account_id))


def _team(ask: Ask, issue: Issue) -> tuple[str, ...]:
    if issue.team is None:
        return ()
    return issue.team, ask.truth.world.teams[issue.team].lower()


PROJECT = Field("project", _project)
CATEGORY = Field("category", _category)
TYPE = Field("issuetype", _constant("issue_types", "issuetype"))
STATUS = Field("status", _constant("statuses", "status"))
STATUS_CATEGORY = Field("statusCategory", _status_category)
RESOLUTION = Field("resolution", _constant("resolutions", "resolution"))
PRIORITY = Field("priority", _constant("priorities", "priority"))
RANKED = Field("priority", lambda _, i: () if i.priority is None else (-int(i.priority),))
ASSIGNEE = Field("assignee", lambda ask, issue: _person(ask, issue.assignee))
REPORTER = Field("reporter", lambda ask, issue: _person(ask, issue.reporter))
CREATOR = Field("creator", lambda ask, issue: _person(ask, issue.creator))
LABELS = Field("labels", lambda _, issue: tuple(label.lower() for label in issue.labels))
COMPONENT_NAME = Field(
    "component",
    lambda ask, issue: [
        one["name"].lower() for one in _members(ask, issue, "components", issue.components)
    ],
)
COMPONENT = Field("component", lambda a, i: _names(_members(a, i, "components", i.components)))
FIX_VERSION = Field("fixVersion", lambda ask, issue: _names(_fix_versions(ask, issue)))
RELEASED = Field(
    "fixVersion", lambda ask, issue: tuple(str(v["released"]) for v in _fix_versions(ask, issue))
)
ISSUE = Field("key", _keys)
PARENT = Field("parent", _parent)
EPIC_LINK = Field(
    '"Epic Link"',
    lambda ask, issue: (
        () if ask.truth.world.issue_types[issue.issuetype]["subtask"] else _parent(ask, issue)
    ),
)
PARENT_EPIC = Field("parentEpic", _parent_epic)
PARENT_PROJECT = Field(
    "parentProject",
    lambda ask, issue: [name for one in _shown_parents(ask, issue) for name in _project(ask, one)],
)
SECURITY = Field("level", _plain("security"))
SPRINTS = Field("Sprint", _sprints)
SPRINT_STATE = Field("Sprint", _sprint_states)
POINTS_FIELD = Field('"Story Points"', _plain("points"))
TEAM_FIELD = Field("Team", _team)
REQUEST_TYPE = Field('"Request Type"', _constant("request_types", "request_type"))
REVIEWERS = Field("Reviewers", _reviewers)
IMPACT_FIELD = Field('"Customer impact"', _plain("impact"))
CREATED = Field("created", _plain("created"))
UPDATED = Field("updated", _plain("updated"))
RESOLVED = Field("resolved", _plain("resolved"))
DUE = Field("due", _plain("duedate"))
TIME_SPENT = Field("timespent", _plain("time_spent"))
ORIGINAL = Field("originalEstimate", _plain("original_estimate"))
REMAINING = Field("remainingEstimate", _plain("remaining_estimate"))
WORKLOG_AUTHOR = Field(
    "worklogAuthor",
    lambda ask, issue: tuple(
        name for log in issue.worklogs.values() for name in _person(ask, log.author)
    ),
)
WORKLOG_DATE = Field(
    "worklogDate",
    lambda ask, issue: tuple(local_day(ask, log.started) for log in issue.worklogs.values()),
)
LINK_TYPE = Field("issueLinkType", lambda ask, i: tuple(p for p, _ in _others(i, ask)))
ATTACHMENTS = Field("attachments", lambda _, issue: tuple(issue.attachments))
DELETED = Field("deleted", lambda ask, issue: (str(issue.id in ask.truth.gone),))
VOTES = Field("votes", lambda *_: (0,))
WATCHERS = Field("watchers", lambda *_: (1,))

SUMMARY = TextField("summary", lambda _, issue: [issue.summary])
DESCRIPTION = TextField("description", lambda _, issue: [issue.description])
COMMENT = TextField("comment", lambda _, issue: _remarks(issue))
WORKLOG_COMMENT = TextField(
    "worklogComment", lambda _, issue: [one.text for one in issue.worklogs.values()]
)
IMPACT_TEXT = TextField('"Customer impact"', lambda _, issue: [issue.impact])
TEXT_FIELDS = TextField(
    "textfields", lambda _, issue: [issue.summary, issue.description, issue.impact]
)
TEXT = TextField("text", lambda ask, issue: [*TEXT_FIELDS.texts(ask, issue), *_remarks(issue)])
KEY_TEXT = TextField("key", lambda _, issue: [issue.key])

STATUS_HISTORY = HistoryField("status", "status", single_spells("status", "status"))
ASSIGNEE_HISTORY = HistoryField("assignee", "assignee", single_spells("assignee", "assignee"))
REPORTER_HISTORY = HistoryField("reporter", "reporter", single_spells("reporter", "reporter"))
PRIORITY_HISTORY = HistoryField("priority", "priority", single_spells("priority", "priority"))
RESOLUTION_HISTORY = HistoryField(
    "resolution", "resolution", single_spells("resolution", "resolution")
)
VERSION_HISTORY = HistoryField(
    "fixVersion", "Fix Version", member_spells("Fix Version", "fix_versions")
)
TYPE_HISTORY = HistoryField("issuetype", "issuetype", single_spells("issuetype", "issuetype"))
PROJECT_HISTORY = HistoryField(
    "project",
    "project",
    single_spells("project", "project"),
    lambda ask, project_id: ask.truth.world.projects[project_id].key,
)
COMPONENT_HISTORY = HistoryField("component", "Component", member_spells("Component", "components"))
SPRINT_HISTORY = HistoryField("Sprint", "Sprint", list_spells("Sprint", "sprints"))
LABELS_HISTORY = HistoryField("labels", "labels", list_spells("labels", "labels"))
PARENT_HISTORY = HistoryField(
    "parent",
    "IssueParentAssociation",
    single_spells(
        "IssueParentAssociation", lambda issue: None if issue.parent is None else str(issue.parent)
    ),
)
OTHER_HISTORIES = [
    HistoryField(name, item, single_spells(item, lambda _: None))
    for name, item in (
        ("summary", "summary"),
        ("description", "description"),
        ("duedate", "duedate"),
        ("originalEstimate", "timeoriginalestimate"),
        ('"Story Points"', "Story Points"),
        ('"Customer impact"', "Customer impact"),
        ("Team", "Team"),
        ("level", "Security"),
    )
]


# -- groups ----------------------------------------------------------------------------------------


def equality() -> list[Clause]:
    """`=` and `!=`: names in any case, ids, keys; `!=` never finds what is empty."""
    return [
        PROJECT.equals("APP", "app"),
        PROJECT.equals("app", "app"),
        PROJECT.equals('"Mobile App"', "mobile app"),
        PROJECT.equals("11002", "11002"),
        PROJECT.differs("WEB", "web"),
        PROJECT.equals('"Finance & Controlling"', "finance & controlling"),
        PROJECT.equals(quoted("People “HR”"), "people “hr”"),
        TYPE.equals("Bug", "bug"),
        TYPE.named("type").equals("epic", "epic"),
        TYPE.equals('"[System] Incident"', "[system] incident"),
        TYPE.differs("Sub-task", "sub-task"),
        STATUS.equals("Done", "done"),
        STATUS.equals('"in progress"', "in progress"),
        STATUS.equals("等待中", "等待中"),
        STATUS.equals("10003", "10003"),
        STATUS.differs("gEsChLoSsEn", "geschlossen"),
        STATUS_CATEGORY.equals("Done", "done"),
        STATUS_CATEGORY.equals('"In Progress"', "in progress"),
        STATUS_CATEGORY.differs('"To Do"', "to do"),
        CATEGORY.equals("Products", "products"),
        CATEGORY.differs("Products", "products"),
        PRIORITY.equals("High", "high"),
        PRIORITY.equals("1", "1"),
        PRIORITY.differs("Medium", "medium"),
        COMPONENT.equals("API", "api"),
        COMPONENT.equals('"Docs, etc."', "docs, etc."),
        COMPONENT.equals("12001", "12001"),
        COMPONENT.differs("oberfläche", "oberfläche"),
        FIX_VERSION.equals('"APP 2.0"', "app 2.0"),
        FIX_VERSION.equals('"10.0"', "10.0"),
        FIX_VERSION.differs('"APP 2.0"', "app 2.0"),
        LABELS.equals("ops", "ops"),
        LABELS.equals("OPS", "ops"),
        LABELS.differs("ops", "ops"),
        LABELS.equals("naïve", "naïve"),
        LABELS.equals("NAÏVE", "naïve"),
        LABELS.equals(unicodedata.normalize("NFD", "naïve"), "naïve"),
        LABELS.equals("tech-debt", "tech-debt"),
        LABELS.equals('"and"', "and"),
        LABELS.equals("MIDNIGHT", "midnight"),
        LABELS.equals("ärger", "ärger"),
        ISSUE.equals(f"{KEY}-2", f"{KEY}-2".lower()),
        ISSUE.named("issuekey").equals(f"{KEY}-2".lower(), f"{KEY}-2".lower()),
        ISSUE.named("issue").differs(f"{KEY}-2", f"{KEY}-2".lower()),
        ISSUE.named("id").equals(number_of(f"{KEY}-2"), f"{KEY}-2".lower()),
        PROJECT.equals(number_of(KEY), KEY.lower()),
        ISSUE.equals(f"{KEY}-12", f"{KEY}-12".lower()),
    ]


def persons() -> list[Clause]:
    """People go by account id, display name or e-mail; `BY` too. Nobody is EMPTY."""
    named, mailed, by_id = PEOPLE[1], PEOPLE[2], PEOPLE[3]
    return [
        ASSIGNEE.equals(by_id.account_id, by_id.account_id),
        ASSIGNEE.equals(quoted(named.name), named.name.lower()),
        ASSIGNEE.equals(quoted(named.name.upper()), named.name.lower()),
        ASSIGNEE.differs(quoted(mailed.name), mailed.name.lower()),
        REPORTER.equals(quoted(named.name), named.name.lower()),
        REPORTER.equals(quoted(PEOPLE[26].name), PEOPLE[26].name.lower()),
        REPORTER.differs(by_id.account_id, by_id.account_id),
        CREATOR.equals(quoted(PEOPLE[16].name), PEOPLE[16].name.lower()),
        CREATOR.differs(quoted(named.name), named.name.lower()),
        ASSIGNEE.within(
            f"({', '.join(quoted(PEOPLE[n].name) for n in range(10, 30))})",
            *(PEOPLE[n].name.lower() for n in range(10, 30)),
        ),
        REPORTER.outside(
            f"({by_id.account_id}, {quoted(named.name)})", by_id.account_id, named.name.lower()
        ),
        ASSIGNEE.within(f"({quoted(named.name)}, EMPTY)", named.name.lower(), None),
        WORKLOG_AUTHOR.equals(quoted(PEOPLE[5].name), PEOPLE[5].name.lower()),
        WORKLOG_AUTHOR.differs(quoted(PEOPLE[5].name), PEOPLE[5].name.lower()),
        WORKLOG_AUTHOR.within(
            f"({', '.join(PEOPLE[n].account_id for n in range(12))})",
            *(PEOPLE[n].account_id for n in range(12)),
        ),
    ]


def lists() -> list[Clause]:
    """IN: any of them, EMPTY among them. NOT IN: filled, and none of them."""
    return [
        PROJECT.within('(APP, "Web Shop", 11002)', "app", "web shop", "11002"),
        PROJECT.outside("(APP, WEB, OPS)", "app", "web", "ops"),
        STATUS.within('("To Do", "In Review")', "to do", "in review"),
        STATUS.outside("(Done, Geschlossen)", "done", "geschlossen"),
        TYPE.within("(Epic, Sub-task)", "epic", "sub-task"),
        TYPE.outside("(Story, Bug, Task)", "story", "bug", "task"),
        PRIORITY.within("(Highest, 5)", "highest", "5"),
        LABELS.within("(q1, q2)", "q1", "q2"),
        LABELS.outside("(q1, q2, ops)", "q1", "q2", "ops"),
        LABELS.within("(urgent, EMPTY)", "urgent", None),
        LABELS.outside("(urgent, EMPTY)", "urgent", None),
        RESOLUTION.within('(Done, "Won\'t Do")', "done", "won't do"),
        RESOLUTION.outside("(Duplicate)", "duplicate"),
        RESOLUTION.within("(Unresolved, Duplicate)", None, "duplicate"),
        COMPONENT.within('(API, "Docs, etc.")', "api", "docs, etc."),
        COMPONENT.outside("(Oberfläche)", "oberfläche"),
        FIX_VERSION.within('("APP 1.0", "WEB 1.0", "1.0")', "app 1.0", "web 1.0", "1.0"),
        FIX_VERSION.outside('("APP 1.0", "10.0")', "app 1.0", "10.0"),
        ISSUE.within(f"({KEY}-1, {KEY}-3, {KEY}-5)", *_lower(1, 3, 5)),
        ISSUE.outside(f"({KEY}-1, {KEY}-3)", *_lower(1, 3)),
        STATUS_CATEGORY.within('("To Do", Done)', "to do", "done"),
        CATEGORY.within("(Products, EMPTY)", "products", None),
        PROJECT.within("(APP)", "app").written("project in(APP)"),
        STATUS.within("(Done)", "done").written('STATUS IN ( "DONE" )'),
    ]


def _lower(*numbers: int) -> list[str]:
    return [f"{KEY}-{number}".lower() for number in numbers]


def empties() -> list[Clause]:
    """IS [NOT] EMPTY or NULL; `= EMPTY` and `!= EMPTY` are the same; Unresolved is EMPTY."""
    fields = (
        ASSIGNEE,
        RESOLUTION,
        LABELS,
        COMPONENT,
        FIX_VERSION,
        DUE,
        PARENT,
        SPRINTS,
        POINTS_FIELD,
        TEAM_FIELD,
        RESOLVED,
        TIME_SPENT,
        ORIGINAL,
        REMAINING,
        ATTACHMENTS,
        IMPACT_FIELD,
        CATEGORY,
    )
    return [
        *(field.empty() for field in fields),
        *(field.filled() for field in fields),
        ASSIGNEE.empty("NULL"),
        LABELS.filled("null"),
        SECURITY.empty(),
        SECURITY.filled(),
        Field("description", _plain("description")).empty(),
        Field("environment", lambda *_: ()).empty(),
        Field("affectedVersion", lambda *_: ()).empty(),
        LINK_TYPE.empty(),
        LINK_TYPE.filled(),
        complement("assignee = EMPTY", lambda _, issue: issue.assignee is None),
        complement("duedate != NULL", lambda _, issue: issue.duedate is not None),
        RESOLUTION.equals("Unresolved", None),
        complement("resolution != unresolved", lambda _, issue: issue.resolution is not None),
        RESOLUTION.equals("Done", "done"),
        RESOLUTION.differs("Done", "done"),
        RESOLUTION.differs('"Cannot Reproduce"', "cannot reproduce"),
    ]


def logic() -> list[Clause]:
    """NOT binds tighter than AND, AND tighter than OR; NOT turns operators round."""
    app, bug, done = PROJECT.equals("APP", "app"), TYPE.equals("Bug", "bug"), _done()
    mine = ASSIGNEE.equals(PEOPLE[3].account_id, PEOPLE[3].account_id)
    ops = LABELS.equals("ops", "ops")
    late = DUE.compared("<", "now()", day_of(from_now()))
    return [
        every(app, bug),
        some(app, bug),
        some(app, every(bug, done)),
        every(app, bug, done),
        some(every(app, bug), every(negated(done), ops)),
        every(some(app, bug), done),
        every(app, some(bug, done)),
        negated(app),
        negated(mine),
        negated(ops),
        negated(every(app, mine)),
        negated(some(app, mine, ops)),
        negated(negated(ops)),
        negated(ASSIGNEE.empty()),
        negated(LABELS.within("(ops, q1)", "ops", "q1")),
        negated(late),
        every(negated(late), DUE.filled()),
        negated(every(negated(app), some(negated(ops), bug))),
        some(app, every(bug, done)).written("project = APP or type = Bug and status = Done"),
        every(app, negated(bug)).written("project=APP&&!issuetype=Bug"),
        some(app, bug).written("project = APP || issuetype = Bug"),
        some(app, bug).written("project = APP | type = Bug"),
        every(app, bug).written("project = APP & type = Bug"),
        every(app, bug).written("((project = APP)) AND ((issuetype IN ((Bug))))"),
        negated(some(app, bug)).written("NOT(project = APP OR issuetype = Bug)"),
        every(negated(app), bug).written("not project = APP and issuetype = Bug"),
        every(app, bug).written("  project\t=\nAPP\n  AND\n  issuetype=Bug  "),
    ]


def one_worklog() -> list[Clause]:
    """Ask what AND joins of worklogs of each worklog, as Jira does; what NOT turns, of any."""
    someone = PEOPLE[5]
    by = WORKLOG_AUTHOR.equals(someone.account_id, someone.account_id)
    since = WORKLOG_DATE.compared(">=", '"2031-05-20"', lambda *_: "2031-05-20")

    def meets(ask: Ask, issue: Issue) -> bool:
        return any(
            log.author == someone.account_id and local_day(ask, log.started) >= "2031-05-20"
            for log in issue.worklogs.values()
        )

    both = every(by, since)
    asked = replace(both, holds=meets)
    return [
        asked,
        asked.written(f"({since.jql}) AND {by.jql}"),
        every(PROJECT.differs("APP", "app"), asked.written(both.jql)),
        negated(both),
        some(by, since),
    ]


def _done() -> Clause:
    return STATUS.equals("Done", "done")


def writing() -> list[Clause]:
    """Names and values may stand in quotes of both kinds, with escapes; reserved words must."""
    return [
        STATUS.equals("Done", "done").written("'status' = 'Done'"),
        STATUS.equals("Done", "done").written('"STATUS" = "dOnE"'),
        STATUS.equals("Done", "done").written('status = "\\u0044one"'),
        STATUS.equals("等待中", "等待中").written('status = "\\u7b49\\u5f85\\u4e2d"'),
        STATUS.equals("等待中", "等待中").written("status = \\u7b49\\u5f85\\u4e2d"),
        TYPE.equals("x", "[system] incident").written("issuetype = \\[System\\]\\ Incident"),
        COMPONENT.equals("x", "docs, etc.").written("component = 'Docs, etc.'"),
        RESOLUTION.equals("x", "won't do").written("resolution = 'Won\\'t Do'"),
        RESOLUTION.equals("x", "won't do").written('resolution = "Won\'t Do"'),
        LABELS.equals("x", "and").written("labels = 'and'"),
        PROJECT.equals("x", f"{KEY}".lower()).written("project = 'Queries & “Co”'"),
        STATUS.within("x", "done", "to do").written("status IN ('Done',\"To Do\")"),
    ]


def order() -> list[Clause]:
    """ORDER BY decides the order of issues, not which they are; without a clause, all of them."""
    return [
        complement("ORDER BY created", lambda *_: True),
        complement("order by key desc, updated ASC", lambda *_: True),
        _done().written("status = Done ORDER BY priority DESC, Rank ASC, assignee"),
        _done().written('status = Done order by "Story Points", cf[10030] desc'),
    ]


def comparisons() -> list[Clause]:
    """Priorities compare by rank, versions by the order in their project, keys by their number.

    A version of another project and what is empty are never found.
    """
    found = [
        RANKED.compared(operator, name, lambda *_, rank=-number: rank)
        for operator in ("<", "<=", ">", ">=")
        for number, name in ((2, "High"), (3, "Medium"), (5, "Lowest"))
    ]
    sequence = Field("fixVersion", _places)
    found += [
        sequence.compared(operator, quoted(name), _place_of(name))
        for operator in ("<", "<=", ">", ">=")
        for name in ("APP 2.0", "10.0")
    ]
    numbers = Field("key", lambda _, issue: (int(issue.key.rpartition("-")[2]),))
    found += [
        numbers.compared(operator, f"{key}-{number}", _number_in(key, number))
        for operator, key, number in (
            ("<", KEY, 4),
            (">=", KEY, 10),
            (">", "APP", 60),
            ("<=", "WEB", 20),
        )
    ]
    points = [
        (POINTS_FIELD, "=", "13"),
        (POINTS_FIELD.named("cf[10016]"), ">", "2"),
        (POINTS_FIELD, ">=", "2"),
        (POINTS_FIELD.named('"story points"'), "<", "1"),
        (POINTS_FIELD, "<=", "0.5"),
        (POINTS_FIELD.named("CF[10016]"), "!=", "3"),
    ]
    for field, operator, text in points:
        if operator == "=":
            found.append(field.equals(text, float(text)))
        elif operator == "!=":
            found.append(field.differs(text, float(text)))
        else:
            found.append(field.compared(operator, text, lambda *_, n=float(text): n))
    found += [
        POINTS_FIELD.within("(1, 2, 13)", 1.0, 2.0, 13.0),
        VOTES.equals("0", 0),
        VOTES.compared(">", "0", lambda *_: 0),
        WATCHERS.compared(">=", "1", lambda *_: 1),
        TIME_SPENT.compared(">", "2h", lambda *_: 7_200),
        TIME_SPENT.compared("<=", '"1h 30m"', lambda *_: 5_400),
        TIME_SPENT.equals("90m", 5_400),
        ORIGINAL.equals("1h", 3_600),
        ORIGINAL.differs("1h", 3_600),
        ORIGINAL.compared(">=", "4h", lambda *_: 14_400),
        REMAINING.compared("<", "30m", lambda *_: 1_800),
    ]
    return found


def _places(ask: Ask, issue: Issue) -> tuple[int, ...]:
    versions = ask.truth.world.projects[issue.project].versions
    return tuple(n for n, version in enumerate(versions) if version["id"] in issue.fix_versions)


def _place_of(name: str) -> Callable[[Ask, Issue], int | None]:
    def place(ask: Ask, issue: Issue) -> int | None:
        names = [one["name"] for one in ask.truth.world.projects[issue.project].versions]
        return names.index(name) if name in names else None

    return place


def _number_in(key: str, number: int) -> Callable[[Ask, Issue], int | None]:
    return lambda _, issue: number if issue.key.startswith(f"{key}-") else None


def texts() -> list[Clause]:
    """`~`: every word, in any case and order, of ONE text; `*` and `?`; phrases in quotes.

    Words are letters and digits. `!~` never finds what is empty; `text` is summary, description,
    comments and text fields, and has no `!~`; of comments, one must match alone.
    """
    found = [
        field.contains(word, all_words(word))
        for field in (SUMMARY, DESCRIPTION, COMMENT, TEXT, IMPACT_TEXT)
        for word in ("report", "leak")
    ]
    found += [
        field.lacks(word, all_words(word))
        for field in (SUMMARY, DESCRIPTION, COMMENT, IMPACT_TEXT)
        for word in ("report", "leak")
    ]
    return [
        *found,
        SUMMARY.contains("Zebra", all_words("zebra")),
        SUMMARY.contains('"harbour zebra"', all_words("harbour", "zebra")),
        SUMMARY.contains('"\\"zebra crossing\\""', phrase("zebra", "crossing")),
        SUMMARY.contains('"\\"crossing zebra\\""', phrase("crossing", "zebra")),
        SUMMARY.lacks('"\\"zebra crossing\\""', phrase("zebra", "crossing")),
        SUMMARY.contains('"zeb*"', like("zeb.*")),
        SUMMARY.contains('"z?bra"', like("z.bra")),
        SUMMARY.contains('"repor*"', like("repor.*")),
        SUMMARY.contains('"f?rm"', like("f.rm")),
        SUMMARY.lacks('"re*"', like("re.*")),
        SUMMARY.contains("ÄRGER", all_words("ärger")),
        SUMMARY.contains("naïvem", all_words("naïvem")),
        SUMMARY.contains(unicodedata.normalize("NFD", "naïvem"), all_words("naïvem")),
        SUMMARY.contains("Тест", all_words("тест")),
        SUMMARY.contains('"日本語"', all_words("日本語")),
        SUMMARY.contains('"read me"', all_words("read", "me")),
        SUMMARY.contains("harbor", all_words("harbor")),
        SUMMARY.contains("draft", all_words("draft")),
        SUMMARY.contains("v2", all_words("v2")),
        SUMMARY.contains('"login page"', all_words("login", "page")),
        DESCRIPTION.contains('"quokka wombat"', all_words("quokka", "wombat")),
        COMMENT.contains('"quokka wombat"', all_words("quokka", "wombat")),
        COMMENT.contains("quokka", all_words("quokka")),
        every(
            COMMENT.contains("quokka", all_words("quokka")),
            COMMENT.contains("wombat", all_words("wombat")),
        ),
        COMMENT.lacks("wombat", all_words("wombat")),
        TEXT.contains('"quokka wombat"', all_words("quokka", "wombat")),
        TEXT.contains('"zebra quokka"', all_words("zebra", "quokka")),
        TEXT.contains('"quok*"', like("quok.*")),
        WORKLOG_COMMENT.contains("platypus", all_words("platypus")),
        WORKLOG_COMMENT.contains("report", all_words("report")),
        negated(SUMMARY.contains("report", all_words("report"))),
        negated(COMMENT.lacks("report", all_words("report"))),
        IMPACT_TEXT.contains("report", all_words("report")).written("cf[10041] ~ report"),
        SUMMARY.contains("x", all_words("zebra")).written("summary~zebra"),
    ]


def custom_fields() -> list[Clause]:
    """Fields of a site go by name or by `cf[n]`, as what they are: options, numbers, sprints."""
    return [
        TEAM_FIELD.equals('"Team Rot"', "team rot"),
        TEAM_FIELD.named("cf[10030]").equals('"team blau"', "team blau"),
        TEAM_FIELD.differs('"Équipe verte"', "équipe verte"),
        TEAM_FIELD.named("team").within('("Team Rot", "Équipe verte")', "team rot", "équipe verte"),
        TEAM_FIELD.outside('("Team Rot")', "team rot"),
        TEAM_FIELD.equals("10502", "10502"),
        REQUEST_TYPE.equals(quoted(REQUESTS[0]), REQUESTS[0].lower()),
        REQUEST_TYPE.differs(quoted(REQUESTS[1].upper()), REQUESTS[1].lower()),
        REQUEST_TYPE.named("cf[10050]").empty(),
        REVIEWERS.filled(),
        REVIEWERS.equals(quoted(PEOPLE[49].name), PEOPLE[49].name.lower()),
        REVIEWERS.outside(f"({PEOPLE[49].account_id})", PEOPLE[49].account_id),
        SPRINTS.equals('"Sprint 3"', "sprint 3"),
        SPRINTS.equals("501", "501"),
        SPRINTS.named("cf[10020]").differs('"Sprint 3"', "sprint 3"),
        SPRINTS.within('("Sprint 1", 503)', "sprint 1", "503"),
        SPRINTS.outside("(502, 503)", "502", "503"),
    ]


def links_and_parents() -> list[Clause]:
    """Parents and links count only if the viewer may see them; links from the issue asked about.

    `linkedIssues(K, "blocks")`: the issues of which K reads "K blocks …".
    """
    second = f"{KEY}-2"
    return [
        PARENT.equals(f"{KEY}-8", *_lower(8)),
        PARENT.equals(f"{KEY}-9", *_lower(9)),
        PARENT.differs(f"{KEY}-8", *_lower(8)),
        PARENT.within(f"({KEY}-8, {KEY}-9)", *_lower(8, 9)),
        PARENT.outside(f"({KEY}-8)", *_lower(8)),
        _linked(second),
        _linked(second, "blocks"),
        _linked(second, "is blocked by"),
        _linked(second, "relates to"),
        _linked(second, "is duplicated by"),
        _linked(second, "IS CLONED BY"),
        _linked(f"{KEY}-3", "is blocked by"),
        negated(_linked(second)),
        _linked(second, "blocks", "relates to"),
        LINK_TYPE.equals("blocks", "blocks"),
        LINK_TYPE.equals('"is blocked by"', "is blocked by"),
        LINK_TYPE.within('(clones, "is duplicated by")', "clones", "is duplicated by"),
        LINK_TYPE.differs("blocks", "blocks"),
    ]


def _linked(key: str, *phrases: str) -> Clause:
    wanted = {phrase.lower() for phrase in phrases}

    def holds(ask: Ask, issue: Issue) -> bool:
        others = _others(_issue_called(ask, key), ask)
        return any(other == issue.id and (not wanted or said in wanted) for said, other in others)

    arguments = ", ".join([key, *map(quoted, phrases)])
    return complement(f"issue IN linkedIssues({arguments})", holds)


def new_names() -> list[Clause]:
    """Fields and functions that Jira's reference has added, and its new names of old ones.

    `issueLink["blocks"]` is what an issue blocks; a sub-task's epic is its parent's.
    """
    blocked, blockers, linked = (
        Field(f"{name}{said}", partial(_other_keys, phrase=phrase))
        for name, said, phrase in (
            ("issueLink", '["blocks"]', "blocks"),
            ("workItemLink", "['is blocked by']", "is blocked by"),
            ("workItemLink", "", None),
        )
    )
    lead, second = PEOPLE[9], f"{KEY}-2"
    leads = Field("space", lambda ask, issue: (ask.truth.world.projects[issue.project].lead,))
    level = Field(
        "workType",
        lambda ask, issue: (ask.truth.world.issue_types[issue.issuetype]["hierarchyLevel"],),
    )
    return [
        PARENT_EPIC.equals(f"{KEY}-8", *_lower(8)),
        PARENT_EPIC.differs(f"{KEY}-8", *_lower(8)),
        negated(PARENT_EPIC.within(f"({KEY}-8, {KEY}-9)", *_lower(8, 9))),
        PARENT_PROJECT.equals(KEY, KEY.lower()),
        PARENT_PROJECT.differs(KEY, KEY.lower()),
        PARENT_PROJECT.within('(APP, "Web Shop")', "app", "web shop"),
        blocked.equals(f"{KEY}-3", *_lower(3)),
        blocked.differs(f"{KEY}-3", *_lower(3)),
        blockers.equals(second, second.lower()),
        blockers.within(f"({second}, {KEY}-3)", *_lower(2, 3)),
        linked.equals(second, second.lower()),
        LINK_TYPE.named("workItemLinkType").equals("clones", "clones"),
        _linked(second, "blocks").written(f'workItem IN linkedWorkItems({second}, "blocks")'),
        TEXT_FIELDS.contains("quokka", all_words("quokka")),
        TEXT_FIELDS.contains("leak", all_words("leak")),
        KEY_TEXT.contains(KEY, all_words(KEY.lower())),
        KEY_TEXT.lacks("APP", all_words("app")),
        KEY_TEXT.contains(f'"{second}"', phrase(KEY.lower(), "2")),
        negated(KEY_TEXT.contains('"-2"', all_words("2"))),
        PROJECT.named("space").within("(APP, HR)", "app", "hr"),
        leads.within(f"spacesLeadByUser({lead.account_id})", lead.account_id),
        level.within("standardWorkTypes()", 0, 1),
        level.outside("subtaskWorkTypes()", -1),
        ISSUE.named("workItem").equals(second, second.lower()),
        ISSUE.named("workItemKey").within(f"({second}, {KEY}-3)", *_lower(2, 3)),
        TEAM_FIELD.within('choiceOption("Team Rot")', "team rot"),
        TEAM_FIELD.within('choiceOption(10502, "team blau")', "10502", "team blau"),
        TEAM_FIELD.outside("choiceOption(10500)", "10500"),
    ]


def dates() -> list[Clause]:
    """Bare dates are their midnight in the filter's zone; fields without time compare by day."""
    points: tuple[tuple[str, Point], ...] = (
        ('"2031-05-12"', day("2031-05-12")),
        ('"2031/05/12 00:00"', minute("2031-05-12T00:00")),
        ('"2031-05-20 14:30"', minute("2031-05-20T14:30")),
        ("-2w", from_now(weeks=-2)),
        ('"-3d 4h"', from_now(days=-3, hours=-4)),
        ("-90m", from_now(minutes=-90)),
        ("now()", from_now()),
    )
    found = [
        field.compared(operator, text, start_of(point))
        for text, point in points
        for field, operator in (
            (CREATED, "<="),
            (CREATED.named("createdDate"), ">"),
            (UPDATED, ">="),
        )
    ]
    found += [
        RESOLVED.compared("<", '"2031-05-20"', start_of(day("2031-05-20"))),
        RESOLVED.named("resolutiondate").compared(">=", "-2w", start_of(from_now(weeks=-2))),
        CREATED.compared("<", "2031-05-12", start_of(day("2031-05-12"))),
        _at(CREATED, "=", '"2031-05-12"', day("2031-05-12")),
        _at(CREATED, "!=", '"2031-05-12"', day("2031-05-12")),
        DUE.compared("<", "now()", day_of(from_now())),
        DUE.compared("<=", "now()", day_of(from_now())),
        DUE.compared(">", '"2031-06-03"', day_of(day("2031-06-03"))),
        DUE.named("duedate").compared(">=", '"2031-06-03"', day_of(day("2031-06-03"))),
        DUE.compared("<=", '"7d"', day_of(from_now(days=7))),
        DUE.compared(">", "-1w", day_of(from_now(weeks=-1))),
        DUE.compared("<", "endOfWeek()", day_of(edge("week", end=True))),
        _on(DUE, "=", '"2031-06-03"', day("2031-06-03")),
        _on(DUE, "=", "startOfDay()", edge("day")),
        _on(DUE, "!=", '"2031-06-03"', day("2031-06-03")),
        WORKLOG_DATE.compared(">=", '"2031-05-20"', day_of(day("2031-05-20"))),
        WORKLOG_DATE.compared("<", "-4w", day_of(from_now(weeks=-4))),
        _on(WORKLOG_DATE, "=", '"2031-05-23"', day("2031-05-23")),
        WORKLOG_DATE.compared(">", "startOfMonth()", day_of(edge("month"))),
    ]
    return found


def _at(field: Field, operator: str, text: str, point: Point) -> Clause:
    """Compare a date and time with `=` or `!=`: its very instant, to the second."""

    def seconds(ask: Ask, issue: Issue) -> list[int]:
        return [value // SECOND for value in field.values(ask, issue)]

    return _same(Field(field.name, seconds), operator, text, lambda ask: point(ask)[0] // SECOND)


def _on(field: Field, operator: str, text: str, point: Point) -> Clause:
    """Compare a date with `=` or `!=`: its day in the filter's zone."""
    return _same(field, operator, text, lambda ask: local_day(ask, point(ask)[0]))


def _same(field: Field, operator: str, text: str, wanted: Callable[[Ask], int | str]) -> Clause:
    def equal(ask: Ask, issue: Issue) -> bool:
        return wanted(ask) in field.values(ask, issue)

    def different(ask: Ask, issue: Issue) -> bool:
        values = field.values(ask, issue)
        return bool(values) and wanted(ask) not in values

    jql = f"{field.name} {operator} {text}"
    return Clause(jql, equal, different) if operator == "=" else Clause(jql, different, equal)


def calendar() -> list[Clause]:
    """Calendar functions are of the filter's zone; weeks begin on Monday.

    An increment in the function's own unit moves the period; in another one, the edge.
    """
    day_and_half = timedelta(days=1, hours=12)
    points: tuple[tuple[str, Point], ...] = (
        ("startOfDay()", edge("day")),
        ("startOfDay(-1)", edge("day", moved=-1)),
        ('startOfDay("-3d")', edge("day", moved=-3)),
        ('startOfDay("-6h")', edge("day", then=timedelta(hours=-6))),
        ("endOfDay(-1)", edge("day", end=True, moved=-1)),
        ("startOfWeek()", edge("week")),
        ('startOfWeek("-1w")', edge("week", moved=-1)),
        ('startOfWeek("-2")', edge("week", moved=-2)),
        ('startOfWeek("+1d")', edge("week", then=timedelta(days=1))),
        ("endOfWeek(-1)", edge("week", end=True, moved=-1)),
        ("startOfMonth()", edge("month")),
        ("startOfMonth(-1)", edge("month", moved=-1)),
        ('startOfMonth("-1M")', edge("month", moved=-1)),
        ('startOfMonth("-13d")', edge("month", then=timedelta(days=-13))),
        ("endOfMonth(-1)", edge("month", end=True, moved=-1)),
        ('endOfMonth("-36h")', edge("month", end=True, then=-day_and_half)),
        ("endOfMonth()", edge("month", end=True)),
        ("startOfYear()", edge("year")),
        ("endOfYear(-1)", edge("year", end=True, moved=-1)),
        ("ENDOFDAY()", edge("day", end=True)),
    )
    return [
        CREATED.compared(operator, text, start_of(point))
        for number, (text, point) in enumerate(points)
        for operator in ((">=", "<") if number % 2 else (">",))
    ]


def versions_and_sprints() -> list[Clause]:
    """Functions of versions (by the order in their project) and of sprints by their state."""
    return [
        RELEASED.within("releasedVersions()", "True"),
        RELEASED.within("unreleasedVersions()", "False"),
        RELEASED.outside("releasedVersions()", "True"),
        _versions_of("APP", "releasedVersions(APP)", is_released=True),
        _versions_of(KEY, f"unreleasedVersions({KEY.lower()})", is_released=False),
        _versions_of("APP", 'releasedVersions("Mobile App")', is_released=True),
        _edge_version(f"latestReleasedVersion({KEY})", KEY, is_released=True, place=-1),
        _edge_version(f"earliestUnreleasedVersion({KEY})", KEY, is_released=False, place=0),
        SPRINT_STATE.within("openSprints()", "active"),
        SPRINT_STATE.within("closedSprints()", "closed"),
        SPRINT_STATE.within("futureSprints()", "future"),
        SPRINT_STATE.outside("closedSprints()", "closed"),
        negated(SPRINT_STATE.within("openSprints()", "active")),
        some(
            SPRINT_STATE.within("openSprints()", "active"),
            SPRINT_STATE.within("futureSprints()", "future"),
        ),
    ]


def _versions_of(key: str, text: str, *, is_released: bool) -> Clause:
    field = Field(
        "fixVersion",
        lambda ask, issue: [
            (key.lower() in _project(ask, issue), version["released"])
            for version in _fix_versions(ask, issue)
        ],
    )
    return field.within(text, (True, is_released))


def _edge_version(text: str, key: str, *, is_released: bool, place: int) -> Clause:
    def fitting(ask: Ask, issue: Issue) -> list[str]:
        (project,) = (one for one in ask.truth.world.projects.values() if one.key == key)
        held = [one["id"] for one in project.versions if one["released"] == is_released]
        wanted = held[place] if held else None  # of a version that is not, no issue is
        return ["it" if version_id == wanted else "another" for version_id in issue.fix_versions]

    return Field("fixVersion", fitting).equals(text, "it")


def people_functions() -> list[Clause]:
    """Members of a group now; projects someone leads; types by whether they are sub-tasks."""
    lead = PEOPLE[9]
    leads = Field("project", lambda ask, issue: (ask.truth.world.projects[issue.project].lead,))
    level = Field(
        "issuetype",
        lambda ask, issue: (ask.truth.world.issue_types[issue.issuetype]["hierarchyLevel"],),
    )
    return [
        _members_of("assignee", "Night shift", lambda issue: issue.assignee),
        _members_of("reporter", "support", lambda issue: issue.reporter),
        _members_of("creator", "jira-administrators", lambda issue: issue.creator),
        negated(_members_of("assignee", "Night shift", lambda issue: issue.assignee)),
        _organization_members("reporter", ["ACME Ltd"], lambda issue: issue.reporter),
        _organization_members(
            "assignee", ["Zürich Versicherung", "Team “Süd”"], lambda issue: issue.assignee
        ),
        negated(_organization_members("assignee", ["ACME Ltd"], lambda issue: issue.assignee)),
        leads.within(f"projectsLeadByUser({quoted(lead.name)})", lead.account_id),
        leads.within(f"projectsLeadByUser({lead.account_id})", lead.account_id),
        leads.outside(f"projectsLeadByUser({lead.account_id})", lead.account_id),
        level.within("standardIssueTypes()", 0, 1),
        level.within("subtaskIssueTypes()", -1),
        level.outside("standardIssueTypes()", 0, 1),
    ]


def _members_of(name: str, group: str, account: Callable[[Issue], str | None]) -> Clause:
    return _belongs(
        f"{name} IN membersOf({quoted(group)})",
        lambda ask: [
            one
            for found in ask.truth.world.domain(Admin).groups.values()
            if found.name == group
            for one in found.members
        ],
        account,
    )


def _organization_members(
    name: str, wanted: Sequence[str], account: Callable[[Issue], str | None]
) -> Clause:
    return _belongs(
        f"{name} IN organizationMembers({', '.join(map(quoted, wanted))})",
        lambda ask: [
            one
            for found in ask.truth.world.domain(Admin).organizations.values()
            if found.name in wanted
            for one in found.members
        ],
        account,
    )


def _belongs(
    jql: str, members: Callable[[Ask], list[str]], account: Callable[[Issue], str | None]
) -> Clause:
    return Clause(
        jql,
        lambda ask, issue: account(issue) in members(ask),
        lambda ask, issue: account(issue) is not None and account(issue) not in members(ask),
    )


def updates() -> list[Clause]:
    """updatedBy: who created it, changed it (any history entry), commented or last edited one.

    The dates are whole days, the last one included.
    """
    ann, fifth = PEOPLE[1], PEOPLE[5]
    return [
        _updated_by(quoted(ann.name), ann.account_id),
        _updated_by(fifth.account_id, fifth.account_id),
        _updated_by(ann.account_id, ann.account_id, '"2031-05-12"', '"2031-05-19"'),
        _updated_by(fifth.account_id, fifth.account_id, '"2031/05/23"'),
        _updated_by(fifth.account_id, fifth.account_id, '"2031-05-24"', '"2031-05-24"'),
        _updated_by(fifth.account_id, fifth.account_id, '"2031-05-24"', '"2031-05-23"'),
        _updated_by(fifth.account_id, fifth.account_id, '"2031-05-22"', '"2031-05-22"'),
        every(
            _updated_by(fifth.account_id, fifth.account_id, '"2031-05-23"'),
            negated(_updated_by(ann.account_id, ann.account_id, '"2031-05-01"', '"2031-05-20"')),
        ),
        negated(_updated_by(ann.account_id, ann.account_id)),
    ]


def _updated_by(text: str, account_id: str, first: str = "", last: str = "") -> Clause:
    def holds(ask: Ask, issue: Issue) -> bool:
        start, end = 0, ask.now
        if first:
            start = day(first.strip('"').replace("/", "-"))(ask)[0]
        if last:
            end = day(last.strip('"'))(ask)[1]
        acts = [
            (issue.creator, issue.created),
            *((history.author, history.at) for history in issue.histories),
            *((comment.author, comment.created) for comment in issue.comments.values()),
            *((comment.update_author, comment.updated) for comment in issue.comments.values()),
        ]
        return any(who == account_id and start <= at <= end for who, at in acts)

    arguments = ", ".join(part for part in (text, first, last) if part)
    return complement(f"issuekey IN updatedBy({arguments})", holds)


def was() -> list[Clause]:
    """WAS: a spell with the value, from being set (at creation: by the creator) to being replaced.

    WAS NOT is the complement: never, so also what was always empty.
    """
    three, one = PEOPLE[3], PEOPLE[1]
    return [
        STATUS_HISTORY.was('"In Review"', "10002"),
        STATUS_HISTORY.was("10002", "10002"),
        STATUS_HISTORY.was("等待中", "10005"),
        STATUS_HISTORY.was_not('"In Review"', "10002"),
        STATUS_HISTORY.was_in('("In Review", Done)', "10002", "10003"),
        STATUS_HISTORY.was_not_in('("In Review", Done, "In Progress")', "10001", "10002", "10003"),
        STATUS_HISTORY.was_in('("To Do")', "10000"),
        negated(STATUS_HISTORY.was("Done", "10003")),
        negated(STATUS_HISTORY.was_not("Done", "10003")),
        ASSIGNEE_HISTORY.was(three.account_id, three.account_id),
        ASSIGNEE_HISTORY.was(quoted(one.name), one.account_id),
        ASSIGNEE_HISTORY.was("EMPTY", None),
        ASSIGNEE_HISTORY.was_not("EMPTY", None),
        ASSIGNEE_HISTORY.was_not(three.account_id, three.account_id),
        ASSIGNEE_HISTORY.was_in(f"({three.account_id}, EMPTY)", three.account_id, None),
        REPORTER_HISTORY.was(quoted(one.name), one.account_id),
        REPORTER_HISTORY.was_not(quoted(one.name), one.account_id),
        PRIORITY_HISTORY.was("Highest", "1"),
        PRIORITY_HISTORY.was_not_in("(Highest, High)", "1", "2"),
        RESOLUTION_HISTORY.was("Done", "10100"),
        RESOLUTION_HISTORY.was("EMPTY", None),
        RESOLUTION_HISTORY.was_not("EMPTY", None),
        RESOLUTION_HISTORY.was_in('(Duplicate, "Won\'t Do")', "10102", "10101"),
        VERSION_HISTORY.was('"1.0"', "13200"),
        VERSION_HISTORY.was_not('"APP 2.0"', "13001"),
        VERSION_HISTORY.was_in('("APP 1.0", "WEB 2.0")', "13000", "13011"),
        VERSION_HISTORY.was("EMPTY", None),
    ]


def was_narrowed() -> list[Clause]:
    """WAS with predicates: one spell fulfils them all.

    BEFORE: set before it. AFTER: lasting after it. ON, DURING: lasting within it, edges included.
    BY: who set it. A bare date is the whole day, a date with a time that minute.
    """
    zurich_edges = (
        ("2031-05-12", "2031-05-13"),
        ("2031-05-13", "2031-05-14"),
        ("2031-05-14", "2031-05-15"),
        ("2031-05-17", "2031-05-18"),
    )
    found = []
    for first, last in zurich_edges:
        for value, status_id in (('"To Do"', "10000"), ('"In Progress"', "10001")):
            narrowings = (
                before(quoted(first), day(first)),
                after(quoted(first), day(first)),
                on(quoted(first), day(first)),
                during(quoted(first), day(first), quoted(last), day(last)),
            )
            found += [
                STATUS_HISTORY.was(value, status_id, narrow=[narrowing]) for narrowing in narrowings
            ]
    ben, app = PEOPLE[2], PEOPLE[80]
    return [
        *found,
        STATUS_HISTORY.was("Done", "10003", narrow=[by(quoted(ben.name), ben.account_id)]),
        STATUS_HISTORY.was(
            '"To Do"', "10000", narrow=[by(PEOPLE[1].account_id, PEOPLE[1].account_id)]
        ),
        STATUS_HISTORY.was(
            "Geschlossen",
            "10004",
            narrow=[by(f"({ben.account_id}, {app.account_id})", ben.account_id, app.account_id)],
        ),
        STATUS_HISTORY.was(
            '"In Review"',
            "10002",
            narrow=[before('"-3w"', from_now(weeks=-3)), after('"-4w"', from_now(weeks=-4))],
        ),
        STATUS_HISTORY.was(
            '"In Progress"', "10001", narrow=[on('"2031-05-13 00:00"', minute("2031-05-13T00:00"))]
        ),
        STATUS_HISTORY.was(
            "Done", "10003", narrow=[before('"2031-05-17 12:30"', minute("2031-05-17T12:30"))]
        ),
        STATUS_HISTORY.was(
            "Done", "10003", narrow=[after("startOfWeek(-1)", edge("week", moved=-1))]
        ),
        STATUS_HISTORY.was_not("Done", "10003", narrow=[before('"2031-05-17"', day("2031-05-17"))]),
        STATUS_HISTORY.was_not_in(
            '(Done, "In Review")', "10003", "10002", narrow=[on('"2031-05-15"', day("2031-05-15"))]
        ),
        STATUS_HISTORY.was_in(
            '("In Review", Geschlossen)',
            "10002",
            "10004",
            narrow=[
                during('"2031-05-01"', day("2031-05-01"), "startOfWeek()", edge("week")),
                by(PEOPLE[10].account_id, PEOPLE[10].account_id),
            ],
        ),
        ASSIGNEE_HISTORY.was("EMPTY", None, narrow=[on('"2031-05-13"', day("2031-05-13"))]),
        ASSIGNEE_HISTORY.was("EMPTY", None, narrow=[after("-1w", from_now(weeks=-1))]),
        ASSIGNEE_HISTORY.was(
            PEOPLE[3].account_id,
            PEOPLE[3].account_id,
            narrow=[before('"2031-05-13"', day("2031-05-13"))],
        ),
        ASSIGNEE_HISTORY.was(
            PEOPLE[3].account_id,
            PEOPLE[3].account_id,
            narrow=[by(quoted(ben.name), ben.account_id)],
        ),
        PRIORITY_HISTORY.was("Highest", "1", narrow=[before("-2w", from_now(weeks=-2))]),
        RESOLUTION_HISTORY.was("Done", "10100", narrow=[on('"2031-05-18"', day("2031-05-18"))]),
        VERSION_HISTORY.was('"1.0"', "13200", narrow=[after('"2031-05-21"', day("2031-05-21"))]),
        VERSION_HISTORY.was('"10.0"', "13201", narrow=[before('"2031-05-21"', day("2031-05-21"))]),
    ]


def changed() -> list[Clause]:
    """One change fulfils all predicates of CHANGED; what an issue was created with is none."""
    ann, ben = PEOPLE[1], PEOPLE[2]
    fields = (
        STATUS_HISTORY,
        ASSIGNEE_HISTORY,
        REPORTER_HISTORY,
        PRIORITY_HISTORY,
        RESOLUTION_HISTORY,
        VERSION_HISTORY,
    )
    edge_days = ("2031-05-13", "2031-05-14", "2031-05-16")
    return [
        *(field.changed() for field in fields),
        negated(STATUS_HISTORY.changed()),
        negated(ASSIGNEE_HISTORY.changed(after("-1w", from_now(weeks=-1)))),
        *(
            STATUS_HISTORY.changed(narrow(quoted(text), day(text)))
            for text in edge_days
            for narrow in (before, after, on)
        ),
        *(
            STATUS_HISTORY.changed(during(quoted(a), day(a), quoted(b), day(b)))
            for a, b in (("2031-05-13", "2031-05-14"), ("2031-05-14", "2031-05-16"))
        ),
        ASSIGNEE_HISTORY.changed(on('"2031-05-16"', day("2031-05-16"))),
        STATUS_HISTORY.changed(on('"2031-05-17 12:30"', minute("2031-05-17T12:30"))),
        STATUS_HISTORY.changed(after('"2031-05-17 12:30"', minute("2031-05-17T12:30"))),
        STATUS_HISTORY.changed(changed_from('"To Do"', "10000")),
        STATUS_HISTORY.changed(changed_to("Done", "10003")),
        STATUS_HISTORY.changed(changed_from('"In Progress"', "10001"), changed_to("Done", "10003")),
        STATUS_HISTORY.changed(
            changed_from('("To Do", "In Progress")', "10000", "10001"),
            changed_to("(Done, Geschlossen)", "10003", "10004"),
        ),
        STATUS_HISTORY.changed(
            changed_to("Done", "10003"), after("startOfMonth(-1)", edge("month", moved=-1))
        ),
        STATUS_HISTORY.changed(
            changed_from('"To Do"', "10000"),
            changed_to('"In Progress"', "10001"),
            by(ben.account_id, ben.account_id),
            on('"2031-05-13"', day("2031-05-13")),
        ),
        STATUS_HISTORY.changed(by(quoted(ben.name), ben.account_id)),
        STATUS_HISTORY.changed(
            by(f"({ann.account_id}, {quoted(ben.name)})", ann.account_id, ben.account_id)
        ),
        STATUS_HISTORY.changed(by("EMPTY", None)),
        STATUS_HISTORY.changed(
            before('"2031-05-20"', day("2031-05-20")), after('"2031-05-10"', day("2031-05-10"))
        ),
        ASSIGNEE_HISTORY.changed(changed_from("EMPTY", None)),
        ASSIGNEE_HISTORY.changed(changed_to("EMPTY", None)),
        ASSIGNEE_HISTORY.changed(
            changed_from(PEOPLE[3].account_id, PEOPLE[3].account_id), changed_to("EMPTY", None)
        ),
        PRIORITY_HISTORY.changed(changed_to("Highest", "1")),
        PRIORITY_HISTORY.changed(
            changed_from("Medium", "3"), changed_to("(High, Highest)", "2", "1")
        ),
        RESOLUTION_HISTORY.changed(changed_to("EMPTY", None)),
        RESOLUTION_HISTORY.changed(changed_from("Done", "10100")),
        VERSION_HISTORY.changed(changed_to('"1.0"', "13200")),
        VERSION_HISTORY.changed(changed_from('"1.0"', "13200")),
        VERSION_HISTORY.changed(changed_to('"APP 2.0"', "13001")),
        REPORTER_HISTORY.changed(changed_to(quoted(ben.name), ben.account_id)),
        every(
            STATUS_HISTORY.changed(changed_to("Done", "10003")),
            STATUS.differs("Done", "done"),
        ),
        every(
            STATUS_HISTORY.was("Done", "10003"),
            STATUS_HISTORY.was_not("等待中", "10005"),
            negated(ASSIGNEE_HISTORY.changed()),
        ),
    ]


def edges() -> list[Clause]:
    """Ask of history at the very minute, in other zones, of long spells, twice, and turned round.

    A spell ends when the next one begins, so it does not last at that instant. BEFORE one time and
    AFTER a later one is a spell that lasts from the one to the other.
    """
    ben = PEOPLE[2]
    minutes = ("2031-05-13 00:00", "2031-05-14 23:59", "2031-05-16 00:00", "2031-05-17 12:30")
    found = [
        clause
        for text in minutes
        for point in [minute(text.replace(" ", "T"))]
        for clause in (
            STATUS_HISTORY.was('"In Progress"', "10001", narrow=[before(quoted(text), point)]),
            STATUS_HISTORY.was('"In Progress"', "10001", narrow=[after(quoted(text), point)]),
            STATUS_HISTORY.was('"In Review"', "10002", narrow=[on(quoted(text), point)]),
            ASSIGNEE_HISTORY.changed(during(quoted(text), point, quoted(text), point)),
        )
    ]
    may = [(f'"2031-05-{number}"', day(f"2031-05-{number}")) for number in (14, 16, 19, 25)]
    long_ago, long_after = may[0], may[3]
    in_progress = ('"In Progress"', "10001")
    return [
        *found,
        STATUS_HISTORY.was('"To Do"', "10000", narrow=[before(*long_ago), after(*long_after)]),
        STATUS_HISTORY.was("Done", "10003", narrow=[before(*may[2]), after(*may[3])]),
        ASSIGNEE_HISTORY.was("EMPTY", None, narrow=[before(*may[1]), after(*may[2])]),
        PRIORITY_HISTORY.was("High", "2", narrow=[before(*long_ago), after(*long_after)]),
        STATUS_HISTORY.changed(before(*long_ago), after(*long_after)),
        STATUS_HISTORY.was("Done", "10003", narrow=[on(*may[1]), on(*may[2])]),
        STATUS_HISTORY.was(*in_progress, narrow=[on(*may[0]), by(ben.account_id, ben.account_id)]),
        STATUS_HISTORY.was_not(*in_progress, narrow=[during(*may[0], *may[1])]),
        negated(STATUS_HISTORY.was_not(*in_progress, narrow=[during(*may[0], *may[1])])),
        negated(STATUS_HISTORY.was_in('(Done, "To Do")', "10003", "10000", narrow=[on(*may[2])])),
        negated(negated(STATUS_HISTORY.changed(by(ben.account_id, ben.account_id)))),
        negated(some(STATUS_HISTORY.changed(after(*may[3])), ASSIGNEE_HISTORY.was("EMPTY", None))),
        every(
            negated(STATUS_HISTORY.was("Done", "10003", narrow=[before(*may[2])])),
            STATUS_HISTORY.was("Done", "10003"),
        ),
        ASSIGNEE_HISTORY.changed(changed_from("EMPTY", None), before(*may[1])),
        ASSIGNEE_HISTORY.changed(
            changed_from(f"(EMPTY, {PEOPLE[3].account_id})", None, PEOPLE[3].account_id)
        ),
        negated(ASSIGNEE_HISTORY.changed(changed_from("EMPTY", None))),
        RESOLUTION_HISTORY.changed(changed_from("EMPTY", None), changed_to("Done", "10100")),
        RESOLUTION_HISTORY.changed(changed_from("unresolved", None), on(*may[1])),
        RESOLUTION_HISTORY.was("Unresolved", None, narrow=[after(*may[3])]),
        VERSION_HISTORY.changed(changed_from("EMPTY", None)),
        VERSION_HISTORY.changed(changed_to("EMPTY", None)),
        STATUS_HISTORY.changed(after('"2031-05-17 12:29"', minute("2031-05-17T12:29"))),
        STATUS_HISTORY.changed(changed_to("Done", "10003"), after("now()", from_now())),
        STATUS_HISTORY.was("Done", "10003", narrow=[on("now()", from_now())]),
        STATUS_HISTORY.was('"To Do"', "10000", narrow=[on("startOfDay()", edge("day"))]),
    ]


def other_histories() -> list[Clause]:
    """Ask of the history of any field whose changes Jira keeps; of lists, of each member."""
    ann, since = PEOPLE[1], after('"2031-05-21"', day("2031-05-21"))
    third, fourth = PEOPLE[3], PEOPLE[4]
    return [
        *(field.changed() for field in OTHER_HISTORIES),
        *(field.changed(since) for field in OTHER_HISTORIES[:4]),
        OTHER_HISTORIES[0].changed(by(ann.account_id, ann.account_id)),
        negated(OTHER_HISTORIES[1].changed()),
        TYPE_HISTORY.changed(),
        TYPE_HISTORY.was("Bug", "10202"),
        TYPE_HISTORY.was_not("Task", "10203"),
        PROJECT_HISTORY.changed(),
        PROJECT_HISTORY.changed(changed_from(KEY, KEY), changed_to("APP", "APP")),
        PROJECT_HISTORY.was(KEY, KEY),
        PROJECT_HISTORY.was("APP", "APP", narrow=[before('"2031-05-20"', day("2031-05-20"))]),
        every(PROJECT.equals("APP", "app"), PROJECT_HISTORY.was_not("APP", "APP")),
        every(PROJECT_HISTORY.was("APP", "APP"), PROJECT.differs("APP", "app")),
        COMPONENT_HISTORY.changed(),
        COMPONENT_HISTORY.changed(changed_to("Hafenmauer", "12201")),
        COMPONENT_HISTORY.was("Hafenmauer", "12201"),
        COMPONENT_HISTORY.was("EMPTY", None, narrow=[since]),
        PARENT_HISTORY.changed(),
        PARENT_HISTORY.changed(changed_from("EMPTY", None)),
        SPRINT_HISTORY.changed(),
        SPRINT_HISTORY.was("501", "501"),
        SPRINT_HISTORY.was('"Sprint 3"', "502"),
        SPRINT_HISTORY.was_not("501", "501"),
        SPRINT_HISTORY.was("EMPTY", None),
        SPRINT_HISTORY.was("501", "501", narrow=[by(third.account_id, third.account_id)]),
        SPRINT_HISTORY.was("502", "502", narrow=[by(third.account_id, third.account_id)]),
        SPRINT_HISTORY.was("502", "502", narrow=[by(fourth.account_id, fourth.account_id)]),
        SPRINT_HISTORY.was("501", "501", narrow=[on('"2031-05-24"', day("2031-05-24"))]),
        SPRINT_HISTORY.was("501", "501", narrow=[on('"2031-05-25"', day("2031-05-25"))]),
        SPRINT_HISTORY.was("502", "502", narrow=[on('"2031-05-25"', day("2031-05-25"))]),
        SPRINT_HISTORY.was("EMPTY", None, narrow=[on('"2031-05-26"', day("2031-05-26"))]),
        SPRINT_HISTORY.was("503", "503", narrow=[after('"2031-05-27"', day("2031-05-27"))]),
        LABELS_HISTORY.changed(),
        LABELS_HISTORY.was("ops", "ops"),
        LABELS_HISTORY.was("OPS", "ops"),
        LABELS_HISTORY.was("EMPTY", None),
        LABELS_HISTORY.was_in("(q1, EMPTY)", "q1", None),
        LABELS_HISTORY.was("ops", "ops", narrow=[since]),
        LABELS_HISTORY.was("ops", "ops", narrow=[by(ann.account_id, ann.account_id)]),
        LABELS_HISTORY.was_not("ops", "ops", narrow=[since]),
    ]


def oddities() -> list[Clause]:
    """Names that look like something else; EMPTY in lists; old keys; what NOT makes of it all."""
    moved = f"{KEY}-12"
    numbers = Field("key", lambda _, issue: (int(issue.key.rpartition("-")[2]),))
    open_or_third = Field("Sprint", lambda a, i: (*_sprint_states(a, i), *_sprints(a, i)))
    others = Field("issueLink", _other_keys)
    second = f"{KEY}-2".lower()
    return [
        COMPONENT_NAME.equals("12000", "12000"),
        COMPONENT_NAME.differs("12000", "12000"),
        LABELS.equals("123", "123"),
        LABELS.within('(123, "null")', "123", "null"),
        LABELS.equals('"null"', "null"),
        LABELS.equals('"EMPTY"', "empty"),
        LABELS.equals("'say-“hi”'", "say-“hi”"),
        LABELS.outside('("empty", 123)', "empty", "123"),
        ASSIGNEE.outside(f"({PEOPLE[3].account_id}, EMPTY)", PEOPLE[3].account_id, None),
        negated(ASSIGNEE.within(f"({PEOPLE[3].account_id}, EMPTY)", PEOPLE[3].account_id, None)),
        negated(ASSIGNEE.outside(f"({PEOPLE[3].account_id}, NULL)", PEOPLE[3].account_id, None)),
        FIX_VERSION.outside('("1.0", EMPTY)', "1.0", None),
        negated(FIX_VERSION.outside('("1.0", "10.0")', "1.0", "10.0")),
        LABELS.within("(EMPTY)", None),
        LABELS.outside("(EMPTY)", None),
        RESOLUTION.outside("(Unresolved)", None),
        ISSUE.differs(moved, moved.lower()),
        ISSUE.within(f"({moved}, {KEY}-3)", moved.lower(), f"{KEY}-3".lower()),
        ISSUE.outside(f"({moved.lower()})", moved.lower()),
        numbers.compared(">=", moved, _number_in(KEY, 12)),
        numbers.compared("<", f"{KEY}-3", _number_in(KEY, 3)),
        negated(numbers.compared(">", f"{KEY}-3", _number_in(KEY, 3))),
        numbers.named("issuekey").compared("<=", f"{KEY}-999999", _number_in(KEY, 999_999)),
        every(
            numbers.compared(">", "APP-10", _number_in("APP", 10)),
            numbers.compared("<", "APP-30", _number_in("APP", 30)),
        ),
        PROJECT.equals(OLD.id, "old"),
        EPIC_LINK.equals(f"{KEY}-8", *_lower(8)),
        PARENT.differs(f"{KEY}-9", *_lower(9)),
        every(PARENT.filled(), PARENT.outside(f"({KEY}-8, {KEY}-9)", *_lower(8, 9))),
        others.equals(f"{KEY}-2", second),
        others.outside(f"({KEY}-2)", second),
        negated(LINK_TYPE.equals("blocks", "blocks")),
        LINK_TYPE.outside('(blocks, "is blocked by")', "blocks", "is blocked by"),
        LINK_TYPE.equals("Duplicate", "duplicates", "is duplicated by"),
        LINK_TYPE.equals('"relates to"', "relates to"),
        STATUS_CATEGORY.outside('("To Do", Done)', "to do", "done"),
        negated(STATUS_CATEGORY.within('("In Progress")', "in progress")),
        STATUS_CATEGORY.equals("indeterminate", "indeterminate"),
        VOTES.differs("0", 0),
        negated(VOTES.compared(">", "0", lambda *_: 0)),
        WATCHERS.within("(1, 2)", 1, 2),
        WATCHERS.compared("<", "1", lambda *_: 1),
        open_or_third.within('(openSprints(), "Sprint 3")', "active", "sprint 3"),
        SPRINT_STATE.outside("(closedSprints(), futureSprints())", "closed", "future"),
        negated(SPRINT_STATE.outside("openSprints()", "active")),
        RELEASED.outside("(releasedVersions(), unreleasedVersions())", "True", "False"),
        _versions_of("WEB", "unreleasedVersions(WEB)", is_released=False),
        _edge_version("earliestUnreleasedVersion(WEB)", "WEB", is_released=False, place=0),
        TEAM_FIELD.within('("Team Rot", EMPTY)', "team rot", None),
        TEAM_FIELD.outside("(10500, 10501)", "10500", "10501"),
        POINTS_FIELD.outside("(1, 2, EMPTY)", 1.0, 2.0, None),
        negated(POINTS_FIELD.compared("<=", "2", lambda *_: 2)),
        every(
            TEXT.contains("quokka", all_words("quokka")),
            TEXT.contains("zebra", all_words("zebra")),
        ),
        _at(CREATED, "=", '"2031-05-12 00:01"', minute("2031-05-12T00:01")),
        _at(CREATED, "!=", '"2031-05-12 00:03"', minute("2031-05-12T00:03")),
        _at(UPDATED, "=", "now()", from_now()),
        _at(CREATED, "=", "startOfDay()", edge("day")),
        _on(DUE, "=", "now()", from_now()),
        negated(_on(DUE, "!=", '"2031-06-02"', day("2031-06-02"))),
    ]


def gone() -> list[Clause]:
    """Leave out what is deleted unless the query names the field `deleted` (our extension)."""
    either = DELETED.within("(true, false)", "True", "False")
    zebra = SUMMARY.contains("zebra", all_words("zebra"))
    gone_ones, present = DELETED.equals("true", "True"), DELETED.equals("false", "False")
    return [
        gone_ones,
        present,
        DELETED.differs("true", "True"),
        either,
        every(gone_ones, PROJECT.equals("APP", "app")),
        some(gone_ones, every(present, LABELS.equals("ops", "ops"))),
        negated(gone_ones),
        every(gone_ones, STATUS_HISTORY.was('"In Progress"', "10001")),
        every(gone_ones, zebra),
        every(either, zebra),
    ]


def _my_roles(ask: Ask, issue: Issue) -> list[str]:
    """Give the roles that the viewer has in an issue's project, and a word for none."""
    admin = ask.truth.world.domain(Admin)
    mine = {("user", ask.viewer)} | {
        ("group", group.id) for group in admin.groups.values() if ask.viewer in group.members
    }
    held = [
        role.name
        for role in admin.roles.values()
        if mine & set(admin.actors.get((issue.project, role.id), ()))
    ]
    return ["a project", *held]


def mine() -> list[Clause]:
    """Take the viewer's account for currentUser(). Who may see secured issues is not asked here."""
    me = PEOPLE[VIEWER].account_id
    clauses = [
        ASSIGNEE.equals("currentUser()", me),
        REPORTER.within(f"(currentUser(), {PEOPLE[2].account_id})", me, PEOPLE[2].account_id),
        ASSIGNEE.differs("currentUser()", me),
        ASSIGNEE_HISTORY.was("currentUser()", me),
        STATUS_HISTORY.changed(by("currentUser()", me)),
        CREATOR.equals("currentUser()", me),
        Field("project", _my_roles).within('projectsWhereUserHasRole("Developers")', "Developers"),
        Field("space", _my_roles).outside("spacesWhereUserHasRole(Viewers)", "Viewers"),
    ]
    return [every(clause, SECURITY.empty()) for clause in clauses]


VIEWER = 1
"""Which of `PEOPLE` asks what depends on the viewer."""

GROUPS: dict[Callable[[], list[Clause]], tuple[str, ...]] = {
    equality: (UTC,),
    persons: (UTC,),
    lists: (UTC,),
    empties: (UTC,),
    logic: (UTC,),
    one_worklog: (ZURICH,),
    writing: (UTC,),
    order: (UTC,),
    comparisons: (UTC,),
    texts: (UTC,),
    custom_fields: (UTC,),
    links_and_parents: (UTC,),
    new_names: (UTC,),
    dates: (ZURICH, KIRITIMATI),
    calendar: (NEW_YORK, KATHMANDU, KIRITIMATI),
    versions_and_sprints: (UTC,),
    people_functions: (UTC,),
    updates: (ZURICH,),
    was: (UTC,),
    was_narrowed: (ZURICH,),
    changed: (ZURICH,),
    edges: (ZURICH, UTC, NEW_YORK, KIRITIMATI),
    other_histories: (ZURICH,),
    oddities: (ZURICH,),
}
"""The groups, and the time zones in which their clauses are asked in turn."""


def combinations(count: int) -> list[Clause]:
    """Combine atoms of every group at random, by a fixed seed: up to three levels deep."""
    rng = random.Random("jql corpus")
    atoms = [
        clause
        for group in GROUPS
        if group not in (order, logic, writing)
        for clause in group()
        # AND means one worklog if there are several; of `text` there is no opposite
        if not any(word in clause.jql for word in ("worklog", "text ~"))
    ]
    made: list[Clause] = []
    while len(made) < count:
        made.append(_combined(rng, atoms, 3))
    return made


def _combined(rng: random.Random, atoms: list[Clause], depth: int) -> Clause:
    kind = rng.random()
    if depth == 0 or kind < 0.15:
        return rng.choice(atoms)
    if kind < 0.3:
        return negated(_combined(rng, atoms, depth - 1))
    parts = [_combined(rng, atoms, depth - 1) for _ in range(rng.choice((2, 2, 3)))]
    return every(*parts) if kind < 0.55 else some(*parts)


def corpus() -> list[Case]:
    """Give all cases, each text once."""
    cases = [
        Case(clause, zones[number % len(zones)])
        for group, zones in GROUPS.items()
        for number, clause in enumerate(group())
    ]
    cases += [Case(clause, with_gone=True) for clause in gone()]
    cases += [Case(clause, viewer=VIEWER) for clause in mine()]
    zones = (UTC, ZURICH, NEW_YORK, KIRITIMATI, KATHMANDU)
    cases += [
        Case(clause, zones[number % len(zones)]) for number, clause in enumerate(combinations(70))
    ]
    return list({case.jql: case for case in cases}.values())
