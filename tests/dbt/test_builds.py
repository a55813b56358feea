"""What a build reads, remembers and refuses. The tests of this file follow one home, in order."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from dbt.contracts.graph.manifest import Manifest

from tests.dbt.builds import MARTS, PROJECT, begin_empty, build, contents, dbt, messages, query
from tests.dbt.lakes import Lake, at, history, issue, status_item

CATALOGUE = "dim_action_types"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home for the tests of this file."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def lake(home: Path) -> Lake:
    """Make the home's lake, without any file."""
    return Lake(home)


def builds_that_stored(home: Path, model: str) -> list[tuple[int, int]]:
    """Return (build, rows) of a staging model."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(
            f"select build_id, count(*) from staging.{model} group by build_id order by build_id"
        ).fetchall()


def load(lake: Lake, number: int) -> None:
    """Add a load of two histories, one of them in every load."""
    lake.load(
        [
            issue(100, "AB-1", updated=at(number), fetched=at(50 + number)),
            history(1, 100, [status_item("1", "2")], created=at(1), fetched=at(50 + number)),
            history(9 + number, 100, [status_item("2", "1")], created=at(2), fetched=at(60)),
        ]
    )


def test_a_lake_without_files_gives_empty_marts(home: Path) -> None:
    begin_empty(home)
    rows = {mart: query(home, f"select count(*) from {mart}")[0][0] for mart in MARTS}
    seeds = (PROJECT / "seeds" / "action_types.csv").read_text().splitlines()
    assert rows == {mart: len(seeds) - 1 if mart == CATALOGUE else 0 for mart in MARTS}


def test_new_files_are_read_once_and_compacted_ones_not_again(
    manifest: Manifest, home: Path, lake: Lake
) -> None:
    load(lake, 0)
    load(lake, 1)
    build(home, manifest)
    before, stored = contents(home), builds_that_stored(home, "stg_jira_issues__changelogs")
    assert [rows for _, rows in stored] == [3]
    lake.compact("jira_issues", "changelogs")
    load(lake, 2)
    build(home, manifest)
    after = builds_that_stored(home, "stg_jira_issues__changelogs")
    assert after[:1] == stored
    assert [rows for _, rows in after] == [3, 1]
    assert set(before["fct_actions"]) < set(contents(home)["fct_actions"])


def test_a_mart_is_not_filled_from_a_part_of_the_issues(manifest: Manifest, home: Path) -> None:
    result = dbt(home, "run", "--select", "fct_actions", "--full-refresh", manifest=manifest)
    assert not result.success
    assert "run `dbt build --full-refresh` without a selection" in messages(result)[0]


def test_a_lost_mart_is_filled_again(manifest: Manifest, home: Path) -> None:
    before = contents(home)
    with duckdb.connect(str(home / "marts.duckdb")) as connection:
        connection.execute("drop table fct_actions")
    build(home, manifest, whole=True)
    assert contents(home) == before
