"""One sync of Assets: lists and roles, then the objects of each schema."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipelines.full_lists import read_full_lists
from pipelines.rows import at_us, us_of, version_at
from pipelines.sources.assets.lists import FULL_LISTS
from pipelines.sources.assets.objects import Objects
from pipelines.sources.assets.workspace import find_workspace
from pipelines.sync import Sync
from pipelines.windows import FULL_EVERY


async def traverse(sync: Sync) -> None:
    """Read what changed since the cursor; once a week, list every object.

    Raises NotConnectedError when the site has no Assets.
    """
    names = {"workspace": await find_workspace(sync)}
    lists = await read_full_lists(sync, FULL_LISTS, names)
    schemas = lists["object_schemas"].get("")
    if schemas is None:  # not readable: told by read_full_lists
        return
    cursor = sync.state.get("updated_cursor")
    sync.cursor_from = cursor
    since = None
    if cursor and not sync.full and not _is_listing_due(sync):
        overlap = timedelta(minutes=sync.settings.overlap_minutes)
        since = datetime.fromisoformat(cursor) - overlap
    sync.mode = "incremental" if since else "full"
    known = sync.last_versions_by_parent("objects")
    objects = Objects(sync, names, since, known)
    for schema_id in sorted(schemas.objects):
        await objects.read_schema(schema_id)
    if since is None:
        sync.state["last_listed_at"] = version_at(sync.server_now)
    if objects.newest_us is not None:
        # an object dated in the future must not hide those that are not
        newest = at_us(min(objects.newest_us, us_of(sync.server_now)))
        sync.cursor_to = max(version_at(newest), cursor or "")
        sync.state["updated_cursor"] = sync.cursor_to


def _is_listing_due(sync: Sync) -> bool:
    last = sync.state.get("last_listed_at")
    return last is None or sync.server_now - datetime.fromisoformat(last) >= FULL_EVERY
