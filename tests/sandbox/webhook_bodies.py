"""Bodies of the webhooks about issues and what hangs on them, as Jira Cloud sends them.

Unlike the REST API's third version they hold rich text as plain text. `timestamp` and
`webhookEvent` are added by the sender. Only bodies about an issue itself name the `user`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tests.sandbox.fields import IMPACT
from tests.sandbox.objects import (
    Attachment,
    Change,
    Comment,
    History,
    Issue,
    JsonObject,
    Link,
    Worklog,
)
from tests.sandbox.render import Renderer
from tests.sandbox.world import World

_FIELDS = frozenset({"*all", "-comment", "-worklog"})
_KINDS = {
    "status": "issue_generic",
    "resolution": "issue_resolved",
    "assignee": "issue_assigned",
    "project": "issue_moved",
}


class WebhookBodies:
    """Renders one world's webhooks."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._render = Renderer(world)

    def issue(
        self,
        issue: Issue,
        actor: str | None,
        kind: str,
        *,
        history: History | None = None,
        comment: Comment | None = None,
    ) -> JsonObject:
        """Render jira:issue_*; `kind` is issue_event_type_name, '' for that of the history."""
        changes = history.changes if history else []
        body: JsonObject = {
            "issue_event_type_name": kind or _kind_of(changes),
            "issue": self._issue(issue),
        }
        if actor is not None:
            body["user"] = self._render.user(actor)
        if history is not None:
            body["changelog"] = {"id": str(history.id), "items": changes}
        if comment is not None:
            body["comment"] = self._comment(issue, comment)
        return body

    def comment(self, issue: Issue, comment: Comment) -> JsonObject:
        """Render comment_*: the comment, and the issue in a few words."""
        return {"comment": self._comment(issue, comment), "issue": self._brief(issue)}

    def worklog(self, worklog: Worklog) -> JsonObject:
        """Render worklog_*."""
        return {"worklog": self._render.worklog(worklog) | {"comment": worklog.text}}

    def attachment(self, attachment: Attachment) -> JsonObject:
        """Render attachment_*; no issue is named."""
        return {"attachment": self._render.attachment(attachment)}

    def link(self, link: Link) -> JsonObject:
        """Render issuelink_*: ids only."""
        kind = self._world.link_types[link.type]
        return {
            "issueLink": {
                "id": link.id,
                "sourceIssueId": link.source,
                "destinationIssueId": link.target,
                "issueLinkType": {
                    "id": int(kind["id"]),
                    "name": kind["name"],
                    "outwardName": kind["outward"],
                    "inwardName": kind["inward"],
                    "isSubTaskLinkType": False,
                    "isSystemLinkType": False,
                },
                "systemLink": False,
            }
        }

    def _issue(self, issue: Issue) -> JsonObject:
        body = self._render.issue(issue, _FIELDS)
        body["fields"] |= {"description": issue.description, IMPACT: issue.impact}
        return body

    def _brief(self, issue: Issue) -> JsonObject:
        names = frozenset({"summary", "issuetype", "project", "status", "priority", "assignee"})
        body = self._render.issue(issue, names)
        del body["expand"]
        return body

    def _comment(self, issue: Issue, comment: Comment) -> JsonObject:
        rendered = msgspec.json.encode(self._render.comment(issue, comment))
        body = msgspec.json.decode(rendered, type=dict[str, Any])
        return body | {"body": comment.text}


def _kind_of(changes: Sequence[Change]) -> str:
    fields = {change.field for change in changes}
    return next((kind for field, kind in _KINDS.items() if field in fields), "issue_updated")
