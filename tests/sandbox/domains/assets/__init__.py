"""Assets: object schemas, types, objects with histories, and roles.

One action per object, actor and moment of an edit: its history entries, one per attribute, are the
items. An object that is deleted is gone for the API with its history; that is no action. The people
of a role are told by nothing but the role itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from tests.sandbox.clock import YEAR, iso
from tests.sandbox.domain import ApiError, Call, Carrier, Domain, LineItem, Reply, Route, World
from tests.sandbox.domains.assets.aql import AqlError, parse
from tests.sandbox.objects import JsonObject

WORKSPACE = "6f1e3c1a-0000-4000-8000-000000000007"
BASE = f"/gateway/api/jsm/assets/workspace/{WORKSPACE}/v1"
CREATED, ATTRIBUTE = 0, 1
"""Types of history entries."""
TOTAL_LIMIT = 1_000
"""An AQL answer counts no further; `/object/aql/totalcount` does."""
_ACTIONS_PER_YEAR = 2_000
_STEADY = 60
_ROLES = ("Managers", "Developers", "Users")
_GROUPS = ("jira-servicemanagement-users", "support", "=facility management", "developers")
_ATTRIBUTES: Mapping[str, Sequence[str]] = {
    "Name": ("Notebook", "Server rack", "Badge printer", "Œuvre d'art", "会議室", "=SUM(A1)"),
    "Owner": ("Ada", "Bram", "Chiara", ""),
    "Status": ("Ordered", "In use", "In repair", "Retired"),
    "Location": ("Zürich", "Genève", "Lager 2", ""),
    "Serial number": ("SN-1", "SN-2", "SN-0007"),
    "Notes": ("first line\nsecond line", "“quoted”", "", "long " + "word " * 80),
}


class Schema(Struct):
    """An object schema. Ids of Assets are numbers, texts on the wire."""

    id: int
    key: str
    name: str


class ObjectType(Struct):
    """A type of objects in a schema."""

    id: int
    schema: int
    name: str


class Entry(Struct, frozen=True):
    """One history entry; `actor` is how the API names who did it, or None."""

    id: int
    at: int
    actor: JsonObject | None
    type: int
    attribute: str | None = None
    old: str | None = None
    new: str | None = None

    @property
    def named(self) -> str | None:
        """The display name, where the entry shows nothing else of who did it."""
        return self.actor["name"] if self.actor is not None and "key" not in self.actor else None

    @property
    def key(self) -> str:
        """Key in the served log: an entry that shows a name alone proves nobody's activity."""
        return f"asset_history:{self.id}" if self.named is None else f"asset_name:{self.id}"

    def carrier(self, *, tells_items: bool) -> Carrier:
        """Give the channel that tells of an edit by its first entry."""
        tells_actor = self.actor is not None
        return Carrier(self.key, tells_actor, tells_items, named=self.named)


class AssetObject(Struct):
    """An object as it is now, with its history. Times are ms since 1970 UTC."""

    id: int
    type: int
    schema: int
    created: int
    updated: int
    values: dict[str, str]
    entries: list[Entry] = field(default_factory=list)


class Role(Struct):
    """A role of a schema or of an object type: who is in it, `user:<id>` or `group:<name>`."""

    id: int
    name: str
    code: str
    label: str
    actors: list[str] = field(default_factory=list)


