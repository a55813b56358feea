"""Confluence's audit log: records without ids, newest first, some of them twice in a millisecond.

The record is the only channel of such an action, so its line has the one carrier `confluence:<n>`.
Two truly identical records are two actions. A record may become readable some minutes late.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from msgspec import Struct

from tests.sandbox.clock import DAY, MINUTE
from tests.sandbox.domain import ApiError, Call, Carrier, Domain, LineItem, Reply, Route, World
from tests.sandbox.objects import JsonObject

PATH = "/wiki/rest/api/audit"
PAGE_LIMIT = 1_000
_YEAR = 365 * DAY
_RECORDS_PER_YEAR = 1_500


class Kind(Struct, frozen=True):
    """One kind of record. `code` None: no action of the catalogue."""

    code: str | None
    category: str
    object_type: str
    changes: tuple[str, ...] = ()


KINDS: Mapping[str, Kind] = {
    "Space created": Kind("CONFLUENCE_SPACE_CREATED", "Spaces", "Space"),
    "Space deleted": Kind("CONFLUENCE_SPACE_DELETED", "Spaces", "Space"),
    "Space archived": Kind("CONFLUENCE_SPACE_ARCHIVED", "Spaces", "Space"),
    "Space unarchived": Kind("CONFLUENCE_SPACE_UNARCHIVED", "Spaces", "Space"),
    "Space marked as deleted": Kind("CONFLUENCE_SPACE_MARKED_AS_DELETED", "Spaces", "Space"),
    "Deleted space restored": Kind("CONFLUENCE_SPACE_RESTORED", "Spaces", "Space"),
    "Space import": Kind("CONFLUENCE_SPACE_IMPORTED", "Import/Export", "Space"),
    "Space export": Kind("CONFLUENCE_SPACE_EXPORTED", "Import/Export", "Space"),
    "Space key updated": Kind("CONFLUENCE_SPACE_KEY_UPDATED", "Spaces", "Space", ("Space key",)),
    "Space logo uploaded": Kind("CONFLUENCE_SPACE_LOGO_UPLOADED", "Spaces", "Space"),
    "Space permission added": Kind(
        "CONFLUENCE_SPACE_PERMISSION_ADDED", "Permissions", "Space", ("Type", "Group")
    ),
    "Space permission removed": Kind(
        "CONFLUENCE_SPACE_PERMISSION_REMOVED", "Permissions", "Space", ("Type", "Group")
    ),
    "Space configuration updated": Kind(
        "CONFLUENCE_SPACE_CONFIGURATION_UPDATED", "Spaces", "Space", ("Home page",)
    ),
    "Space trash emptied": Kind("CONFLUENCE_SPACE_TRASH_EMPTIED", "Spaces", "Space"),
    "Global settings updated": Kind(
        "CONFLUENCE_GLOBAL_SETTINGS_UPDATED", "Global administration", "", ("Site title",)
    ),
    "Site logo changed": Kind("CONFLUENCE_SITE_LOGO_UPDATED", "Global administration", ""),
    "Color scheme modified": Kind(
        "CONFLUENCE_COLOR_SCHEME_UPDATED", "Global administration", "", ("Colour",)
    ),
    "Global permission added": Kind(
        "CONFLUENCE_GLOBAL_PERMISSION_ADDED", "Permissions", "Group", ("Type",)
    ),
    "Global permission removed": Kind(
        "CONFLUENCE_GLOBAL_PERMISSION_REMOVED", "Permissions", "Group", ("Type",)
    ),
    "Content restriction added": Kind(
        "CONFLUENCE_CONTENT_RESTRICTION_ADDED", "Permissions", "Page", ("Type",)
    ),
    "Content restriction removed": Kind(
        "CONFLUENCE_CONTENT_RESTRICTION_REMOVED", "Permissions", "Page", ("Type",)
    ),
    "User created": Kind("CONFLUENCE_USER_CREATED", "Users and groups", "User"),
    "User deactivated": Kind("CONFLUENCE_USER_DEACTIVATED", "Users and groups", "User"),
    "User reactivated": Kind("CONFLUENCE_USER_REACTIVATED", "Users and groups", "User"),
    "User details updated": Kind(
        "CONFLUENCE_USER_UPDATED", "Users and groups", "User", ("Display name",)
    ),
    "User added to group": Kind("CONFLUENCE_USER_ADDED_TO_GROUP", "Users and groups", "Group"),
    "User removed from group": Kind(
        "CONFLUENCE_USER_REMOVED_FROM_GROUP", "Users and groups", "Group"
    ),
    "Group created": Kind("CONFLUENCE_GROUP_CREATED", "Users and groups", "Group"),
    "Group deleted": Kind("CONFLUENCE_GROUP_DELETED", "Users and groups", "Group"),
    "Public links enabled": Kind("CONFLUENCE_PUBLIC_LINKS_ENABLED", "Public links", "Space"),
    "Public links disabled": Kind("CONFLUENCE_PUBLIC_LINKS_DISABLED", "Public links", "Space"),
    "Page archived": Kind("CONFLUENCE_PAGE_ARCHIVED", "Pages", "Page"),
    "Page restored": Kind("CONFLUENCE_PAGE_RESTORED", "Pages", "Page"),
    "Page viewed with admin key": Kind("CONFLUENCE_PAGE_VIEWED_WITH_ADMIN_KEY", "Pages", "Page"),
    "Page template created": Kind("CONFLUENCE_TEMPLATE_CREATED", "Page templates", "Template"),
    "Page template updated": Kind("CONFLUENCE_TEMPLATE_UPDATED", "Page templates", "Template"),
    "App installed": Kind("CONFLUENCE_APP_INSTALLED", "Apps", "App"),
    "App uninstalled": Kind("CONFLUENCE_APP_UNINSTALLED", "Apps", "App"),
    "App enabled": Kind("CONFLUENCE_APP_ENABLED", "Apps", "App"),
    "App disabled": Kind("CONFLUENCE_APP_DISABLED", "Apps", "App"),
    "Macro Überarbeitung (intern)": Kind(None, "Andere", "Macro"),
}
_NAMES: Mapping[str, Sequence[str]] = {
    "Space": ("Engineering", "Human Resources", "=Finance", "Équipe “Web”", "社内"),
    "Page": ("Road map", "Salaries 2026", "Release notes\n2.0"),
    "Template": ("Meeting notes", "Decision"),
    "App": ("Draw", "Charts for all"),
    "Group": ("confluence-users:3f2c1a00-0000-4000-8000-000000000001", "site-admins"),
    "User": ("Ada Adler", "O'Neill, Zoë"),
    "Macro": ("toc",),
    "": ("",),
}
_VALUES = ("", "View", "Export", "Home", "Neue Heimat", "<b>", "ENG", "OPS")


class Record(Struct, frozen=True):
    """One record. `readable_at`: when the log shows it, not before."""

    number: int
    at: int
    readable_at: int
    content: JsonObject


class Confluence(Domain):
    """The audit log of a site's Confluence. `page_limit`: the most a page holds."""

    name = "confluence"

    def __init__(self, world: World, rng: random.Random, start: int | None) -> None:
        super().__init__(world, rng, start)
        self.is_installed = start is not None
        self.page_limit = PAGE_LIMIT
        self.records: list[Record] = []
        if start is not None:
            self._people = [p.account_id for p in world.people.values() if p.active][::4]
            self.next_at = start + self._gap()

    # -- what happens --------------------------------------------------------------------------

    def step(self) -> None:
        """Let somebody administer something."""
        at, rng = int(self.next_at), self.rng
        summary = rng.choice(list(KINDS))
        actor = rng.choice(self._people) if rng.random() > 0.08 else None
        times = 2 if rng.random() < 0.02 else 1
        lateness = rng.randrange(3 * MINUTE) if rng.random() < 0.1 else 0
        self.happen(at, actor, summary, times=times, lateness=lateness)
        self.next_at = at + self._gap()

    def _gap(self) -> int:
        mean = _YEAR / (_RECORDS_PER_YEAR * max(self.world.activity, 1e-6))
        return 1 + int(self.rng.expovariate(1) * mean)

    def happen(
        self, at: int, actor: str | None, summary: str, *, times: int = 1, lateness: int = 0
    ) -> None:
        """Write `times` equal records and their lines; readable `lateness` ms after `at`."""
        kind, rng = KINDS[summary], self.rng
        name = rng.choice(_NAMES[kind.object_type])
        changes: list[JsonObject] = []
        for change in kind.changes:
            old, new = rng.sample(_VALUES, 2)
            hidden = {"hiddenOldValue": "", "hiddenNewValue": ""}
            changes.append({"name": change, "oldValue": old, "newValue": new, **hidden})
        content: JsonObject = {
            "author": self._author(actor),
            "remoteAddress": f"192.0.2.{rng.randrange(1, 255)}",
            "creationDate": at,
            "summary": summary,
            "description": "",
            "category": kind.category,
            "sysAdmin": False,
            "superAdmin": False,
            "affectedObject": {"name": name, "objectType": kind.object_type},
            "changedValues": changes,
            "associatedObjects": [],
        }
        if actor is None and rng.random() < 0.5:
            del content["author"]
        for _ in range(times):
            number = len(self.records) + 1
            self.records.append(Record(number, at, at + lateness, content))
            self.world.record(
                kind.code or "_CONFLUENCE_RECORD",
                at,
                actor=actor,
                target_id=f"{kind.object_type}:{name}" if name else "site",
                target_label=name or None,
                items=[
                    LineItem(
                        one["name"],
                        one["name"],
                        None,
                        one["oldValue"] or None,
                        None,
                        one["newValue"] or None,
                    )
                    for one in changes
                ],
                carriers=[
                    Carrier(f"confluence:{number}", tells_actor=actor is not None, tells_items=True)
                ],
            )

    def _author(self, actor: str | None) -> JsonObject:
        if actor is None:
            return {"type": "user", "displayName": "System", "operations": None}
        person = self.world.people[actor]
        return {
            "type": "user",
            "displayName": person.name,
            "publicName": person.name,
            "operations": None,
            "isExternalCollaborator": False,
            "accountId": actor,
            "accountType": person.account_type,
        }

    # -- what the API shows --------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """Give the one endpoint; it needs the permission CONFLUENCE_ADMIN."""
        return (Route("GET", PATH, self.audit),)

    def audit(self, call: Call) -> Reply:
        """GET /wiki/rest/api/audit: both dates are epoch ms and inclusive; newest first."""
        if not self.is_installed:
            raise ApiError(404, "", body={"statusCode": 404, "message": "No Confluence here."})
        if not self.world.permissions["CONFLUENCE_ADMIN"]:
            message = "Current user not permitted to use Confluence"
            raise ApiError(403, "", body={"statusCode": 403, "message": message})
        first = call.number("startDate", 0, 2**53)
        last = call.number("endDate", 2**53, 2**53)
        start = call.number("start", 0, 2**31)
        limit = call.number("limit", 1_000, self.page_limit)
        found = [
            record
            for record in reversed(self.records)
            if first <= record.at <= last and record.readable_at <= self.world.now
        ]
        page = found[start : start + limit]
        links = {"base": f"{self.world.site}/wiki", "context": "/wiki", "self": self.world.site}
        if start + limit < len(found):
            links["next"] = f"/rest/api/audit?start={start + limit}&limit={limit}"
        return Reply(
            {
                "results": [record.content for record in page],
                "start": start,
                "limit": limit,
                "size": len(page),
                "_links": links,
            },
            keys=[f"confluence:{record.number}" for record in page],
        )
