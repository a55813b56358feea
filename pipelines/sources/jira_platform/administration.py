"""The lists of people, roles, permissions and security levels of a Jira site, as data.

Requests per run: groups / 100 + members / 50 per group; roles + 2 per live project; organisations
of customers / 50 + their members / 50; security levels and their members / 100.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from pipelines.client import Answer
from pipelines.full_lists import FullList, ListPage, Names
from pipelines.sources.jira_platform.projects import is_live
from pipelines.sync import Sync

_ROLE_ADDRESSES = "/rest/api/3/project/{parent}/role"
_ROLE = "/rest/api/3/project/{parent}/role/{role}"


def _decode_addresses(body: bytes) -> dict[str, str]:
    return msgspec.json.decode(body, type=dict[str, str])


def _decode_role(body: bytes) -> ListPage:
    return ListPage([msgspec.Raw(body)])


async def _role_actors(sync: Sync, names: Names) -> AsyncIterator[Answer[ListPage]]:
    """Yield each role of a project with who has it, a page each."""
    addresses = await sync.client.get(_ROLE_ADDRESSES, _decode_addresses, path=names)
    for address in addresses.content.values():
        role = address.rstrip("/").rpartition("/")[2]
        yield await sync.client.get(_ROLE, _decode_role, path={**names, "role": role})


ADMINISTRATION_LISTS = (
    FullList(
        "groups",
        "One row per group and changed content.",
        "/rest/api/3/group/bulk",
        "page_bean",
        key="groupId",
        page_size=100,
        permission="Browse users and groups",
        loses="groups and who is in them are unknown",
    ),
    FullList(
        "group_members",
        "One row per account in a group and changed content, inactive ones included.",
        "/rest/api/3/group/member",
        "page_bean",
        key="accountId",
        page_size=50,
        params=(("groupId", "{parent}"), ("includeInactiveUsers", "true")),
        permission="Browse users and groups",
        loses="groups and who is in them are unknown",
        parents="groups",
    ),
    FullList(
        "project_categories",
        "One row per project category and changed content.",
        "/rest/api/3/projectCategory",
        permission="Access Jira",
        loses="project categories are unknown",
    ),
    FullList(
        "project_roles",
        "One row per project role and changed content.",
        "/rest/api/3/role",
        permission="Administer Jira",
        loses="new, changed and deleted project roles are known from the administration log only",
    ),
    FullList(
        "project_role_actors",
        "One row per role of a project and changed list of who has it.",
        _ROLE,
        permission="Administer Jira",
        loses="who has which role in a project is unknown",
        parents="projects",
        parents_where=is_live,
        read=_role_actors,
    ),
    FullList(
        "permissions",
        "One row with every permission there is, by key.",
        "/rest/api/3/permissions",
        "map",
        permission="Access Jira",
        loses="permissions have keys only",
    ),
    FullList(
        "permission_schemes",
        "One row per permission scheme and changed content, with what it grants.",
        "/rest/api/3/permissionscheme",
        "named",
        member="permissionSchemes",
        params=(("expand", "all"),),
        permission="Access Jira",
        loses="permission schemes are known from the administration log only",
    ),
    FullList(
        "project_permission_schemes",
        "One row per project and permission scheme it was seen with.",
        "/rest/api/3/project/{parent}/permissionscheme",
        "object",
        key="",
        permission="Administer Jira",
        loses="which project has which permission scheme, and so who may browse it, is unknown",
        parents="projects",
        parents_where=is_live,
    ),
    FullList(
        "issue_security_schemes",
        "One row per issue security scheme and changed content.",
        "/rest/api/3/issuesecurityschemes",
        "named",
        member="issueSecuritySchemes",
        permission="Administer Jira",
        loses="names of issue security schemes are unknown",
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
    FullList(
        "issue_security_level_members",
        "One row per person, group, role or field in a security level and changed content.",
        "/rest/api/3/issuesecurityschemes/level/member",
        "page_bean",
        page_size=100,
        params=(("expand", "all"),),
        permission="Administer Jira",
        loses="who may see secured issues is unknown, so nobody may list them",
    ),
    FullList(
        "organizations",
        "One row per organisation of customers and changed content.",
        "/rest/servicedeskapi/organization",
        "jsm_pages",
        page_size=50,
        permission="Jira Service Management agent",
        loses="organisations of customers and who is in them are unknown",
    ),
    FullList(
        "organization_members",
        "One row per account in an organisation of customers and changed content.",
        "/rest/servicedeskapi/organization/{parent}/user",
        "jsm_pages",
        key="accountId",
        page_size=50,
        permission="Jira Service Management agent",
        loses="organisations of customers and who is in them are unknown",
        parents="organizations",
    ),
)
