"""What can be asked: the filter and the views, exactly as a URL holds them."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from serve.query.jql.parser import MAX_LENGTH
from serve.query.period import Period, resolve_period

DEFAULT_DAYS = 30
DEFAULT_PERIOD: Period = "last_30_days"
"""What is meant when no time is given."""
MAX_VALUES = 1_000
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, tzinfo=UTC)

_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?", re.ASCII
)
_UNENCODABLE = re.compile("[\x00\ud800-\udfff]")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@cache
def _known_zones() -> frozenset[str]:
    # These are no places: what they mean depends on the machine.
    return frozenset(zoneinfo.available_timezones()) - {"Factory", "localtime", "posixrules"}


def _known_zone(name: str) -> str:
    if name not in _known_zones():
        msg = "is no time zone of the IANA database (such as Europe/Zurich or UTC)"
        raise ValueError(msg)
    return name


def _parse_moment(value: object, info: ValidationInfo) -> datetime:
    """Turn a date (its midnight) or a date-time into an aware UTC time.

    What has no offset is read in the filter's time zone.
    """
    zone: tzinfo = zoneinfo.ZoneInfo(info.data.get("time_zone", "UTC"))
    if isinstance(value, datetime) and value.tzinfo is not None:
        moment = value
    elif isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            msg = "is not a date of the calendar or not a time of the day"
            raise ValueError(msg) from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    else:
        msg = (
            "must be a date (2026-01-31) or a date-time (2026-01-31T12:00:00Z); "
            "in a URL, write the + of an offset as %2B"
        )
        raise ValueError(msg)
    # Compared with its offset on: converting a time near year 1 or 9999 to UTC would overflow.
    if not EARLIEST <= moment <= LATEST:
        msg = "must lie between 1970-01-01 and 9999-12-31"
        raise ValueError(msg)
    return moment.astimezone(UTC)


def printable(value: str) -> str:
    """Return `value`; ValueError if it holds control characters or halves of characters."""
    if _UNPRINTABLE.search(value):
        msg = "must not hold control characters"
        raise ValueError(msg)
    return value


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    """Put the values of a filter in one order, each once, so that equal questions are equal."""
    return tuple(sorted(set(values)))


def _encodable(value: str) -> str:
    """Return `value`, which may have lines; ValueError for what no text can hold."""
    if _UNENCODABLE.search(value):
        msg = "must not hold U+0000 or halves of characters"
        raise ValueError(msg)
    return value


Moment = Annotated[
    datetime,
    BeforeValidator(_parse_moment),
    WithJsonSchema({"type": "string", "maxLength": 40}),
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(printable)]
Texts = Annotated[tuple[Text, ...], AfterValidator(_each_once)]
RowKind = Literal["author", "action", "projects", "status", "transition", "issues", "fields"]
ROW_KINDS: tuple[RowKind, ...] = get_args(RowKind)
RowParts = Annotated[
    tuple[
        Annotated[
            str,
            StringConstraints(
                pattern=rf"^({'|'.join(ROW_KINDS)}):[^\x00-\x1f\x7f]*$", max_length=300
            ),
            AfterValidator(printable),
        ],
        ...,
    ],
    AfterValidator(_each_once),
]
Jql = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_LENGTH), AfterValidator(_encodable)
]
TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]
ActionCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,79}$")]
ActionCodes = Annotated[tuple[ActionCode, ...], AfterValidator(_each_once)]
SortKey = Annotated[
    str, StringConstraints(pattern=r"^-?(total|display_name|[A-Z][A-Z0-9_]{0,79})$")
]


def row_part(text: str) -> tuple[RowKind, str | None]:
    """Return the kind and the id that a value of `row` names; no id: what has none."""
    kind, _, thing_id = text.partition(":")
    return cast("RowKind", kind), thing_id or None


class Interval(BaseModel):
    """Half-open interval of time, `start` included and `end` not, both UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: datetime
    end: datetime


