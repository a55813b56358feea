"""What pages call things: the words of the reference guide, in its order.

A page takes them from `/api/v1/meta`, so that it holds no rule and no list of its own.
"""

from __future__ import annotations

from serve.query.breakdowns import NON_ISSUE, NON_PROJECT, SECURED, UNBROWSED
from serve.query.columns import NOT_APPLICABLE, UNKNOWN_AUTHOR
from serve.status.schemas import ColumnEntry, FilterEntry, MembershipEntry, ViewEntry

FILTERS = (
    FilterEntry(label="Calendar", parameters=["period", "from", "to", "time_zone"]),
    FilterEntry(label="Project", parameters=["project"], lookup="projects"),
    FilterEntry(label="User", parameters=["user"], lookup="users", is_people=True),
    FilterEntry(label="Group", parameters=["group"], lookup="groups", is_people=True),
    FilterEntry(
        label="People in Projects",
        parameters=["people_in_project"],
        lookup="projects",
        is_people=True,
    ),
    FilterEntry(
        label="People in Organizations",
        parameters=["people_in_organization"],
        lookup="organizations",
        is_people=True,
    ),
    FilterEntry(
        label="Status changed",
        parameters=["status_from", "status_to"],
        lookup="statuses",
        is_more=True,
    ),
    FilterEntry(
        label="Resolution set", parameters=["resolution"], lookup="resolutions", is_more=True
    ),
    FilterEntry(label="Fields", parameters=["field"], lookup="fields", is_more=True),
)

VIEWS = (
    ViewEntry(
        label="Aggregated View",
        path="/api/v1/activity",
        columns=[
            ColumnEntry(label="User", member="author", sort="display_name"),
            ColumnEntry(label="Total", member="total", sort="total"),
        ],
    ),
    ViewEntry(
        label="Detailed View",
        path="/api/v1/actions",
        columns=[
            ColumnEntry(label="Date", member="occurred_at", sort="occurred_at"),
            ColumnEntry(label="Author", member="author", sort="author"),
            ColumnEntry(label="Target", member="target", sort="target"),
            ColumnEntry(label="Action", member="action", sort="action"),
            ColumnEntry(label="Project", member="project", sort="project"),
            ColumnEntry(label="Details", member="changes"),
        ],
    ),
    ViewEntry(
        label="Issue View",
        path="/api/v1/issue-views",
        columns=[
            ColumnEntry(label="Date", member="viewed_at"),
            ColumnEntry(label="User", member="user"),
            ColumnEntry(label="Issue", member="issue"),
            ColumnEntry(label="Project", member="project"),
        ],
    ),
)

MEMBERSHIPS = (
    MembershipEntry(membership="now", label="Members now"),
    MembershipEntry(membership="then", label="Members at the time of the action"),
)

WORDS = {
    "non_project": NON_PROJECT,
    "non_issue": NON_ISSUE,
    "secured_issues": SECURED,
    "unbrowsed_issues": UNBROWSED,
    "unknown_author": UNKNOWN_AUTHOR,
    "not_applicable": NOT_APPLICABLE,
}
