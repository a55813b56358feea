"""What a site holds: people, projects, and issues with their parts, as they are now.

Times are milliseconds since 1970 UTC.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

JsonObject = dict[str, Any]


class Person(Struct, gc=False):
    """A user. `email` is None when hidden; an erased person is `account_type` unknown."""

    account_id: str
    name: str
    email: str | None = None
    active: bool = True
    account_type: str = "atlassian"
    time_zone: str = "Europe/Zurich"


class Project(Struct):
    """A project. `state` is live, archived or deleted; `is_hidden`: the API user lost the right."""

    id: str
    key: str
    name: str
    kind: str = "software"
    lead: str | None = None
    category: JsonObject | None = None
    description: str = ""
    state: str = "live"
    state_at: int = 0
    state_by: str | None = None
    is_hidden: bool = False
    next_number: int = 1
    components: list[JsonObject] = msgspec.field(default_factory=list)
    versions: list[JsonObject] = msgspec.field(default_factory=list)


class Change(Struct, frozen=True, gc=False):
    """One changelog item, in wire form."""

    field: str
    fieldtype: str
    old_id: str | None = msgspec.field(name="from")
    old: str | None = msgspec.field(name="fromString")
    new_id: str | None = msgspec.field(name="to")
    new: str | None = msgspec.field(name="toString")
    field_id: str | UnsetType = msgspec.field(name="fieldId", default=UNSET)


class History(Struct, gc=False):
    """One changelog entry. `author` None: the site does not tell who."""

    id: int
    at: int
    author: str | None
    changes: list[Change]


class Comment(Struct, gc=False):
    """The current version of a comment; `updated == created` until it is edited."""

    id: int
    author: str | None
    created: int
    updated: int
    update_author: str | None
    text: str
    restricted_to: str | None = None  # the project role that may read it


class Worklog(Struct, gc=False):
    """The current version of a worklog."""

    id: int
    issue: int
    author: str
    created: int
    updated: int
    update_author: str
    started: int
    seconds: int
    text: str


class Attachment(Struct, gc=False):
    """An attachment."""

    id: int
    filename: str
    author: str | None
    created: int
    size: int
    mime_type: str


class Link(Struct, gc=False):
    """A link: `source` reads the type's outward phrase, `target` the inward one."""

    id: int
    type: str
    source: int
    target: int


class Issue(Struct, eq=False):
    """An issue as it is now. Ids of configuration are strings, everything numbered is an int.

    `extra` is merged into the rendered `fields` (a site image's own fields), already in wire form.
    """

    id: int
    key: str
    project: str
    issuetype: str
    status: str
    created: int
    updated: int
    creator: str | None
    summary: str
    reporter: str | None = None
    assignee: str | None = None
    priority: str | None = None
    resolution: str | None = None
    resolved: int | None = None
    description: str | None = None
    labels: tuple[str, ...] = ()
    duedate: str | None = None
    security: str | None = None
    parent: int | None = None
    fix_versions: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    sprints: tuple[str, ...] = ()
    points: float | None = None
    team: str | None = None
    impact: str | None = None
    request_type: str | None = None
    rank: str = "0|i00000:"
    original_estimate: int | None = None
    remaining_estimate: int | None = None
    time_spent: int | None = None
    comments: dict[int, Comment] = msgspec.field(default_factory=dict)
    worklogs: dict[int, Worklog] = msgspec.field(default_factory=dict)
    attachments: dict[int, Attachment] = msgspec.field(default_factory=dict)
    links: dict[int, Link] = msgspec.field(default_factory=dict)
    subtasks: list[int] = msgspec.field(default_factory=list)
    histories: list[History] = msgspec.field(default_factory=list)
    gone_comments: list[Comment] = msgspec.field(default_factory=list)
    extra: JsonObject = msgspec.field(default_factory=dict)
