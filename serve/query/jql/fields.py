"""The fields of JQL as data: names, type, where the value of now lies, how the history is read.

One entry a field. What a field allows follows from its type, unless its entry says otherwise.
Custom fields get their entry from the site's metadata.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from serve.query.jql.names import FieldFacts
from serve.query.jql.syntax import HISTORY_OPERATORS, Operator
from serve.query.visibility import IssueDetail


class FieldType(StrEnum):
    """What the values of a field are, and with that what they can be compared with."""

    CHOICE = "choice"
    ORDERED = "ordered choice"
    PERSON = "person"
    ISSUE = "issue"
    WORD = "word"
    """A text that is compared as a whole."""
    TEXT = "text"
    """A text that is searched for words."""
    NUMBER = "number"
    DURATION = "duration"
    TIME = "time"
    DATE = "date"
    DAY_OF_TIME = "day of a time"
    """A time that is asked for by its day in the viewer's time zone."""
    FLAG = "true or false"
    PRESENCE = "presence"
    """Only whether there is any is known or asked."""


EQUALITY = frozenset({Operator.EQUALS, Operator.NOT_EQUALS, Operator.IN, Operator.NOT_IN})
PRESENCE = frozenset({Operator.IS, Operator.IS_NOT})
ORDERING = frozenset(
    {Operator.LESS, Operator.LESS_EQUALS, Operator.GREATER, Operator.GREATER_EQUALS}
)
MATCHING = frozenset({Operator.CONTAINS, Operator.NOT_CONTAINS})

OPERATORS: Mapping[FieldType, frozenset[Operator]] = {
    FieldType.CHOICE: EQUALITY | PRESENCE,
    FieldType.ORDERED: EQUALITY | PRESENCE | ORDERING,
    FieldType.PERSON: EQUALITY | PRESENCE,
    FieldType.ISSUE: EQUALITY | PRESENCE,
    FieldType.WORD: EQUALITY | PRESENCE,
    FieldType.TEXT: MATCHING | PRESENCE,
    FieldType.NUMBER: EQUALITY | PRESENCE | ORDERING,
    FieldType.DURATION: EQUALITY | PRESENCE | ORDERING,
    FieldType.TIME: EQUALITY | PRESENCE | ORDERING,
    FieldType.DATE: EQUALITY | PRESENCE | ORDERING,
    FieldType.DAY_OF_TIME: EQUALITY | PRESENCE | ORDERING,
    FieldType.FLAG: EQUALITY,
    FieldType.PRESENCE: PRESENCE,
}


@dataclass(frozen=True, slots=True)
class Column:
    """At most one value an issue: an SQL expression on the relation `issues`.

    `{issues}` in it stands for the relation of all issues that may be listed.
    """

    sql: str


@dataclass(frozen=True, slots=True)
class Values:
    """The elements of these fields, as the issues hold them now."""

    field_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hanging:
    """Things that hang on issues: the relation, which of it, and SQL expressions of a value.

    `is_one`: comparisons joined by AND speak of one and the same thing, as Jira has it of worklogs.
    """

    what: IssueDetail
    value: str
    where: str = "true"
    is_one: bool = False


Source = Column | Values | Hanging


