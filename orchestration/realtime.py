"""The job of the inbox: one step that reads it, builds and publishes.

It makes what the assets' job makes, by the same functions, but tells Dagster only of the inbox's
tables and the snapshot. An event for each of some hundred models and tests takes longer to write
than the build takes, and nobody's action should wait for that.
"""

from pathlib import Path

from dagster import (
    AssetMaterialization,
    JobDefinition,
    OpExecutionContext,
    in_process_executor,
    job,
    op,
)

from orchestration import inbox
from orchestration.ingestion import raw_key
from orchestration.marts import SNAPSHOT_KEY
from orchestration.publishing import publish
from orchestration.resources import INBOX_JOB, AuditLogHome
from orchestration.schedules import MAX_RUNTIME_SECONDS
from orchestration.transformation import build
from pipelines.runner import run_source


def make_inbox_job(project: Path) -> JobDefinition:
    """Make the job for a dbt project."""

    @op
    def read_inbox(context: OpExecutionContext, audit_log_home: AuditLogHome) -> None:
        """Read what was pushed to us, build and test the marts, publish the snapshot."""
        if audit_log_home.is_skipped:
            return
        settings = audit_log_home.settings
        synced = run_source(inbox.SOURCE, settings)
        built = build(settings.home, project=project)
        published = publish(settings.home, project=project)
        for warning in (*synced.warnings, *built.warnings):
            context.log.warning(warning)
        for resource, rows in synced.rows.items():
            key = raw_key(inbox.SOURCE, resource)
            context.log_event(AssetMaterialization(key, metadata={"rows": rows}))
        context.log_event(
            AssetMaterialization(
                SNAPSHOT_KEY,
                metadata={
                    "snapshot_id": published.snapshot_id,
                    "build_seconds": built.seconds,
                    "publish_seconds": published.seconds,
                },
            )
        )

    @job(
        name=INBOX_JOB,
        description="Read what was pushed to us, build and test the marts, publish the snapshot.",
        tags={"dagster/max_runtime": str(MAX_RUNTIME_SECONDS)},
        executor_def=in_process_executor,
    )
    def inbox_job() -> None:
        read_inbox()

    return inbox_job
