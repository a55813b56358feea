"""Exports: a whole answer as a workbook, written to a file without a name before it is sent."""

from __future__ import annotations

import errno
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import IO, Any
from zoneinfo import ZoneInfo

from fastapi.responses import StreamingResponse

from serve.errors import ProblemError
from serve.query.compiler import Query
from serve.query.export import with_pictures
from serve.query.scope import Scope
from serve.query.spec import Interval
from serve.query.visibility import Rights, Viewer
from serve.warehouse.snapshot import Snapshot
from serve.warehouse.warehouse import Warehouse
from serve.workbook import make_shell, write_workbook

WORKBOOK_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EXPORTS_AT_ONCE = 2
EXPORT_WAIT_SECONDS = 60
MAX_DESCRIPTION = 2_000

WORKBOOK_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The workbook.",
        "content": {
            WORKBOOK_MEDIA_TYPE: {
                "schema": {"type": "string", "format": "binary"},
                "examples": {
                    "workbook": {"summary": "An .xlsx file", "value": "activity.xlsx"},
                },
            }
        },
    }
}

# Rows that one query of an export sorts in memory, give or take a month.
STRETCH_ROWS = 100_000
_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows there are, and the queries that give them, one after the other.

    `queries` takes the style of dates; each query gives one column, the rendered rows.
    """

    count: int
    queries: Callable[[int], Iterable[Query]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is to be written; `columns` are the words of the header with their widths.

    Its days are those of `zone`.
    """

    title: str
    scope: Scope
    zone: ZoneInfo
    columns: Mapping[str, int]
    rows: Rows


@dataclass(frozen=True, slots=True)
class Export:
    """A finished workbook: its name, its bytes (from the start), how many there are."""

    name: str
    content: IO[bytes]
    size: int

    def response(self) -> StreamingResponse:
        """Return the answer that sends it."""
        return StreamingResponse(
            self._chunks(),
            media_type=WORKBOOK_MEDIA_TYPE,
            headers={
                "Content-Disposition": f'attachment; filename="{self.name}"',
                "Content-Length": str(self.size),
            },
        )

    def _chunks(self) -> Iterator[bytes]:
        with self.content as content:
            while chunk := content.read(_CHUNK_BYTES):
                yield chunk


@dataclass(frozen=True, slots=True)
class Exporter:
    """Writes exports, a few at once."""

    warehouse: Warehouse
    places: threading.Semaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(EXPORTS_AT_ONCE)
    )

    def export(self, viewer: Viewer, plan: Callable[[Snapshot, Rights], Sheet]) -> Export:
        """Write the sheet that `plan` makes of the newest snapshot.

        ProblemError 503 if other exports keep running or the disk has no room.
        """
        if not self.places.acquire(timeout=EXPORT_WAIT_SECONDS):
            raise ProblemError(
                "busy", "other exports are being written", "ask again in a few minutes"
            )
        try:
            with self.warehouse.lease() as snapshot:
                return _write(snapshot, plan(snapshot, snapshot.rights(viewer)))
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise ProblemError(
                "query-too-large",
                "there is no room on the disk for the export",
                "ask for a shorter time, or free space in the directory for temporary files",
            ) from None
        finally:
            self.places.release()


def _write(snapshot: Snapshot, sheet: Sheet) -> Export:
    row_count = sheet.rows.count
    first, last = _days(sheet.scope.interval, sheet.zone)
    # It holds names and JQL as people wrote them.
    description = with_pictures(f"{sheet.scope.description}; snapshot {snapshot.id}")
    shell = make_shell(
        row_count,
        sheet.columns,
        name=sheet.title,
        title=f"{sheet.title} from {first} to {last} ({sheet.zone.key})",
        description=description[:MAX_DESCRIPTION],
    )

    def rows() -> Iterator[str]:
        for query in sheet.rows.queries(shell.date_style):
            for batch in snapshot.stream(query):
                yield from (row for (row,) in batch)

    # Nameless from the start: whatever happens, nothing is left behind.
    content = tempfile.TemporaryFile()  # noqa: SIM115 - closed by whoever sends it
    try:
        write_workbook(content, shell, row_count, rows())
    except BaseException:
        content.close()
        raise
    size = content.tell()
    content.seek(0)
    name = sheet.title.lower().replace(" ", "_")
    return Export(f"{name}_{first}_{last}.xlsx", content, size)


def _days(interval: Interval, zone: ZoneInfo) -> tuple[date, date]:
    """Return the first and the last day of which an interval has a part."""
    first = interval.start.astimezone(zone).date()
    last = (interval.end - timedelta(microseconds=1)).astimezone(zone).date()
    return first, max(first, last)


def rows_by_month(
    snapshot: Snapshot, months: Query, rows: Callable[[date, date, int], Query]
) -> Rows:
    """Return the rows of a list that is written newest first, a few months at a time.

    `months` gives (month, number of rows), newest first; `rows` takes the first and the last month
    and the style of dates.
    """
    counts = snapshot.run(months)
    return Rows(
        sum(count for _, count in counts),
        lambda date_style: (
            rows(oldest, newest, date_style) for newest, oldest in _stretches(counts)
        ),
    )


def _stretches(months: list[tuple[date, int]]) -> Iterator[tuple[date, date]]:
    """Group months, newest first, into stretches that sort well: few queries, flat memory."""
    newest, rows = None, 0
    for month, count in months:
        newest = newest or month
        rows += count
        if rows >= STRETCH_ROWS or month == months[-1][0]:
            yield newest, month
            newest, rows = None, 0