@dataclass(frozen=True, slots=True)
class History:
    """Which changes tell of a field, and how a change writes its value.

    `value`: the id of the only value; `members`: each change adds or takes away one; `ids`: all
    ids, with commas; `words`: all texts, with blanks.
    """

    field_ids: tuple[str, ...]
    shape: Literal["value", "members", "ids", "words"] = "value"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a field or a function cannot be answered, and what to do instead."""

    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class JqlField:
    """A field as a query may name it. `kind` is the vocabulary of its values, where it has one.

    `options`: its values are options of a custom field, of one level or of two.
    """

    name: str
    type: FieldType
    sources: tuple[Source, ...] = ()
    kind: str | None = None
    aliases: tuple[str, ...] = ()
    history: History | None = None
    only: frozenset[Operator] | None = None
    refusal: Refusal | None = None
    options: Literal["options", "options of two levels"] | None = None

    @property
    def operators(self) -> frozenset[Operator]:
        """The operators that may follow; those of history where changes are kept."""
        allowed = OPERATORS[self.type] if self.only is None else self.only
        if self.history is None:
            return allowed
        if self.type in _WITH_PAST_VALUES:
            return allowed | HISTORY_OPERATORS
        return allowed | {Operator.CHANGED}


_WITH_PAST_VALUES = frozenset(
    {FieldType.CHOICE, FieldType.ORDERED, FieldType.PERSON, FieldType.ISSUE, FieldType.WORD}
)


def _column(
    name: str,
    column: str,
    kind: str | None = None,
    *aliases: str,
    of: FieldType = FieldType.CHOICE,
    history: History | None = None,
    only: frozenset[Operator] | None = None,
) -> JqlField:
    sources = (Column(column if " " in column else f"issues.{column}"),)
    return JqlField(name, of, sources, kind, aliases, history, only)


def _values(
    name: str,
    field_id: str,
    of: FieldType,
    *aliases: str,
    kind: str | None = None,
    shape: Literal["value", "members", "ids", "words"] = "value",
    only: frozenset[Operator] | None = None,
    has_history: bool = True,
) -> JqlField:
    history = History((field_id,), shape) if has_history else None
    return JqlField(name, of, (Values((field_id,)),), kind, aliases, history, only)


def _refused(name: str, reason: str, remedy: str, *aliases: str) -> JqlField:
    return JqlField(name, FieldType.PRESENCE, aliases=aliases, refusal=Refusal(reason, remedy))


def _of_project(column: str) -> str:
    return (
        f"(select projects.{column} from dim_projects as projects "
        "where projects.site_id = issues.site_id and projects.project_id = issues.project_id)"
    )


def _of_type(column: str) -> str:
    return (
        f"(select types.{column} from dim_issue_types as types "
        "where types.site_id = issues.site_id and types.issue_type_id = issues.issue_type_id)"
    )


_CATEGORY = (
    "(select coalesce(statuses.status_category, 'undefined') from dim_statuses as statuses "
    "where statuses.site_id = issues.site_id and statuses.status_id = issues.status_id)"
)


# a parent that is deleted, or that the viewer may not know of, is none, as with links
def _of_parent(column: str) -> str:
    return f"""
        (
            select parents.{column}
            from {{issues}} as parents
            where
                parents.site_id = issues.site_id
                and parents.issue_id = issues.parent_issue_id
                and parents.deletion_state not in ('deleted', 'trashed')
        )
    """


_PARENT = _of_parent("issue_id")
# of a sub-task the epic is two levels above
_PARENT_EPIC = """
    (
        select
            case
                when types.hierarchy_level = 1 then parents.issue_id
                when types_above.hierarchy_level = 1 then above.issue_id
            end
        from {issues} as parents
        left join dim_issue_types as types
            on types.site_id = parents.site_id and types.issue_type_id = parents.issue_type_id
        left join {issues} as above
            on above.site_id = parents.site_id
            and above.issue_id = parents.parent_issue_id
            and above.deletion_state not in ('deleted', 'trashed')
        left join dim_issue_types as types_above
            on types_above.site_id = above.site_id
            and types_above.issue_type_id = above.issue_type_id
        where
            parents.site_id = issues.site_id
            and parents.issue_id = issues.parent_issue_id
            and parents.deletion_state not in ('deleted', 'trashed')
    )
"""
_EPIC = f"(case when not coalesce({_of_type('is_subtask')}, false) then {_PARENT} end)"
_HAS_SUBTASKS = """
    nullif(
        (issues.site_id, issues.issue_id) in (
            select children.site_id, children.parent_issue_id
            from {issues} as children
            join dim_issue_types as types using (site_id, issue_type_id)
            where types.is_subtask and children.parent_issue_id is not null
        ),
        false
    )
