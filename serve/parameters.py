"""What may stand behind the question mark of an address: known names, single ones once, all UTF-8.

FastAPI passes over a parameter that an endpoint does not ask for, and takes the last one of two
that contradict each other. A filter with a spelling mistake would then answer another question.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from fastapi import FastAPI, Request

from serve.errors import FieldError, invalid_parameter, invalid_parameters

_SHOWN_CHARACTERS = 100


async def refuse_unknown_parameters(request: Request) -> None:
    """Dependency of every route that has no parameters but its documented ones.

    ProblemError as of `check_parameters`.
    """
    if request.query_params:
        check_parameters(request, _documented(request))


def check_parameters(request: Request, known: Mapping[str, bool]) -> None:
    """Check the names behind the question mark against those that are `known`.

    ProblemError 422 for any other name, for one that takes a single value (`known` as False) and is
    given several times, and for what is no text.
    """
    try:
        unquote_to_bytes(request.scope["query_string"]).decode()
    except UnicodeDecodeError:
        # Each byte would be read as U+FFFD, and something else be looked for.
        raise invalid_parameter(
            "query", "is not UTF-8 behind its percent signs", "correct the address"
        ) from None
    given = [name for name, _ in request.query_params.multi_items()]
    errors = []
    for name in dict.fromkeys(given):
        if name not in known:
            message = "is not a parameter of this endpoint"
            remedy = "leave it out; /api/docs lists the parameters there are"
        elif not known[name] and given.count(name) > 1:
            message, remedy = "is given more than once", "give it once; it takes one value"
        else:
            continue
        errors.append(FieldError(field=name[:_SHOWN_CHARACTERS], message=message, remedy=remedy))
    if errors:
        raise invalid_parameters(errors)


def _documented(request: Request) -> dict[str, bool]:
    """Return the query parameters of the route, and whether they take several values."""
    app: FastAPI = request.app
    for template, methods in app.openapi()["paths"].items():
        path = template
        for name, value in request.path_params.items():
            path = path.replace(f"{{{name}}}", str(value))
        if path == request.scope["path"] and request.method.lower() in methods:
            return {
                parameter["name"]: parameter["schema"].get("type") == "array"
                for parameter in methods[request.method.lower()].get("parameters", [])
                if parameter["in"] == "query"
            }
    return {}
