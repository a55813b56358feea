"""Asset checks on the sources, next to those that are dbt's data tests.

They warn and never block: what they find is in the data's reach, not in its correctness.
"""

from datetime import UTC, datetime, timedelta

from dagster import AssetCheckResult, AssetChecksDefinition, AssetCheckSeverity, asset_check

from orchestration.ingestion import raw_key
from orchestration.state import read_source
from pipelines.config import load_settings
from pipelines.connections import CONNECTIONS
from pipelines.registry import SOURCES

STALE_AFTER = timedelta(minutes=90)
"""Three half-hourly runs."""


def freshness_check(source: str) -> AssetChecksDefinition:
    """Make the check that the source was synced within STALE_AFTER, if it is connected at all."""
    is_optional = not CONNECTIONS[SOURCES[source].connection].is_essential

    @asset_check(
        asset=raw_key(source, "runs"),
        name="is_fresh",
        description=f"The last successful sync ended within {STALE_AFTER}.",
    )
    def is_fresh() -> AssetCheckResult:
        state = read_source(load_settings().home, source)
        last = state.last_success_at
        return AssetCheckResult(
            passed=datetime.now(UTC) - last <= STALE_AFTER if last else is_optional,
            severity=AssetCheckSeverity.WARN,
            metadata={
                "last_success_at": last.isoformat() if last else "never",
                "lag_seconds": state.lag_seconds,
            },
        )

    return is_fresh


def held_back_check(source: str) -> AssetChecksDefinition:
    """Make the check that no listing shrank so much that its deletions were held back."""

    @asset_check(
        asset=raw_key(source, "sweeps"),
        name="nothing_held_back",
        description="No complete listing lost so many objects that it was not believed.",
    )
    def nothing_held_back() -> AssetCheckResult:
        held_back = read_source(load_settings().home, source).held_back
        return AssetCheckResult(
            passed=not held_back,
            severity=AssetCheckSeverity.WARN,
            metadata={"resources": list(held_back)},
        )

    return nothing_held_back


def quarantine_check(source: str) -> AssetChecksDefinition:
    """Make the check that every record could be used as it was sent."""

    @asset_check(
        asset=raw_key(source, "quarantine"),
        name="nothing_quarantined",
        description="Every record the site sent could be used as it was.",
    )
    def nothing_quarantined() -> AssetCheckResult:
        count = read_source(load_settings().home, source).quarantined
        return AssetCheckResult(
            passed=count == 0, severity=AssetCheckSeverity.WARN, metadata={"records": count}
        )

    return nothing_quarantined


SOURCE_CHECKS = [
    make(source)
    for source in SOURCES
    for make in (freshness_check, held_back_check, quarantine_check)
]
