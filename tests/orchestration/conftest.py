"""A home directory around a small real dbt project: a CSV as the lake, two marts, three tests."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dagster import DagsterInstance, Definitions

from orchestration.location import build_definitions
from orchestration.publishing import PublishReport, publish
from orchestration.transformation import BuildReport, build

TINY_PROJECT = Path(__file__).parent / "tiny_project"


@dataclass(frozen=True)
class TinyHome:
    """`path` is the home directory, `project` this test's own copy of the dbt project."""

    path: Path
    project: Path

    def write_actions(self, action_ids: Iterable[int | str], actor: str = "ada") -> None:
        """Make these the only actions of the lake."""
        lines = [f"{action_id},{actor},2026-01-01 00:00:00\n" for action_id in action_ids]
        source = self.path / "raw" / "actions.csv"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text("action_id,actor_account_id,occurred_at\n" + "".join(lines))

    def build(self, *, full_refresh: bool = False) -> BuildReport:
        """Build and test the marts."""
        return build(self.path, full_refresh=full_refresh, project=self.project)

    def publish(self) -> PublishReport:
        """Publish the marts."""
        return publish(self.path, project=self.project)


@pytest.fixture(scope="session")
def built_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make `work`, a home with three actions built, and `kept`, a copy to restore it from."""
    directory = tmp_path_factory.mktemp("tiny")
    home = TinyHome(directory / "work" / "home", directory / "work" / "project")
    shutil.copytree(TINY_PROJECT, home.project)
    home.write_actions(range(3))
    home.build()
    shutil.copytree(directory / "work", directory / "kept")
    return directory


@pytest.fixture
def built_home(built_directory: Path) -> TinyHome:
    """Provide a home whose three actions are built and tested, not yet published.

    Always at the same place: dbt's parsed project holds its paths, and parsing takes a second.
    """
    work = built_directory / "work"
    shutil.rmtree(work)
    shutil.copytree(built_directory / "kept", work)
    return TinyHome(work / "home", work / "project")


@pytest.fixture
def tiny_home(built_home: TinyHome) -> TinyHome:
    """Provide a home whose three actions are not built yet."""
    for path in [*built_home.path.glob("*.duckdb"), built_home.path / "dbt" / "marts.tested"]:
        path.unlink()
    return built_home


@pytest.fixture
def definitions(home: TinyHome) -> Definitions:
    """Give Dagster's definitions for the module's `home`, of its own project."""
    return build_definitions(home.path, home.project)


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    """Lend a Dagster instance that remembers nothing afterwards."""
    with DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral
