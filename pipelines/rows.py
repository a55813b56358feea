"""From response bytes to Arrow rows: keys, versions and times out, the payload kept as text.

Every resource of the lake has the one schema `ROW_SCHEMA`. A record that has no id, no readable
time or an unexpected shape becomes a row of `quarantine` and stops nothing else.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
import pyarrow as pa

T = TypeVar("T")

_COLUMNS: list[pa.Field[Any]] = [
    pa.field("site_id", pa.string(), nullable=False),
    pa.field("object_id", pa.string(), nullable=False),
    pa.field("parent_id", pa.string()),
    pa.field("version", pa.string(), nullable=False),
    pa.field("source_at", pa.timestamp("us", tz="UTC")),
    pa.field("fetched_at", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("is_present", pa.bool_(), nullable=False),
    pa.field("payload", pa.string()),
]
ROW_SCHEMA = pa.schema(_COLUMNS)
QUARANTINED_TEXT_LIMIT = 2**20
"""Characters kept of a record in quarantine."""

NEVER = datetime.min.replace(tzinfo=UTC)
"""A time before all others, for things that have not happened yet."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SUSPECT = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\."
)
_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class BadRecordError(ValueError):
    """One record cannot become a row; the message says why."""


class RowBuffer:
    """Collects rows of one resource column by column until they are worth a table.

    `size` counts payload characters, `len()` rows.
    """

    def __init__(self, site_id: str) -> None:
        self._site_id = site_id
        self._columns: tuple[list[Any], ...] = ([], [], [], [], [], [], [])
        self.size = 0

    def __len__(self) -> int:
        return len(self._columns[0])

    def add(
        self,
        object_id: str,
        *,
        version: str,
        fetched_at: datetime,
        payload: str | None,
        parent_id: str | None = None,
        source_at: datetime | None = None,
        is_present: bool = True,
    ) -> None:
        """Add one row; times are aware."""
        ids, parents, versions, sources, fetches, presences, payloads = self._columns
        ids.append(object_id)
        parents.append(parent_id)
        versions.append(version)
        sources.append(source_at)
        fetches.append(fetched_at)
        presences.append(is_present)
        payloads.append(payload)
        self.size += len(payload) if payload else 0

    def take(self) -> pa.Table:
        """Return all rows as one table of `ROW_SCHEMA` and start empty again."""
        columns = [
            pa.repeat(pa.scalar(self._site_id), len(self)),
            *(
                pa.array(values, type=field.type)
                for values, field in zip(self._columns, _COLUMNS[1:], strict=True)
            ),
        ]
        self._columns = ([], [], [], [], [], [], [])
        self.size = 0
        return pa.Table.from_arrays(columns, schema=ROW_SCHEMA)


def text_of(record: bytes) -> tuple[str, str | None]:
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
    if _SUSPECT.search(text):

        def mend(match: re.Match[str]) -> str:
            escape = match.group()
            if escape == "\\u0000":
                reasons.append("NUL characters")
                return "\\u2400"
            if _LONE_SURROGATE.fullmatch(escape):
                reasons.append("lone surrogates")
                return "\\ufffd"
            return escape

        text = _ESCAPE.sub(mend, text)
    return text, ", ".join(dict.fromkeys(reasons)) or None


def parse_time(value: object) -> datetime:
    """Return an aware UTC time from Jira's text (`2025-11-12T16:28:36.943+0000`) or epoch ms.

    Raises BadRecordError when it is neither, has no offset, or lies outside years 1 to 9999.
    """
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise BadRecordError(f"time without offset: {value[:40]!r}")
            return moment.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return at_epoch_ms(value)
    except (ValueError, OverflowError) as error:
        raise BadRecordError(f"unreadable time: {str(value)[:40]!r}") from error
    raise BadRecordError(f"unreadable time: {str(value)[:40]!r}")


def version_at(moment: datetime) -> str:
    """Return the version text of a UTC time: ISO-8601 with milliseconds and `Z`."""
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def at_epoch_ms(milliseconds: float) -> datetime:
    """Return the UTC time of epoch milliseconds. Raises OverflowError outside years 1 to 9999."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def epoch_ms(moment: datetime) -> int:
    """Return whole milliseconds since 1970 of an aware time, exactly."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def id_of(value: object) -> str:
    """Return an identifier as text. Raises BadRecordError when it is missing or no id."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise BadRecordError(f"no usable id: {str(value)[:40]!r}")


def decode_record(record: str | bytes, kind: type[T]) -> T:
    """Decode the few fields of `kind`. Raises BadRecordError saying what does not fit."""
    try:
        return msgspec.json.decode(record, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecordError(f"unexpected shape: {error}") from error


def member_of(record: str | bytes, name: str) -> object:
    """Decode one member of a JSON object; the others may hold anything, even absurd numbers.

    None when it is missing. Raises BadRecordError when the record is no object.
    """
    value = decode_record(record, dict[str, msgspec.Raw]).get(name)
    return None if value is None else decode_record(bytes(value), object)


def best_known_id(record: str) -> str:
    """Return the id of a record in quarantine as far as it can be read, else `unknown`."""
    try:
        return id_of(member_of(record, "id"))
    except BadRecordError:
        return "unknown"


def sha256(*parts: str) -> str:
    """Return the hex digest of texts, kept apart by a separator that no JSON text holds."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def content_hash(text: str) -> str:
    """Return the digest of a JSON text that does not depend on key order or white space."""
    try:
        canonical = msgspec.json.encode(msgspec.json.decode(text), order="sorted").decode()
    except (msgspec.DecodeError, RecursionError):
        canonical = text
    return sha256(canonical)
