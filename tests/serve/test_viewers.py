"""The rights of viewers in one snapshot: worked out whole or not at all, kept, and let go."""

from __future__ import annotations

import gc
import itertools
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from serve.errors import ProblemError
from serve.query.rights import Policy
from serve.query.visibility import OPERATOR, Extent, Rights, Role, Viewer
from serve.warehouse.viewers import KEPT, ViewersRights
from tests.bench.synthetic import Shape, write_marts

SOMEBODY = Viewer("somebody", Role.MANAGER, "account-1")
PATIENCE = 60.0
_NUMBERS = itertools.count()


class Memory:
    """A database in memory beside marts; it can be told to fail or to wait."""

    def __init__(self, marts: Path) -> None:
        """Open the marts."""
        self.connection = duckdb.connect(str(marts), read_only=True)
        # Whoever opens the same file in one process shares what is attached.
        self.name = f"memory_{next(_NUMBERS)}"
        self.connection.execute(f"attach ':memory:' as {self.name} (read_write)")
        self.statements = 0
        self.fails_at: int | None = None
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def ask(self, sql: str, params: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Run a statement, if it is not the one to fail."""
        self.may_go_on.wait()
        self.statements += 1
        if self.statements == self.fails_at:
            raise ProblemError("query-too-large", "no memory is left", "ask again")
        return self.connection.execute(sql, dict(params)).fetchall()

    def contents(self, rights: Rights) -> dict[str, list[tuple[Any, ...]]]:
        """Return the tables of a viewer."""
        schema = rights.memory.partition(".")[2]
        tables = self.connection.execute(
            "select table_name from duckdb_tables() where database_name = ? and schema_name = ?",
            [self.name, schema],
        ).fetchall()
        return {
            name: sorted(
                self.connection.execute(f"from {rights.memory}.{name}").fetchall(), key=repr
            )
            for (name,) in tables
        }

    def schemas(self) -> set[str]:
        """Return the schemas that there are."""
        found = self.connection.execute(
            "select schema_name from duckdb_schemas() "
            "where database_name = ? and not internal and schema_name != 'main'",
            [self.name],
        ).fetchall()
        return {name for (name,) in found}


@pytest.fixture(scope="module")
def some_marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("viewers") / "marts.duckdb"
    write_marts(path, Shape(actions=5_000, actors=50, projects=6, issues=400, days=30))
    return path


@pytest.fixture
def memory(some_marts: Path) -> Iterator[Memory]:
    made = Memory(some_marts)
    yield made
    made.connection.close()


def viewers_of(memory: Memory, patience: float = PATIENCE) -> ViewersRights:
    return ViewersRights(memory.name, Policy(), memory.ask, patience)


def test_what_fails_half_way_leaves_nothing_behind(some_marts: Path, memory: Memory) -> None:
    whole = Memory(some_marts)
    wanted = viewers_of(whole).of(SOMEBODY)
    assert wanted.secured_issues is Extent.SOME
    viewers = viewers_of(memory)
    failures = 0
    while True:
        memory.statements, memory.fails_at = 0, failures + 1
        try:
            rights = viewers.of(SOMEBODY)
            break
        except ProblemError:
            failures += 1
    assert failures >= 10
    assert memory.schemas() == {rights.memory.partition(".")[2]}
    assert replace(rights, memory="") == replace(wanted, memory="")
    assert memory.contents(rights) == whole.contents(wanted)
    whole.connection.close()


def test_who_waits_too_long_is_told_so_and_the_work_goes_on(memory: Memory) -> None:
    memory.may_go_on.clear()
    viewers = viewers_of(memory, patience=0.01)
    for _ in range(2):
        with pytest.raises(ProblemError, match="still being worked out") as refused:
            viewers.of(SOMEBODY)
        assert refused.value.problem.status == 503
    memory.may_go_on.set()
    viewers.close()
    statements = memory.statements
    assert viewers.of(SOMEBODY).viewer == SOMEBODY
    assert memory.statements == statements


def test_only_the_last_viewers_are_kept_and_whoever_is_in_use(memory: Memory) -> None:
    viewers = viewers_of(memory)
    held = viewers.of(SOMEBODY)
    before = memory.contents(held)
    for number in range(KEPT + 3):
        viewers.of(Viewer(f"another {number}", Role.MANAGER, f"account-{number}"))
    assert len(memory.schemas()) <= KEPT + 2  # and the held one, and one to be dropped
    assert memory.contents(held) == before
    schema = held.memory.partition(".")[2]
    again = viewers.of(SOMEBODY)
    assert again is not held
    assert memory.contents(again) == before
    del held
    gc.collect()
    viewers.of(OPERATOR)
    assert schema not in memory.schemas()
    viewers.close()
