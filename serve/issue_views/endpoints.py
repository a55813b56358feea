"""HTTP endpoint of the issue views."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request

from serve.dependencies import CurrentViewer
from serve.issue_views.schemas import IssueViewsPage, IssueViewsRequest
from serve.issue_views.service import IssueViewsService
from serve.problems import QUERY_PROBLEMS, problem_responses

router = APIRouter(tags=["issue views"])


def _service(request: Request) -> IssueViewsService:
    return cast("IssueViewsService", request.app.state.issue_views)


Service = Annotated[IssueViewsService, Depends(_service)]


@router.get(
    "/issue-views",
    summary="List who looked at which issue",
    responses=problem_responses(*QUERY_PROBLEMS, "invalid-parameters", "snapshot-gone"),
)
def list_issue_views(
    request: Annotated[IssueViewsRequest, Query()], service: Service, viewer: CurrentViewer
) -> IssueViewsPage:
    """List views of issues, newest first; with `issue`, who looked at that issue.

    A person counts once for an issue until five minutes after the last counted look have passed.
    Views of issues with a security level are not listed.
    """
    return service.views(request, viewer)
