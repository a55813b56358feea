"""The other ways to load the same issues, each run alone in its own process.

`python -m tests.bench.contenders NAME FOLDER [--url URL]` reads `issues.ndjson` and
`changelogs.ndjson` of FOLDER, or the same issues from the page site at URL, and prints one JSON
object: seconds, CPU seconds, issues, rows and peak memory in MB. Imports are not measured.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import aiohttp
import dlt
import dlt.sources.helpers.requests  # dlt imports it in its first run, and imports are not measured
import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from tests.bench.report import cpu_seconds, peak_mb

BATCH = 500
IN_FLIGHT = 8
ISSUES_PER_REQUEST = 100
DESIGN_PAGE = 50
"""Issues a page in the design's measures of extraction."""


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


def duckdb_objects(folder: Path, out: Path, _url: str) -> int:
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


class _Writers:
    """The three tables that hold what was read, one Parquet file each."""

    def __init__(self, out: Path) -> None:
        self.rows = 0
        self._issue = msgspec.json.Decoder(Issue)
        self._comment = msgspec.json.Decoder(Comment)
        self._changelog = msgspec.json.Decoder(Changelog)
        self._history = msgspec.json.Decoder(History)
        self._files = {
            name: pq.ParquetWriter(out / f"{name}.parquet", LAKE_LIKE, compression="zstd")
            for name in ("issues", "comments", "changelogs")
        }

    def add_issues(self, texts: Sequence[bytes]) -> None:
        """Write issues and the comments in them."""
        found = [self._issue.decode(text) for text in texts]
        self.rows += _write(
            self._files["issues"],
            [issue.id for issue in found],
            [None for _ in found],
            [issue.fields.updated for issue in found],
            [bytes(text) for text in texts],
        )
        held = [(issue.id, raw) for issue in found for raw in issue.fields.comment.comments]
        comments = [self._comment.decode(raw) for _, raw in held]
        self.rows += _write(
            self._files["comments"],
            [comment.id for comment in comments],
            [issue_id for issue_id, _ in held],
            [comment.updated for comment in comments],
            [bytes(raw) for _, raw in held],
        )

    def add_changelogs(self, texts: Sequence[bytes]) -> None:
        """Write the histories of issues."""
        entries = [self._changelog.decode(text) for text in texts]
        raws = [(entry.issueId, raw) for entry in entries for raw in entry.changeHistories]
        histories = [self._history.decode(raw) for _, raw in raws]
        self.rows += _write(
            self._files["changelogs"],
            [history.id for history in histories],
            [parent for parent, _ in raws],
            [str(history.created) for history in histories],
            [bytes(raw) for _, raw in raws],
        )

    def close(self) -> None:
        """Finish the files."""
        for file in self._files.values():
            file.close()


def handwritten_parquet(folder: Path, out: Path, _url: str) -> int:
    """Bytes from disk to Parquet with msgspec and pyarrow: no site, no pages, nothing between."""
    writers = _Writers(out)
    for name, add in (("issues", writers.add_issues), ("changelogs", writers.add_changelogs)):
        with (folder / f"{name}.ndjson").open("rb") as lines:
            while batch := list(islice(lines, BATCH)):
                add(batch)
    writers.close()
    return writers.rows


_PERSON = {"accountId": "varchar", "displayName": "varchar"}
_NAMED = {"id": "varchar", "name": "varchar"}
_TEXT = "varchar"
_ISSUE: dict[str, Any] = {
    "key": _TEXT,
    "fields": {
        **dict.fromkeys(("summary", "created", "updated"), _TEXT),
        **dict.fromkeys(("issuetype", "status", "resolution", "priority"), _NAMED),
        **dict.fromkeys(("creator", "reporter", "assignee"), _PERSON),
        "project": {"id": _TEXT, "key": _TEXT},
    },
}
_COMMENT: dict[str, Any] = {
    **dict.fromkeys(("author", "updateAuthor"), _PERSON),
    **dict.fromkeys(("id", "body", "created", "updated"), _TEXT),
}
_ITEM = dict.fromkeys(("field", "fieldId", "from", "fromString", "to", "toString"), _TEXT)
_HISTORY: dict[str, Any] = {"id": _TEXT, "created": "bigint", "author": _PERSON, "items": [_ITEM]}


