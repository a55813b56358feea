"""Building the marts of a tiny lake with dbt, in this process, and reading them back."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from orchestration import transformation
from orchestration.selection import (
    Built,
    models_to_run,
    nodes_to_run,
    remember_built,
    take_last_built,
)

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

PROJECT = transformation.DBT_PROJECT

MARTS = (
    "fct_actions",
    "fct_action_changes",
    "dim_issues",
    "bridge_issue_keys",
    "dim_users",
    "dim_projects",
    "dim_statuses",
    "dim_resolutions",
    "dim_fields",
    "dim_issue_types",
    "dim_assets",
    "dim_action_types",
    "dim_versions",
    "dim_boards",
    "dim_sprints",
    "dim_filters",
    "bridge_group_members",
    "bridge_organization_members",
    "bridge_project_people",
    "dim_groups",
    "dim_organizations",
    "dim_permission_schemes",
    "dim_security_levels",
    "bridge_security_level_holders",
    "bridge_permission_holders",
    "bridge_asset_schema_people",
    "dim_project_roles",
    "agg_source_freshness",
    "agg_actor_days",
    "agg_actor_months",
    "agg_issue_months",
    "agg_actor_issue_days",
    "agg_action_totals",
    "fct_user_last_active_history",
    "fct_issue_views",
    "agg_user_last_active",
    "bridge_issue_field_values",
    "bridge_issue_links",
    "bridge_named_issues",
    "bridge_withheld_texts",
    "bridge_issue_attachments",
    "dim_comments",
    "dim_worklogs",
    "dim_priorities",
    "dim_request_types",
)


def dbt(
    home: Path, *arguments: str, manifest: Manifest | None = None, project: Path = PROJECT
) -> dbtRunnerResult:
    """Call dbt on the databases of `home`; its files stay below `home`."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415 - dbt takes seconds to import
    from dbt.adapters.factory import cleanup_connections  # noqa: PLC0415 - dbt takes seconds to import
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - dbt takes seconds to import

    try:
        with unreported(), pytest.MonkeyPatch.context() as environment:
            environment.setenv("AUDIT_LOG_HOME", str(home))
            return dbtRunner(manifest).invoke(
                [
                    *arguments,
                    *("--project-dir", str(project), "--profiles-dir", str(project)),
                    *("--target-path", str(home / "dbt"), "--log-path", str(home / "dbt")),
                    *("--log-level", "none", "--log-level-file", "none", "--no-write-json"),
                    *("--no-send-anonymous-usage-stats", "--no-version-check"),
                ]
            )
    finally:
        cleanup_connections()  # type: ignore[no-untyped-call]  # dbt has no types here
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]  # dbt has no types here


@contextmanager
def unreported() -> Iterator[None]:
    """Let dbt compose no log: a tenth of a small build, which nobody reads where a build is right.

    What failed, and why, is in the results.
    """
    from dbt_common.events.event_manager import EventManager  # noqa: PLC0415 - dbt takes seconds to import

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventManager, "fire_event", lambda *_, **__: None)
        yield


@cache
def _parsed() -> tuple[transformation._Parsed, bytes]:
    """Parse the project as the product does, once in this process; also as manifest.json.

    What is parsed is the same for every home.
    """
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory).resolve()
        transformation._parse(home, PROJECT)
        content = (home / "dbt" / "target" / "manifest.json").read_bytes()
        return transformation._kept.pop((home, PROJECT)), content


def parsed_manifest() -> Manifest:
    """Give the parsed project."""
    return _parsed()[0].manifest


def lend_parsed(home: Path) -> None:
    """Spare the product the parsing of the project for `home`."""
    if (home, PROJECT) not in transformation._kept:
        parsed, content = _parsed()
        target = home / "dbt" / "target"
        target.mkdir(parents=True, exist_ok=True)
        (target / "manifest.json").write_bytes(content)
        transformation._kept[home, PROJECT] = parsed


@cache
def _empty_home() -> Path:
    """Build a lake without files, with all data tests, once in this process."""
    home = Path(tempfile.mkdtemp(prefix="empty-home-")).resolve()
    atexit.register(shutil.rmtree, home)
    lend_parsed(home)
    with unreported():
        transformation.build(home)
    return home


def begin_empty(home: Path) -> None:
    """Let `home`, which was never built, begin as a build of a lake without files leaves it.

    Its first build then runs what its files concern: less than half of a build from nothing.
    """
    (home / "dbt").mkdir(parents=True, exist_ok=True)
    databases = (transformation.WAREHOUSE, transformation.MARTS)
    for name in (*databases, f"dbt/{transformation._MARK}", "dbt/built.json"):
        shutil.copyfile(_empty_home() / name, home / name)


def build(home: Path, manifest: Manifest, *, tests: bool = False, whole: bool = False) -> None:
    """Build what the lake's new files can change, as the product does; fail with dbt's own words.

    `tests`: with the data tests of what is built. `whole`: build everything, new files or not, and
    from nothing what was never built.
    """
    if not whole and not (home / transformation.MARTS).exists():
        begin_empty(home)
    files = json.loads((home / "raw" / "manifest.json").read_bytes())
    built = Built(_parsed()[0].fingerprint, [entry["file"] for entry in files])
    last = take_last_built(home)
    models = models_to_run(manifest, built, None if whole else last)
    if models is None or models:
        left_out = ["unit_test"] if tests else ["unit_test", "test"]
        arguments = [f"--exclude-resource-type={kind}" for kind in left_out]
        if models is not None:
            nodes = nodes_to_run(manifest, models)
            arguments += ["--select", *(manifest.nodes[node].name for node in nodes)]
            arguments += ["--indirect-selection", "empty"]
        result = dbt(home, "build", *arguments, manifest=manifest)
        assert result.success, "\n".join(messages(result)) or result.exception
    remember_built(home, built)


def messages(result: dbtRunnerResult) -> list[str]:
    """Return what dbt said of the nodes that failed."""
    results = getattr(result.result, "results", [])
    return [
        f"{entry.node.name}: {entry.message}"
        for entry in results
        if entry.status in {"error", "fail", "runtime error"}
    ]


def query(home: Path, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Return all rows of a query on the marts."""
    with duckdb.connect(str(home / "marts.duckdb"), read_only=True) as connection:
        return connection.execute(sql, list(parameters)).fetchall()


def contents(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every mart; equal contents are equal lists."""
    return {mart: sorted(query(home, f"select * from {mart}"), key=repr) for mart in MARTS}
