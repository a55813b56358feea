"""The dlt side of a sync: tables in, finished load out, state stored with the data.

dlt gets everything from here: its configuration (no files, no environment, no telemetry), one
declared schema with type detection off and contracts frozen, and a working directory that lives
for one run only. A directory that a killed run left is wiped, never resumed; state comes back from
the lake, where it was stored with the last finished load.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dlt
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
CONFIG: dict[str, Any] = {
    "runtime": {"dlthub_telemetry": False, "log_level": "ERROR"},
    "providers": {"enable_airflow_secrets": False},
    "data_writer": {"compression": "zstd"},
    # every table is worth a row group of its own; more would only wait in memory
    "sources": {"data_writer": {"buffer_max_items": 1, "file_max_bytes": FILE_BYTES}},
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


def load(home: Path, source: str, extract: Extract) -> list[str]:
    """Load everything `extract` yields into `raw/<source>/` as one load; return its id.

    The load counts only once all of it is there. What `extract` raises comes out unchanged; then
    nothing of it counts. The caller must be the only one running this source.
    """
    working = home / "dlt" / source
    shutil.rmtree(working, ignore_errors=True)
    working.mkdir(parents=True)
    Container()[PluggableRunContext] = PluggableRunContext(_OwnContext(str(working.absolute())))
    failure: list[BaseException] = []

    @dlt.resource(
        name="rows",
        columns=COLUMNS,
        max_table_nesting=0,
        write_disposition="append",
        schema_contract=CONTRACT,
    )
    def rows() -> Iterator[Any]:
        try:
            for resource, table in extract(dlt.current.source_state()):
                yield dlt.mark.with_table_name(table, resource)
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
