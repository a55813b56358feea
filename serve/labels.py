"""What people, projects and issues are called: the models and how a snapshot fills them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from pydantic import Field

from serve.paging import Response
from serve.query.dimensions import compile_issues
from serve.query.visibility import Rights
from serve.warehouse.snapshot import Directory, Project, Snapshot, User

# Issues in these states have no page in Jira; an archived one still has.
_NO_PAGE = frozenset({"deleted", "trashed"})


class Author(Response):
    """Who acted."""

    account_id: str = Field(description="Atlassian account id.", examples=["5b10a2844c20165700ede"])
    display_name: str | None = Field(description="Current name.", examples=["Mia Krystof"])
    avatar_url: str | None = Field(
        description="Address of the picture.", examples=["https://avatars.example.com/1"]
    )
    url: str | None = Field(
        description="Page of the person in Jira; null if the log does not know them.",
        examples=["https://example.atlassian.net/jira/people/5b10a2844c20165700ede"],
    )


class ProjectLabel(Response):
    """The project the action happened in, as of the action."""

    id: str = Field(description="Project id.", examples=["10000"])
    key: str | None = Field(description="Current key.", examples=["DEMO"])
    name: str | None = Field(description="Current name.", examples=["Demo project"])


class IssueLabel(Response):
    """The issue the action happened on."""

    id: str = Field(description="Issue id.", examples=["10001"])
    key: str | None = Field(description="Current key.", examples=["DEMO-1"])
    type: str | None = Field(description="Issue type as of the action.", examples=["Task"])
    request_type: str | None = Field(
        description="Request type as of the action; null outside Jira Service Management.",
        examples=["Get IT help"],
    )
    summary: str | None = Field(description="Current summary.", examples=["Paint the shed"])
    is_deleted: bool = Field(description="The issue exists no more.", examples=[False])
    url: str | None = Field(
        description="Its page in Jira; null if Jira cannot show it any more.",
        examples=["https://example.atlassian.net/browse/DEMO-1"],
    )


class IssueName(NamedTuple):
    """What an issue is called now."""

    key: str | None
    summary: str | None
    deletion_state: str | None
    issue_type_id: str | None
    request_type_id: str | None


class IssueKind(NamedTuple):
    """What an issue was at some time."""

    issue_type_id: str | None
    request_type_id: str | None


IssueNames = dict[tuple[str, str], IssueName]
"""(site id, issue id) -> name."""


def issue_names(snapshot: Snapshot, rights: Rights, issue_ids: Iterable[str | None]) -> IssueNames:
    """Return the names of those of the issues that may be listed."""

    def read(wanted: Sequence[str]) -> dict[str, IssueNames]:
        named: dict[str, IssueNames] = {}
        for site_id, issue_id, name in snapshot.run(compile_issues(wanted, rights)):
            if name is not None:
                named.setdefault(issue_id, {})[site_id, issue_id] = IssueName(*name)
        return named

    wanted = sorted({issue_id for issue_id in issue_ids if issue_id is not None})
    kept = snapshot.kept_names(rights.lists_issues_like, wanted, read)
    return {place: name for names in kept.values() for place, name in names.items()}


def issue_label(
    directory: Directory,
    names: IssueNames,
    site_id: str,
    issue_id: str | None,
    then: IssueKind | None = None,
) -> IssueLabel | None:
    """Return what an issue is called, null without one; of the kind it is, or was `then`.

    An issue always has an issue type, so where none is known of then it is the one of now; it need
    not have a request type.
    """
    if issue_id is None:
        return None
    name = names.get((site_id, issue_id), IssueName(None, None, None, None, None))
    type_id = (then and then.issue_type_id) or name.issue_type_id
    request_type_id = then.request_type_id if then else name.request_type_id
    return IssueLabel.of(
        id=issue_id,
        key=name.key,
        type=directory.issue_types.get((site_id, type_id), type_id) if type_id else None,
        request_type=directory.request_types.get((site_id, request_type_id), request_type_id)
        if request_type_id
        else None,
        summary=name.summary,
        is_deleted=name.deletion_state == "deleted",
        url=(
            f"https://{site_id}/browse/{quote(name.key)}"
            if name.key is not None and name.deletion_state not in _NO_PAGE
            else None
        ),
    )


def project_label(
    directory: Directory, site_id: str, project_id: str | None
) -> ProjectLabel | None:
    """Return what a project is called, null without one."""
    if project_id is None:
        return None
    return _project_label(project_id, directory.projects.get((site_id, project_id)))


# The same few people and projects stand in row after row, and a label never changes.
KEPT_LABELS = 10_000


@lru_cache(KEPT_LABELS)
def _project_label(project_id: str, project: Project | None) -> ProjectLabel:
    return ProjectLabel.of(
        id=project_id,
        key=project.key if project else None,
        name=project.name if project else None,
    )


def author_label(directory: Directory, account_id: str | None) -> Author | None:
    """Return what a person is called, null for the unknown one."""
    if account_id is None:
        return None
    return _author(account_id, directory.users.get(account_id))


@lru_cache(KEPT_LABELS)
def _author(account_id: str, user: User | None) -> Author:
    return Author.of(
        account_id=account_id,
        display_name=user.display_name if user else None,
        avatar_url=user.avatar_url if user else None,
        url=f"https://{user.site_id}/jira/people/{quote(account_id)}" if user else None,
    )
