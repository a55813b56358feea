"""An event of the organisation's log and how the admin API renders it."""

from __future__ import annotations

from msgspec import Struct

from tests.sandbox.clock import iso
from tests.sandbox.domains.organization.catalogue import EventAction
from tests.sandbox.objects import JsonObject, Person
from tests.sandbox.world import World


class Event(Struct, frozen=True, gc=False):
    """Something that happened in the organisation at `at` (ms).

    `group`: (id, name). `issue`: the id or key of a Jira issue that was viewed.
    """

    number: int
    id: str
    at: int
    kind: EventAction
    actor: str | None
    account_id: str | None = None
    group: tuple[str, str] | None = None
    issue: str | None = None
    detail: str | None = None


def render_event(event: Event, world: World, base: str) -> JsonObject:
    """Give the event as `/events` and `/events-stream` answer it; `base` is the organisation's."""
    attributes: JsonObject = {
        "time": iso(event.at),
        "action": event.kind.id,
        "context": _context(event, world),
        "container": [_site(event, world)],
        "location": {"ip": "192.0.2.7", "countryName": "Switzerland", "city": "Zürich"},
    }
    if event.actor is not None:
        person = _person(world, event.actor)
        attributes["actor"] = {
            "id": event.actor,
            "name": person.name,
            "email": person.email,
            "auth": {"authType": "cookie"},
            "links": {"self": f"{base}/users/{event.actor}"},
        }
    return {
        "id": event.id,
        "type": "events",
        "attributes": attributes,
        "message": {"content": f"{event.kind.display_name}: {event.detail}", "format": "simple"}
        if event.detail
        else {"content": event.kind.display_name, "format": "simple"},
        "links": {"self": f"{base}/events/{event.id}"},
    }


def _context(event: Event, world: World) -> list[JsonObject]:
    items: list[JsonObject] = []
    if event.group is not None:
        group_id, name = event.group
        items.append({"id": group_id, "type": "groups", "attributes": {"name": name}})
    if event.account_id is not None:
        person = _person(world, event.account_id)
        attributes = {"name": person.name, "email": person.email}
        items.append({"id": event.account_id, "type": "users", "attributes": attributes})
    return items


def _site(event: Event, world: World) -> JsonObject:
    host = world.site.removeprefix("https://")
    attributes = {"siteName": host.partition(".")[0], "siteHostName": host}
    if event.issue is not None:
        attributes |= {"product": "jira", "issueKeyOrId": event.issue}
    return {"id": f"site-{world.seed}", "type": "sites", "attributes": attributes}


def _person(world: World, account_id: str) -> Person:
    return world.people.get(account_id) or Person(account_id, account_id)
