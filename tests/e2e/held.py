"""What issues hold in the world, in the terms of the marts: sets of tuples by relation or field."""

from __future__ import annotations

import unicodedata
from typing import Any

from tests.sandbox.clock import from_ms
from tests.sandbox.fields import POINTS, REQUEST_TYPE, SPRINT, TEAM
from tests.sandbox.objects import Issue
from tests.sandbox.world import World

Held = dict[str, set[tuple[Any, ...]]]

THINGS = {
    "bridge_issue_links": (
        "link_id, linked_issue_id, direction_name",
        # The other end may be gone, which changes nothing of the issue itself.
        "linked_issue_id in (select issue_id from dim_issues where deletion_state = 'present')",
    ),
    "bridge_issue_attachments": ("attachment_id, file_name", "true"),
    "dim_comments": ("comment_id, body_text, is_restricted", "not is_deleted"),
    "dim_worklogs": (
        "worklog_id, time_spent_seconds, coalesce(comment_text, ''), started_at",
        "not is_deleted",
    ),
}
"""Relations of what hangs on an issue: the columns compared, and which rows are of now."""


def field_values(world: World, issue: Issue) -> Held:
    """Return value ids and texts by field; fields that are empty are left out."""
    project = world.projects[issue.project]
    components = [c for c in project.components if c["id"] in issue.components]
    versions = [v for v in project.versions if v["id"] in issue.fix_versions]
    values: Held = {
        "labels": {(None, label) for label in issue.labels},
        "components": {(member["id"], member["name"]) for member in components},
        "fixVersions": {(member["id"], member["name"]) for member in versions},
        "description": {(None, issue.description)},
        "duedate": {(None, issue.duedate)},
        "timeoriginalestimate": {(None, _number(issue.original_estimate))},
        POINTS: {(None, _number(issue.points))},
        SPRINT: {(sprint, world.sprints[sprint]["name"]) for sprint in issue.sprints},
        TEAM: {(issue.team, issue.team and world.teams[issue.team])},
        REQUEST_TYPE: {
            (
                issue.request_type,
                issue.request_type and world.request_types[issue.request_type]["name"],
            )
        },
    }
    filled = {
        field: {(value_id, _composed(text)) for value_id, text in rows if text}
        for field, rows in values.items()
    }
    return {field: rows for field, rows in filled.items() if rows}


def _composed(text: str) -> str:
    """Return a text with its accents in one piece: so the marts hold texts of now."""
    return unicodedata.normalize("NFC", text)


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.15g}"


def things(world: World, issue: Issue) -> Held:
    """Return the rows of `THINGS` that are the issue's; relations without one are left out."""
    rows: Held = {
        "bridge_issue_links": {
            (
                str(link.id),
                str(link.target if link.source == issue.id else link.source),
                world.link_types[link.type]["outward" if link.source == issue.id else "inward"],
            )
            for link in issue.links.values()
        },
        "bridge_issue_attachments": {
            (str(file.id), file.filename) for file in issue.attachments.values()
        },
        "dim_comments": {
            (str(comment.id), _composed(comment.text), comment.restricted_to is not None)
            for comment in issue.comments.values()
        },
        "dim_worklogs": {
            (
                str(log.id),
                log.seconds,
                _composed(log.text),
                from_ms(log.started).replace(tzinfo=None),
            )
            for log in issue.worklogs.values()
        },
    }
    return {name: held for name, held in rows.items() if held}
