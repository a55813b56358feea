"""The functions of JQL as data: what they may be compared with, and what they stand for.

A function gives things (ids) or a relation of ids; the functions of the calendar are in `moments`.
What cannot be answered exactly from the log is refused, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from serve.query.jql.errors import JqlError
from serve.query.jql.fields import Refusal
from serve.query.jql.moments import Clock, naive, span_of
from serve.query.jql.names import (
    FIRST_OPTIONS,
    LINK_TYPES,
    SECOND_OPTIONS,
    VALUES,
    Kind,
    Names,
    Thing,
    fold,
)
from serve.query.jql.syntax import Function, Literal, Span
from serve.query.visibility import Rights, of_listed_issues


@dataclass(frozen=True, slots=True)
class Among:
    """What a value may be: things, or a relation of ids.

    `relation` is SQL of rows (site_id, id), or of rows (id) where `is_of_site` is False. `test`
    asks more of a value of now than its id: SQL of the id and of its site -> SQL of the condition.
    `is_nothing`: it stands for no value at all.
    """

    things: tuple[Thing, ...] = ()
    relation: str | None = None
    is_of_site: bool = True
    test: Callable[[str, str], str] | None = None
    is_nothing: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks, when, of which field, how values are bound, and what texts stand for.

    `field_ids` are those of a custom field; `issues` takes the key or the id of an issue, and
    refuses what is none; `near` gives the name of a thing like a text.
    """

    names: Names
    rights: Rights
    clock: Clock
    bind: Callable[[Any], str]
    issues: Callable[[Literal], tuple[Thing, ...]]
    find: Callable[[Kind, str], tuple[Thing, ...]]
    near: Callable[[Kind, str], str | None]
    field_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JqlFunction:
    """A function. `gives` is the vocabulary of its values, or what a field's `options` are.

    `arguments` is how many it takes at least and at most; `is_list`: IN is needed.
    """

    name: str
    gives: str
    arguments: tuple[int, int]
    answer: Callable[[Question, Function], Among]
    is_list: bool = True
    aliases: tuple[str, ...] = ()


def no_such_value(value: Literal, of: str, near: str | None, remedy: str) -> JqlError:
    """Return the error of a text that names nothing; `near` is a name like it, if there is one."""
    return JqlError(
        f"The value '{value.text[:80]}' does not exist for the {of}.",
        f"Did you mean '{near}'?" if near else remedy,
        value.span,
    )


def things_named(
    question: Question, call: Function, kind: Kind, argument: Literal
) -> tuple[Thing, ...]:
    """Return the things that an argument names. JqlError if there is none."""
    found = question.find(kind, argument.text)
    if not found and kind.name == "project":
        found = question.names.former_projects(argument.text.strip().upper())
    if not found:
        near = question.near(kind, argument.text)
        remedy = f"Give the name or the id of a {kind.name}."
        raise no_such_value(argument, f"function {call.name}()", near, remedy)
    return found


def links_reading(names: Names, phrase: str, span: Span) -> list[str]:
    """Return the phrases, in small letters, of the links that read so. JqlError if none does."""
    types = names.vocabulary(Kind(LINK_TYPES))
    found = types.find(phrase)
    if not found:
        near = types.near(phrase)
        raise JqlError(
            f"No link reads '{phrase[:80]}'.",
            f"Did you mean '{near}'?" if near else "Give a phrase such as 'is blocked by'.",
            span,
        )
    return [one.id for one in found]


def current_user(question: Question, call: Function) -> Thing:
    """Return the account of whoever asks. JqlError if it is not known."""
    account_id = question.rights.viewer.account_id
    if account_id is None:
        raise JqlError(
            f"{call.name}() needs to know who you are in Jira, and nobody has said.",
            "Set AUDIT_LOG_VIEWER_ACCOUNT_ID to your account id, or name the account.",
            call.span,
        )
    return Thing(None, account_id, None)


def _current_user(question: Question, call: Function) -> Among:
    return Among((current_user(question, call),))


def _people(question: Question, call: Function, place: int = 0) -> Sequence[Thing]:
    """Return the people that an argument names, or whoever asks without one."""
    if len(call.arguments) <= place:
        return (current_user(question, call),)
    return things_named(question, call, Kind("user"), call.arguments[place])


def bound_ids(question: Question, things: Sequence[Thing]) -> str:
    """Return SQL of a list of rows for IN, with the ids of things bound."""
    return f"(select unnest({question.bind([thing.id for thing in things])}::varchar[]))"


