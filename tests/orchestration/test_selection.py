"""Which models a build must run, on the real project."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import ManifestNode

from orchestration.selection import (
    EVERY_BUILD,
    Built,
    models_to_run,
    nodes_to_run,
    remember_built,
    take_last_built,
)
from tests.dbt.builds import parsed_manifest

KINDS = dict.fromkeys(("model.", "seed.", "test."), True)
FILES = ["inbox/deliveries/1.parquet", "jira_issues/issues/1.parquet"]


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return parsed_manifest()


def names(manifest: Manifest, now: Sequence[str]) -> set[str]:
    models = models_to_run(manifest, Built("same", list(now)), Built("same", FILES))
    assert models is not None
    return {manifest.nodes[model].name for model in models}


def test_new_files_run_what_reads_them_and_what_is_below(manifest: Manifest) -> None:
    chosen = names(manifest, [*FILES, "inbox/deliveries/2.parquet"])
    assert {"stg_inbox__deliveries", "int_actions__from_webhooks", "fct_actions"} <= chosen
    assert {"int_builds__pending", "int_issues__affected"} <= chosen
    assert "stg_jira_issues__issues" not in chosen
    assert "int_projects__listed" not in chosen


def test_stored_tables_of_what_one_build_concerns_are_of_every_build(manifest: Manifest) -> None:
    below = {node_id for node_id, node in manifest.nodes.items() if EVERY_BUILD in node.tags}
    while (
        more := {
            node_id
            for node_id, node in manifest.nodes.items()
            if str(node.resource_type) == "model" and below.intersection(node.depends_on_nodes)
        }
        - below
    ):
        below |= more
    stored = [
        manifest.nodes[node_id]
        for node_id in below
        if "intermediate" in manifest.nodes[node_id].fqn
        and manifest.nodes[node_id].config.materialized == "table"
    ]
    assert "int_issue_views__counted" in {node.name for node in stored}
    # one that was left out would tell the marts what concerned the build before
    assert [node.name for node in stored if EVERY_BUILD not in node.tags] == []


def test_a_compacted_resource_is_read_again(manifest: Manifest) -> None:
    assert "stg_inbox__deliveries" in names(manifest, ["inbox/deliveries/c.parquet", FILES[1]])
    assert "stg_jira_issues__issues" in names(manifest, FILES[:1])


def test_nothing_new_runs_nothing(manifest: Manifest) -> None:
    assert names(manifest, FILES) == set()


def test_another_project_or_no_earlier_build_runs_everything(manifest: Manifest) -> None:
    assert models_to_run(manifest, Built("new", FILES), Built("old", FILES)) is None
    assert models_to_run(manifest, Built("new", FILES), None) is None
    everything = nodes_to_run(manifest, None)
    assert {kind: any(node.startswith(kind) for node in everything) for kind in KINDS} == KINDS


def test_views_are_not_made_again_but_tested(manifest: Manifest) -> None:
    view = next(
        node.unique_id
        for node in manifest.nodes.values()
        if str(node.resource_type) == "model"
        and node.config.materialized == "view"
        and any(node.unique_id in other.depends_on_nodes for other in data_tests(manifest))
    )
    chosen = nodes_to_run(manifest, {view, "model.audit_log.fct_actions"})
    assert [node for node in chosen if node.startswith("model")] == ["model.audit_log.fct_actions"]
    tests = {node.unique_id for node in data_tests(manifest) if view in node.depends_on_nodes}
    assert tests <= set(chosen)


def test_the_text_of_no_view_differs_from_build_to_build(manifest: Manifest) -> None:
    """Otherwise leaving it out would keep what concerned an earlier build."""
    changing = ("invocation_id", "this_build", "builds_not_in", "must_rebuild", "run_query")
    models = [n for n in manifest.nodes.values() if str(n.resource_type) == "model"]
    views = [model for model in models if model.config.materialized == "view"]
    assert len(views) > 50
    for view in views:
        texts = [view.raw_code, str(view.config.to_dict())]
        macros = [*view.depends_on.macros]
        for macro in macros:
            macros += [m for m in manifest.macros[macro].depends_on.macros if m not in macros]
        own = [macro for macro in macros if macro.startswith("macro.audit_log.")]
        texts += [manifest.macros[macro].macro_sql for macro in own]
        assert not [word for word in changing for text in texts if word in text], view.name


def data_tests(manifest: Manifest) -> list[ManifestNode]:
    return [node for node in manifest.nodes.values() if str(node.resource_type) == "test"]


def test_what_was_built_is_taken_once(tmp_path: Path) -> None:
    (tmp_path / "dbt").mkdir()
    remember_built(tmp_path, Built("same", FILES))
    assert take_last_built(tmp_path) == Built("same", FILES)
    assert take_last_built(tmp_path) is None
    (tmp_path / "dbt" / "built.json").write_text("{")
    assert take_last_built(tmp_path) is None
