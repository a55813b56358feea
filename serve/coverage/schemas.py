"""Responses of the coverage endpoint."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from serve.paging import Response


class Told(Response):
    """What a source has told, and how late."""

    source: str = Field(description="Name of the source.", examples=["jira_audit"])
    connection: str = Field(description="Connection the source needs.", examples=["jira_admin"])
    loses: str = Field(
        description="What is lost without it; completes “without it”.",
        examples=["who changed projects, people, groups, schemes and permissions is unknown"],
    )
    action_count: int = Field(description="Actions that it told of.", examples=[512])
    first_seen_at: datetime | None = Field(
        description="Time of the first of them, UTC.", examples=["2025-01-05T08:30:02Z"]
    )
    last_seen_at: datetime | None = Field(
        description="Time of the last of them, UTC.", examples=["2026-01-05T08:28:41Z"]
    )
    lag_p50_seconds: float | None = Field(
        description="Seconds from an action to its record here, of those of the last 30 days that "
        "happened since the source was first read: half took at most so long.",
        examples=[840.5],
    )
    lag_p99_seconds: float | None = Field(
        description="Likewise: 99 of 100 took at most so long.", examples=[1790.25]
    )


class SourceCoverage(Told):
    """One source, or a part of it that the account may not read."""

    resource: str | None = Field(
        description="The part that could not be read; null in the entry of the source itself.",
        examples=["permission_schemes"],
    )
    is_connected: bool = Field(description="Whether it is read.", examples=[True])
    missing_permission: str | None = Field(
        description="Permission that is missing; null if none is.", examples=["Administer Jira"]
    )
    last_success_at: datetime | None = Field(
        description="End of its last successful sync, UTC.", examples=["2026-01-05T08:30:02Z"]
    )
    window_from: str | None = Field(
        description="Where the last sync began to read, as the source tells places; null if it"
        " read everything.",
        examples=["2026-01-05T07:58:00.000Z"],
    )
    window_to: str | None = Field(
        description="How far the last sync read.", examples=["2026-01-05T08:29:00.000Z"]
    )
    gap_count: int = Field(
        description="Pauses of more than an hour between two successful syncs.", examples=[0]
    )
    longest_gap_seconds: int | None = Field(
        description="The longest of them, in seconds.", examples=[7200]
    )
    quarantined_count: int = Field(description="Records set aside as unreadable.", examples=[0])
    unmapped_event_count: int = Field(
        description="Events of which the catalogue does not know what action they are.",
        examples=[0],
    )


class ActionCoverage(Told):
    """One action of the catalogue, and one source that can tell of it."""

    action_code: str = Field(description="Key of the action.", examples=["PROJECT_CREATED"])
    label: str = Field(description="The code in words.", examples=["Project created"])
    is_connected: bool = Field(
        description="Whether the source is read, and the part of it that tells of this action.",
        examples=[True],
    )
    unobserved_count: int = Field(
        description="Times it may have happened and nobody could tell, such as issues that are"
        " missing, deleted or moved out of sight.",
        examples=[0],
    )


class Coverage(Response):
    """What the log can tell, and what it cannot."""

    snapshot_id: str = Field(
        description="The snapshot that answered.", examples=["01KE6JH6Y4ZC2JW3X7M1Q9V5TB"]
    )
    sources: list[SourceCoverage] = Field(
        description="By name; behind each source the parts of it that cannot be read."
    )
    actions: list[ActionCoverage] = Field(
        description="By number in the catalogue, then by source; one entry each."
    )
    uncovered_actions: list[str] = Field(
        description="Codes of the actions that no connected source tells of.",
        examples=[["API_TOKEN_CREATED"]],
    )
