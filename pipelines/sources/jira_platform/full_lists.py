"""Full-list resources as data, and the comparison of a listing with what the lake last said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import msgspec
from ulid import ULID

from pipelines.client import Answer, server_time_after
from pipelines.errors import NotFoundError, PermissionDeniedError
from pipelines.lake import Seen
from pipelines.paging import OffsetPage, complete, offset_pages
from pipelines.rows import NEVER, Row, content_hash, id_of, member_of, us_of
from pipelines.sync import Sync

Style = Literal["page_bean", "array", "array_pages", "issueLinkTypes"]


@dataclass(frozen=True, slots=True)
class FullList:
    """One list: where it is, how it is paged (`style`), which field identifies an object.

    `permission` is what an account needs to read it and `loses` what is missing without it; a
    list without a permission belongs to everyone who can log in.
    """

    resource: str
    description: str
    path: str
    style: Style = "array"
    key: str = "id"
    page_size: int = 0
    params: tuple[tuple[str, str], ...] = ()
    permission: str = ""
    loses: str = ""
    may_be_empty: bool = True

    def page(self, start: int, size: int) -> tuple[tuple[str, str], ...]:
        """Return the parameters of the page of at most `size` objects at offset `start`."""
        paging = (("startAt", str(start)), ("maxResults", str(size))) if self.page_size else ()
        return (*self.params, *paging)


FULL_LISTS = {
    entry.resource: entry
    for entry in (
        FullList(
            "projects",
            "One row per project and changed content; archived and trashed ones included.",
            "/rest/api/3/project/search",
            "page_bean",
            page_size=100,
            params=(
                *(("status", state) for state in ("live", "archived", "deleted")),
                ("expand", "description,lead,url"),
            ),
            permission="Browse projects",
            loses="projects, their issues and everything in them stay invisible",
            may_be_empty=False,
        ),
        FullList(
            "users",
            "One row per account and changed content, inactive and deleted ones included.",
            "/rest/api/3/users/search",
            "array_pages",
            key="accountId",
            page_size=1000,
            permission="Browse users and groups",
            loses="people who did nothing in visible issues are unknown, names may be missing",
            may_be_empty=False,
        ),
        FullList("fields", "One row per field and changed content.", "/rest/api/3/field"),
        FullList("statuses", "One row per status and changed content.", "/rest/api/3/status"),
        FullList(
            "resolutions", "One row per resolution and changed content.", "/rest/api/3/resolution"
        ),
        FullList(
            "issue_types", "One row per issue type and changed content.", "/rest/api/3/issuetype"
        ),
        FullList(
            "issue_link_types",
            "One row per issue link type and changed content.",
            "/rest/api/3/issueLinkType",
            "issueLinkTypes",
            permission="Browse projects, with issue linking switched on",
            loses="the kinds of issue links are unknown",
        ),
        FullList(
            "issue_security_levels",
            "One row per issue security level and changed content.",
            "/rest/api/3/issuesecurityschemes/level",
            "page_bean",
            page_size=100,
            permission="Administer Jira",
            loses="names of issue security levels are unknown",
        ),
    )
}


class _PageBean(msgspec.Struct, rename="camel"):
    values: list[msgspec.Raw]
    total: int | None = None
    is_last: bool | None = None


class _LinkTypes(msgspec.Struct, rename="camel"):
    issue_link_types: list[msgspec.Raw]


def decode_page(style: Style, body: bytes) -> OffsetPage:
    """Decode one page of a list. Raises msgspec's errors when it is not of that style."""
    if style == "page_bean":
        page = msgspec.json.decode(body, type=_PageBean)
        return OffsetPage(page.values, page.total, page.is_last)
    if style == "issueLinkTypes":
        return OffsetPage(msgspec.json.decode(body, type=_LinkTypes).issue_link_types, is_last=True)
    records = msgspec.json.decode(body, type=list[msgspec.Raw])
    return OffsetPage(records, is_last=True if style == "array" else None)


@dataclass(slots=True)
class Listing:
    """One complete listing: object id -> (JSON, microseconds since 1970 when it arrived).

    `finished_at` is the server's time of the last page, `fetched_us` ours.
    """

    objects: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    unreadable: int = 0
    finished_at: datetime = NEVER
    fetched_us: int = 0


async def list_pages(sync: Sync, entry: FullList) -> AsyncIterator[Answer[OffsetPage]]:
    """Yield the pages of one list from its start."""

    async def ask(start: int) -> Answer[OffsetPage]:
        return await sync.client.get(
            entry.path,
            lambda body: decode_page(entry.style, body),
            params=entry.page(start, entry.page_size),
        )

    async for answer in offset_pages(ask):
        yield answer


async def read_listing(sync: Sync, entry: FullList) -> Listing:
    """Read one list to its end, from the start again if it shifts. See `paging.complete`."""

    async def read() -> Listing:
        listing = Listing()
        async for answer in list_pages(sync, entry):
            listing.finished_at = server_time_after(answer)
            listing.fetched_us = answer.fetched_us

            def add(record: bytes, fetched_us: int = answer.fetched_us) -> None:
                listing.objects[id_of(member_of(record, entry.key))] = (record, fetched_us)

            listing.unreadable += sync.read_records(
                entry.resource, answer.content.records, answer, add
            )
        return listing

    return await complete(read, entry.resource)


async def read_full_list(sync: Sync, entry: FullList) -> None:
    """Store what changed in one list since the lake last saw it, and the listing's `sweeps` row.

    Absences are believed only when a second listing agrees. A list that the account may not read
    is skipped with a warning.
    """
    known = sync.last_versions(entry.resource)
    try:
        listing = await read_listing(sync, entry)
        absent = _absent(known, listing)
        if absent:
            listing = await read_listing(sync, entry)
            absent &= _absent(known, listing)
    except (PermissionDeniedError, NotFoundError):
        if not entry.permission:
            raise
        sync.warn(
            f"{entry.resource} was skipped: the account lacks the permission "
            f"'{entry.permission}'. Without it {entry.loses}."
        )
        return
    held_back = sync.shrank(
        entry.resource, len(absent), sum(seen.is_present for seen in known.values())
    )
    if listing.unreadable and absent:
        sync.warn(
            f"{entry.resource}: {listing.unreadable} records of the listing are in quarantine, "
            f"so none of {len(absent)} missing objects was marked as deleted."
        )
        held_back = True
    sweep_id = str(ULID())
    buffer = sync.buffer(entry.resource)
    added = 0
    for object_id, (record, fetched_us) in listing.objects.items():
        digest = content_hash(record)
        last = known.get(object_id)
        if last and last.is_present and last.version.partition(".")[0] == digest:
            continue
        added += last is None or not last.is_present
        # the sweep id keeps content that comes back (A, B, A) a version of its own
        version = f"{digest}.{sweep_id}"
        buffer.add(Row(object_id, version, fetched_us, record, us_of(sync.server_now)))
    if not held_back:
        for object_id in sorted(absent):
            buffer.add(
                Row(
                    object_id,
                    sweep_id,
                    listing.fetched_us,
                    None,
                    us_of(listing.finished_at),
                    is_present=False,
                )
            )
    sync.record_sweep(
        entry.resource,
        sweep_id,
        started_at=sync.server_now,
        finished_at=listing.finished_at,
        fetched_us=listing.fetched_us,
        object_count=len(listing.objects),
        present_added=added,
        absent=len(absent),
        held_back=held_back,
    )
    await sync.flush_full()


def _absent(known: dict[str, Seen], listing: Listing) -> set[str]:
    return {
        object_id
        for object_id, seen in known.items()
        if seen.is_present and object_id not in listing.objects
    }