class WhoAndWhen(BaseModel):
    """Who acted, when, in which projects: filters are ANDed, the values of one are ORed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: TimeZone = Field(
        default="UTC",
        description=(
            "IANA time zone in which dates, times without an offset and periods are read, and in "
            "which a workbook has its dates."
        ),
        examples=["Europe/Zurich"],
    )
    period: Period | None = Field(
        default=None,
        description=(
            "A relative time instead of from and to. Days, weeks (from Monday), months and years "
            "are whole ones of the time zone; `last_N_days` and `last_12_months` end now, which "
            "is the snapshot's now."
        ),
        examples=["last_month"],
    )
    occurred_from: Moment | None = Field(
        default=None,
        alias="from",
        description=(
            "Earliest time, included: a date (its midnight in the time zone) or a date-time. "
            f"Left out: {DEFAULT_DAYS} days before the end."
        ),
        examples=["2026-01-01"],
    )
    occurred_to: Moment | None = Field(
        default=None,
        alias="to",
        description=(
            "End of the interval, itself not included: `from=2026-01-05&to=2026-01-06` is one day. "
            "Left out: the snapshot's now (the newer of its last sync and its last action)."
        ),
        examples=["2026-02-01"],
    )
    users: Texts = Field(
        default=(),
        alias="user",
        max_length=MAX_VALUES,
        description="Account ids of authors; repeat the parameter for several.",
        examples=[["5b10a2844c20165700ede21g"]],
    )
    groups: Texts = Field(
        default=(),
        alias="group",
        max_length=MAX_VALUES,
        description=(
            "Members of these groups (ids or names). Users, groups and the people of projects and "
            "organizations are one set: an action by anybody in it matches."
        ),
        examples=[["jira-software-users"]],
    )
    people_in_projects: Texts = Field(
        default=(),
        alias="people_in_project",
        max_length=MAX_VALUES,
        description="People with a role in these projects (ids or keys), directly or by a group.",
        examples=[["DEMO"]],
    )
    people_in_organizations: Texts = Field(
        default=(),
        alias="people_in_organization",
        max_length=MAX_VALUES,
        description="Members of these Jira Service Management organizations (ids or names).",
        examples=[["Example Ltd"]],
    )
    membership: Literal["now", "then"] = Field(
        default="now",
        description=(
            "Who belongs to a group, project or organization: who does `now`, or who did when the "
            "action happened (`then`), as far back as memberships are known."
        ),
        examples=["then"],
    )
    projects: Texts = Field(
        default=(),
        alias="project",
        max_length=MAX_VALUES,
        description=(
            "Projects by id or key, a former key included; repeat the parameter for several. "
            "An action belongs to the project its issue was in at the time."
        ),
        examples=[["DEMO"]],
    )

    @model_validator(mode="before")
    @classmethod
    def _default_has_one_spelling(cls, data: object) -> object:
        if not isinstance(data, Mapping) or data.get("period") != DEFAULT_PERIOD:
            return data
        if not data.keys().isdisjoint({"from", "to"}):
            return data
        return {name: value for name, value in data.items() if name != "period"}

    @field_validator("occurred_from", "occurred_to")
    @classmethod
    def _times_are_said_once(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        if value is not None and info.data.get("period") is not None:
            msg = "cannot be given together with period; leave out one of them"
            raise ValueError(msg)
        return value

    @field_validator("occurred_to")
    @classmethod
    def _interval_has_room(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("occurred_from")
        if value is not None and start is not None and start >= value:
            msg = "must be after from; it is not included itself, so for one day give the next day"
            raise ValueError(msg)
        return value

    def interval(self, now: datetime) -> Interval:
        """Resolve the interval against `now` (UTC), the end of what the snapshot knows."""
        if self.period is not None:
            first, last = resolve_period(self.period, now, zoneinfo.ZoneInfo(self.time_zone))
            return Interval(start=first, end=last)
        end = self.occurred_to or now
        start = self.occurred_from
        if start is None:
            start = max(EARLIEST, end - timedelta(days=DEFAULT_DAYS))
        # A start after the snapshot's now asks for nothing, which is an answer and not an error.
        return Interval(start=start, end=max(start, end))


# The same of actions and of views.
JQL: Any = Field(
    default=None,
    description=(
        "Only what was done on issues that this query in Jira's query language finds, as the "
        "issues are now. It is answered here, without a limit, and with the history of this log; "
        "times are read in the time zone, `now()` is the snapshot's now. Deleted issues are "
        "found if it names the field `deleted`: `deleted in (true, false)`. ORDER BY changes "
        "nothing. Issues that you may not list are not found."
    ),
    examples=["project = DEMO AND status WAS Done"],
)


class FilterSpec(WhoAndWhen):
    """Which actions: all filters are ANDed, the values of one filter are ORed, none means all."""

    action_codes: ActionCodes = Field(
        default=(),
        alias="action_code",
        max_length=MAX_VALUES,
        description="Codes of the catalogue (`/api/v1/meta`); repeat the parameter for several.",
        examples=[["ISSUE_CREATED"]],
    )
    statuses_from: Texts = Field(
        default=(),
        alias="status_from",
        max_length=MAX_VALUES,
        description="Status changes out of these statuses (ids or names).",
        examples=[["To Do"]],
    )
    statuses_to: Texts = Field(
        default=(),
        alias="status_to",
        max_length=MAX_VALUES,
        description=(
            "Status changes into these statuses (ids or names). With `status_from` a change must "
            "meet both."
        ),
        examples=[["Done"]],
    )
    resolutions: Texts = Field(
        default=(),
        alias="resolution",
        max_length=MAX_VALUES,
        description=(
            "Issues resolved with these resolutions (ids or names). Of the filters status change, "
            "resolution and field, several together keep the changes of one and the same edit "
            "that meets all of them."
        ),
        examples=[["Fixed"]],
    )
    fields: Texts = Field(
        default=(),
        alias="field",
        max_length=MAX_VALUES,
        description="Actions that changed one of these fields (ids or names).",
        examples=[["assignee"]],
    )
    jql: Jql | None = JQL
    row: RowParts = Field(
        default=(),
        max_length=len(ROW_KINDS),
        description=(
            "Only what one row of `/api/v1/activity` counts: give its `drill` here, with the same "
            "filters. Each value is a kind and an id: `author:5b10a`, `action:ISSUE_CREATED`, "
            "`projects:10000`, `status:4`, `transition:3:4`, `issues:10001`, `fields:assignee`; "
            "without an id (`projects:`) it is what has none. All of them are ANDed."
        ),
        examples=[["author:5b10a2844c20165700ede21g", "projects:10000"]],
    )

    @field_validator("row")
    @classmethod
    def _row_is_one_row(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        kinds = [kind for kind, _ in map(row_part, value)]
        for kind in kinds:
            if kinds.count(kind) > 1:
                msg = f"names {kind} more than once; a row has one of each kind"
                raise ValueError(msg)
        for kind, thing_id in map(row_part, value):
            if kind in {"action", "fields"} and thing_id is None:
                msg = f"names no {kind.removesuffix('s')}: there is none without an id"
                raise ValueError(msg)
            if kind == "transition" and (thing_id or "").count(":") != 1:
                msg = "names a transition without both ends: write transition:3:4"
                raise ValueError(msg)
        return value


DetailSort = Literal[
    "-occurred_at",
    "occurred_at",
    "author",
    "-author",
    "target",
    "-target",
    "action",
    "-action",
    "project",
    "-project",
]
DETAIL_SORTS: tuple[DetailSort, ...] = get_args(DetailSort)
NEWEST_FIRST: DetailSort = "-occurred_at"


class DetailView(BaseModel):
    """How actions are listed: one item an action."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sort: DetailSort = Field(
        default=NEWEST_FIRST,
        description=(
            "Time, or the names of author, kind of target, action or project; a leading `-` turns "
            "the order round. Equal ones follow newest first; those without a name come last."
        ),
        examples=["-occurred_at", "author"],
    )
    count: bool = Field(
        default=False,
        description="Give in `action_count` how many actions the whole list has.",
        examples=[True],
    )

    expand: tuple[Literal["changes"], ...] = Field(
        default=(),
        max_length=1,
        description="`changes` adds the changed fields of every action.",
        examples=[["changes"]],
    )


