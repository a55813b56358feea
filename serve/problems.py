"""Problem details over HTTP: the handlers that make them and their part in the OpenAPI document."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from serve.errors import (
    PROBLEM_MEDIA_TYPE,
    PROBLEMS,
    FieldError,
    Problem,
    ProblemError,
    invalid_parameters,
)

_log = logging.getLogger(__name__)
_SHOWN_CHARACTERS = 100

# Every request can end like this, whatever its endpoint does.
_EVERYWHERE = ("address-too-long", "body-too-large", "wrong-host", "internal-error")

# Whatever reads a snapshot can end like this.
QUERY_PROBLEMS = ("forbidden", "no-snapshot", "busy", "query-too-slow", "query-too-large")

_HTTP_KINDS = {
    404: ("not-found", "see /api/docs for the addresses there are"),
    405: ("method-not-allowed", "use a method that the Allow header names"),
}

# Headers that belong to a kind. A connection whose body was not read to its end is of no more use.
_HEADERS = {
    "busy": {"Retry-After": "5"},
    "inbox-failing": {"Retry-After": "30"},
    "unauthorized": {"WWW-Authenticate": "Bearer"},
    "body-timeout": {"Connection": "close"},
    "body-too-large": {"Connection": "close"},
}

# pydantic's error types in words: what is wrong, and what to do; `{…}` is of the error's context.
_WORDS = {
    "bool_parsing": ("is neither true nor false", "give true or false"),
    "bool_type": ("is neither true nor false", "give true or false"),
    "finite_number": ("is not a whole number", "give a whole number"),
    "greater_than_equal": ("must be at least {ge}", "give a number of at least {ge}"),
    "int_from_float": ("is not a whole number", "give a whole number"),
    "int_parsing": ("is not a whole number", "give a whole number"),
    "int_parsing_size": ("is not a whole number of this size", "give a smaller whole number"),
    "int_type": ("is not a whole number", "give a whole number"),
    "less_than_equal": ("must be at most {le}", "give a number of at most {le}"),
    "literal_error": ("must be {expected}", "take one of these words"),
    "missing": ("is missing", "give it; /api/docs describes it"),
    "string_pattern_mismatch": ("must match {pattern}", "see its description in /api/docs"),
    "string_too_long": (
        "has more than {max_length} characters",
        "give at most {max_length} characters",
    ),
    "string_too_short": ("is empty", "give it a value, or leave it out"),
    "string_unicode": ("is not made of whole characters", "send UTF-8 without halves of pairs"),
    "too_long": ("has more than {max_length} values", "give at most {max_length} values"),
    "too_short": ("has no value", "give at least {min_length}"),
}
_UNKNOWN_PARAMETER = "is not a parameter of this endpoint"
_NO_OBJECT = frozenset({"model_attributes_type", "dict_type"})


def problem_responses(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of the given kinds and of those that can end any request."""
    responses: dict[int | str, dict[str, Any]] = {}
    for kind in (*kinds, *_EVERYWHERE):
        problem = PROBLEMS[kind]
        example = ProblemError(kind, problem.meaning, "what to do about it").problem
        examples = {
            kind: {"summary": problem.title, "value": example.model_dump(exclude_none=True)},
        }
        if problem.status in responses:
            known = responses[problem.status]
            known["description"] += f" Or: {problem.meaning}"
            known["content"][PROBLEM_MEDIA_TYPE]["examples"] |= examples
            continue
        responses[problem.status] = {
            "description": problem.meaning,
            "content": {
                PROBLEM_MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": examples,
                }
            },
        }
    return responses


def install(app: FastAPI) -> None:
    """Make `app` answer every error with a problem."""
    app.add_exception_handler(ProblemError, _problem_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _unexpected)


def respond(error: ProblemError) -> Response:
    """Return the response that tells of `error`."""
    return render(error.problem, _HEADERS.get(error.kind))


def render(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """Return `problem` as a response."""
    return Response(
        problem.model_dump_json(exclude_none=True),
        status_code=problem.status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=headers,
    )


def _problem_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this class only
    return respond(error)


def _validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    return render(invalid_fields(error.errors(), within=1).problem)


def invalid_fields(errors: Sequence[Any], *, within: int) -> ProblemError:
    """Return the 422 problem of pydantic's errors.

    `within` is how many parts of a location come before the name: one for ("query", name),
    ("query", name, index of the repeated value) or ("body", name), none for (name,).
    """
    is_body = within > 0 and errors[0]["loc"][0] == "body"
    return invalid_parameters(
        [_field_error(details, within, is_body=is_body) for details in errors],
        "invalid-body" if is_body else "invalid-parameters",
    )


def _field_error(details: dict[str, Any], within: int, *, is_body: bool) -> FieldError:
    place, kind = details["loc"], details["type"]
    name = str(place[within] if len(place) > within else place[0])
    if kind == "extra_forbidden":
        message = "is not a member of this body" if is_body else _UNKNOWN_PARAMETER
        remedy = "leave it out; /api/docs lists what there is"
    elif kind in _NO_OBJECT and len(place) == within:
        message = "is not a JSON object"
        remedy = "send a JSON object with Content-Type: application/json"
    elif kind in _WORDS:
        message, remedy = (words.format(**details.get("ctx", {})) for words in _WORDS[kind])
    else:
        message = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
        message = message[:1].lower() + message[1:]
        remedy = "see its description in /api/docs"
    return FieldError(field=name[:_SHOWN_CHARACTERS], message=message, remedy=remedy)


def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    if isinstance(error.__cause__, ProblemError):  # met while FastAPI read the body
        return _problem_error(request, error.__cause__)
    kind, remedy = _HTTP_KINDS.get(
        error.status_code, ("bad-request", "send what /api/docs describes; a body as JSON in UTF-8")
    )
    problem = ProblemError(kind, PROBLEMS[kind].meaning, remedy).problem
    return render(problem, dict(error.headers or {}))


def _unexpected(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return render(
        ProblemError(
            "internal-error",
            PROBLEMS["internal-error"].meaning,
            "ask again; if it stays, report it with the log of serve",
        ).problem
    )
