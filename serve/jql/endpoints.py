"""HTTP endpoint that reads JQL for an editor."""

from __future__ import annotations

from fastapi import APIRouter

from serve.jql.schemas import JqlFault, JqlText, ParsedJql
from serve.problems import problem_responses
from serve.query.jql.errors import JqlError
from serve.query.jql.parser import parse
from serve.query.jql.printer import render
from serve.query.jql.syntax import names

router = APIRouter(prefix="/jql", tags=["jql"])


@router.post(
    "/parse",
    summary="Check a JQL query",
    responses=problem_responses("bad-request", "invalid-parameters"),
)
def parse_jql(request: JqlText) -> ParsedJql:
    """Say whether a text is JQL, and where it is not.

    This is about the language alone: whether a field, a value or a function exists is not looked
    up. A fault is an answer (200), because people type queries a letter at a time.
    """
    try:
        query = parse(request.jql)
    except JqlError as error:
        fault = JqlFault(
            reason=error.reason,
            remedy=error.remedy,
            start=error.span.start,
            end=error.span.end,
        )
        return ParsedJql(fault=fault, jql=None, fields=[], functions=[])
    fields, functions = names(query)
    return ParsedJql(fault=None, jql=render(query), fields=fields, functions=functions)
