"""The only door to activity: who may see which actions, and which issues they may know of.

Nothing else in `serve` names the fact tables, nor the tables of what issues hold. The rule of the
reference guide (ruling Q9): an action on an issue with a security level is counted, but never
listed unless the level lists the viewer.

A relation is SQL text without parameters. What is particular to a viewer lies in relations of the
snapshot's memory, under a generated name that `Rights` carries; no value is ever part of a text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """Roles of this application."""

    ADMINISTRATOR = "administrator"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person or token that asks: their role here, and their account in Jira if it is known."""

    name: str
    role: Role | None = None
    account_id: str | None = None


# Until there are accounts serve listens on loopback only: whoever asks is the machine's operator,
# about whose rights in Jira nothing is known.
OPERATOR = Viewer("operator", Role.ADMINISTRATOR)


@dataclass(frozen=True, slots=True)
class Rights:
    """What a viewer may see in one snapshot; made by `Snapshot.rights`."""

    viewer: Viewer
    lists_secured: bool = False


# What serve itself reads to know its own bounds; never for an answer.
MACHINE = Rights(Viewer("serve"), lists_secured=True)


class Purpose(StrEnum):
    """Why the actions are read."""

    COUNT = "count"
    LIST = "list"


def visible_actions(rights: Rights, purpose: Purpose) -> str:
    """Return the relation of the actions that may be counted or listed."""
    if purpose is Purpose.COUNT or rights.lists_secured:
        return "fct_actions"
    return "(select * from fct_actions where is_secured is not true)"


Rollup = Literal["days", "months"]


def visible_rollup(rights: Rights, purpose: Purpose, rollup: Rollup) -> str | None:
    """Return the rollup of exactly what `visible_actions` has; None if there is no such rollup."""
    table = f"agg_actor_{rollup}"
    if purpose is Purpose.COUNT or rights.lists_secured:
        return table
    return f"(select * from {table} where not is_secured)"


def visible_changes(rights: Rights, purpose: Purpose) -> str:
    """Return the relation of the field changes of the actions that may be counted or listed."""
    listed = visible_actions(rights, purpose)
    if listed == "fct_actions":
        return "fct_action_changes"
    return (
        "(select changes.* from fct_action_changes as changes "
        f"semi join {listed} as listed using (action_id, occurred_at))"
    )


def is_nameless(rights: Rights, actions: str) -> str:
    """Return the predicate of actions that may be counted but whose issue has no name then."""
    return "false" if rights.lists_secured else f"coalesce({actions}.is_secured, false)"


def visible_views(rights: Rights) -> str:
    """Return the relation of the counted issue views that may be listed, named as actions."""
    rule = "" if rights.lists_secured else "where is_secured is not true"
    return f"""
        (
            select
                view_id as action_id, site_id, viewed_at as occurred_at, recorded_at,
                account_id as actor_account_id, project_id, issue_id, view_source, raw_view_count
            from fct_issue_views
            {rule}
        )
    """


def visible_issues(rights: Rights) -> str:
    """Return the relation of the issues that may be listed: whose key and texts may be known."""
    if rights.lists_secured:
        return "dim_issues"
    return "(select * from dim_issues where is_secured is not true)"


IssueDetail = Literal["field_values", "links", "comments", "worklogs", "attachments"]
_DETAILS: dict[IssueDetail, str] = {
    "field_values": "bridge_issue_field_values",
    "links": "bridge_issue_links",
    "comments": "dim_comments",
    "worklogs": "dim_worklogs",
    "attachments": "bridge_issue_attachments",
}


def visible_details(rights: Rights, detail: IssueDetail) -> str:
    """Return the relation of what the issues that may be listed hold; a link needs both ends.

    Comments for some people only are left out: nothing says who they are.
    """
    issues = visible_issues(rights)
    other_end = (
        f"""
        semi join {issues} as linked
            on linked.site_id = details.site_id and linked.issue_id = details.linked_issue_id
        """
        if detail == "links"
        else ""
    )
    return f"""
        (
            select details.*
            from {_DETAILS[detail]} as details
            semi join {issues} as owners using (site_id, issue_id)
            {other_end}
            {"where details.is_restricted is not true" if detail == "comments" else ""}
        )
    """


def of_listed_issues(rights: Rights, what: IssueDetail | Literal["actions", "changes"]) -> str:
    """Return a relation to be read together with `visible_issues` only, never on its own.

    It leaves to that relation which issues there are, so it costs no join; of a link it makes sure
    that the other end is there and may be listed too.
    """
    match what:
        case "actions":
            return "fct_actions"
        case "changes":
            return "fct_action_changes"
        case "comments":
            return "(select * from dim_comments where is_restricted is not true)"
        case "links":
            return f"""
                (
                    select links.*
                    from bridge_issue_links as links
                    semi join {visible_issues(rights)} as linked
                        on linked.site_id = links.site_id
                        and linked.issue_id = links.linked_issue_id
                        and linked.deletion_state not in ('deleted', 'trashed')
                )
            """
        case _:
            return _DETAILS[what]
