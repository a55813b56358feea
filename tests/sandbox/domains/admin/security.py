"""Issue security: schemes, their levels, and who is in a level.

No action of the catalogue tells of a level, so nothing here writes to the ledger; who is in one is
known by listing it. The levels that issues have are those of `PROJECT_SCHEME`, the scheme of every
project.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from tests.sandbox.clock import YEAR
from tests.sandbox.fields import REVIEWERS
from tests.sandbox.world import PROJECT_SCHEME

if TYPE_CHECKING:
    from tests.sandbox.domains.admin import Admin

_CHANGES_PER_YEAR = 60
_MANAGEMENT, _LEGAL, _EVERYBODY, _NOBODY = "10400", "10401", "10402", "10403"


class LevelMember(Struct, frozen=True):
    """Somebody in a level. `value`: id of an account, group, role or field, or nothing."""

    id: int
    level: str
    holder: str
    value: str | None


class Security:
    """Who is in the security levels of a site; one member comes or goes now and then.

    It has random numbers and ids of its own, so that it moves nothing else. `start`: ms since 1970.
    """

    def __init__(self, admin: Admin, start: int) -> None:
        world = admin.world
        self._rng = random.Random(f"{world.seed}:issue security")
        self._gap = YEAR / max(_CHANGES_PER_YEAR * world.activity, 1e-6)
        self._last = 10_700
        self.schemes = {PROJECT_SCHEME: "Confidential", "10451": "Personal data"}
        self.members: list[LevelMember] = []
        for number, name in ((_EVERYBODY, "Everybody"), (_NOBODY, "Nobody yet")):
            world.security_levels[number] = {
                "self": f"{world.site}/rest/api/3/securitylevel/{number}",
                "id": number,
                "name": name,
                "isDefault": False,
                "issueSecuritySchemeId": "10451",
            }
        self._levels = [_MANAGEMENT, _LEGAL, _EVERYBODY]
        people = [
            person.account_id
            for person in world.people.values()
            if person.active and person.account_type == "atlassian"
        ]
        self._holders: Sequence[tuple[str, str | None]] = (
            *(("user", account_id) for account_id in people[4:16]),
            *(("group", group_id) for group_id in admin.groups),
            *(("projectRole", role_id) for role_id in admin.roles),
            ("projectLead", None),
            ("reporter", None),
            ("assignee", None),
            ("userCustomField", REVIEWERS),
            ("applicationRole", "jira-software"),
            ("applicationRole", None),
            ("anyone", None),
        )
        groups, roles = [*admin.groups], [*admin.roles]
        for level, holder, value in (
            (_MANAGEMENT, "group", groups[0]),
            (_MANAGEMENT, "projectLead", None),
            (_MANAGEMENT, "user", people[5]),
            (_LEGAL, "projectRole", roles[0]),
            (_LEGAL, "reporter", None),
            (_LEGAL, "assignee", None),
            (_LEGAL, "userCustomField", REVIEWERS),
            (_EVERYBODY, "applicationRole", None),
            (_EVERYBODY, "anyone", None),
        ):
            self.add(level, holder, value)
        self.next_at: int | float = start
        self._wait()

    def _wait(self) -> None:
        self.next_at += 1 + int(self._rng.expovariate(1) * self._gap)

    def step(self) -> None:
        """Let somebody into a level, or take somebody out; a level keeps its last member."""
        level = self._rng.choice(self._levels)
        holder, value = self._rng.choice(self._holders)
        inside = [member for member in self.members if member.level == level]
        held = [member for member in inside if (member.holder, member.value) == (holder, value)]
        if not held:
            self.add(level, holder, value)
        elif len(inside) > 1:
            self.remove(held[0])
        self._wait()

    def add(self, level: str, holder: str, value: str | None) -> LevelMember:
        """Put a holder into a level."""
        self._last += 1
        member = LevelMember(self._last, level, holder, value)
        self.members.append(member)
        return member

    def remove(self, member: LevelMember) -> None:
        """Take a holder out of its level."""
        self.members.remove(member)
