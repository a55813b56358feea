"""From response bytes to Arrow rows: keys, versions and times out, the payload kept as text.

Every resource of the lake has the one schema `ROW_SCHEMA`. A record that has no id, no readable
time or an unexpected shape becomes a row of `quarantine` and stops nothing else.

Rows come one at a time (`Row`) or, where an answer holds many records and all are as expected,
column by column (`Rows`): a tenth of the work. A source that reads whole answers decodes them
strictly and goes back to single records, with their quarantine, when anything is unusual.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

T = TypeVar("T")

PlainId = Annotated[str, msgspec.Meta(min_length=1)]
"""An identifier as Atlassian sends nearly all of them, for strict decoding of whole answers."""

TIMESTAMP = pa.timestamp("us", tz="UTC")
_COLUMNS: list[pa.Field[Any]] = [
    pa.field("site_id", pa.string(), nullable=False),
    pa.field("object_id", pa.string(), nullable=False),
    pa.field("parent_id", pa.string()),
    pa.field("version", pa.string(), nullable=False),
    pa.field("source_at", TIMESTAMP),
    pa.field("fetched_at", TIMESTAMP, nullable=False),
    pa.field("is_present", pa.bool_(), nullable=False),
    pa.field("payload", pa.string()),
]
ROW_SCHEMA = pa.schema(_COLUMNS)
_ROW_ORDER = (
    "object_id",
    "parent_id",
    "version",
    "source_us",
    "fetched_us",
    "is_present",
)
QUARANTINED_TEXT_LIMIT = 2**20
"""Characters kept of a record in quarantine."""

NEVER = datetime.min.replace(tzinfo=UTC)
"""A time before all others, for things that have not happened yet."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST_US = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST_US = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\."
)
_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class BadRecordError(ValueError):
    """One record cannot become a row; the message says why."""


class Row(NamedTuple):
    """One row of the lake but for its site. Times are microseconds since 1970, UTC."""

    object_id: str
    version: str
    fetched_us: int
    payload: bytes | None
    source_us: int | None = None
    parent_id: str | None = None
    is_present: bool = True


class Rows(NamedTuple):
    """Many rows that are present, column by column, all columns of one length.

    `source_at` has type TIMESTAMP; where `versions` is None they are its `version_at`. Payloads
    are copied when the rows are added to a buffer.
    """

    object_ids: Sequence[str]
    versions: Sequence[str] | None
    fetched_us: int
    payloads: Sequence[bytes]
    source_at: pa.Array[Any]
    parent_ids: Sequence[str] | None = None


class _Columns:
    """Rows of several answers that have, or lack, the same columns.

    Only payloads become Arrow at once: each conversion costs the same for a few rows as for many.
    """

    def __init__(self, *, with_versions: bool, with_parents: bool) -> None:
        self.kind = with_versions, with_parents
        self._object_ids: list[str] = []
        self._versions: list[str] = []
        self._parent_ids: list[str] = []
        self._fetched_us = array("q")
        self._source_at: list[pa.Array[Any]] = []
        self._payloads: list[pa.Array[Any]] = []

    def extend(self, rows: Rows) -> None:
        """Add rows of this kind."""
        self._object_ids += rows.object_ids
        self._versions += rows.versions or ()
        self._parent_ids += rows.parent_ids or ()
        self._fetched_us += array("q", [rows.fetched_us]) * len(rows.object_ids)
        self._source_at.append(rows.source_at)
        self._payloads.append(_text_array(rows.payloads))

    def table(self, site_id: str) -> pa.Table:
        """Return all rows as a table of ROW_SCHEMA."""
        count = len(self._object_ids)
        with_versions, with_parents = self.kind
        source_at = pa.concat_arrays(self._source_at)
        fetched_at: pa.Array[Any] = pa.Array.from_buffers(
            TIMESTAMP, count, [None, pa.py_buffer(self._fetched_us)]
        )
        parent_ids = self._parent_ids if with_parents else pa.nulls(count, pa.string())
        return pa.Table.from_arrays(
            [
                pa.repeat(pa.scalar(site_id), count),
                pa.array(self._object_ids, pa.string()),
                pa.array(parent_ids, pa.string()),
                pa.array(self._versions, pa.string())
                if with_versions
                else versions_column(source_at),
                source_at,
                fetched_at,
                pa.repeat(pa.scalar(value=True), count),
                pa.chunked_array(self._payloads, pa.string()),
            ],
            schema=ROW_SCHEMA,
        )


