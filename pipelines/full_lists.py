"""Full-list resources as data, and the comparison of a listing with what the lake last said.

    FullList("boards", "...", "/rest/agile/1.0/board", "page_bean", page_size=50)
    FullList("sprints", "...", "/rest/agile/1.0/board/{parent}/sprint", "page_bean",
             page_size=50, parents="boards")

A source lists its `FullList`s and calls `read_full_lists`. Lists with `parents` are read once per
object of the parent list, one complete listing each: rows carry `parent_id`, absences are found
per parent, and a parent that is gone says nothing about what was in it.

A row is stored per object whose content changed (its `source_at` is the server's time when the
listing began) and a tombstone per object that two complete listings in a row lack (`source_at`:
when the last one ended). Each complete listing has a row in `sweeps`, whose `object_id` is the
resource or `<resource>:<parent id>`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec
from ulid import ULID

from pipelines.client import Answer, AtlassianClient, server_time_after
from pipelines.errors import NotFoundError, PermissionDeniedError, RequestRefusedError
from pipelines.lake import Seen
from pipelines.paging import OffsetPage, complete, for_each, offset_pages, token_pages
from pipelines.rows import NEVER, Row, content_hash, id_of, member_of, us_of
from pipelines.specs import Probe
from pipelines.sync import Sync

Style = Literal[
    "array", "array_pages", "named", "object", "map", "page_bean", "jsm_pages", "aql", "cursor"
]
"""How a list is sent:

    array        [object, ...], whole
    array_pages  [object, ...] with startAt and maxResults
    named        {"<member>": [object, ...]}, whole
    object       one object, which is the whole list
    map          {name: value, ...}, whole; the names are the ids
    page_bean    {"values": [...], "total"?, "isLast"?} with startAt and maxResults
    jsm_pages    {"values": [...], "isLastPage"} with start and limit
    aql          POST {"qlQuery": ...} -> {"values" | "objectEntries": [...], "total"?, "isLast"?}
    cursor       {"data": [...], "links": {"next"}, "meta": {"next"}}
"""

LISTS_AT_ONCE = 4
_LIST_MEMBERS = ("values", "objectEntries")
_MISSING_LIST = "Object missing the list it should hold"


class ListPage(OffsetPage):
    """A page of any style. `names` are the ids of a map's values, in their order."""

    next_page_token: str | None = None
    names: list[str] | None = None


Names = Mapping[str, str]
"""What fills `{names}` in a path or a query; `parent` is the id of the object a list is in."""

Pages = AsyncIterator[Answer[ListPage]]


@dataclass(frozen=True, slots=True)
class FullList:
    """One list: where it is, how it is sent (`style`), which field identifies an object.

    `path`, values of `params` and `query` (AQL) may hold `{parent}` and the names given to
    `read_full_lists`; `{organization}` is always there. `key=""` is for a single object without
    an id: it is called like its parent, or like the resource. `permission` is what an account
    needs to read it and `loses` what is missing without it; a list without a permission belongs
    to everyone who can log in. `parents_where` chooses the parents that can have such a list, by
    their JSON; `may_be_refused` says that a parent may turn out to have none (400). `read` yields
    the pages of a list that no style describes.
    """

    resource: str
    description: str
    path: str
    style: Style = "array"
    key: str = "id"
    member: str = ""
    page_size: int = 0
    params: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    query: str = ""
    permission: str = ""
    loses: str = ""
    may_be_empty: bool = True
    asks: Literal["site", "organization"] = "site"
    parents: str = ""
    parents_where: Callable[[bytes], bool] | None = None
    may_be_refused: bool = False
    read: Callable[[Sync, Names], Pages] | None = None

    def page(self, start: int, size: int) -> tuple[tuple[str, str], ...]:
        """Return the parameters of the page of at most `size` objects at offset `start`."""
        if not self.page_size:
            return self.params
        if self.style == "cursor":
            return (*self.params, ("limit", str(size)))
        offset, limit = ("start", "limit") if self.style == "jsm_pages" else _START_AT
        return (*self.params, (offset, str(start)), (limit, str(size)))

    def client(self, sync: Sync) -> AtlassianClient:
        """Return whom the list is asked from."""
        return sync.client if self.asks == "site" else sync.organization


_START_AT = ("startAt", "maxResults")


def probes_of(lists: Iterable[FullList]) -> tuple[Probe, ...]:
    """Return a probe per list that needs a permission and can be asked for by itself."""
    return tuple(
        Probe(entry.permission, entry.path, entry.loses, entry.page(0, 1), entry.may_be_empty)
        for entry in lists
        if entry.permission
        and entry.style != "aql"
        and not entry.parents
        and "{" not in entry.path.replace("{organization}", "")
    )


