"""The Dagster location: what it defines, and real runs of its job on a real (small) site."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from dagster import (
    AssetKey,
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    ExecuteInProcessResult,
    RunRequest,
    SkipReason,
    build_schedule_context,
    build_sensor_context,
)
from dagster._core.workspace.autodiscovery import loadable_targets_from_python_module

from orchestration import sensors
from orchestration.locking import run_lock
from orchestration.publishing import current_snapshot
from orchestration.schedules import audit_log_job, half_hourly_schedule
from orchestration.sensors import run_lost_sensor
from pipelines import lake
from pipelines.config import load_settings
from pipelines.registry import SOURCES
from pipelines.runner import run_source
from tests.orchestration import listing
from tests.orchestration.conftest import TinyHome
from tests.sandbox.running import RunningSandbox, running_sandbox


@pytest.fixture
def home(built_home: TinyHome, monkeypatch: pytest.MonkeyPatch) -> TinyHome:
    """Provide a home that the environment names; no site is configured."""
    monkeypatch.chdir(built_home.path)
    for name in ("ATLASSIAN_SITE_URL", "ATLASSIAN_EMAIL", "ATLASSIAN_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AUDIT_LOG_HOME", str(built_home.path))
    return built_home


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSandbox]:
    """Run a small site that the environment names."""
    with running_sandbox(days=1) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


def run_job(definitions: Definitions, instance: DagsterInstance) -> ExecuteInProcessResult:
    job = definitions.resolve_job_def("audit_log_job")
    return job.execute_in_process(instance=instance, raise_on_error=False)


def materialized(result: ExecuteInProcessResult) -> set[str]:
    return {
        event.asset_key.to_user_string()
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Definitions:
    """Load the location the way `dagster dev` does; the dbt manifest is not there yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIT_LOG_HOME", str(tmp_path_factory.mktemp("location")))
        [target] = loadable_targets_from_python_module("orchestration.definitions", None)
    assert isinstance(target.target_definition, Definitions)
    return target.target_definition


def test_assets_jobs_and_schedules_are_the_listed_ones(loaded: Definitions) -> None:
    """Shows changes of the graph in review; `python -m tests.orchestration.listing` lists anew."""
    assert listing.describe(loaded).splitlines() == listing.LISTING.read_text().splitlines()


def test_every_asset_has_owner_group_description_and_freshness(loaded: Definitions) -> None:
    graph = loaded.resolve_asset_graph()
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        assert node.owners, key
        assert node.group_name != "default", key
        assert node.description, key
        assert node.freshness_policy is not None, key


def test_the_job_syncs_builds_tests_and_publishes(
    definitions: Definitions, instance: DagsterInstance, home: TinyHome, site: RunningSandbox
) -> None:
    result = run_job(definitions, instance)
    assert result.success
    raw = {
        f"raw_{source.name}/{resource.name}"
        for source in SOURCES.values()
        for resource in source.resources
    }
    assert materialized(result) == raw | {"fct_actions", "dim_users", "snapshot"}
    [issues] = result.asset_materializations_for_node("sync_jira_issues")[:1]
    assert issues.metadata["requests"].value
    assert isinstance(issues.metadata["lag_seconds"].value, float)
    rows = {
        made.asset_key.path[-1]: made.metadata["rows"].value
        for made in result.asset_materializations_for_node("sync_jira_issues")
    }
    assert rows["issues"] == len(site.site.world.issues)
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert checks == dict.fromkeys(
        (
            *("is_fresh", "nothing_held_back", "nothing_quarantined"),
            *("unique_fct_actions_action_id", "not_null_fct_actions_action_id"),
            "not_null_fct_actions_actor_account_id",
        ),
        True,
    )
    [snapshot] = result.asset_materializations_for_node("snapshot")
    published = current_snapshot(home.path)
    assert published is not None
    assert snapshot.metadata["snapshot_id"].value == published.stem


def test_a_failed_test_fails_its_check_and_the_run_and_publishes_nothing(
    definitions: Definitions, instance: DagsterInstance, home: TinyHome, site: RunningSandbox
) -> None:
    assert site.port
    home.write_actions([7, 7])
    result = run_job(definitions, instance)
    assert not result.success
    failed = {
        check.check_name for check in result.get_asset_check_evaluations() if not check.passed
    }
    assert failed == {"unique_fct_actions_action_id"}
    assert "snapshot" not in materialized(result)
    assert current_snapshot(home.path) is None


