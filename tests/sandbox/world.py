"""The world: people, projects and issues of one site, and the commands that change them.

Every command writes what happened to the ledger, in the terms of the action catalogue, and changes
the state that the server renders.

A world without a `stream` (a site image) is built by filling the dictionaries and calling
`World.adopt(issue)` for each ready-made `Issue`.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from msgspec import UNSET, Struct

from tests.sandbox.clock import MINUTE, SECOND, iso
from tests.sandbox.fields import EDITABLE, RANK
from tests.sandbox.ledger import Carrier, Line, LineItem
from tests.sandbox.objects import (
    Attachment,
    Change,
    Comment,
    History,
    Issue,
    JsonObject,
    Link,
    Person,
    Project,
    Worklog,
)
from tests.sandbox.search_index import IndexEntry, SearchIndex

if TYPE_CHECKING:
    from tests.sandbox.domain import Domain

D = TypeVar("D", bound="Domain")
_Value = Any  # of a field: what it holds depends on the field


class Webhook(Struct, frozen=True):
    """Something a site tells its receivers. `number` counts all of a world's webhooks from 1."""

    number: int
    event: str
    at: int
    actor: str | None
    flow: str
    body: JsonObject


class Stream(Protocol):
    """What makes the world move on: the next command's time, and doing it."""

    @property
    def next_at(self) -> int | float:
        """When the next command happens."""

    def step(self) -> None:
        """Apply the next command to the world and set `next_at` to the following one's time."""


class Bodies(Protocol):
    """What renders the webhooks about issues; see `tests.sandbox.webhook_bodies`."""

    def issue(
        self,
        issue: Issue,
        actor: str | None,
        kind: str,
        *,
        history: History | None = None,
        comment: Comment | None = None,
    ) -> JsonObject:
        """Render jira:issue_*."""

    def comment(self, issue: Issue, comment: Comment) -> JsonObject:
        """Render comment_*."""

    def worklog(self, worklog: Worklog) -> JsonObject:
        """Render worklog_*."""

    def attachment(self, attachment: Attachment) -> JsonObject:
        """Render attachment_*."""

    def link(self, link: Link) -> JsonObject:
        """Render issuelink_*."""


PROJECT_SCHEME = "10450"
"""Id of the issue security scheme that every project has."""


