"""Requests and responses of the issue endpoints."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from serve.labels import IssueLabel, ProjectLabel
from serve.paging import Page, Paging, Response
from serve.query.spec import FilterSpec


class IssuesRequest(Paging, FilterSpec):
    """Query parameters of the lists of issues."""


class ListedIssue(Response):
    """An issue with actions of the filter."""

    site_id: str = Field(description="Host of the site.", examples=["example.atlassian.net"])
    issue: IssueLabel | None = Field(description="The issue as it is now.")
    project: ProjectLabel | None = Field(description="The project it is in now.")
    is_browsable: bool = Field(
        description="The viewer may browse its project: Jira shows it, if it is there still.",
        examples=[True],
    )
    action_count: int = Field(description="Actions of the filter on it.", examples=[3])
    last_action_at: datetime = Field(
        description="The newest of them, UTC.", examples=["2026-01-05T08:15:30.123Z"]
    )


class IssuesPage(Page):
    """A page of issues, in the order of their ids; deleted ones included."""

    issue_count: int = Field(description="Issues in the whole answer.", examples=[250])
    items: list[ListedIssue] = Field(description="The issues of this page.")


class IssueRange(Response):
    """Issues that one link opens in Jira; each site has ranges of its own."""

    site_id: str = Field(description="Host of the site.", examples=["example.atlassian.net"])
    first: int = Field(description="Number of the first issue, from 1.", examples=[101])
    last: int = Field(description="Number of the last issue.", examples=[200])
    unbrowsable_count: int = Field(
        description=(
            "How many of them Jira will not show to the viewer, who may not browse their project: "
            "say so before opening it. `/api/v1/issues` lists them all the same."
        ),
        examples=[0],
    )
    url: str = Field(
        description="A search in Jira that shows just these issues.",
        examples=["https://example.atlassian.net/issues/?jql=issuekey%20in%20(DEMO-1%2CDEMO-2)"],
    )


class IssueRangesPage(Page):
    """A page of ranges; issues that Jira cannot show any more are in none of them."""

    issue_count: int = Field(description="Issues in all ranges.", examples=[250])
    range_count: int = Field(description="Ranges in the whole answer.", examples=[3])
    items: list[IssueRange] = Field(description="The ranges of this page.")
