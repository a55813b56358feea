"""Endpoints of the administration: the audit log, and the full lists beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tests.sandbox.domain import ApiError, Call, Reply, Route, World
from tests.sandbox.domains.admin.log import user_key
from tests.sandbox.domains.admin.records import PERMISSIONS
from tests.sandbox.objects import JsonObject, Person, Project

if TYPE_CHECKING:
    from tests.sandbox.domains.admin import Admin
    from tests.sandbox.domains.admin.records import Grant, Role, Scheme

_API = "/rest/api/3"
_DESK = "/rest/servicedeskapi"


def routes(admin: Admin) -> Sequence[Route]:
    """Give the endpoints of one administration."""

    def route(path: str, handler: Callable[[Admin, Call], Reply]) -> Route:
        return Route("GET", path, lambda call: handler(admin, call))

    project = rf"{_API}/project/(?P<project>[^/]+)"
    return (
        route(f"{_API}/auditing/record", _records),
        route(f"{_API}/user/bulk/migration", _user_keys),
        route(f"{_API}/group/bulk", _groups),
        route(f"{_API}/group/member", _members),
        route(f"{_API}/role", _roles),
        route(f"{project}/role", _project_roles),
        route(rf"{project}/role/(?P<role>\d+)", _project_role),
        route(f"{_API}/projectCategory", _categories),
        route(f"{_API}/permissions", _permissions),
        route(f"{_API}/permissionscheme", _schemes),
        route(f"{project}/permissionscheme", _project_scheme),
        route(f"{_API}/issuesecurityschemes", _security_schemes),
        route(f"{_API}/issuesecurityschemes/level", _security_levels),
        route(f"{_API}/issuesecurityschemes/level/member", _level_members),
        route(f"{_DESK}/organization", _organizations),
        route(rf"{_DESK}/organization/(?P<organization>\d+)/user", _organization_users),
    )


def person(world: World, account_id: str) -> JsonObject:
    """Render a user of a list of users; an id nobody has becomes a nameless account."""
    who = world.people.get(account_id) or Person(account_id, "Former user", active=False)
    body: JsonObject = {
        "self": f"{world.site}{_API}/user?accountId={account_id}",
        "accountId": account_id,
        "accountType": who.account_type,
        "avatarUrls": {},
        "displayName": who.name,
        "active": who.active,
        "timeZone": who.time_zone,
    }
    return body if who.email is None else body | {"emailAddress": who.email}


# -- the audit log -----------------------------------------------------------------------------


def _records(admin: Admin, call: Call) -> Reply:
    """GET /auditing/record."""
    admin.demand("ADMINISTER")
    return admin.log.answer(call, admin.world.now)


def _user_keys(admin: Admin, call: Call) -> Reply:
    """GET /user/bulk/migration: `key` repeated; keys that nobody has are left out."""
    admin.demand("USER_PICKER")
    asked = set(call.query.get("key", ()))
    if not asked:
        raise ApiError(400, "At least one of 'username' and 'key' is required.")
    found = [
        {"key": user_key(account_id), "accountId": account_id, "username": user_key(account_id)}
        for account_id in admin.world.people
        if user_key(account_id) in asked
    ]
    start, limit = call.number("startAt", 0, 2**31), call.number("maxResults", 10, 200)
    return Reply(found[start : start + limit])


# -- people and groups -------------------------------------------------------------------------


def _groups(admin: Admin, call: Call) -> Reply:
    """GET /group/bulk."""
    admin.demand("USER_PICKER")
    groups = [{"name": group.name, "groupId": group.id} for group in admin.groups.values()]
    return admin.page(call, groups, "groups")


def _members(admin: Admin, call: Call) -> Reply:
    """GET /group/member: at most 50; inactive ones only when asked for."""
    admin.demand("USER_PICKER")
    group = admin.groups.get(call.one("groupId"))
    if group is None:
        raise ApiError(404, "The group was not found.")
    members = [person(admin.world, account_id) for account_id in group.members]
    if call.one("includeInactiveUsers") == "true":
        return admin.page(call, members, "group_members", group.id, high=50)
    active = [member for member in members if member["active"]]
    return admin.page(call, active, "active_group_members", group.id, high=50)


# -- roles and categories ----------------------------------------------------------------------


def _role(admin: Admin, role: Role) -> JsonObject:
    return {
        "self": f"{admin.world.site}{_API}/role/{role.id}",
        "id": int(role.id),
        "name": role.name,
        "description": role.description,
    }


def _roles(admin: Admin, _: Call) -> Reply:
    """GET /role (Administer Jira)."""
    admin.demand("ADMINISTER")
    return admin.listing([_role(admin, role) for role in admin.roles.values()], "project_roles")


def _project(admin: Admin, call: Call) -> Project:
    asked = call.path_params["project"]
    for project in admin.world.projects.values():
        if asked in (project.id, project.key) and not project.is_hidden:
            return project
    raise ApiError(404, f"No project could be found with key or id '{asked[:40]}'.")


def _project_roles(admin: Admin, call: Call) -> Reply:
    """GET /project/{id}/role: name -> address."""
    project = _project(admin, call)
    url = f"{admin.world.site}{_API}/project/{project.id}/role"
    return Reply({role.name: f"{url}/{role.id}" for role in admin.roles.values()})


def _project_role(admin: Admin, call: Call) -> Reply:
    """GET /project/{id}/role/{role}; the last one ends a listing of the project's role actors."""
    project = _project(admin, call)
    roles = list(admin.roles)
    if call.path_params["role"] not in roles:
        raise ApiError(404, "The project role was not found.")
    role = admin.roles[call.path_params["role"]]
    actors = admin.actors.get((project.id, role.id), [])
    body = _role(admin, role) | {
        "actors": [
            _user_actor(admin, number, who) if kind == "user" else _group_actor(admin, number, who)
            for number, (kind, who) in enumerate(actors)
        ]
    }
    details = admin.listed("project_role_actors", project.id, roles.index(role.id), 1, len(roles))
    return Reply(body, details=details)


