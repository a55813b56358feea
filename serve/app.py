"""The application: puts the parts together, and runs them on a loopback port."""

from __future__ import annotations

import errno
import gc
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn
from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi

from serve import api, problems, reference
from serve.actions.service import ActionsService
from serve.answering import ShortWay
from serve.config import ServeSettings, load_settings
from serve.db.engine import database_address, open_engine
from serve.dependencies import viewer_of
from serve.errors import Problem, ProblemError, ServeError
from serve.exports import Exporter
from serve.ingest.bodies import BodyReader
from serve.ingest.repository import InboxRepository
from serve.issue_views.service import IssueViewsService
from serve.issues.service import IssuesService
from serve.middleware import Guard
from serve.parameters import refuse_unknown_parameters
from serve.query.visibility import Viewer
from serve.warehouse.warehouse import Warehouse

VERSION = "1"
USAGE_ERROR = 2


def create_app(settings: ServeSettings) -> FastAPI:
    """Return the ASGI application over the snapshots under `settings.home`.

    ServeError when the database cannot be one, whatever its state.
    """
    warehouse = Warehouse(settings)
    url = settings.database_url
    address = database_address(settings.home, url.get_secret_value() if url else None)
    inbox = InboxRepository(open_engine(address))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        inbox.start()
        yield
        inbox.close()
        warehouse.close()

    app = FastAPI(
        title=reference.TITLE,
        version=VERSION,
        description=(
            "Who did what, when, in an Atlassian site. Times are UTC. Lists come in pages: "
            "ask for the next one with `next_cursor`. Errors are RFC 9457 problem details. "
            "Unknown parameters are refused."
        ),
        lifespan=lifespan,
        # FastAPI's own reference pages load scripts from a content network.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.viewer = viewer_of(settings)
    app.state.warehouse = warehouse
    exporter = Exporter(warehouse)
    app.state.actions = ActionsService(warehouse, exporter)
    app.state.issue_views = IssueViewsService(warehouse, exporter)
    app.state.issues = IssuesService(warehouse)
    app.state.bodies = BodyReader()
    app.state.inbox = inbox
    api.include_routes(app)
    app.include_router(reference.router, dependencies=[Depends(refuse_unknown_parameters)])
    app.add_middleware(ShortWay, questions=api.fixed_questions())
    app.add_middleware(Guard)
    problems.install(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way to change its document
    return app


def run(settings: ServeSettings) -> None:
    """Serve until interrupted. A port that cannot be had is one line and exit code 2."""
    os.umask(0o077)
    try:
        app = create_app(settings)
        listener = _listen(settings)
    except ServeError as error:
        _fail(error)
    with listener, settled():
        tell_of_viewer(app.state.viewer, app.state.warehouse)
        host, port = listener.getsockname()[:2]
        name = f"[{host}]" if ":" in host else host
        sys.stdout.write(f"Serving on http://{name}:{port} (stop with Ctrl+C)\n")
        sys.stdout.flush()
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def settled() -> Iterator[None]:
    """Look for garbage among new objects only, and when there are many, until the block ends.

    For the process of a server, once all is imported and made. A page makes a thousand objects that
    are gone with it, without any cycle; to look through all that stays took a twentieth of its
    time, now and then 0.1 s at once, and held up everybody.
    """
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)
    try:
        yield
    finally:
        # What is frozen would be told as a leak at the end of the process.
        gc.unfreeze()
        gc.set_threshold(*thresholds)


def tell_of_viewer(viewer: Viewer, warehouse: Warehouse) -> None:
    """Say so at once if the viewer's account is not in the snapshot; without one, say nothing."""
    with suppress(ProblemError), warehouse.lease() as snapshot:
        if not snapshot.knows(viewer):
            sys.stderr.write(
                f"audit-log serve: AUDIT_LOG_VIEWER_ACCOUNT_ID: {viewer.account_id} is no active "
                "account in the log; it sees no secured issue and no view of an issue\n"
            )


def main() -> None:
    """Read the settings and serve; any error is one line and exit code 2."""
    try:
        settings = load_settings()
    except ServeError as error:
        _fail(error)
    run(settings)


def _listen(settings: ServeSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        place = f"{settings.host}, port {settings.port}"
        if error.errno == errno.EADDRINUSE:
            raise ServeError(
                f"{place} is already in use",
                "stop the program that uses it, or set PORT to another port",
            ) from None
        raise ServeError(
            f"cannot listen on {place} ({error.strerror})", "set PORT or AUDIT_LOG_HOST"
        ) from None


def _fail(error: ServeError) -> None:
    sys.stderr.write(f"audit-log serve: {error}\n")
    raise SystemExit(USAGE_ERROR)


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, with the one schema that no endpoint returns by itself."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = document["components"]["schemas"]
        # Validation errors are answered with problems; FastAPI would document its own shape.
        for replaced in ("HTTPValidationError", "ValidationError"):
            schemas.pop(replaced, None)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs"))
        schemas["Problem"] = problem
        app.openapi_schema = document
    return app.openapi_schema
