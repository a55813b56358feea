"""The dbt build in process, on a small real project: outcomes, repairs, repeated runs."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner, dbtRunnerResult

from orchestration import transformation
from orchestration.errors import StorageError
from orchestration.transformation import BuildError, build, dbt_manifest, is_tested
from tests.orchestration.conftest import TinyHome


def count_actions(home: TinyHome) -> int:
    with duckdb.connect(str(home.path / "marts.duckdb"), read_only=True) as connection:
        return int(connection.execute("select count(*) from fct_actions").fetchall()[0][0])


def leave_torn_log(path: Path) -> None:
    """Kill a writer before its checkpoint, then damage one byte of what it had committed."""
    writer = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1])\n"
        "c.execute('create table t as select range as i from range(1000)'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", writer, str(path)], check=False)
    log = path.with_name(f"{path.name}.wal")
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 0xFF
    log.write_bytes(content)


def test_a_build_reports_every_node_and_leaves_the_files_free_for_others(
    tiny_home: TinyHome,
) -> None:
    seen: list[tuple[int, int, str]] = []
    report = build(
        tiny_home.path, project=tiny_home.project, progress=lambda *done: seen.append(done)
    )
    assert {node.name: node.status for node in report.nodes} == {
        "fct_actions": "success",
        "dim_users": "success",
        "not_null_fct_actions_action_id": "pass",
        "unique_fct_actions_action_id": "pass",
        "not_null_fct_actions_actor_account_id": "pass",
    }  # and not the unit test, which tests the project and not the data
    assert sorted(number for number, _total, _name in seen) == [1, 2, 3, 4, 5]
    assert {total for _number, total, _name in seen} == {5}
    assert is_tested(tiny_home.path)
    opener = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('create table t (i int)')"
    for name in ("warehouse.duckdb", "marts.duckdb"):
        assert not (tiny_home.path / f"{name}.wal").exists()
        subprocess.run([sys.executable, "-c", opener, str(tiny_home.path / name)], check=True)


def test_a_repeated_build_parses_nothing_again(
    built_home: TinyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke, commands = transformation._invoke, list[str]()

    def counted(runner: dbtRunner, command: str, *more: Any) -> dbtRunnerResult:  # noqa: ANN401 - passed on
        commands.append(command)
        return invoke(runner, command, *more)

    monkeypatch.setattr(transformation, "_invoke", counted)
    built_home.build()
    commands.clear()
    built_home.write_actions(range(5))
    for _ in range(2):
        built_home.build()
    assert count_actions(built_home) == 5
    assert commands == ["build", "build"]


def test_a_changed_project_is_parsed_again(built_home: TinyHome) -> None:
    model = built_home.project / "models" / "intermediate" / "int_users__distinct.sql"
    model.write_text(model.read_text().replace("distinct actor", "distinct nobody, actor"))
    with pytest.raises(BuildError, match="nobody"):
        built_home.build()
    assert "nobody" in str(dbt_manifest(built_home.path, project=built_home.project))


def test_a_failed_test_is_one_line_and_untests_the_marts(built_home: TinyHome) -> None:
    built_home.write_actions([7, 7])
    with pytest.raises(BuildError) as caught:
        built_home.build()
    assert caught.value.message.startswith("dbt: test unique_fct_actions_action_id: ")
    assert "\n" not in caught.value.message
    assert str(built_home.path / "dbt" / "logs" / "dbt.log") in caught.value.remedy
    assert caught.value.report is not None
    assert [node.name for node in caught.value.report.failures] == ["unique_fct_actions_action_id"]
    assert not is_tested(built_home.path)


def test_a_warning_is_reported_and_stops_nothing(tiny_home: TinyHome) -> None:
    tiny_home.write_actions([1], actor="")
    report = tiny_home.build()
    [warning] = report.warnings
    assert warning.startswith("test not_null_fct_actions_actor_account_id: ")
    assert is_tested(tiny_home.path)


def test_a_project_that_cannot_be_parsed_is_one_line(tiny_home: TinyHome) -> None:
    (tiny_home.project / "models" / "broken.sql").write_text("select {{ oops")
    with pytest.raises(BuildError) as caught:
        tiny_home.build()
    assert "broken.sql" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", ["warehouse.duckdb", "marts.duckdb"])
@pytest.mark.parametrize("damage", ["garbage", "empty", "newer version", "torn log"])
def test_a_database_that_cannot_be_opened_is_set_aside_and_rebuilt(
    built_home: TinyHome, name: str, damage: str
) -> None:
    path = built_home.path / name
    content = bytearray(path.read_bytes())
    if damage == "garbage":
        content[:] = b"not a database " * 1000
    elif damage == "empty":
        content[:] = b""
    elif damage == "newer version":
        content[12] = 250  # DuckDB's main header: checksum (8), magic (4), storage version (8)
    else:
        leave_torn_log(path)
        content[:] = path.read_bytes()
    path.write_bytes(content)
    report = built_home.build()
    assert report.rebuilt_because is not None
    assert name in report.rebuilt_because
    assert count_actions(built_home) == 3
    assert (built_home.path / f"{name}.unreadable").read_bytes() == bytes(content)


def test_a_damaged_block_met_by_a_model_is_rebuilt_too(tiny_home: TinyHome) -> None:
    tiny_home.write_actions(range(20_000))
    tiny_home.build()
    path = tiny_home.path / "marts.duckdb"
    content = bytearray(path.read_bytes())
    first_block = 3 * 4096  # after the three headers
    for position in range(first_block + 64, len(content), 1 << 18):
        content[position] ^= 0xFF
    path.write_bytes(content)
    report = tiny_home.build()
    assert report.rebuilt_because is not None
    assert count_actions(tiny_home) == 20_000


def test_databases_of_another_state_of_the_project_are_rebuilt(built_home: TinyHome) -> None:
    model = built_home.project / "models" / "intermediate" / "int_users__distinct.sql"
    model.write_text(f"-- Says the same in other words.\n{model.read_text()}")
    report = built_home.build()
    assert report.rebuilt_because == "the dbt project is not the one that built the databases"
    assert count_actions(built_home) == 3
    assert built_home.build().rebuilt_because is None
    (built_home.path / "dbt" / "made_by.project").unlink()
    assert built_home.build().rebuilt_because is not None


def test_a_full_refresh_starts_from_nothing(built_home: TinyHome) -> None:
    built_home.write_actions([8, 9])
    built_home.build()
    assert count_actions(built_home) == 5
    built_home.build(full_refresh=True)
    assert count_actions(built_home) == 2


def test_a_database_open_elsewhere_is_named_and_left_alone(built_home: TinyHome) -> None:
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); input()"
    path = built_home.path / "marts.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StorageError, match=rf"open in another process \(pid {other.pid}\)"):
            built_home.build()
        other.communicate(b"\n")
    built_home.build()
    assert not list(Path(built_home.path).glob("*.unreadable"))