def _user_actor(admin: Admin, number: int, account_id: str) -> JsonObject:
    return {
        "id": 40_000 + number,
        "displayName": person(admin.world, account_id)["displayName"],
        "type": "atlassian-user-role-actor",
        "actorUser": {"accountId": account_id},
    }


def _group_actor(admin: Admin, number: int, group_id: str) -> JsonObject:
    name = admin.groups[group_id].name
    return {
        "id": 40_000 + number,
        "displayName": name,
        "type": "atlassian-group-role-actor",
        "name": name,
        "actorGroup": {"name": name, "displayName": name, "groupId": group_id},
    }


def _categories(admin: Admin, _: Call) -> Reply:
    """GET /projectCategory."""
    return admin.listing(list(admin.categories.values()), "project_categories")


# -- permissions -------------------------------------------------------------------------------


def _permissions(admin: Admin, _: Call) -> Reply:
    """GET /permissions: every permission there is, by key."""
    return admin.listing(
        {
            "permissions": {
                key: {"key": key, "name": name, "type": "PROJECT", "description": ""}
                for key, name in PERMISSIONS.items()
            }
        },
        "permissions",
    )


def _holder(admin: Admin, kind: str, value: str | None) -> JsonObject:
    """Render who holds a permission, or is in a security level."""
    holder: JsonObject = {"type": kind}
    if value is None:
        return holder
    holder |= {"parameter": value, "value": value, "expand": kind}
    if kind == "group":
        name = admin.groups[value].name
        holder |= {"parameter": name, "group": {"name": name, "groupId": value}}
    elif kind == "projectRole":
        holder["projectRole"] = _role(admin, admin.roles[value])
    return holder


def _grant(admin: Admin, scheme: Scheme, grant: Grant) -> JsonObject:
    return {
        "id": grant.id,
        "self": f"{admin.world.site}{_API}/permissionscheme/{scheme.id}/permission/{grant.id}",
        "holder": _holder(admin, grant.holder, grant.value),
        "permission": grant.permission,
    }


def _scheme(admin: Admin, scheme: Scheme, *, is_whole: bool) -> JsonObject:
    body: JsonObject = {
        "expand": "permissions,user,group,projectRole,field,all",
        "id": int(scheme.id),
        "self": f"{admin.world.site}{_API}/permissionscheme/{scheme.id}",
        "name": scheme.name,
        "description": scheme.description,
    }
    if is_whole:
        body["permissions"] = [_grant(admin, scheme, grant) for grant in scheme.grants]
    return body