def _pairs(question: Question, things: Sequence[Thing]) -> str:
    sites = question.bind([thing.site_id for thing in things])
    ids = question.bind([thing.id for thing in things])
    return f"(select unnest({sites}::varchar[]), unnest({ids}::varchar[]))"


def _members_of(question: Question, call: Function) -> Among:
    groups = things_named(question, call, Kind("group"), call.arguments[0])
    return Among(
        relation=(
            "select members.account_id from bridge_group_members as members "
            "where members.valid_to_at is null "
            f"and (members.site_id, members.group_id) in {_pairs(question, groups)}"
        ),
        is_of_site=False,
    )


def _organization_members(question: Question, call: Function) -> Among:
    found = [
        thing
        for argument in call.arguments
        for thing in things_named(question, call, Kind("organization"), argument)
    ]
    return Among(
        relation=(
            "select members.account_id from bridge_organization_members as members "
            "where members.valid_to_at is null "
            f"and (members.site_id, members.organization_id) in {_pairs(question, found)}"
        ),
        is_of_site=False,
    )


def _choice_option(question: Question, call: Function) -> Among:
    return Among(
        tuple(
            thing
            for argument in call.arguments
            for thing in things_named(question, call, Kind(VALUES, question.field_ids), argument)
        )
    )


def _cascade_option(question: Question, call: Function) -> Among:
    """Return the values with a first option, and with a second one or none if that is said.

    The word none stands for no option, and for an option called so in quotes of its own.
    """
    first, *seconds = call.arguments
    if _is_none(first):
        if seconds and not _is_none(seconds[0]):
            raise JqlError(
                "There is no second option without a first one.",
                "Name the first option, or leave the second out.",
                seconds[0].span,
            )
        return Among(is_nothing=True)

    def options(kind: str, argument: Literal) -> str:
        among = Kind(kind, question.field_ids)
        return _pairs(question, things_named(question, call, among, _unquoted(argument)))

    parents = options(FIRST_OPTIONS, first)
    values = of_listed_issues(question.rights, "field_values")

    def with_option(place: int, which: str = "true") -> str:
        return (
            "(held.site_id, held.issue_id, held.field_id) in (select options.site_id, "
            f"options.issue_id, options.field_id from {values} as options where "
            f"options.field_id in {bound_texts(question, question.field_ids)} "
            f"and options.value_index = {question.bind(place)} and {which})"
        )

    if not seconds:
        return Among(test=lambda cell, site: f"({site}, {cell}) in {parents}")
    if _is_none(seconds[0]):
        return Among(
            test=lambda cell, site: f"({site}, {cell}) in {parents} and not {with_option(1)}"
        )
    children = options(SECOND_OPTIONS, seconds[0])
    below = with_option(0, f"(options.site_id, options.value_id) in {parents}")
    return Among(test=lambda cell, site: f"({site}, {cell}) in {children} and {below}")


def _is_none(argument: Literal) -> bool:
    return fold(argument.text) == "none"


def _unquoted(argument: Literal) -> Literal:
    text = argument.text.strip()
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return replace(argument, text=text[1:-1]) if is_quoted else argument


def _sprints(state: str) -> Callable[[Question, Function], Among]:
    def answer(question: Question, _: Function) -> Among:
        return Among(
            relation=(
                "select sprints.site_id, sprints.sprint_id from dim_sprints as sprints "
                f"where sprints.sprint_state = {question.bind(state)} and not sprints.is_deleted"
            )
        )

    return answer


def _projects(question: Question, call: Function) -> list[Thing]:
    return [
        thing
        for argument in call.arguments
        for thing in things_named(question, call, Kind("project"), argument)
    ]


def _versions(*, released: bool) -> Callable[[Question, Function], Among]:
    def answer(question: Question, call: Function) -> Among:
        projects = _projects(question, call)
        pairs = _pairs(question, projects)
        within = f"and (versions.site_id, versions.project_id) in {pairs}" if projects else ""
        return Among(
            relation=(
                "select versions.site_id, versions.version_id from dim_versions as versions "
                "where not versions.is_deleted "
                f"and coalesce(versions.is_released, false) = {question.bind(released)} {within}"
            )
        )

    return answer


