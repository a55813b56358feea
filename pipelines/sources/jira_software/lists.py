"""The lists of Jira Software, as data."""

from __future__ import annotations

import msgspec

from pipelines.full_lists import FullList


class _Location(msgspec.Struct, rename="camel"):
    project_type_key: str | None = None


class _Board(msgspec.Struct):
    type: str | None = None
    location: _Location | None = None


def _board(record: bytes) -> _Board:
    """Decode what decides how a board is read. One that cannot be read is read like any other."""
    try:
        return msgspec.json.decode(record, type=_Board)
    except (msgspec.DecodeError, RecursionError):
        return _Board()


def is_no_discovery(record: bytes) -> bool:
    """Whether a board is not that of a Discovery project, which has nothing to configure."""
    location = _board(record).location
    return location is None or location.project_type_key != "product_discovery"


def may_have_sprints(record: bytes) -> bool:
    """Whether a board may have sprints; some that may will say that they have none."""
    return _board(record).type != "kanban" and is_no_discovery(record)


BOARDS = FullList(
    "boards",
    "One row per board and changed content.",
    "/rest/agile/1.0/board",
    "page_bean",
    page_size=50,
    permission="Jira Software",
    loses="boards and sprints, and what is done to them, are unknown",
)

BOARD_CONFIGURATIONS = FullList(
    "board_configurations",
    "One row per board and changed configuration: columns, filter, estimation, ranking.",
    "/rest/agile/1.0/board/{parent}/configuration",
    "object",
    key="",
    parents="boards",
    parents_where=is_no_discovery,
)

SPRINTS = FullList(
    "sprints",
    "One row per sprint and changed content, whichever boards show it.",
    "/rest/agile/1.0/board/{parent}/sprint",
    "page_bean",
    page_size=50,
)
