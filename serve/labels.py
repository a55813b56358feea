"""What people, projects and issues are called: the models and how a snapshot fills them."""

from __future__ import annotations

from pydantic import Field

from serve.paging import Response
from serve.warehouse.snapshot import Directory


class Author(Response):
    """Who acted."""

    account_id: str = Field(description="Atlassian account id.", examples=["5b10a2844c20165700ede"])
    display_name: str | None = Field(description="Current name.", examples=["Mia Krystof"])
    avatar_url: str | None = Field(
        description="Address of the picture.", examples=["https://avatars.example.com/1"]
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
    summary: str | None = Field(description="Current summary.", examples=["Paint the shed"])
    is_deleted: bool = Field(description="The issue exists no more.", examples=[False])


def project_label(
    directory: Directory, site_id: str, project_id: str | None
) -> ProjectLabel | None:
    """Return what a project is called, null without one."""
    if project_id is None:
        return None
    project = directory.projects.get((site_id, project_id))
    return ProjectLabel.model_construct(
        id=project_id,
        key=project.key if project else None,
        name=project.name if project else None,
    )


def author_label(directory: Directory, account_id: str | None) -> Author | None:
    """Return what a person is called, null for the unknown one."""
    if account_id is None:
        return None
    user = directory.users.get(account_id)
    return Author.model_construct(
        account_id=account_id,
        display_name=user.display_name if user else None,
        avatar_url=user.avatar_url if user else None,
    )
