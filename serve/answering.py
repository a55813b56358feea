"""Routes whose answers a published snapshot alone decides: asked again, they are not worked out."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, cast

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from serve.dependencies import current_viewer, warehouse_of
from serve.warehouse.answers import Asked

# RFC 9211: whoever measures or debugs can tell a kept answer from a fresh one.
CACHE_STATUS = "Cache-Status"
HIT = "audit-log; hit"
MISS = "audit-log; fwd=uri-miss"


class SnapshotRoute(APIRoute):
    """A GET that depends on nothing but the snapshot, the viewer and its address.

    Not for an answer that tells how much time has passed. Only whole answers with status 200 are
    kept; a workbook is streamed, and an error is found out anew.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request: from what is kept, or as FastAPI would.

        TypeError for any method but GET: a body is no part of what is asked here.
        """
        if self.methods != {"GET"}:
            msg = f"{self.path} takes {self.methods}: only a GET is a question to a snapshot"
            raise TypeError(msg)
        work_out = super().get_route_handler()

        async def answer(request: Request) -> Response:
            warehouse = warehouse_of(request)
            if warehouse.answers is None:
                await run_in_threadpool(warehouse.open_current)
            answers = warehouse.answers
            if answers is None:  # there is none, or one was published in this very moment
                return await work_out(request)
            scope = request.scope
            asked = Asked(current_viewer(request), scope["path"], scope["query_string"])
            body = await answers.known(asked)
            if body is not None:
                return Response(body, media_type="application/json", headers={CACHE_STATUS: HIT})
            with answers.working_out(asked) as keep:
                response = await work_out(request)
                if response.status_code == HTTPStatus.OK and hasattr(response, "body"):
                    keep(cast("bytes", response.body))
                    response.headers[CACHE_STATUS] = MISS
            return response

        return answer
