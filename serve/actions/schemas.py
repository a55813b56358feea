"""Requests and responses of the activity endpoints."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from serve.labels import Author, IssueLabel, ProjectLabel
from serve.paging import Page, Paging, Response
from serve.query.columns import EXPORT_COLUMNS, EXTENDED_COLUMNS
from serve.query.spec import AggregatedView, Breakdown, DetailView, FilterSpec


class ActionsRequest(Paging, DetailView, FilterSpec):
    """Query parameters of the list of actions."""


class ActivityRequest(Paging, AggregatedView, FilterSpec):
    """Query parameters of the counts."""


class ActivityExportRequest(AggregatedView, FilterSpec):
    """Query parameters of the export of the counts."""


class ExportRequest(FilterSpec):
    """Query parameters of the export."""

    extended: bool = Field(
        default=False,
        description=(
            f"Add further columns behind the {len(EXPORT_COLUMNS)} of the reference guide: "
            f"{', '.join(EXTENDED_COLUMNS)}."
        ),
        examples=[True],
    )


class Target(Response):
    """The affected thing."""

    type: str = Field(description="Kind of thing.", examples=["issuelink"])
    type_label: str = Field(description="The kind in words.", examples=["issue link"])
    id: str = Field(description="Its id at the source.", examples=["10001"])
    label: str | None = Field(description="What people call it.", examples=["DEMO-1"])


class ActionKind(Response):
    """What was done."""

    code: str = Field(description="Key of the catalogue.", examples=["STATUS_CHANGED"])
    label: str = Field(description="The code in words.", examples=["Status changed"])
    has_changes: bool = Field(
        description="Whether its details have old and new values to show.", examples=[True]
    )


class DetectionWindow(Response):
    """For an action found by comparing: it happened after `from` and not after `to`."""

    observed_from: datetime | None = Field(
        alias="from",
        description="Last time it had not happened, UTC.",
        examples=["2026-01-05T08:00:00Z"],
    )
    observed_to: datetime = Field(
        alias="to",
        description="First time it had happened, UTC.",
        examples=["2026-01-05T08:30:00Z"],
    )


class Change(Response):
    """One changed field."""

    field_id: str | None = Field(description="Field id.", examples=["summary"])
    field_name: str | None = Field(description="Field name.", examples=["Summary"])
    old_value_id: str | None = Field(description="Id of the old value.", examples=["3"])
    old_value: str | None = Field(description="Old value as people read it.", examples=["To Do"])
    new_value_id: str | None = Field(description="Id of the new value.", examples=["4"])
    new_value: str | None = Field(description="New value as people read it.", examples=["Done"])


class Action(Response):
    """One action: who did what, to what, when."""

    action_id: str = Field(
        description="Stable id of the action.", examples=["0cc175b9c0f1b6a831c399e269772661"]
    )
    site_id: str = Field(description="Host of the site.", examples=["example.atlassian.net"])
    occurred_at: datetime = Field(
        description="When it was done, UTC; the end of the detection window if there is one.",
        examples=["2026-01-05T08:15:30.123Z"],
    )
    recorded_at: datetime = Field(
        description="When this log first stored it, UTC.", examples=["2026-01-05T08:30:02Z"]
    )
    detection_window: DetectionWindow | None = Field(
        description="The times between which it happened, if the exact time is unknown."
    )
    author: Author | None = Field(description="Who did it; null if the source does not tell.")
    target: Target = Field(description="The affected thing.")
    action: ActionKind = Field(description="What was done.")
    project: ProjectLabel | None = Field(description="The project, if it has one.")
    issue: IssueLabel | None = Field(description="The issue, if it happened on one.")
    reference: str = Field(
        description="Issue key, or for other things the id of the target.", examples=["DEMO-1"]
    )
    old_value: str | None = Field(description="Value before.", examples=["To Do"])
    new_value: str | None = Field(description="Value after.", examples=["Done"])
    change_count: int = Field(description="Number of changed fields.", examples=[1])
    changes: list[Change] | None = Field(
        description=(
            "The changed fields with `expand=changes`; null without, and for actions whose "
            "details have no values to show."
        )
    )


class ActionPage(Page):
    """A page of actions."""

    action_count: int | None = Field(
        description="Actions in the whole list; null without `count=true`.", examples=[1234]
    )

    items: list[Action] = Field(description="The actions of this page.")


class Group(Response):
    """What a row of a breakdown is about."""

    by: Breakdown = Field(description="The breakdown.", examples=["projects"])
    id: str | None = Field(
        description=(
            "Id of the project, status, issue or field; of a transition both statuses' ids with a "
            "colon. Null for actions that have none, and for issues that must not be named."
        ),
        examples=["10000"],
    )
    label: str = Field(description="Its name.", examples=["Demo project"])


class Drill(Response):
    """The way from a row to what it counts: values for `row`, to be given with the same filters.

    `/api/v1/actions`, `/api/v1/issues` and `/api/v1/issues/links` then give exactly what the row
    counts, as far as it may be listed. For one column of it add `action:` and the column's code.
    """

    row: list[str] = Field(
        description="What the row counts.",
        examples=[["author:5b10a2844c20165700ede21g", "projects:10000", "status:4"]],
    )
    total: list[str] = Field(
        description=(
            "What its total opens: the same, but with the breakdowns status or transition all "
            "status changes of the author (in the project), whatever the issue and the status."
        ),
        examples=[["author:5b10a2844c20165700ede21g", "projects:10000", "action:STATUS_CHANGED"]],
    )


class AuthorActivity(Response):
    """The actions of one author, counted; with breakdowns, those of one group of them."""

    author: Author | None = Field(description="Who; null collects all actions without an author.")
    groups: list[Group] = Field(
        description="One entry a breakdown asked for, in the order of the catalogue of breakdowns."
    )
    counts: dict[str, int] = Field(
        description="Number of actions by code.",
        examples=[{"ISSUE_CREATED": 3, "ISSUE_COMMENTED": 12}],
    )
    total: int = Field(
        description="All of them; with the breakdown fields, of changed fields.", examples=[15]
    )
    issue_count: int | None = Field(
        description="Different issues of the row; null without a breakdown.", examples=[7]
    )
    drill: Drill | None = Field(
        description="How to list it; null for issues and views that are not listed."
    )


class ActivityPage(Page):
    """A page of authors with their counts; actions on secured issues are counted too."""

    author_count: int = Field(description="Authors in the whole answer.", examples=[42])
    row_count: int = Field(description="Rows in the whole answer.", examples=[42])
    action_count: int = Field(
        description="Actions (or changed fields, see total) in the whole answer.", examples=[1234]
    )
    items: list[AuthorActivity] = Field(description="The rows of this page.")
