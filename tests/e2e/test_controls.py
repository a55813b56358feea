"""The checker catches a product that has been broken on purpose.

Each control takes one safeguard away, by the means of a test, and must be reported; beside it the
whole product passes the same scenario.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.transformation import DBT_PROJECT
from pipelines import lake
from tests.e2e.product import Product, assert_exact
from tests.sandbox.oracle import microseconds
from tests.sandbox.running import RunningSandbox, running_sandbox


@pytest.mark.parametrize("overlap", [0, 10])
def test_without_overlap_late_search_results_are_lost(tmp_path: Path, overlap: int) -> None:
    """A busy site whose search lags: some changes come up after newer ones were already read."""
    with running_sandbox(
        days=0.3, actions_per_year=3_000_000, max_lag_minutes=9, domains=()
    ) as sandbox:
        product = Product(tmp_path, sandbox)
        product.sync(overlap_minutes=overlap)
        for _ in range(6):
            sandbox.advance(12)
            product.sync(overlap_minutes=overlap)
        product.build()
        report = product.check_marts()
    if overlap:
        assert_exact(report)
    else:
        assert report.total("lost") > 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Sync a site twice, leave what a killed sweep leaves: the marts are exact all the same."""
    with running_sandbox(days=3, domains=()) as sandbox:
        product = Product(tmp_path_factory.mktemp("whole"), sandbox)
        product.sync()
        sandbox.advance(5)
        product.sync()
        _leave_half_a_sweep(product, sandbox)
        product.build()
        assert_exact(product.check_marts())
        yield product


def test_without_deduplication_overlaps_are_doubled(whole: Product, tmp_path: Path) -> None:
    shutil.copytree(whole.home / "raw", tmp_path / "broken" / "raw")
    project = tmp_path / "project"
    _copy_without_deduplication(project)
    broken = Product(tmp_path / "broken", whole.sandbox, project)
    broken.build()
    assert broken.check_marts().total("doubled") > 0


def _copy_without_deduplication(project: Path) -> None:
    """Copy the dbt project, take the choice of the first row of a version away, and its tests."""
    shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    for name in (
        "macros/lake/raw_rows.sql",
        "models/intermediate/actions/int_actions__deduplicated.sql",
    ):
        path = project / name
        text, count = re.subn(
            r"qualify row_number\(\) over \(.*?\n\s*\) = 1", "", path.read_text(), flags=re.DOTALL
        )
        assert count == 1, f"{name} no longer chooses rows as this control expects"
        path.write_text(text)
    with (project / "dbt_project.yml").open("a") as settings:
        settings.write("\ndata_tests:\n  +enabled: false\nunit_tests:\n  +enabled: false\n")


def test_reading_unfinished_loads_invents_deletions(
    whole: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(whole.home / "raw", tmp_path / "raw")
    monkeypatch.setattr(lake, "write_manifest", _list_every_file)
    broken = Product(tmp_path, whole.sandbox)
    broken.build()
    assert broken.check_marts().total("invented") > 0


def _leave_half_a_sweep(product: Product, sandbox: RunningSandbox) -> None:
    """Leave what a sync leaves that was killed amid a sweep: absences nobody has confirmed."""
    path = min(lake.raw_dir(product.home).glob("jira_issues/issue_presence/*.parquet"))
    rows = pq.read_table(path)
    site_time = microseconds(sandbox.advance(5)["now"])
    changed: dict[str, list[Any]] = {
        "is_present": [False],
        "version": ["unfinished"],
        "payload": [None],
        "source_at": [pa.scalar(site_time, pa.timestamp("us", "UTC"))],
        "fetched_at": [datetime.now(UTC)],
    }
    for name, value in changed.items():
        field = rows.schema.field(name)
        values = pa.array(value * len(rows), field.type)
        rows = rows.set_column(rows.schema.get_field_index(name), field, values)
    pq.write_table(rows, path.with_name("9999999999.9.unfinished.parquet"))


def _list_every_file(home: Path) -> list[lake.LakeFile]:
    raw = lake.raw_dir(home)
    entries = [
        lake.LakeFile(path.parts[-3], path.parts[-2], str(path.relative_to(raw)), path.stem, 0)
        for path in sorted(raw.glob("*/*/*.parquet"))
    ]
    (raw / lake.MANIFEST).write_bytes(msgspec.json.encode(entries))
    return entries