class RowBuffer:
    """Collects rows of one resource until they are worth a table.

    `size` counts payload bytes, `len()` rows. A single row's payload that is a view of a page
    (`msgspec.Raw`) keeps that page in memory until `take`.
    """

    def __init__(self, site_id: str) -> None:
        self._site_id = site_id
        self._rows: list[Row] = []
        self._columns: _Columns | None = None
        self._tables: list[pa.Table] = []
        self._count = 0
        self.size = 0

    def __len__(self) -> int:
        return self._count

    def add(self, row: Row) -> None:
        """Add one row."""
        self._end_columns()
        self._rows.append(row)
        self._count += 1
        if row.payload is not None:
            self.size += len(row.payload)

    def extend(self, rows: Rows) -> None:
        """Add many rows, after those that are there."""
        self._end_single_rows()
        kind = rows.versions is not None, rows.parent_ids is not None
        if self._columns is None or self._columns.kind != kind:
            self._end_columns()
            self._columns = _Columns(with_versions=kind[0], with_parents=kind[1])
        self._columns.extend(rows)
        self._count += len(rows.object_ids)
        self.size += sum(map(len, rows.payloads))

    def take(self) -> pa.Table:
        """Return all rows as one table of `ROW_SCHEMA` and start empty again."""
        self._end_single_rows()
        self._end_columns()
        table = pa.concat_tables(self._tables) if self._tables else ROW_SCHEMA.empty_table()
        self._tables = []
        self._count = self.size = 0
        return table

    def _end_columns(self) -> None:
        if self._columns is not None:
            self._tables.append(self._columns.table(self._site_id))
            self._columns = None

    def _end_single_rows(self) -> None:
        if not self._rows:
            return
        columns = dict(zip(Row._fields, zip(*self._rows, strict=True), strict=True))
        arrays = [
            pa.repeat(pa.scalar(self._site_id), len(self._rows)),
            *(
                pa.array(columns[name], type=field.type)
                for name, field in zip(_ROW_ORDER, _COLUMNS[1:-1], strict=True)
            ),
            _text_array(columns["payload"]),
        ]
        self._tables.append(pa.Table.from_arrays(arrays, schema=ROW_SCHEMA))
        self._rows = []


def _text_array(texts: Sequence[bytes | None]) -> pa.Array[Any]:
    """Return UTF-8 texts as an Arrow column with one copy of their bytes."""
    present = [text for text in texts if text is not None]
    if len(present) < len(texts):
        return pa.array([text and bytes(text) for text in texts], type=pa.string())
    offsets = array("i", accumulate(map(len, present), initial=0))
    return pa.StringArray.from_buffers(
        len(present), pa.py_buffer(offsets), pa.py_buffer(b"".join(present))
    )


def is_plain(body: bytes) -> bool:
    """Say whether a JSON document that was decoded needs no mending: UTF-8, no escaped NUL.

    Lone surrogates are not looked for: the decoder refuses them. May say no to text that is
    harmless; `mend` then leaves it as it is.
    """
    if b"\\" in body and b"\\u0000" in body:
        return False
    try:
        return body.isascii() or bool(body.decode())
    except UnicodeDecodeError:
        return False


def mend(record: bytes) -> tuple[bytes, str | None]:
    """Return a record as text every reader can take, and what had to be replaced, if anything.

    Bytes that are not UTF-8 and escaped lone surrogates become U+FFFD, the escaped NUL becomes
    its visible sign U+2400. Other text is returned exactly as it was sent.
    """
    reasons: list[str] = []
    try:
        text = str(record, "utf-8")
    except UnicodeDecodeError:
        text = str(record, "utf-8", "replace")
        reasons.append("bytes that are not UTF-8")

    def replace(match: re.Match[str]) -> str:
        escape = match.group()
        if escape == "\\u0000":
            reasons.append("NUL characters")
            return "\\u2400"
        if _LONE_SURROGATE.fullmatch(escape):
            reasons.append("lone surrogates")
            return "\\ufffd"
        return escape

    mended = _ESCAPE.sub(replace, text).encode()
    return mended, ", ".join(dict.fromkeys(reasons)) or None