"""
_PARENTS = History(("parent", "IssueParentAssociation", "Parent", "Epic Link"))

SYSTEM_FIELDS: tuple[JqlField, ...] = (
    _column("project", "project_id", "project", "space", history=History(("project",))),
    _column(
        "issuetype",
        "issue_type_id",
        "issue_type",
        "type",
        "workType",
        history=History(("issuetype",)),
    ),
    _column("status", "status_id", "status", history=History(("status",))),
    _column("statusCategory", _CATEGORY, "status_category"),
    _column("resolution", "resolution_id", "resolution", history=History(("resolution",))),
    _column(
        "priority",
        "priority_id",
        "priority",
        of=FieldType.ORDERED,
        history=History(("priority",)),
    ),
    _column("level", "security_level_id", "security_level", history=History(("security",))),
    _column("request-type", "request_type_id", "request_type", "Request Type"),
    _column(
        "assignee",
        "assignee_account_id",
        "user",
        of=FieldType.PERSON,
        history=History(("assignee",)),
    ),
    _column(
        "reporter",
        "reporter_account_id",
        "user",
        of=FieldType.PERSON,
        history=History(("reporter",)),
    ),
    _column("creator", "creator_account_id", "user", of=FieldType.PERSON),
    _column("created", "created_at", None, "createdDate", of=FieldType.TIME),
    _column("updated", "updated_at", None, "updatedDate", of=FieldType.TIME),
    _column("summary", "summary", of=FieldType.TEXT, history=History(("summary",))),
    _column("parent", _PARENT, of=FieldType.ISSUE, history=_PARENTS),
    _column("Epic Link", _EPIC, of=FieldType.ISSUE, history=_PARENTS),
    _column("parentEpic", _PARENT_EPIC, of=FieldType.ISSUE, only=EQUALITY),
    _column("parentProject", _of_parent("project_id"), "project", only=EQUALITY),
    _column(
        "issuekey",
        "issue_id",
        None,
        "key",
        "id",
        "issue",
        "workItemKey",
        "workItem",
        of=FieldType.ISSUE,
        only=EQUALITY | PRESENCE | ORDERING | MATCHING,
    ),
    _column("category", _of_project("project_category"), "project_category", of=FieldType.WORD),
    _column(
        "projectType", _of_project("project_type"), "project_type", of=FieldType.WORD, only=EQUALITY
    ),
    _column("hierarchyLevel", _of_type("hierarchy_level"), of=FieldType.NUMBER),
    _column("deleted", "(issues.deletion_state in ('deleted', 'trashed'))", of=FieldType.FLAG),
    _values("labels", "labels", FieldType.WORD, "label", shape="words"),
    _values("component", "components", FieldType.CHOICE, "components", shape="members"),
    _values(
        "fixVersion",
        "fixVersions",
        FieldType.ORDERED,
        "fixVersions",
        kind="version",
        shape="members",
    ),
    _values(
        "affectedVersion",
        "versions",
        FieldType.ORDERED,
        "affectsVersion",
        "versions",
        kind="version",
        shape="members",
    ),
    _values("resolved", "resolutiondate", FieldType.TIME, "resolutionDate", has_history=False),
    _values(
        "statusCategoryChangedDate", "statuscategorychangedate", FieldType.TIME, has_history=False
    ),
    _values("due", "duedate", FieldType.DATE, "dueDate"),
    _values("description", "description", FieldType.TEXT),
    _values("environment", "environment", FieldType.TEXT),
    _values("votes", "votes", FieldType.NUMBER, only=EQUALITY | ORDERING, has_history=False),
    _values(
        "watchers",
        "watches",
        FieldType.NUMBER,
        "watches",
        only=EQUALITY | ORDERING,
        has_history=False,
    ),
    # what logging work changes is known as work, not as changes of these two
    _values("timespent", "timespent", FieldType.DURATION, has_history=False),
    _values("originalEstimate", "timeoriginalestimate", FieldType.DURATION, "timeOriginalEstimate"),
    _values(
        "remainingEstimate",
        "timeestimate",
        FieldType.DURATION,
        "timeEstimate",
        has_history=False,
    ),
    _values("workratio", "workratio", FieldType.NUMBER, has_history=False),
    JqlField("comment", FieldType.TEXT, (Hanging("comments", "body_text", "not is_deleted"),)),
    JqlField(
        "worklogAuthor",
        FieldType.PERSON,
        (Hanging("worklogs", "author_account_id", "not is_deleted", is_one=True),),
        "user",
    ),
    JqlField(
        "worklogDate",
        FieldType.DAY_OF_TIME,
        (Hanging("worklogs", "started_at", "not is_deleted", is_one=True),),
    ),
    JqlField(
        "worklogComment",
        FieldType.TEXT,
        (Hanging("worklogs", "comment_text", "not is_deleted", is_one=True),),
    ),
    JqlField(
        "attachments",
        FieldType.PRESENCE,
        (Hanging("attachments", "attachment_id"),),
    ),
    JqlField(
        "issueLinkType",
        FieldType.WORD,
        (Hanging("links", "direction_name"),),
        "link_type",
        ("workItemLinkType",),
    ),
    JqlField(
        "issueLink",
        FieldType.ISSUE,
        (Hanging("links", "linked_issue_id"),),
        aliases=("workItemLink",),
    ),
    JqlField(
        "subtasks",
        FieldType.PRESENCE,
        (Column(_HAS_SUBTASKS),),
    ),
    JqlField("text", FieldType.TEXT, only=frozenset({Operator.CONTAINS})),
    JqlField("textfields", FieldType.TEXT, only=frozenset({Operator.CONTAINS})),
    _refused(
        "lastViewed",
        "When you last viewed an issue is kept by Jira for you alone.",
        "Ask /api/v1/issue-views who viewed which issue.",
    ),
    _refused(
        "filter",
        "There are no saved filters here yet.",
        "Write the query of the filter in its place, in brackets.",
        "savedFilter",
        "searchRequest",
        "request",
    ),
    _refused(
        "watcher",
        "Who watches an issue is not told to this log.",
        "Compare their number: watchers > 0.",
    ),
    _refused(
        "voter",
        "Who voted for an issue is not told to this log.",
        "Compare the number of votes: votes > 0.",
    ),
    *(
        _refused(
            name,
            f"{name} is decided by Jira Service Management when it is asked, not logged.",
            "Leave it out, and ask Jira.",
        )
        for name in (
            "approval",
            "approvals",
            "approver",
            "approvers",
            "myApproval",
            "myPending",
            "change-gating-type",
            "request-channel-type",
            "request-last-activity-time",
            "journeyID",
            "journeyParentOfTypeId",
            "journeyTypeId",
            "journeyTypeVersion",
            "journeyWorkItemId",
        )
    ),
    _refused(
        "linkedIssue",
        "Which issues Jira means by it depends on what the named one is.",
        "Use parent, parentEpic or issueLink.",
        "linkedWorkItem",
    ),
    _refused(
        "Rank",
        "The log tells that an issue was ranked, but not where it stands.",
        "Leave it out, or order in Jira.",
        "Issue Rank",
    ),
)

_BY_NAME: Mapping[str, JqlField] = {
    name.lower(): field for field in SYSTEM_FIELDS for name in (field.name, *field.aliases)
}

SPRINT_TYPE = "com.pyxis.greenhopper.jira:gh-sprint"

# Types of custom fields as they are written behind their name -> what they are compared as.
_SUFFIXES: Mapping[str, frozenset[FieldType]] = {
    "number": frozenset({FieldType.NUMBER}),
    "short text": frozenset({FieldType.TEXT}),
    "paragraph": frozenset({FieldType.TEXT}),
    "dropdown": frozenset({FieldType.CHOICE}),
    "checkboxes": frozenset({FieldType.CHOICE}),
    "radio buttons": frozenset({FieldType.CHOICE}),
    "select list": frozenset({FieldType.CHOICE}),
    "labels": frozenset({FieldType.WORD}),
    "url": frozenset({FieldType.WORD}),
    "url field": frozenset({FieldType.WORD}),
    "team": frozenset({FieldType.CHOICE}),
    "date": frozenset({FieldType.DATE}),
    "time stamp": frozenset({FieldType.TIME}),
    "people": frozenset({FieldType.PERSON}),
    "user picker": frozenset({FieldType.PERSON}),
    "group picker": frozenset({FieldType.CHOICE}),
    "version picker": frozenset({FieldType.ORDERED}),
    "project picker": frozenset({FieldType.CHOICE}),
}
_SUFFIXED = re.compile(r"(.+?)\s*\[\s*([^\[\]]+?)\s*\]", re.DOTALL)


def system_field(name: str) -> JqlField | None:
    """Return the entry of a system field by one of its names; None for another."""
    return _BY_NAME.get(name.strip().lower())


def without_suffix(name: str) -> tuple[str, frozenset[FieldType]] | None:
    """Split `Story points[Number]` into name and types; None if there is no known suffix."""
    match = _SUFFIXED.fullmatch(name)
    if match is None:
        return None
    suffix = match[2].lower().split("(")[0].strip()
    types = _SUFFIXES.get(suffix)
    return None if types is None else (match[1], types)


def custom_field(name: str, facts: Iterable[FieldFacts]) -> JqlField:
    """Return the entry of the custom fields of one name: several of one type are one field.

    Refused if nothing is known of how to compare them, or if they are compared in different ways.
    """
    fields = tuple(facts)
    fields = tuple(one for one in fields if not one.is_gone) or fields
    kinds = {_type_of(one) for one in fields}
    if None in kinds:
        types = sorted({one.custom_type or one.type or "unknown" for one in fields})
        return _refused(
            name,
            f"How values of {name} ({', '.join(types)}) are compared is not known here.",
            "Leave the field out, and ask Jira.",
        )
    field_ids = tuple(sorted({one.id for one in fields}))
    if len(kinds) > 1:
        numbers = ", ".join(f"cf[{field_id.rpartition('_')[2]}]" for field_id in field_ids)
        return _refused(
            name,
            f"Several fields of different types are called {name}.",
            f"Name one by its number: {numbers}.",
        )
    ((field_type, vocabulary),) = (kind for kind in kinds if kind is not None)
    shape: Literal["value", "ids", "words"] = "value"
    if field_type is FieldType.WORD:
        shape = "words"
    elif field_type in _WITH_PAST_VALUES:
        shape = "ids"
    history = History(field_ids, shape)
    value_types = {one.item_type if one.type == "array" else one.type for one in fields}
    return JqlField(
        fields[0].name,
        field_type,
        (Values(field_ids),),
        vocabulary,
        history=history,
        options=_OPTIONS.get(value_types.pop() or "") if len(value_types) == 1 else None,
    )


def compared_as(facts: FieldFacts) -> FieldType | None:
    """Return what the values of a custom field are compared as; None if that is not known."""
    kind = _type_of(facts)
    return None if kind is None else kind[0]


def _type_of(facts: FieldFacts) -> tuple[FieldType, str | None] | None:
    """Return how the values of a custom field are compared, and their vocabulary."""
    value_type = facts.item_type if facts.type == "array" else facts.type
    custom = (facts.custom_type or "").rpartition(":")[2]
    if facts.custom_type == SPRINT_TYPE:
        return FieldType.CHOICE, "sprint"
    if custom == "gh-epic-link":
        return FieldType.ISSUE, None
    if custom == "vp-origin":
        return FieldType.CHOICE, "request_type"
    if value_type == "string":
        is_whole = facts.type == "array" or custom == "url"
        return (FieldType.WORD if is_whole else FieldType.TEXT), None
    return _TYPES.get(value_type or "")


_OPTIONS: Mapping[str, Literal["options", "options of two levels"]] = {
    "option": "options",
    "option-with-child": "options of two levels",
}
_TYPES: Mapping[str, tuple[FieldType, str | None]] = {
    "number": (FieldType.NUMBER, None),
    "date": (FieldType.DATE, None),
    "datetime": (FieldType.TIME, None),
    "user": (FieldType.PERSON, "user"),
    "group": (FieldType.CHOICE, "group"),
    "option": (FieldType.CHOICE, None),
    "option-with-child": (FieldType.CHOICE, None),
    "version": (FieldType.ORDERED, "version"),
    "project": (FieldType.CHOICE, "project"),
    "team": (FieldType.CHOICE, None),
    "sd-customerrequesttype": (FieldType.CHOICE, "request_type"),
    "sd-customerorganization": (FieldType.CHOICE, "organization"),
}
