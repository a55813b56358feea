"""Publish the marts as an immutable snapshot that readers open while the next run is at work.

`marts.duckdb` is copied to `snapshots/<ulid>.duckdb`; then `CURRENT` (a pointer file of one line)
and `CURRENT.duckdb` (a link for BI tools) are replaced. Every snapshot has a name of its own: a
process that has one open would get its old data again if a new one took the same path.

A crash at any step leaves the previous snapshot current and complete. What it leaves lying about
is swept by the next publish: files no pointer ever named are strays.
"""

import errno
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
from ulid import ULID

from orchestration import transformation
from orchestration.errors import PublishError

SNAPSHOTS = "snapshots"
POINTER = "CURRENT"
LINK = "CURRENT.duckdb"
KEPT_SNAPSHOTS = 3
FREE_SPACE_FACTOR = 3
"""Free bytes demanded before copying, in sizes of the marts."""

_POINTER_LINE = re.compile(r"snapshots/([0-9A-HJKMNP-TV-Z]{26})\.duckdb\n?")

Step = Literal["checkpointed", "copied", "verified", "named", "pointed", "linked", "pruned"]
Relations = Mapping[str, "Relation"]


@dataclass(frozen=True)
class Relation:
    """Shape of one published table: its columns as (name, DuckDB type), and its rows."""

    columns: tuple[tuple[str, str], ...]
    rows: int


@dataclass(frozen=True)
class PublishReport:
    """One published snapshot; `rows` per relation, sizes in bytes."""

    snapshot_id: str
    path: Path
    size: int
    rows: Mapping[str, int]
    seconds: float
    removed: tuple[str, ...]


def publish(
    home: Path,
    *,
    project: Path = transformation.DBT_PROJECT,
    on_step: Callable[[Step], None] = lambda _step: None,
) -> PublishReport:
    """Make the tested marts the current snapshot; the caller holds the run lock.

    Raises PublishError, with the previous snapshot still current, when the marts are not tested,
    the disk has too little room, or the copy is not what the dbt project promises.
    """
    started = time.monotonic()
    home = home.resolve()
    marts, directory = home / transformation.MARTS, home / SNAPSHOTS
    if not transformation.is_tested(home) or not marts.exists():
        raise PublishError(
            "There are no tested marts to publish.",
            "Run `audit-log build` first, and mend what it reports.",
        )
    promised = promised_columns(transformation.dbt_manifest(home, project=project))
    directory.mkdir(mode=0o700, exist_ok=True)
    removed = _remove(_strays(home))
    _check_free_space(home, marts)

    relations = _checkpoint(marts)
    _check_promise(promised, relations)
    on_step("checkpointed")

    snapshot_id = str(_next_id(directory))
    part, path = directory / f".{snapshot_id}.part", directory / f"{snapshot_id}.duckdb"
    with _full_disk_in_one_line(), _removed_on_error(part):
        _copy_durably(marts, part)
        on_step("copied")
        _check_copy(part, relations)
        on_step("verified")
    part.rename(path)
    _sync_directory(directory)
    on_step("named")

    target = f"{SNAPSHOTS}/{path.name}"
    with _full_disk_in_one_line():
        _replace_pointer(home, target)
        on_step("pointed")
        _replace_link(home, target)
        on_step("linked")
    removed += _remove(_outdated(directory))
    on_step("pruned")
    return PublishReport(
        snapshot_id=snapshot_id,
        path=path,
        size=path.stat().st_size,
        rows={name: relation.rows for name, relation in relations.items()},
        seconds=time.monotonic() - started,
        removed=removed,
    )


def current_snapshot(home: Path) -> Path | None:
    """Return the file CURRENT points to; None before the first publish.

    Raises PublishError when the pointer is not one this module wrote or its file is gone.
    """
    if not (home / POINTER).exists():
        return None
    path = _pointed_file(home)
    if path is None:
        raise PublishError(
            f"{home / POINTER} does not name a snapshot that exists.",
            "Run `audit-log publish`, which writes it anew.",
        )
    return path


def promised_columns(manifest: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Return the public relations and their columns, by name, as the dbt project declares them."""
    return {
        node["alias"]: frozenset(node["columns"])
        for node in manifest["nodes"].values()
        if node["resource_type"] in {"model", "seed"}
        and node["database"] == "marts"
        and node["schema"] == "main"
    }


def read_relations(path: Path) -> dict[str, Relation]:
    """Describe every relation of schema main and count its rows; opens the file read-only."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return _relations(connection)


def _checkpoint(marts: Path) -> dict[str, Relation]:
    """Write the log into the file, so that the file alone is everything."""
    try:
        with duckdb.connect(str(marts)) as connection:
            connection.execute("checkpoint")
            relations = _relations(connection)
    except duckdb.Error as error:
        raise PublishError(
            f"{marts} cannot be read: {str(error).splitlines()[0]}",
            "Close other programs that have it open, then run `audit-log build`.",
        ) from error
    if _log_of(marts).exists():
        raise PublishError(
            f"{marts.name} still has a write-ahead log after its checkpoint.",
            f"Another program has {marts} open: close it and publish again.",
        )
    return relations


def _relations(connection: duckdb.DuckDBPyConnection) -> dict[str, Relation]:
    columns: dict[str, list[tuple[str, str]]] = {}
    for table, column, data_type in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where database_name = current_database() and schema_name = 'main' and not internal"
        " order by table_name, column_index"
    ).fetchall():
        columns.setdefault(table, []).append((column, data_type))
    return {
        table: Relation(
            tuple(described), connection.table(table).aggregate("count(*)").fetchall()[0][0]
        )
        for table, described in columns.items()
    }


