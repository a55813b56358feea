"""All routes of serve."""

from __future__ import annotations

from fastapi import APIRouter

from serve.actions import endpoints as actions
from serve.coverage import endpoints as coverage
from serve.ingest import endpoints as ingest
from serve.issue_views import endpoints as issue_views
from serve.issues import endpoints as issues
from serve.jql import endpoints as jql
from serve.lookups import endpoints as lookups
from serve.status import endpoints as status

router = APIRouter()
router.include_router(status.health_router)
router.include_router(ingest.router, prefix="/ingest")
for _feature in (
    actions.router,
    coverage.router,
    issue_views.router,
    issues.router,
    jql.router,
    lookups.router,
    status.router,
):
    router.include_router(_feature, prefix="/api/v1")
