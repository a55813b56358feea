"""HTTP endpoints about the log itself: is it alive, how fresh is it, what does it know."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter

from serve.answering import SnapshotRoute
from serve.dependencies import CurrentViewer, OpenWarehouse, SettingsInUse
from serve.middleware import MAX_ADDRESS_BYTES
from serve.paging import DEFAULT_LIMIT, MAX_LIMIT
from serve.problems import QUERY_PROBLEMS, problem_responses
from serve.query.columns import EXPORT_COLUMNS, TARGET_LABELS
from serve.query.dimensions import compile_freshness
from serve.query.issues import RANGE
from serve.query.jql.parser import MAX_LENGTH
from serve.query.lookups import LOOKUP_KINDS, MOST
from serve.query.period import PERIOD_LABELS, PERIODS
from serve.query.spec import (
    BREAKDOWN_LABELS,
    DEFAULT_DAYS,
    DEFAULT_PERIOD,
    DETAIL_SORTS,
    MAX_VALUES,
    NOT_TOGETHER,
)
from serve.status.schemas import (
    ActionTypeEntry,
    BreakdownEntry,
    Freshness,
    Health,
    Limits,
    Meta,
    PeriodEntry,
    SourceFreshness,
    TargetTypeEntry,
)
from serve.status.wording import FILTERS, MEMBERSHIPS, VIEWS, WORDS
from serve.warehouse.snapshot import as_utc_or_none
from serve.workbook import SHEET_ROWS

_PROBLEMS = problem_responses(*QUERY_PROBLEMS, "invalid-parameters")

health_router = APIRouter(tags=["status"])
router = APIRouter(tags=["status"])
meta_router = APIRouter(route_class=SnapshotRoute, tags=["status"])


@health_router.get(
    "/healthz", summary="Is serve alive", responses=problem_responses("invalid-parameters")
)
async def get_health(warehouse: OpenWarehouse) -> Health:
    """Answer at once, also while queries run: this never waits for the database."""
    return Health(status="ok", snapshot_id=warehouse.published_id())


@router.get(
    "/freshness",
    summary="How fresh is the log",
    responses=_PROBLEMS,
)
def get_freshness(
    warehouse: OpenWarehouse, settings: SettingsInUse, viewer: CurrentViewer
) -> Freshness:
    """Tell for every source when it last succeeded, how far behind it was, and what it stored.

    Of a source that tells of actions of which you may not count all, only the first.
    """
    now = datetime.now(UTC)
    with warehouse.lease() as snapshot:
        query = compile_freshness(snapshot.rights(viewer))
        sources = []
        for source, last_success, newest_source, lag, rows, requests, quarantined in snapshot.run(
            query
        ):
            last_success_at = as_utc_or_none(last_success)
            age = None if last_success_at is None else (now - last_success_at).total_seconds()
            sources.append(
                SourceFreshness(
                    source=source,
                    last_success_at=last_success_at,
                    newest_source_at=as_utc_or_none(newest_source),
                    lag_seconds=lag,
                    age_seconds=age,
                    is_stale=age is None or age > settings.stale_minutes * 60,
                    row_count=rows,
                    request_count=requests,
                    quarantined_count=quarantined or 0,
                )
            )
        return Freshness(snapshot_id=snapshot.id, sources=sources)


@meta_router.get(
    "/meta",
    summary="What can be asked for",
    responses=_PROBLEMS,
)
def get_meta(warehouse: OpenWarehouse, viewer: CurrentViewer) -> Meta:
    """Give the catalogue of action types, the time that the log covers, and what can be asked."""
    with warehouse.lease() as snapshot:
        directory = snapshot.directory
        action_types = directory.catalogue.action_types
        bounds = snapshot.bounds(snapshot.rights(viewer))
        return Meta(
            snapshot_id=snapshot.id,
            action_count=bounds.action_count,
            oldest_at=bounds.oldest_at,
            newest_at=bounds.newest_at,
            action_types=[
                ActionTypeEntry(
                    number=action_type.number,
                    code=action_type.code,
                    label=action_type.label,
                    product=action_type.product,
                    target_type=action_type.target_type,
                    is_default_column=action_type.is_default_column,
                    is_issue_action=action_type.is_issue_action,
                    has_changes=action_type.has_changes,
                    connection=action_type.connection,
                    max_delay_minutes=action_type.max_delay_minutes,
                    description=action_type.description,
                )
                for action_type in action_types
            ],
            default_columns=[one.code for one in action_types if one.is_default_column],
            target_types=[
                TargetTypeEntry(type=one, label=TARGET_LABELS.get(one, one))
                for one in dict.fromkeys(one.target_type for one in action_types)
            ],
            filters=list(FILTERS),
            views=list(VIEWS),
            export_columns=list(EXPORT_COLUMNS),
            words=WORDS,
            periods=[PeriodEntry(period=one, label=PERIOD_LABELS[one]) for one in PERIODS],
            default_period=DEFAULT_PERIOD,
            memberships=list(MEMBERSHIPS),
            breakdowns=[
                BreakdownEntry(
                    by=by, label=label, not_with=sorted(NOT_TOGETHER.get(by, frozenset()))
                )
                for by, label in BREAKDOWN_LABELS.items()
            ],
            detail_sorts=list(DETAIL_SORTS),
            lookups=list(LOOKUP_KINDS),
            limits=Limits(
                default_days=DEFAULT_DAYS,
                max_range_days=snapshot.max_range_days,
                default_limit=DEFAULT_LIMIT,
                max_limit=MAX_LIMIT,
                max_values=MAX_VALUES,
                max_choices=MOST,
                max_jql_characters=MAX_LENGTH,
                max_address_bytes=MAX_ADDRESS_BYTES,
                issues_per_link=RANGE,
                sheet_rows=SHEET_ROWS,
            ),
        )