Breakdown = Literal["projects", "status", "transition", "issues", "fields"]
BREAKDOWNS: tuple[Breakdown, ...] = get_args(Breakdown)
BREAKDOWN_LABELS: dict[Breakdown, str] = {
    "projects": "Projects",
    "status": "Status",
    "transition": "Transition",
    "issues": "Issues",
    "fields": "Fields",
}
NOT_TOGETHER: dict[Breakdown, frozenset[Breakdown]] = {
    "status": frozenset({"fields"}),
    "transition": frozenset({"fields"}),
    "fields": frozenset({"status", "transition"}),
}


class AggregatedView(BaseModel):
    """How actions are counted: one row an author, a count for each action code, the total.

    With breakdowns a row an author and group: of the projects, of the statuses that issues were
    moved to, of the transitions, of the issues, of the changed fields, in any combination but
    fields with status or transition. Status and transition count status changes only; fields count
    changed fields, of which one action can have several.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sort: SortKey = Field(
        default="-total",
        description=(
            "`total`, `display_name` or an action code; a leading `-` turns the order round. "
            "Equal rows follow the name, then the account id."
        ),
        examples=["-total", "display_name", "-ISSUE_CREATED"],
    )
    breakdowns: tuple[Breakdown, ...] = Field(
        default=(),
        alias="breakdown",
        max_length=len(BREAKDOWNS),
        description=(
            "Split every author's row; repeat the parameter for several. `fields` cannot be "
            "combined with `status` or `transition`."
        ),
        examples=[["projects", "issues"]],
    )
    columns: ActionCodes = Field(
        default=(),
        alias="column",
        max_length=MAX_VALUES,
        description=(
            "Codes to give in `counts`; repeat the parameter for several. Left out: all that "
            "occurred. `total` is of all actions of the filter, whatever columns are chosen."
        ),
        examples=[["ISSUE_CREATED", "STATUS_CHANGED"]],
    )
    zeros: bool = Field(
        default=False,
        description=(
            "Give every column (without `column`: every code of the catalogue) in `counts`, also "
            "those that did not occur."
        ),
        examples=[True],
    )

    @field_validator("breakdowns")
    @classmethod
    def _breakdowns_go_together(cls, value: tuple[Breakdown, ...]) -> tuple[Breakdown, ...]:
        for breakdown in value:
            clash = sorted(NOT_TOGETHER.get(breakdown, frozenset()).intersection(value))
            if clash:
                msg = f"{breakdown} cannot be combined with {' or '.join(clash)}; leave out one"
                raise ValueError(msg)
        # each once, in one order, so that equal questions are equal
        return tuple(breakdown for breakdown in BREAKDOWNS if breakdown in value)


class IssueViewFilter(WhoAndWhen):
    """Which views of issues."""

    issues: Texts = Field(
        default=(),
        alias="issue",
        max_length=MAX_VALUES,
        description=(
            "Views of these issues (keys, former keys or ids): who looked at them. Repeat the "
            "parameter for several."
        ),
        examples=[["DEMO-1"]],
    )
    jql: Jql | None = JQL
