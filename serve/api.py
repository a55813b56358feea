"""All routes of serve."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from serve.actions import endpoints as actions
from serve.answering import Handler, SnapshotRoute
from serve.coverage import endpoints as coverage
from serve.filters import endpoints as filters
from serve.ingest import endpoints as ingest
from serve.issue_views import endpoints as issue_views
from serve.issues import endpoints as issues
from serve.jql import endpoints as jql
from serve.lookups import endpoints as lookups
from serve.middleware import API_PREFIX
from serve.parameters import refuse_unknown_parameters
from serve.status import endpoints as status

_STRICT = [Depends(refuse_unknown_parameters)]
_FEATURES = (
    actions.router,
    actions.workbook_router,
    coverage.router,
    filters.router,
    issue_views.router,
    issue_views.workbook_router,
    issues.router,
    jql.router,
    lookups.router,
    status.meta_router,
    status.router,
)


def include_routes(app: FastAPI) -> None:
    """Give `app` all routes, none deeper than it must be: FastAPI looks twice at each level."""
    # Whoever pushes to us may add to the address what they like: it is kept with what they sent.
    app.include_router(ingest.router, prefix="/ingest")
    app.include_router(status.health_router, dependencies=_STRICT)
    for feature in _FEATURES:
        app.include_router(feature, prefix=API_PREFIX, dependencies=_STRICT)


def fixed_questions() -> dict[str, Handler]:
    """Return what answers the questions to a snapshot whose path names nothing, by that path."""
    return {
        API_PREFIX + route.path: route.answer
        for feature in _FEATURES
        for route in feature.routes
        if isinstance(route, SnapshotRoute) and not route.param_convertors
    }
