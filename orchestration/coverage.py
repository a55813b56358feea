"""The tables of `audit-log coverage`: what each source tells, what is lost without it, how late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from serve.coverage.schemas import ActionCoverage, Coverage, SourceCoverage, Told

MINUTE, HOUR = 60, 3600


def coverage_tables(told: Coverage) -> Iterator[Table]:
    """Give two tables for people: sources with what they cannot read, and actions by source."""
    sources = Table(
        *("source", "connected", "last success", "read up to", "gaps", "quarantined", "unmapped"),
        *("actions", "first", "lag p50", "lag p99", "without it"),
    )
    for source in told.sources:
        sources.add_row(*_source_cells(source))
    yield sources
    actions = Table(
        "action",
        "source",
        "connected",
        "count",
        "first",
        "last",
        "lag p50",
        "lag p99",
        "unobserved",
    )
    for action in told.actions:
        actions.add_row(*_action_cells(action))
    yield actions


def _source_cells(source: SourceCoverage) -> list[str]:
    if source.resource is not None:
        name = f"  {source.resource}"
        return [name, f"no: lacks {source.missing_permission}", *[""] * 9, source.loses]
    lacks = f": lacks {source.missing_permission}" if source.missing_permission else ""
    return [
        source.source,
        "yes" if source.is_connected else f"no{lacks}",
        _moment(source.last_success_at),
        source.window_to or "",
        str(source.gap_count),
        str(source.quarantined_count),
        str(source.unmapped_event_count),
        *_counted(source),
        "" if source.is_connected else source.loses,
    ]


def _counted(told: Told) -> list[str]:
    lags = [_duration(told.lag_p50_seconds), _duration(told.lag_p99_seconds)]
    return [f"{told.action_count:,}", _moment(told.first_seen_at), *lags]


def _action_cells(action: ActionCoverage) -> list[str]:
    count, first, *lags = _counted(action)
    return [
        action.action_code,
        action.source,
        "yes" if action.is_connected else "no",
        count,
        first,
        _moment(action.last_seen_at),
        *lags,
        str(action.unobserved_count or ""),
    ]


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 2 * MINUTE:
        return f"{seconds:.1f} s"
    return f"{seconds / MINUTE:.0f} min" if seconds < 2 * HOUR else f"{seconds / HOUR:.0f} h"
