"""Applications on loopback ports, and one that does nothing as the floor of all others."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from serve.middleware import Guard

EMPTY = "/empty"


def empty_application() -> FastAPI:
    """Return an application whose one route does nothing, behind the guard of the product."""
    application = FastAPI(openapi_url=None)
    application.add_middleware(Guard)

    @application.get(EMPTY)
    async def empty() -> None:
        """Do nothing: what HTTP itself costs."""

    return application


@contextmanager
def serving(application: FastAPI) -> Iterator[tuple[str, int]]:
    """Serve `application` from a thread of this process; yields host and port."""
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
