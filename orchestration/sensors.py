"""Clears away runs whose process is gone.

Dagster's default launcher never notices that a run died with its host: the run stays STARTED for
ever. Whoever really runs holds the run lock and has written its run id there.
"""

from datetime import UTC, datetime, timedelta

from dagster import (
    DagsterRunStatus,
    DefaultSensorStatus,
    RunsFilter,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)

from orchestration.locking import current_holder
from orchestration.schedules import audit_log_job
from pipelines.config import load_settings

GRACE = timedelta(seconds=60)
"""Time a run has from its start to taking the lock, and from leaving it to its end."""


@sensor(
    minimum_interval_seconds=30,
    default_status=DefaultSensorStatus.RUNNING,
    description="Marks runs as failed that are STARTED but whose process is gone.",
)
def run_lost_sensor(context: SensorEvaluationContext) -> SkipReason:
    """Fail every started run of the job that does not hold the run lock."""
    holder = current_holder(load_settings().home)
    started = context.instance.get_run_records(
        RunsFilter(
            job_name=audit_log_job.name,
            statuses=[DagsterRunStatus.STARTED],
            updated_before=datetime.now(UTC) - GRACE,
        )
    )
    lost = [
        record.dagster_run
        for record in started
        if holder is None or record.dagster_run.run_id != holder.run_id
    ]
    for run in lost:
        context.instance.report_run_failed(run, "Its process is gone: it holds no run lock.")
    return SkipReason(f"{len(lost)} lost runs marked as failed.")
