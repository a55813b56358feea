"""The domain itself: what there is from the start, when something happens, and the endpoints."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from tests.sandbox.api import page_bean
from tests.sandbox.clock import YEAR
from tests.sandbox.domain import ApiError, Call, Domain, Reply, Route, World
from tests.sandbox.domains.software.activity import PER_YEAR, Activity
from tests.sandbox.domains.software.boards import Board, Boards, Place, first_columns
from tests.sandbox.domains.software.filters import Filters
from tests.sandbox.domains.software.issue_types import IssueTypes
from tests.sandbox.domains.software.options import Options
from tests.sandbox.domains.software.sprints import LENGTH, Sprint, Sprints, keys_of
from tests.sandbox.domains.software.versions import Versions

DISCOVERY = Place("11900", "IDEA", "Ideas", "product_discovery")
_FIRST_BOARDS = (
    (7, "Web board", "scrum", "11001"),
    (8, "App board", "scrum", "11000"),
    (9, "Portfolio", "scrum", "11001"),
    (10, "Operations", "kanban", "11002"),
    (12, "Data board", "scrum", "11006"),
)


class Software(Domain):
    """Versions, options, filters, issue types, boards and sprints, each with its commands."""

    name = "software"

    def __init__(self, world: World, rng: random.Random, start: int | None) -> None:
        super().__init__(world, rng, start)
        self.versions = Versions(world)
        self.options = Options(world)
        self.filters = Filters(world)
        self.issue_types = IssueTypes(world)
        self.boards = Boards(world)
        self.sprints = Sprints(world, self.boards)
        self._activity = Activity(
            world,
            rng,
            self.versions,
            self.options,
            self.filters,
            self.issue_types,
            self.boards,
            self.sprints,
        )
        self._gap = YEAR / (PER_YEAR * world.activity) if world.activity else math.inf
        if start is None:
            return
        self._add_first(start)
        self.next_at = start + self._wait()

    def _wait(self) -> int | float:
        """Give the time to the next command, ms."""
        if self._gap > YEAR:
            return math.inf
        return 1 + int(self.rng.expovariate(1 / self._gap))

    def _add_first(self, start: int) -> None:
        """Put boards, a filter each, and the sprints that issues name: two weeks each, in turn."""
        for number, name, kind, project_id in _FIRST_BOARDS:
            jql = f"project = {project_id} ORDER BY Rank ASC"
            owned = self.filters.add(f"Filter for {name}", jql, self.world.me, shared=True)
            self.boards.add(
                Board(
                    number,
                    name,
                    kind,
                    self.boards.place_of(project_id),
                    owned.id,
                    first_columns(),
                    also_shows=(7,) if name == "Portfolio" else (),
                )
            )
        self.boards.add(
            Board(11, "Ideas", "simple", DISCOVERY, "10650", first_columns(), is_discovery=True)
        )
        for number, (sprint_id, shown) in enumerate(self.world.sprints.items()):
            begin = start + number * LENGTH
            state = "future" if number else "active"
            self.sprints.add(
                Sprint(int(sprint_id), shown["name"], 7, state, "", begin, begin + LENGTH)
            )

    def step(self) -> None:
        """Do the next command."""
        self._activity.step(int(self.next_at))
        self.next_at += self._wait()

    # -- endpoints -----------------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """Give the endpoints."""
        agile = r"/rest/agile/1\.0"
        project = r"/rest/api/3/project/(?P<project>[^/]+)"
        return (
            Route("GET", rf"{project}/version", self.read_versions),
            Route("GET", rf"{project}/versions", self.read_all_versions),
            Route("GET", r"/rest/api/3/configuration", self.read_options),
            Route("GET", r"/rest/api/3/filter/search", self.read_filters),
            Route("GET", rf"{agile}/board", self.read_boards),
            Route("GET", rf"{agile}/board/(?P<board>\d+)/configuration", self.read_configuration),
            Route("GET", rf"{agile}/board/(?P<board>\d+)/sprint", self.read_sprints),
            Route("GET", rf"{agile}/sprint/(?P<sprint>\d+)", self.read_sprint),
        )

    def read_versions(self, call: Call) -> Reply:
        """GET /project/{idOrKey}/version: PageBean, by sequence."""
        order = call.one("orderBy", "sequence")
        if order not in ("sequence", "+sequence"):
            raise ApiError(400, f"orderBy '{order[:40]}' is not supported here; use sequence.")
        project = self.versions.project(call.path_params["project"])
        values = [self.versions.render(project, version) for version in project.versions]
        return self.page(call, values, "versions", project.id)

    def read_all_versions(self, call: Call) -> Reply:
        """GET /project/{idOrKey}/versions: a plain array."""
        project = self.versions.project(call.path_params["project"])
        return Reply([self.versions.render(project, version) for version in project.versions])

    def read_options(self, _: Call) -> Reply:
        """GET /configuration."""
        return self.listing(self.options.render(), "configuration")

    def read_filters(self, call: Call) -> Reply:
        """GET /filter/search: only with `overrideSharePermissions` all that are shared."""
        everybodys = call.one("overrideSharePermissions") == "true"
        if everybodys:
            self.demand("ADMINISTER")
        found = self.filters.visible()
        if not everybodys:
            found = [one for one in found if one.owner == self.world.me]
        expand = call.one("expand").split(",")
        values = [self.filters.render(one, expand) for one in found]
        if everybodys:
            return self.page(call, values, "filters")
        shown, body = page_bean(self.world.site, call, values)
        return Reply(body | {"values": list(shown)})

    def read_boards(self, call: Call) -> Reply:
        """GET /board."""
        boards = filter(self.boards.is_visible, self.boards.all.values())
        values = [self.boards.render(board) for board in boards]
        reply = self.page(call, values, "boards", high=50)
        return _agile(reply)

    def find_board(self, call: Call) -> Board:
        """Give the board a call is about. ApiError 404 when there is none."""
        board = self.boards.all.get(int(call.path_params["board"]))
        if board is None or not self.boards.is_visible(board):
            raise ApiError(404, "The requested board cannot be viewed: it does not exist.")
        return board

    def read_configuration(self, call: Call) -> Reply:
        """GET /board/{id}/configuration."""
        board = self.find_board(call)
        body = self.boards.render_configuration(board)
        return self.listing(body, "board_configurations", str(board.id))

    def read_sprints(self, call: Call) -> Reply:
        """GET /board/{id}/sprint: 400 for a board without sprints."""
        board = self.find_board(call)
        if board.kind != "scrum":
            raise ApiError(400, "The board does not support sprints")
        found = self.sprints.of_board(board)
        reply = self.page(
            call,
            [self.sprints.render(sprint) for sprint in found],
            "sprints",
            str(board.id),
            high=50,
        )
        start = reply.body["startAt"]
        for sprint in found[start : start + len(reply.body["values"])]:
            reply.keys += keys_of(sprint)
        return _agile(reply)

    def read_sprint(self, call: Call) -> Reply:
        """GET /sprint/{id}."""
        sprint = self.sprints.all.get(int(call.path_params["sprint"]))
        board = None if sprint is None else self.boards.all.get(sprint.board)
        if sprint is None or not (board is None or self.boards.is_visible(board)):
            raise ApiError(404, "Sprint does not exist or you do not have permission to view it.")
        return Reply(self.sprints.render(sprint), keys=keys_of(sprint))


def _agile(reply: Reply) -> Reply:
    """Make a page one of Jira Software, which gives no addresses."""
    for name in ("self", "nextPage"):
        reply.body.pop(name, None)
    return reply