def _check_promise(promised: Mapping[str, frozenset[str]], relations: Relations) -> None:
    for name, columns in sorted(promised.items()):
        found = {column for column, _type in relations[name].columns} if name in relations else None
        if found is None:
            difference = f"relation {name} is missing"
        elif missing := sorted(columns - found):
            difference = f"{name} lacks {', '.join(missing)}"
        else:
            continue
        raise PublishError(
            f"The marts are not what the dbt project declares: {difference}.",
            "Run `audit-log build --full-refresh`.",
        )


def _check_copy(part: Path, expected: Relations) -> None:
    try:
        found = read_relations(part)
    except duckdb.Error as error:
        raise _bad_copy(str(error).splitlines()[0]) from error
    if _log_of(part).exists():
        raise _bad_copy("it has a write-ahead log")
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise _bad_copy(f"{name} differs from the marts")


def _bad_copy(reason: str) -> PublishError:
    return PublishError(
        f"The copy of the marts could not be verified: {reason}.",
        "Publish again; if it happens twice, check the disk.",
    )


def _check_free_space(home: Path, marts: Path) -> None:
    needed, free = FREE_SPACE_FACTOR * marts.stat().st_size, shutil.disk_usage(home).free
    if free < needed:
        raise PublishError(
            f"Too little disk space under {home}: {_megabytes(free)} free,"
            f" publishing needs {_megabytes(needed)}.",
            "Free some space, or move AUDIT_LOG_HOME to a larger disk.",
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def _next_id(directory: Path) -> ULID:
    """Return an id later than every snapshot's, even if the clock was set back."""
    newest = max((ULID.from_str(path.stem) for path in _snapshots(directory)), default=None)
    fresh = ULID()
    return fresh if newest is None or fresh > newest else ULID.from_int(int(newest) + 1)


def _snapshots(directory: Path) -> list[Path]:
    """Snapshot files, oldest first."""
    return sorted(
        path
        for path in directory.glob("*.duckdb")
        if _POINTER_LINE.fullmatch(f"{SNAPSHOTS}/{path.name}")
    )


def _pointed_file(home: Path) -> Path | None:
    try:
        named = _POINTER_LINE.fullmatch((home / POINTER).read_text())
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    path = home / SNAPSHOTS / f"{named[1]}.duckdb" if named else None
    return path if path is not None and path.is_file() else None


def _strays(home: Path) -> list[Path]:
    """List what killed publishes left: parts, half-made pointers, snapshots never pointed to."""
    directory = home / SNAPSHOTS
    current = _pointed_file(home)
    later = [path for path in _snapshots(directory) if current is not None and path > current]
    return [
        *directory.glob(".*.part*"),
        *home.glob(f".{POINTER}*.part"),
        *later,
    ]


def _outdated(directory: Path) -> list[Path]:
    return _snapshots(directory)[:-KEPT_SNAPSHOTS]


def _remove(paths: list[Path]) -> tuple[str, ...]:
    for path in paths:
        path.unlink()
    return tuple(path.name for path in paths)


def _copy_durably(source: Path, destination: Path) -> None:
    destination.touch(mode=0o600)
    shutil.copyfile(source, destination)  # in the kernel, without passing through this process
    with destination.open("rb") as copy:
        os.fsync(copy.fileno())


def _replace_pointer(home: Path, target: str) -> None:
    part = home / f".{POINTER}.part"
    part.touch(mode=0o600)
    with part.open("w") as writer:
        writer.write(f"{target}\n")
        writer.flush()
        os.fsync(writer.fileno())
    part.replace(home / POINTER)
    _sync_directory(home)


def _replace_link(home: Path, target: str) -> None:
    part = home / f".{LINK}.part"
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    part.replace(home / LINK)
    _sync_directory(home)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _log_of(database: Path) -> Path:
    return database.with_name(database.name + ".wal")


@contextmanager
def _removed_on_error(part: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def _full_disk_in_one_line() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise PublishError(
            f"The disk is full: {error.filename or 'the snapshot'} could not be written.",
            "Free some space and run `audit-log publish`.",
        ) from error