def _type(shape: Any) -> str:  # noqa: ANN401 - a type's name, or dictionaries and lists of such
    """Return a shape, as `from_json` takes it, as the name of a type."""
    if isinstance(shape, dict):
        members = (f'"{name}" {_type(of)}' for name, of in shape.items())
        return f"struct({', '.join(members)})"
    return f"{_type(shape[0])}[]" if isinstance(shape, list) else str(shape)


def duckdb_typed(folder: Path, out: Path, _url: str) -> int:
    """DuckDB reads the files on disk into typed issues, comments and changed fields: the floor."""
    held = {**_ISSUE["fields"], "comment": {"comments": [_COMMENT]}}
    columns: dict[str, dict[str, Any]] = {
        "issues": {"id": _TEXT, "key": _TEXT, "fields": held},
        "changelogs": {"issueId": _TEXT, "changeHistories": [_HISTORY]},
    }
    with duckdb.connect(str(out / "typed.duckdb")) as connection:
        for name, types in columns.items():
            connection.read_json(
                str(folder / f"{name}.ndjson"),
                format="newline_delimited",
                columns={column: _type(shape) for column, shape in types.items()},
            ).create_view(f"read_{name}")
        for table, query in {
            "issues": "select id, key, fields.* exclude (comment) from read_issues",
            "comments": """
                select id as issue_id, unnest(fields.comment.comments, max_depth := 2)
                from read_issues
            """,
            "items": """
                select issueId, history.* exclude (items), unnest(history.items, max_depth := 2)
                from (select issueId, unnest(changeHistories) as history from read_changelogs)
            """,
        }.items():
            connection.execute(f"create table {table} as {query}")
        return _rows(connection, "issues", "comments", "items")


def handwritten_typed(folder: Path, out: Path, url: str) -> int:
    """Pages to Parquet by `handwritten_pages`, and from there to typed tables by DuckDB."""
    handwritten_pages(folder, out, url)
    shapes = {"issues": _ISSUE, "comments": _COMMENT, "changelogs": _HISTORY}
    with duckdb.connect(str(out / "typed.duckdb")) as connection:
        for name, shape in shapes.items():
            connection.execute(
                f"""
                create table {name} as
                select id, parent, version, from_json(payload, '{json.dumps(shape)}') as {name}
                from read_parquet($file)
                """,
                {"file": str(out / f"{name}.parquet")},
            )
        return _rows(connection, *shapes)


def _rows(connection: duckdb.DuckDBPyConnection, *tables: str) -> int:
    return sum(len(connection.table(table)) for table in tables)


class _IssuePage(msgspec.Struct):
    issues: list[msgspec.Raw]
    nextPageToken: str | None = None  # noqa: N815 - Jira's name


class _ChangelogPage(msgspec.Struct):
    issueChangeLogs: list[msgspec.Raw]  # noqa: N815 - Jira's name


def bare_requests(_folder: Path, _out: Path, url: str) -> int:
    """Ask for the pages that the product reads, as many in flight, and throw every answer away."""
    return asyncio.run(_read_pages(url, _forget, _forget))


def bare_small_requests(_folder: Path, _out: Path, url: str) -> int:
    """Do the same with pages of the design's size."""
    return asyncio.run(_read_pages(url, _forget, _forget, DESIGN_PAGE))


def _forget(_body: bytes) -> None:
    """Do nothing with it."""


def handwritten_small_pages(folder: Path, out: Path, url: str) -> int:
    """Read pages of the design's size into Parquet, see `handwritten_pages`."""
    return handwritten_pages(folder, out, url, DESIGN_PAGE)


