"""Publishing under kills, readers, damage and a full disk: the current snapshot is always whole."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple, get_args

import duckdb
import pytest
from ulid import ULID

from orchestration.errors import PublishError
from orchestration.publishing import Step, current_snapshot, publish, read_relations
from tests.orchestration.conftest import TinyHome

KILLED_PUBLISH = """
import os, signal, sys
from pathlib import Path
from orchestration.publishing import publish
home, project, fatal_step = sys.argv[1:]
publish(
    Path(home),
    project=Path(project),
    on_step=lambda step: os.kill(os.getpid(), signal.SIGKILL) if step == fatal_step else None,
)
"""

# Says each version that it comes to see.
READER = """
import sys
import time
from pathlib import Path
import duckdb
home, seen, last = Path(sys.argv[1]), None, ""
while not (home / "stop").exists():
    name = (home / "CURRENT").read_text().strip()
    assert name >= last, f"went back from {last} to {name}"
    last = name
    with duckdb.connect(str(home / name), read_only=True) as connection:
        (version,), = connection.execute(
            "select distinct actor_account_id from fct_actions"
        ).fetchall()
        assert connection.execute("select account_id from dim_users").fetchall() == [(version,)]
    if version != seen:
        print(version, flush=True)
        seen = version
"""


class Published(NamedTuple):
    """What a reader finds in a home: rows of fct_actions by pointer and by link."""

    by_pointer: int
    by_link: int


def read_current(home: Path) -> Published:
    pointed = current_snapshot(home)
    assert pointed is not None
    return Published(
        by_pointer=read_relations(pointed)["fct_actions"].rows,
        by_link=read_relations(home / "CURRENT.duckdb")["fct_actions"].rows,
    )


def listing(home: Path) -> list[str]:
    return sorted(
        str(path.relative_to(home))
        for path in [*home.glob(".*"), *home.glob("CURRENT*"), *(home / "snapshots").iterdir()]
    )


def test_a_snapshot_is_the_marts_with_pointer_and_link(built_home: TinyHome) -> None:
    report = built_home.publish()
    home = built_home.path
    assert report.rows == {"fct_actions": 3, "dim_users": 1}
    assert (home / "CURRENT").read_text() == f"snapshots/{report.snapshot_id}.duckdb\n"
    assert (home / "CURRENT.duckdb").readlink() == Path(f"snapshots/{report.path.name}")
    assert report.path.read_bytes() == (home / "marts.duckdb").read_bytes()
    assert report.size == report.path.stat().st_size
    for private in (report.path, home / "CURRENT"):
        assert private.stat().st_mode & 0o777 == 0o600
    assert (home / "snapshots").stat().st_mode & 0o777 == 0o700


def test_the_last_three_are_kept_and_ids_grow_even_if_the_clock_is_set_back(
    built_home: TinyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = built_home.publish()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000 * 10**9)
    later = [built_home.publish() for _ in range(4)]
    assert [first.snapshot_id, *(report.snapshot_id for report in later)] == sorted(
        {first.snapshot_id, *(report.snapshot_id for report in later)}
    )
    kept = sorted(path.stem for path in (built_home.path / "snapshots").iterdir())
    assert kept == [report.snapshot_id for report in later[1:]]
    assert later[-1].removed == (later[0].path.name,)


@pytest.mark.parametrize("step", get_args(Step))
def test_a_kill_at_any_step_leaves_a_whole_snapshot_current(
    built_home: TinyHome, step: Step
) -> None:
    built_home.publish()
    built_home.write_actions(range(10))
    built_home.build()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_PUBLISH, built_home.path, built_home.project, step],
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    is_published = step in {"pointed", "linked", "pruned"}
    found = read_current(built_home.path)
    assert found.by_pointer == (10 if is_published else 3)
    assert found.by_link == (10 if step in {"linked", "pruned"} else 3)

    report = built_home.publish()
    assert read_current(built_home.path) == Published(10, 10)
    kept = [report.path.name, *(path.name for path in (built_home.path / "snapshots").iterdir())]
    assert len(set(kept)) == (3 if is_published else 2)
    assert listing(built_home.path) == [
        "CURRENT",
        "CURRENT.duckdb",
        *sorted(f"snapshots/{name}" for name in set(kept)),
    ]


def test_half_made_pointers_and_parts_are_swept(built_home: TinyHome) -> None:
    built_home.publish()
    home = built_home.path
    stray = f"snapshots/{ULID()}.duckdb"
    for name in (f"snapshots/.{ULID()}.part", f"snapshots/.{ULID()}.part.wal", stray):
        (home / name).write_text("half")
    (home / ".CURRENT.part").write_text("half")
    (home / ".CURRENT.duckdb.part").symlink_to("nowhere")
    report = built_home.publish()
    assert len(report.removed) == 5
    assert len(listing(home)) == 4
    assert read_current(home) == Published(3, 3)


def test_readers_meet_no_error_while_snapshots_are_published(built_home: TinyHome) -> None:
    home = built_home.path
    built_home.publish()
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, home],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        for version in range(13):
            with duckdb.connect(str(home / "marts.duckdb")) as marts:
                actor = f"actor-{version}"
                marts.execute("update fct_actions set actor_account_id = ?", [actor])
                marts.execute("update dim_users set account_id = ?", [actor])
            built_home.publish()
            # Three snapshots are kept: no reader may fall behind by more, or there is no error.
            if version % 2 == 0:
                for reader in readers:
                    wait_until_it_sees(actor, reader)
    finally:
        (home / "stop").touch()
        answers = [reader.communicate(timeout=300) for reader in readers]
    for reader, (output, errors) in zip(readers, answers, strict=True):
        assert (reader.returncode, output) == (0, ""), errors


def wait_until_it_sees(version: str, reader: subprocess.Popen[str]) -> None:
    assert reader.stdout is not None
    while (seen := reader.stdout.readline().strip()) != version:
        assert seen, reader.stderr and reader.stderr.read()


def test_untested_marts_are_not_published(built_home: TinyHome) -> None:
    built_home.publish()
    built_home.write_actions([7, 7])
    with pytest.raises(Exception, match="unique_fct_actions_action_id"):
        built_home.build()
    with pytest.raises(PublishError, match="no tested marts"):
        built_home.publish()
    assert read_current(built_home.path) == Published(3, 3)


@pytest.mark.parametrize(
    ("statement", "difference"),
    [
        ("drop table dim_users", "relation dim_users is missing"),
        ("alter table fct_actions drop column occurred_at", "fct_actions lacks occurred_at"),
    ],
)
def test_marts_other_than_the_project_declares_are_not_published(
    built_home: TinyHome, statement: str, difference: str
) -> None:
    with duckdb.connect(str(built_home.path / "marts.duckdb")) as marts:
        marts.execute(statement)
    with pytest.raises(PublishError, match=difference):
        built_home.publish()
    assert current_snapshot(built_home.path) is None


def test_a_copy_that_differs_is_not_published(
    built_home: TinyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk gives back something else than was written."""
    other = built_home.path / "other.duckdb"
    shutil.copyfile(built_home.path / "marts.duckdb", other)
    with duckdb.connect(str(other)) as connection:
        connection.execute("delete from fct_actions where action_id = 1")
    copy = shutil.copyfile
    monkeypatch.setattr(shutil, "copyfile", lambda _source, target: copy(other, target))
    with pytest.raises(PublishError, match="fct_actions differs from the marts"):
        built_home.publish()
    assert list((built_home.path / "snapshots").iterdir()) == []


