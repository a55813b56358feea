"""Queries on what the log can tell, of the actions that the viewer may count."""

from __future__ import annotations

from serve.query.compiler import Query
from serve.query.visibility import (
    Rights,
    visible_action_coverage,
    visible_source_coverage,
)


def compile_sources(rights: Rights) -> Query:
    """Return a row for each source, and for each part of it that cannot be read."""
    return Query(
        f"""
        select
            source, resource, connection, is_connected, missing_permission, loses, last_success_at,
            window_from, window_to, gap_count, longest_gap_seconds, quarantined_count,
            unmapped_event_count, action_count, first_seen_at, last_seen_at, lag_p50_seconds,
            lag_p99_seconds
        from {visible_source_coverage(rights)} as coverage
        order by source, resource nulls first
        """
    )


def compile_actions(rights: Rights) -> Query:
    """Return a row for each action and source that can tell of it."""
    return Query(
        f"""
        select
            action_code, label, source, connection, is_connected, loses, action_count,
            first_seen_at, last_seen_at, lag_p50_seconds, lag_p99_seconds, unobserved_count
        from {visible_action_coverage(rights)} as coverage
        order by action_number, source
        """
    )
