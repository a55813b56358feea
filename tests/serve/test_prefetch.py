"""A snapshot is read ahead: all of it, unless it is too large, or nobody wants it any more."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from serve.config import ServeSettings
from serve.warehouse.prefetch import Prefetch
from serve.warehouse.warehouse import Warehouse
from tests.serve.conftest import publish_copy

BYTES = 9 * 1024 * 1024 + 1


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "snapshot.duckdb"
    path.write_bytes(bytes(BYTES))
    return path


def test_a_file_is_read_to_its_end(file: Path) -> None:
    prefetch = Prefetch(file)
    prefetch.wait()
    prefetch.close()
    assert prefetch.bytes_read == BYTES


def test_a_file_that_is_too_large_is_left_alone(file: Path) -> None:
    prefetch = Prefetch(file, most_bytes=BYTES - 1)
    prefetch.wait()
    assert prefetch.bytes_read == 0


def test_reading_stops_when_it_is_closed(file: Path) -> None:
    with file.open("ab") as endless:
        endless.truncate(1 << 40)  # a sparse file: nobody reads it to its end in a test
    before = threading.enumerate()  # other tests' snapshots may be read at this moment
    prefetch = Prefetch(file, most_bytes=1 << 41)
    prefetch.close()
    assert 0 <= prefetch.bytes_read < 1 << 40
    assert "prefetch" not in {thread.name for thread in set(threading.enumerate()) - {*before}}


def test_a_file_that_is_gone_is_no_error(tmp_path: Path) -> None:
    prefetch = Prefetch(tmp_path / "gone.duckdb")
    prefetch.wait()
    assert prefetch.bytes_read == 0


def test_an_open_snapshot_has_been_read_ahead(tmp_path: Path, marts: Path) -> None:
    publish_copy(tmp_path, marts)
    warehouse = Warehouse(ServeSettings(home=tmp_path))
    with warehouse.lease() as snapshot:
        snapshot.prefetch.wait()
        assert snapshot.prefetch.bytes_read == snapshot.path.stat().st_size
    warehouse.close()


def test_nobody_can_write_into_a_snapshot_that_was_read_ahead(tmp_path: Path, marts: Path) -> None:
    """To close a file gives up the process's locks on it, those of DuckDB included."""
    publish_copy(tmp_path, marts)
    warehouse = Warehouse(ServeSettings(home=tmp_path))
    with warehouse.lease() as snapshot:
        snapshot.prefetch.wait()
        writer = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('create table t (i int)')"
        answer = subprocess.run(
            [sys.executable, "-c", writer, str(snapshot.path)],
            capture_output=True,
            text=True,
            check=False,
        )
    warehouse.close()
    assert "Could not set lock" in answer.stderr