def test_too_little_space_is_said_before_anything_is_written(
    built_home: TinyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = (built_home.path / "marts.duckdb").stat().st_size
    usage = shutil.disk_usage(built_home.path)._replace(free=3 * size - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(PublishError, match=r"Too little disk space under .*: 2 MB free"):
        built_home.publish()
    assert list((built_home.path / "snapshots").iterdir()) == []


def test_a_disk_that_fills_up_while_copying_is_one_line(
    built_home: TinyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_home.publish()

    def fill_up(_source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copyfile", fill_up)
    with pytest.raises(PublishError, match="The disk is full"):
        built_home.publish()
    assert read_current(built_home.path) == Published(3, 3)
    assert len(list((built_home.path / "snapshots").iterdir())) == 1


@pytest.mark.parametrize("content", ["", "../../etc/passwd\n", f"snapshots/{26 * '0'}.duckdb\n"])
def test_a_pointer_we_did_not_write_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "CURRENT").write_text(content)
    with pytest.raises(PublishError, match="does not name a snapshot"):
        current_snapshot(tmp_path)


@pytest.mark.parametrize("pointer", [None, "nonsense", f"snapshots/{26 * '0'}.duckdb\n"])
def test_a_lost_or_broken_pointer_is_written_anew_and_no_snapshot_is_lost(
    built_home: TinyHome, pointer: str | None
) -> None:
    first = built_home.publish()
    (built_home.path / "CURRENT").unlink()
    if pointer is not None:
        (built_home.path / "CURRENT").write_text(pointer)
    second = built_home.publish()
    assert current_snapshot(built_home.path) == second.path
    assert first.path.exists()


def test_a_first_publish_needs_a_build(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="no tested marts"):
        publish(tmp_path)
