"""Schemas, types and the people in their roles, as full lists.

A role is one list entry with all its people, so its versions say who was in it when.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from pipelines.client import Answer
from pipelines.full_lists import FullList, ListPage, Names, Pages
from pipelines.sources.assets.workspace import ROLE, WORKSPACE
from pipelines.sync import Sync

SEES_SCHEMAS = "Object schema user"
SEES_ROLES = "Object schema manager, or Administer Jira"


def _decode_role_addresses(body: bytes) -> list[str]:
    """Return the role ids of `{"Object Schema Managers": ".../config/role/62", ...}`."""
    ids = []
    for address in msgspec.json.decode(body, type=dict[str, str]).values():
        found = re.search(r"/role/(\d+)$", address)
        if found is None:
            raise msgspec.ValidationError("a role has no address")
        ids.append(found[1])
    return ids


def _decode_role(body: bytes) -> ListPage:
    return ListPage([msgspec.Raw(body)])


def roles_in(path: str) -> Callable[[Sync, Names], Pages]:
    """Return the reader of the roles of one schema or type: a page per role."""

    async def read(sync: Sync, names: Names) -> Pages:
        roles = await sync.client.get(path, _decode_role_addresses, path=names)
        yield Answer(ListPage([]), roles.fetched_us, roles.server_time)
        for role in roles.content:
            yield await sync.client.get(ROLE, _decode_role, path={**names, "role": role})

    return read


FULL_LISTS = (
    FullList(
        "object_schemas",
        "One row per object schema and changed content.",
        f"{WORKSPACE}/objectschema/list",
        "page_bean",
        page_size=100,
        permission=SEES_SCHEMAS,
        loses="objects, their changes and their roles are not recorded",
    ),
    FullList(
        "object_types",
        "One row per object type and changed content; parent is the schema.",
        f"{WORKSPACE}/objectschema/{{parent}}/objecttypes/flat",
        permission=SEES_SCHEMAS,
        loses="the types of objects are unknown",
        parents="object_schemas",
    ),
    FullList(
        "schema_roles",
        "One row per role of a schema and changed set of people; parent is the schema.",
        f"{WORKSPACE}/config/role/objectschema/{{parent}}",
        permission=SEES_ROLES,
        loses="changes of the roles of object schemas are not recorded",
        parents="object_schemas",
        read=roles_in(f"{WORKSPACE}/config/role/objectschema/{{parent}}"),
    ),
    FullList(
        "object_type_roles",
        "One row per role of an object type and changed set of people; parent is the type.",
        f"{WORKSPACE}/config/role/objecttype/{{parent}}",
        permission=SEES_ROLES,
        loses="changes of the roles of object types are not recorded",
        parents="object_types",
        read=roles_in(f"{WORKSPACE}/config/role/objecttype/{{parent}}"),
    ),
)
