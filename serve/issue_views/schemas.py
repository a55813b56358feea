"""Requests and responses of the issue views."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from serve.labels import Author, IssueLabel, ProjectLabel
from serve.paging import Page, Paging, Response
from serve.query.spec import IssueViewFilter


class IssueViewsRequest(Paging, IssueViewFilter):
    """Query parameters of the list of issue views."""

    count: bool = Field(
        default=False,
        description="Give in `view_count` how many views the whole list has.",
        examples=[True],
    )


class ListedView(Response):
    """Somebody looked at an issue: counted once in five minutes for a person and an issue."""

    view_id: str = Field(
        description="Stable id; the same as of its action.",
        examples=["0cc175b9c0f1b6a831c399e269772661"],
    )
    viewed_at: datetime = Field(
        description="When, UTC: the first look that counted.",
        examples=["2026-01-05T08:15:30.123Z"],
    )
    recorded_at: datetime = Field(
        description="When this log first stored it, UTC.", examples=["2026-01-05T08:30:02Z"]
    )
    user: Author | None = Field(description="Who looked.")
    issue: IssueLabel | None = Field(description="The issue; null if the log does not know it.")
    project: ProjectLabel | None = Field(description="Its project at that time.")
    source: str = Field(
        description="`issue_view` (in Jira) or `customer_portal`.", examples=["issue_view"]
    )
    source_label: str = Field(description="The source in words.", examples=["Issue View"])
    look_count: int = Field(
        description="Looks within the five minutes that this one stands for.", examples=[3]
    )


class IssueViewsPage(Page):
    """A page of issue views, newest first."""

    view_count: int | None = Field(
        description="Views in the whole list; null without `count=true`.", examples=[1234]
    )
    first_view_at: datetime | None = Field(
        description=(
            "The oldest view there is, UTC: before it none was collected. Null: none ever was."
        ),
        examples=["2026-01-01T09:00:00Z"],
    )
    items: list[ListedView] = Field(description="The views of this page.")
