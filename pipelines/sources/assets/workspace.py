"""Where a site's Assets are: the workspace, and how fast it may be asked."""

from __future__ import annotations

import msgspec

from pipelines.errors import NotConnectedError, NotFoundError, PermissionDeniedError
from pipelines.sync import Sync

WORKSPACES = "/rest/servicedeskapi/assets/workspace"
WORKSPACE = "/gateway/api/jsm/assets/workspace/{workspace}/v1"
AQL = f"{WORKSPACE}/object/aql"
TOTAL_COUNT = f"{WORKSPACE}/object/aql/totalcount"
OBJECT = f"{WORKSPACE}/object/{{object}}"
HISTORY = f"{WORKSPACE}/object/{{object}}/history"
ROLE = f"{WORKSPACE}/config/role/{{role}}"

_PER_MINUTE = {
    f"POST {AQL}": 500,
    f"GET {OBJECT}": 1_000,
    f"GET {HISTORY}": 1_000,
    f"GET {ROLE}": 1_000,
}
"""Documented budgets of the endpoints that are asked often."""


class _Workspace(msgspec.Struct):
    workspace_id: str = msgspec.field(name="workspaceId")


class _Workspaces(msgspec.Struct):
    values: list[_Workspace] = []


async def find_workspace(sync: Sync) -> str:
    """Return the id of the site's workspace: the one that is set, else the first the site names.

    Raises NotConnectedError when the site has no Assets.
    """
    for endpoint, per_minute in _PER_MINUTE.items():
        sync.client.pace(endpoint, per_minute=per_minute)
    if sync.settings.assets_workspace_id:
        return sync.settings.assets_workspace_id
    try:
        answer = await sync.client.get(
            WORKSPACES, lambda body: msgspec.json.decode(body, type=_Workspaces)
        )
    except (NotFoundError, PermissionDeniedError) as error:
        raise _not_connected() from error
    if not answer.content.values:
        raise _not_connected()
    return answer.content.values[0].workspace_id


def _not_connected() -> NotConnectedError:
    return NotConnectedError(
        "The site shows no Assets to this account.",
        "If it has Assets (Jira Service Management Premium), give the account access to a schema "
        "or set ATLASSIAN_ASSETS_WORKSPACE_ID.",
    )
