"""Everything Dagster knows of this project, put together.

Assets only call the functions that the command line `audit-log` calls; Dagster decides when, shows
lineage and history, and holds no rule of its own.
"""

from datetime import timedelta
from pathlib import Path

from dagster import (
    AssetSpec,
    Definitions,
    FreshnessPolicy,
    apply_freshness_policy,
    in_process_executor,
    map_asset_specs,
)

from orchestration.checks import SOURCE_CHECKS, STALE_AFTER
from orchestration.ingestion import RAW_ASSETS
from orchestration.marts import dbt_build_assets, snapshot_asset
from orchestration.realtime import make_inbox_job
from orchestration.resources import AuditLogHome
from orchestration.schedules import (
    audit_log_job,
    compaction_job,
    daily_schedule,
    half_hourly_schedule,
)
from orchestration.sensors import inbox_sensor, run_lost_sensor
from orchestration.transformation import DBT_PROJECT, dbt_manifest

FRESHNESS = FreshnessPolicy.time_window(warn_window=STALE_AFTER, fail_window=timedelta(hours=6))


def build_definitions(home: Path, project: Path = DBT_PROJECT) -> Definitions:
    """Define everything for the dbt project; parses it when its manifest is not up to date."""
    manifest = dbt_manifest(home, project=project)

    def with_freshness(spec: AssetSpec) -> AssetSpec:
        fresh: AssetSpec = apply_freshness_policy(spec, FRESHNESS)
        return fresh

    return Definitions(
        assets=map_asset_specs(
            with_freshness,
            [*RAW_ASSETS, dbt_build_assets(manifest, project), snapshot_asset(manifest, project)],
        ),
        asset_checks=SOURCE_CHECKS,
        jobs=[audit_log_job, make_inbox_job(project), compaction_job],
        schedules=[half_hourly_schedule, daily_schedule],
        sensors=[inbox_sensor, run_lost_sensor],
        resources={"audit_log_home": AuditLogHome()},
        # One process and one run lock per run; steps in processes of their own would each wait
        # seconds for their imports and could not share the lock.
        executor=in_process_executor,
    )