class Assets(Domain):
    """The Assets of a site. `generation` of AQL answers: `values` or the older `entries`."""

    name = "assets"

    def __init__(self, world: World, rng: random.Random, start: int | None) -> None:
        super().__init__(world, rng, start)
        self.has_workspace = start is not None
        self.generation = "values"
        self.schemas: dict[int, Schema] = {}
        self.types: dict[int, ObjectType] = {}
        self.objects: dict[int, AssetObject] = {}
        self.deleted: dict[int, AssetObject] = {}
        self.roles: dict[int, Role] = {}
        self.roles_of: dict[tuple[str, int], list[int]] = {}
        self._last = {"object": 0, "entry": 500, "role": 60}
        if start is None:
            return
        people = [p.account_id for p in world.people.values() if p.account_type == "atlassian"]
        self._people = people[1:-1:3]
        self._named_only = set(self._people[3::7])
        for number, (key, name, types) in enumerate(
            (
                ("ITAM", "IT assets", ("Notebook", "Server", "Printer")),
                ("FAC", "Facilities & “rooms”", ("Room", "Furniture")),
            ),
            start=1,
        ):
            self.add_schema(number, key, name)
            for offset, type_name in enumerate(types):
                self.add_type(number * 10 + offset, number, type_name)
        self.next_at = start + self._gap()

    # -- what happens --------------------------------------------------------------------------

    def step(self) -> None:
        """Do something with an object or a role."""
        at, rng = int(self.next_at), self.rng
        actor = rng.choice(self._people)
        commands: Sequence[tuple[float, Callable[[int, str], object]]] = (
            (5.0 if len(self.objects) < _STEADY else 1.3, self._create_any),
            (3.2, self._update_any),
            (0.4, self._delete_any),
            (0.6, lambda at, actor: self._change_any_role(at, actor, "schema")),
            (0.6, lambda at, actor: self._change_any_role(at, actor, "type")),
        )
        [command] = rng.choices([c for _, c in commands], [weight for weight, _ in commands])
        command(at, actor)
        self.next_at = at + self._gap()

    def _gap(self) -> int:
        mean = YEAR / (_ACTIONS_PER_YEAR * max(self.world.activity, 1e-6))
        return 1 + int(self.rng.expovariate(1) * mean)

    def _value(self, attribute: str) -> str:
        value = self.rng.choice(_ATTRIBUTES[attribute])
        return f"{value} {self.rng.randrange(1000)}" if attribute == "Name" else value

    def _create_any(self, at: int, actor: str) -> None:
        names = ["Name", *self.rng.sample(list(_ATTRIBUTES)[1:], self.rng.randint(0, 4))]
        values = {name: self._value(name) for name in names}
        self.create_object(at, actor, self.rng.choice(list(self.types)), values)

    def _update_any(self, at: int, actor: str) -> None:
        if not self.objects:
            return
        asset = self.rng.choice(list(self.objects.values()))
        names = self.rng.sample(list(_ATTRIBUTES), self.rng.choice((1, 1, 1, 2, 3)))
        self.update_object(at, actor, asset.id, {name: self._value(name) for name in names})

    def _delete_any(self, at: int, actor: str) -> None:
        if len(self.objects) > _STEADY // 2:
            self.delete_object(at, actor, self.rng.choice(list(self.objects)))

    def _change_any_role(self, at: int, actor: str, kind: str) -> None:
        owners = [owner for owner in self.roles_of if owner[0] == kind]
        role = self.roles[self.rng.choice(self.roles_of[self.rng.choice(owners)])]
        everybody = [f"user:{person}" for person in self._people[:12]]
        everybody += [f"group:{group}" for group in _GROUPS]
        changed = self.rng.sample(everybody, self.rng.choice((1, 1, 2, 3)))
        self.change_role(
            at,
            actor,
            role.id,
            added=[one for one in changed if one not in role.actors],
            removed=[one for one in changed if one in role.actors],
        )

    def _id(self, kind: str) -> int:
        self._last[kind] += 1
        return self._last[kind]

    def add_schema(self, schema_id: int, key: str, name: str) -> None:
        """Make an object schema with its three roles (no action of the catalogue)."""
        self.schemas[schema_id] = Schema(schema_id, key, name)
        self._add_roles("schema", schema_id, "Object Schema", "ASSETS_ROLES_UPDATED", name)

    def add_type(self, type_id: int, schema_id: int, name: str) -> None:
        """Make an object type with its three roles (no action of the catalogue)."""
        self.types[type_id] = ObjectType(type_id, schema_id, name)
        code = "ASSETS_OBJECT_TYPE_ROLES_UPDATED"
        self._add_roles("type", type_id, "Object Type", code, name)

    def _add_roles(self, kind: str, owner: int, prefix: str, code: str, label: str) -> None:
        ids = [self._id("role") for _ in _ROLES]
        for role_id, name in zip(ids, _ROLES, strict=True):
            role_name = f"{prefix} {name}"
            self.roles[role_id] = Role(role_id, role_name, code, f"{label}: {role_name}")
        self.roles_of[kind, owner] = ids

    def _actor(self, account_id: str | None) -> JsonObject | None:
        """Show who did it: some accounts by their display name alone, nobody for automation."""
        if account_id is None:
            return None
        shown: JsonObject = {
            "avatarUrl": "https://secure.example.com/avatar",
            "displayName": self.world.people[account_id].name,
            "isDeleted": False,
        }
        if account_id in self._named_only:
            return shown | {"name": shown["displayName"]}
        return shown | {"name": account_id, "key": account_id}

    def _entry(
        self,
        asset: AssetObject,
        at: int,
        actor: JsonObject | None,
        change: tuple[str, str | None, str | None] | None = None,
    ) -> Entry:
        kind = CREATED if change is None else ATTRIBUTE
        entry = Entry(self._id("entry"), at, actor, kind, *(change or ()))
        asset.entries.append(entry)
        return entry

    def create_object(
        self, at: int, actor: str | None, type_id: int, values: Mapping[str, str]
    ) -> AssetObject:
        """Make an object; its first values are history entries of the same moment."""
        schema = self.types[type_id].schema
        asset = AssetObject(self._id("object"), type_id, schema, at, at, dict(values))
        self.objects[asset.id] = asset
        shown = self._actor(actor)
        created = self._entry(asset, at, shown)
        for name, value in values.items():
            if value:
                self._entry(asset, at, shown, (name, None, value))
        self.world.record(
            "ASSET_OBJECT_CREATED",
            at,
            actor=actor,
            target_id=str(asset.id),
            carriers=[
                created.carrier(tells_items=False),
                Carrier(f"asset:{asset.id}", tells_actor=False),
            ],
        )
        return asset

    def update_object(
        self, at: int, actor: str | None, object_id: int, values: Mapping[str, str]
    ) -> None:
        """Set attributes, all in one edit; values that stay the same are no change."""
        asset = self.objects[object_id]
        shown = self._actor(actor)
        items: list[LineItem] = []
        entries: list[Entry] = []
        for name, value in values.items():
            old, new = asset.values.get(name) or None, value or None
            if old != new:
                entries.append(self._entry(asset, at, shown, (name, old, new)))
                items.append(LineItem(name, name, None, old, None, new))
                asset.values[name] = value
        if not entries:
            return
        asset.updated = at
        self.world.record(
            "ASSET_OBJECT_UPDATED",
            at,
            actor=actor,
            target_id=str(object_id),
            items=items,
            carriers=[entries[0].carrier(tells_items=True)],
        )

    def delete_object(self, at: int, actor: str, object_id: int) -> None:
        """Delete an object: no action of the catalogue, and nothing shows it any more."""
        self.deleted[object_id] = self.objects.pop(object_id)
        self.world.record("_ASSET_OBJECT_DELETED", at, actor=actor, target_id=str(object_id))

    def change_role(
        self,
        at: int,
        actor: str,
        role_id: int,
        *,
        added: Sequence[str] = (),
        removed: Sequence[str] = (),
    ) -> None:
        """Put people (`user:<account id>`, `group:<name>`) into a role and take others out."""
        role = self.roles[role_id]
        role.actors = [one for one in role.actors if one not in removed]
        role.actors += [one for one in added if one not in role.actors]
        items: list[LineItem] = []
        for one in (*removed, *added):
            kind, _, actor_id = one.partition(":")
            sides = (actor_id, self._name_of(one))
            empty = (None, None)
            old, new = (sides, empty) if one in removed else (empty, sides)
            items.append(LineItem("User" if kind == "user" else "Group", one, *old, *new))
        self.world.record(
            role.code,
            at,
            actor=actor,
            target_id=str(role_id),
            items=items,
            listing=f"list:asset_role:{role_id}",
        )

    def _name_of(self, actor: str) -> str:
        kind, _, name = actor.partition(":")
        return self.world.people[name].name if kind == "user" else name

    # -- what the API shows --------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """Give the endpoints; those of the workspace need the permission ASSETS."""
        return (
            Route("GET", "/rest/servicedeskapi/assets/workspace", self.workspaces),
            *(
                Route(method, f"{BASE}/{path}", self._in_workspace(handler))
                for method, path, handler in (
                    ("GET", "objectschema/list", self.schema_list),
                    ("GET", r"objectschema/(?P<id>\d+)/objecttypes/flat", self.type_list),
                    ("POST", "object/aql", self.aql),
                    ("POST", "object/aql/totalcount", self.total_count),
                    ("GET", r"object/(?P<id>\d+)/history", self.history),
                    ("GET", r"object/(?P<id>\d+)", self.object),
                    ("GET", r"config/role/objectschema/(?P<id>\d+)", self._roles_of("schema")),
                    ("GET", r"config/role/objecttype/(?P<id>\d+)", self._roles_of("type")),
                    ("GET", r"config/role/(?P<id>\d+)", self.role),
                )
            ),
        )

    def _in_workspace(self, handler: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
        def handle(call: Call) -> Reply:
            if not self.has_workspace:
                raise ApiError(404, "The workspace does not exist.")
            self.demand("ASSETS")
            return handler(call)

        return handle

    def workspaces(self, _: Call) -> Reply:
        """GET the workspace ids; a site without Assets has none."""
        values = [{"workspaceId": WORKSPACE}] if self.has_workspace else []
        return Reply(
            {"size": len(values), "start": 0, "limit": 50, "isLastPage": True, "values": values}
        )

    def schema_list(self, call: Call) -> Reply:
        """GET /objectschema/list (paged)."""
        return self.page(
            call,
            [
                {
                    "id": str(schema.id),
                    "name": schema.name,
                    "objectSchemaKey": schema.key,
                    "status": "Ok",
                    "objectCount": sum(o.schema == schema.id for o in self.objects.values()),
                    "objectTypeCount": sum(t.schema == schema.id for t in self.types.values()),
                }
                for schema in self.schemas.values()
            ],
            "object_schemas",
            default=25,
            high=500,
        )

    def type_list(self, call: Call) -> Reply:
        """GET /objectschema/{id}/objecttypes/flat: a bare array."""
        schema = int(call.path_params["id"])
        self._found(self.schemas, schema)
        types = [self._type(one) for one in self.types.values() if one.schema == schema]
        return self.listing(types, "object_types", str(schema))

    def _type(self, one: ObjectType) -> JsonObject:
        return {
            "id": str(one.id),
            "name": one.name,
            "type": 0,
            "position": 0,
            "objectCount": sum(asset.type == one.id for asset in self.objects.values()),
            "objectSchemaId": str(one.schema),
            "inherited": False,
        }

    def _found(self, catalogue: Mapping[int, Any], number: int) -> Any:  # noqa: ANN401 - of any catalogue
        if number not in catalogue:
            raise ApiError(404, "The requested resource does not exist or you cannot see it.")
        return catalogue[number]

    def _select(self, call: Call) -> list[AssetObject]:
        text = call.body.get("qlQuery")
        if not isinstance(text, str):
            raise ApiError(400, "qlQuery is required.")
        try:
            query = parse(text, self.world.people[self.world.me].time_zone)
        except AqlError as error:
            raise ApiError(400, f"AQL: {error}") from error
        found = [
            asset
            for asset in self.objects.values()
            if all(one.holds(getattr(asset, one.attribute)) for one in query.conditions)
        ]
        found.sort(key=lambda asset: (getattr(asset, query.order), asset.id))
        return found[::-1] if query.is_descending else found

    def aql(self, call: Call) -> Reply:
        """POST /object/aql, in one of two generations of answers."""
        found = self._select(call)
        start = call.number("startAt", 0, 2**31)
        limit = call.number("maxResults", 25, 1_000)
        page = found[start : start + limit]
        rows = [self._object(asset) for asset in page]
        is_last = start + limit >= len(found)
        body: JsonObject = {"startAt": start, "maxResults": limit}
        if self.generation == "values":
            total = min(len(found), TOTAL_LIMIT)
            body |= {"total": total, "isLast": is_last, "values": rows, "objectTypeAttributes": []}
        else:
            body |= {
                "startIndex": start,
                "toIndex": start + len(page),
                "pageObjectSize": limit,
                "pageNumber": start // max(limit, 1) + 1,
                "totalFilterCount": len(found),
                "objectEntries": rows,
                "objectTypeAttributes": [],
            }
        return Reply(body, keys=[f"asset:{asset.id}" for asset in page])

    def total_count(self, call: Call) -> Reply:
        """POST /object/aql/totalcount."""
        return Reply({"totalCount": len(self._select(call))})

    def _object(self, asset: AssetObject) -> JsonObject:
        key = self.schemas[asset.schema].key
        return {
            "workspaceId": WORKSPACE,
            "globalId": f"{WORKSPACE}:{asset.id}",
            "id": str(asset.id),
            "label": asset.values.get("Name") or f"{key}-{asset.id}",
            "objectKey": f"{key}-{asset.id}",
            "objectType": self._type(self.types[asset.type]),
            "created": iso(asset.created),
            "updated": iso(asset.updated),
            "hasAvatar": False,
            "timestamp": asset.updated,
            "_links": {"self": f"{self.world.site}{BASE}/object/{asset.id}"},
        }

    def object(self, call: Call) -> Reply:
        """GET /object/{id}."""
        asset = self._found(self.objects, int(call.path_params["id"]))
        return Reply(self._object(asset), keys=[f"asset:{asset.id}"])

    def history(self, call: Call) -> Reply:
        """GET /object/{id}/history: a bare array, newest first unless `asc`."""
        asset = self._found(self.objects, int(call.path_params["id"]))
        entries = asset.entries if call.one("asc") == "true" else asset.entries[::-1]
        return Reply(
            [
                {
                    "id": str(entry.id),
                    "objectId": str(asset.id),
                    **({"actor": entry.actor} if entry.actor else {}),
                    "created": iso(entry.at),
                    "type": entry.type,
                    **(
                        {
                            "affectedAttribute": entry.attribute,
                            "oldValue": entry.old or "",
                            "newValue": entry.new or "",
                        }
                        if entry.attribute
                        else {}
                    ),
                }
                for entry in entries
            ],
            keys=[entry.key for entry in entries],
        )

    def _roles_of(self, kind: str) -> Callable[[Call], Reply]:
        """GET /config/role/objectschema|objecttype/{id}: role name -> its address."""

        def handle(call: Call) -> Reply:
            owner = int(call.path_params["id"])
            self._found(self.schemas if kind == "schema" else self.types, owner)
            address = f"{self.world.site}{BASE}/config/role"
            roles = (self.roles[role_id] for role_id in self.roles_of[kind, owner])
            return Reply({role.name: f"{address}/{role.id}" for role in roles})

        return handle

    def role(self, call: Call) -> Reply:
        """GET /config/role/{id}: the people and groups in it."""
        role: Role = self._found(self.roles, int(call.path_params["id"]))
        actors = [
            {
                "id": number,
                "name": one.partition(":")[2],
                "displayName": self._name_of(one),
                "type": f"atlassian-{one.partition(':')[0]}-role-actor",
            }
            for number, one in enumerate(role.actors, start=1)
        ]
        body = {"id": role.id, "name": role.name, "actors": actors}
        return self.listing(body, "asset_role", str(role.id))
