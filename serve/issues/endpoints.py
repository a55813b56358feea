"""HTTP endpoints of the issues behind a number."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request

from serve.answering import SnapshotRoute
from serve.dependencies import CurrentViewer
from serve.issues.schemas import IssueRangesPage, IssuesPage, IssuesRequest
from serve.issues.service import IssuesService
from serve.problems import QUERY_PROBLEMS, problem_responses

router = APIRouter(route_class=SnapshotRoute, tags=["issues"])


async def _service(request: Request) -> IssuesService:
    return cast("IssuesService", request.app.state.issues)


Service = Annotated[IssuesService, Depends(_service)]
_PROBLEMS = problem_responses(*QUERY_PROBLEMS, "invalid-parameters", "snapshot-gone")


@router.get("/issues", summary="List the issues of a filter's actions", responses=_PROBLEMS)
def list_issues(
    request: Annotated[IssuesRequest, Query()], service: Service, viewer: CurrentViewer
) -> IssuesPage:
    """List every issue with an action of the filter, however many, deleted ones included.

    In the order of issue ids. Issues with a security level are not listed.
    """
    return service.issues(request, viewer)


@router.get("/issues/links", summary="Links that open the issues in Jira", responses=_PROBLEMS)
def list_issue_links(
    request: Annotated[IssuesRequest, Query()], service: Service, viewer: CurrentViewer
) -> IssueRangesPage:
    """Give the issues of a filter's actions as searches in Jira, 100 issues a link.

    `limit` counts hundreds of issues; where 100 keys would make an address too long, a hundred
    has several links. What Jira cannot show any more is left out.
    """
    return service.ranges(request, viewer)