class World:
    """The state of one site at `now`, and the only place where it changes.

    Times are milliseconds since 1970 UTC; `at` of successive commands must not decrease. The
    dictionaries are public to readers; an image fills them before serving. `max_lag_ms` and
    `late_share`: see `SearchIndex`.
    """

    def __init__(
        self,
        *,
        site: str,
        seed: int = 0,
        max_lag_ms: int = 4 * MINUTE,
        late_share: float = 0,
        sink: Callable[[Line], None] = lambda _: None,
    ) -> None:
        self.site = site
        self.seed = seed
        self.sink = sink
        self.stream: Stream | None = None
        self.now = 0
        self.me = ""
        self.activity = 0.0
        self.is_live = False
        self.permissions: dict[str, bool] = {}
        self.domains: dict[str, Domain] = {}
        self.receiver: Callable[[Webhook], None] | None = None
        self.bodies: Bodies | None = None
        self.webhook_count = 0
        self.config_version = 0
        self.people: dict[str, Person] = {}
        self.projects: dict[str, Project] = {}
        self.statuses: dict[str, JsonObject] = {}
        self.resolutions: dict[str, JsonObject] = {}
        self.priorities: dict[str, JsonObject] = {}
        self.issue_types: dict[str, JsonObject] = {}
        self.link_types: dict[str, JsonObject] = {}
        self.security_levels: dict[str, JsonObject] = {}
        self.hidden_levels: set[str] = set()
        self.sprints: dict[str, JsonObject] = {}
        self.teams: dict[str, str] = {}
        self.request_types: dict[str, JsonObject] = {}
        self.fields: list[JsonObject] = []
        self.deleted_fields: set[str] = set()
        self.issues: dict[int, Issue] = {}
        self.deleted: dict[int, str] = {}
        self.keys: dict[str, int] = {}
        self.worklogs: dict[int, Worklog] = {}
        self.worklog_deletions: list[tuple[int, int]] = []
        self.index = SearchIndex(seed, max_lag_ms, late_share)
        self.line_count = 0
        self._last_id: dict[str, int] = {
            "issue": 10_000,
            "history": 100_000,
            "comment": 50_000,
            "worklog": 70_000,
            "attachment": 80_000,
            "link": 90_000,
            "remote link": 60_000,
        }

    # -- time ----------------------------------------------------------------------------------

    def advance(self, to: int) -> None:
        """Let everything happen that happens up to `to`, then bring the search index up to date."""
        streams: list[Stream] = [] if self.stream is None else [self.stream]
        streams += self.domains.values()
        while streams:
            first = min(streams, key=lambda stream: stream.next_at)
            if first.next_at > to:
                break
            first.step()
        self.now = max(self.now, to)
        self.index.refresh(self.now)

    def _touch(self, issue: Issue, at: int) -> None:
        issue.updated = max(issue.updated, at)
        # What is done beside a deleted issue does not bring it back.
        self.index.schedule(issue.id, self.issues.get(issue.id), at)

    def _next_id(self, kind: str, step: int = 1) -> int:
        self._last_id[kind] += step
        return self._last_id[kind]

    # -- ledger --------------------------------------------------------------------------------

    def _line(
        self,
        code: str,
        at: int,
        *,
        issue: Issue | None = None,
        actor: str | None = None,
        true_actor: str | None = None,
        target: object = None,
        event: int | None = None,
        changes: Sequence[Change] = (),
        project: str | None = None,
        link: tuple[Issue, str, list[History]] | None = None,
        carriers: Sequence[Carrier] = (),
    ) -> None:
        self.line_count += 1
        items = [
            LineItem(c.field, c.field_id or c.field, c.old_id, c.old, c.new_id, c.new)
            for c in changes
        ]
        self.sink(
            Line(
                n=self.line_count,
                code=code,
                at=iso(at),
                actor=actor,
                true_actor=true_actor or actor,
                issue_id=str(issue.id) if issue else None,
                issue_key=issue.key if issue else None,
                project_id=issue.project if issue else project,
                issue_type_id=issue.issuetype if issue else None,
                target_id=str(target) if target is not None else str(issue.id) if issue else None,
                event=str(event) if event is not None else None,
                items=items,
                secured=issue is not None and issue.security is not None,
                security_level_id=issue.security if issue else None,
                other_issue_id=str(link[0].id) if link else UNSET,
                link_type=link[1] if link else UNSET,
                link_histories=[str(history.id) for history in link[2]] if link else UNSET,
                link_ats=[iso(history.at) for history in link[2]] if link else UNSET,
                carriers=list(carriers) or UNSET,
            )
        )

    def record(
        self,
        code: str,
        at: int,
        *,
        actor: str | None,
        target_id: str | None,
        target_label: str | None = None,
        project: str | None = None,
        issue: Issue | None = None,
        items: Sequence[LineItem] = (),
        carriers: Sequence[Carrier] = (),
        listing: str | Sequence[str] | None = None,
        listing_code: str | None = None,
        member_id: str | None = None,
    ) -> None:
        """Write a line of an action that is not of the issue stream.

        `actor` is who did it, `project` the project's id, `target_id` and `member_id` ids that
        every channel can tell or be resolved to. `listing`: `list:<resource>[:<parent>]`;
        `listing_code`: as what a listing shows it, if not as what it is (a copy as a creation);
        with `_` in front, what comes into sight or goes out of it by that is no action.
        """
        self.line_count += 1
        listings = [listing] if isinstance(listing, str) else list(listing or ())
        self.sink(
            Line(
                n=self.line_count,
                code=code,
                at=iso(at),
                actor=actor,
                true_actor=actor,
                issue_id=str(issue.id) if issue else None,
                issue_key=issue.key if issue else None,
                project_id=issue.project if issue else project,
                issue_type_id=issue.issuetype if issue else None,
                target_id=target_id,
                event=None,
                items=list(items),
                secured=issue is not None and issue.security is not None,
                security_level_id=issue.security if issue else None,
                target_label=target_label,
                member_id=member_id,
                carriers=list(carriers),
                listing=listings,
                listing_code=listing_code or UNSET,
            )
        )

    def emit(
        self,
        event: str,
        at: int,
        actor: str | None,
        body: Callable[[], JsonObject],
        *,
        flow: str = "Primary",
    ) -> str:
        """Send a webhook if anybody receives them; its key in the served log, in any case.

        `body` is called at once, so that it shows the moment of the event.
        """
        self.webhook_count += 1
        if self.receiver is not None:
            self.receiver(Webhook(self.webhook_count, event, at, actor, flow, body()))
        return f"webhook:{self.webhook_count}"

    def _tell(
        self,
        event: str,
        at: int,
        actor: str | None,
        body: Callable[[Bodies], JsonObject],
        *,
        flow: str = "Primary",
        tells_items: bool = False,
    ) -> Carrier:
        """Emit a webhook about an issue; the channel for its ledger lines."""

        def render() -> JsonObject:
            if self.bodies is None:
                raise ValueError("a world with a receiver needs bodies")
            return body(self.bodies)

        key = self.emit(event, at, actor, render, flow=flow)
        return Carrier(key, tells_actor=actor is not None, tells_items=tells_items)

    def _tell_change(self, issue: Issue, history: History) -> Carrier:
        """Emit the webhook of a history entry."""
        return self._tell(
            "jira:issue_updated",
            history.at,
            history.author,
            lambda bodies: bodies.issue(issue, history.author, "", history=history),
            tells_items=True,
        )

    def _tell_comment(
        self, event: str, at: int, actor: str, issue: Issue, comment: Comment
    ) -> list[Carrier]:
        """Emit both webhooks of a comment: its own, and the update of its issue."""
        kind = {
            "comment_created": "issue_commented",
            "comment_updated": "issue_comment_edited",
            "comment_deleted": "issue_comment_deleted",
        }[event]
        return [
            self._tell(event, at, actor, lambda bodies: bodies.comment(issue, comment)),
            self._tell(
                "jira:issue_updated",
                at,
                actor,
                lambda bodies: bodies.issue(issue, actor, kind, comment=comment),
            ),
        ]

    def domain(self, kind: type[D]) -> D:
        """Give the world's domain of a class. KeyError if it is not attached."""
        found = self.domains[kind.name]
        if not isinstance(found, kind):
            raise TypeError(f"domain {kind.name} is a {type(found).__name__}")
        return found

    def _history(self, issue: Issue, at: int, author: str | None, changes: list[Change]) -> History:
        history = History(self._next_id("history"), at, author, changes)
        issue.histories.append(history)
        self._touch(issue, at)
        return history

    def _write_changes(
        self,
        issue: Issue,
        history: History,
        true_actor: str,
        own: Mapping[str, Carrier] | None = None,
    ) -> None:
        """Write the lines of one history entry: promoted items first, then the rest as one.

        `own`: the webhooks that attachments have of their own, by attachment id.
        """
        carrier = self._tell_change(issue, history)
        rest: list[Change] = []
        for change in history.changes:
            if change.field == "status":
                code, target = "STATUS_CHANGED", None
            elif change.field == "resolution" and change.new_id is not None:
                code, target = "ISSUE_RESOLVED", None
            elif change.field == "Attachment":
                created = change.new_id is not None
                code = "ATTACHMENT_CREATED" if created else "ATTACHMENT_DELETED"
                target = change.new_id if created else change.old_id
            else:
                rest.append(change)
                continue
            more = [own[target]] if own and target is not None and target in own else []
            self._line(
                code,
                history.at,
                issue=issue,
                actor=history.author,
                true_actor=true_actor,
                target=target,
                event=history.id,
                changes=[change],
                carriers=[carrier, *more],
            )
        if rest:
            self._line(
                "ISSUE_UPDATED",
                history.at,
                issue=issue,
                actor=history.author,
                true_actor=true_actor,
                event=history.id,
                changes=rest,
                carriers=[carrier],
            )

    # -- issues --------------------------------------------------------------------------------

    def adopt(self, issue: Issue) -> None:
        """Take in a ready-made issue of a site image: searchable at once, written to the ledger."""
        self.issues[issue.id] = issue
        self.keys[issue.key] = issue.id
        self.worklogs.update(issue.worklogs)
        project = self.projects[issue.project]
        number = int(issue.key.rpartition("-")[2])
        project.next_number = max(project.next_number, number + 1)
        self.index.add_at_once(issue)
        self._line("ISSUE_CREATED", issue.created, issue=issue, actor=issue.creator)
        for attachment in issue.attachments.values():
            self._line(
                "ATTACHMENT_CREATED",
                attachment.created,
                issue=issue,
                actor=attachment.author,
                target=attachment.id,
                changes=[_attachment_change(attachment, is_new=True)],
            )
        for comment in issue.comments.values():
            self._line(
                "ISSUE_COMMENTED",
                comment.created,
                issue=issue,
                actor=comment.author,
                target=comment.id,
                changes=[_comment_change(None, comment.text)],
            )
            if comment.updated > comment.created:
                self._line(
                    "COMMENT_UPDATED",
                    comment.updated,
                    issue=issue,
                    actor=comment.update_author,
                    target=comment.id,
                    changes=[_comment_change(None, comment.text)],
                )

    def create_issue(
        self,
        at: int,
        actor: str,
        project_id: str,
        *,
        issuetype: str,
        status: str,
        summary: str,
        attachments: Sequence[tuple[str, int, str]] = (),
        values: Mapping[str, Any] | None = None,
    ) -> Issue:
        """Make an issue; `values` are further attributes of `Issue`.

        Three of four issues of a service desk are requests: of which type depends on the id.

        `attachments` (name, size in bytes, type) given here leave no changelog entry.
        """
        project = self.projects[project_id]
        issue_id = self._next_id("issue")
        given: dict[str, Any] = {"reporter": actor, **(values or {})}
        if project.kind == "service_desk" and self.request_types:
            kinds = [*self.request_types, None]
            given.setdefault("request_type", kinds[issue_id % len(kinds)])
        issue = Issue(
            id=issue_id,
            key=f"{project.key}-{project.next_number}",
            project=project_id,
            issuetype=issuetype,
            status=status,
            created=at,
            updated=at,
            creator=actor,
            summary=summary,
            **given,
        )
        project.next_number += 1
        self.issues[issue.id] = issue
        self.keys[issue.key] = issue.id
        if issue.parent is not None:
            self.issues[issue.parent].subtasks.append(issue.id)
        self._touch(issue, at)
        for filename, size, mime_type in attachments:
            attachment = Attachment(
                self._next_id("attachment"), filename, actor, at, size, mime_type
            )
            issue.attachments[attachment.id] = attachment
        created = self._tell(
            "jira:issue_created",
            at,
            actor,
            lambda bodies: bodies.issue(issue, actor, "issue_created"),
        )
        self._line("ISSUE_CREATED", at, issue=issue, actor=actor, carriers=[created])
        for attachment in issue.attachments.values():
            self._line(
                "ATTACHMENT_CREATED",
                at,
                issue=issue,
                actor=actor,
                target=attachment.id,
                changes=[_attachment_change(attachment, is_new=True)],
                carriers=[
                    created,
                    self._tell_attachment("attachment_created", at, actor, attachment),
                ],
            )
        return issue

    def _tell_attachment(self, event: str, at: int, actor: str, attachment: Attachment) -> Carrier:
        return self._tell(event, at, actor, lambda bodies: bodies.attachment(attachment))

    def edit(
        self,
        at: int,
        actor: str,
        issue: Issue,
        values: Mapping[str, Any],
        *,
        is_anonymous: bool = False,
    ) -> History | None:
        """Set fields (names of `EDITABLE`, or fixVersions/components) in one history entry.

        Returns None when nothing differs. `is_anonymous`: the history names no author.
        """
        changes = [
            change for name, value in values.items() for change in self._set(issue, name, value)
        ]
        if not changes:
            return None
        if "resolution" in values:
            issue.resolved = at if issue.resolution is not None else None
        history = self._history(issue, at, None if is_anonymous else actor, changes)
        self._write_changes(issue, history, actor)
        return history

    def _set(self, issue: Issue, name: str, value: _Value) -> list[Change]:
        if name in ("fixVersions", "components"):
            return self._set_members(issue, name, value)
        if name == RANK:
            # Jira tells the direction only, never the position.
            direction = "Ranked higher" if value < issue.rank else "Ranked lower"
            issue.rank = value
            return [Change("Rank", "custom", "", "", "", direction, RANK)]
        rule = EDITABLE[name]
        old = getattr(issue, rule.attribute)
        if old == value:
            return []
        old_id, old_text = rule.describe(self, old)
        new_id, new_text = rule.describe(self, value)
        setattr(issue, rule.attribute, value)
        if name == "parent" and value is not None:
            self.issues[value].subtasks.append(issue.id)
        return [
            Change(rule.item, rule.fieldtype, old_id, old_text, new_id, new_text, rule.field_id)
        ]

    def _set_members(self, issue: Issue, name: str, value: tuple[str, ...]) -> list[Change]:
        """Jira writes one item for each version or component that came or went."""
        project = self.projects[issue.project]
        if name == "fixVersions":
            attribute, label, members = "fix_versions", "Fix Version", project.versions
        else:
            attribute, label, members = "components", "Component", project.components
        names = {member["id"]: member["name"] for member in members}
        old = getattr(issue, attribute)
        setattr(issue, attribute, value)
        gone = [
            Change(label, "jira", item, names[item], None, None, name)
            for item in old
            if item not in value
        ]
        new = [
            Change(label, "jira", None, None, item, names[item], name)
            for item in value
            if item not in old
        ]
        return gone + new

    def add_remote_link(self, at: int, actor: str, issue: Issue, title: str) -> None:
        """Link a page elsewhere: an edit that is only in the changelog."""
        link_id = str(self._next_id("remote link"))
        text = f'This work item links to "{title}"'
        change = Change("RemoteIssueLink", "jira", None, None, link_id, text)
        self._write_changes(issue, self._history(issue, at, actor, [change]), actor)

    def change_type(self, at: int, actor: str, issue: Issue, issuetype: str) -> None:
        """Change the issue type; the workflow item comes with it, as on a real site."""
        changes = self._set(issue, "issuetype", issuetype)
        changes.append(Change("Workflow", "jira", "10100", "Delivery", "10101", "Support"))
        self._write_changes(issue, self._history(issue, at, actor, changes), actor)

    def move(self, at: int, actor: str, issue: Issue, project_id: str) -> None:
        """Move to another project: new key; versions, components stay behind."""
        changes = self._set_members(issue, "fixVersions", ())
        changes += self._set_members(issue, "components", ())
        old, new = self.projects[issue.project], self.projects[project_id]
        new_key = f"{new.key}-{new.next_number}"
        new.next_number += 1
        changes += [
            Change("project", "jira", old.id, old.name, new.id, new.name, "project"),
            Change("Key", "jira", None, issue.key, None, new_key),
        ]
        issue.project, issue.key = project_id, new_key
        self.keys[new_key] = issue.id
        self._write_changes(issue, self._history(issue, at, actor, changes), actor)

    def delete_issue(self, at: int, actor: str, issue: Issue) -> None:
        """Delete an issue with all that hangs on it; linked issues get no changelog entry.

        Webhooks of what went with it are of the secondary flow and later.
        """
        deleted = self._tell(
            "jira:issue_deleted",
            at,
            actor,
            lambda bodies: bodies.issue(issue, actor, "issue_deleted"),
        )
        self._line("ISSUE_DELETED", at, issue=issue, true_actor=actor, carriers=[deleted])
        self._tell_consequences(at + SECOND, actor, issue)
        del self.issues[issue.id]
        self.deleted[issue.id] = issue.project
        for worklog_id in issue.worklogs:
            del self.worklogs[worklog_id]
        for link in issue.links.values():
            other = self.issues.get(link.target if link.source == issue.id else link.source)
            if other is not None:
                other.links.pop(link.id, None)
        for child_id in issue.subtasks:
            child = self.issues.get(child_id)
            if child is not None and child.parent == issue.id:
                child.parent = None
        self.index.schedule(issue.id, None, at)

    def _tell_consequences(self, at: int, actor: str, issue: Issue) -> None:
        for comment in issue.comments.values():
            self._tell_consequence("comment_deleted", at, actor, "comment", issue, comment)
        for attachment in issue.attachments.values():
            self._tell_consequence("attachment_deleted", at, actor, "attachment", attachment)
        for link in issue.links.values():
            self._tell_consequence("issuelink_deleted", at, actor, "link", link)

    def _tell_consequence(
        self, event: str, at: int, actor: str, render: str, *parts: object
    ) -> None:
        self._tell(
            event, at, actor, lambda bodies: getattr(bodies, render)(*parts), flow="Secondary"
        )

    # -- comments, worklogs, attachments, links ------------------------------------------------

    def comment(self, at: int, actor: str, issue: Issue, text: str) -> Comment:
        """Add a comment, which leaves no changelog entry; one in 23 is for administrators only."""
        comment = Comment(self._next_id("comment"), actor, at, at, actor, text)
        if comment.id % 23 == 0:
            comment.restricted_to = "Administrators"
        issue.comments[comment.id] = comment
        self._touch(issue, at)
        self._line(
            "ISSUE_COMMENTED",
            at,
            issue=issue,
            actor=actor,
            target=comment.id,
            changes=[_comment_change(None, text)],
            carriers=self._tell_comment("comment_created", at, actor, issue, comment),
        )
        return comment

    def edit_comment(self, at: int, actor: str, issue: Issue, comment: Comment, text: str) -> None:
        """Change a comment's text."""
        change = _comment_change(comment.text, text)
        comment.text, comment.updated, comment.update_author = text, at, actor
        self._touch(issue, at)
        self._line(
            "COMMENT_UPDATED",
            at,
            issue=issue,
            actor=actor,
            target=comment.id,
            changes=[change],
            carriers=self._tell_comment("comment_updated", at, actor, issue, comment),
        )

    def delete_comment(self, at: int, actor: str, issue: Issue, comment: Comment) -> None:
        """Delete a comment: no API tells who."""
        del issue.comments[comment.id]
        issue.gone_comments.append(comment)
        self._touch(issue, at)
        self._line(
            "COMMENT_DELETED",
            at,
            issue=issue,
            true_actor=actor,
            target=comment.id,
            changes=[_comment_change(comment.text, None)],
            carriers=self._tell_comment("comment_deleted", at, actor, issue, comment),
        )

    def log_work(self, at: int, actor: str, issue: Issue, seconds: int, text: str) -> Worklog:
        """Log work; its history entry (time spent, estimate) follows some milliseconds later."""
        worklog = Worklog(
            self._next_id("worklog"),
            issue.id,
            actor,
            at,
            at,
            actor,
            at - seconds * 1000,
            seconds,
            text,
        )
        issue.worklogs[worklog.id] = self.worklogs[worklog.id] = worklog
        history = self._spend(issue, at, actor, seconds, None)
        self._line(
            "WORKLOG_CREATED",
            at,
            issue=issue,
            actor=actor,
            target=worklog.id,
            event=history.id,
            carriers=[self._tell_worklog("worklog_created", at, actor, worklog)],
        )
        return worklog

    def edit_worklog(self, at: int, actor: str, worklog: Worklog, seconds: int) -> None:
        """Correct the time of a worklog."""
        issue = self.issues[worklog.issue]
        difference = seconds - worklog.seconds
        worklog.seconds, worklog.updated, worklog.update_author = seconds, at, actor
        history = self._spend(issue, at, actor, difference, worklog.id)
        self._line(
            "WORKLOG_UPDATED",
            at,
            issue=issue,
            actor=actor,
            target=worklog.id,
            event=history.id,
            carriers=[self._tell_worklog("worklog_updated", at, actor, worklog)],
        )

    def delete_worklog(self, at: int, actor: str, worklog: Worklog) -> None:
        """Delete a worklog."""
        issue = self.issues[worklog.issue]
        del issue.worklogs[worklog.id], self.worklogs[worklog.id]
        self.worklog_deletions.append((at, worklog.id))
        history = self._spend(issue, at, actor, -worklog.seconds, worklog.id, is_deletion=True)
        self._line(
            "WORKLOG_DELETED",
            at,
            issue=issue,
            actor=actor,
            target=worklog.id,
            event=history.id,
            carriers=[self._tell_worklog("worklog_deleted", at, actor, worklog)],
        )

    def _tell_worklog(self, event: str, at: int, actor: str, worklog: Worklog) -> Carrier:
        return self._tell(event, at, actor, lambda bodies: bodies.worklog(worklog))

    def _spend(
        self,
        issue: Issue,
        at: int,
        actor: str,
        seconds: int,
        worklog_id: int | None,
        *,
        is_deletion: bool = False,
    ) -> History:
        remaining = issue.remaining_estimate
        changes = self._set(issue, "timespent", max(0, (issue.time_spent or 0) + seconds))
        if remaining is not None:
            changes += self._set(issue, "timeestimate", max(0, remaining - seconds))
        if worklog_id is not None:
            name = str(worklog_id)
            new = None if is_deletion else name
            changes.append(Change("WorklogId", "jira", name, name, new, new))
        delay = zlib.crc32(b"%d:%d" % (issue.id, at)) % 900
        history = self._history(issue, at + delay, actor, changes)
        self._tell_change(issue, history)
        return history

    def attach(
        self, at: int, actor: str, issue: Issue, files: Sequence[tuple[str, int, str]]
    ) -> None:
        """Attach files (name, size in bytes, type) in one history entry."""
        changes = []
        for filename, size, mime_type in files:
            attachment = Attachment(
                self._next_id("attachment"), filename, actor, at, size, mime_type
            )
            issue.attachments[attachment.id] = attachment
            changes.append(_attachment_change(attachment, is_new=True))
        history = self._history(issue, at, actor, changes)
        own = {
            str(change.new_id): self._tell_attachment(
                "attachment_created", at, actor, issue.attachments[int(change.new_id or "")]
            )
            for change in changes
        }
        self._write_changes(issue, history, actor, own)

    def detach(self, at: int, actor: str, issue: Issue, attachment: Attachment) -> None:
        """Delete an attachment."""
        del issue.attachments[attachment.id]
        change = _attachment_change(attachment, is_new=False)
        history = self._history(issue, at, actor, [change])
        own = self._tell_attachment("attachment_deleted", at, actor, attachment)
        self._write_changes(issue, history, actor, {str(attachment.id): own})

    def link(
        self, at: int, actor: str, source: Issue, target: Issue, type_id: str, gap_ms: int
    ) -> Link:
        """Link two issues; the target's history entry is written `gap_ms` after the source's."""
        link = Link(self._next_id("link"), type_id, source.id, target.id)
        source.links[link.id] = target.links[link.id] = link
        self._write_link("ISSUELINK_CREATED", at, actor, link, gap_ms)
        return link

    def unlink(self, at: int, actor: str, link: Link, gap_ms: int) -> None:
        """Remove a link, with an entry in both histories."""
        del self.issues[link.source].links[link.id], self.issues[link.target].links[link.id]
        self._write_link("ISSUELINK_DELETED", at, actor, link, gap_ms)

    def _write_link(self, code: str, at: int, actor: str, link: Link, gap_ms: int) -> None:
        kind = self.link_types[link.type]
        source, target = self.issues[link.source], self.issues[link.target]
        ends: list[tuple[Issue, History]] = []
        for issue, other, phrase, moment in (
            (source, target, kind["outward"], at),
            (target, source, kind["inward"], at + gap_ms),
        ):
            text = f"This issue {phrase} {other.key}"
            if code == "ISSUELINK_CREATED":
                change = Change("Link", "jira", None, None, other.key, text)
            else:
                change = Change("Link", "jira", other.key, text, None, None)
            ends.append((issue, self._history(issue, moment, actor, [change])))
        event = code.lower()
        carriers = [self._tell(event, at, actor, lambda bodies: bodies.link(link))]
        carriers += [self._tell_change(end, history) for end, history in ends]
        if kind["outward"] == kind["inward"]:
            ends.sort(key=lambda end: end[0].id)
        (issue, history), (other, other_history) = ends
        self._line(
            code,
            history.at,
            issue=issue,
            actor=actor,
            target=link.id,
            event=history.id,
            changes=history.changes,
            link=(other, link.type, [history, other_history]),
            carriers=carriers,
        )

    # -- people and projects -------------------------------------------------------------------

    def deactivate(self, at: int, account_id: str) -> None:
        """Deactivate an account."""
        self.people[account_id].active = False
        self._fact("_USER_DEACTIVATED", at, target=account_id)

    def rename_person(self, at: int, account_id: str, name: str) -> None:
        """Change a person's display name; what the changelog already says stays."""
        self.people[account_id].name = name
        self._fact("_USER_RENAMED", at, target=account_id)

    def erase(self, at: int, account_id: str) -> None:
        """Erase a person: the account stays as an id without a name."""
        self.people[account_id] = Person(
            account_id, "Former user", active=False, account_type="unknown"
        )
        self._fact("_USER_ERASED", at, target=account_id)

    def rename_project(self, at: int, project_id: str, name: str) -> None:
        """Change a project's name."""
        self.projects[project_id].name = name
        self._fact("_PROJECT_RENAMED", at, target=project_id, project=project_id)

    def delete_field(self, at: int, field_id: str) -> None:
        """Delete a custom field: it leaves the list of fields and all issues, not the changelog."""
        self.fields = [field for field in self.fields if field["id"] != field_id]
        self.deleted_fields.add(field_id)
        self._fact("_FIELD_DELETED", at, target=field_id)

    def archive(self, at: int, actor: str, project_id: str) -> None:
        """Archive a project: its issues stay readable by id but leave the search."""
        project = self.projects[project_id]
        project.state, project.state_at, project.state_by = "archived", at, actor
        self._fact("_PROJECT_ARCHIVED", at, target=project_id, project=project_id)

    def hide(self, at: int, project_id: str, *, is_hidden: bool) -> None:
        """Take away or give back the API user's right to browse a project."""
        self.projects[project_id].is_hidden = is_hidden
        code = "_PROJECT_HIDDEN" if is_hidden else "_PROJECT_UNHIDDEN"
        self._fact(code, at, target=project_id, project=project_id)

    def hide_level(self, at: int, level_id: str, *, is_hidden: bool) -> None:
        """Take the API user out of a security level, or put them back."""
        (self.hidden_levels.add if is_hidden else self.hidden_levels.discard)(level_id)
        self._fact("_LEVEL_HIDDEN" if is_hidden else "_LEVEL_UNHIDDEN", at, target=level_id)

    def trash(self, at: int, actor: str, project_id: str) -> None:
        """Move a project to the trash: its issues are neither listed nor readable."""
        project = self.projects[project_id]
        project.state, project.state_at, project.state_by = "deleted", at, actor
        self._fact("_PROJECT_TRASHED", at, target=project_id, project=project_id)

    def _fact(self, code: str, at: int, *, target: str, project: str | None = None) -> None:
        self.config_version += 1
        self.index.version += 1
        self._line(code, at, target=target, project=project)
        for domain in self.domains.values():
            domain.observed(code, at, target)

    # -- reading -------------------------------------------------------------------------------

    def reviewers(self, issue: Issue) -> list[str]:
        """Give the accounts in the field of people, which every tenth issue has for good."""
        if issue.id % 10:
            return []
        first, people = issue.id // 10, list(itertools.islice(self.people, 80))
        return [people[(first + step) % len(people)] for step in (0, 7)]

    def find(self, id_or_key: str) -> Issue | None:
        """Find the visible issue of an id, or of any key it ever had."""
        is_id = id_or_key.isdecimal() and len(id_or_key) < 19
        issue_id = int(id_or_key) if is_id else self.keys.get(id_or_key.upper(), -1)
        issue = self.issues.get(issue_id)
        if issue is None or issue.security in self.hidden_levels:
            return None
        project = self.projects[issue.project]
        return None if project.is_hidden or project.state == "deleted" else issue

    def is_searchable(self, entry: IndexEntry) -> bool:
        """Whether the API user's searches may show an index entry."""
        issue = self.issues.get(entry.issue)
        if issue is not None and issue.security in self.hidden_levels:
            return False
        project = self.projects[issue.project if issue else entry.project]
        return not project.is_hidden and project.state == "live"


def _comment_change(old: str | None, new: str | None) -> Change:
    return Change("comment", "jira", None, old, None, new)


def _attachment_change(attachment: Attachment, *, is_new: bool) -> Change:
    attachment_id, name = str(attachment.id), attachment.filename
    if is_new:
        return Change("Attachment", "jira", None, None, attachment_id, name, "attachment")
    return Change("Attachment", "jira", attachment_id, name, None, None, "attachment")