def _one_version(*, released: bool) -> Callable[[Question, Function], Among]:
    """Return the last released or the first unreleased version of each named project."""
    order = "desc" if released else "asc"

    def answer(question: Question, call: Function) -> Among:
        pairs = _pairs(question, _projects(question, call))
        return Among(
            relation=(
                "select versions.site_id, versions.version_id from dim_versions as versions "
                "where not versions.is_deleted and not coalesce(versions.is_archived, false) "
                f"and coalesce(versions.is_released, false) = {question.bind(released)} "
                f"and (versions.site_id, versions.project_id) in {pairs} "
                "qualify row_number() over (partition by versions.site_id, versions.project_id "
                f"order by versions.version_order {order} nulls last, versions.version_id) = 1"
            )
        )

    return answer


def _issue_types(*, subtasks: bool) -> Callable[[Question, Function], Among]:
    def answer(question: Question, _: Function) -> Among:
        return Among(
            relation=(
                "select types.site_id, types.issue_type_id from dim_issue_types as types "
                f"where types.is_subtask = {question.bind(subtasks)}"
            )
        )

    return answer


def _led_projects(question: Question, call: Function) -> Among:
    return Among(
        relation=(
            "select projects.site_id, projects.project_id from dim_projects as projects "
            f"where projects.lead_account_id in {bound_ids(question, _people(question, call))}"
        )
    )


def _projects_with_role(question: Question, call: Function) -> Among:
    roles = things_named(question, call, Kind("role"), call.arguments[0])
    person = current_user(question, call)
    return Among(
        relation=(
            "select people.site_id, people.project_id from bridge_project_people as people "
            f"where people.valid_to_at is null and people.account_id = {question.bind(person.id)} "
            f"and (people.site_id, people.role_id) in {_pairs(question, roles)}"
        )
    )


# Looking at an issue does not update it, and a deleted one is updated no more.
_NO_UPDATES = ("ISSUE_VIEWED", "ISSUE_DELETED")


def _updated_by(question: Question, call: Function) -> Among:
    people = bound_ids(question, things_named(question, call, Kind("user"), call.arguments[0]))
    conditions = [
        f"updates.actor_account_id in {people}",
        f"updates.action_code not in {bound_texts(question, _NO_UPDATES)}",
        "updates.issue_id is not null",
    ]
    for place, edge in enumerate((">=", "<"), start=1):
        if len(call.arguments) > place:
            moment = span_of(call.arguments[place], question.clock)[place - 1]
            bound = question.bind(naive(moment))
            conditions.append(f"updates.occurred_at {edge} {bound}")
    where = (
        f"from {of_listed_issues(question.rights, 'actions')} as updates "
        f"where {' and '.join(conditions)}"
    )
    # a link updates the issues at both its ends; its id is outward issue, type, inward issue; of an
    # issue that nobody knows it holds the key, whose number is not an id
    return Among(
        relation=(
            f"select updates.site_id, updates.issue_id {where} "
            "union all select updates.site_id, "
            "unnest(list_filter(string_split(updates.target_id, '-'), lambda one, place: "
            f"place != 2)) {where} and updates.target_type = 'issuelink' "
            "and regexp_full_match(updates.target_id, '[0-9]+-[0-9]*-[0-9]+')"
        )
    )


def bound_texts(question: Question, texts: tuple[str, ...]) -> str:
    """Return SQL of a list of rows for IN, with texts bound."""
    return f"(select unnest({question.bind(list(texts))}::varchar[]))"


def _linked_issues(question: Question, call: Function) -> Among:
    key, *phrases = call.arguments
    found = question.issues(key)
    wanted = [
        reading
        for phrase in phrases
        for reading in links_reading(question.names, phrase.text, phrase.span)
    ]
    texts = bound_texts(question, tuple(wanted))
    within = f"and lower(links.direction_name) in {texts}" if phrases else ""
    return Among(
        relation=(
            "select links.site_id, links.linked_issue_id "
            f"from {of_listed_issues(question.rights, 'links')} as links "
            f"where (links.site_id, links.issue_id) in {_pairs(question, found)} {within}"
        )
    )


_MANY = 100

LINKED = frozenset({"linkedissue", "linkedissues", "linkedworkitems"})
"""Functions, in lower case, whose first argument is an issue."""