def test_a_source_that_fails_fails_the_run_and_publishes_nothing(
    definitions: Definitions, instance: DagsterInstance, home: TinyHome
) -> None:
    result = run_job(definitions, instance)
    assert not result.success
    made = {name.partition("/")[0] for name in materialized(result)}
    # A connection that nobody set up is no failure; what needs the site is not made.
    assert made <= {f"raw_{name}" for name in SOURCES} - {"raw_jira_issues", "raw_jira_platform"}
    assert current_snapshot(home.path) is None


def test_a_run_while_another_goes_on_is_skipped_not_failed(
    definitions: Definitions, instance: DagsterInstance, home: TinyHome
) -> None:
    with run_lock(home.path):
        result = run_job(definitions, instance)
    assert result.success
    assert materialized(result) == set()


def test_the_lake_is_compacted_by_a_job_of_its_own(
    definitions: Definitions,
    instance: DagsterInstance,
    home: TinyHome,
    site: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for full in (False, True):
        assert run_source("jira_platform", load_settings(), full=full).requests
    in_two_months = datetime.now(UTC) + timedelta(days=62)
    monkeypatch.setattr(lake, "compact", partial(lake.compact, now=in_two_months))
    job = definitions.resolve_job_def("compaction_job")
    runs = home.path / "raw" / "jira_platform" / "runs"
    with run_lock(home.path):
        assert job.execute_in_process(instance=instance).success
    assert len(list(runs.iterdir())) == 2  # skipped
    assert job.execute_in_process(instance=instance).success
    assert len(list(runs.iterdir())) == 1
    assert site.port


def test_the_schedule_asks_for_a_run_only_where_one_can_work(
    home: TinyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate() -> RunRequest | SkipReason:
        answer = half_hourly_schedule(build_schedule_context())
        assert isinstance(answer, RunRequest | SkipReason)
        return answer

    without_site = evaluate()
    assert isinstance(without_site, SkipReason)
    assert str(without_site.skip_message).startswith("ATLASSIAN_SITE_URL is not set.")
    monkeypatch.setenv("ATLASSIAN_SITE_URL", "https://example.atlassian.net")
    monkeypatch.setenv("ATLASSIAN_EMAIL", "a@example.com")
    monkeypatch.setenv("ATLASSIAN_API_TOKEN", "x")
    assert isinstance(evaluate(), RunRequest)
    with run_lock(home.path):
        during_a_run = evaluate()
    assert isinstance(during_a_run, SkipReason)
    assert str(during_a_run.skip_message).startswith(f"already running (pid {os.getpid()}")


def test_runs_whose_process_is_gone_are_marked_as_failed(
    definitions: Definitions,
    instance: DagsterInstance,
    home: TinyHome,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = definitions.resolve_job_def(audit_log_job.name)
    lost, alive = (
        instance.create_run_for_job(job, status=DagsterRunStatus.STARTED).run_id for _ in range(2)
    )

    def statuses() -> list[DagsterRunStatus]:
        runs = [instance.get_run_by_id(run_id) for run_id in (lost, alive)]
        return [run.status for run in runs if run is not None]

    with run_lock(home.path, run_id=alive):
        run_lost_sensor(build_sensor_context(instance))
        assert statuses() == [DagsterRunStatus.STARTED] * 2  # too young to be judged
        monkeypatch.setattr(sensors, "GRACE", timedelta(seconds=-1))
        run_lost_sensor(build_sensor_context(instance))
        assert statuses() == [DagsterRunStatus.FAILURE, DagsterRunStatus.STARTED]
    run_lost_sensor(build_sensor_context(instance))
    assert statuses() == [DagsterRunStatus.FAILURE] * 2


def test_every_table_of_the_lake_but_the_sweeps_leads_to_the_snapshot(loaded: Definitions) -> None:
    graph = loaded.resolve_asset_graph()
    raw = {key for key in graph.materializable_asset_keys if key.path[0].startswith("raw_")}
    unread = raw - graph.get_ancestor_asset_keys(AssetKey("snapshot"))
    read_sources = {key.path[0] for key in raw - unread}
    # Who reads the listings of a source needs their times; of the others they are only kept.
    left_out = {key for key in unread if key.path[0] in read_sources and key.path[1] != "sweeps"}
    assert left_out == set()
