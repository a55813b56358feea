"""What a snapshot says of its own coverage."""

from __future__ import annotations

from serve.coverage.schemas import ActionCoverage, Coverage, SourceCoverage
from serve.query.coverage import compile_actions, compile_sources
from serve.query.visibility import Rights
from serve.warehouse.snapshot import Snapshot, as_utc_or_none

_TIMES = ("last_success_at", "first_seen_at", "last_seen_at")
_SOURCE = (
    *("source", "resource", "connection", "is_connected", "missing_permission", "loses"),
    *("last_success_at", "window_from", "window_to", "gap_count", "longest_gap_seconds"),
    *("quarantined_count", "unmapped_event_count", "action_count", "first_seen_at"),
    *("last_seen_at", "lag_p50_seconds", "lag_p99_seconds"),
)
_ACTION = (
    *("action_code", "label", "source", "connection", "is_connected", "loses", "action_count"),
    *("first_seen_at", "last_seen_at", "lag_p50_seconds", "lag_p99_seconds", "unobserved_count"),
)


def read_coverage(snapshot: Snapshot, rights: Rights) -> Coverage:
    """Read both tables, of the actions that may be counted.

    ProblemError when no turn comes, as for every query.
    """
    actions = [
        ActionCoverage.model_validate(_named(_ACTION, row))
        for row in snapshot.run(compile_actions(rights))
    ]
    covered = {action.action_code for action in actions if action.is_connected}
    return Coverage(
        snapshot_id=snapshot.id,
        sources=[
            SourceCoverage.model_validate(_named(_SOURCE, row))
            for row in snapshot.run(compile_sources(rights))
        ],
        actions=actions,
        uncovered_actions=[
            action_type.code
            for action_type in snapshot.directory.catalogue.action_types
            if action_type.code not in covered
        ],
    )


def _named(names: tuple[str, ...], row: tuple[object, ...]) -> dict[str, object]:
    values = dict(zip(names, row, strict=True))
    return values | {
        name: as_utc_or_none(values[name])  # type: ignore[arg-type]  # DuckDB's rows have no types
        for name in _TIMES
        if name in values
    }
