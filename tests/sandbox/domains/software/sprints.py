"""Sprints. One belongs to the board it was made on, and may be shown by others."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, structs

from tests.sandbox.clock import DAY, iso
from tests.sandbox.domain import Carrier, LineItem, World
from tests.sandbox.domains.software.boards import Board, Boards
from tests.sandbox.domains.software.telling import Teller, change
from tests.sandbox.objects import JsonObject

LENGTH = 14 * DAY
FIELDS = {"name": "Name", "goal": "Goal", "start": "Start date", "end": "End date"}
_IDS = {"name": "name", "goal": "goal", "start": "startDate", "end": "endDate"}


class Sprint(Struct):
    """A sprint. Times are ms since 1970 UTC; `created` is None for those older than the field."""

    id: int
    name: str
    board: int
    state: str = "future"
    goal: str = ""
    start: int | None = None
    end: int | None = None
    completed: int | None = None
    created: int | None = None


class Sprints:
    """Commands on sprints. No audit record tells of them."""

    def __init__(self, world: World, boards: Boards) -> None:
        self._world = world
        self._boards = boards
        self._teller = Teller(world)
        self._last_id = 599
        self.all: dict[int, Sprint] = {}

    def add(self, sprint: Sprint) -> None:
        """Put a sprint that has always been there."""
        self.all[sprint.id] = sprint

    def of_board(self, board: Board) -> list[Sprint]:
        """Give the sprints a board shows: its own, and those of the boards it shows too."""
        shown = (board.id, *board.also_shows)
        return [sprint for sprint in self.all.values() if sprint.board in shown]

    def create(self, at: int, actor: str, board: Board, name: str, goal: str = "") -> Sprint:
        """Plan a sprint. Of every fourth the API does not tell when it was made."""
        self._last_id += 1
        created = at if self._last_id % 4 else None
        sprint = Sprint(self._last_id, name, board.id, goal=goal, created=created)
        self.add(sprint)
        carriers = self._teller.webhook("sprint_created", at, actor, self._body(sprint))
        if created is not None:
            carriers.append(_told_by_date(sprint, "SPRINT_CREATED"))
        self._record("SPRINT_CREATED", at, actor, sprint, carriers)
        return sprint

    def update(self, at: int, actor: str, sprint: Sprint, **values: str | int) -> None:
        """Set some of `FIELDS`."""
        old = structs.replace(sprint)
        for name, value in values.items():
            setattr(sprint, name, value)
        items = [
            change(FIELDS[name], _IDS[name], _shown(old, name), _shown(sprint, name))
            for name in FIELDS
            if _shown(old, name) != _shown(sprint, name)
        ]
        if items:
            carriers = self._updated(at, actor, old, sprint)
            self._record("SPRINT_UPDATED", at, actor, sprint, carriers, items)

    def start(self, at: int, actor: str, sprint: Sprint) -> None:
        """Start a sprint: its dates become those of the start. That is told as an update too."""
        old = structs.replace(sprint)
        sprint.state, sprint.start, sprint.end = "active", at, at + LENGTH
        carriers = self._teller.webhook("sprint_started", at, actor, self._body(sprint))
        self._updated(at, actor, old, sprint)
        self._record("SPRINT_STARTED", at, actor, sprint, carriers)

    def close(self, at: int, actor: str, sprint: Sprint) -> None:
        """Complete a sprint."""
        sprint.state, sprint.completed = "closed", at
        carriers = self._teller.webhook("sprint_closed", at, actor, self._body(sprint))
        carriers.append(_told_by_date(sprint, "SPRINT_CLOSED"))
        self._record("SPRINT_CLOSED", at, actor, sprint, carriers)

    def delete(self, at: int, actor: str, sprint: Sprint) -> None:
        """Delete a sprint."""
        del self.all[sprint.id]
        carriers = self._teller.webhook("sprint_deleted", at, actor, self._body(sprint))
        self._record("SPRINT_DELETED", at, actor, sprint, carriers)

    def _updated(self, at: int, actor: str, old: Sprint, new: Sprint) -> list[Carrier]:
        body = {"sprint": self.render(new), "oldValue": self.render(old)}
        return self._teller.webhook("sprint_updated", at, actor, lambda: body)

    def _body(self, sprint: Sprint) -> Callable[[], JsonObject]:
        body = {"sprint": self.render(sprint)}
        return lambda: body

    def _record(
        self,
        code: str,
        at: int,
        actor: str,
        sprint: Sprint,
        carriers: list[Carrier],
        items: list[LineItem] | None = None,
    ) -> None:
        is_shown = sprint.board in self._boards.all
        self._world.record(
            code,
            at,
            actor=actor,
            target_id=str(sprint.id),
            target_label=sprint.name,
            project=self._boards.places[sprint.board].project_id,
            items=items or (),
            carriers=carriers,
            listing=f"list:sprints:{sprint.board}" if is_shown else None,
        )

    def render(self, sprint: Sprint) -> JsonObject:
        """Give a sprint as the API does."""
        body: JsonObject = {
            "id": sprint.id,
            "self": f"{self._world.site}/rest/agile/1.0/sprint/{sprint.id}",
            "state": sprint.state,
            "name": sprint.name,
        }
        for name, at in (
            ("startDate", sprint.start),
            ("endDate", sprint.end),
            ("completeDate", sprint.completed),
            ("createdDate", sprint.created),
        ):
            if at is not None:
                body[name] = iso(at)
        return body | {"originBoardId": sprint.board, "goal": sprint.goal}


def keys_of(sprint: Sprint) -> list[str]:
    """Name the channels that a shown sprint is: its dates tell when it was made and completed."""
    keys = []
    if sprint.created is not None:
        keys.append(_told_by_date(sprint, "SPRINT_CREATED").key)
    if sprint.completed is not None:
        keys.append(_told_by_date(sprint, "SPRINT_CLOSED").key)
    return keys


def _told_by_date(sprint: Sprint, code: str) -> Carrier:
    return Carrier(f"sprint_dates:{sprint.id}:{code}", tells_actor=False)


def _shown(sprint: Sprint, name: str) -> str | None:
    value = getattr(sprint, name)
    if isinstance(value, int):
        return iso(value)
    return value or None
