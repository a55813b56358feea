"""The lists of a Jira site's versions, options and filters, as data.

Requests per run: versions / 100 per live project; filters / 100; 1 each for options, the account
and its rights.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pipelines.full_lists import FullList, Listing
from pipelines.rows import Row, content_hash, us_of
from pipelines.sources.jira_platform.projects import is_live
from pipelines.specs import ResourceSpec
from pipelines.sync import Sync

PLANNING_LISTS = (
    FullList(
        "versions",
        "One row per version of a project and changed content.",
        "/rest/api/3/project/{parent}/version",
        "page_bean",
        page_size=100,
        params=(("orderBy", "sequence"),),
        parents="projects",
        parents_where=is_live,
    ),
    FullList(
        "configuration",
        "One row per changed content of the site's global options.",
        "/rest/api/3/configuration",
        "object",
        key="",
        permission="Access Jira",
        loses="changes of the site's global options are not recorded",
    ),
    FullList(
        "filters",
        "One row per filter that is shared or the account's own, and changed content.",
        "/rest/api/3/filter/search",
        "page_bean",
        page_size=100,
        params=(
            ("expand", "description,owner,jql,sharePermissions,editPermissions"),
            ("overrideSharePermissions", "true"),
        ),
        permission="Administer Jira",
        loses="saved filters of others and what is done to them are unknown",
    ),
    FullList(
        "account_rights",
        "One row per change of what the account may do: whether it administers Jira.",
        "/rest/api/3/mypermissions",
        "object",
        key="",
        params=(("permissions", "ADMINISTER"),),
    ),
    FullList(
        "account",
        "One row per account that reads the site, and changed content.",
        "/rest/api/3/myself",
        "object",
        key="accountId",
    ),
)

VERSION_ORDERS = ResourceSpec(
    "version_orders", "One row per project and changed order of its versions: their ids."
)


PRIORITY_ORDERS = ResourceSpec(
    "priority_orders", "One row per changed order of the priorities: their ids, the highest first."
)


def add_orders(sync: Sync, spec: ResourceSpec, listings: Mapping[str, Listing]) -> None:
    """Store the order of each listing (by its parent's id) where it is another than before.

    A row of its own, because one object that is moved changes the place of many, but nothing of
    them. It ends in the listing, whose window it shares. What is in no parent is called like the
    resource.
    """
    known = sync.last_versions(spec.name, is_listed=True)
    for parent, listing in listings.items():
        order = msgspec.json.encode([*listing.objects])
        digest = content_hash(order)
        object_id = parent or spec.name
        last = known.get(object_id)
        if last is None or last.version.partition(".")[0] != digest:
            version, begun = f"{digest}.{listing.sweep_id}", us_of(listing.started_at)
            row = Row(object_id, version, listing.fetched_us, order, begun, parent or None)
            sync.buffer(spec.name).add(row)
