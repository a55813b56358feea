"""The only door to activity: who may see which actions.

Nothing else in `serve` names the fact tables. The rule of the reference guide
(ruling Q9): an action on an issue with a security level is counted, but never listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person or token that asks, and what they may see."""

    name: str
    may_list_secured: bool


# Until there are accounts serve listens on loopback only: whoever asks is the machine's operator,
# about whose rights in Jira nothing is known.
OPERATOR = Viewer("operator", may_list_secured=False)


class Purpose(StrEnum):
    """Why the actions are read."""

    COUNT = "count"
    LIST = "list"


def visible_actions(viewer: Viewer, purpose: Purpose) -> str:
    """Return the relation of the actions that `viewer` may count or list."""
    if purpose is Purpose.COUNT or viewer.may_list_secured:
        return "fct_actions"
    return "(select * from fct_actions where is_secured is not true)"


def visible_changes(viewer: Viewer, purpose: Purpose) -> str:
    """Return the relation of the field changes of the actions `viewer` may count or list."""
    listed = visible_actions(viewer, purpose)
    if listed == "fct_actions":
        return "fct_action_changes"
    return (
        "(select changes.* from fct_action_changes as changes "
        f"semi join {listed} as listed using (action_id, occurred_at))"
    )


def is_nameless(viewer: Viewer, actions: str) -> str:
    """Return the predicate of actions that `viewer` may count but whose issue has no name then."""
    return "false" if viewer.may_list_secured else f"coalesce({actions}.is_secured, false)"


def visible_views(viewer: Viewer) -> str:
    """Return the relation of the counted issue views that `viewer` may list, named as actions."""
    rule = "" if viewer.may_list_secured else "where is_secured is not true"
    return f"""
        (
            select
                view_id as action_id, site_id, viewed_at as occurred_at, recorded_at,
                account_id as actor_account_id, project_id, issue_id, view_source, raw_view_count
            from fct_issue_views
            {rule}
        )
    """


def visible_issues(viewer: Viewer) -> str:
    """Return the relation of the issues whose name `viewer` may know."""
    if viewer.may_list_secured:
        return "dim_issues"
    return "(select * from dim_issues where is_secured is not true)"
