"""Which issues came and went: a complete listing compared with what was known before.

Why an issue is missing from a listing is told apart, because a lost permission is no deletion:

    archived, trashed   its project is
    access_lost         the account may not browse its project, or lost the security level it has
    unobserved          nobody can tell: it may be deleted, or moved out of the account's sight
    deleted             asking for the issue itself finds nothing, and the account sees all it could
                        have moved to: every live project, and every security level of its own

A row of `issue_presence` is written when that changes; `unobserved` becomes `deleted` once the
account sees everything. A few requests per project with missing issues, none per issue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Literal

import msgspec
import pyarrow as pa
from ulid import ULID

from pipelines.client import Answer, server_time_after
from pipelines.errors import NotFoundError, PermissionDeniedError
from pipelines.lake import Seen, payloads
from pipelines.paging import OffsetPage, complete, offset_pages
from pipelines.rows import (
    TIMESTAMP,
    BadRecordError,
    Row,
    Rows,
    id_of,
    record_reader,
    us_of,
    version_at,
)
from pipelines.sources.jira_issues.issues import BULK_FETCH, ISSUES_PER_REQUEST, decode_bulk
from pipelines.sources.jira_issues.listing import IdListing
from pipelines.sync import Sync, chunks

PROJECTS = "/rest/api/3/project/search"
PROJECTS_PER_PAGE = 100
ROWS_AT_ONCE = 5_000
SECURITY_SCHEME = "/rest/api/3/project/{project}/issuesecuritylevelscheme"
SECURITY_LEVELS = "/rest/api/3/project/{project}/securitylevel"
PERMISSIONS = "/rest/api/3/mypermissions"
NAMED_PROJECTS = 5
OUT_OF_SIGHT = frozenset({"archived", "trashed", "access_lost"})
"""States in which nobody tells what happens; once over, the next sync reads all."""

ProjectState = Literal["live", "archived", "trashed"]
State = Literal["deleted", "archived", "trashed", "access_lost", "unobserved"]


class _Identity(msgspec.Struct):
    id: str | int


_read_identity = record_reader(_Identity)


class _Project(msgspec.Struct):
    id: str | int
    archived: bool = False
    deleted: bool = False

    @property
    def state(self) -> ProjectState:
        """Where it is in its life."""
        return "trashed" if self.deleted else "archived" if self.archived else "live"


_read_project = record_reader(_Project)


class _PlaceFields(msgspec.Struct):
    project: _Identity
    security: _Identity | None = None


class _Placed(msgspec.Struct):
    fields: _PlaceFields


_read_place = record_reader(_Placed)


class _ProjectPage(msgspec.Struct, rename="camel"):
    values: list[msgspec.Raw]
    total: int | None = None
    is_last: bool | None = None


class _Levels(msgspec.Struct):
    levels: list[_Identity] = []

    @property
    def ids(self) -> set[str]:
        return {id_of(level.id) for level in self.levels}


class _Permission(msgspec.Struct, rename="camel"):
    have_permission: bool


class _Permissions(msgspec.Struct):
    permissions: dict[str, _Permission]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an issue was when it was last read: ids of its project and security level."""

    project: str
    level: str | None


@dataclass(frozen=True, slots=True)
class _Sight:
    """Projects and their state: those the account may view, and those whose issues it may see."""

    viewable: Mapping[str, ProjectState]
    browsable: Mapping[str, ProjectState]


