"""Jira's configuration objects and people, as full lists.

Data flow:

    GET /project/search             -> projects
    GET /users/search               -> users
    GET /field                      -> fields
    GET /status                     -> statuses
    GET /resolution                 -> resolutions
    GET /issuetype                  -> issue_types
    GET /issueLinkType              -> issue_link_types
    GET /issuesecurityschemes/level -> issue_security_levels (needs Administer Jira)

These lists have no change feed, so each sync reads them whole and stores a row per object whose
content changed, and a tombstone per object that a complete listing no longer holds.
Run it: `python -m pipelines run jira_platform`.
"""

from __future__ import annotations

from pipelines.paging import for_each
from pipelines.sources.jira_platform.full_lists import FULL_LISTS, read_full_list
from pipelines.specs import BOOKKEEPING, Probe, ResourceSpec, SourceSpec
from pipelines.sync import Sync

LISTS_AT_ONCE = 4


async def traverse(sync: Sync) -> None:
    """Read every full list; one that the account may not read is skipped with a warning."""
    sync.mode = "full"
    done = 0

    async def read(name: str) -> None:
        nonlocal done
        await read_full_list(sync, FULL_LISTS[name])
        done += 1
        sync.report("lists", done, len(FULL_LISTS))

    await for_each(FULL_LISTS, read, workers=LISTS_AT_ONCE)


SOURCE = SourceSpec(
    name="jira_platform",
    description="Projects, people, fields and the other configuration of a Jira site.",
    resources=(
        *(ResourceSpec(entry.resource, entry.description) for entry in FULL_LISTS.values()),
        *BOOKKEEPING,
    ),
    connection="Atlassian site (ATLASSIAN_SITE_URL, ATLASSIAN_EMAIL, ATLASSIAN_API_TOKEN)",
    schedule="*/30 * * * *",
    traverse=traverse,
    probes=tuple(
        Probe(
            entry.permission,
            entry.path,
            entry.loses,
            entry.page(0, 1),
            entry.may_be_empty,
        )
        for entry in FULL_LISTS.values()
        if entry.permission
    ),
)
