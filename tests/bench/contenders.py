"""The other ways to load the same issues, each run alone in its own process.

`python -m tests.bench.contenders NAME FOLDER` reads `issues.ndjson` and `changelogs.ndjson` of
FOLDER and prints one JSON object: seconds, issues, rows and peak memory in MB.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

BATCH = 500


class Comment(msgspec.Struct):
    """Identity and version of a comment."""

    id: str
    updated: str


class Comments(msgspec.Struct):
    """The comments inside an issue, each left as raw bytes."""

    comments: list[msgspec.Raw]


class Fields(msgspec.Struct):
    """The fields of an issue that its rows need."""

    updated: str
    comment: Comments


class Issue(msgspec.Struct):
    """Identity and version of an issue."""

    id: str
    fields: Fields


class History(msgspec.Struct):
    """Identity and time of a history entry."""

    id: str
    created: int


class Changelog(msgspec.Struct):
    """One issue's histories, each left as raw bytes."""

    issueId: str  # noqa: N815 - Jira's name
    changeHistories: list[msgspec.Raw]  # noqa: N815 - Jira's name


def duckdb_objects(folder: Path, out: Path) -> int:
    """DuckDB reads the issues as JSON text and takes id, key and time into a table."""
    with duckdb.connect(str(out / "floor.duckdb")) as connection:
        connection.execute(
            """
            create table issues as
            select json ->> '$.id' as id, json ->> '$.key' as key,
                   json ->> '$.fields.updated' as updated, json
            from read_ndjson_objects($file)
            """,
            {"file": str(folder / "issues.ndjson")},
        )
        connection.execute(
            """
            create table changelogs as
            select json ->> '$.issueId' as issue_id,
                   unnest(json_extract(json, '$.changeHistories[*]')) as history
            from read_ndjson_objects($file)
            """,
            {"file": str(folder / "changelogs.ndjson")},
        )
        counted = connection.execute(
            "select (select count(*) from issues) + (select count(*) from changelogs)"
        ).fetchone()
    return int(counted[0]) if counted else 0


LAKE_LIKE = pa.schema(
    [pa.field(name, pa.string()) for name in ("id", "parent", "version", "payload")]
)


def _write(
    writer: pq.ParquetWriter,
    ids: list[str],
    parents: list[str | None],
    versions: list[str],
    payloads: list[bytes],
) -> int:
    text = pa.array(payloads, pa.binary()).cast(pa.string())
    keys = [pa.array(ids, pa.string()), pa.array(parents, pa.string())]
    columns = [*keys, pa.array(versions, pa.string()), text]
    writer.write_table(pa.Table.from_arrays(columns, schema=LAKE_LIKE))
    return len(ids)


def handwritten_parquet(folder: Path, out: Path) -> int:
    """Bytes to Parquet, the tables of the lake, with msgspec and pyarrow and nothing between."""
    rows = 0
    issue_decoder = msgspec.json.Decoder(Issue)
    comment_decoder = msgspec.json.Decoder(Comment)
    with (
        (folder / "issues.ndjson").open("rb") as lines,
        pq.ParquetWriter(out / "issues.parquet", LAKE_LIKE, compression="zstd") as writer,
        pq.ParquetWriter(out / "comments.parquet", LAKE_LIKE, compression="zstd") as of_comments,
    ):
        while batch := list(islice(lines, BATCH)):
            found = [issue_decoder.decode(line) for line in batch]
            rows += _write(
                writer,
                [issue.id for issue in found],
                [None for _ in found],
                [issue.fields.updated for issue in found],
                batch,
            )
            texts = [(issue.id, raw) for issue in found for raw in issue.fields.comment.comments]
            comments = [comment_decoder.decode(raw) for _, raw in texts]
            rows += _write(
                of_comments,
                [comment.id for comment in comments],
                [issue_id for issue_id, _ in texts],
                [comment.updated for comment in comments],
                [bytes(raw) for _, raw in texts],
            )
    changelog_decoder = msgspec.json.Decoder(Changelog)
    history_decoder = msgspec.json.Decoder(History)
    with (
        (folder / "changelogs.ndjson").open("rb") as lines,
        pq.ParquetWriter(out / "changelogs.parquet", LAKE_LIKE, compression="zstd") as writer,
    ):
        while batch := list(islice(lines, BATCH)):
            entries = [changelog_decoder.decode(line) for line in batch]
            raws = [(entry.issueId, raw) for entry in entries for raw in entry.changeHistories]
            histories = [history_decoder.decode(raw) for _, raw in raws]
            rows += _write(
                writer,
                [history.id for history in histories],
                [parent for parent, _ in raws],
                [str(history.created) for history in histories],
                [bytes(raw) for _, raw in raws],
            )
    return rows


