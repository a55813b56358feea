"""The application on a loopback port, with a route that does nothing as its floor."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

EMPTY = "/empty"


@contextmanager
def serving(application: FastAPI) -> Iterator[tuple[str, int]]:
    """Serve `application` from a thread of this process; yields host and port.

    The route that does nothing is the first one that is looked at: HTTP costs no less than that.
    """

    @application.get(EMPTY, include_in_schema=False)
    async def empty() -> None:
        """Do nothing: what HTTP itself costs."""

    routes = application.router.routes
    routes.insert(0, routes.pop())
    # Between two requests lie the floor and the question in process, which can take long.
    config = uvicorn.Config(
        application, log_level="warning", access_log=False, timeout_keep_alive=3_600
    )
    server = uvicorn.Server(config)
    # Listening already, so that the first request waits for the server instead of being refused.
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[:2]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
