"""Saved filters.

What its owner shares with nobody is invisible to everybody else, `overrideSharePermissions` or
not: a filter that is no longer shared looks deleted.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct, structs

from tests.sandbox.clock import DAY
from tests.sandbox.domain import LineItem, World
from tests.sandbox.domains.software.telling import Teller, change
from tests.sandbox.objects import JsonObject
from tests.sandbox.render import Renderer

EVERYTHING = (
    "description",
    "owner",
    "jql",
    "favourite",
    "favouritedCount",
    "sharePermissions",
    "editPermissions",
)
"""What a filter has beside its name, for those who ask (`expand`)."""
FIELDS = {"name": "Name", "description": "Description", "jql": "JQL", "owner": "Owner"}


class Filter(Struct):
    """A filter. `shared`: with everybody who is logged in, or with nobody."""

    id: str
    name: str
    jql: str
    owner: str
    shared: bool
    description: str = ""
    touched: int = 0


class Filters:
    """Commands on filters."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._teller = Teller(world)
        self._render = Renderer(world)
        self._last_id = 10_699
        self.all: dict[str, Filter] = {}

    def visible(self) -> list[Filter]:
        """Give the filters the API user can see."""
        return [one for one in self.all.values() if self._is_visible(one)]

    def _is_visible(self, one: Filter) -> bool:
        return one.shared or one.owner == self._world.me

    def add(self, name: str, jql: str, owner: str, *, shared: bool) -> Filter:
        """Put a filter that has always been there."""
        self._last_id += 1
        one = Filter(str(self._last_id), name, jql, owner, shared)
        self.all[one.id] = one
        return one

    def create(self, at: int, actor: str, name: str, jql: str, *, shared: bool = True) -> Filter:
        """Save a filter."""
        one = self.add(name, jql, actor, shared=shared)
        self._tell("created", at, actor, one, is_listed=self._is_visible(one))
        return one

    def update(self, at: int, actor: str, filter_id: str, **values: str) -> None:
        """Set some of `FIELDS`."""
        one = self.all[filter_id]
        items = [
            self._item(name, getattr(one, name), value)
            for name, value in values.items()
            if getattr(one, name) != value
        ]
        was_visible = self._is_visible(one)
        for name, value in values.items():
            setattr(one, name, value)
        if items:
            is_listed = was_visible and self._is_visible(one)
            self._tell("updated", at, actor, one, items, is_listed=is_listed)

    def share(self, at: int, actor: str, filter_id: str, *, shared: bool) -> None:
        """Share a filter with everybody, or with nobody any more."""
        one = self.all[filter_id]
        was_visible = self._is_visible(one)
        one.shared = shared
        old, new = _audience(not shared), _audience(shared)
        items = [change("Shared with", "sharePermissions", old, new)]
        is_listed = was_visible and self._is_visible(one)
        self._tell("updated", at, actor, one, items, is_listed=is_listed)

    def delete(self, at: int, actor: str, filter_id: str) -> None:
        """Delete a filter. Only of the API user's own does a listing prove it."""
        one = self.all.pop(filter_id)
        self._tell("deleted", at, actor, one, is_listed=one.owner == self._world.me)

    def _item(self, name: str, old: str, new: str) -> LineItem:
        if name == "owner":
            people = self._world.people
            return LineItem("Owner", "owner", old, people[old].name, new, people[new].name)
        return change(FIELDS[name], name, old or None, new or None)

    def render(self, one: Filter, expand: Collection[str] = EVERYTHING) -> JsonObject:
        """Give a filter as /filter/search does, with the members of `expand`."""
        shares = [{"id": int(one.id) + 5_000, "type": "loggedin"}] if one.shared else []
        members: JsonObject = {
            "description": one.description,
            "owner": self._render.person(self._world.people[one.owner]),
            "jql": one.jql,
            "favourite": False,
            "favouritedCount": self._world.now // DAY % 3,
            "sharePermissions": shares,
            "editPermissions": [],
        }
        return {
            "self": f"{self._world.site}/rest/api/3/filter/{one.id}",
            "id": one.id,
            "name": one.name,
            **{name: value for name, value in members.items() if name in expand},
        }

    def _tell(
        self,
        what: str,
        at: int,
        actor: str,
        one: Filter,
        items: list[LineItem] | None = None,
        *,
        is_listed: bool,
    ) -> None:
        one.touched = at
        now = structs.replace(one)
        carriers = self._teller.webhook(
            f"filter_{what}", at, actor, lambda: {"filter": self.render(now)}
        )
        item = {"id": one.id, "name": one.name, "typeName": "FILTER"}
        carriers += self._teller.audit(f"Filter {what}", "filters", at, actor, item, items or ())
        self._world.record(
            f"FILTER_{what.upper()}",
            at,
            actor=actor,
            target_id=one.id,
            target_label=one.name,
            items=items or (),
            carriers=carriers,
            listing="list:filters" if is_listed else None,
        )


def _audience(shared: bool) -> str:  # noqa: FBT001 - the one thing it depends on
    return "loggedin" if shared else "private"
