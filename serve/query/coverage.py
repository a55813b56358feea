"""Queries on what the log can tell. They count actions, which every viewer may know."""

from __future__ import annotations

from serve.query.compiler import Query

SOURCES = Query(
    """
    select
        source, resource, connection, is_connected, missing_permission, loses, last_success_at,
        window_from, window_to, gap_count, longest_gap_seconds, quarantined_count,
        unmapped_event_count, action_count, first_seen_at, last_seen_at, lag_p50_seconds,
        lag_p99_seconds
    from agg_source_coverage
    order by source, resource nulls first
    """
)
ACTIONS = Query(
    """
    select
        action_code, label, source, connection, is_connected, loses, action_count, first_seen_at,
        last_seen_at, lag_p50_seconds, lag_p99_seconds, unobserved_count
    from agg_action_coverage
    order by action_number, source
    """
)
