"""Answers questions about activity: resolves the filter, runs the queries, adds the names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from serve.actions.newest import newest_actions, shown_rows
from serve.actions.schemas import (
    Action,
    ActionKind,
    ActionPage,
    ActionsRequest,
    ActivityExportRequest,
    ActivityPage,
    ActivityRequest,
    AuthorActivity,
    Change,
    DetectionWindow,
    Drill,
    ExportRequest,
    Group,
    Target,
)
from serve.catalogue import Catalogue
from serve.errors import invalid_parameter
from serve.exports import Export, Exporter, Rows, Sheet, rows_by_month
from serve.labels import (
    KEPT_LABELS,
    IssueKind,
    IssueNames,
    author_label,
    issue_label,
    issue_names,
    project_label,
)
from serve.narrowing import narrowed
from serve.paging import decode_cursor, microseconds, next_offset, offset_of
from serve.query.breakdowns import SECURED, STATUS_CHANGED, UNBROWSED, compile_breakdown
from serve.query.columns import (
    AUTHOR_WIDTH,
    COUNT_WIDTH,
    EXPORT_COLUMNS,
    EXTENDED_COLUMNS,
    GROUP_WIDTH,
    TARGET_LABELS,
)
from serve.query.compiler import (
    compile_author_counts,
    compile_authors,
    compile_changes,
    compile_count,
    compile_counts,
    compile_sorted_detail,
)
from serve.query.cursors import Cursor, DetailCursor, digest
from serve.query.export import (
    compile_activity_rows,
    compile_activity_size,
    compile_export_months,
    compile_export_rows,
)
from serve.query.known_days import is_narrow
from serve.query.rollups import is_rolled_up
from serve.query.scope import Scope
from serve.query.spec import BREAKDOWN_LABELS, NEWEST_FIRST, AggregatedView
from serve.query.visibility import Rights, Viewer
from serve.scoping import resolve
from serve.warehouse.snapshot import Directory, Snapshot, as_utc, as_utc_or_none
from serve.warehouse.warehouse import Warehouse

AnyCursor = TypeVar("AnyCursor", bound=Cursor)


@dataclass(frozen=True, slots=True)
class ActionsService:
    """Lists and counts actions for one viewer at a time."""

    warehouse: Warehouse
    exporter: Exporter

    def actions(self, request: ActionsRequest, viewer: Viewer) -> ActionPage:
        """Return one page of actions."""
        if request.sort == NEWEST_FIRST:
            cursor = decode_cursor(DetailCursor, request)
            with self.warehouse.lease(cursor.snapshot if cursor else None) as snapshot:
                rights = snapshot.rights(viewer)
                scope = resolve(request, snapshot, rights)
                rows = newest_actions(snapshot, scope, rights, request.limit + 1, cursor)
                following = None
                if len(rows) > request.limit:
                    last = rows[request.limit - 1]
                    following = DetailCursor(
                        snapshot=snapshot.id,
                        question=digest(request),
                        occurred_at_us=microseconds(last["occurred_at"]),
                        action_id=last["action_id"],
                    ).encode()
                return _page(snapshot, scope, request, rights, rows, following)
        place = offset_of(request)
        with self.warehouse.lease(place.snapshot if place else None) as snapshot:
            rights = snapshot.rights(viewer)
            scope = narrowed(snapshot, resolve(request, snapshot, rights))
            offset = place.offset if place else 0
            query = compile_sorted_detail(
                scope, request, rights, limit=request.limit + 1, offset=offset
            )
            rows = shown_rows(snapshot, rights, snapshot.run(query))
            following = next_offset(snapshot, request, offset, len(rows))
            return _page(snapshot, scope, request, rights, rows, following)

    def activity(self, request: ActivityRequest, viewer: Viewer) -> ActivityPage:
        """Return one page of authors with their counts."""
        cursor = offset_of(request)
        with self.warehouse.lease(cursor.snapshot if cursor else None) as snapshot:
            rights = snapshot.rights(viewer)
            catalogue = snapshot.directory.catalogue
            _check_codes(request, catalogue)
            scope = narrowed(snapshot, resolve(request, snapshot, rights))
            offset = cursor.offset if cursor else 0
            counted = _broken_down if request.breakdowns else _plain
            # One more than asked for tells whether there is a next page.
            rows = counted(snapshot, scope, request, rights, offset)
            columns = request.columns or tuple(kind.code for kind in catalogue.action_types)
            zeros = dict.fromkeys(columns if request.zeros else (), 0)
            return ActivityPage.of(
                snapshot_id=snapshot.id,
                interval_from=scope.interval.start,
                interval_to=scope.interval.end,
                description=scope.description,
                next_cursor=next_offset(snapshot, request, offset, len(rows.items)),
                author_count=rows.author_count,
                row_count=rows.row_count,
                action_count=rows.action_count,
                items=[
                    AuthorActivity.of(
                        author=author_label(snapshot.directory, row.author_id),
                        groups=row.groups,
                        counts={
                            code: count
                            for code, count in sorted((zeros | row.counts).items())
                            if not request.columns or code in request.columns
                        },
                        total=row.total,
                        issue_count=row.issue_count,
                        drill=_drill(row),
                    )
                    for row in rows.items[: request.limit]
                ],
            )

    def export(self, request: ExportRequest, viewer: Viewer) -> Export:
        """Write all actions of a filter, newest first, as a workbook."""

        def plan(snapshot: Snapshot, rights: Rights) -> Sheet:
            scope = narrowed(snapshot, resolve(request, snapshot, rights))
            return Sheet(
                title="Activity",
                scope=scope,
                zone=ZoneInfo(request.time_zone),
                columns=EXPORT_COLUMNS | EXTENDED_COLUMNS if request.extended else EXPORT_COLUMNS,
                rows=rows_by_month(
                    snapshot,
                    compile_export_months(scope, rights),
                    partial(
                        compile_export_rows,
                        scope,
                        rights,
                        ZoneInfo(request.time_zone),
                        extended=request.extended,
                    ),
                ),
            )

        return self.exporter.export(viewer, plan)

    def export_activity(self, request: ActivityExportRequest, viewer: Viewer) -> Export:
        """Write the counts of all authors as a workbook: the rows of `activity`, in its order."""

        def plan(snapshot: Snapshot, rights: Rights) -> Sheet:
            catalogue = snapshot.directory.catalogue
            _check_codes(request, catalogue)
            scope = narrowed(snapshot, resolve(request, snapshot, rights))
            ((row_count, occurred),) = snapshot.run(compile_activity_size(scope, request, rights))
            known = [kind.code for kind in catalogue.action_types]
            # What only the facts know stands last.
            shown = request.columns or (known * request.zeros + occurred)
            codes = [code for code in dict.fromkeys(known + occurred) if code in shown]
            return Sheet(
                title="Aggregated activity",
                scope=scope,
                zone=ZoneInfo(request.time_zone),
                columns={
                    "Author": AUTHOR_WIDTH,
                    **{BREAKDOWN_LABELS[by]: GROUP_WIDTH for by in request.breakdowns},
                    **{catalogue.label(code): COUNT_WIDTH for code in codes},
                    "Total": COUNT_WIDTH,
                },
                rows=Rows(
                    row_count, lambda _: [compile_activity_rows(scope, request, rights, codes)]
                ),
            )

        return self.exporter.export(viewer, plan)


def _check_codes(view: AggregatedView, catalogue: Catalogue) -> None:
    """Refuse a view that sorts by or shows an unknown code; ProblemError 422."""
    code = view.sort.removeprefix("-")
    if code not in {"total", "display_name"} and code not in catalogue:
        raise invalid_parameter(
            "sort",
            f"names no action code: {code}",
            "sort by total, display_name or a code of /api/v1/meta",
        )
    for column in view.columns:
        if column not in catalogue:
            raise invalid_parameter(
                "column", f"is no action code: {column}", "take a code of /api/v1/meta"
            )


def _page(
    snapshot: Snapshot,
    scope: Scope,
    request: ActionsRequest,
    rights: Rights,
    rows: list[dict[str, Any]],
    following: str | None,
) -> ActionPage:
    """Dress up the rows of a page; a row beyond its limit only said that another page follows."""
    action_count = None
    if request.count:
        ((action_count,),) = snapshot.run(compile_count(narrowed(snapshot, scope), rights))
    return ActionPage.of(
        snapshot_id=snapshot.id,
        interval_from=scope.interval.start,
        interval_to=scope.interval.end,
        description=scope.description,
        next_cursor=following,
        action_count=action_count,
        items=_items(
            snapshot, rows[: request.limit], rights, with_changes="changes" in request.expand
        ),
    )


class _Row(NamedTuple):
    author_id: str | None
    groups: list[Group]
    counts: dict[str, int]
    total: int
    issue_count: int | None


class _Rows(NamedTuple):
    """Rows of a page and one more, if there is one; the numbers are of the whole answer."""

    items: list[_Row]
    author_count: int
    row_count: int
    action_count: int


def _drill(row: _Row) -> Drill | None:
    """Return the values of `row` that keep what a row counts, and what its total opens."""
    if any(group.id is None and group.label in {SECURED, UNBROWSED} for group in row.groups):
        return None
    parts = {"author": row.author_id} | {group.by: group.id for group in row.groups}
    total = parts
    if not parts.keys().isdisjoint({"status", "transition"}):
        kept = {kind: one for kind, one in parts.items() if kind in {"author", "projects"}}
        total = kept | {"action": STATUS_CHANGED}
    return Drill.of(
        row=[f"{kind}:{one or ''}" for kind, one in parts.items()],
        total=[f"{kind}:{one or ''}" for kind, one in total.items()],
    )


def _plain(
    snapshot: Snapshot, scope: Scope, request: ActivityRequest, rights: Rights, offset: int
) -> _Rows:
    """Count in two stages: first who is on the page, then what they did; of few actions at once."""
    if not is_rolled_up(scope) and is_narrow(scope):
        rows = snapshot.run(
            compile_author_counts(scope, request, rights, limit=request.limit + 1, offset=offset)
        )
        return _Rows(
            [_Row(author_id, [], counts, total, None) for author_id, _, counts, total, *_ in rows],
            author_count=rows[0][4] if rows else 0,
            row_count=rows[0][4] if rows else 0,
            action_count=rows[0][5] if rows else 0,
        )
    authors = snapshot.run(
        compile_authors(scope, request, rights, limit=request.limit + 1, offset=offset)
    )
    counts: dict[str | None, dict[str, int]] = {author_id: {} for author_id, *_ in authors}
    if authors:
        for author_id, action_code, count in snapshot.run(
            compile_counts(scope, rights, list(counts))
        ):
            counts[author_id][action_code] = count
    return _Rows(
        [_Row(author_id, [], counts[author_id], total, None) for author_id, total, *_ in authors],
        author_count=authors[0][2] if authors else 0,
        row_count=authors[0][2] if authors else 0,
        action_count=int(authors[0][3]) if authors else 0,
    )


def _broken_down(
    snapshot: Snapshot, scope: Scope, request: ActivityRequest, rights: Rights, offset: int
) -> _Rows:
    rows = snapshot.run(
        compile_breakdown(scope, request, rights, limit=request.limit + 1, offset=offset)
    )
    return _Rows(
        [
            _Row(
                author_id,
                [
                    Group.of(by=breakdown, id=thing_id, label=label)
                    for breakdown, thing_id, label in zip(
                        request.breakdowns, ids, labels, strict=True
                    )
                ],
                counts,
                total,
                issue_count,
            )
            for author_id, ids, labels, counts, total, issue_count, *_ in rows
        ],
        author_count=rows[0][7] if rows else 0,
        row_count=rows[0][6] if rows else 0,
        action_count=rows[0][8] if rows else 0,
    )


def _items(
    snapshot: Snapshot, rows: list[dict[str, Any]], rights: Rights, *, with_changes: bool
) -> list[Action]:
    if not rows:
        return []
    directory = snapshot.directory
    names = issue_names(snapshot, rights, (row["issue_id"] for row in rows))
    changes: dict[str, list[Change]] = {row["action_id"]: [] for row in rows}
    if with_changes:
        query = compile_changes([(row["action_id"], row["occurred_at"]) for row in rows], rights)
        for action_id, *values in snapshot.run(query):
            changes[action_id].append(
                Change.of(
                    **dict(zip(Change.model_fields, values, strict=True)),
                )
            )
    return [
        _item(
            directory,
            row,
            names,
            changes[row["action_id"]] if with_changes else None,
        )
        for row in rows
    ]


def _item(
    directory: Directory, row: dict[str, Any], names: IssueNames, changes: list[Change] | None
) -> Action:
    then = IssueKind(row["issue_type_id"], row["request_type_id"])
    issue = issue_label(directory, names, row["site_id"], row["issue_id"], then)
    has_changes = directory.catalogue.has_changes(row["action_code"])
    return Action.of(
        action_id=row["action_id"],
        site_id=row["site_id"],
        occurred_at=as_utc(row["occurred_at"]),
        recorded_at=as_utc(row["recorded_at"]),
        detection_window=DetectionWindow.of(
            observed_from=as_utc_or_none(row["observed_from_at"]),
            observed_to=as_utc(row["observed_to_at"]),
        )
        if row["observed_to_at"] is not None
        else None,
        author=author_label(directory, row["actor_account_id"]),
        target=Target.of(
            type=row["target_type"],
            type_label=TARGET_LABELS.get(row["target_type"], row["target_type"]),
            id=row["target_id"],
            label=row["target_label"],
        ),
        action=_kind(
            row["action_code"],
            directory.catalogue.label(row["action_code"]),
            has_changes=has_changes,
        ),
        project=project_label(directory, row["site_id"], row["project_id"]),
        issue=issue,
        reference=(issue.key if issue else None) or row["target_id"],
        old_value=row["old_value"] if has_changes else None,
        new_value=row["new_value"] if has_changes else None,
        change_count=row["change_count"] or 0,
        changes=changes if has_changes else None,
    )


@lru_cache(KEPT_LABELS)
def _kind(code: str, label: str, *, has_changes: bool) -> ActionKind:
    return ActionKind.of(code=code, label=label, has_changes=has_changes)
