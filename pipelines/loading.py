"""The dlt side of a sync: tables in, finished load out, state stored with the data.

Tables are written to Parquet here, in threads of their own while the site is still being read,
and dlt takes the finished files into its load as they are. Through dlt's own writer every table
would be inspected, buffered and written by the one thread that runs the pipeline.

dlt gets everything from here: its configuration (no files, no environment, no telemetry), one
declared schema with type detection off and contracts frozen, and a working directory that lives
for one run only. A directory that a killed run left is wiped, never resumed; state comes back from
the lake, where it was stored with the last finished load.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Semaphore
from typing import Any, NamedTuple

import dlt
import dlt.sources.helpers.requests  # dlt would import it in every first run, while the site waits
import pyarrow as pa
import pyarrow.parquet as pq
from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import ConfigProvider
from dlt.common.configuration.providers.dictionary import DictionaryProvider
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.common.data_types import TDataType
from dlt.common.runtime.run_context import RunContext
from dlt.common.schema import Schema
from dlt.common.schema.typing import TColumnSchema, TSchemaContract
from dlt.pipeline.exceptions import PipelineStepFailed

from pipelines.lake import raw_dir
from pipelines.rows import ROW_SCHEMA
from pipelines.sync import ResourceTable

LAYOUT = "{table_name}/{load_id}.{file_id}.{ext}"
FILE_BYTES = 128 * 2**20
TABLES_BEING_WRITTEN = 3
"""At most; the one that brings the next table waits."""
CONFIG: dict[str, Any] = {
    "runtime": {"dlthub_telemetry": False, "log_level": "ERROR"},
    "providers": {"enable_airflow_secrets": False},
    "load": {"workers": 2, "delete_completed_jobs": True, "raise_on_failed_jobs": True},
}
CONTRACT: TSchemaContract = {"tables": "evolve", "columns": "freeze", "data_type": "freeze"}
_DLT_TYPES: dict[str, TDataType] = {
    "string": "text",
    "bool": "bool",
    "timestamp[us, tz=UTC]": "timestamp",
}
COLUMNS: dict[str, TColumnSchema] = {
    column.name: {
        "name": column.name,
        "data_type": _DLT_TYPES[str(column.type)],
        "nullable": column.nullable,
    }
    for column in ROW_SCHEMA
}

PARQUET: dict[str, Any] = {
    "compression": "zstd",
    # payloads hardly ever repeat, and nobody looks for one by its first letters
    "use_dictionary": ["site_id", "parent_id"],
    "write_statistics": ["object_id", "parent_id", "source_at", "fetched_at"],
}

Extract = Callable[[dict[str, Any]], Iterator[ResourceTable]]
"""Given the stored state, which it may change, yields tables until the run is complete."""


class _OwnContext(RunContext):
    """dlt's surroundings, reduced to one directory and `CONFIG`."""

    def __init__(self, directory: str) -> None:
        super().__init__(directory)
        self._global_dir = directory

    @property
    def run_dir(self) -> str:
        return self._init_run_dir

    @property
    def local_dir(self) -> str:
        return self._init_run_dir

    @property
    def data_dir(self) -> str:
        return self._init_run_dir

    def initial_providers(self) -> list[ConfigProvider]:
        provider = DictionaryProvider()
        for section, values in CONFIG.items():
            provider.set_value(section, values, None)
        return [provider]


class WrittenFile(NamedTuple):
    """A finished Parquet file of one resource, and how many rows it has."""

    resource: str
    path: Path
    rows: int


class _ResourceWriter:
    """Writes the tables of one resource, one after the other, in a thread of its own.

    `files` are those that are whole.
    """

    def __init__(self, resource: str, directory: Path) -> None:
        self._resource = resource
        self._directory = directory
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"write {resource}")
        self._writing: list[Future[None]] = []
        self._writer: pq.ParquetWriter | None = None
        self._rows = 0
        self.files: list[WrittenFile] = []

    def write(self, table: pa.Table, when_done: Callable[[], object]) -> None:
        """Write a table soon. Raises what writing an earlier one raised."""
        while self._writing and self._writing[0].done():
            self._writing.pop(0).result()
        future = self._thread.submit(self._write, table)
        future.add_done_callback(lambda _: when_done())
        self._writing.append(future)

    def finish(self) -> None:
        """Wait for all tables and close the last file. Raises what writing one of them raised."""
        try:
            for future in self._writing:
                future.result()
        finally:
            self._thread.shutdown()
            self._close()

    def _path(self) -> Path:
        return self._directory / f"{self._resource}.{len(self.files)}.parquet"

    def _write(self, table: pa.Table) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path(), ROW_SCHEMA, **PARQUET)
        self._writer.write_table(table)
        self._rows += table.num_rows
        if self._path().stat().st_size > FILE_BYTES:
            self._close()

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self.files.append(WrittenFile(self._resource, self._path(), self._rows))
            self._writer, self._rows = None, 0


def write_files(tables: Iterator[ResourceTable], directory: Path) -> list[WrittenFile]:
    """Write tables into Parquet files in `directory` while they come; return the files.

    Memory is bounded: no more than a few tables wait. What `tables` or a write raises comes out
    when all threads have ended.
    """
    slots = Semaphore(TABLES_BEING_WRITTEN)
    writers: dict[str, _ResourceWriter] = {}
    with ExitStack() as stack:
        for resource, table in tables:
            if resource not in writers:
                writers[resource] = _ResourceWriter(resource, directory)
                stack.callback(writers[resource].finish)
            slots.acquire()
            writers[resource].write(table, slots.release)
    return [file for writer in writers.values() for file in writer.files]


def load(home: Path, source: str, extract: Extract) -> list[str]:
    """Load everything `extract` yields into `raw/<source>/` as one load; return its id.

    The load counts only once all of it is there. What `extract` raises comes out unchanged; then
    nothing of it counts. The caller must be the only one running this source.
    """
    working = home / "dlt" / source
    shutil.rmtree(working, ignore_errors=True)
    parts = working / "parts"
    parts.mkdir(parents=True)
    Container()[PluggableRunContext] = PluggableRunContext(_OwnContext(str(working.absolute())))
    failure: list[BaseException] = []

    @dlt.resource(name="rows", max_table_nesting=0)
    def rows() -> Iterator[Any]:
        try:
            for resource, path, count in write_files(extract(dlt.current.source_state()), parts):
                hints = dlt.mark.make_hints(
                    table_name=resource,
                    columns=COLUMNS,
                    write_disposition="append",
                    schema_contract=CONTRACT,
                )
                yield dlt.mark.with_file_import(str(path), "parquet", count, hints=hints)
        except Exception as error:
            failure.append(error)
            raise

    schema = Schema(source)
    for detection in list(schema.settings.get("detections") or ()):
        schema.remove_type_detection(detection)
    pipeline = dlt.pipeline(
        pipeline_name=source,
        pipelines_dir=str(working),
        destination=dlt.destinations.filesystem(
            bucket_url=str(raw_dir(home).absolute()), layout=LAYOUT
        ),
        dataset_name=source,
    )
    try:
        info = pipeline.run(
            dlt.source(lambda: rows, schema=schema, max_table_nesting=0)(),
            loader_file_format="parquet",
        )
    except PipelineStepFailed:
        if failure:
            raise failure[0] from None
        raise
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return list(info.loads_ids)