def _schemes(admin: Admin, call: Call) -> Reply:
    """GET /permissionscheme, with the permissions only when expanded."""
    is_whole = bool({"all", "permissions"} & set(call.one("expand").split(",")))
    schemes = [_scheme(admin, scheme, is_whole=is_whole) for scheme in admin.schemes.values()]
    body = {"permissionSchemes": schemes}
    return admin.listing(body, "permission_schemes") if is_whole else Reply(body)


def _project_scheme(admin: Admin, call: Call) -> Reply:
    """GET /project/{id}/permissionscheme."""
    project = _project(admin, call)
    admin.demand("ADMINISTER")
    scheme = admin.schemes[admin.scheme_of.get(project.id, admin.default_scheme.id)]
    body = _scheme(admin, scheme, is_whole=False)
    return admin.listing(body, "project_permission_schemes", project.id)


# -- issue security ----------------------------------------------------------------------------


def _security_schemes(admin: Admin, _: Call) -> Reply:
    """GET /issuesecurityschemes (Administer Jira)."""
    admin.demand("ADMINISTER")
    schemes = {} if admin.security is None else admin.security.schemes
    return admin.listing(
        {
            "issueSecuritySchemes": [
                {
                    "self": f"{admin.world.site}{_API}/issuesecurityschemes/{number}",
                    "id": int(number),
                    "name": name,
                    "description": "",
                }
                for number, name in schemes.items()
            ]
        },
        "issue_security_schemes",
    )


def _security_levels(admin: Admin, call: Call) -> Reply:
    """GET /issuesecurityschemes/level (Administer Jira)."""
    admin.demand("ADMINISTER")
    levels = list(admin.world.security_levels.values())
    return admin.page(call, levels, "issue_security_levels")


def _level_members(admin: Admin, call: Call) -> Reply:
    """GET /issuesecurityschemes/level/member (Administer Jira)."""
    admin.demand("ADMINISTER")
    levels = admin.world.security_levels
    members = [] if admin.security is None else admin.security.members
    values = [
        {
            "id": str(member.id),
            "issueSecurityLevelId": member.level,
            "issueSecuritySchemeId": levels[member.level]["issueSecuritySchemeId"],
            "holder": _holder(admin, member.holder, member.value),
        }
        for member in members
    ]
    return admin.page(call, values, "issue_security_level_members")


# -- service management ------------------------------------------------------------------------


def _desk_page(
    admin: Admin, call: Call, items: Sequence[JsonObject], resource: str, parent: str | None
) -> Reply:
    start, limit = call.number("start", 0, 2**31), call.number("limit", 50, 50)
    shown = items[start : start + limit]
    url = f"{admin.world.site}{call.path}?limit={limit}&start="
    is_last = start + limit >= len(items)
    body: JsonObject = {
        "size": len(shown),
        "start": start,
        "limit": limit,
        "isLastPage": is_last,
        "values": list(shown),
        "_links": {"self": f"{url}{start}", "base": admin.world.site, "context": ""}
        | ({} if is_last else {"next": f"{url}{start + limit}"}),
    }
    return Reply(body, details=admin.listed(resource, parent, start, len(shown), len(items)))


def _organizations(admin: Admin, call: Call) -> Reply:
    """GET /organization of service management."""
    admin.demand("JSM_AGENT")
    organizations: list[JsonObject] = [
        {
            "id": organization.id,
            "name": organization.name,
            "_links": {"self": f"{admin.world.site}{_DESK}/organization/{organization.id}"},
        }
        for organization in admin.organizations.values()
    ]
    return _desk_page(admin, call, organizations, "organizations", None)


def _organization_users(admin: Admin, call: Call) -> Reply:
    """GET /organization/{id}/user of service management."""
    admin.demand("JSM_AGENT")
    organization = admin.organizations.get(call.path_params["organization"])
    if organization is None:
        raise ApiError(404, "The organization was not found.")
    people = [person(admin.world, account_id) for account_id in organization.members]
    return _desk_page(admin, call, people, "organization_members", organization.id)
