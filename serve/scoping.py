"""A filter as it was asked -> a scope of ids, against one snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from serve.errors import invalid_parameter
from serve.labels import issue_names
from serve.query.describe import NameKind, Namer, describe
from serve.query.jql.compiler import Selection, compile_query
from serve.query.jql.errors import JqlError
from serve.query.jql.moments import Clock
from serve.query.jql.parser import parse
from serve.query.scope import Condition, Scope
from serve.query.spec import FilterSpec, Interval, IssueViewFilter, WhoAndWhen, row_part
from serve.query.visibility import Rights
from serve.warehouse.names import SnapshotNames, former_projects
from serve.warehouse.snapshot import Directory, Snapshot


def resolve_who_and_when(spec: WhoAndWhen, snapshot: Snapshot, rights: Rights) -> Scope:
    """Resolve who, when and where against one snapshot: the interval, and the ids of all names.

    ProblemError 422 for a project, a group or an organization that the snapshot does not know, and
    for JQL that cannot be answered.
    """
    directory = snapshot.directory
    interval = spec.interval(directory.now)
    _check_range(spec, interval, snapshot.max_range_days)
    return Scope(
        interval=interval,
        description=describe(spec, interval, namer(spec, snapshot, rights)),
        users=spec.users,
        groups=_ids(directory, "group", "group", spec.groups),
        people_in_projects=_projects(snapshot, "people_in_project", spec.people_in_projects),
        people_in_organizations=_ids(
            directory, "organization", "people_in_organization", spec.people_in_organizations
        ),
        membership=spec.membership,
        projects=_projects(snapshot, "project", spec.projects),
        jql=_jql(spec, snapshot, rights),
    )


def resolve(spec: FilterSpec, snapshot: Snapshot, rights: Rights) -> Scope:
    """Resolve a filter against one snapshot: besides who and when, what was done.

    ProblemError 422 for a code or another thing that the snapshot does not know.
    """
    directory = snapshot.directory
    of_row = tuple(code for kind, code in map(row_part, spec.row) if kind == "action" and code)
    for parameter, codes in (("action_code", spec.action_codes), ("row", of_row)):
        for code in codes:
            if code not in directory.catalogue:
                raise invalid_parameter(
                    parameter, f"is no action code: {code}", "take a code of /api/v1/meta"
                )
    return replace(
        resolve_who_and_when(spec, snapshot, rights),
        action_codes=spec.action_codes,
        statuses_from=_ids(directory, "status", "status_from", spec.statuses_from),
        statuses_to=_ids(directory, "status", "status_to", spec.statuses_to),
        resolutions=_ids(directory, "resolution", "resolution", spec.resolutions),
        fields=_ids(directory, "field", "field", spec.fields),
        row=spec.row,
    )


def _jql(spec: WhoAndWhen, snapshot: Snapshot, rights: Rights) -> Condition | None:
    """Return the condition of the JQL of a filter; ProblemError 422 with the place of a fault."""
    if not isinstance(spec, FilterSpec | IssueViewFilter) or spec.jql is None:
        return None
    jql = spec.jql
    clock = Clock(snapshot.directory.now, ZoneInfo(spec.time_zone))

    def select() -> Selection:
        return compile_query(parse(jql), SnapshotNames(snapshot, rights), rights, clock)

    try:
        return snapshot.issues_found((rights.viewer, jql, clock), select)
    except JqlError as error:
        raise invalid_parameter(
            "jql", error.reason, error.remedy, (error.span.start, error.span.end)
        ) from None


def _check_range(spec: WhoAndWhen, interval: Interval, most: int | None) -> None:
    """Refuse an interval of more than `most` days; a day on which clocks change is one."""
    if most is None:
        return
    start, end = (
        moment.astimezone(ZoneInfo(spec.time_zone)).replace(tzinfo=None)
        for moment in (interval.start, interval.end)
    )
    if min(end - start, interval.end - interval.start) > timedelta(days=most):
        raise invalid_parameter(
            "period" if spec.period else "from",
            f"asks for more than {most} days at once",
            f"ask for at most {most} days, or raise AUDIT_LOG_MAX_RANGE_DAYS",
        )


def namer(spec: WhoAndWhen, snapshot: Snapshot, rights: Rights) -> Namer:
    """Return what tells the names of the things of `spec` in one snapshot.

    An issue that may not be listed is called by what `spec` calls it.
    """
    issue_ids: list[str | None] = []
    if isinstance(spec, IssueViewFilter):
        issue_ids += [name for name in spec.issues if name.isdecimal()]
    if isinstance(spec, FilterSpec):
        issue_ids += [issue_id for kind, issue_id in map(row_part, spec.row) if kind == "issues"]
    found = issue_names(snapshot, rights, issue_ids)
    keys = {issue_id: name.key for (_, issue_id), name in found.items() if name.key}
    return partial(_name, snapshot.directory, keys)


def _name(directory: Directory, issue_keys: Mapping[str, str], kind: NameKind, value: str) -> str:
    """Return what people call the thing that a filter names by its id, its name or its key."""
    match kind:
        case "user":
            user = directory.users.get(value)
            return (user and user.display_name) or value
        case "action":
            return directory.catalogue.label(value)
        case "issue":
            return issue_keys.get(value, value.upper())
        case "project":
            known = directory.project_ids
            ids = known.get(value) or known.get(value.upper(), ())
        case _:
            ids = directory.ids_of(kind, value)
    return next((directory.names[kind][one] for one in ids if one in directory.names[kind]), value)


def _projects(snapshot: Snapshot, parameter: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ids that ids, keys and former keys stand for; ProblemError 422 if one has none."""
    known = snapshot.directory.project_ids
    project_ids: set[str] = set()
    for name in names:
        found = known.get(name) or known.get(name.upper())
        if not found:
            found = former_projects(snapshot, name)
        if not found:
            raise invalid_parameter(
                parameter,
                f"is no id, key or former key of a project in the log: {name}",
                "check the spelling, or give the numeric project id",
            )
        project_ids.update(found)
    return tuple(sorted(project_ids))


def _ids(
    directory: Directory, kind: str, parameter: str, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the ids that ids or names of one kind of thing stand for; ProblemError 422 if none."""
    ids: set[str] = set()
    for name in names:
        found = directory.ids_of(kind, name)
        if not found:
            raise invalid_parameter(
                parameter,
                f"is no id or name of a {kind} in the log: {name}",
                "check the spelling, or give the id",
            )
        ids.update(found)
    return tuple(sorted(ids))
