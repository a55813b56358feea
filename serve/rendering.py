"""Answers become JSON in the thread that worked them out: the event loop has other requests."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from fastapi import Response
from pydantic import BaseModel

Params = ParamSpec("Params")


def rendered(endpoint: Callable[Params, BaseModel]) -> Callable[Params, Response]:
    """Return `endpoint` with its model as a finished response.

    FastAPI still documents the model. It would check it once more, in another turn of a thread,
    although nobody but the endpoint has made it.
    """

    @wraps(endpoint)
    def answer(*args: Params.args, **kwargs: Params.kwargs) -> Response:
        body = endpoint(*args, **kwargs).model_dump_json(by_alias=True)
        return Response(body, media_type="application/json")

    return answer
