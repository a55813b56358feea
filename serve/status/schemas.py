"""Responses of the status endpoints."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from serve.paging import Response
from serve.query.lookups import LookupKind
from serve.query.period import Period
from serve.query.spec import Breakdown, DetailSort


class Health(Response):
    """Serve is alive."""

    status: Literal["ok"] = Field(description="Always ok: it answered.", examples=["ok"])
    snapshot_id: str | None = Field(
        description="Newest published snapshot; null before the first publish.",
        examples=["01KE6JH6Y4ZC2JW3X7M1Q9V5TB"],
    )


class SourceFreshness(Response):
    """How fresh one source is."""

    source: str = Field(description="Name of the source.", examples=["jira_issues"])
    last_success_at: datetime | None = Field(
        description="End of its last successful sync, UTC.", examples=["2026-01-05T08:30:02Z"]
    )
    newest_source_at: datetime | None = Field(
        description="The source's own time of the newest thing it gave, UTC.",
        examples=["2026-01-05T08:28:41Z"],
    )
    lag_seconds: float | None = Field(
        description="Seconds from newest_source_at to last_success_at.", examples=[81]
    )
    age_seconds: float | None = Field(
        description="Seconds since the last success, now.", examples=[240]
    )
    is_stale: bool = Field(
        description="Older than AUDIT_LOG_STALE_MINUTES, or never successful.", examples=[False]
    )
    row_count: int | None = Field(
        description="Rows stored; null if you may not know how much was done.", examples=[51234]
    )
    request_count: int | None = Field(description="Requests used; null likewise.", examples=[123])
    quarantined_count: int = Field(description="Records set aside as unreadable.", examples=[0])


class Freshness(Response):
    """How fresh the log is."""

    snapshot_id: str = Field(
        description="The snapshot that answered.", examples=["01KE6JH6Y4ZC2JW3X7M1Q9V5TB"]
    )
    sources: list[SourceFreshness] = Field(description="One entry a source, by name.")


class ActionTypeEntry(Response):
    """One action of the catalogue."""

    number: int = Field(description="Number in the catalogue.", examples=[1])
    code: str = Field(description="Key in the API and in exports.", examples=["ISSUE_CREATED"])
    label: str = Field(description="The code in words.", examples=["Issue created"])
    product: str = Field(description="Atlassian product.", examples=["jira"])
    target_type: str = Field(description="Kind of thing it affects.", examples=["issue"])
    is_default_column: bool = Field(
        description="Shown in the aggregated view unless chosen otherwise.", examples=[True]
    )
    is_issue_action: bool = Field(
        description="Happens on issues, so that its number leads to a list of them.",
        examples=[True],
    )
    has_changes: bool = Field(
        description="Whether its details have old and new values to show.", examples=[False]
    )
    connection: str = Field(
        description="Connection that tells of it; `/api/v1/coverage` says whether it is there.",
        examples=["jira_admin"],
    )
    max_delay_minutes: int | None = Field(
        description="Most minutes until the next sync can see it; null if nobody says.",
        examples=[30],
    )
    description: str = Field(description="What it means.", examples=["An issue was created."])


class TargetTypeEntry(Response):
    """One kind of affected thing."""

    type: str = Field(description="Name in the catalogue.", examples=["issuelink"])
    label: str = Field(description="The kind in words.", examples=["issue link"])


class PeriodEntry(Response):
    """One relative time."""

    period: Period = Field(description="Value of `period`.", examples=["last_7_days"])
    label: str = Field(description="What it is called.", examples=["Last 7 days"])


class FilterEntry(Response):
    """One filter of the search."""

    label: str = Field(description="What it is called.", examples=["Project"])
    parameters: list[str] = Field(description="Its parameters.", examples=[["project"]])
    lookup: LookupKind | None = Field(
        default=None, description="Lookup that finds its values.", examples=["projects"]
    )
    is_people: bool = Field(
        default=False,
        description="One of those that together are one set of people.",
        examples=[False],
    )
    is_more: bool = Field(default=False, description="Stands under +More.", examples=[False])


class ColumnEntry(Response):
    """One column of a view."""

    label: str = Field(description="What it is called.", examples=["Author"])
    member: str = Field(description="Member of an item that it shows.", examples=["author"])
    sort: str | None = Field(
        default=None,
        description="Value of `sort` (with `-`: the other way round); null: cannot be sorted by.",
        examples=["author"],
    )


class ViewEntry(Response):
    """One view of the results."""

    label: str = Field(description="What it is called.", examples=["Detailed View"])
    path: str = Field(description="Its endpoint.", examples=["/api/v1/actions"])
    columns: list[ColumnEntry] = Field(
        description=(
            "Its columns, from the left; those of the action types stand between the two of the "
            "aggregated view."
        )
    )


class BreakdownEntry(Response):
    """One way to split an author's row."""

    by: Breakdown = Field(description="Value of `breakdown`.", examples=["fields"])
    label: str = Field(description="What it is called.", examples=["Fields"])
    not_with: list[Breakdown] = Field(
        description="Breakdowns that it cannot be combined with.", examples=[["status"]]
    )


