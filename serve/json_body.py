"""Bodies in JSON: strict about what is JSON, whoever sends it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from serve.errors import ProblemError

MAX_DEPTH = 200
_SHOWN_CHARACTERS = 200


class JsonRoute(APIRoute):
    """A route whose body is read by `parse_json`, and names each member of an object once.

    FastAPI would take the last value of a member that is given twice, and say nothing of the first.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request whose body is read here."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            return await handle(_JsonRequest(request.scope, request.receive))

        return answer


class _JsonRequest(Request):
    async def json(self) -> Any:  # noqa: ANN401 - as Starlette has it
        return parse_json(await self.body(), as_object=_members_once)


def parse_json(
    body: bytes, *, as_object: Callable[[list[tuple[str, Any]]], dict[str, Any]] = dict
) -> Any:  # noqa: ANN401 - JSON from outside can be anything
    """Return a JSON text's value. ProblemError (400) naming what is wrong with it.

    Refused are other encodings than UTF-8, numbers that are none (NaN, 1e999), absurd integers and
    more than `MAX_DEPTH` levels. Lone surrogates in escapes are let through: people can type them
    into Jira, and the pipelines mend them. `as_object` makes an object of its members as they were
    given.
    """
    try:
        document = json.loads(
            body.decode("utf-8"),
            parse_constant=_no_number,
            parse_float=_finite,
            object_pairs_hook=as_object,
        )
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise _not_json(reason) from None
    if _is_deeper(document, MAX_DEPTH):
        raise _not_json(f"nested more than {MAX_DEPTH} levels deep")
    return document


def _members_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in members:
        if name in found:
            raise ProblemError(
                "bad-request",
                f"the body gives {name[:_SHOWN_CHARACTERS]!r} twice",
                "give each member of an object once",
            )
        found[name] = value
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _is_deeper(document: object, depth: int) -> bool:
    level = [document] if isinstance(document, dict | list) else []
    for _ in range(depth):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _not_json(reason: str) -> ProblemError:
    return ProblemError(
        "bad-request",
        f"the body is not usable JSON: {reason[:_SHOWN_CHARACTERS]}",
        "send one JSON document in UTF-8",
    )
