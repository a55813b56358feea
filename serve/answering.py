"""Routes whose answers a published snapshot alone decides: asked again, they are not worked out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from serve.dependencies import current_viewer, warehouse_of
from serve.questions import Asking
from serve.warehouse.answers import Asked

# RFC 9211: whoever measures or debugs can tell a kept answer from a fresh one.
CACHE_STATUS = "Cache-Status"
HIT = "audit-log; hit"
MISS = "audit-log; fwd=uri-miss"


Handler = Callable[[Request], Awaitable[Response]]


class SnapshotRoute(APIRoute):
    """A GET that depends on nothing but the snapshot, the viewer and its address.

    Not for an answer that tells how much time has passed, and not for a streamed one, which nobody
    holds as a whole. Only status 200 is kept; an error is found out anew. Dependencies of a router
    are not asked: a kept answer knows nothing of them. Unknown parameters are refused all the same.
    """

    answer: Handler
    """What answers a request, whichever way it came here."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request: from what is kept, or as the endpoint does.

        TypeError for any method but GET: a body is no part of what is asked here. TypeError, too,
        for an endpoint that asks for more than `Asking` finds.
        """
        if self.methods != {"GET"}:
            msg = f"{self.path} takes {self.methods}: only a GET is a question to a snapshot"
            raise TypeError(msg)
        asking = Asking.of(self.endpoint)

        async def work_out(request: Request) -> Response:
            async with warehouse_of(request).turn_of_question():
                return await asking.answer(request)

        async def answer(request: Request) -> Response:
            warehouse = warehouse_of(request)
            answers = warehouse.answers
            if answers is None:
                await run_in_threadpool(warehouse.open_current)
                answers = warehouse.answers
            if answers is None:  # there is none, or one was published in this very moment
                return await work_out(request)
            asked = Asked(
                current_viewer(request), request.scope["path"], request.scope["query_string"]
            )
            body = await answers.coming(asked) or answers.known(asked)
            if body is not None:
                # Let all who have asked by now be read first, and be answered together. Otherwise
                # the last of many is answered every other time: they ask again while it is
                # answered, and the event loop looks first at who was there before.
                await asyncio.sleep(0)
                return Response(body, media_type="application/json", headers={CACHE_STATUS: HIT})
            with answers.working_out(asked) as keep:
                response = await work_out(request)
                if response.status_code == HTTPStatus.OK:
                    keep(bytes(response.body))
                    response.headers[CACHE_STATUS] = MISS
            return response

        self.answer = answer
        return answer


class ShortWay:
    """ASGI middleware: questions whose path is fixed are answered before a route is looked for.

    FastAPI asks every router of ours in turn, and lays a stack of contexts for files and
    dependencies that no question has: a twentieth of what a page costs the interpreter. Errors are
    those of the router's way: a ProblemError goes to `Guard`, any other to the outermost handler.
    """

    def __init__(self, app: ASGIApp, questions: Mapping[str, Handler]) -> None:
        """Answer `questions` by their path; leave the others to `app`."""
        self._app = app
        self._questions = questions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let the application do it."""
        answer = None
        if scope["type"] == "http" and scope["method"] == "GET":
            answer = self._questions.get(scope["path"])
        if answer is None:
            await self._app(scope, receive, send)
            return
        response = await answer(Request(scope))
        await response(scope, receive, send)
