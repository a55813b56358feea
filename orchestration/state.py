"""What a home directory holds, read without disturbing a run: `status` and the checks use it.

Everything about sources comes from the lake (`runs`, `sweeps`, `quarantine`), so it is known before
the first build and stays true when a build fails.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from ulid import ULID

from orchestration.locking import Holder, current_holder
from orchestration.publishing import current_snapshot
from pipelines import lake


@dataclass(frozen=True)
class SourceState:
    """One source. Times are UTC; `cursor` is the newest moment of the site that was read.

    `rows` are those of the lake, `requests` and `warnings` those of the last successful sync.
    """

    source: str
    last_success_at: datetime | None
    cursor: datetime | None
    rows: int
    requests: int
    quarantined: int
    held_back: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def lag_seconds(self) -> float | None:
        """How far the data was behind the clock when the last sync ended."""
        if self.last_success_at is None or self.cursor is None:
            return None
        return max(0.0, (self.last_success_at - self.cursor).total_seconds())


@dataclass(frozen=True)
class SnapshotState:
    """The published snapshot; `size` in bytes."""

    snapshot_id: str
    path: Path
    size: int
    published_at: datetime


@dataclass(frozen=True)
class HomeState:
    """Everything `audit-log status` tells."""

    running: Holder | None
    sources: tuple[SourceState, ...]
    snapshot: SnapshotState | None


def read_home(home: Path, sources: tuple[str, ...]) -> HomeState:
    """Describe `home`; raises PublishError when its pointer is broken."""
    return HomeState(
        running=current_holder(home),
        sources=tuple(read_source(home, source) for source in sources),
        snapshot=_read_snapshot(home),
    )


def read_source(home: Path, source: str) -> SourceState:
    """Describe one source; a source never synced has no times and no rows."""
    runs = _payloads(home, source, "runs")
    last = max(runs.values(), key=lambda run: str(run["finished_at"]), default={})
    sweeps = _payloads(home, source, "sweeps")
    entries = [entry for entry in lake.read_manifest(home) if entry.source == source]
    return SourceState(
        source=source,
        last_success_at=_moment(last.get("finished_at")),
        cursor=_moment(last.get("cursor_to")),
        rows=sum(entry.rows for entry in entries),
        requests=sum(last.get("requests", {}).values()),
        quarantined=sum(entry.rows for entry in entries if entry.resource == "quarantine"),
        held_back=tuple(
            resource for resource, sweep in sorted(sweeps.items()) if sweep["status"] == "held_back"
        ),
        warnings=tuple(last.get("warnings", ())),
    )


def last_cursor(home: Path, source: str) -> datetime | None:
    """Return how far a source was read by its last successful sync, from one file of the lake."""
    newest = lake.newest_file(home, source, "runs")
    if newest is None:
        return None
    with duckdb.connect() as connection:
        row = connection.execute(
            "select payload from read_parquet(?) order by version desc limit 1", [str(newest)]
        ).fetchone()
    return _moment(msgspec.json.decode(row[0]).get("cursor_to")) if row else None


def _payloads(home: Path, source: str, resource: str) -> dict[str, dict[str, Any]]:
    """Payload of the latest row of each object of a small resource, by object id."""
    files = [
        str(lake.raw_dir(home) / entry.file)
        for entry in lake.read_manifest(home)
        if (entry.source, entry.resource) == (source, resource)
    ]
    if not files:
        return {}
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select object_id, payload from read_parquet(?) order by version", [files]
        ).fetchall()
    return {object_id: msgspec.json.decode(payload) for object_id, payload in rows}


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _read_snapshot(home: Path) -> SnapshotState | None:
    path = current_snapshot(home)
    if path is None:
        return None
    identifier = ULID.from_str(path.stem)
    return SnapshotState(path.stem, path, path.stat().st_size, identifier.datetime)
