"""Lists views of issues for one viewer at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from serve.errors import invalid_parameter
from serve.exports import Export, Exporter, Sheet, rows_by_month
from serve.issue_views.schemas import IssueViewsPage, IssueViewsRequest, ListedView
from serve.labels import author_label, issue_label, issue_names, project_label
from serve.paging import decode_cursor, microseconds
from serve.query.columns import VIEW_EXPORT_COLUMNS, VIEW_SOURCES
from serve.query.cursors import DetailCursor, digest
from serve.query.export import compile_view_months, compile_view_rows
from serve.query.issue_views import (
    VIEW_COLUMNS,
    compile_first_view,
    compile_issue_ids,
    compile_view_count,
    compile_views,
    of_issues,
)
from serve.query.spec import IssueViewFilter
from serve.query.visibility import Rights, Viewer
from serve.scoping import resolve_who_and_when
from serve.warehouse.snapshot import Snapshot, as_utc, as_utc_or_none
from serve.warehouse.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class IssueViewsService:
    """Lists views of issues for one viewer at a time."""

    warehouse: Warehouse
    exporter: Exporter

    def export(self, request: IssueViewFilter, viewer: Viewer) -> Export:
        """Write all views of a filter, newest first, as a workbook."""

        def plan(snapshot: Snapshot, rights: Rights) -> Sheet:
            scope = resolve_who_and_when(request, snapshot, rights)
            more = of_issues(_issue_ids(snapshot, request.issues, rights))
            zone = ZoneInfo(request.time_zone)
            return Sheet(
                title="Issue views",
                scope=scope,
                zone=zone,
                columns=VIEW_EXPORT_COLUMNS,
                rows=rows_by_month(
                    snapshot,
                    compile_view_months(scope, rights, more),
                    partial(compile_view_rows, scope, rights, more, zone),
                ),
            )

        return self.exporter.export(viewer, plan)

    def views(self, request: IssueViewsRequest, viewer: Viewer) -> IssueViewsPage:
        """Return one page of views, newest first."""
        cursor = decode_cursor(DetailCursor, request)
        with self.warehouse.lease(cursor.snapshot if cursor else None) as snapshot:
            rights = snapshot.rights(viewer)
            scope = resolve_who_and_when(request, snapshot, rights)
            issue_ids = _issue_ids(snapshot, request.issues, rights)
            rows = snapshot.run(
                compile_views(
                    scope,
                    rights,
                    issue_ids=issue_ids,
                    limit=request.limit + 1,
                    after=(cursor.occurred_at, cursor.action_id) if cursor else None,
                )
            )
            views = [dict(zip(VIEW_COLUMNS, row, strict=True)) for row in rows[: request.limit]]
            names = issue_names(snapshot, rights, (view["issue_id"] for view in views))
            next_cursor = None
            if len(rows) > request.limit:
                next_cursor = DetailCursor(
                    snapshot=snapshot.id,
                    question=digest(request),
                    occurred_at_us=microseconds(views[-1]["occurred_at"]),
                    action_id=views[-1]["action_id"],
                ).encode()
            view_count = None
            if request.count:
                ((view_count,),) = snapshot.run(compile_view_count(scope, rights, issue_ids))
            first_view = compile_first_view(rights)
            ((first_view_at,),) = snapshot.kept(first_view.sql, partial(snapshot.run, first_view))
            directory = snapshot.directory
            return IssueViewsPage.of(
                snapshot_id=snapshot.id,
                interval_from=scope.interval.start,
                interval_to=scope.interval.end,
                description=scope.description,
                next_cursor=next_cursor,
                view_count=view_count,
                first_view_at=as_utc_or_none(first_view_at),
                items=[
                    ListedView.of(
                        view_id=view["action_id"],
                        viewed_at=as_utc(view["occurred_at"]),
                        recorded_at=as_utc(view["recorded_at"]),
                        user=author_label(directory, view["actor_account_id"]),
                        issue=issue_label(directory, names, view["site_id"], view["issue_id"]),
                        project=project_label(directory, view["site_id"], view["project_id"]),
                        source=view["view_source"],
                        source_label=VIEW_SOURCES.get(view["view_source"], view["view_source"]),
                        look_count=view["raw_view_count"],
                    )
                    for view in views
                ],
            )


def _issue_ids(snapshot: Snapshot, names: tuple[str, ...], rights: Rights) -> list[str]:
    """Return the ids of the issues named; ProblemError 422 for one that the viewer cannot know."""
    if not names:
        return []
    found = snapshot.run(compile_issue_ids(names, rights))
    for name in names:
        if name not in {known for known, _ in found}:
            raise invalid_parameter(
                "issue",
                f"is no key or id of an issue in the log that you may see: {name}",
                "check the spelling",
            )
    return sorted({issue_id for _, issue_id in found})