@dataclass(frozen=True, slots=True)
class _Missing:
    """Why a known issue is not in the listing, and by which reasoning."""

    state: State
    evidence: str


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Why issues are missing; `withheld`: how many of a listing that is not believed are not told.

    `finished_at`: server time after the last question.
    """

    reasons: dict[str, _Missing]
    finished_at: datetime
    withheld: int = 0


async def reconcile(sync: Sync, listing: IdListing) -> None:
    """Store which issues appeared and vanished, and the sweep; see the module for the rules."""
    sweep_id = str(ULID())
    listed = sync.last_versions("issue_presence", is_listed=True)
    stored = {i: _state_of(seen) for i, seen in listed.items()}
    known = {issue_id for issue_id, state in stored.items() if state != "deleted"}
    known |= sync.last_versions("issues").keys() - stored.keys()
    places = _places_of(sync, known - listing.ids)
    verdict = await _explain(sync, listing, places, stored, len(known))
    last_sweep_at = _surely_listed_at(sync, sync.state.get("last_sweep_at"))

    @cache
    def payload(missing: _Missing | None) -> bytes:
        content: dict[str, object] = {"sweep_id": sweep_id, "previous_sweep_at": last_sweep_at}
        if missing is not None:
            content |= {"state": missing.state, "evidence": missing.evidence}
        return msgspec.json.encode(content)

    def absent_row(issue_id: str) -> Row:
        missing = verdict.reasons[issue_id]
        version = sweep_id if missing.state == "deleted" else f"{sweep_id}.{missing.state}"
        at, fetched_us = us_of(verdict.finished_at), listing.fetched_us
        return Row(issue_id, version, fetched_us, payload(missing), at, is_present=False)

    appeared = {i for i in listing.ids if stored.get(i) != "present"}
    changed = {i for i, missing in verdict.reasons.items() if stored.get(i) != missing.state}
    buffer = sync.buffer("issue_presence")
    for part in chunks(sorted(appeared, key=int), ROWS_AT_ONCE):
        count = len(part)
        at = pa.repeat(pa.scalar(us_of(listing.started_at), TIMESTAMP), count)
        contents = [payload(None)] * count
        buffer.extend(Rows(part, [sweep_id] * count, listing.fetched_us, contents, at))
        await sync.flush_full()
    for issue_id in sorted(changed, key=int):
        buffer.add(absent_row(issue_id))
    await sync.flush_full()
    gone = sum(verdict.reasons[issue_id].state == "deleted" for issue_id in changed)
    sync.record_sweep(
        "issue_presence",
        sweep_id,
        started_at=listing.started_at,
        finished_at=verdict.finished_at,
        fetched_us=listing.fetched_us,
        object_count=len(listing.ids),
        present_added=len(appeared),
        absent=verdict.withheld or gone,
        held_back=verdict.withheld > 0,
    )
    sync.state["issue_count"] = len(listing.ids)
    _remember_what_is_hidden(sync, places, verdict)
    if not verdict.withheld:
        sync.state["last_sweep_at"] = version_at(listing.started_at)


def _remember_what_is_hidden(sync: Sync, places: Mapping[str, _Place], verdict: _Verdict) -> None:
    """Let the next sync read all when a project comes back: nobody told what happened in it."""
    hidden = {
        places[issue_id].project
        for issue_id, missing in verdict.reasons.items()
        if missing.state in OUT_OF_SIGHT
    }
    if set(sync.state.get("hidden_projects", ())) - hidden:
        sync.state["last_full_at"] = None
    sync.state["hidden_projects"] = sorted(hidden)


async def require_a_project(sync: Sync) -> None:
    """Raise PermissionDeniedError when the account sees no project: then it sees no issue."""
    if not await complete(lambda: _projects(sync, "browse"), "projects"):
        raise PermissionDeniedError(
            "The account sees no project, so it sees no issue.",
            "Give it the permission Browse projects in every project that is to be logged.",
        )


async def _explain(
    sync: Sync,
    listing: IdListing,
    places: Mapping[str, _Place],
    stored: Mapping[str, str],
    known: int,
) -> _Verdict:
    """Find out why issues are missing; `known` counts all that were known before."""
    if not places:
        return _Verdict({}, listing.finished_at)
    sight = _Sight(
        await complete(lambda: _projects(sync, "view"), "projects"),
        await complete(lambda: _projects(sync, "browse"), "projects"),
    )
    reasons, candidates = _out_of_sight(sync, sight, places)
    new = sum(stored.get(issue_id) != "unobserved" for issue_id in candidates)
    is_suspect = sync.shrank("issue_presence", new, known)
    if listing.unreadable and candidates:
        sync.warn(
            f"issue_presence: {listing.unreadable} ids of the listing are in quarantine, so none "
            f"of {len(candidates)} missing issues was marked as deleted."
        )
        is_suspect = True
    if is_suspect:
        return _Verdict(reasons, listing.finished_at, withheld=len(candidates))
    gone, finished_at = await _confirm(sync, candidates, listing.finished_at)
    reasons |= await _judge(sync, sight, {i: candidates[i] for i in gone})
    return _Verdict(reasons, finished_at)


def _state_of(seen: Seen) -> str:
    """Give the state that a stored row tells; all but two stand in its version."""
    if seen.is_present:
        return "present"
    return seen.version.partition(".")[2] or "deleted"


def _places_of(sync: Sync, ids: Iterable[str]) -> dict[str, _Place]:
    """Return where each of `ids` was, as last read; an unreadable one proves nothing."""
    places: dict[str, _Place] = {}
    for issue_id, payload in payloads(sync.home, sync.source, "issues", ids):
        with suppress(BadRecordError):
            fields = _read_place(payload).fields
            level = None if fields.security is None else id_of(fields.security.id)
            places[issue_id] = _Place(id_of(fields.project.id), level)
    return places


def _out_of_sight(
    sync: Sync, sight: _Sight, places: Mapping[str, _Place]
) -> tuple[dict[str, _Missing], dict[str, _Place]]:
    """Part missing issues: those whose project explains it, and those that may be deleted."""
    reasons: dict[str, _Missing] = {}
    candidates: dict[str, _Place] = {}
    for issue_id, place in places.items():
        state = sight.viewable.get(place.project, "live")
        if state != "live":
            reasons[issue_id] = _Missing(state, f"project_{state}")
        elif place.project not in sight.browsable:
            reasons[issue_id] = _Missing("access_lost", "project_not_visible")
        else:
            candidates[issue_id] = place
    hidden = {places[i].project for i, missing in reasons.items() if missing.state == "access_lost"}
    if hidden:
        count = sum(place.project in hidden for place in places.values())
        names = ", ".join(sorted(hidden, key=int)[:NAMED_PROJECTS])
        sync.warn(
            f"{count} issues of {len(hidden)} projects (ids {names}) are not visible any more: "
            "the projects are deleted, or the account lacks Browse projects there. "
            "They are not counted as deleted."
        )
    return reasons, candidates


async def _judge(sync: Sync, sight: _Sight, gone: Mapping[str, _Place]) -> dict[str, _Missing]:
    """Say of issues that cannot be read any more whether they are deleted for certain."""
    if not gone:
        return {}
    sees_every_project = await _sees_every_project(sync, sight)
    reasons: dict[str, _Missing] = {}
    hidden_levels = {
        project: await _hidden_levels(sync, project)
        for project in sorted({place.project for place in gone.values()}, key=int)
    }
    for issue_id, place in gone.items():
        hidden = hidden_levels[place.project]
        if hidden and place.level in hidden:
            reasons[issue_id] = _Missing("access_lost", "security_level_not_visible")
        elif hidden is None or hidden:
            reasons[issue_id] = _Missing("unobserved", "security_levels_not_visible")
        elif not sees_every_project:
            reasons[issue_id] = _Missing("unobserved", "projects_not_visible")
        else:
            reasons[issue_id] = _Missing("deleted", "not_listed_and_not_found")
    unsure = sum(missing.state == "unobserved" for missing in reasons.values())
    if unsure:
        sync.warn(
            f"{unsure} issues vanished, but the account does not see every project and security "
            "level they could have moved to. They are not counted as deleted: let the site send "
            "webhooks, or give the account Administer Jira and Browse projects everywhere."
        )
    return reasons


async def _sees_every_project(sync: Sync, sight: _Sight) -> bool:
    """Tell whether no live project is out of the account's sight; only administrators can know."""
    answer = await sync.client.get(
        PERMISSIONS, _decode_permissions, params=(("permissions", "ADMINISTER"),)
    )
    administers = answer.content.permissions.get("ADMINISTER")
    if administers is None or not administers.have_permission:
        return False
    live = (project for project, state in sight.viewable.items() if state == "live")
    return all(project in sight.browsable for project in live)


