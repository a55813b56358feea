"""Queries on the dimensions: names for ids, and ids for the names that people type."""

from __future__ import annotations

from collections.abc import Sequence

from serve.query.compiler import Query
from serve.query.visibility import (
    Rights,
    former_project_keys,
    visible_freshness,
    visible_names,
    visible_totals,
)

# Of an account that several sites know the last one counts: the name that authors are sorted by.
USERS = Query(
    "select account_id, display_name, avatar_url, site_id from dim_users "
    "order by display_name nulls first, site_id"
)
PROJECTS = Query("select site_id, project_id, project_key, project_name from dim_projects")
ISSUE_TYPES = Query("select site_id, issue_type_id, issue_type_name from dim_issue_types")
REQUEST_TYPES = Query("select site_id, request_type_id, request_type_name from dim_request_types")
ACTION_TYPES = Query(
    """
    select
        action_number, action_code, label, product, target_type, is_default_column,
        is_issue_action, has_changes, connection_required, max_delay_minutes, description
    from dim_action_types
    """
)
# Kind of thing -> every (id, name) of it; a name may belong to several ids.
NAMES = {
    "group": Query("select group_id, group_name from dim_groups"),
    "organization": Query("select organization_id, organization_name from dim_organizations"),
    "status": Query("select status_id, status_name from dim_statuses"),
    "resolution": Query("select resolution_id, resolution_name from dim_resolutions"),
    "field": Query("select field_id, field_name from dim_fields"),
}
SUCCESSES = Query("select last_success_at from agg_source_freshness")

# As many ids are found faster one by one in the index than by reading all issues.
_FEW = 100
_ISSUE_NAME = ("issue_key", "summary", "deletion_state", "issue_type_id", "request_type_id")


def compile_issues(issue_ids: Sequence[str], rights: Rights) -> Query:
    """Return (site id, issue id, list of what IssueName holds) of issues.

    The list of those that may not be listed is null.
    """
    params: dict[str, object] = {f"issue_{place}": one for place, one in enumerate(issue_ids)}
    among = ", ".join(f"${name}" for name in params)
    if len(issue_ids) > _FEW:
        params, among = {"issue_ids": list(issue_ids)}, "select unnest($issue_ids)"
    return Query(
        visible_names(rights, _ISSUE_NAME, among), params, f"Labels of {len(issue_ids)} issues"
    )


def compile_former_projects(key: str) -> Query:
    """Ids of the projects whose issues bore `key` as their prefix at some time.

    An issue that has moved keeps its old keys, so the project is the one it was in then.
    """
    return Query(
        f"""
        select distinct project_id
        from {former_project_keys()} as former
        where starts_with(issue_key, $prefix)
        order by project_id
        """,
        {"prefix": f"{key}-"},
        f"Projects that once had the key {key}",
    )


def compile_freshness(rights: Rights) -> Query:
    """Return a row for each source: when it last succeeded, how new it is, what it has stored."""
    return Query(
        f"""
        select
            source, last_success_at, newest_source_at, lag_seconds,
            row_count, request_count, quarantined_count
        from {visible_freshness(rights)} as freshness
        order by source
        """
    )


def compile_bounds(rights: Rights) -> Query:
    """Return (number of actions, oldest time, newest time); the times are null without any."""
    return Query(
        f"""
        select
            coalesce(sum(action_count), 0)::bigint, min(first_seen_at), max(last_seen_at)
        from {visible_totals(rights)} as totals
        """
    )
