"""HTTP endpoint of the issue views."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from serve.answering import SnapshotRoute
from serve.dependencies import CurrentViewer
from serve.exports import WORKBOOK_RESPONSE
from serve.issue_views.schemas import IssueViewsPage, IssueViewsRequest
from serve.issue_views.service import IssueViewsService
from serve.problems import QUERY_PROBLEMS, problem_responses
from serve.query.spec import IssueViewFilter

router = APIRouter(route_class=SnapshotRoute, tags=["issue views"])
workbook_router = APIRouter(tags=["issue views"])


async def _service(request: Request) -> IssueViewsService:
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


@workbook_router.get(
    "/issue-views.xlsx",
    summary="Export views of issues as a workbook",
    response_class=StreamingResponse,
    responses=WORKBOOK_RESPONSE | problem_responses(*QUERY_PROBLEMS, "invalid-parameters"),
)
def export_issue_views(
    request: Annotated[IssueViewFilter, Query()], service: Service, viewer: CurrentViewer
) -> StreamingResponse:
    """Export all views of a filter, newest first.

    Columns: Date (in the time zone of the filter), User, Issue (key and summary), Project, Source.
    """
    return service.export(request, viewer).response()
