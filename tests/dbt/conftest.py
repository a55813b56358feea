"""The parsed project, shared by all tests of the transformation."""

from __future__ import annotations

import pytest
from dbt.contracts.graph.manifest import Manifest

from tests.dbt.builds import parsed_manifest


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    """Give the parsed project."""
    return parsed_manifest()
