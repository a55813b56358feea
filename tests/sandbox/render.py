"""World -> Atlassian's JSON. Only this module knows what the API's bodies look like.

Bodies are dictionaries and Structs for `msgspec.json.encode`; parts that repeat (people, statuses,
projects) are encoded once and embedded as `msgspec.Raw`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tests.sandbox.clock import from_ms
from tests.sandbox.fields import IMPACT, POINTS, RANK, REQUEST_TYPE, REVIEWERS, SPRINT, TEAM
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
from tests.sandbox.world import World

INLINE_LIMIT = 20

_encode = msgspec.json.Encoder().encode


def document(text: str) -> JsonObject:
    """Put a text into the Atlassian Document Format, a paragraph for each of its lines."""
    paragraphs: list[JsonObject] = [
        {"type": "paragraph", "content": [{"type": "text", "text": line}]}
        if line
        else {"type": "paragraph", "content": []}
        for line in text.split("\n")
    ]
    return {"type": "doc", "version": 1, "content": paragraphs}


class _BulkHistory(Struct, gc=False):
    """A history of changelog/bulkfetch: `created` is an epoch number."""

    id: str
    created: int
    items: list[Change]
    author: Raw | UnsetType = UNSET


class _IssueHistory(Struct, gc=False):
    """A history of the per-issue changelog: `created` is a timestamp."""

    id: str
    created: str
    items: list[Change]
    author: Raw | UnsetType = UNSET


class _RenderedComment(Struct, gc=False):
    url: str = msgspec.field(name="self")
    id: str
    body: JsonObject
    created: str
    updated: str
    author: Raw | UnsetType = UNSET
    update_author: Raw | UnsetType = msgspec.field(name="updateAuthor", default=UNSET)
    is_public: bool = msgspec.field(name="jsdPublic", default=True)
    visibility: JsonObject | UnsetType = UNSET


class Renderer:
    """Renders one world; what repeats is encoded once for each version of the configuration."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._api = f"{world.site}/rest/api/3"
        self._zone = ZoneInfo(world.people[world.me].time_zone)
        self._version = world.config_version
        self._raw: dict[tuple[str, str], Raw] = {}

    # -- small parts ---------------------------------------------------------------------------

    def stamp(self, ms: int) -> str:
        """Render Jira's timestamp, `2025-11-12T16:28:36.943+0100`: in the API user's time zone."""
        text = from_ms(ms).astimezone(self._zone).isoformat(timespec="milliseconds")
        return text[:-3] + text[-2:]

    def _cached(self, kind: str, key: str, make: Callable[[str], object]) -> Raw:
        if self._version != self._world.config_version:
            self._raw.clear()
            self._version = self._world.config_version
        raw = self._raw.get((kind, key))
        if raw is None:
            raw = self._raw[kind, key] = Raw(_encode(make(key)))
        return raw

    def user(self, account_id: str) -> Raw:
        """Render a user inside other objects; an id nobody has becomes a nameless account."""
        return self._cached("user", account_id, lambda key: self.person(self._known(key)))

    def _known(self, account_id: str) -> Person:
        unknown = Person(account_id, "Former user", active=False, account_type="unknown")
        return self._world.people.get(account_id, unknown)

    def person(self, person: Person) -> JsonObject:
        """Render a user of /users/search and /myself."""
        avatar = f"https://secure.gravatar.com/avatar/{person.account_id[-12:]}?d=mm&s="
        body: JsonObject = {
            "self": f"{self._api}/user?accountId={person.account_id}",
            "accountId": person.account_id,
            "accountType": person.account_type,
            "avatarUrls": {f"{size}x{size}": f"{avatar}{size}" for size in (48, 24, 16, 32)},
            "displayName": person.name,
            "active": person.active,
        }
        if person.account_type == "atlassian":
            body["timeZone"] = person.time_zone
        if person.email is not None:
            body["emailAddress"] = person.email
        return body

    def _optional_user(self, account_id: str | None) -> Raw | None:
        return None if account_id is None else self.user(account_id)

    def _member_user(self, account_id: str | None) -> Raw | UnsetType:
        """Render a user where Jira leaves the member out instead of sending null."""
        return UNSET if account_id is None else self.user(account_id)

    def _member(self, catalogue: str, member_id: str) -> Raw:
        return self._cached(catalogue, member_id, getattr(self._world, catalogue).__getitem__)

    def _project_reference(self, project_id: str) -> JsonObject:
        project = self._world.projects[project_id]
        body: JsonObject = {
            "self": f"{self._api}/project/{project.id}",
            "id": project.id,
            "key": project.key,
            "name": project.name,
            "projectTypeKey": project.kind,
            "simplified": False,
            "avatarUrls": self._project_avatars(project),
        }
        if project.category is not None:
            body["projectCategory"] = project.category
        return body

    def _project_avatars(self, project: Project) -> JsonObject:
        url = f"{self._api}/universal_avatar/view/type/project/avatar/{project.id}"
        return {f"{size}x{size}": f"{url}?s={size}" for size in (48, 24, 16, 32)}

    def project(self, project: Project, expand: frozenset[str]) -> JsonObject:
        """Render a project of /project/search, with the asked expansions."""
        body: JsonObject = {"expand": "description,lead,issueTypes,url,projectKeys,insight"}
        body |= self._project_reference(project.id)
        body |= {"style": "classic", "isPrivate": False, "properties": {}}
        if "description" in expand:
            body["description"] = project.description
        if "lead" in expand and project.lead is not None:
            body["lead"] = self.user(project.lead)
        if "issueTypes" in expand:
            body["issueTypes"] = list(self._world.issue_types.values())
        if project.state != "live":
            name = project.state
            body |= {name: True, f"{name}Date": self.stamp(project.state_at)}
            if project.state_by is not None:
                body[f"{name}By"] = self.user(project.state_by)
        return body

    # -- things that hang on an issue ----------------------------------------------------------

    def comment(self, issue: Issue, comment: Comment) -> _RenderedComment:
        """Render a comment."""
        role = comment.restricted_to
        return _RenderedComment(
            url=f"{self._api}/issue/{issue.id}/comment/{comment.id}",
            id=str(comment.id),
            author=self._member_user(comment.author),
            body=document(comment.text),
            update_author=self._member_user(comment.update_author),
            created=self.stamp(comment.created),
            updated=self.stamp(comment.updated),
            visibility={"type": "role", "value": role, "identifier": role} if role else UNSET,
        )

    def worklog(self, worklog: Worklog) -> JsonObject:
        """Render a worklog."""
        hours, rest = divmod(worklog.seconds, 3600)
        spent = f"{hours}h {rest // 60}m" if hours else f"{rest // 60}m"
        body: JsonObject = {
            "self": f"{self._api}/issue/{worklog.issue}/worklog/{worklog.id}",
            "author": self.user(worklog.author),
            "updateAuthor": self.user(worklog.update_author),
            "created": self.stamp(worklog.created),
            "updated": self.stamp(worklog.updated),
            "started": self.stamp(worklog.started),
            "timeSpent": spent,
            "timeSpentSeconds": worklog.seconds,
            "id": str(worklog.id),
            "issueId": str(worklog.issue),
        }
        if worklog.text:
            body["comment"] = document(worklog.text)
        return body

    def attachment(self, attachment: Attachment) -> JsonObject:
        """Render an attachment."""
        body: JsonObject = {
            "self": f"{self._api}/attachment/{attachment.id}",
            "id": str(attachment.id),
            "filename": attachment.filename,
            "created": self.stamp(attachment.created),
            "size": attachment.size,
            "mimeType": attachment.mime_type,
            "content": f"{self._api}/attachment/content/{attachment.id}",
        }
        if attachment.author is not None:
            body["author"] = self.user(attachment.author)
        return body

    def _link(self, issue: Issue, link: Link) -> JsonObject | None:
        is_source = link.source == issue.id
        other = self._world.find(str(link.target if is_source else link.source))
        if other is None:
            return None
        return {
            "id": str(link.id),
            "self": f"{self._api}/issueLink/{link.id}",
            "type": self._member("link_types", link.type),
            "outwardIssue" if is_source else "inwardIssue": self._brief(other),
        }

    def _brief(self, issue: Issue) -> JsonObject:
        return {
            "id": str(issue.id),
            "key": issue.key,
            "self": f"{self._api}/issue/{issue.id}",
            "fields": {
                "summary": issue.summary,
                "status": self._member("statuses", issue.status),
                "issuetype": self._member("issue_types", issue.issuetype),
            },
        }

    def bulk_history(self, history: History) -> _BulkHistory:
        """Render a history of POST /changelog/bulkfetch."""
        author = self._member_user(history.author)
        return _BulkHistory(str(history.id), history.at, history.changes, author)

    def issue_history(self, history: History) -> _IssueHistory:
        """Render a history of GET /issue/{id}/changelog."""
        author = self._member_user(history.author)
        return _IssueHistory(str(history.id), self.stamp(history.at), history.changes, author)

    # -- issues --------------------------------------------------------------------------------

    def issue(self, issue: Issue, wanted: frozenset[str]) -> JsonObject:
        """Render an issue with the wanted fields; `*all` and `*navigable` are understood."""
        return {
            "expand": "operations,versionedRepresentations,editmeta,changelog,renderedFields",
            "id": str(issue.id),
            "self": f"{self._api}/issue/{issue.id}",
            "key": issue.key,
            "fields": self._fields(issue, wanted),
        }

    def _fields(self, issue: Issue, wanted: frozenset[str]) -> JsonObject:
        has_all = "*all" in wanted
        has_navigable = has_all or "*navigable" in wanted

        def is_wanted(name: str) -> bool:
            if f"-{name}" in wanted or name in self._world.deleted_fields:
                return False
            return has_all or name in wanted or (has_navigable and name not in _NOT_NAVIGABLE)

        fields = {
            name: render(self, issue) for name, render in self._FIELDS.items() if is_wanted(name)
        }
        return fields | {name: value for name, value in issue.extra.items() if is_wanted(name)}

    def _comments(self, issue: Issue) -> JsonObject:
        comments = list(issue.comments.values())
        shown = comments[:INLINE_LIMIT]
        return {
            "comments": [self.comment(issue, comment) for comment in shown],
            "self": f"{self._api}/issue/{issue.id}/comment",
            "maxResults": INLINE_LIMIT,
            "total": len(comments),
            "startAt": 0,
        }

    def _worklogs(self, issue: Issue) -> JsonObject:
        worklogs = list(issue.worklogs.values())
        return {
            "startAt": 0,
            "maxResults": INLINE_LIMIT,
            "total": len(worklogs),
            "worklogs": [self.worklog(worklog) for worklog in worklogs[:INLINE_LIMIT]],
        }

    def _team(self, issue: Issue) -> JsonObject | None:
        if issue.team is None:
            return None
        return {
            "self": f"{self._api}/customFieldOption/{issue.team}",
            "value": self._world.teams[issue.team],
            "id": issue.team,
        }

    def _request_type(self, issue: Issue) -> JsonObject | None:
        if issue.request_type is None:
            return None
        return {
            "requestType": self._member("request_types", issue.request_type),
            "currentStatus": {"status": self._world.statuses[issue.status]["name"]},
        }

    def _parent(self, issue: Issue) -> JsonObject | None:
        parent = self._world.issues.get(issue.parent) if issue.parent is not None else None
        return None if parent is None else self._brief(parent)

    def _subtasks(self, issue: Issue) -> list[JsonObject]:
        return [
            self._brief(child)
            for child in (self._world.issues.get(child) for child in issue.subtasks)
            if child is not None and child.parent == issue.id
        ]

    _FIELDS: ClassVar[dict[str, Callable[[Renderer, Issue], object]]] = {
        "issuetype": lambda r, i: r._member("issue_types", i.issuetype),
        "parent": lambda r, i: r._parent(i),
        "project": lambda r, i: r._cached("project", i.project, r._project_reference),
        "timespent": lambda _, i: i.time_spent,
        "timeestimate": lambda _, i: i.remaining_estimate,
        "timeoriginalestimate": lambda _, i: i.original_estimate,
        "fixVersions": lambda r, i: _only(r._world.projects[i.project].versions, i.fix_versions),
        "components": lambda r, i: _only(r._world.projects[i.project].components, i.components),
        "versions": lambda _, __: [],
        "resolution": lambda r, i: i.resolution and r._member("resolutions", i.resolution),
        "resolutiondate": lambda r, i: None if i.resolved is None else r.stamp(i.resolved),
        "created": lambda r, i: r.stamp(i.created),
        "updated": lambda r, i: r.stamp(i.updated),
        "priority": lambda r, i: i.priority and r._member("priorities", i.priority),
        "labels": lambda _, i: i.labels,
        "issuelinks": lambda r, i: [
            link for link in (r._link(i, link) for link in i.links.values()) if link is not None
        ],
        "assignee": lambda r, i: r._optional_user(i.assignee),
        "reporter": lambda r, i: r._optional_user(i.reporter),
        "creator": lambda r, i: r._optional_user(i.creator),
        "status": lambda r, i: r._member("statuses", i.status),
        "description": lambda _, i: None if i.description is None else document(i.description),
        "summary": lambda _, i: i.summary,
        "security": lambda r, i: i.security and r._member("security_levels", i.security),
        "duedate": lambda _, i: i.duedate,
        "subtasks": lambda r, i: r._subtasks(i),
        "attachment": lambda r, i: [r.attachment(a) for a in i.attachments.values()],
        "comment": lambda r, i: r._comments(i),
        "worklog": lambda r, i: r._worklogs(i),
        POINTS: lambda _, i: i.points,
        SPRINT: lambda r, i: [r._world.sprints[s] for s in i.sprints] or None,
        RANK: lambda _, i: i.rank,
        TEAM: lambda r, i: r._team(i),
        IMPACT: lambda _, i: None if i.impact is None else document(i.impact),
        REVIEWERS: lambda r, i: [r.user(who) for who in r._world.reviewers(i)] or None,
        REQUEST_TYPE: lambda r, i: r._request_type(i),
        "watches": lambda r, i: {
            "self": f"{r._api}/issue/{i.id}/watchers",
            "watchCount": 1,
            "isWatching": False,
        },
        "votes": lambda r, i: {
            "self": f"{r._api}/issue/{i.id}/votes",
            "votes": 0,
            "hasVoted": False,
        },
        "workratio": lambda _, __: -1,
        "environment": lambda _, __: None,
        "lastViewed": lambda _, __: None,
    }


def _only(members: list[JsonObject], ids: tuple[str, ...]) -> list[JsonObject]:
    return [member for member in members if member["id"] in ids] if ids else []


_NOT_NAVIGABLE = frozenset({"comment", "attachment", "worklog"})