class MembershipEntry(Response):
    """When people belong to a group, a project or an organization."""

    membership: Literal["now", "then"] = Field(
        description="Value of `membership`.", examples=["then"]
    )
    label: str = Field(
        description="What it is called.", examples=["Members at the time of the action"]
    )


class Limits(Response):
    """How much can be asked for at once."""

    default_days: int = Field(
        description="Days of the interval without from, to and period.", examples=[30]
    )
    max_range_days: int | None = Field(
        description="Most days of one question; null: any number.", examples=[366]
    )
    default_limit: int = Field(description="Items of a page without `limit`.", examples=[50])
    max_limit: int = Field(description="Most items of a page.", examples=[1000])
    max_values: int = Field(description="Most values of one filter.", examples=[1000])
    max_choices: int = Field(description="Most things a lookup gives.", examples=[50])
    max_jql_characters: int = Field(
        description="Most characters of a query in JQL.", examples=[10000]
    )
    max_address_bytes: int = Field(
        description="Most bytes of a path with its query string.", examples=[60000]
    )
    issues_per_link: int = Field(
        description="Issues that one link opens in Jira; more make ranges.", examples=[100]
    )
    sheet_rows: int = Field(
        description="Rows of one sheet of a workbook; more fill further sheets.",
        examples=[1048575],
    )


class Meta(Response):
    """What can be asked for: a page needs no rules of its own."""

    snapshot_id: str = Field(
        description="The snapshot that answered.", examples=["01KE6JH6Y4ZC2JW3X7M1Q9V5TB"]
    )
    action_count: int = Field(description="Actions in the log.", examples=[51234])
    oldest_at: datetime | None = Field(
        description="Time of the oldest action, UTC.", examples=["2025-01-05T08:30:02Z"]
    )
    newest_at: datetime | None = Field(
        description="Time of the newest action, UTC.", examples=["2026-01-05T08:28:41Z"]
    )
    action_types: list[ActionTypeEntry] = Field(description="The catalogue, by number.")
    default_columns: list[str] = Field(
        description="Codes that the aggregated view shows unless chosen otherwise.",
        examples=[["ISSUE_CREATED", "ISSUE_UPDATED"]],
    )
    target_types: list[TargetTypeEntry] = Field(description="Kinds of affected things.")
    filters: list[FilterEntry] = Field(description="The filters, in the order of the search.")
    views: list[ViewEntry] = Field(description="The views, in the order of their tabs.")
    export_columns: list[str] = Field(
        description="Columns of the workbook of actions.", examples=[["Date", "Author"]]
    )
    words: dict[str, str] = Field(
        description="What is shown for things without a name of their own.",
        examples=[{"not_applicable": "N/A", "non_project": "Non-project activities"}],
    )
    periods: list[PeriodEntry] = Field(description="Relative times, in menu order.")
    default_period: Period = Field(
        description="What is meant without a time.", examples=["last_30_days"]
    )
    memberships: list[MembershipEntry] = Field(
        description="Values of `membership`, the default first."
    )
    breakdowns: list[BreakdownEntry] = Field(description="Values of `breakdown`, in menu order.")
    detail_sorts: list[DetailSort] = Field(
        description="Values of `sort` of the list of actions.", examples=[["-occurred_at"]]
    )
    lookups: list[LookupKind] = Field(
        description="Kinds of things that can be looked up.", examples=[["users", "projects"]]
    )
    limits: Limits = Field(description="Bounds of requests.")
