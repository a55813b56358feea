"""The site's global options: `GET /rest/api/3/configuration`."""

from __future__ import annotations

from tests.sandbox.domain import LineItem, World
from tests.sandbox.domains.software.telling import Teller, change
from tests.sandbox.objects import JsonObject

CODES = {
    "votingEnabled": ("OPTION_VOTING_CHANGED", "Voting"),
    "watchingEnabled": ("OPTION_WATCHING_CHANGED", "Watching"),
    "unassignedIssuesAllowed": ("OPTION_UNASSIGNED_ISSUES_CHANGED", "Unassigned issues"),
    "subTasksEnabled": ("OPTION_SUBTASKS_CHANGED", "Subtasks"),
    "issueLinkingEnabled": ("OPTION_ISSUELINKS_CHANGED", "Issue links"),
    "timeTrackingEnabled": ("OPTION_TIMETRACKING_CHANGED", "Time tracking"),
    "workingHoursPerDay": ("OPTION_TIMETRACKING_CHANGED", "Working hours per day"),
    "workingDaysPerWeek": ("OPTION_TIMETRACKING_CHANGED", "Working days per week"),
    "timeFormat": ("OPTION_TIMETRACKING_CHANGED", "Time format"),
    "defaultUnit": ("OPTION_TIMETRACKING_CHANGED", "Default unit"),
}
"""Options that are logged: their action and their name."""
_TIME_TRACKING = ("workingHoursPerDay", "workingDaysPerWeek", "timeFormat", "defaultUnit")


class Options:
    """The options and the command that sets one. No audit record tells of them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._teller = Teller(world)
        self._values: dict[str, bool | float | str] = {
            "votingEnabled": True,
            "watchingEnabled": True,
            "unassignedIssuesAllowed": True,
            "subTasksEnabled": True,
            "issueLinkingEnabled": True,
            "timeTrackingEnabled": True,
            "attachmentsEnabled": True,
            "workingHoursPerDay": 8.0,
            "workingDaysPerWeek": 5.0,
            "timeFormat": "pretty",
            "defaultUnit": "minute",
        }

    def render(self) -> JsonObject:
        """Give all options; how time is tracked only while it is."""
        body: JsonObject = {k: v for k, v in self._values.items() if k not in _TIME_TRACKING}
        if self._values["timeTrackingEnabled"]:
            body["timeTrackingConfiguration"] = {k: self._values[k] for k in _TIME_TRACKING}
        return body

    def set(self, at: int, actor: str, option: str, value: bool | float | str) -> None:  # noqa: FBT001 - the option's own value
        """Set a shown one of `CODES`, or `attachmentsEnabled`, which is no action."""
        before = self.shown()
        self._values[option] = value
        code, _ = CODES.get(option, ("", ""))
        event = "option_attachments_changed" if not code else code.lower()
        # What such a webhook holds is nowhere documented.
        carriers = self._teller.webhook(event, at, actor, dict)
        after = self.shown()
        items: list[LineItem] = [
            change(name, key, before[key], after[key])
            for key, (of_code, name) in CODES.items()
            if of_code == code and before[key] != after[key]
        ]
        if items:
            self._world.record(
                code,
                at,
                actor=actor,
                target_id=None,
                items=items,
                carriers=carriers,
                listing="list:configuration",
            )

    def shown(self) -> dict[str, bool | float | str | None]:
        """Give what the answer tells of each option; None: nothing."""
        is_tracked = self._values["timeTrackingEnabled"]
        return {
            key: value if is_tracked or key not in _TIME_TRACKING else None
            for key, value in self._values.items()
        }
