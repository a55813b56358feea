"""White-lists: every column and relation that a request can reach, and what it may sort by."""

from __future__ import annotations

# A row of the detail view, in the order in which the query returns it.
DETAIL_COLUMNS = (
    "action_id",
    "site_id",
    "action_code",
    "occurred_at",
    "recorded_at",
    "observed_from_at",
    "observed_to_at",
    "actor_account_id",
    "target_type",
    "target_id",
    "target_label",
    "project_id",
    "issue_id",
    "issue_type_id",
    "old_value",
    "new_value",
    "change_count",
)

CHANGE_COLUMNS = (
    "action_id",
    "field_id",
    "field_name",
    "old_value_id",
    "old_value",
    "new_value_id",
    "new_value",
)

# Filter of a Scope -> column of the facts, where one column decides.
FILTER_COLUMNS = {
    "users": "actions.actor_account_id",
    "projects": "actions.project_id",
    "action_codes": "actions.action_code",
}

# The nine columns of the reference guide's export, in its order, with their width in characters.
EXPORT_COLUMNS = {
    "Date": 20,
    "Author": 26,
    "Target": 14,
    "Action": 24,
    "Project": 26,
    "Old": 40,
    "New": 40,
    "ID/Issue Key": 16,
    "Issue Type": 16,
}
NOT_APPLICABLE = "N/A"
UNKNOWN_AUTHOR = "Unknown"
