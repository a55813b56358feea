"""Issue types: `World.issue_types`, which the issue stream's own types are part of."""

from __future__ import annotations

from tests.sandbox.domain import LineItem, World
from tests.sandbox.domains.software.telling import Teller, change
from tests.sandbox.objects import JsonObject


class IssueTypes:
    """Commands on issue types."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._teller = Teller(world)
        self._last_id = 10_219

    def create(self, at: int, actor: str, name: str) -> str:
        """Add a type; return its id."""
        self._last_id += 1
        type_id = str(self._last_id)
        site = self._world.site
        self._world.issue_types[type_id] = {
            "self": f"{site}/rest/api/3/issuetype/{type_id}",
            "id": type_id,
            "name": name,
            "description": "",
            "iconUrl": f"{site}/rest/api/2/universal_avatar/view/type/issuetype/avatar/10300",
            "avatarId": 10300,
            "subtask": False,
            "hierarchyLevel": 0,
        }
        self._tell("created", at, actor, self._world.issue_types[type_id])
        return type_id

    def update(self, at: int, actor: str, type_id: str, **values: str) -> None:
        """Set name or description."""
        kind = self._world.issue_types[type_id]
        items = [
            change(name.capitalize(), name, kind[name] or None, value)
            for name, value in values.items()
            if kind[name] != value
        ]
        kind.update(values)
        self._world.config_version += 1
        if items:
            self._tell("updated", at, actor, kind, items)

    def delete(self, at: int, actor: str, type_id: str) -> None:
        """Delete a type that no issue has."""
        self._tell("deleted", at, actor, self._world.issue_types.pop(type_id))

    def _tell(
        self, what: str, at: int, actor: str, kind: JsonObject, items: list[LineItem] | None = None
    ) -> None:
        body = dict(kind)
        carriers = self._teller.webhook(f"issuetype_{what}", at, actor, lambda: {"issuetype": body})
        item = {"id": kind["id"], "name": kind["name"], "typeName": "ISSUE_TYPE"}
        carriers += self._teller.audit(
            f"Issue type {what}", "issue types", at, actor, item, items or ()
        )
        self._world.record(
            f"ISSUE_TYPE_{what.upper()}",
            at,
            actor=actor,
            target_id=kind["id"],
            target_label=kind["name"],
            items=items or (),
            carriers=carriers,
            listing="list:issue_types",
        )
