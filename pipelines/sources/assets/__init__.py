"""Assets: objects, the history of each change with who made it, and the people in roles.

Data flow:

    GET  /rest/servicedeskapi/assets/workspace -> the workspace, unless it is set
    GET  /objectschema/list                    -> object_schemas
    GET  /objectschema/{id}/objecttypes/flat   -> object_types
    GET  /config/role/objectschema/{id}, /config/role/{id} -> schema_roles
    GET  /config/role/objecttype/{id},   /config/role/{id} -> object_type_roles
    POST /object/aql                           -> objects that changed since the cursor
    POST /object/aql/totalcount                -> whether any are missing; if so, POST /object/aql
                                                  for all and GET /object/{id} for each missing one
    GET  /object/{id}/history                  -> object_histories, of changed objects only

The history of one object is the smallest and only thing that tells who changed what, so requests
per run are at most: changed objects + missing objects + pages + 2 per schema + 1 per schema, type
and role. The first run counts every object as changed. Assets allows 1,000 requests a minute per
endpoint and 500 for AQL; the client keeps to both. Run it: `python -m pipelines run assets`.
"""

from __future__ import annotations

from pipelines.sources.assets.lists import FULL_LISTS
from pipelines.sources.assets.traversal import traverse
from pipelines.sources.assets.workspace import WORKSPACES
from pipelines.specs import BOOKKEEPING, Probe, ResourceSpec, SourceSpec

SOURCE = SourceSpec(
    name="assets",
    description="Objects of Jira Service Management's Assets, their histories and roles.",
    resources=(
        ResourceSpec("objects", "One row per object version (version: updated); deletions too."),
        ResourceSpec("object_histories", "One row per history entry; parent is the object."),
        *(ResourceSpec(entry.resource, entry.description) for entry in FULL_LISTS),
        *BOOKKEEPING,
    ),
    connection="assets",
    schedule="*/30 * * * *",
    traverse=traverse,
    probes=(
        Probe(
            "Use Assets",
            WORKSPACES,
            "objects, their changes and their roles are not recorded",
            may_be_empty=False,
        ),
    ),
)
