"""Raw assets: one multi-asset per source, one asset per table of the lake it writes.

    run_source("<source>")  ->  raw_<source>/<resource>  ->  dbt's source raw_<source>.<resource>

All of a source's tables come from one traversal of the site, so they are made together. A source
whose connection is not there, or fails and is not the Jira site's, has made nothing new; that is
logged, and the run goes on.
"""

from collections.abc import Iterator

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    MaterializeResult,
    multi_asset,
)

from orchestration.resources import OWNERS, AuditLogHome
from orchestration.state import read_source
from pipelines.connections import CONNECTIONS
from pipelines.errors import NotConnectedError, PipelineError
from pipelines.registry import SOURCES, SourceSpec
from pipelines.runner import run_source


def raw_key(source: str, resource: str) -> AssetKey:
    """Return the key of one table of the lake; dbt's source of that table has the same."""
    return AssetKey([f"raw_{source}", resource])


def source_assets(source: SourceSpec) -> AssetsDefinition:
    """Make the multi-asset that syncs one source; materializations tell rows, lag, requests."""

    @multi_asset(
        name=f"sync_{source.name}",
        group_name=source.name,
        description=source.description,
        specs=[
            AssetSpec(
                key=raw_key(source.name, resource.name),
                description=resource.description,
                owners=OWNERS,
                kinds={"dlt", "parquet"},
                skippable=True,
            )
            for resource in source.resources
        ],
    )
    def sync(
        context: AssetExecutionContext, audit_log_home: AuditLogHome
    ) -> Iterator[MaterializeResult[None]]:
        if audit_log_home.is_skipped:
            return
        try:
            report = run_source(source.name, audit_log_home.settings)
        except PipelineError as error:
            if CONNECTIONS[source.connection].is_essential:
                raise
            # what is built from the other sources must not wait for this one
            is_there = not isinstance(error, NotConnectedError)
            context.log.log("ERROR" if is_there else "INFO", "%s: %s", source.name, error)
            for resource in source.resources:
                yield MaterializeResult(
                    asset_key=raw_key(source.name, resource.name),
                    metadata={"rows": 0, "not_synced": str(error)},
                )
            return
        for warning in report.warnings:
            context.log.warning(warning)
        lag = read_source(audit_log_home.settings.home, source.name).lag_seconds
        for resource in source.resources:
            yield MaterializeResult(
                asset_key=raw_key(source.name, resource.name),
                metadata={
                    "rows": report.rows.get(resource.name, 0),
                    "requests": dict(report.requests),
                    "lag_seconds": lag,
                    "mode": report.mode,
                    "run_id": report.run_id,
                },
            )

    return sync


RAW_ASSETS = [source_assets(source) for source in SOURCES.values()]
