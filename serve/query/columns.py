"""White-lists: every column and relation that a request can reach, and what it may sort by."""

from __future__ import annotations

from dataclasses import dataclass

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
    "request_type_id",
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
# What an export has behind them if it is asked for.
EXTENDED_COLUMNS = {
    "Request Type": 20,
    "Issue Summary": 40,
    "Site": 26,
    "Action ID": 34,
}
# The export of the views of issues.
VIEW_EXPORT_COLUMNS = {"Date": 20, "User": 26, "Issue": 50, "Project": 26, "Source": 18}
# The export of the counts: the widths of its columns, whose words depend on what is asked.
AUTHOR_WIDTH, GROUP_WIDTH, COUNT_WIDTH = 26, 32, 14
VIEW_SOURCES = {"issue_view": "Issue View", "customer_portal": "Customer Portal"}

# Kinds of targets whose words differ from their name in the catalogue.
TARGET_LABELS = {"issuelink": "issue link"}

NOT_APPLICABLE = "N/A"
UNKNOWN_AUTHOR = "Unknown"


@dataclass(frozen=True, slots=True)
class Membership:
    """What people can belong to: the bridge that says so, and its column of the thing's id."""

    bridge: str
    key: str


# Filter of a Scope -> membership.
MEMBERSHIPS = {
    "groups": Membership("bridge_group_members", "group_id"),
    "people_in_projects": Membership("bridge_project_people", "project_id"),
    "people_in_organizations": Membership("bridge_organization_members", "organization_id"),
}


@dataclass(frozen=True, slots=True)
class SortColumn:
    """A column that the detail view can be sorted by: its SQL, and the join that it needs."""

    sql: str
    join: str = ""


_PEOPLE = """
    left join dim_users as users
        on users.site_id = actions.site_id and users.account_id = actions.actor_account_id
"""
_KINDS = "left join dim_action_types as kinds on kinds.action_code = actions.action_code"
_PROJECTS = """
    left join dim_projects as projects
        on projects.site_id = actions.site_id and projects.project_id = actions.project_id
"""

# Besides the time, which has a path of its own.
SORT_COLUMNS = {
    "author": SortColumn("lower(strip_accents(users.display_name))", _PEOPLE),
    "target": SortColumn("lower(actions.target_type)"),
    "action": SortColumn("lower(kinds.label)", _KINDS),
    "project": SortColumn("lower(strip_accents(projects.project_name))", _PROJECTS),
}
