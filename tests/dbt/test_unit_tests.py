"""The dbt unit tests of the classification rules; builds outside the test suite leave them out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from dbt.contracts.graph.manifest import Manifest

from tests.dbt.builds import dbt, messages
from tests.dbt.lakes import Lake


def test_every_unit_test_passes(manifest: Manifest, tmp_path: Path) -> None:
    assert Lake(tmp_path).home == tmp_path
    result = dbt(tmp_path, "build", "--exclude-resource-type=test", manifest=manifest)
    assert result.success, "\n".join(messages(result)) or result.exception
    statuses = Counter(
        str(entry.status)
        for entry in getattr(result.result, "results", [])
        if str(entry.node.resource_type) == "unit_test"
    )
    assert statuses == {"pass": len(manifest.unit_tests)}
