"""The fields of issues that can be edited, and how a changelog item shows their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct, UnsetType

if TYPE_CHECKING:
    from tests.sandbox.world import World

POINTS, SPRINT, RANK, TEAM, IMPACT, REVIEWERS, REQUEST_TYPE = (
    "customfield_10016",
    "customfield_10020",
    "customfield_10019",
    "customfield_10030",
    "customfield_10041",
    "customfield_10052",
    "customfield_10050",
)


class Editable(Struct, frozen=True):
    """How an editable field appears in changelog items."""

    attribute: str
    item: str
    field_id: str | UnsetType
    fieldtype: str
    describe: Callable[[World, Any], tuple[str | None, str | None]]


def _text(_: World, value: str | None) -> tuple[None, str | None]:
    return None, value


def _number(_: World, value: float | None) -> tuple[None, str | None]:
    return None, None if value is None else f"{value:g}"


def _seconds(_: World, value: int | None) -> tuple[str | None, str | None]:
    return (None, None) if value is None else (str(value), str(value))


def _day(_: World, value: str | None) -> tuple[str | None, str | None]:
    return (None, None) if value is None else (value, f"{value} 00:00:00.0")


def _labels(_: World, value: tuple[str, ...]) -> tuple[None, str]:
    return None, " ".join(value)


def _person(world: World, value: str | None) -> tuple[str | None, str | None]:
    return value, None if value is None else world.people[value].name


def _named(catalogue: str) -> Callable[[World, Any], tuple[str | None, str | None]]:
    def describe(world: World, value: str | None) -> tuple[str | None, str | None]:
        return value, None if value is None else getattr(world, catalogue)[value]["name"]

    return describe


def _sprints(world: World, value: tuple[str, ...]) -> tuple[str, str]:
    return ", ".join(value), ", ".join(world.sprints[sprint]["name"] for sprint in value)


def _parent(world: World, value: int | None) -> tuple[str | None, str | None]:
    return (None, None) if value is None else (str(value), world.issues[value].key)


def _option(world: World, value: str | None) -> tuple[str | None, str | None]:
    return (None, None) if value is None else (f"[{value}]", world.teams[value])


EDITABLE: Mapping[str, Editable] = {
    "summary": Editable("summary", "summary", "summary", "jira", _text),
    "description": Editable("description", "description", "description", "jira", _text),
    "labels": Editable("labels", "labels", "labels", "jira", _labels),
    "assignee": Editable("assignee", "assignee", "assignee", "jira", _person),
    "reporter": Editable("reporter", "reporter", "reporter", "jira", _person),
    "priority": Editable("priority", "priority", "priority", "jira", _named("priorities")),
    "status": Editable("status", "status", "status", "jira", _named("statuses")),
    "resolution": Editable("resolution", "resolution", "resolution", "jira", _named("resolutions")),
    "issuetype": Editable("issuetype", "issuetype", "issuetype", "jira", _named("issue_types")),
    "security": Editable("security", "Security", "security", "jira", _named("security_levels")),
    "duedate": Editable("duedate", "duedate", "duedate", "jira", _day),
    "parent": Editable("parent", "IssueParentAssociation", UNSET, "jira", _parent),
    "timeoriginalestimate": Editable(
        "original_estimate",
        "timeoriginalestimate",
        "timeoriginalestimate",
        "jira",
        _seconds,
    ),
    "timeestimate": Editable(
        "remaining_estimate", "timeestimate", "timeestimate", "jira", _seconds
    ),
    "timespent": Editable("time_spent", "timespent", "timespent", "jira", _seconds),
    POINTS: Editable("points", "Story Points", POINTS, "custom", _number),
    SPRINT: Editable("sprints", "Sprint", SPRINT, "custom", _sprints),
    TEAM: Editable("team", "Team", TEAM, "custom", _option),
    IMPACT: Editable("impact", "Customer impact", IMPACT, "custom", _text),
    REQUEST_TYPE: Editable(
        "request_type", "Request Type", REQUEST_TYPE, "custom", _named("request_types")
    ),
}