async def _hidden_levels(sync: Sync, project: str) -> set[str] | None:
    """Return the security levels of a project that hide issues from the account; None: unknown."""
    path = {"project": project}
    try:
        scheme = await sync.client.get(SECURITY_SCHEME, _decode_levels, path=path)
    except NotFoundError:
        return set()  # no scheme, no levels
    except PermissionDeniedError:
        return None
    seen = await sync.client.get(SECURITY_LEVELS, _decode_levels, path=path)
    return scheme.content.ids - seen.content.ids


def _surely_listed_at(sync: Sync, sweep_at: str | None) -> str | None:
    """Return since when an issue listed by a sweep may be gone: a search index lags behind."""
    if sweep_at is None:
        return None
    lag = timedelta(minutes=sync.settings.overlap_minutes)
    return version_at(datetime.fromisoformat(sweep_at) - lag)


async def _projects(sync: Sync, action: str) -> dict[str, ProjectState]:
    """Return the projects that the account may view or browse, with their state."""

    async def ask(start: int) -> Answer[OffsetPage]:
        return await sync.client.get(
            PROJECTS,
            _decode_projects,
            params=(
                *(("status", state) for state in ("live", "archived", "deleted")),
                ("action", action),
                ("startAt", str(start)),
                ("maxResults", str(PROJECTS_PER_PAGE)),
            ),
        )

    projects: dict[str, ProjectState] = {}
    async for answer in offset_pages(ask):
        for record in answer.content.records:
            project = _read_project(record)
            projects[id_of(project.id)] = project.state
    return projects


def _decode_projects(body: bytes) -> OffsetPage:
    page = msgspec.json.decode(body, type=_ProjectPage)
    return OffsetPage(page.values, page.total, page.is_last)


def _decode_levels(body: bytes) -> _Levels:
    return msgspec.json.decode(body, type=_Levels)


def _decode_permissions(body: bytes) -> _Permissions:
    return msgspec.json.decode(body, type=_Permissions)


async def _confirm(
    sync: Sync, ids: Iterable[str], finished_at: datetime
) -> tuple[set[str], datetime]:
    """Ask for each missing issue; return those that are gone, and the server time after that."""
    gone = set(ids)
    for part in chunks(sorted(gone, key=int), ISSUES_PER_REQUEST):
        answer = await sync.client.post(
            BULK_FETCH, decode_bulk, body={"issueIdsOrKeys": part, "fields": ["id"]}
        )
        finished_at = max(finished_at, server_time_after(answer))
        for record in answer.content.issues:
            gone.discard(id_of(_read_identity(record).id))
        gone -= {str(error.id) for error in answer.content.errors}
    return gone, finished_at
