"""HTTP endpoints for editors of JQL."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from fastapi import APIRouter

from serve.dependencies import CurrentViewer, OpenWarehouse
from serve.jql.schemas import (
    JqlFault,
    JqlPlace,
    JqlRequest,
    JqlSuggestion,
    JqlSuggestions,
    ParsedJql,
)
from serve.json_body import JsonRoute
from serve.problems import QUERY_PROBLEMS, problem_responses
from serve.query.jql.compiler import Compiler
from serve.query.jql.errors import JqlError
from serve.query.jql.moments import Clock
from serve.query.jql.parser import parse
from serve.query.jql.printer import render
from serve.query.jql.reference import reference
from serve.query.jql.suggest import suggest
from serve.query.jql.syntax import names
from serve.query.visibility import Viewer
from serve.warehouse.names import SnapshotNames
from serve.warehouse.snapshot import Snapshot

router = APIRouter(route_class=JsonRoute, prefix="/jql", tags=["jql"])
_PROBLEMS = problem_responses(*QUERY_PROBLEMS, "bad-request", "invalid-body", "invalid-parameters")


_PARSING = f"""
Say whether a text is JQL, and where it is not.

Without `check_names` this is about the language alone, and needs no snapshot: whether a field,
a value or a function exists is not looked up. A fault is an answer (200), because people type
queries a letter at a time. What the filter `jql` answers:

{reference()}
"""


@router.post("/parse", summary="Check a JQL query", description=_PARSING, responses=_PROBLEMS)
def parse_jql(request: JqlRequest, warehouse: OpenWarehouse, viewer: CurrentViewer) -> ParsedJql:
    """Read a query, and look its names up if asked."""
    try:
        query = parse(request.jql)
        if request.check_names:
            with warehouse.lease() as snapshot:
                _compiler(snapshot, viewer, request.time_zone).selection(query)
    except JqlError as error:
        return ParsedJql(fault=_fault(error), jql=None, fields=[], functions=[])
    fields, functions = names(query)
    return ParsedJql(fault=None, jql=render(query), fields=fields, functions=functions)


@router.post("/suggest", summary="Complete a JQL query", responses=_PROBLEMS)
def suggest_jql(
    request: JqlPlace, warehouse: OpenWarehouse, viewer: CurrentViewer
) -> JqlSuggestions:
    """Say what may stand at the cursor: fields, operators, values, functions and keywords.

    What was begun before the cursor narrows them down, whatever its case and accents. What follows
    the cursor does not matter.
    """
    with warehouse.lease() as snapshot:
        compiler = _compiler(snapshot, viewer, "UTC")
        position = min(request.position, len(request.jql))
        try:
            found = suggest(request.jql, position, compiler)
        except JqlError as error:
            return JqlSuggestions.of(
                snapshot_id=snapshot.id,
                fault=_fault(error),
                start=position,
                end=position,
                has_more=False,
                items=[],
            )
        return JqlSuggestions.of(
            snapshot_id=snapshot.id,
            fault=None,
            start=found.span.start,
            end=found.span.end,
            has_more=found.has_more,
            items=[
                JqlSuggestion.of(
                    kind=one.kind,
                    text=one.text,
                    label=one.label,
                    detail=one.detail,
                    is_gone=one.is_gone,
                )
                for one in found.items
            ],
        )


def _compiler(snapshot: Snapshot, viewer: Viewer, time_zone: str) -> Compiler:
    rights = snapshot.rights(viewer)
    clock = Clock(snapshot.directory.now, ZoneInfo(time_zone))
    return Compiler(SnapshotNames(snapshot, rights), rights, clock)


def _fault(error: JqlError) -> JqlFault:
    return JqlFault(
        reason=error.reason, remedy=error.remedy, start=error.span.start, end=error.span.end
    )