def _dictionaries(folder: Path) -> Iterator[dict[str, Any]]:
    """Issues as most collectors hand them over: dictionaries with their histories inside."""
    with (
        (folder / "issues.ndjson").open("rb") as issues,
        (folder / "changelogs.ndjson").open("rb") as changelogs,
    ):
        for issue_line, changelog_line in zip(issues, changelogs, strict=True):
            issue = msgspec.json.decode(issue_line)
            issue["changelog"] = msgspec.json.decode(changelog_line)["changeHistories"]
            yield issue


def _dlt(folder: Path, out: Path, destination: Any, **options: Any) -> int:  # noqa: ANN401 - dlt's own loose types
    os.environ["DLT_DATA_DIR"] = str(out / "dlt_data")
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt  # noqa: PLC0415 - not to be charged to the contenders that do without it

    pipeline = dlt.pipeline(
        "contender", pipelines_dir=str(out / "dlt"), destination=destination, dataset_name="bench"
    )
    resource_ = dlt.resource(_dictionaries(folder), name="issues", write_disposition="append")
    pipeline.run(resource_, **options)
    trace = pipeline.last_trace
    if trace is None or trace.last_normalize_info is None:
        message = "dlt kept no trace of its run"
        raise RuntimeError(message)
    counts = trace.last_normalize_info.row_counts
    return sum(count for table, count in counts.items() if not table.startswith("_dlt"))


def dlt_default(folder: Path, out: Path) -> int:
    """Nested dictionaries into DuckDB with dlt's default settings."""
    import dlt  # noqa: PLC0415 - see _dlt

    return _dlt(folder, out, dlt.destinations.duckdb(str(out / "default.duckdb")))


def dlt_nested_parquet(folder: Path, out: Path) -> int:
    """Nested dictionaries into DuckDB by way of Parquet."""
    import dlt  # noqa: PLC0415 - see _dlt

    return _dlt(
        folder,
        out,
        dlt.destinations.duckdb(str(out / "parquet.duckdb")),
        loader_file_format="parquet",
    )


CONTENDERS: dict[str, Callable[[Path, Path], int]] = {
    "duckdb_objects": duckdb_objects,
    "handwritten_parquet": handwritten_parquet,
    "dlt_default": dlt_default,
    "dlt_nested_parquet": dlt_nested_parquet,
}


def main() -> None:
    """Run one contender and print what it measured."""
    parser = argparse.ArgumentParser(description="Load the benchmark's issues in another way.")
    parser.add_argument("name", choices=sorted(CONTENDERS))
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    with (arguments.folder / "issues.ndjson").open("rb") as lines:
        issues = sum(1 for _ in lines)
    with tempfile.TemporaryDirectory() as out:
        started = time.perf_counter()
        rows = CONTENDERS[arguments.name](arguments.folder, Path(out))
        seconds = time.perf_counter() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(  # noqa: T201 - the parent process reads this line
        json.dumps({"seconds": seconds, "issues": issues, "rows": rows, "peak_mb": peak_mb})
    )


if __name__ == "__main__":
    main()
