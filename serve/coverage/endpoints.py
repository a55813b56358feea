"""HTTP endpoint of the coverage."""

from __future__ import annotations

from fastapi import APIRouter

from serve.answering import SnapshotRoute
from serve.coverage.schemas import Coverage
from serve.coverage.service import read_coverage
from serve.dependencies import CurrentViewer, OpenWarehouse
from serve.problems import QUERY_PROBLEMS, problem_responses

router = APIRouter(route_class=SnapshotRoute, tags=["status"])


@router.get(
    "/coverage",
    summary="What the log can tell, and what it cannot",
    responses=problem_responses(*QUERY_PROBLEMS, "invalid-parameters"),
)
def get_coverage(warehouse: OpenWarehouse, viewer: CurrentViewer) -> Coverage:
    """Tell for every source and action if it is connected, what is lost without it, how late it is.

    Counts and times are those of the actions that you may count, issues with a security level
    included, as in the aggregated view.
    """
    with warehouse.lease() as snapshot:
        return read_coverage(snapshot, snapshot.rights(viewer))
