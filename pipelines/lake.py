"""The raw lake: which Parquet files count, what they last said, and keeping them few.

    raw/<source>/<resource>/<load_id>.<file_id>.parquet   rows of `pipelines.rows.ROW_SCHEMA`
    raw/<source>/_dlt_loads/…jsonl                        one per finished load, written last
    raw/<source>/_compactions/<name>.json                 one per compaction: what it replaces
    raw/manifest.json                                     the files that count, for every reader

A file counts when dlt finished its load or a compaction record names it, and no compaction record
replaces it. Everything else is a stray of a killed process and is swept at the next start. Files
are never changed once written.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from ulid import ULID

from pipelines.errors import DamagedLakeError
from pipelines.rows import ROW_SCHEMA

MANIFEST = "manifest.json"
COMPACTIONS = "_compactions"
LOADS = "_dlt_loads"
STATES = "_dlt_pipeline_state"
SCHEMAS = "_dlt_version"
COMPACTED = "compacted-"
CROWDED = 500
"""Files of one resource and month, above which they cost every run more than making them one."""


class LakeFile(msgspec.Struct, frozen=True, order=True):
    """One file that counts. `file` and `replaces` are paths relative to `raw/`."""

    source: str
    resource: str
    file: str
    load_id: str
    rows: int
    replaces: tuple[str, ...] = ()


class Compaction(msgspec.Struct, frozen=True):
    """Record of one compaction: the new file, the files it replaces, and the proof."""

    file: str
    replaces: tuple[str, ...]
    rows: int
    digest: str


class Seen(NamedTuple):
    """The last version of an object in the lake and whether it was present."""

    version: str
    is_present: bool


def raw_dir(home: Path) -> Path:
    """Return the lake's directory inside `home`."""
    return home / "raw"


