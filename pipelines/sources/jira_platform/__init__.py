"""Jira's configuration objects and people, as full lists.

Data flow:

    GET /project/search             -> projects, browsable_projects
    GET /users/search               -> users
    GET /field                      -> fields
    GET /status                     -> statuses
    GET /resolution                 -> resolutions
    GET /priority/search            -> priorities, priority_orders
    GET /issuetype                  -> issue_types
    GET /issueLinkType              -> issue_link_types
    GET /configuration              -> configuration
    GET /filter/search              -> filters (needs Administer Jira)
    GET /project/{id}/version       -> versions, version_orders
    GET /myself                     -> account
    GET /mypermissions              -> account_rights
    GET /group/bulk                 -> groups
      GET /group/member             -> group_members
    GET /projectCategory            -> project_categories
    GET /role                       -> project_roles (needs Administer Jira)
      GET /project/{id}/role/{role} -> project_role_actors
    GET /permissions                -> permissions
    GET /permissionscheme           -> permission_schemes
      GET /project/{id}/permissionscheme   -> project_permission_schemes
    GET /issuesecurityschemes              -> issue_security_schemes (needs Administer Jira)
    GET /issuesecurityschemes/level        -> issue_security_levels
    GET /issuesecurityschemes/level/member -> issue_security_level_members
    GET /servicedeskapi/organization       -> organizations
      GET /servicedeskapi/organization/{id}/user -> organization_members

These lists have no change feed, so each sync reads them whole and stores a row per object whose
content changed, and a tombstone per object that a complete listing no longer holds.
Requests per run: one per page of each list, whatever happened to issues.
Run it: `python -m pipelines run jira_platform`.
"""

from __future__ import annotations

from pipelines.full_lists import probes_of, read_full_lists
from pipelines.sources.jira_platform.lists import FULL_LISTS
from pipelines.sources.jira_platform.planning import (
    PRIORITY_ORDERS,
    VERSION_ORDERS,
    add_orders,
)
from pipelines.specs import BOOKKEEPING, ResourceSpec, SourceSpec
from pipelines.sync import Sync


async def traverse(sync: Sync) -> None:
    """Read every full list; one that the account may not read is skipped with a warning."""
    sync.mode = "full"
    found = await read_full_lists(sync, FULL_LISTS.values())
    add_orders(sync, VERSION_ORDERS, found["versions"])
    add_orders(sync, PRIORITY_ORDERS, found["priorities"])


SOURCE = SourceSpec(
    name="jira_platform",
    description="Projects, people, fields and the other configuration of a Jira site.",
    resources=(
        *(ResourceSpec(entry.resource, entry.description) for entry in FULL_LISTS.values()),
        VERSION_ORDERS,
        PRIORITY_ORDERS,
        *BOOKKEEPING,
    ),
    connection="jira",
    schedule="*/30 * * * *",
    traverse=traverse,
    probes=probes_of(FULL_LISTS.values()),
)
