"""When the audit log runs by itself."""

from dagster import (
    AssetSelection,
    DefaultScheduleStatus,
    OpExecutionContext,
    RunRequest,
    ScheduleEvaluationContext,
    SkipReason,
    define_asset_job,
    in_process_executor,
    job,
    op,
    schedule,
)

from orchestration.locking import current_holder
from orchestration.resources import AuditLogHome
from pipelines import lake
from pipelines.config import load_settings
from pipelines.errors import ConfigurationError

MAX_RUNTIME_SECONDS = 6 * 60 * 60
"""A first sync of a large site takes hours; a run beyond this is stuck."""

audit_log_job = define_asset_job(
    "audit_log_job",
    selection=AssetSelection.all(),
    description="Sync every source, build and test the marts, publish the snapshot.",
    tags={"dagster/max_runtime": str(MAX_RUNTIME_SECONDS)},
    executor_def=in_process_executor,
)


@op
def compact_lake(context: OpExecutionContext, audit_log_home: AuditLogHome) -> None:
    """Rewrite closed months of the lake into one file per table and month."""
    if not audit_log_home.is_skipped:
        made = lake.compact(audit_log_home.settings.home)
        context.log.info("%d files made.", len(made))


@job(
    description="Keep the lake's files few; most days there is nothing to do.",
    tags={"dagster/max_runtime": str(MAX_RUNTIME_SECONDS)},
    executor_def=in_process_executor,
)
def compaction_job() -> None:
    """Run `compact_lake`."""
    compact_lake()


@schedule(
    job=compaction_job,
    cron_schedule="15 3 * * *",
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.RUNNING,
    description="Every day at 03:15 UTC, between two half-hourly runs.",
)
def daily_schedule(_context: ScheduleEvaluationContext) -> RunRequest:
    """Ask for a run."""
    return RunRequest()


@schedule(
    job=audit_log_job,
    cron_schedule="*/30 * * * *",
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.RUNNING,
    description="Every 30 minutes; skipped while a run is going on or no site is configured.",
)
def half_hourly_schedule(_context: ScheduleEvaluationContext) -> RunRequest | SkipReason:
    """Ask for a run unless it could only fail or be skipped."""
    try:
        settings = load_settings()
        settings.connection()
    except ConfigurationError as error:
        return SkipReason(str(error))
    holder = current_holder(settings.home)
    if holder and not holder.is_for_inbox:
        return SkipReason(f"already running ({holder})")
    return RunRequest()
