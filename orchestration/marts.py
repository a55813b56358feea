"""Assets after the lake: one per dbt model and seed, and the published snapshot.

    raw_<source>/<resource>  ->  stg_…  ->  int_…  ->  fct_…/dim_…/bridge_…/agg_…  ->  snapshot

dbt's data tests are asset checks of the models they test. The whole project is built and tested at
once whatever was selected: a part of a build has no tested state that could be published, and an
unchanged model costs next to nothing.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    Failure,
    MaterializeResult,
    asset,
)
from dagster_dbt import DagsterDbtTranslator, dbt_assets

from orchestration.publishing import promised_columns, publish
from orchestration.resources import OWNERS, AuditLogHome
from orchestration.transformation import BuildError, BuildReport, build

SNAPSHOT_KEY = AssetKey("snapshot")
_UNIQUE_ID = "dagster_dbt/unique_id"
"""Metadata by which dagster-dbt ties a spec to its dbt node."""


class ModelTranslator(DagsterDbtTranslator):
    """Keys models by their name, groups them by their layer."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> AssetKey:
        """Return the model's name; a source keeps `raw_<source>/<resource>`."""
        if dbt_resource_props["resource_type"] == "source":
            return AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return AssetKey(dbt_resource_props["alias"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return staging, intermediate or marts; seeds and sources are groups of their own."""
        if dbt_resource_props["resource_type"] == "model":
            return str(dbt_resource_props["fqn"][1])
        return f"{dbt_resource_props['resource_type']}s"

    def get_owners(self, _dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """Return the owners every asset has."""
        return OWNERS


def dbt_build_assets(manifest: Mapping[str, Any], project: Path) -> AssetsDefinition:
    """Make the assets and checks of a dbt project; `manifest` is its parsed manifest.json."""

    @dbt_assets(manifest=manifest, name="dbt_build", dagster_dbt_translator=ModelTranslator())
    def dbt_build(
        context: AssetExecutionContext, audit_log_home: AuditLogHome
    ) -> Iterator[MaterializeResult[None] | AssetCheckResult]:
        if audit_log_home.is_skipped:
            return
        try:
            report = build(audit_log_home.settings.home, project=project)
        except BuildError as error:
            if error.report is not None:
                yield from _results(context, error.report)
            raise Failure(
                error.message, metadata={"remedy": error.remedy}, allow_retries=False
            ) from error
        if report.rebuilt_because:
            context.log.warning("Rebuilt from the lake: %s", report.rebuilt_because)
        yield from _results(context, report)

    return dbt_build


def _results(
    context: AssetExecutionContext, report: BuildReport
) -> Iterator[MaterializeResult[None] | AssetCheckResult]:
    """Tell Dagster what became of the selected models and tests, in the order dbt ran them."""
    assets = {spec.metadata[_UNIQUE_ID]: spec.key for spec in context.assets_def.specs}
    checks = {
        (spec.metadata or {})[_UNIQUE_ID]: spec.key for spec in context.assets_def.check_specs
    }
    for node in report.nodes:
        made, check = assets.get(node.unique_id), checks.get(node.unique_id)
        if made in context.selected_asset_keys and node.status == "success":
            yield MaterializeResult(asset_key=made, metadata={"seconds": node.seconds})
        elif check and check in context.selected_asset_check_keys and node.status != "skipped":
            yield AssetCheckResult(
                asset_key=check.asset_key,
                check_name=check.name,
                passed=node.status == "pass",
                severity=AssetCheckSeverity.ERROR if node.failed else AssetCheckSeverity.WARN,
                metadata={"failures": node.failures, "seconds": node.seconds},
                description=node.message or None,
            )


def snapshot_asset(manifest: Mapping[str, Any], project: Path) -> AssetsDefinition:
    """Make the asset of the published snapshot, downstream of every public relation."""

    @asset(
        key=SNAPSHOT_KEY,
        deps=[AssetKey(name) for name in sorted(promised_columns(manifest))],
        group_name="published",
        owners=OWNERS,
        kinds={"duckdb"},
        description="The marts as an immutable file that the API and BI tools read.",
        output_required=False,
    )
    def snapshot(audit_log_home: AuditLogHome) -> Iterator[MaterializeResult[None]]:
        if audit_log_home.is_skipped:
            return
        report = publish(audit_log_home.settings.home, project=project)
        yield MaterializeResult(
            metadata={
                "snapshot_id": report.snapshot_id,
                "megabytes": report.size / 1e6,
                "seconds": report.seconds,
                "rows": dict(report.rows),
                "removed": list(report.removed),
            }
        )

    return snapshot