def time_us(value: object) -> int:
    """Return microseconds since 1970 of Jira's text (`2025-11-12T16:28:36.943+0100`) or epoch ms.

    Raises BadRecordError when it is neither, has no offset, or lies outside years 1 to 9999.
    """
    microseconds: int | None = None
    try:
        if isinstance(value, str):
            microseconds = (datetime.fromisoformat(value) - _EPOCH) // _MICROSECOND
        elif isinstance(value, int | float) and not isinstance(value, bool):
            microseconds = int(value * 1_000)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadRecordError(f"unreadable time: {str(value)[:40]!r}") from error
    if microseconds is None or not _FIRST_US <= microseconds <= _LAST_US:
        raise BadRecordError(f"unreadable time: {str(value)[:40]!r}")
    return microseconds


def times_column(values: Sequence[Any]) -> pa.Array[Any] | None:
    """Return `time_us` of texts or of epoch ms as a TIMESTAMP column.

    None when not all of them are of one kind and plainly readable: then look at each.
    """
    if not values:
        return pa.array([], TIMESTAMP)
    try:
        if isinstance(values[0], str):
            column = pa.array(values, pa.string()).cast(TIMESTAMP)
            # the column's times have four digits of years; the first and the last are for `time_us`
            is_within = str(min(values)) >= "0002" and str(max(values)) < "9999"
        else:
            milliseconds = pa.array(values)
            if milliseconds.type != pa.int64():
                return None
            column = pc.multiply_checked(milliseconds, 1_000).cast(TIMESTAMP)
            is_within = min(values) * 1_000 >= _FIRST_US and max(values) * 1_000 <= _LAST_US
    except (pa.ArrowInvalid, TypeError, OverflowError):
        return None
    return column if is_within else None


def versions_column(moments: pa.Array[Any]) -> pa.Array[Any]:
    """Return `version_at` of a TIMESTAMP column."""
    milliseconds = pc.floor_temporal(moments, unit="millisecond").cast(pa.timestamp("ms", "UTC"))
    texts: pa.Array[Any] = pc.binary_replace_slice(milliseconds.cast(pa.string()), 10, 11, "T")
    return texts


def us_of(moment: datetime) -> int:
    """Return microseconds since 1970 of an aware time, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def at_us(microseconds: int) -> datetime:
    """Return the UTC time of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


def version_at(moment: datetime) -> str:
    """Return the version text of a UTC time: ISO-8601 with milliseconds and `Z`."""
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def id_of(value: object) -> str:
    """Return an identifier as text. Raises BadRecordError when it is missing or no id."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise BadRecordError(f"no usable id: {str(value)[:40]!r}")


def record_reader(kind: type[T]) -> Callable[[bytes], T]:
    """Return a function that decodes the few fields of `kind` out of a record.

    It raises BadRecordError saying what does not fit.
    """
    decode = msgspec.json.Decoder(kind).decode

    def read(record: bytes) -> T:
        try:
            return decode(record)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadRecordError(f"unexpected shape: {error}") from error

    return read


_read_members = record_reader(dict[str, msgspec.Raw])
_read_anything: Callable[[bytes], object] = record_reader(object)


def member_of(record: bytes, name: str) -> object:
    """Decode one member of a JSON object; the others may hold anything, even absurd numbers.

    None when it is missing. Raises BadRecordError when the record is no object.
    """
    value = _read_members(record).get(name)
    return None if value is None else _read_anything(value)


def best_known_id(record: bytes) -> str:
    """Return the id of a record in quarantine as far as it can be read, else `unknown`."""
    try:
        return id_of(member_of(record, "id"))
    except BadRecordError:
        return "unknown"


def sha256(content: bytes) -> str:
    """Return the hex digest of some bytes."""
    return hashlib.sha256(content).hexdigest()


def content_hash(record: bytes) -> str:
    """Return the digest of a JSON text that does not depend on key order or white space."""
    try:
        return sha256(msgspec.json.encode(msgspec.json.decode(record), order="sorted"))
    except (msgspec.DecodeError, RecursionError):
        return sha256(record)