def decode_page(entry: FullList, body: bytes) -> ListPage:
    """Decode one page of a list. Raises msgspec's errors when it is not of that style."""
    if entry.style in {"array", "array_pages"}:
        records = msgspec.json.decode(body, type=list[msgspec.Raw])
        return ListPage(records, is_last=True if entry.style == "array" else None)
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    match entry.style:
        case "object":
            return ListPage([msgspec.Raw(body)], is_last=True)
        case "map":
            return ListPage([*members.values()], is_last=True, names=[*members])
        case "named":
            return ListPage(_list_in(members, (entry.member,)), is_last=True)
        case "cursor":
            records = _list_in(members, (entry.member or "data",))
            return ListPage(records, next_page_token=next_cursor(members))
        case _:
            records = _list_in(members, (entry.member,) if entry.member else _LIST_MEMBERS)
            total = msgspec.json.decode(members.get("total", b"null"), type=int | None)
            says_last = members.get("isLastPage", members.get("isLast", b"null"))
            return ListPage(records, total, msgspec.json.decode(says_last, type=bool | None))


def _list_in(members: Mapping[str, msgspec.Raw], names: Iterable[str]) -> list[msgspec.Raw]:
    for name in names:
        if name in members:
            return msgspec.json.decode(members[name], type=list[msgspec.Raw])
    raise msgspec.ValidationError(_MISSING_LIST)


class _Next(msgspec.Struct):
    next: str | None = None


def next_cursor(members: Mapping[str, msgspec.Raw]) -> str | None:
    """Return the cursor of the page after this one (style F), or None on the last.

    The organisation's API gives it in `meta.next` or `links.next`, bare or inside a URL.
    """
    for name in ("meta", "links"):
        found = msgspec.json.decode(members.get(name, b"null"), type=_Next | None)
        if found and found.next:
            cursors = parse_qs(urlsplit(found.next).query).get("cursor")
            return cursors[0] if cursors else found.next
    return None


@dataclass(slots=True)
class Listing:
    """One complete listing: object id -> (JSON, microseconds since 1970 when it arrived).

    `started_at` is the server's time before the first page was asked for, `finished_at` after the
    last, `fetched_us` our clock then. `sweep_id` is that of its row in `sweeps`.
    """

    started_at: datetime
    sweep_id: str = field(default_factory=lambda: str(ULID()))
    objects: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    unreadable: int = 0
    finished_at: datetime = NEVER
    fetched_us: int = 0


class _Place(NamedTuple):
    """One list to read: the whole of a resource, or what is in one parent."""

    entry: FullList
    names: Names
    known: Mapping[str, Seen]

    @property
    def parent(self) -> str | None:
        return self.names["parent"] if self.entry.parents else None

    @property
    def title(self) -> str:
        """Name of the listing in `sweeps` and in warnings."""
        return f"{self.entry.resource}:{self.parent}" if self.parent else self.entry.resource


async def read_full_lists(
    sync: Sync, lists: Iterable[FullList], names: Names | None = None
) -> dict[str, dict[str, Listing]]:
    """Read lists, parents before what is in them; store what changed. See the module.

    Returns the complete listings by resource and parent id ('' for none). One that the account may
    not read is skipped with a warning, and so is everything in it.
    """
    given = {"organization": sync.settings.org_id or "", **(names or {})}
    waiting = [*lists]
    found: dict[str, dict[str, Listing]] = {entry.resource: {} for entry in waiting}
    total = done = 0

    async def read(place: _Place) -> None:
        nonlocal done
        listing = await _read_place(sync, place)
        if listing:
            found[place.entry.resource][place.parent or ""] = listing
        done += 1
        sync.report("lists", done, total)

    while waiting:
        later = {entry.resource for entry in waiting}
        now = [entry for entry in waiting if entry.parents not in later]
        waiting = [entry for entry in waiting if entry.parents in later]
        places = [place for entry in now for place in _places(sync, entry, given, found)]
        total += len(places)
        await for_each(places, read, workers=LISTS_AT_ONCE)
    return found


def _places(
    sync: Sync, entry: FullList, names: Names, found: Mapping[str, Mapping[str, Listing]]
) -> list[_Place]:
    known = sync.last_versions_by_parent(entry.resource, is_listed=True)
    if not entry.parents:
        return [_Place(entry, names, known.get("", {}))]
    where = entry.parents_where
    parents = {
        object_id
        for listing in found[entry.parents].values()
        for object_id, (record, _) in listing.objects.items()
        if where is None or where(record)
    }
    return [
        _Place(entry, {**names, "parent": parent}, known.get(parent, {}))
        for parent in sorted(parents)
    ]


