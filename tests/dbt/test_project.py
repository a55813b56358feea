"""The shape of the project: layers, contracts, descriptions, and sources that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from dbt.artifacts.resources.types import NodeType
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import ModelNode

from pipelines.registry import SOURCES
from serve.warehouse.contract import CONTRACT, read_contract
from tests.bench import synthetic
from tests.dbt import contract


def models(manifest: Manifest) -> Iterator[ModelNode]:
    """Yield every model."""
    for node in manifest.nodes.values():
        if isinstance(node, ModelNode):
            yield node


def layer(node_id: str, manifest: Manifest) -> str:
    """Return the first folder of a model (staging, intermediate, marts), or its node type."""
    node = manifest.nodes.get(node_id)
    return node.fqn[1] if isinstance(node, ModelNode) else node_id.split(".", maxsplit=1)[0]


ALLOWED_PARENTS = {
    "staging": {"source"},
    "intermediate": {"staging", "intermediate", "seed"},
    "marts": {"intermediate", "marts", "seed"},
}


def test_each_layer_reads_the_one_below(manifest: Manifest) -> None:
    wrong = [
        f"{node.name} reads {parent}"
        for node in models(manifest)
        for parent in node.depends_on.nodes
        if layer(parent, manifest) not in ALLOWED_PARENTS[layer(node.unique_id, manifest)]
    ]
    assert wrong == []


def test_names_tell_the_layer(manifest: Manifest) -> None:
    prefixes = {
        "staging": ("stg_",),
        "intermediate": ("int_",),
        "marts": ("fct_", "dim_", "bridge_", "agg_"),
    }
    wrong = [
        node.name
        for node in models(manifest)
        if not node.name.startswith(prefixes[layer(node.unique_id, manifest)])
    ]
    assert wrong == []


def test_every_model_and_column_is_described(manifest: Manifest) -> None:
    for node in models(manifest):
        assert node.description.startswith("One row per "), node.name
        assert node.columns, node.name
        assert all(column.description for column in node.columns.values()), node.name


def test_marts_are_public_contracts_and_nothing_else_is(manifest: Manifest) -> None:
    for node in models(manifest):
        is_mart = layer(node.unique_id, manifest) == "marts"
        assert (node.access == "public") is is_mart, node.name
        assert node.contract.enforced is is_mart, node.name
        assert node.group, node.name


def test_the_log_of_the_benchmark_is_stored_like_the_marts(manifest: Manifest) -> None:
    stored: dict[str, dict[str, str]] = {}
    for node in models(manifest):
        for column in node.columns.values():
            for constraint in column.constraints:
                special = re.fullmatch(r"using compression (\w+)", constraint.expression or "")
                if special:
                    stored.setdefault(node.name, {})[column.name] = special[1]
    assert stored == synthetic.COMPRESSION
    profile = (CONTRACT.parents[2] / "dbt_project" / "profiles.yml").read_text()
    assert re.findall(r"block_size: (\d+)", profile) == [synthetic.BLOCK_SIZE]


def test_every_mart_has_a_named_consumer(manifest: Manifest) -> None:
    marts = {node.unique_id for node in models(manifest) if node.access == "public"}
    exposed = {
        parent for exposure in manifest.exposures.values() for parent in exposure.depends_on.nodes
    }
    assert exposed == marts


def test_serve_checks_the_contracts_of_what_it_reads(manifest: Manifest) -> None:
    """After a change: `python -m tests.dbt.contract`."""
    assert CONTRACT.read_text(encoding="utf-8") == contract.describe(manifest)
    marts = {node.name for node in models(manifest) if node.access == "public"}
    named = {mart for mart in marts if contract.is_named(mart)}
    assert {column.mart for column in read_contract()} == named


def test_every_way_actions_are_derived_has_a_unit_test(manifest: Manifest) -> None:
    tested = {unit_test.model for unit_test in manifest.unit_tests.values()}
    derivations = {
        node.name for node in models(manifest) if node.name.startswith("int_actions__from_")
    }
    assert derivations <= tested
    assert "int_changelogs__classified" in tested


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_every_raw_resource_is_declared(manifest: Manifest, source: str) -> None:
    declared = {
        node.name: node for node in manifest.sources.values() if node.source_name == f"raw_{source}"
    }
    assert set(declared) == {resource.name for resource in SOURCES[source].resources}
    for name, node in declared.items():
        assert node.description.startswith("One row per "), name
        assert node.freshness is not None, name
        assert node.loaded_at_query, name
        assert node.meta["dagster"]["asset_key"] == [f"raw_{source}", name]


@pytest.mark.parametrize(
    ("model", "table"),
    [
        ("int_sources__runs", "runs"),
        ("int_sources__freshness", "runs"),
        ("int_sources__freshness", "quarantined_records"),
    ],
)
def test_no_source_is_left_out_of_what_is_said_of_all(
    manifest: Manifest, model: str, table: str
) -> None:
    read = set(manifest.nodes[f"model.audit_log.{model}"].depends_on_nodes)

    assert {f"model.audit_log.stg_{source}__{table}" for source in SOURCES} <= read


def test_seeds_are_described(manifest: Manifest) -> None:
    seeds = [node for node in manifest.nodes.values() if node.resource_type == NodeType.Seed]
    assert {seed.name for seed in seeds} == {
        "action_types",
        "action_mappings",
        "sources",
        "webhook_objects",
    }
    assert all(seed.description and seed.columns for seed in seeds)
