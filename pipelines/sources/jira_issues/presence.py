"""Which issues came and went: a complete listing compared with what was known before.

An issue counts as deleted only if a complete listing lacks it, its project is still visible and
live, and asking for the issue itself finds nothing. Everything else leaves it as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from ulid import ULID

from pipelines.client import Answer, server_time_after
from pipelines.lake import payloads
from pipelines.paging import OffsetPage, complete, offset_pages
from pipelines.rows import BadRecordError, Row, decode_record, id_of, us_of, version_at
from pipelines.sources.jira_issues.issues import BULK_FETCH, ISSUES_PER_REQUEST, decode_bulk
from pipelines.sources.jira_issues.listing import IdListing
from pipelines.sync import Sync, chunks

PROJECTS = "/rest/api/3/project/search"
PROJECTS_PER_PAGE = 100


class _Identity(msgspec.Struct):
    id: str | int


class _ProjectField(msgspec.Struct):
    project: _Identity


class _IssueInProject(msgspec.Struct):
    fields: _ProjectField


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
    missing = await _in_visible_projects(sync, known - listing.ids)
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
    content = {
        "sweep_id": sweep_id,
        "previous_sweep_at": sync.state.get("last_sweep_at"),
        "project_visible": True,
    }
    payload = msgspec.json.encode(content)
    appeared = sorted(listing.ids - present, key=int)
    for ids, is_present, source_at in (
        (appeared, True, listing.started_at),
        (sorted(gone, key=int), False, finished_at),
    ):
        for part in chunks(ids, ISSUES_PER_REQUEST):
            for issue_id in part:
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
    if not held_back:
        sync.state["last_sweep_at"] = version_at(listing.started_at)


async def _in_visible_projects(sync: Sync, ids: Iterable[str]) -> set[str]:
    """Return those of `ids` whose project is in a complete listing of live projects now."""
    projects: dict[str, str] = {}
    for issue_id, payload in payloads(sync.home, sync.source, "issues", ids):
        try:
            projects[issue_id] = id_of(decode_record(payload, _IssueInProject).fields.project.id)
        except BadRecordError:
            continue  # no readable project: nothing can be proved about this issue
    if not projects:
        return set()
    visible = await complete(lambda: _visible_projects(sync), "projects")
    hidden = {project for project in projects.values() if project not in visible}
    if hidden:
        count = sum(project in hidden for project in projects.values())
        sync.warn(
            f"{count} issues of {len(hidden)} projects are not visible any more. They are not "
            "counted as deleted; if the projects still exist, give the account Browse projects."
        )
    return {issue_id for issue_id, project in projects.items() if project in visible}


async def _visible_projects(sync: Sync) -> set[str]:
    async def ask(start: int) -> Answer[OffsetPage]:
        return await sync.client.get(
            PROJECTS,
            _decode_projects,
            params=(("startAt", str(start)), ("maxResults", str(PROJECTS_PER_PAGE))),
        )

    visible: set[str] = set()
    async for answer in offset_pages(ask):
        for record in answer.content.records:
            visible.add(id_of(decode_record(record, _Identity).id))
    return visible


def _decode_projects(body: bytes) -> OffsetPage:
    page = msgspec.json.decode(body, type=_ProjectPage)
    return OffsetPage(page.values, page.total, page.is_last)


async def _confirm(sync: Sync, ids: set[str], finished_at: datetime) -> tuple[set[str], datetime]:
    """Ask for each missing issue; return those that are gone, and the server time after that."""
    gone = set(ids)
    for part in chunks(sorted(ids, key=int), ISSUES_PER_REQUEST):
        answer = await sync.client.post(
            BULK_FETCH, decode_bulk, body={"issueIdsOrKeys": part, "fields": ["id"]}
        )
        finished_at = max(finished_at, server_time_after(answer))
        for record in answer.content.issues:
            gone.discard(id_of(decode_record(record, _Identity).id))
        gone -= {str(error.id) for error in answer.content.errors}
    return gone, finished_at
