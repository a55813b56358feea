"""Administration of a Jira site: projects, roles, people, groups, permission schemes, help desks.

Each command changes the state that the full lists show, writes a record of the audit log, sends the
webhooks that Jira has for it, and writes the ledger line with these channels. What the issue stream
does to people and projects by itself is taken up in `observed`.

Rulings: a project is deleted when it is purged from the trash; trashing, restoring, archiving and
unarchiving are updates of its `state`. Granting or taking a permission of a scheme is that action
only, not also an update of the scheme.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Sequence

from msgspec import structs

from tests.sandbox.domain import Carrier, Domain, LineItem, Route, World
from tests.sandbox.domains.admin import endpoints
from tests.sandbox.domains.admin.activity import Activity
from tests.sandbox.domains.admin.log import AuditLog, group_item, item, person_item
from tests.sandbox.domains.admin.records import (
    HOLDERS,
    PERMISSIONS,
    SETTINGS,
    Grant,
    Group,
    Organization,
    Role,
    Scheme,
)
from tests.sandbox.domains.admin.security import Security
from tests.sandbox.domains.organization import Organization as Guard
from tests.sandbox.objects import JsonObject, Person, Project

Change = tuple[str, str | None, str | None]
"""Name of a field, text before, text after."""


class Admin(Domain):
    """The administration of one site. Ids of everything made here are its own."""

    name = "admin"

    def __init__(self, world: World, rng: random.Random, start: int | None) -> None:
        super().__init__(world, rng, start)
        self.log = AuditLog()
        self.groups: dict[str, Group] = {}
        self.roles: dict[str, Role] = {}
        self.actors: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self.categories: dict[str, JsonObject] = {}
        self.schemes: dict[str, Scheme] = {}
        self.scheme_of: dict[str, str] = {}
        self.organizations: dict[str, Organization] = {}
        self._numbers = 20_000
        self.default_scheme = self._add_scheme("Default Permission Scheme")
        self.security: Security | None = None
        self._streams: tuple[Activity | Security, ...] = ()
        self._names = {person.account_id: person.name for person in world.people.values()}
        self._project_names = {project.id: project.name for project in world.projects.values()}
        if start is not None:
            self._furnish()
            self.security = Security(self, start)
            self._streams = (Activity(self, rng, start), self.security)
            self.next_at = min(stream.next_at for stream in self._streams)

    def step(self) -> None:
        """Do what comes next, of the activity or in the security levels."""
        min(self._streams, key=lambda stream: stream.next_at).step()
        self.next_at = min(stream.next_at for stream in self._streams)

    def routes(self) -> Sequence[Route]:
        """Give the endpoints."""
        return endpoints.routes(self)

    # -- the beginning -------------------------------------------------------------------------

    def _number(self) -> str:
        self._numbers += 1
        return str(self._numbers)

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def _furnish(self) -> None:
        """Everything that is there from the beginning: no action made it."""
        people = [p.account_id for p in self.world.people.values() if p.account_type != "app"]
        for name, count in (
            ("jira-administrators", 3),
            ("jira-software-users", len(people)),
            ("developers", 40),
            ("support", 12),
        ):
            group = Group(self._uuid(), name, people[:count])
            self.groups[group.id] = group
        for name in ("Administrators", "Developers", "Viewers", "Service Desk Team"):
            role = Role(self._number(), name, f"{name} of a project")
            self.roles[role.id] = role
        for project in self.world.projects.values():
            if project.category is not None:
                self.categories[project.category["id"]] = project.category
            self._give_roles(project.id)
        self._add_category("Internal")
        for name in ("Restricted", "Open to all"):
            self._add_scheme(name)
        for name in ("ACME Ltd", "Zürich Versicherung", "Team “Süd”"):
            organization = Organization(self._number(), name, self.rng.sample(people, 5))
            self.organizations[organization.id] = organization

    def _give_roles(self, project_id: str) -> None:
        groups = list(self.groups)
        for number, role_id in enumerate(self.roles):
            self.actors[project_id, role_id] = [("group", groups[number % len(groups)])]

    def _add_category(self, name: str) -> JsonObject:
        number = self._number()
        self.categories[number] = {
            "self": f"{self.world.site}/rest/api/3/projectCategory/{number}",
            "id": number,
            "name": name,
            "description": "",
        }
        return self.categories[number]

    def _add_scheme(self, name: str, grants: Iterable[Grant] | None = None) -> Scheme:
        scheme = Scheme(self._number(), name, "")
        if grants is None:
            scheme.grants = [Grant(int(self._number()), "BROWSE_PROJECTS", "reporter", None)]
        else:
            scheme.grants = [
                Grant(int(self._number()), grant.permission, grant.holder, grant.value)
                for grant in grants
            ]
        self.schemes[scheme.id] = scheme
        return scheme

    # -- what every command does ---------------------------------------------------------------

    def _refresh(self) -> None:
        self.world.config_version += 1
        self.world.index.version += 1

    def _audit(
        self,
        at: int,
        actor: str | None,
        summary: str,
        category: str,
        target: JsonObject,
        changes: Sequence[Change] = (),
        associated: Sequence[JsonObject] = (),
    ) -> Carrier:
        record = self.log.add(
            at, actor, summary, category, target, changes=changes, associated=associated
        )
        return Carrier(f"audit:{record}", tells_actor=actor is not None, tells_items=bool(changes))

    def _emit(self, event: str, at: int, actor: str | None, body: JsonObject) -> Carrier:
        key = self.world.emit(event, at, actor, lambda: body)
        return Carrier(key, tells_actor=actor is not None and event != "user_deleted")

    def _tell(
        self,
        action: str,
        at: int,
        actor: str | None,
        account_id: str,
        group: Group | None = None,
    ) -> list[Carrier]:
        guard = self.world.domains.get(Guard.name)
        if not isinstance(guard, Guard):
            return []
        named = None if group is None else (group.id, group.name)
        return [guard.tell(action, at, actor=actor, account_id=account_id, group=named)]

    # -- projects ------------------------------------------------------------------------------

    def _record_project(
        self,
        code: str,
        at: int,
        actor: str | None,
        project: Project,
        carriers: Sequence[Carrier],
        changes: Sequence[Change] = (),
        *,
        without_trash: str | None = None,
    ) -> None:
        # Only administrators are shown the trash: for others a project comes and goes with it.
        sees_trash = self.world.permissions.get("ADMINISTER", True)
        self.world.record(
            code,
            at,
            actor=actor,
            target_id=project.id,
            target_label=project.name,
            project=project.id,
            items=_items(changes),
            carriers=carriers,
            listing="list:projects",
            listing_code=None if sees_trash else without_trash,
        )

    def create_project(
        self, at: int, actor: str, key: str, name: str, *, kind: str = "software"
    ) -> Project:
        """Create a project, with the default scheme and the roles of the site."""
        project = Project(self._number(), key, name, kind=kind, lead=actor)
        self.world.projects[project.id] = project
        self._project_names[project.id] = name
        self._give_roles(project.id)
        self._refresh()
        lead = self.world.people[actor].name
        changes: list[Change] = [
            ("Name", None, name),
            ("Key", None, key),
            ("Project Lead", None, lead),
        ]
        carriers = [
            self._audit(at, actor, "Project created", "projects", _project_item(project), changes),
            self._emit("project_created", at, actor, self._project_body(project)),
        ]
        self._record_project("PROJECT_CREATED", at, actor, project, carriers)
        return project

    def update_project(
        self,
        at: int,
        actor: str | None,
        project: Project,
        *,
        name: str | None = None,
        lead: str | None = None,
        description: str | None = None,
    ) -> None:
        """Change a project's name, lead or description."""
        changes: list[Change] = []
        if name is not None:
            changes.append(("Name", self._project_names[project.id], name))
            project.name = self._project_names[project.id] = name
        if lead is not None:
            before = None if project.lead is None else self.world.people[project.lead].name
            changes.append(("Project Lead", before, self.world.people[lead].name))
            project.lead = lead
        if description is not None:
            changes.append(("Description", project.description or None, description))
            project.description = description
        self._update(at, actor, project, "Project updated", "project_updated", changes)

    def _update(
        self,
        at: int,
        actor: str | None,
        project: Project,
        summary: str,
        event: str,
        changes: Sequence[Change],
        *,
        without_trash: str | None = None,
    ) -> None:
        self._refresh()
        dated = []
        if project.state != "live" and project.state_at == at:
            dated = [Carrier(f"project_state:{project.id}:{at}", tells_items=True)]
        carriers = [
            self._audit(at, actor, summary, "projects", _project_item(project), changes),
            self._emit(event, at, actor, self._project_body(project)),
            *dated,
        ]
        self._record_project(
            "PROJECT_UPDATED", at, actor, project, carriers, changes, without_trash=without_trash
        )

    def change_state(self, at: int, actor: str, project: Project, state: str) -> None:
        """Move a project between live, archived and deleted (in the trash)."""
        before, project.state = project.state, state
        project.state_at, project.state_by = at, actor
        summary, event = {
            ("live", "deleted"): ("Project moved to trash", "project_soft_deleted"),
            ("deleted", "live"): ("Project restored", "project_restored_deleted"),
            ("live", "archived"): ("Project archived", "project_archived"),
            ("archived", "live"): ("Project unarchived", "project_restored_archived"),
        }[before, state]
        changes = [("State", _STATES[before], _STATES[state])]
        without_trash = {
            ("live", "deleted"): "_PROJECT_DELETED",
            ("deleted", "live"): "_PROJECT_CREATED",
        }.get((before, state))
        self._update(at, actor, project, summary, event, changes, without_trash=without_trash)

    def purge_project(self, at: int, project: Project, actor: str | None = None) -> None:
        """Delete a project from the trash for good; the system does so by itself, too.

        The list of projects can tell it from lost access only if it showed the project in the
        trash: between the two there has to be a listing.
        """
        body = self._project_body(project)
        del self.world.projects[project.id]
        self._refresh()
        carriers = [
            self._audit(at, actor, "Project deleted", "projects", _project_item(project)),
            self._emit("project_deleted", at, actor, body),
        ]
        self._record_project(
            "PROJECT_DELETED", at, actor, project, carriers, without_trash="_PROJECT_DELETED"
        )

    def set_category(
        self, at: int, actor: str, project: Project, category: JsonObject | None
    ) -> None:
        """Put a project into another category, or none. The webhook does not tell which."""
        before, project.category = project.category, category
        changes = [
            (
                "Category",
                None if before is None else before["name"],
                None if category is None else category["name"],
            )
        ]
        self._refresh()
        carrier = self._audit(
            at, actor, "Project category changed", "projects", _project_item(project), changes
        )
        self._emit("project_updated", at, actor, self._project_body(project))
        self._record_project("PROJECT_CATEGORY_CHANGED", at, actor, project, [carrier], changes)

    def create_category(self, at: int, actor: str, name: str) -> JsonObject:
        """Add a category; the catalogue has no action for it."""
        category = self._add_category(name)
        target = item("PROJECT_CATEGORY", category["id"], name)
        self._note(at, actor, "Project category created", "projects", target)
        return category

    def _project_body(self, project: Project) -> JsonObject:
        body: JsonObject = {
            "self": f"{self.world.site}/rest/api/3/project/{project.id}",
            "id": int(project.id),
            "key": project.key,
            "name": project.name,
            "assigneeType": "admin.assignee.type.unassigned",
        }
        if project.lead is not None:
            body["projectLead"] = endpoints.person(self.world, project.lead)
        return {"project": body}

    # -- roles ---------------------------------------------------------------------------------

    def create_role(self, at: int, actor: str, name: str) -> Role:
        """Add a role to the site; in every project nobody has it yet."""
        role = Role(self._number(), name, "")
        self.roles[role.id] = role
        for project_id in self.world.projects:
            self.actors[project_id, role.id] = []
        self._record_role(
            "PROJECT_ROLE_CREATED", "created", at, actor, role, [("Name", None, name)]
        )
        return role

    def update_role(self, at: int, actor: str, role: Role, *, description: str) -> None:
        """Describe a role anew."""
        changes = [("Description", role.description or None, description)]
        role.description = description
        self._record_role("PROJECT_ROLE_UPDATED", "updated", at, actor, role, changes)

    def delete_role(self, at: int, actor: str | None, role: Role) -> None:
        """Delete a role that no permission scheme names; nobody has it any more."""
        del self.roles[role.id]
        self.actors = {key: who for key, who in self.actors.items() if key[1] != role.id}
        self._record_role("PROJECT_ROLE_DELETED", "deleted", at, actor, role)

    def _record_role(
        self,
        code: str,
        verb: str,
        at: int,
        actor: str | None,
        role: Role,
        changes: Sequence[Change] = (),
    ) -> None:
        target = item("PROJECT_ROLE", role.id, role.name)
        carrier = self._audit(at, actor, f"Project role {verb}", "projects", target, changes)
        self.world.record(
            code,
            at,
            actor=actor,
            target_id=role.id,
            target_label=role.name,
            items=_items(changes) if verb == "updated" else (),
            carriers=[carrier],
            listing="list:project_roles",
        )

    def change_role_actors(
        self,
        at: int,
        actor: str,
        project: Project,
        role: Role,
        *,
        add: Sequence[tuple[str, str]] = (),
        remove: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Give a role of a project to users (`("user", account id)`) and groups, or take it."""
        before = self.actors[project.id, role.id]
        after = [one for one in before if one not in remove]
        after += [one for one in add if one not in after]
        self.actors[project.id, role.id] = after
        changes: list[Change] = [
            (name, self._actor_names(before, kind), self._actor_names(after, kind))
            for kind, name in (("user", "Users"), ("group", "Groups"))
            if self._actor_names(before, kind) != self._actor_names(after, kind)
        ]
        carrier = self._audit(
            at,
            actor,
            "Project roles changed",
            "projects",
            _project_item(project),
            changes,
            [item("PROJECT_ROLE", role.id, role.name)],
        )
        self.world.record(
            "PROJECT_ROLES_CHANGED",
            at,
            actor=actor,
            target_id=role.id,
            target_label=role.name,
            project=project.id,
            items=_items(changes),
            carriers=[carrier],
            listing=f"list:project_role_actors:{project.id}",
        )

    def _actor_names(self, actors: Sequence[tuple[str, str]], kind: str) -> str | None:
        names = [
            self.groups[who].name if kind == "group" else self.world.people[who].name
            for one, who in actors
            if one == kind
        ]
        return ", ".join(sorted(names)) or None

    # -- people --------------------------------------------------------------------------------

    def create_user(self, at: int, actor: str | None, name: str, email: str | None) -> Person:
        """Add an account. The audit log does not say who did it, the organisation's may."""
        account_id = f"712020:{self._uuid()}"
        person = Person(account_id, name, email=email)
        self.world.people[account_id] = person
        self._names[account_id] = name
        self._refresh()
        self._record_user(
            "USER_CREATED", "User created", "user_created", "invite_user", at, actor, person
        )
        return person

    def update_user(self, at: int, actor: str | None, person: Person, *, name: str) -> None:
        """Change the name of an account."""
        changes = [("Full name", self._names[person.account_id], name)]
        person.name = self._names[person.account_id] = name
        self._refresh()
        self._record_user(
            "USER_UPDATED", "User updated", "user_updated", None, at, actor, person, changes
        )

    def deactivate_user(self, at: int, actor: str | None, person: Person) -> None:
        """Deactivate an account."""
        self._switch(at, actor, person, is_active=False)

    def reactivate_user(self, at: int, actor: str | None, person: Person) -> None:
        """Activate an account again."""
        self._switch(at, actor, person, is_active=True)

    def _switch(self, at: int, actor: str | None, person: Person, *, is_active: bool) -> None:
        person.active = is_active
        self._refresh()
        self._record_user(
            "USER_REACTIVATED" if is_active else "USER_DEACTIVATED",
            "User updated",
            "user_updated",
            "account_reactivated" if is_active else "account_deactivated",
            at,
            actor,
            person,
            [("Active / Inactive", *(_ACTIVITY if is_active else _ACTIVITY[::-1]))],
        )

    def delete_user(self, at: int, actor: str | None, person: Person) -> None:
        """Delete an account: it stays as an id without a name, and leaves all groups and roles."""
        account_id = person.account_id
        self.world.people[account_id] = Person(
            account_id, "Former user", active=False, account_type="unknown"
        )
        self._names[account_id] = "Former user"
        self._refresh()
        self._record_user(
            "USER_DELETED", "User deleted", "user_deleted", "account_deleted", at, actor, person
        )

    def _record_user(
        self,
        code: str,
        summary: str,
        event: str,
        action: str | None,
        at: int,
        actor: str | None,
        person: Person,
        changes: Sequence[Change] = (),
    ) -> None:
        account_id = person.account_id
        user = endpoints.person(self.world, account_id)
        carriers = [
            self._audit(at, None, summary, "user management", person_item(account_id), changes),
            self._emit(event, at, actor, {"user": user}),
        ]
        told = [] if action is None else self._tell(action, at, actor, account_id)
        guard_items = [] if action is None or not told else Guard.sub_action(action)
        self.world.record(
            code,
            at,
            actor=actor,
            target_id=account_id,
            target_label=person.name,
            items=[*_items(changes), *guard_items],
            carriers=carriers + told,
            listing="list:users",
        )

    # -- groups --------------------------------------------------------------------------------

    def create_group(self, at: int, actor: str, name: str) -> Group:
        """Add an empty group; the catalogue has no action for it."""
        group = Group(self._uuid(), name)
        self.groups[group.id] = group
        self._note(at, actor, "Group created", "group management", group_item(name))
        return group

    def add_member(self, at: int, actor: str | None, group: Group, account_id: str) -> None:
        """Put an account into a group. The audit log leaves the author out now and then."""
        group.members.append(account_id)
        self._record_member("USER_ADDED_TO_GROUP", "added to", at, actor, group, account_id)

    def remove_member(self, at: int, actor: str | None, group: Group, account_id: str) -> None:
        """Take an account out of a group."""
        group.members.remove(account_id)
        self._record_member("USER_REMOVED_FROM_GROUP", "removed from", at, actor, group, account_id)

    def _record_member(
        self, code: str, verb: str, at: int, actor: str | None, group: Group, account_id: str
    ) -> None:
        author = actor if len(self.log.records) % 3 else None
        name = self.world.people[account_id].name
        carrier = self._audit(
            at,
            author,
            f"User {verb} group",
            "group management",
            group_item(group.name),
            associated=[person_item(account_id)],
        )
        self.world.record(
            code,
            at,
            actor=actor,
            target_id=group.id,
            target_label=group.name,
            member_id=account_id,
            items=[
                LineItem("Member", "member", None, None, account_id, name)
                if code == "USER_ADDED_TO_GROUP"
                else LineItem("Member", "member", account_id, name, None, None)
            ],
            carriers=[carrier, *self._tell(code.lower(), at, actor, account_id, group)],
            listing=f"list:group_members:{group.id}",
        )

    # -- permissions ---------------------------------------------------------------------------

    def create_scheme(self, at: int, actor: str, name: str) -> Scheme:
        """Add a permission scheme with one permission."""
        scheme = self._add_scheme(name)
        self._record_scheme("PERMISSION_SCHEME_CREATED", "created", at, actor, scheme)
        return scheme

    def copy_scheme(self, at: int, actor: str, source: Scheme) -> Scheme:
        """Copy a scheme with its permissions; only the audit log knows that it is a copy."""
        scheme = self._add_scheme(f"Copy of {source.name}", source.grants)
        self._record_scheme("PERMISSION_SCHEME_COPIED", "copied", at, actor, scheme)
        return scheme

    def update_scheme(self, at: int, actor: str, scheme: Scheme, *, name: str) -> None:
        """Rename a scheme."""
        changes = [("Name", scheme.name, name)]
        scheme.name = name
        self._record_scheme("PERMISSION_SCHEME_UPDATED", "updated", at, actor, scheme, changes)

    def delete_scheme(self, at: int, actor: str | None, scheme: Scheme) -> None:
        """Delete a scheme that no project has."""
        del self.schemes[scheme.id]
        self._record_scheme("PERMISSION_SCHEME_DELETED", "deleted", at, actor, scheme)

    def _record_scheme(
        self,
        code: str,
        verb: str,
        at: int,
        actor: str | None,
        scheme: Scheme,
        changes: Sequence[Change] = (),
    ) -> None:
        target = item("SCHEME", scheme.id, scheme.name)
        summary = f"Permission scheme {verb}"
        self.world.record(
            code,
            at,
            actor=actor,
            target_id=scheme.id,
            target_label=scheme.name,
            items=_items(changes),
            carriers=[self._audit(at, actor, summary, "permissions", target, changes)],
            listing="list:permission_schemes",
            listing_code="PERMISSION_SCHEME_CREATED" if verb == "copied" else None,
        )

    def grant(
        self, at: int, actor: str, scheme: Scheme, permission: str, holder: str, value: str | None
    ) -> Grant:
        """Grant a permission in a scheme to a group, a role or the reporter."""
        grant = Grant(int(self._number()), permission, holder, value)
        scheme.grants.append(grant)
        self._record_grant("PERMISSION_ADDED", at, actor, scheme, grant)
        return grant

    def revoke(self, at: int, actor: str, scheme: Scheme, grant: Grant) -> None:
        """Take a permission of a scheme back."""
        scheme.grants.remove(grant)
        self._record_grant("PERMISSION_DELETED", at, actor, scheme, grant)

    def _record_grant(self, code: str, at: int, actor: str, scheme: Scheme, grant: Grant) -> None:
        holder = self.holder_name(grant)
        texts = [
            ("Permission", PERMISSIONS[grant.permission]),
            ("Type", HOLDERS[grant.holder]),
            *([] if holder is None else [("Value", holder)]),
        ]
        is_new = code == "PERMISSION_ADDED"
        changes: list[Change] = [
            (name, None, text) if is_new else (name, text, None) for name, text in texts
        ]
        grant_key = f"{grant.permission}:{grant.holder}:{holder or ''}"
        summary = "Permission scheme updated"
        if grant.id % 5 == 0:
            summary = "Permission added" if is_new else "Permission deleted"
        target = item("SCHEME", scheme.id, scheme.name)
        self.world.record(
            code,
            at,
            actor=actor,
            target_id=scheme.id,
            target_label=scheme.name,
            member_id=grant_key,
            items=[
                part
                if part.field_id != "permission"
                else structs.replace(part, **{"new_id" if is_new else "old_id": grant_key})
                for part in _items(changes)
            ],
            carriers=[self._audit(at, actor, summary, "permissions", target, changes)],
            listing="list:permission_schemes",
        )

    def holder_name(self, grant: Grant) -> str | None:
        """Give the name of who holds a granted permission; None where the type says it all."""
        if grant.value is None:
            return None
        holders = self.groups if grant.holder == "group" else self.roles
        return holders[grant.value].name

    def assign_scheme(self, at: int, actor: str, project: Project, scheme: Scheme) -> None:
        """Give a project another permission scheme."""
        before = self.schemes[self.scheme_of.get(project.id, self.default_scheme.id)]
        self.scheme_of[project.id] = scheme.id
        carrier = self._audit(
            at,
            actor,
            "Permission scheme added to project",
            "permissions",
            _project_item(project),
            associated=[item("SCHEME", scheme.id, scheme.name)],
        )
        self.world.record(
            "PERMISSION_SCHEME_ADDED_TO_PROJECT",
            at,
            actor=actor,
            target_id=scheme.id,
            target_label=scheme.name,
            project=project.id,
            items=[
                LineItem(
                    "Permission scheme",
                    "permission_scheme",
                    before.id,
                    before.name,
                    scheme.id,
                    scheme.name,
                )
            ],
            carriers=[carrier],
            listing=f"list:project_permission_schemes:{project.id}",
        )

    def change_global_permission(
        self, at: int, actor: str, permission: str, group: Group, *, is_granted: bool
    ) -> None:
        """Grant or take a global permission; no list shows who holds them."""
        changes: list[Change] = [
            (name, None, text) if is_granted else (name, text, None)
            for name, text in (("Permission", permission), ("Group", group.name))
        ]
        verb = "added" if is_granted else "deleted"
        carrier = self._audit(
            at,
            actor,
            f"Global permission {verb}",
            "permissions",
            item("PERMISSIONS", None, "Global Permissions"),
            changes,
        )
        self.world.record(
            f"GLOBAL_PERMISSION_{verb.upper()}",
            at,
            actor=actor,
            target_id="Global Permissions",
            target_label="Global Permissions",
            items=_items(changes),
            carriers=[carrier],
        )

    # -- service management --------------------------------------------------------------------

    def change_setting(
        self, at: int, actor: str, code: str, before: str, after: str, project: Project | None
    ) -> None:
        """Change a setting of service management; `project` for those of one service project."""
        summary, name, is_of_project = SETTINGS[code]
        changes = [(name, before, after)]
        target, target_id, project_id = item("CONFIGURATION", None, _DESK), _DESK, None
        if is_of_project and project is not None:
            target, target_id, project_id = _project_item(project), project.id, project.id
        self.world.record(
            code,
            at,
            actor=actor,
            target_id=target_id,
            target_label=target["name"],
            project=project_id,
            items=_items(changes),
            carriers=[self._audit(at, actor, summary, "projects", target, changes)],
        )

    def note(self, at: int, actor: str | None, summary: str, category: str) -> None:
        """Let the audit log tell something that the catalogue of actions does not know."""
        self._note(at, actor, summary, category, item("WORKFLOW", None, "software"))

    def _note(
        self, at: int, actor: str | None, summary: str, category: str, target: JsonObject
    ) -> None:
        """Write an audit record of no action; it tells that its author was active."""
        self.world.record(
            "_ADMINISTERED",
            at,
            actor=actor,
            target_id=target["name"],
            carriers=[self._audit(at, actor, summary, category, target)],
        )

    # -- what the issue stream does ------------------------------------------------------------

    def observed(self, code: str, at: int, target_id: str) -> None:
        """Take up what happened to a person or project outside this domain."""
        match code:
            case "_USER_DEACTIVATED":
                self.deactivate_user(at, None, self.world.people[target_id])
            case "_USER_RENAMED":
                person = self.world.people[target_id]
                self.update_user(at, None, person, name=person.name)
            case "_USER_ERASED":
                self.delete_user(at, None, self.world.people[target_id])
            case "_PROJECT_RENAMED":
                project = self.world.projects[target_id]
                self.update_project(at, self.world.me, project, name=project.name)
            case "_PROJECT_ARCHIVED":
                project = self.world.projects[target_id]
                project.state = "live"
                self.change_state(at, project.state_by or self.world.me, project, "archived")


_STATES = {"live": "Live", "archived": "Archived", "deleted": "Trashed"}
_ACTIVITY = ("Inactive", "Active")
_DESK = "Jira Service Management"


def _project_item(project: Project) -> JsonObject:
    return item("PROJECT", project.id, project.name)


def _items(changes: Iterable[Change]) -> list[LineItem]:
    return [LineItem(name, field_id_of(name), None, old, None, new) for name, old, new in changes]


def field_id_of(name: str) -> str:
    """Give the id of a field that only has a name: `Active / Inactive` is `active_inactive`."""
    words = "".join(letter if letter.isalnum() else " " for letter in name.lower()).split()
    return "_".join(words)
