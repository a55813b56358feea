"""Which issues came and went: a complete listing compared with what was known before.

An issue counts as deleted only if a complete listing lacks it, its project is still visible and
live, and asking for the issue itself finds nothing. Everything else leaves it as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache

import msgspec
from ulid import ULID

from pipelines.client import Answer, server_time_after
from pipelines.errors import PermissionDeniedError
from pipelines.lake import payloads
from pipelines.paging import OffsetPage, complete, offset_pages
from pipelines.rows import BadRecordError, Row, id_of, record_reader, us_of, version_at
from pipelines.sources.jira_issues.issues import BULK_FETCH, ISSUES_PER_REQUEST, decode_bulk
from pipelines.sources.jira_issues.listing import IdListing
from pipelines.sync import Sync, chunks

PROJECTS = "/rest/api/3/project/search"
PROJECTS_PER_PAGE = 100
NAMED_PROJECTS = 5


class _Identity(msgspec.Struct):
    id: str | int


_read_identity = record_reader(_Identity)


class _Project(msgspec.Struct):
    id: str | int
    archived: bool = False
    deleted: bool = False


_read_project = record_reader(_Project)


class _ProjectField(msgspec.Struct):
    project: _Identity


class _IssueInProject(msgspec.Struct):
    fields: _ProjectField


_read_place = record_reader(_IssueInProject)


class _ProjectPage(msgspec.Struct, rename="camel"):
    values: list[msgspec.Raw]
    total: int | None = None
    is_last: bool | None = None


async def reconcile(sync: Sync, listing: IdListing) -> None:
    """Store which issues appeared and vanished, and the sweep; see the module for the rules."""
    sweep_id = str(ULID())
    stored = sync.last_versions("issue_presence")
    present = {issue_id for issue_id, seen in stored.items() if seen.is_present}
    known = present | (sync.last_versions("issues").keys() - stored.keys())
    places = _projects_of(sync, known - listing.ids)
    hidden = await _hidden_projects(sync, places)
    missing = {issue_id: place for issue_id, place in places.items() if place not in hidden}
    held_back = sync.shrank("issue_presence", len(missing), len(known))
    if listing.unreadable and missing:
        sync.warn(
            f"issue_presence: {listing.unreadable} ids of the listing are in quarantine, so none "
            f"of {len(missing)} missing issues was marked as deleted."
        )
        held_back = True
    finished_at = listing.finished_at
    gone: set[str] = set()
    if missing and not held_back:
        gone, finished_at = await _confirm(sync, missing, finished_at)
    was_hidden: dict[str, str | None] = sync.state.get("hidden_projects", {})
    last_sweep_at = sync.state.get("last_sweep_at")

    @cache
    def evidence(previous_sweep_at: str | None) -> bytes:
        content = {
            "sweep_id": sweep_id,
            "previous_sweep_at": _surely_listed_at(sync, previous_sweep_at),
            "project_visible": True,
        }
        return msgspec.json.encode(content)

    appeared = sorted(listing.ids - present, key=int)
    for ids, is_present, source_at in (
        (appeared, True, listing.started_at),
        (sorted(gone, key=int), False, finished_at),
    ):
        for part in chunks(ids, ISSUES_PER_REQUEST):
            for issue_id in part:
                payload = evidence(was_hidden.get(missing.get(issue_id, ""), last_sweep_at))
                fetched_us, source_us = listing.fetched_us, us_of(source_at)
                row = Row(issue_id, sweep_id, fetched_us, payload, source_us, None, is_present)
                sync.buffer("issue_presence").add(row)
            await sync.flush_full()
    sync.record_sweep(
        "issue_presence",
        sweep_id,
        started_at=listing.started_at,
        finished_at=finished_at,
        fetched_us=listing.fetched_us,
        object_count=len(listing.ids),
        present_added=len(appeared),
        absent=len(missing) if held_back else len(gone),
        held_back=held_back,
    )
    sync.state["issue_count"] = len(listing.ids)
    sync.state["hidden_projects"] = {
        place: was_hidden.get(place, last_sweep_at) for place in sorted(hidden)
    }
    if was_hidden.keys() - hidden:
        # Nobody told what happened in a project while it was hidden: the next sync reads all.
        sync.state["last_full_at"] = None
    if not held_back:
        sync.state["last_sweep_at"] = version_at(listing.started_at)


async def require_a_project(sync: Sync) -> None:
    """Raise PermissionDeniedError when the account sees no project: then it sees no issue."""
    if not await complete(lambda: _projects(sync), "projects"):
        raise PermissionDeniedError(
            "The account sees no project, so it sees no issue.",
            "Give it the permission Browse projects in every project that is to be logged.",
        )


def _projects_of(sync: Sync, ids: Iterable[str]) -> dict[str, str]:
    """Return the project of each of `ids`, as last read; an unreadable one proves nothing."""
    places: dict[str, str] = {}
    for issue_id, payload in payloads(sync.home, sync.source, "issues", ids):
        with suppress(BadRecordError):
            places[issue_id] = id_of(_read_place(payload).fields.project.id)
    return places


async def _hidden_projects(sync: Sync, places: Mapping[str, str]) -> set[str]:
    """Return the projects of missing issues that are not in a complete listing, or not live."""
    if not places:
        return set()
    projects = await complete(lambda: _projects(sync), "projects")
    unknown = set(places.values()) - projects.keys()
    if unknown:
        count = sum(place in unknown for place in places.values())
        names = ", ".join(sorted(unknown, key=int)[:NAMED_PROJECTS])
        sync.warn(
            f"{count} issues of {len(unknown)} projects (ids {names}) are not visible any more: "
            "the projects are deleted, or the account lacks Browse projects there. "
            "They are not counted as deleted."
        )
    return {place for place in places.values() if not projects.get(place)}


def _surely_listed_at(sync: Sync, sweep_at: str | None) -> str | None:
    """Return since when an issue listed by a sweep may be gone: a search index lags behind."""
    if sweep_at is None:
        return None
    lag = timedelta(minutes=sync.settings.overlap_minutes)
    return version_at(datetime.fromisoformat(sweep_at) - lag)


async def _projects(sync: Sync) -> dict[str, bool]:
    """Return the projects the account sees, and whether their issues can be searched (live)."""

    async def ask(start: int) -> Answer[OffsetPage]:
        return await sync.client.get(
            PROJECTS,
            _decode_projects,
            params=(
                *(("status", state) for state in ("live", "archived", "deleted")),
                ("startAt", str(start)),
                ("maxResults", str(PROJECTS_PER_PAGE)),
            ),
        )

    projects: dict[str, bool] = {}
    async for answer in offset_pages(ask):
        for record in answer.content.records:
            project = _read_project(record)
            projects[id_of(project.id)] = not (project.archived or project.deleted)
    return projects


def _decode_projects(body: bytes) -> OffsetPage:
    page = msgspec.json.decode(body, type=_ProjectPage)
    return OffsetPage(page.values, page.total, page.is_last)


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
