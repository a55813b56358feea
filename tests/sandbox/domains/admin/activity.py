"""What administrators do in a year: about 3,000 commands, every one of them now and then."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from tests.sandbox.clock import DAY, YEAR
from tests.sandbox.domains.admin.records import PERMISSIONS, SETTINGS

if TYPE_CHECKING:
    from tests.sandbox.domains.admin import Admin
    from tests.sandbox.objects import Person, Project

T = TypeVar("T")

_COMMANDS_PER_YEAR = 3_100
_FEW = 3
_KEPT = 7 * DAY
"""How long a project stays in the trash at least."""
_UNKNOWN = (
    ("Workflow created", "workflows"),
    ("Workflow scheme copied", "workflows"),
    ("Custom field created", "fields"),
    ("Field context created", "custom field context"),
    ("Notification scheme deleted", "notifications"),
    ("Issue Security scheme added to project", "permissions"),
    ("Request type deleted", "projects"),
    ("User's password changed", "user management"),
)
_GLOBAL = ("Administer Jira", "Create shared objects", "Bulk change", "Browse users and groups")


class Activity:
    """The stream of an administration's commands: exponential gaps, now and then at once.

    It works with its own projects, roles, people and schemes; those the site began with get only
    what they can stand.
    """

    def __init__(self, admin: Admin, rng: random.Random, start: int) -> None:
        self._admin = admin
        self._rng = rng
        rate = _COMMANDS_PER_YEAR * admin.world.activity
        self._gap = YEAR / rate if rate >= 1 else math.inf
        self.next_at: int | float = start
        self._made = 0
        self._projects: list[Project] = []
        self._people: list[Person] = []
        self._given = [
            person.account_id
            for person in admin.world.people.values()
            if person.active and person.account_type != "app"
        ]
        commands: tuple[tuple[float, Callable[[int, str], None]], ...] = (
            (2, self._create_project),
            (5, self._update_project),
            (4, self._categorise),
            (3, self._move_project),
            (1.5, self._purge),
            (1, self._create_category),
            (3, self._create_role),
            (3, self._update_role),
            (2.5, self._delete_role),
            (14, self._change_role_actors),
            (4, self._create_user),
            (4, self._update_user),
            (3, self._deactivate),
            (2.5, self._reactivate),
            (2, self._delete_user),
            (1, self._create_group),
            (14, self._add_member),
            (11, self._remove_member),
            (2.5, self._create_scheme),
            (2, self._copy_scheme),
            (3, self._update_scheme),
            (3.5, self._delete_scheme),
            (10, self._grant),
            (8, self._revoke),
            (5, self._assign_scheme),
            (4, self._global_permission),
            (12, self._setting),
            (6, self._unknown),
        )
        self._weights = [weight for weight, _ in commands]
        self._commands = [command for _, command in commands]
        self._wait()

    def step(self) -> None:
        """Do the next command, at `next_at`; one that finds nothing to do is a log entry."""
        at = int(self.next_at)
        actor = self._rng.choice(self._given[:10])
        self._rng.choices(self._commands, self._weights)[0](at, actor)
        self._wait()

    def _wait(self) -> None:
        if self._gap == math.inf:
            self.next_at = math.inf
        elif self._rng.random() < 0.06:
            self.next_at += self._rng.randrange(3)  # several within a millisecond or two
        else:
            self.next_at += 1 + int(self._rng.expovariate(1 / self._gap))

    def _some(self, things: list[T]) -> T | None:
        return self._rng.choice(things) if things else None

    def _name(self, kind: str) -> str:
        self._made += 1
        return f"{kind} {self._made}"

    # -- projects ------------------------------------------------------------------------------

    def _create_project(self, at: int, actor: str) -> None:
        name = self._name("Initiative")
        kind = self._rng.choice(("software", "business", "service_desk"))
        project = self._admin.create_project(at, actor, f"P{self._made}", name, kind=kind)
        self._projects.append(project)

    def _live(self) -> Project | None:
        return self._some([p for p in self._projects if p.state == "live"])

    def _update_project(self, at: int, actor: str) -> None:
        project = self._live()
        if project is None:
            self._create_project(at, actor)
        elif self._rng.random() < 0.5:
            self._admin.update_project(at, actor, project, name=self._name("Initiative"))
        else:
            text = self._name("Goal")
            self._admin.update_project(at, actor, project, description=text)

    def _categorise(self, at: int, actor: str) -> None:
        project = self._live()
        if project is None:
            self._create_project(at, actor)
            return
        others: list[str | None] = [None, *self._admin.categories]
        now = project.category and project.category["id"]
        chosen = self._rng.choice([one for one in others if one != now])
        category = None if chosen is None else self._admin.categories[chosen]
        self._admin.set_category(at, actor, project, category)

    def _move_project(self, at: int, actor: str) -> None:
        project = self._some(self._projects)
        if project is None:
            self._create_project(at, actor)
        elif project.state == "live":
            state = self._rng.choice(("deleted", "deleted", "archived"))
            self._admin.change_state(at, actor, project, state)
        else:
            self._admin.change_state(at, actor, project, "live")

    def _purge(self, at: int, actor: str) -> None:
        project = self._some(
            [p for p in self._projects if p.state == "deleted" and at - p.state_at > _KEPT]
        )
        if project is None:
            self._move_project(at, actor)
            return
        self._projects.remove(project)
        self._admin.purge_project(at, project, actor if self._rng.random() < 0.4 else None)

    def _create_category(self, at: int, actor: str) -> None:
        self._admin.create_category(at, actor, self._name("Category"))

    # -- roles ---------------------------------------------------------------------------------

    def _create_role(self, at: int, actor: str) -> None:
        self._admin.create_role(at, actor, self._name("Role"))

    def _update_role(self, at: int, actor: str) -> None:
        role = self._rng.choice(list(self._admin.roles.values()))
        self._admin.update_role(at, actor, role, description=self._name("Task"))

    def _delete_role(self, at: int, actor: str) -> None:
        role = self._some(list(self._admin.roles.values())[4:])
        if role is None:
            self._create_role(at, actor)
        else:
            self._admin.delete_role(at, actor if self._rng.random() < 0.8 else None, role)

    def _change_role_actors(self, at: int, actor: str) -> None:
        admin, rng = self._admin, self._rng
        project = rng.choice(
            [p for p in admin.world.projects.values() if p.state == "live" and not p.is_hidden]
        )
        role = rng.choice(list(admin.roles.values()))
        held = admin.actors[project.id, role.id]
        if held and rng.random() < 0.45:
            admin.change_role_actors(at, actor, project, role, remove=[rng.choice(held)])
            return
        free = [("user", who) for who in self._given] + [("group", who) for who in admin.groups]
        chosen = rng.choice([one for one in free if one not in held])
        admin.change_role_actors(at, actor, project, role, add=[chosen])

    # -- people --------------------------------------------------------------------------------

    def _create_user(self, at: int, actor: str) -> None:
        name = self._name("Neu Person")
        email = f"new{self._made}@example.com" if self._rng.random() < 0.7 else None
        self._people.append(self._admin.create_user(at, actor, name, email))

    def _update_user(self, at: int, actor: str) -> None:
        person = self._some([p for p in self._people if p.active])
        if person is None:
            self._create_user(at, actor)
        else:
            self._admin.update_user(at, actor, person, name=self._name("Umbenannt"))

    def _deactivate(self, at: int, actor: str) -> None:
        person = self._some([p for p in self._people if p.active])
        if person is None:
            self._create_user(at, actor)
        else:
            self._admin.deactivate_user(at, actor, person)

    def _reactivate(self, at: int, actor: str) -> None:
        person = self._some([p for p in self._people if not p.active])
        if person is None:
            self._deactivate(at, actor)
        else:
            self._admin.reactivate_user(at, actor, person)

    def _delete_user(self, at: int, actor: str) -> None:
        person = self._some(self._people)
        if person is None:
            self._create_user(at, actor)
            return
        self._people.remove(person)
        for group in self._admin.groups.values():
            if person.account_id in group.members:
                self._admin.remove_member(at, actor, group, person.account_id)
        self._admin.delete_user(at, actor, person)

    # -- groups --------------------------------------------------------------------------------

    def _create_group(self, at: int, actor: str) -> None:
        self._admin.create_group(at, actor, self._name("team"))

    def _add_member(self, at: int, actor: str) -> None:
        group = self._rng.choice(list(self._admin.groups.values()))
        everybody = self._given + [person.account_id for person in self._people]
        account_id = self._some([who for who in everybody if who not in group.members])
        if account_id is None:
            self._create_group(at, actor)
        else:
            self._admin.add_member(at, actor, group, account_id)

    def _remove_member(self, at: int, actor: str) -> None:
        group = self._rng.choice(list(self._admin.groups.values()))
        account_id = self._some(group.members)
        if account_id is None:
            self._add_member(at, actor)
        else:
            self._admin.remove_member(at, actor, group, account_id)

    # -- permissions ---------------------------------------------------------------------------

    def _create_scheme(self, at: int, actor: str) -> None:
        self._admin.create_scheme(at, actor, self._name("Scheme"))

    def _copy_scheme(self, at: int, actor: str) -> None:
        self._admin.copy_scheme(at, actor, self._rng.choice(list(self._admin.schemes.values())))

    def _update_scheme(self, at: int, actor: str) -> None:
        scheme = self._rng.choice(list(self._admin.schemes.values()))
        self._admin.update_scheme(at, actor, scheme, name=self._name("Scheme"))

    def _delete_scheme(self, at: int, actor: str) -> None:
        used = {self._admin.default_scheme.id, *self._admin.scheme_of.values()}
        scheme = self._some([s for s in self._admin.schemes.values() if s.id not in used])
        if scheme is None or len(self._admin.schemes) <= _FEW:
            self._create_scheme(at, actor)
        else:
            self._admin.delete_scheme(at, actor if self._rng.random() < 0.9 else None, scheme)

    def _grant(self, at: int, actor: str) -> None:
        admin, rng = self._admin, self._rng
        scheme = rng.choice(list(admin.schemes.values()))
        holders: list[tuple[str, str | None]] = [
            ("reporter", None),
            ("group", rng.choice(list(admin.groups))),
            ("projectRole", rng.choice(list(admin.roles)[:4])),
        ]
        holder, value = rng.choice(holders)
        permission = rng.choice(list(PERMISSIONS))
        held = {(grant.permission, grant.holder, grant.value) for grant in scheme.grants}
        if (permission, holder, value) in held:
            self._revoke(at, actor)
        else:
            admin.grant(at, actor, scheme, permission, holder, value)

    def _revoke(self, at: int, actor: str) -> None:
        scheme = self._some([s for s in self._admin.schemes.values() if s.grants])
        if scheme is None:
            self._create_scheme(at, actor)
        else:
            self._admin.revoke(at, actor, scheme, self._rng.choice(scheme.grants))

    def _assign_scheme(self, at: int, actor: str) -> None:
        admin, rng = self._admin, self._rng
        project = self._live()
        if project is None:
            self._create_project(at, actor)
            return
        now = admin.scheme_of.get(project.id, admin.default_scheme.id)
        chosen = rng.choice([s for s in admin.schemes.values() if s.id != now])
        admin.assign_scheme(at, actor, project, chosen)

    def _global_permission(self, at: int, actor: str) -> None:
        group = self._rng.choice(list(self._admin.groups.values()))
        permission = self._rng.choice(_GLOBAL)
        is_granted = self._rng.random() < 0.5
        self._admin.change_global_permission(at, actor, permission, group, is_granted=is_granted)

    # -- service management, and the rest ------------------------------------------------------

    def _setting(self, at: int, actor: str) -> None:
        admin, rng = self._admin, self._rng
        code = rng.choice(list(SETTINGS))
        desks = [p for p in admin.world.projects.values() if p.kind == "service_desk"]
        before, after = rng.sample(("Open", "Restricted", "Everyone", "Customers only"), 2)
        admin.change_setting(at, actor, code, before, after, rng.choice(desks))

    def _unknown(self, at: int, actor: str) -> None:
        admin, rng = self._admin, self._rng
        organization = rng.choice(list(admin.organizations.values()))
        customer = rng.choice(self._given)
        if customer in organization.members:
            organization.members.remove(customer)
        else:
            organization.members.append(customer)
        admin.note(at, actor if rng.random() < 0.5 else None, *rng.choice(_UNKNOWN))
