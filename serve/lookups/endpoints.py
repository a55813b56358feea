"""HTTP endpoints of the lookups: a page needs no list of its own."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Path, Query

from serve.answering import SnapshotRoute
from serve.dependencies import CurrentViewer, OpenWarehouse
from serve.lookups.schemas import Choice, Choices, Labels, LabelsRequest, SearchRequest
from serve.problems import QUERY_PROBLEMS, problem_responses
from serve.query.lookups import MOST, LookupKind, compile_labels, compile_search
from serve.warehouse.names import former_projects

router = APIRouter(route_class=SnapshotRoute, prefix="/lookups", tags=["lookups"])

Kind = Annotated[
    LookupKind,
    Path(description="The kind of thing that is looked for.", examples=["users", "projects"]),
]
_KEY = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)
_PROBLEMS = problem_responses(*QUERY_PROBLEMS, "invalid-parameters")


@router.get("/{kind}", summary="Search while somebody types", responses=_PROBLEMS)
def search(
    kind: Kind,
    request: Annotated[SearchRequest, Query()],
    warehouse: OpenWarehouse,
    viewer: CurrentViewer,
) -> Choices:
    """Find users, groups, projects, organizations, statuses, resolutions, fields or issue types.

    Also what is archived, inactive or deleted, marked as such and last: the log outlives it. Users
    come in the order of their last activity. A project is found by a key it once had, too.
    """
    with warehouse.lease() as snapshot:
        snapshot.rights(viewer)
        rows = snapshot.run(compile_search(kind, request.q))
        key = request.q.strip().upper()
        is_key = kind == "projects" and _KEY.fullmatch(key) is not None
        # A key that is in use names its project; looking for those it named before costs more.
        if is_key and key not in snapshot.directory.project_ids and len(rows) <= MOST:
            known = {row[0] for row in rows}
            former = former_projects(snapshot, key)
            ids = [project_id for project_id in former if project_id not in known]
            rows += snapshot.run(compile_labels(kind, ids))
        return Choices.of(
            snapshot_id=snapshot.id,
            has_more=len(rows) > MOST,
            items=[_choice(row) for row in rows[:MOST]],
        )


@router.get("/{kind}/labels", summary="Name the ids of a filter", responses=_PROBLEMS)
def get_labels(
    kind: Kind,
    request: Annotated[LabelsRequest, Query()],
    warehouse: OpenWarehouse,
    viewer: CurrentViewer,
) -> Labels:
    """Give the names of all the ids that a filter holds, in one call."""
    ids = list(dict.fromkeys(request.ids))
    with warehouse.lease() as snapshot:
        snapshot.rights(viewer)
        found = {row[0]: _choice(row) for row in snapshot.run(compile_labels(kind, ids))}
        return Labels.of(
            snapshot_id=snapshot.id,
            unknown_ids=[one for one in ids if one not in found],
            items=[found[one] for one in ids if one in found],
        )


def _choice(row: tuple[str, str, str | None, str | None]) -> Choice:
    thing_id, label, detail, state = row
    return Choice.of(id=thing_id, label=label, detail=detail, state=state)