ALL_FUNCTIONS = (
    JqlFunction("currentUser", "user", (0, 0), _current_user, is_list=False),
    JqlFunction("membersOf", "user", (1, 1), _members_of),
    JqlFunction("organizationMembers", "user", (1, _MANY), _organization_members),
    JqlFunction("choiceOption", "options", (1, _MANY), _choice_option),
    JqlFunction("cascadeOption", "options of two levels", (1, 2), _cascade_option),
    JqlFunction("openSprints", "sprint", (0, 0), _sprints("active")),
    JqlFunction("closedSprints", "sprint", (0, 0), _sprints("closed")),
    JqlFunction("futureSprints", "sprint", (0, 0), _sprints("future")),
    JqlFunction("releasedVersions", "version", (0, _MANY), _versions(released=True)),
    JqlFunction("unreleasedVersions", "version", (0, _MANY), _versions(released=False)),
    JqlFunction(
        "latestReleasedVersion",
        "version",
        (1, 1),
        _one_version(released=True),
        is_list=False,
    ),
    JqlFunction(
        "earliestUnreleasedVersion",
        "version",
        (1, 1),
        _one_version(released=False),
        is_list=False,
    ),
    JqlFunction(
        "standardIssueTypes",
        "issue_type",
        (0, 0),
        _issue_types(subtasks=False),
        aliases=("standardWorkTypes",),
    ),
    JqlFunction(
        "subtaskIssueTypes",
        "issue_type",
        (0, 0),
        _issue_types(subtasks=True),
        aliases=("subtaskWorkTypes",),
    ),
    JqlFunction(
        "projectsLeadByUser", "project", (0, 1), _led_projects, aliases=("spacesLeadByUser",)
    ),
    JqlFunction(
        "projectsWhereUserHasRole",
        "project",
        (1, 1),
        _projects_with_role,
        aliases=("spacesWhereUserHasRole",),
    ),
    JqlFunction("updatedBy", "issue", (1, 3), _updated_by),
    JqlFunction("linkedIssues", "issue", (1, _MANY), _linked_issues, aliases=("linkedWorkItems",)),
    JqlFunction("linkedIssue", "issue", (1, _MANY), _linked_issues),
)
FUNCTIONS: Mapping[str, JqlFunction] = {
    name.lower(): function
    for function in ALL_FUNCTIONS
    for name in (function.name, *function.aliases)
}

_REFUSED: tuple[tuple[tuple[str, ...], Refusal], ...] = (
    (
        ("issueHistory", "workItemHistory"),
        Refusal(
            "Which issues you opened last is kept by Jira for you alone.",
            "Ask /api/v1/issue-views who viewed which issue.",
        ),
    ),
    (
        ("votedIssues", "votedWorkItems"),
        Refusal(
            "Who voted for an issue is not told to this log.",
            "Compare the number of votes: votes > 0.",
        ),
    ),
    (
        ("watchedIssues", "watchedWorkItems"),
        Refusal(
            "Who watches an issue is not told to this log.",
            "Compare their number: watchers > 0.",
        ),
    ),
    (
        ("issuesWithRemoteLinksByGlobalId", "workItemsWithRemoteLinksByGlobalId"),
        Refusal(
            "Links to things outside of Jira are not part of this log.",
            "Leave it out, and ask Jira.",
        ),
    ),
    (
        ("componentsLeadByUser",),
        Refusal(
            "Who leads a component is not part of this log.",
            "Name the components: component IN (…).",
        ),
    ),
    (
        ("projectsWhereUserHasPermission", "spacesWhereUserHasPermission"),
        Refusal(
            "Permissions are decided by Jira when they are asked for.",
            "Use projectsWhereUserHasRole(), or name the projects.",
        ),
    ),
    (
        ("currentLogin", "lastLogin"),
        Refusal(
            "When you signed in is not part of this log.",
            "Give the time, such as startOfDay() or -1w.",
        ),
    ),
    (
        (
            "approved",
            "approver",
            "myApproval",
            "myPending",
            "myPendingApproval",
            "pending",
            "pendingApprovalBy",
            "pendingBy",
        ),
        Refusal(
            "Approvals are decided by Jira Service Management, not logged.",
            "Leave it out, and ask Jira.",
        ),
    ),
    (
        (
            "breached",
            "completed",
            "elapsed",
            "everBreached",
            "paused",
            "remaining",
            "running",
            "withinCalendarHours",
        ),
        Refusal(
            "The clocks of service level agreements are not part of this log.",
            "Leave it out, and ask Jira.",
        ),
    ),
    (
        ("customerDetail", "entitlementDetail", "entitlementProduct", "organizationDetail"),
        Refusal(
            "Details of customers, their organizations and entitlements are not part of this log.",
            "Name the people, or use organizationMembers().",
        ),
    ),
)
REFUSED_FUNCTIONS: Mapping[str, Refusal] = {
    name.lower(): refusal for names, refusal in _REFUSED for name in names
}