def handwritten_pages(
    _folder: Path, out: Path, url: str, page_size: int = ISSUES_PER_REQUEST
) -> int:
    """Read the pages that the product reads into Parquet: what a careful person's script would do.

    The same requests, as many in flight; no retries, no limits, no checks, no state, and three
    tables where the product writes five.
    """
    writers = _Writers(out)

    def take_issues(body: bytes) -> None:
        writers.add_issues(msgspec.json.decode(body, type=_IssuePage).issues)

    def take_changelogs(body: bytes) -> None:
        writers.add_changelogs(msgspec.json.decode(body, type=_ChangelogPage).issueChangeLogs)

    asyncio.run(_read_pages(url, take_issues, take_changelogs, page_size))
    writers.close()
    return writers.rows


async def _read_pages(
    url: str,
    take_issues: Callable[[bytes], None],
    take_changelogs: Callable[[bytes], None],
    page_size: int = ISSUES_PER_REQUEST,
) -> int:
    """List the site's issues and hand over all pages of them meanwhile; returns how many issues."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), read_bufsize=2**20
    ) as session:

        async def post(path: str, body: object) -> bytes:
            async with session.post(url + path, data=msgspec.json.encode(body)) as response:
                return await response.read()

        endpoints = [
            _Endpoint("/rest/api/3/issue/bulkfetch", page_size, take_issues),
            _Endpoint("/rest/api/3/changelog/bulkfetch", 250, take_changelogs),
        ]

        async def list_issues() -> int:
            count = 0
            token: str | None = None
            while token is not None or not count:
                body = {"jql": "", "fields": ["id"], "maxResults": 5_000}
                answer = await post("/rest/api/3/search/jql", body | {"nextPageToken": token})
                page = msgspec.json.decode(answer, type=_IssuePage)
                ids = [msgspec.json.decode(raw)["id"] for raw in page.issues]
                count += len(ids)
                for endpoint in endpoints:
                    for start in range(0, len(ids), endpoint.size):
                        endpoint.waiting.put_nowait(ids[start : start + endpoint.size])
                token = page.nextPageToken
            for endpoint in endpoints:
                for _ in range(IN_FLIGHT):
                    endpoint.waiting.put_nowait([])
            return count

        async def work(endpoint: _Endpoint) -> None:
            while part := await endpoint.waiting.get():
                endpoint.take(await post(endpoint.path, {"issueIdsOrKeys": part}))

        workers = [work(endpoint) for endpoint in endpoints for _ in range(IN_FLIGHT)]
        listing = asyncio.create_task(list_issues())
        await asyncio.gather(listing, *workers)
    return listing.result()


@dataclass(frozen=True)
class _Endpoint:
    """What is asked `size` issues at a time; an empty list of `waiting` ends one worker."""

    path: str
    size: int
    take: Callable[[bytes], None]
    waiting: asyncio.Queue[list[str]] = field(default_factory=asyncio.Queue)


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


def _pipeline(out: Path, destination: Any) -> dlt.Pipeline:  # noqa: ANN401 - dlt's own loose types
    os.environ["DLT_DATA_DIR"] = str(out / "dlt_data")
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    return dlt.pipeline(
        "contender", pipelines_dir=str(out / "dlt"), destination=destination, dataset_name="bench"
    )


def _dlt(folder: Path, out: Path, destination: Any, **options: Any) -> int:  # noqa: ANN401 - dlt's own loose types
    pipeline = _pipeline(out, destination)
    resource_ = dlt.resource(_dictionaries(folder), name="issues", write_disposition="append")
    pipeline.run(resource_, **options)
    trace = pipeline.last_trace
    if trace is None or trace.last_normalize_info is None:
        message = "dlt kept no trace of its run"
        raise RuntimeError(message)
    counts = trace.last_normalize_info.row_counts
    return sum(count for table, count in counts.items() if not table.startswith("_dlt"))


def dlt_parallelized(folder: Path, out: Path, url: str) -> int:
    """Extract issues as dictionaries with dlt's own means: deferred requests in its thread pool."""
    issues, count = _parallelized(folder, url)
    _pipeline(out, dlt.destinations.duckdb(str(out / "extract.duckdb"))).extract(issues)
    return count


