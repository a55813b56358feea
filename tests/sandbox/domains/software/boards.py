"""Boards of Jira Software and their configuration.

Boards of Discovery projects are shown by the API like all others, and nothing that happens to them
is an action.
"""

from __future__ import annotations

from msgspec import Struct

from tests.sandbox.domain import Carrier, LineItem, World
from tests.sandbox.domains.software.telling import Teller, change
from tests.sandbox.objects import JsonObject


class Column(Struct):
    """A column: which statuses, and the most issues that should be in it."""

    name: str
    statuses: tuple[str, ...]
    high: int | None = None


class Place(Struct, frozen=True):
    """Where a board belongs: a project of the site, or one that the project search leaves out."""

    project_id: str
    key: str
    name: str
    kind: str


class Board(Struct):
    """A board. `also_shows`: boards whose sprints its filter shows too."""

    id: int
    name: str
    kind: str
    place: Place
    filter: str
    columns: list[Column]
    sub_query: str = ""
    also_shows: tuple[int, ...] = ()
    created: int = 0
    is_discovery: bool = False


def first_columns() -> list[Column]:
    """Give the columns a new board has."""
    return [
        Column("To Do", ("10000",)),
        Column("In Progress", ("10001", "10002", "10005")),
        Column("Done", ("10003", "10004")),
    ]


