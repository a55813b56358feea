"""What starts runs when something happens, and clears away runs whose process is gone."""

from datetime import UTC, datetime, timedelta

from dagster import (
    DagsterRunStatus,
    DefaultSensorStatus,
    RunRequest,
    RunsFilter,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)

from orchestration import inbox
from orchestration.locking import MAX_WAIT_SECONDS, current_holder
from orchestration.resources import INBOX_JOB
from orchestration.schedules import audit_log_job, compaction_job
from pipelines.config import load_settings
from pipelines.errors import PipelineError

GRACE = timedelta(seconds=60)
"""Time a run has from its start to taking the lock, and from leaving it to its end."""

RETRY_AFTER = timedelta(seconds=inbox.RETRY_SECONDS)
_IN_FLIGHT = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


@sensor(
    job_name=INBOX_JOB,
    minimum_interval_seconds=inbox.INTERVAL_SECONDS,
    default_status=DefaultSensorStatus.RUNNING,
    description="Starts a run when webhooks or views have been received; one at a time.",
)
def inbox_sensor(context: SensorEvaluationContext) -> RunRequest | SkipReason:
    """Ask for one run for everything that waits, unless a run is coming or has just failed."""
    try:
        settings = load_settings()
        since = inbox.waiting_since(settings)
    except PipelineError as error:
        return SkipReason(str(error))
    if since is None:
        return SkipReason("nothing waits")
    holder = current_holder(settings.home)
    if holder:
        return SkipReason(f"already running ({holder})")
    for name in (INBOX_JOB, audit_log_job.name, compaction_job.name):
        # A full run reads the inbox too; starting another before it would only delay it.
        if context.instance.get_run_ids(RunsFilter(job_name=name, statuses=_IN_FLIGHT), limit=1):
            return SkipReason(f"a run of {name} is coming")
    last = context.instance.get_run_records(RunsFilter(job_name=INBOX_JOB), limit=1)
    if last and since < last[0].create_timestamp > datetime.now(UTC) - RETRY_AFTER:
        return SkipReason("the last run left behind what waits; trying again within a minute")
    return RunRequest()


@sensor(
    minimum_interval_seconds=30,
    default_status=DefaultSensorStatus.RUNNING,
    description="Marks runs as failed that are STARTED but whose process is gone.",
)
def run_lost_sensor(context: SensorEvaluationContext) -> SkipReason:
    """Fail every started run that does not hold the run lock.

    Dagster's default launcher never notices that a run died with its host: the run stays STARTED
    for ever. Whoever really runs holds the run lock and has written its run id there.
    """
    holder = current_holder(load_settings().home)
    grace = GRACE
    if holder and holder.is_for_inbox:
        grace += timedelta(seconds=MAX_WAIT_SECONDS)  # a full run may be waiting for this one
    lost = [
        record.dagster_run
        for name in (audit_log_job.name, INBOX_JOB)
        for record in context.instance.get_run_records(
            RunsFilter(
                job_name=name,
                statuses=[DagsterRunStatus.STARTED],
                updated_before=datetime.now(UTC) - grace,
            )
        )
        if holder is None or record.dagster_run.run_id != holder.run_id
    ]
    for run in lost:
        context.instance.report_run_failed(run, "Its process is gone: it holds no run lock.")
    return SkipReason(f"{len(lost)} lost runs marked as failed.")
