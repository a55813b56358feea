"""What people do with versions, filters, boards and the rest: a weighted, seeded stream."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.sandbox.clock import DAY
from tests.sandbox.domain import World
from tests.sandbox.domains.software.boards import Board, Boards, Column
from tests.sandbox.domains.software.filters import Filter, Filters
from tests.sandbox.domains.software.issue_types import IssueTypes
from tests.sandbox.domains.software.options import CODES, Options
from tests.sandbox.domains.software.sprints import Sprint, Sprints
from tests.sandbox.domains.software.versions import Versions
from tests.sandbox.objects import Project

PER_YEAR = 3_000
_UNTOUCHED = 20 * DAY
"""How long a filter rests before others can no longer see it, and after: what a listing was to show
of it must not be hidden by that, because nothing tells the listing's reader why it is gone."""
_BETWEEN_MOVES = 5 * DAY
_FIRST_OWN_VERSION = 13_500
_FIRST_OWN_TYPE = 10_220
_FIRST_OWN_BOARD = 21
_FIRST_OWN_SPRINT = 600
_CODENAMES = ("Amber", "Birke", "Cœur", "Dämmerung", "Eis", "Fjord", "=Gamma", "Überholt", "火星")


class Activity:
    """The commands and how often each is done. One that finds nothing to do creates a filter."""

    def __init__(
        self,
        world: World,
        rng: random.Random,
        versions: Versions,
        options: Options,
        filters: Filters,
        issue_types: IssueTypes,
        boards: Boards,
        sprints: Sprints,
    ) -> None:
        self._world = world
        self._rng = rng
        self._versions = versions
        self._options = options
        self._filters = filters
        self._issue_types = issue_types
        self._boards = boards
        self._sprints = sprints
        self._rested: dict[str, int] = {}
        self._moved: dict[str, int] = {}
        self._made: dict[str, int] = {}
        commands: tuple[tuple[float, Callable[[int, str], bool]], ...] = (
            (10, self._create_version),
            (10, self._update_version),
            (9, self._release_version),
            (1.5, self._unrelease_version),
            (7, self._move_version),
            (5, self._delete_version),
            (0.5, self._merge_versions),
            (6, self._set_option),
            (12, self._create_filter),
            (13, self._update_filter),
            (6, self._delete_filter),
            (1, self._share_filter),
            (0.6, self._create_type),
            (1, self._update_type),
            (0.4, self._delete_type),
            (1, self._create_board),
            (2, self._rename_board),
            (0.7, self._delete_board),
            (6, self._configure_board),
            (0.3, self._rename_discovery_board),
            (14, self._go_on_with_sprints),
            (4, self._update_sprint),
            (1, self._delete_sprint),
        )
        self._weights = [weight for weight, _ in commands]
        self._commands = [command for _, command in commands]

    def step(self, at: int) -> None:
        """Do one command."""
        people = [p for p in self._world.people.values() if p.active and p.account_type != "app"]
        actor = self._rng.choice(people).account_id
        if not self._rng.choices(self._commands, self._weights)[0](at, actor):
            self._create_filter(at, actor)

    def _word(self) -> str:
        return f"{self._rng.choice(_CODENAMES)} {self._rng.randrange(1_000)}"

    # -- versions ------------------------------------------------------------------------------

    def _project(self) -> Project:
        live = [p for p in self._world.projects.values() if p.state == "live" and p.key != "OLD"]
        return self._rng.choice(live)

    def _own_versions(self, project: Project) -> list[str]:
        """Give the versions that no issue has, so that they may be renamed and deleted."""
        ids = [version["id"] for version in project.versions]
        return [version_id for version_id in ids if int(version_id) >= _FIRST_OWN_VERSION]

    def _create_version(self, at: int, actor: str) -> bool:
        text = self._word() if self._rng.random() < 0.5 else None
        project = self._project()
        name = f"{project.key} {self._word()}"
        self._made[self._versions.create(at, actor, project.id, name, text)] = at
        return True

    def _update_version(self, at: int, actor: str) -> bool:
        own = self._own_versions(self._project())
        if not own:
            return False
        version_id = self._rng.choice(own)
        luck = self._rng.random()
        if luck < 0.4:
            self._versions.update(at, actor, version_id, name=self._word())
        elif luck < 0.8:
            self._versions.update(
                at, actor, version_id, description=self._word(), startDate="2026-03-01"
            )
        else:
            archived = not self._versions.find(version_id)[1]["archived"]
            self._versions.update(at, actor, version_id, archived=archived)
        return True

    def _release_version(self, at: int, actor: str) -> bool:
        project = self._project()
        waiting = [version["id"] for version in project.versions if not version["released"]]
        if not waiting:
            return False
        self._versions.release(at, actor, self._rng.choice(waiting))
        return True

    def _unrelease_version(self, at: int, actor: str) -> bool:
        released = [version["id"] for version in self._project().versions if version["released"]]
        if not released:
            return False
        self._versions.release(at, actor, self._rng.choice(released), released=False)
        return True

    def _move_version(self, at: int, actor: str) -> bool:
        project = self._project()
        versions = project.versions
        if len(versions) < 4 or self._moved.get(project.id, 0) + _BETWEEN_MOVES > at:
            return False
        old, new = self._rng.randrange(len(versions)), self._rng.randrange(len(versions))
        # Two neighbours that change places do not tell which of them was moved, nor may two moves;
        # a version that is new at the next listing is nobody's neighbour yet.
        passed = versions[old + 1 : new + 1] if old < new else versions[new:old]
        settled = [v for v in passed if self._made.get(v["id"], 0) + _BETWEEN_MOVES < at]
        if len(settled) < 2:
            return False
        self._moved[project.id] = at
        self._versions.move(at, actor, versions[old]["id"], new)
        return True

    def _removable(self, at: int) -> list[str]:
        """Give own versions of a project whose last move a listing has shown by now."""
        project = self._project()
        rests = self._moved.get(project.id, 0) + _BETWEEN_MOVES > at
        return [] if rests else self._own_versions(project)

    def _delete_version(self, at: int, actor: str) -> bool:
        own = self._removable(at)
        if not own:
            return False
        self._versions.delete(at, actor, self._rng.choice(own))
        return True

    def _merge_versions(self, at: int, actor: str) -> bool:
        own = self._removable(at)
        if len(own) < 2:
            return False
        gone, kept = self._rng.sample(own, 2)
        self._versions.delete(at, actor, gone, into=kept)
        return True

    # -- options, filters, types ---------------------------------------------------------------

    def _set_option(self, at: int, actor: str) -> bool:
        code = self._rng.choice([*sorted({code for code, _ in CODES.values()}), ""])
        shown = self._options.shown()
        options = [key for key in CODES if CODES[key][0] == code and shown[key] is not None]
        option = self._rng.choice(options or ["attachmentsEnabled"])
        old = shown[option]
        if isinstance(old, bool):
            self._options.set(at, actor, option, not old)
        elif isinstance(old, float):
            self._options.set(at, actor, option, 7.5 if old == 8 else 8.0)
        else:
            choices = ("pretty", "days") if option == "timeFormat" else ("minute", "hour")
            self._options.set(at, actor, option, choices[old == choices[0]])
        return True

    def _create_filter(self, at: int, actor: str) -> bool:
        rng = self._rng
        owner = self._world.me if rng.random() < 0.15 else actor
        jql = f"project = {self._project().key} AND text ~ {rng.randrange(10_000)}"
        self._filters.create(at, owner, self._word(), jql, shared=rng.random() < 0.75)
        return True

    def _some_filter(self, at: int) -> Filter | None:
        ready = [f for f in self._filters.all.values() if self._rested.get(f.id, 0) <= at]
        return self._rng.choice(ready) if ready else None

    def _update_filter(self, at: int, _: str) -> bool:
        one = self._some_filter(at)
        if one is None:
            return False
        luck = self._rng.random()
        if luck < 0.5:
            self._filters.update(at, one.owner, one.id, jql=f"{one.jql} OR key = A-{at % 997}")
        elif luck < 0.9:
            self._filters.update(at, one.owner, one.id, name=self._word())
        else:
            self._filters.update(at, one.owner, one.id, description=self._word())
        return True

    def _delete_filter(self, at: int, _: str) -> bool:
        one = self._some_filter(at)
        if one is None or (one.owner != self._world.me and one.touched + _UNTOUCHED > at):
            return False
        self._filters.delete(at, one.owner, one.id)
        return True

    def _share_filter(self, at: int, _: str) -> bool:
        rested = [f for f in self._filters.all.values() if f.touched + _UNTOUCHED < at]
        if not rested:
            return False
        one = self._rng.choice(rested)
        self._filters.share(at, one.owner, one.id, shared=not one.shared)
        self._rested[one.id] = at + _UNTOUCHED
        return True

    def _own_types(self) -> list[str]:
        return [kind for kind in self._world.issue_types if int(kind) >= _FIRST_OWN_TYPE]

    def _create_type(self, at: int, actor: str) -> bool:
        self._issue_types.create(at, actor, self._word())
        return True

    def _update_type(self, at: int, actor: str) -> bool:
        own = self._own_types()
        if own and self._rng.random() < 0.5:
            self._issue_types.update(at, actor, self._rng.choice(own), name=self._word())
        else:
            kind = self._rng.choice([*self._world.issue_types])
            self._issue_types.update(at, actor, kind, description=self._word())
        return True

    def _delete_type(self, at: int, actor: str) -> bool:
        own = self._own_types()
        if not own:
            return False
        self._issue_types.delete(at, actor, self._rng.choice(own))
        return True

    # -- boards and sprints --------------------------------------------------------------------

    def _board(self, kind: str | None = None, *, is_own: bool = False) -> Board | None:
        """Choose a board; nobody works on one whose project is archived or in the trash."""
        found = [
            board
            for board in self._boards.all.values()
            if not board.is_discovery
            and self._boards.is_visible(board)
            and kind in (None, board.kind)
            and (not is_own or board.id >= _FIRST_OWN_BOARD)
        ]
        return self._rng.choice(found) if found else None

    def _create_board(self, at: int, actor: str) -> bool:
        one = self._some_filter(at)
        if one is None:
            return False
        self._boards.create(at, actor, self._word(), "kanban", self._project().id, one.id)
        return True

    def _rename_board(self, at: int, actor: str) -> bool:
        board = self._board()
        if board is None:
            return False
        self._boards.rename(at, actor, board, self._word())
        return True

    def _delete_board(self, at: int, actor: str) -> bool:
        board = self._board(is_own=True)
        if board is None:
            return False
        self._boards.delete(at, actor, board)
        return True

    def _configure_board(self, at: int, actor: str) -> bool:
        board = self._board()
        if board is None:
            return False
        if board.kind == "kanban" and self._rng.random() < 0.4:
            query = f"fixVersion in unreleasedVersions() AND id > {at % 9_973}"
            self._boards.configure(at, actor, board, sub_query=query)
        else:
            columns = [Column(c.name, c.statuses, c.high) for c in board.columns]
            column = self._rng.choice(columns)
            if self._rng.random() < 0.5:
                column.high = self._rng.randrange(1, 100)
            else:
                column.name = self._word()
            self._boards.configure(at, actor, board, columns=columns)
        return True

    def _rename_discovery_board(self, at: int, actor: str) -> bool:
        for board in self._boards.all.values():
            if board.is_discovery:
                self._boards.rename(at, actor, board, self._word())
                return True
        return False

    def _go_on_with_sprints(self, at: int, actor: str) -> bool:
        """Do the next thing on a scrum board: complete, start, or plan a sprint."""
        board = self._board("scrum")
        if board is None:
            return False
        own = [sprint for sprint in self._sprints.of_board(board) if sprint.board == board.id]
        active = next((sprint for sprint in own if sprint.state == "active"), None)
        future = next((sprint for sprint in own if sprint.state == "future"), None)
        if active is not None:
            self._sprints.close(at, actor, active)
        elif future is not None and self._rng.random() < 0.6:
            self._sprints.start(at, actor, future)
        else:
            self._sprints.create(at, actor, board, f"Sprint {self._word()}", self._word())
        return True

    def _own_sprints(self) -> list[Sprint]:
        """Give those that issues do not name."""
        return [s for s in self._sprints.all.values() if s.id >= _FIRST_OWN_SPRINT]

    def _update_sprint(self, at: int, actor: str) -> bool:
        own = self._own_sprints()
        if not own:
            return False
        sprint = self._rng.choice(own)
        luck = self._rng.random()
        if luck < 0.4:
            self._sprints.update(at, actor, sprint, goal=self._word())
        elif luck < 0.7 or sprint.state != "active" or (sprint.start or 0) + 5 * DAY > at:
            self._sprints.update(at, actor, sprint, name=f"Sprint {self._word()}")
        else:
            # Some days after the start: dates that change together with it belong to it.
            end = (sprint.end or at) + DAY
            self._sprints.update(at, actor, sprint, end=end, goal=f"Extended: {self._word()}")
        return True

    def _delete_sprint(self, at: int, actor: str) -> bool:
        own = [sprint for sprint in self._own_sprints() if sprint.state == "future"]
        if not own:
            return False
        self._sprints.delete(at, actor, self._rng.choice(own))
        return True