def dlt_parallelized_lake(folder: Path, out: Path, url: str) -> int:
    """Do the same, and let dlt write them to Parquet files."""
    issues, count = _parallelized(folder, url)
    lake = dlt.destinations.filesystem(str(out / "lake"))
    _pipeline(out, lake).run(issues, loader_file_format="parquet")
    return count


def _parallelized(folder: Path, url: str) -> tuple[Any, int]:
    """Return the resource, and how many issues it has; dlt's loose types."""
    with (folder / "issues.ndjson").open("rb") as lines:
        ids = [msgspec.json.decode(line)["id"] for line in lines]
    os.environ["EXTRACT__WORKERS"] = str(IN_FLIGHT)
    os.environ["EXTRACT__MAX_PARALLEL_ITEMS"] = str(2 * IN_FLIGHT)

    @dlt.resource(name="issues", parallelized=True)
    def issues() -> Iterator[Any]:
        for start in range(0, len(ids), ISSUES_PER_REQUEST):

            @dlt.defer
            def page(start: int = start) -> Any:  # noqa: ANN401 - what the site sends
                asked = {"issueIdsOrKeys": ids[start : start + ISSUES_PER_REQUEST]}
                post = dlt.sources.helpers.requests.post
                return post(f"{url}/rest/api/3/issue/bulkfetch", json=asked).json()["issues"]

            yield page()

    return issues, len(ids)


def dlt_default(folder: Path, out: Path, _url: str) -> int:
    """Nested dictionaries into DuckDB with dlt's default settings."""
    return _dlt(folder, out, dlt.destinations.duckdb(str(out / "default.duckdb")))


def dlt_nested_parquet(folder: Path, out: Path, _url: str) -> int:
    """Nested dictionaries into DuckDB by way of Parquet."""
    return _dlt(
        folder,
        out,
        dlt.destinations.duckdb(str(out / "parquet.duckdb")),
        loader_file_format="parquet",
    )


CONTENDERS: dict[str, Callable[[Path, Path, str], int]] = {
    "bare_requests": bare_requests,
    "bare_small_requests": bare_small_requests,
    "duckdb_objects": duckdb_objects,
    "duckdb_typed": duckdb_typed,
    "handwritten_parquet": handwritten_parquet,
    "handwritten_pages": handwritten_pages,
    "handwritten_small_pages": handwritten_small_pages,
    "handwritten_typed": handwritten_typed,
    "dlt_default": dlt_default,
    "dlt_parallelized": dlt_parallelized,
    "dlt_parallelized_lake": dlt_parallelized_lake,
    "dlt_nested_parquet": dlt_nested_parquet,
}


def main() -> None:
    """Run one contender and print what it measured."""
    parser = argparse.ArgumentParser(description="Load the benchmark's issues in another way.")
    parser.add_argument("name", choices=sorted(CONTENDERS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default="")
    arguments = parser.parse_args()
    with (arguments.folder / "issues.ndjson").open("rb") as lines:
        issues = sum(1 for _ in lines)
    with tempfile.TemporaryDirectory() as out:
        before, started = cpu_seconds(), time.perf_counter()
        rows = CONTENDERS[arguments.name](arguments.folder, Path(out), arguments.url)
        seconds, used = time.perf_counter() - started, cpu_seconds() - before
    measured = {
        "seconds": seconds,
        "cpu_seconds": used,
        "issues": issues,
        "rows": rows,
        "peak_mb": peak_mb(),
    }
    print(json.dumps(measured))  # noqa: T201 - the parent process reads this line


if __name__ == "__main__":
    main()