def list_pages(sync: Sync, entry: FullList, names: Names) -> Pages:
    """Return the pages of one list from its start."""
    if entry.read:
        return entry.read(sync, names)

    async def ask(start: int, cursor: str | None = None) -> Answer[ListPage]:
        def decode(body: bytes) -> ListPage:
            return decode_page(entry, body)

        client, headers = entry.client(sync), dict(entry.headers)
        params = [(key, value.format_map(names)) for key, value in entry.page(start, size)]
        if cursor:
            params.append(("cursor", cursor))
        if entry.style != "aql":
            return await client.get(entry.path, decode, path=names, params=params, headers=headers)
        body = {"qlQuery": entry.query.format_map(names)}
        return await client.post(
            entry.path, decode, body=body, path=names, params=params, headers=headers
        )

    size = entry.page_size
    if entry.style == "cursor":
        return token_pages(lambda cursor: ask(0, cursor))
    return offset_pages(ask)


async def _read_listing(sync: Sync, place: _Place) -> Listing:
    """Read one list to its end, from the start again if it shifts. See `paging.complete`."""
    entry = place.entry

    async def read() -> Listing:
        # a time that was told before the first page was asked for is not after the listing's begin
        listing = Listing(max(sync.server_now, entry.client(sync).server_time))
        async for answer in list_pages(sync, entry, place.names):
            listing.finished_at = server_time_after(answer)
            listing.fetched_us = answer.fetched_us
            add = _adder(place, listing, answer)
            listing.unreadable += sync.read_records(
                entry.resource, answer.content.records, answer, add
            )
        return listing

    return await complete(read, place.title)


def _adder(place: _Place, listing: Listing, answer: Answer[ListPage]) -> Callable[[bytes], None]:
    names = iter(answer.content.names or ())

    def add(record: bytes) -> None:
        object_id = next(names, None) or _object_id(place, record)
        listing.objects[object_id] = (record, answer.fetched_us)

    return add


def _object_id(place: _Place, record: bytes) -> str:
    if place.entry.key:
        return id_of(member_of(record, place.entry.key))
    return place.parent or place.entry.resource


async def _read_place(sync: Sync, place: _Place) -> Listing | None:
    """Store what changed in one list since the lake last saw it, and the listing's `sweeps` row.

    Absences are believed only when a second listing agrees. None when the list cannot be read:
    for lack of a permission, which is told, or because its parent is gone or has no such list.
    """
    entry, known = place.entry, place.known
    try:
        listing = await _read_listing(sync, place)
        absent = _absent(known, listing)
        if absent:
            listing = await _read_listing(sync, place)
            absent &= _absent(known, listing)
    except RequestRefusedError:
        if not entry.may_be_refused:
            raise
        return None
    except NotFoundError:
        if not (place.parent or entry.permission):
            raise
        if not place.parent:
            sync.skip(entry.resource, entry.permission, entry.loses)
        return None
    except PermissionDeniedError:
        if not entry.permission:
            raise
        sync.skip(entry.resource, entry.permission, entry.loses)
        return None
    held_back = sync.shrank(
        place.title, len(absent), sum(seen.is_present for seen in known.values())
    )
    if listing.unreadable and absent:
        sync.warn(
            f"{place.title}: {listing.unreadable} records of the listing are in quarantine, "
            f"so none of {len(absent)} missing objects was marked as deleted."
        )
        held_back = True
    _add_changes(sync, place, listing, absent, held_back=held_back)
    await sync.flush_full()
    return listing


def _add_changes(
    sync: Sync, place: _Place, listing: Listing, absent: set[str], *, held_back: bool
) -> None:
    sweep_id = listing.sweep_id
    buffer = sync.buffer(place.entry.resource)
    started_us = us_of(listing.started_at)
    added = 0
    for object_id, (record, fetched_us) in listing.objects.items():
        digest = content_hash(record)
        last = place.known.get(object_id)
        if last and last.is_present and last.version.partition(".")[0] == digest:
            continue
        added += last is None or not last.is_present
        # the sweep id keeps content that comes back (A, B, A) a version of its own
        version = f"{digest}.{sweep_id}"
        buffer.add(Row(object_id, version, fetched_us, record, started_us, place.parent))
    fetched_us, finished_us = listing.fetched_us, us_of(listing.finished_at)
    for object_id in () if held_back else sorted(absent):
        buffer.add(
            Row(object_id, sweep_id, fetched_us, None, finished_us, place.parent, is_present=False)
        )
    sync.record_sweep(
        place.title,
        sweep_id,
        started_at=listing.started_at,
        finished_at=listing.finished_at,
        fetched_us=fetched_us,
        object_count=len(listing.objects),
        present_added=added,
        absent=len(absent),
        held_back=held_back,
    )


def _absent(known: Mapping[str, Seen], listing: Listing) -> set[str]:
    return {
        object_id
        for object_id, seen in known.items()
        if seen.is_present and object_id not in listing.objects
    }
