"""HTTP endpoints of the filter itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import ValidationError

from serve.dependencies import CurrentViewer, OpenWarehouse
from serve.errors import invalid_parameter
from serve.filters.schemas import DescribedFilter, FilterText, FilterValue
from serve.json_body import JsonRoute
from serve.problems import QUERY_PROBLEMS, invalid_fields, problem_responses
from serve.query.describe import named_values
from serve.query.spec import FilterSpec
from serve.query.url import QuestionError, from_query, to_query
from serve.query.visibility import Viewer
from serve.scoping import namer, resolve
from serve.warehouse.warehouse import Warehouse

router = APIRouter(route_class=JsonRoute, prefix="/filters", tags=["filters"])

_PROBLEMS = problem_responses(*QUERY_PROBLEMS, "invalid-parameters")


@router.get("/describe", summary="Say what a filter says", responses=_PROBLEMS)
def describe_filter(
    request: Annotated[FilterSpec, Query()], warehouse: OpenWarehouse, viewer: CurrentViewer
) -> DescribedFilter:
    """Give a filter in English, with the names of all it holds, and in its one spelling.

    The parameters are those of `/api/v1/actions` without view and page. Nothing is counted.
    """
    return _describe(request, warehouse, viewer)


@router.post(
    "/describe",
    summary="Read the text of a filter",
    responses=problem_responses(
        *QUERY_PROBLEMS, "bad-request", "invalid-body", "invalid-parameters"
    ),
)
def describe_filter_text(
    request: FilterText, warehouse: OpenWarehouse, viewer: CurrentViewer
) -> DescribedFilter:
    """Do as the GET of this address, for a filter that is a text: pasted, stored, or very long."""
    try:
        spec = from_query(FilterSpec, request.query)
    except QuestionError as error:
        raise invalid_parameter(
            error.parameter, error.message, "correct the query string"
        ) from None
    except ValidationError as error:
        raise invalid_fields(error.errors(), within=0) from None
    return _describe(spec, warehouse, viewer)


def _describe(spec: FilterSpec, warehouse: Warehouse, viewer: Viewer) -> DescribedFilter:
    with warehouse.lease() as snapshot:
        rights = snapshot.rights(viewer)
        scope = resolve(spec, snapshot, rights)
        return DescribedFilter.of(
            snapshot_id=snapshot.id,
            description=scope.description,
            query=to_query(spec),
            interval_from=scope.interval.start,
            interval_to=scope.interval.end,
            values=[
                FilterValue.of(parameter=parameter, value=value, label=label)
                for parameter, value, label in named_values(spec, namer(spec, snapshot, rights))
            ],
        )