@contextmanager
def _manifest_lock(raw: Path) -> Iterator[None]:
    raw.mkdir(parents=True, exist_ok=True)
    with (raw / ".manifest.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_manifest(home: Path) -> list[LakeFile]:
    """List the files that count into `raw/manifest.json`, atomically, and return them sorted.

    New files are forced to disk before the manifest names them. Raises DamagedLakeError when a
    file that counts cannot be read.
    """
    raw = raw_dir(home)
    with _manifest_lock(raw):
        known = {entry.file: entry.rows for entry in read_manifest(home)}
        entries: list[LakeFile] = []
        for source in _sources(raw):
            for path, replaces in _counting_files(raw, source):
                name = str(path.relative_to(raw))
                rows = known.get(name)
                if rows is None:
                    rows = _row_count(path)
                    _force(path)
                entries.append(
                    LakeFile(source, path.parent.name, name, load_id_of(path), rows, replaces)
                )
        entries.sort()
        _write_whole(raw / MANIFEST, msgspec.json.format(msgspec.json.encode(entries), indent=1))
        return entries


def read_manifest(home: Path) -> list[LakeFile]:
    """Return the manifest as last written; empty when there is none yet."""
    path = raw_dir(home) / MANIFEST
    return msgspec.json.decode(path.read_bytes(), type=list[LakeFile]) if path.exists() else []


def load_id_of(path: Path) -> str:
    """Return the load a data file belongs to (`compacted-YYYY-MM` for compacted ones)."""
    return path.name.rsplit(".", 2)[0]


def finished_loads(raw: Path, source: str) -> dict[str, Path]:
    """Return the load ids dlt finished with status 0, and their entries in `_dlt_loads`."""
    finished: dict[str, Path] = {}
    for path in (raw / source / LOADS).glob("*.jsonl"):
        try:
            entry = msgspec.json.decode(path.read_bytes())
            if entry["status"] == 0:
                finished[str(entry["load_id"])] = path
        except (msgspec.DecodeError, KeyError, TypeError):
            continue  # torn by a crash: not finished
    return finished


def sweep(home: Path, source: str) -> int:
    """Remove what a killed process left of `source`; return how many files went.

    Also takes back a finished load that never reached the manifest and cannot be read, as after
    a power cut: its cursor goes with it, so the next sync reads it again. The caller must be the
    only one writing this source.
    """
    raw = raw_dir(home)
    base = raw / source
    if not base.exists():
        return 0
    removed = 0
    finished = finished_loads(raw, source)
    if not finished and not _compactions(raw, source):
        # nothing counts yet, and dlt does not start over in a half-made directory
        removed = sum(path.is_file() for path in base.rglob("*"))
        shutil.rmtree(base)
        return removed
    listed = {entry.load_id for entry in read_manifest(home) if entry.source == source}
    files: dict[str, list[Path]] = defaultdict(list)
    for path in _data_files(base):
        files[load_id_of(path)].append(path)
    for load_id in sorted(set(finished) - listed):
        if not all(_is_readable(path) for path in files[load_id]):
            finished.pop(load_id).unlink()
            removed += 1
    counting = {path for path, _ in _counting_files(raw, source)}
    states = {path: _load_of_state(path) for path in (base / STATES).glob("*.jsonl")}
    needed = {load_id_of(path) for path in counting} | set(states.values())
    for load_id in _compacted_loads(raw, source) - needed:
        finished.pop(load_id, None)  # it says nothing any more, and reading thousands takes time
    keep = set(finished.values())
    strays = [path for path in _data_files(base) if path not in counting]
    strays += [path for path in (base / LOADS).glob("*") if path not in keep]
    strays += [path for path, load_id in states.items() if load_id not in finished]
    strays += [path for path in (base / SCHEMAS).glob("*") if not _is_json(path)]
    strays += (base / COMPACTIONS).glob("*.part")
    for path in strays:
        path.unlink()
    return removed + len(strays)


def site_of(home: Path) -> str | None:
    """Return the site whose data this home holds, or None for an empty home."""
    for entry in write_manifest(home):
        if entry.rows:
            table = pq.read_table(raw_dir(home) / entry.file, columns=["site_id"])
            return str(table["site_id"][0])
    return None


def last_versions(
    home: Path, source: str, resource: str, *, is_listed: bool = False
) -> dict[str, Seen]:
    """Return the last version of every object of a resource, by `fetched_at`, file and row.

    With `is_listed`, whose versions are those of complete listings, it goes by the site's time
    first: our own clock may have been set back since. Reads the key columns of the manifest's
    files only, never payloads.
    """
    columns = ("object_id", "version", "is_present")
    ids, *seen = _columns_in_time(home, source, resource, columns, is_listed=is_listed)
    return dict(zip(map(str, ids), map(Seen, *seen), strict=True))


def last_versions_by_parent(
    home: Path, source: str, resource: str, *, is_listed: bool = False
) -> dict[str, dict[str, Seen]]:
    """Return the same by parent, '' for objects without one."""
    columns = ("parent_id", "object_id", "version", "is_present")
    parents, ids, *seen = _columns_in_time(home, source, resource, columns, is_listed=is_listed)
    found: dict[str, dict[str, Seen]] = defaultdict(dict)
    for parent, object_id, last in zip(parents, ids, map(Seen, *seen), strict=True):
        found[str(parent or "")][str(object_id)] = last
    return found


def _columns_in_time(
    home: Path, source: str, resource: str, names: Sequence[str], *, is_listed: bool
) -> list[list[Any]]:
    times = ["source_at", "fetched_at"] if is_listed else ["fetched_at"]
    tables = [
        pq.read_table(path, columns=[*names, *times])
        for path in _resource_files(home, source, resource)
    ]
    if not tables:
        return [[] for _ in names]
    table = pa.concat_tables(tables)
    table = table.take(pc.sort_indices(table["fetched_at"]))  # stable: file and row break ties
    if is_listed:
        # what a listing lacks is dated after its end, up to the second in which the next may begin
        ended = pc.subtract(table["source_at"], pa.scalar(timedelta(seconds=1)))
        seen_at = pc.if_else(table["is_present"], table["source_at"], ended)
        table = table.take(pc.array_sort_indices(seen_at, null_placement="at_start"))
    return [table[name].to_pylist() for name in names]


def payloads(
    home: Path, source: str, resource: str, ids: Iterable[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield (object_id, payload) of the stored versions of `ids`, oldest file first.

    Row groups that hold none of the ids are skipped before their payloads are read.
    """
    wanted = pa.array(sorted(ids), type=pa.string())
    for path in _resource_files(home, source, resource):
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                keys = file.read_row_group(group, columns=["object_id"])["object_id"]
                mask = pc.is_in(keys, value_set=wanted)
                if not pc.any(mask).as_py():
                    continue
                rows = file.read_row_group(group, columns=["object_id", "payload"]).filter(mask)
                for row in rows.to_pylist():
                    if row["payload"] is not None:
                        yield row["object_id"], row["payload"].encode()


def compact(
    home: Path, *, now: datetime | None = None, only_crowded: bool = False
) -> list[LakeFile]:
    """Rewrite every closed month of every resource into one file; return the new files.

    A month is closed when `now` (UTC) is in a later one. One of more than `CROWDED` files is
    rewritten even if it is open, but for its newest file. The new file counts only once its rows
    are proved equal to the old ones, value by value and in order, and its record is on disk;
    only then are the old files removed. The caller must be the only one writing the lake.

    With `only_crowded` no other month is rewritten, and old files stay until the next `sweep`:
    then syncs may be under way.
    """
    raw = raw_dir(home)
    moment = now or datetime.now(UTC)
    current_month = f"{moment.astimezone(UTC):%Y-%m}"
    made: list[str] = []
    for source in _sources(raw):
        months: dict[tuple[str, str], list[Path]] = defaultdict(list)
        for path, _ in _counting_files(raw, source):
            months[path.parent.name, _month_of(path)].append(path)
        for (resource, month), paths in sorted(months.items()):
            is_closed = month < current_month
            if len(paths) > CROWDED or (is_closed and len(paths) > 1 and not only_crowded):
                ordered = sorted(paths, key=_load_order)
                if not is_closed:
                    ordered.pop()  # the newest load says how fresh the source is
                made.append(_compact_files(raw, source, resource, month, ordered).file)
        if not only_crowded:
            sweep(home, source)
    return [entry for entry in write_manifest(home) if entry.file in made]


def row_digest(paths: Sequence[Path]) -> tuple[int, str]:
    """Return the number of rows and a digest of their values in order, whatever the chunking."""
    # nulls, lengths and values are digested apart, so that no chunk's end leaves a trace
    digests = [[hashlib.sha256() for _ in range(3)] for _ in ROW_SCHEMA]
    rows = 0
    for batch in _batches(paths):
        rows += batch.num_rows
        for index, (nulls, lengths, values) in enumerate(digests):
            column: pa.Array[Any] = batch.columns[index]
            nulls.update(_bytes_of(pc.is_null(column).cast(pa.uint8())))
            if pa.types.is_string(column.type):
                texts = cast("pa.StringArray", column.fill_null(""))
                lengths.update(_bytes_of(pc.binary_length(texts)))
                values.update(_text_bytes(texts))
            else:
                values.update(_bytes_of(column.cast(pa.int64()).fill_null(0)))
    parts = b"".join(part.digest() for column_parts in digests for part in column_parts)
    return rows, hashlib.sha256(parts).hexdigest()


def _compact_files(
    raw: Path, source: str, resource: str, month: str, paths: list[Path]
) -> Compaction:
    name = f"{COMPACTED}{month}.{ULID()}"
    target = raw / source / resource / f"{name}.parquet"
    with pq.ParquetWriter(target, ROW_SCHEMA, compression="zstd") as writer:
        for batch in _batches(paths):
            writer.write_batch(batch)
    proof = row_digest(paths)
    if row_digest([target]) != proof:
        target.unlink()
        raise DamagedLakeError(
            f"Compacting {source}/{resource} of {month} did not give the same rows.",
            "The old files still count and nothing was lost; check the disk.",
        )
    _force(target)
    earlier = {record.file: record.replaces for record in _compactions(raw, source)}
    names = [str(path.relative_to(raw)) for path in paths]
    replaces = sorted({*names, *(old for file in names for old in earlier.get(file, ()))})
    record = Compaction(str(target.relative_to(raw)), tuple(replaces), *proof)
    records = raw / source / COMPACTIONS
    records.mkdir(exist_ok=True)
    _write_whole(records / f"{name}.json", msgspec.json.encode(record))
    return record


def _sources(raw: Path) -> list[str]:
    return sorted(path.name for path in raw.iterdir() if path.is_dir()) if raw.exists() else []


def _data_files(base: Path) -> list[Path]:
    return sorted(path for path in base.glob("*/*.parquet") if not path.parent.name.startswith("_"))


def _compactions(raw: Path, source: str) -> list[Compaction]:
    return [
        msgspec.json.decode(path.read_bytes(), type=Compaction)
        for path in sorted((raw / source / COMPACTIONS).glob("*.json"))
    ]


def _compacted_loads(raw: Path, source: str) -> set[str]:
    """Return the loads of which a compaction replaced a file."""
    replaced = (name for record in _compactions(raw, source) for name in record.replaces)
    return {load_id_of(Path(name)) for name in replaced}


def _load_of_state(path: Path) -> str:
    return path.stem.rsplit("__", 2)[1]


def _counting_files(raw: Path, source: str) -> list[tuple[Path, tuple[str, ...]]]:
    """Return the files of a source that count, with the files each replaces."""
    finished = finished_loads(raw, source)
    records = _compactions(raw, source)
    replaced = {name for record in records for name in record.replaces}
    compacted = {record.file: record.replaces for record in records}
    counting: list[tuple[Path, tuple[str, ...]]] = []
    for path in _data_files(raw / source):
        name = str(path.relative_to(raw))
        if name not in replaced and (name in compacted or load_id_of(path) in finished):
            counting.append((path, compacted.get(name, ())))
    return counting


def _resource_files(home: Path, source: str, resource: str) -> list[Path]:
    paths = [
        raw_dir(home) / entry.file
        for entry in read_manifest(home)
        if (entry.source, entry.resource) == (source, resource)
    ]
    return sorted(paths, key=_load_order)


def newest_file(home: Path, source: str, resource: str) -> Path | None:
    """Return the file of the last load that holds rows of a resource; None if none does."""
    files = _resource_files(home, source, resource)
    return files[-1] if files else None


def _load_order(path: Path) -> tuple[float, str]:
    load_id = load_id_of(path)
    if load_id.startswith(COMPACTED):
        month = datetime.strptime(load_id.removeprefix(COMPACTED), "%Y-%m").replace(tzinfo=UTC)
        return month.timestamp(), path.name
    return float(load_id), path.name


def _month_of(path: Path) -> str:
    return f"{datetime.fromtimestamp(_load_order(path)[0], tz=UTC):%Y-%m}"


def _batches(paths: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    for path in paths:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                yield from file.read_row_group(group, columns=ROW_SCHEMA.names).to_batches()


def _bytes_of(array: pa.Array[Any]) -> memoryview:
    """Return the values of a fixed-width array without nulls as bytes."""
    _, values = array.buffers()
    width = array.type.bit_width // 8
    start = array.offset * width
    return memoryview(values or b"")[start : start + len(array) * width]


def _text_bytes(array: pa.Array[Any]) -> memoryview:
    """Return the texts of an array without nulls, one after the other, as bytes."""
    _, offsets, data = array.buffers()
    positions = memoryview(offsets or b"").cast("i")
    return memoryview(data or b"")[positions[array.offset] : positions[array.offset + len(array)]]


def _row_count(path: Path) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowInvalid) as error:
        raise DamagedLakeError(
            f"The lake file {path} cannot be read.",
            "Restore it from a backup, or move it away and run the sync with --full.",
        ) from error


def _is_readable(path: Path) -> bool:
    try:
        _row_count(path)
    except DamagedLakeError:
        return False
    return True


def _is_json(path: Path) -> bool:
    try:
        msgspec.json.decode(path.read_bytes())
    except msgspec.DecodeError:
        return False
    return True


def _force(path: Path) -> None:
    """Force a file and its directory entry to disk."""
    for target in (path, path.parent):
        handle = os.open(target, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _write_whole(path: Path, content: bytes) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(content)
    _force(part)
    part.replace(path)
    _force(path)
