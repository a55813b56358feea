"""The dbt build: all of a lake, nothing new, and 1% new."""

import tempfile
import time
from pathlib import Path

import duckdb

from orchestration.transformation import BuildReport, build
from tests.bench.lake import ITEMS_PER_HISTORY, Lake
from tests.bench.report import Figure

NEW_SHARE = 0.01


def _timed(home: Path) -> tuple[float, BuildReport]:
    started = time.perf_counter()
    report = build(home)
    return time.perf_counter() - started, report


def _read_everything(home: Path) -> float:
    """Return the seconds DuckDB alone takes to read every item of the lake out of its JSON."""
    started = time.perf_counter()
    with duckdb.connect() as database:
        database.execute(
            """
            create table items as
            select object_id, parent_id, source_at, unnest(
                from_json(
                    json_extract(payload, '$.items'),
                    '[{"field": "VARCHAR", "fieldId": "VARCHAR", "from": "VARCHAR",
                       "fromString": "VARCHAR", "to": "VARCHAR", "toString": "VARCHAR"}]'
                ), recursive := true
            )
            from read_parquet($files)
            """,
            {"files": str(home / "raw" / "jira_issues" / "changelogs" / "*.parquet")},
        )
    return time.perf_counter() - started


def bench_transform(items: int = 1_000_000) -> list[Figure]:
    """Build marts from a lake of `items` changelog items, then again with 1% of issues changed."""
    histories = 8
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        lake = Lake(home, items // (histories * ITEMS_PER_HISTORY), histories)
        lake.write()
        floor = _read_everything(home)
        full, full_report = _timed(home)
        idle, _ = _timed(home)
        touched = lake.append(NEW_SHARE)
        delta, delta_report = _timed(home)
    share = len(delta_report.nodes) / len(full_report.nodes)
    models = sum(node.seconds for node in delta_report.nodes if node.resource_type == "model")
    return [
        Figure("DuckDB alone reads every item from the JSON", floor, "s"),
        Figure("full build, with all tests", full, "s", floor="DuckDB alone", ratio=full / floor),
        Figure("build with nothing new, with all tests", idle, "s"),
        Figure(
            f"build with {touched:,} issues changed, with all tests",
            delta,
            "s",
            floor="full build",
            ratio=delta / full,
        ),
        Figure("nodes run in it", len(delta_report.nodes), "nodes", "full build", share),
        Figure("dbt's own, while no node ran", delta_report.overhead_seconds, "s", goal="<= 0.3 s"),
        Figure(
            "models alone in it",
            models,
            "s",
            floor="full build",
            ratio=models / full,
            goal="<= 0.05x at 10 M items",
        ),
    ]