class Boards:
    """Commands on boards."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._teller = Teller(world)
        self._last_id = 20
        self.all: dict[int, Board] = {}
        self.places: dict[int, Place] = {}
        """Where each board is, or was when it was deleted."""

    def place_of(self, project_id: str) -> Place:
        """Give the place of a project."""
        project = self._world.projects[project_id]
        return Place(project.id, project.key, project.name, project.kind)

    def add(self, board: Board) -> Board:
        """Put a board that has always been there."""
        self.all[board.id] = board
        self.places[board.id] = board.place
        return board

    def create(
        self, at: int, actor: str, name: str, kind: str, project_id: str, filter_id: str
    ) -> Board:
        """Make a scrum or kanban board."""
        self._last_id += 1
        place = self.place_of(project_id)
        board = Board(self._last_id, name, kind, place, filter_id, first_columns(), created=at)
        self.add(board)
        body = self._in_webhook(board)
        carriers = self._teller.webhook("board_created", at, actor, lambda: body)
        item = {"id": str(board.id), "name": name, "typeName": "BOARD"}
        where = {"id": place.project_id, "name": place.name, "typeName": "PROJECT"}
        carriers += self._teller.audit(
            "Board created", "boards", at, actor, item, associated=[where]
        )
        self._world.record(
            "BOARD_CREATED",
            at,
            actor=actor,
            target_id=str(board.id),
            target_label=name,
            project=board.place.project_id,
            carriers=carriers,
            listing="list:boards",
        )
        return board

    def rename(self, at: int, actor: str, board: Board, name: str) -> None:
        """Give a board another name."""
        item = change("Name", "name", board.name, name)
        board.name = name
        self._tell("board_updated", "BOARD_UPDATED", at, actor, board, [item])

    def relocate(self, at: int, actor: str, board: Board, project_id: str) -> None:
        """Give a board to another project."""
        old, new = board.place, self.place_of(project_id)
        item = LineItem("Location", "location", old.project_id, old.name, new.project_id, new.name)
        board.place = self.places[board.id] = new
        self._tell("board_updated", "BOARD_UPDATED", at, actor, board, [item])

    def delete(self, at: int, actor: str, board: Board) -> None:
        """Delete a board; its sprints stay, on no board of their own."""
        del self.all[board.id]
        self._tell("board_deleted", "BOARD_DELETED", at, actor, board)

    def configure(
        self,
        at: int,
        actor: str,
        board: Board,
        *,
        columns: list[Column] | None = None,
        sub_query: str | None = None,
    ) -> None:
        """Change columns or the sub-filter of a board."""
        before = self._described(board)
        board.columns = board.columns if columns is None else columns
        board.sub_query = board.sub_query if sub_query is None else sub_query
        after = self._described(board)
        items = [
            change(name, key, before[key], after[key])
            for key, name in (("columns", "Columns"), ("subQuery", "Sub-filter"))
            if before[key] != after[key]
        ]
        body = {"configuration": self.render_configuration(board)}
        event, code = "board_configuration_changed", "BOARD_CONFIGURATION_CHANGED"
        if items:
            carriers = self._teller.webhook(event, at, actor, lambda: body)
            listing = f"list:board_configurations:{board.id}"
            self._record(code, at, actor, board, items, carriers, listing)

    def _described(self, board: Board) -> dict[str, str | None]:
        columns = [
            f"{column.name} [{', '.join(column.statuses)}]"
            + ("" if column.high is None else f" max {column.high}")
            for column in board.columns
        ]
        return {"columns": "; ".join(columns), "subQuery": board.sub_query or None}

    def _tell(
        self,
        event: str,
        code: str,
        at: int,
        actor: str,
        board: Board,
        items: list[LineItem] | None = None,
    ) -> None:
        body = self._in_webhook(board)
        if event == "board_deleted":
            del body["board"]["self"]
        carriers = self._teller.webhook(event, at, actor, lambda: body)
        self._record(code, at, actor, board, items or [], carriers, "list:boards")

    def _record(
        self,
        code: str,
        at: int,
        actor: str,
        board: Board,
        items: list[LineItem],
        carriers: list[Carrier],
        listing: str,
    ) -> None:
        if not board.is_discovery:
            self._world.record(
                code,
                at,
                actor=actor,
                target_id=str(board.id),
                target_label=board.name,
                project=board.place.project_id,
                items=items,
                carriers=carriers,
                listing=listing,
            )

    def _in_webhook(self, board: Board) -> JsonObject:
        """Give a board as webhooks do: without its project."""
        return {
            "board": {
                "id": board.id,
                "self": self._address(board),
                "name": board.name,
                "type": board.kind,
            }
        }

    def is_visible(self, board: Board) -> bool:
        """Say whether the API user may view a board: its project has to be live and in sight."""
        project = self._world.projects.get(board.place.project_id)
        if project is None:
            return board.is_discovery
        return project.state == "live" and not project.is_hidden

    def _address(self, board: Board) -> str:
        return f"{self._world.site}/rest/agile/1.0/board/{board.id}"

    def render(self, board: Board) -> JsonObject:
        """Give a board as /board does."""
        place = board.place
        project = self._world.projects.get(place.project_id)
        name = project.name if project else place.name
        return {
            "id": board.id,
            "self": self._address(board),
            "name": board.name,
            "type": board.kind,
            "location": {
                "projectId": int(place.project_id),
                "displayName": f"{name} ({place.key})",
                "projectName": name,
                "projectKey": place.key,
                "projectTypeKey": place.kind,
                "avatarURI": f"{self._world.site}/rest/api/2/universal_avatar/view/type/project",
                "name": f"{name} ({place.key})",
            },
        }

    def render_configuration(self, board: Board) -> JsonObject:
        """Give a board's configuration."""
        site = self._world.site
        columns: list[JsonObject] = []
        for column in board.columns:
            statuses = [
                {"id": status, "self": f"{site}/rest/api/2/status/{status}"}
                for status in column.statuses
            ]
            columns.append({"name": column.name, "statuses": statuses})
            if column.high is not None:
                columns[-1]["max"] = column.high
        body: JsonObject = {
            "id": board.id,
            "name": board.name,
            "type": board.kind,
            "self": f"{self._address(board)}/configuration",
            "location": {"type": "project", "projectKeyOrId": board.place.key},
            "filter": {"id": board.filter, "self": f"{site}/rest/api/2/filter/{board.filter}"},
            "columnConfig": {"columns": columns, "constraintType": "issueCount"},
            "ranking": {"rankCustomFieldId": 10019},
        }
        if board.sub_query:
            body["subQuery"] = {"query": board.sub_query}
        if board.kind == "scrum":
            field = {"fieldId": "customfield_10016", "displayName": "Story Points"}
            body["estimation"] = {"type": "field", "field": field}
        return body
