"""HTTP endpoints of the activity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from serve.actions.schemas import (
    ActionPage,
    ActionsRequest,
    ActivityPage,
    ActivityRequest,
    ExportRequest,
)
from serve.actions.service import ActionsService, Export
from serve.dependencies import CurrentViewer
from serve.problems import QUERY_PROBLEMS, problem_responses

WORKBOOK_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CHUNK_BYTES = 256 * 1024

router = APIRouter(tags=["activity"])


def _service(request: Request) -> ActionsService:
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


_WORKBOOK_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The workbook.",
        "content": {
            WORKBOOK_MEDIA_TYPE: {
                "schema": {"type": "string", "format": "binary"},
                "examples": {
                    "workbook": {"summary": "An .xlsx file", "value": "activity.xlsx"},
                },
            }
        },
    }
}


@router.get(
    "/actions.xlsx",
    summary="Export actions as a workbook",
    response_class=StreamingResponse,
    responses=_WORKBOOK_RESPONSE | problem_responses(*QUERY_PROBLEMS, "invalid-parameters"),
)
def export_actions(
    request: Annotated[ExportRequest, Query()], service: Service, viewer: CurrentViewer
) -> StreamingResponse:
    """Export all actions of a filter, newest first.

    Columns: Date (UTC), Author, Target, Action, Project, Old, New, ID/Issue Key, Issue Type;
    with `extended` some more. More actions than a sheet can hold fill further sheets; a text longer
    than a cell can hold ends with a mark that says how much is missing; control characters are
    shown as their pictures.
    """
    export = service.export(request, viewer)
    return StreamingResponse(
        _chunks(export),
        media_type=WORKBOOK_MEDIA_TYPE,
        headers={
            "Content-Disposition": f'attachment; filename="{export.name}"',
            "Content-Length": str(export.size),
        },
    )


def _chunks(export: Export) -> Iterator[bytes]:
    with export.content as content:
        while chunk := content.read(_CHUNK_BYTES):
            yield chunk
