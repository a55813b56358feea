"""Boards of Jira Software, their configuration, and sprints.

Data flow:

    GET /board                        -> boards
      GET /board/{id}/configuration   -> board_configurations (not of Discovery projects)
      GET /board/{id}/sprint          -> sprints (of boards that have any, one list of all)
      GET /sprint/{id}                -> sprints that no board shows any more

Requests per run: boards / 50; per board 1 and its sprints / 50; 1 per sprint that no board shows.
None of them depends on the number of issues. Run it: `python -m pipelines run jira_software`.
"""

from __future__ import annotations

from pipelines.full_lists import probes_of, read_full_lists
from pipelines.sources.jira_software.lists import BOARD_CONFIGURATIONS, BOARDS, SPRINTS
from pipelines.sources.jira_software.sprints import read_sprints
from pipelines.specs import BOOKKEEPING, ResourceSpec, SourceSpec
from pipelines.sync import Sync

_LISTS = (BOARDS, BOARD_CONFIGURATIONS, SPRINTS)


async def traverse(sync: Sync) -> None:
    """Read boards and their configurations, then the sprints of all boards as one list."""
    sync.mode = "full"
    found = await read_full_lists(sync, (BOARDS, BOARD_CONFIGURATIONS))
    for boards in found[BOARDS.resource].values():
        await read_sprints(sync, boards)


SOURCE = SourceSpec(
    name="jira_software",
    description="Boards and sprints of Jira Software.",
    resources=(
        *(ResourceSpec(entry.resource, entry.description) for entry in _LISTS),
        *BOOKKEEPING,
    ),
    connection="jira",
    schedule="*/30 * * * *",
    traverse=traverse,
    probes=probes_of((BOARDS,)),
)
