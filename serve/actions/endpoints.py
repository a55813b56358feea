"""HTTP endpoints of the activity."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from serve.actions.schemas import (
    ActionPage,
    ActionsRequest,
    ActivityExportRequest,
    ActivityPage,
    ActivityRequest,
    ExportRequest,
)
from serve.actions.service import ActionsService
from serve.answering import SnapshotRoute
from serve.dependencies import CurrentViewer
from serve.exports import WORKBOOK_RESPONSE
from serve.problems import QUERY_PROBLEMS, problem_responses

router = APIRouter(route_class=SnapshotRoute, tags=["activity"])
workbook_router = APIRouter(tags=["activity"])


async def _service(request: Request) -> ActionsService:
    return cast("ActionsService", request.app.state.actions)


Service = Annotated[ActionsService, Depends(_service)]


@router.get(
    "/actions",
    summary="List actions",
    responses=problem_responses(*QUERY_PROBLEMS, "invalid-parameters", "snapshot-gone"),
)
def list_actions(
    request: Annotated[ActionsRequest, Query()], service: Service, viewer: CurrentViewer
) -> ActionPage:
    """List who did what, newest first.

    All filters are ANDed, the values of one filter are ORed. Actions on issues with a security
    level are not listed; they are only counted in `/api/v1/activity`.
    """
    return service.actions(request, viewer)


@router.get(
    "/activity",
    summary="Count actions for each author",
    responses=problem_responses(*QUERY_PROBLEMS, "invalid-parameters", "snapshot-gone"),
)
def count_activity(
    request: Annotated[ActivityRequest, Query()], service: Service, viewer: CurrentViewer
) -> ActivityPage:
    """Count the actions of every author by action code.

    One item an author; actions whose author the source does not tell share an item of their own.
    Actions on issues with a security level are counted.
    """
    return service.activity(request, viewer)


@workbook_router.get(
    "/actions.xlsx",
    summary="Export actions as a workbook",
    response_class=StreamingResponse,
    responses=WORKBOOK_RESPONSE | problem_responses(*QUERY_PROBLEMS, "invalid-parameters"),
)
def export_actions(
    request: Annotated[ExportRequest, Query()], service: Service, viewer: CurrentViewer
) -> StreamingResponse:
    """Export all actions of a filter, newest first.

    Columns: Date (in the time zone of the filter), Author, Target, Action, Project, Old, New,
    ID/Issue Key, Issue Type; with `extended` some more. More actions than a sheet can hold fill
    further sheets; a text longer than a cell can hold ends with a mark that says how much is
    missing; control characters are shown as their pictures.
    """
    return service.export(request, viewer).response()


@workbook_router.get(
    "/activity.xlsx",
    summary="Export the counts of actions as a workbook",
    response_class=StreamingResponse,
    responses=WORKBOOK_RESPONSE | problem_responses(*QUERY_PROBLEMS, "invalid-parameters"),
)
def export_activity(
    request: Annotated[ActivityExportRequest, Query()], service: Service, viewer: CurrentViewer
) -> StreamingResponse:
    """Export all rows of `/api/v1/activity` for a filter, in its order.

    Columns: Author, the group of each breakdown, the counts of the actions chosen with `column`
    (left out: all that occurred, with `zeros` all of the catalogue) in the order of the catalogue,
    Total. What did not occur is an empty cell, with `zeros` a 0. Actions on issues with a security
    level are counted.
    """
    return service.export_activity(request, viewer).response()
