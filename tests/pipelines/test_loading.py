"""Tables become Parquet files beside the extraction: in order, bounded, errors told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import loading
from pipelines.loading import write_files
from pipelines.rows import ROW_SCHEMA, Row, RowBuffer
from pipelines.sync import ResourceTable


def table(first: int, count: int) -> pa.Table:
    buffer = RowBuffer("a.atlassian.net")
    for number in range(first, first + count):
        buffer.add(Row(str(number), "v", number, b"{}"))
    return buffer.take()


def writer_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("write ")]


def test_each_resource_keeps_its_order_over_files_of_bounded_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "FILE_BYTES", 1)
    tables = [
        ResourceTable(resource, table(number * 10, 10))
        for number in range(4)
        for resource in ("issues", "comments")
    ]
    files = write_files(iter(tables), tmp_path)
    assert [file.rows for file in files] == [10] * 8
    for resource in ("issues", "comments"):
        paths = [file.path for file in files if file.resource == resource]
        read = pa.concat_tables([pq.read_table(path) for path in paths])
        assert read.schema.equals(ROW_SCHEMA)
        assert read["object_id"].to_pylist() == [str(number) for number in range(40)]
    assert writer_threads() == []


def test_tables_of_one_file_are_its_row_groups(tmp_path: Path) -> None:
    [file] = write_files((ResourceTable("issues", table(n, 3)) for n in range(5)), tmp_path)
    assert file.rows == 15
    metadata = pq.read_metadata(file.path)
    assert (metadata.num_rows, metadata.num_row_groups) == (15, 5)
    assert metadata.row_group(0).column(7).compression == "ZSTD"


def test_the_extraction_waits_while_writing_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table = pq.ParquetWriter.write_table
    written: list[int] = []

    def slow(self: pq.ParquetWriter, rows: pa.Table) -> None:
        time.sleep(0.02)
        write_table(self, rows)
        written.append(1)

    monkeypatch.setattr(pq.ParquetWriter, "write_table", slow)
    waiting: list[int] = []

    def tables() -> Iterator[ResourceTable]:
        for number in range(12):
            waiting.append(number - len(written))
            yield ResourceTable(f"r{number % 6}", table(number, 1))

    files = write_files(tables(), tmp_path)
    assert sum(file.rows for file in files) == 12
    assert max(waiting) <= loading.TABLES_BEING_WRITTEN + 1


def test_a_full_disk_comes_out_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: pq.ParquetWriter, __: pa.Table) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", fail)
    with pytest.raises(OSError, match="No space left"):
        write_files((ResourceTable("issues", table(n, 1)) for n in range(9)), tmp_path)
    assert writer_threads() == []


def test_what_the_extraction_raises_comes_out_and_no_thread_stays(tmp_path: Path) -> None:
    def tables() -> Iterator[ResourceTable]:
        yield ResourceTable("issues", table(0, 1))
        raise ValueError("the site is gone")

    with pytest.raises(ValueError, match="the site is gone"):
        write_files(tables(), tmp_path)
    assert writer_threads() == []
