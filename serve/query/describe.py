"""A filter in English: what the API, an export and the log of serve say that was asked.

One sentence without its full stop: "Actions of Mia Krystof or members of group staff, in project
DEMO, from 1 to 31 January 2026 (Europe/Zurich)". Things go by their names, and a relative time
stays relative, with what it means today behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from serve.query.period import Period
from serve.query.spec import (
    DEFAULT_DAYS,
    ROW_KINDS,
    FilterSpec,
    Interval,
    IssueViewFilter,
    RowKind,
    WhoAndWhen,
    row_part,
)

NameKind = Literal[
    "user", "group", "project", "organization", "status", "resolution", "field", "action", "issue"
]
Namer = Callable[[NameKind, str], str]
"""Kind of thing, and what the filter calls it -> what people call it."""

MOST_NAMES = 20
MOST_OF_JQL = 500

# List of a filter -> kind of the things it holds.
_KINDS: dict[str, NameKind] = {
    "users": "user",
    "groups": "group",
    "people_in_projects": "project",
    "people_in_organizations": "organization",
    "projects": "project",
    "action_codes": "action",
    "statuses_from": "status",
    "statuses_to": "status",
    "resolutions": "resolution",
    "fields": "field",
}

_PERIODS: dict[Period, str] = {
    "today": "today",
    "yesterday": "yesterday",
    "this_week": "this week",
    "last_week": "last week",
    "this_month": "this month",
    "last_month": "last month",
    "this_year": "this year",
    "last_year": "last year",
    "last_7_days": "in the last 7 days",
    "last_30_days": "in the last 30 days",
    "last_90_days": "in the last 90 days",
    "last_12_months": "in the last 12 months",
    "all": "at any time",
}
_DAY = timedelta(days=1)


def describe(spec: WhoAndWhen, interval: Interval, name: Namer) -> str:
    """Return the sentence of a filter whose times are resolved to `interval`."""
    parts = [_subject(spec, name) + _people(spec, name)]
    if spec.projects:
        parts.append(f"in {_things('project', spec.projects, name)}")
    parts.append(_when(spec, interval))
    if isinstance(spec, FilterSpec):
        parts += _edits(spec, name)
    if isinstance(spec, FilterSpec | IssueViewFilter) and spec.jql:
        parts.append(f"on issues that match JQL “{_shortened(spec.jql)}”")
    if isinstance(spec, FilterSpec) and spec.row:
        parts.append(f"in the row of {_row(spec, name)}")
    return ", ".join(parts)


def named_values(spec: FilterSpec, name: Namer) -> list[tuple[str, str, str]]:
    """Return (parameter, value, name) of everything that the lists of a filter hold."""
    return [
        (FilterSpec.model_fields[field].alias or field, value, name(kind, value))
        for field, kind in _KINDS.items()
        for value in getattr(spec, field)
    ] + [("row", part, _part(part, name)) for part in spec.row]


def _subject(spec: WhoAndWhen, name: Namer) -> str:
    if isinstance(spec, IssueViewFilter):
        if not spec.issues:
            return "Views of issues"
        return f"Views of {_things('issue', spec.issues, name)}"
    if isinstance(spec, FilterSpec) and spec.action_codes:
        return f"Actions “{_either(spec.action_codes, 'action', name, '” or “', '”, “')}”"
    return "Actions"


def _people(spec: WhoAndWhen, name: Namer) -> str:
    """Say whose actions: one set of people, however it was picked."""
    sets = [_either(spec.users, "user", name)] if spec.users else []
    memberships: tuple[tuple[str, NameKind, tuple[str, ...]], ...] = (
        ("members", "group", spec.groups),
        ("people", "project", spec.people_in_projects),
        ("people", "organization", spec.people_in_organizations),
    )
    then = " at that time" if spec.membership == "then" else ""
    sets += [
        f"{people}{then} of {_things(kind, values, name)}"
        for people, kind, values in memberships
        if values
    ]
    return f" of {' or '.join(sets)}" if sets else ""


def _when(spec: WhoAndWhen, interval: Interval) -> str:
    zone = ZoneInfo(spec.time_zone)
    start, end = interval.start.astimezone(zone), interval.end.astimezone(zone)
    if spec.period is not None:
        words = _PERIODS[spec.period]
        until = f"until {_moment(end)}" if spec.period == "all" else _span(start, end)
    elif spec.occurred_from is None and spec.occurred_to is None:
        words, until = f"in the last {DEFAULT_DAYS} days", _span(start, end)
    else:
        return f"{_span(start, end)} ({spec.time_zone})"
    return f"{words} ({until}, {spec.time_zone})"


def _span(start: datetime, end: datetime) -> str:
    """Name a half-open interval by its days where it is made of whole ones."""
    first, last = start.date(), end.date() - _DAY
    if not (_begins_a_day(start) and _begins_a_day(end) and first <= last):
        return f"from {_moment(start)} to {_moment(end)}"
    if first == last:
        return f"on {_date(first)}"
    if (first.year, first.month) == (last.year, last.month):
        return f"from {first.day} to {_date(last)}"
    if first.year == last.year:
        return f"from {first:%-d %B} to {_date(last)}"
    return f"from {_date(first)} to {_date(last)}"


def _begins_a_day(moment: datetime) -> bool:
    """Whether it is the first instant of its day: not each is shown as midnight, and not once."""
    midnight = datetime(moment.year, moment.month, moment.day, tzinfo=moment.tzinfo)
    return midnight.astimezone(UTC) == moment.astimezone(UTC)


def _date(moment: date) -> str:
    return f"{moment:%-d %B %Y}"


def _moment(moment: datetime) -> str:
    return (
        f"{_date(moment)} {moment:%H:%M:%S}" if moment.second else f"{_date(moment)} {moment:%H:%M}"
    )


def _edits(spec: FilterSpec, name: Namer) -> list[str]:
    """Say what an edit did; several filters speak of one and the same edit."""
    kinds = []
    if spec.statuses_from or spec.statuses_to:
        leaving = (
            f" from {_either(spec.statuses_from, 'status', name)}" if spec.statuses_from else ""
        )
        entering = f" to {_either(spec.statuses_to, 'status', name)}" if spec.statuses_to else ""
        kinds.append(f"changed the status{leaving}{entering}")
    if spec.resolutions:
        kinds.append(f"resolved as {_either(spec.resolutions, 'resolution', name)}")
    if spec.fields:
        kinds.append(f"changed {_things('field', spec.fields, name)}")
    if not kinds:
        return []
    return [f"that {' and '.join(kinds)}{' in one edit' if len(kinds) > 1 else ''}"]


# Kind of a part of a row -> kind of its thing, what stands before its name, what it is without one.
_ROW_WORDS: dict[RowKind, tuple[NameKind, str, str]] = {
    "author": ("user", "author ", "the unknown author"),
    "action": ("action", "action ", "no action"),
    "projects": ("project", "project ", "no project"),
    "status": ("status", "status ", "no status"),
    "transition": ("status", "transition ", "no status"),
    "issues": ("issue", "issue ", "no issue"),
    "fields": ("field", "field ", "no field"),
}


def _row(spec: FilterSpec, name: Namer) -> str:
    """Name a row of the aggregated view by what it is about, in the order of its columns."""
    parts = sorted(spec.row, key=lambda part: ROW_KINDS.index(row_part(part)[0]))
    *others, last = [_part(part, name) for part in parts]
    return f"{', '.join(others)} and {last}" if others else last


def _part(text: str, name: Namer) -> str:
    kind, thing_id = row_part(text)
    thing, before, none = _ROW_WORDS[kind]
    ends = (thing_id or "").split(":") if kind == "transition" else [thing_id or ""]
    names = [_plain(name(thing, end)) if end else none for end in ends]
    if kind == "action":
        return f"{before}“{names[0]}”"
    return f"{before}{' → '.join(names)}" if thing_id else none


def _shortened(jql: str) -> str:
    plain = _plain(jql)
    return plain if len(plain) <= MOST_OF_JQL else f"{plain[:MOST_OF_JQL]}…"


def _plain(name: str) -> str:
    """Take out the line breaks that a name which somebody gave to something may hold."""
    return " ".join(name.split())


def _things(kind: NameKind, values: Sequence[str], name: Namer) -> str:
    return f"{kind}{'s' if len(values) > 1 else ''} {_either(values, kind, name)}"


def _either(
    values: Sequence[str], kind: NameKind, name: Namer, last: str = " or ", other: str = ", "
) -> str:
    """Name the values as alternatives; of very many only the first, and how many more."""
    names = [_plain(name(kind, value)) or value for value in values[:MOST_NAMES]]
    if len(values) > MOST_NAMES:
        names.append(f"{len(values) - MOST_NAMES:,} more")
    return last.join([other.join(names[:-1]), names[-1]] if len(names) > 1 else names)
