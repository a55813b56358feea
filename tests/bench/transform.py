"""The dbt build: all of a lake, nothing new, and 1% new."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.transformation import BuildReport, build
from tests.bench.lake import ITEMS_PER_HISTORY, Lake
from tests.bench.report import Figure, Tell, cpu_seconds, say_nothing

NEW_SHARE = 0.01


PROGRESS_SECONDS = 20


@dataclass(frozen=True)
class _Build:
    """What one build cost, and what it did."""

    seconds: float
    cpu_seconds: float
    report: BuildReport

    def spent_on(self, kind: str) -> float:
        """Seconds of all nodes of a kind of dbt: `model`, `test`."""
        return sum(node.seconds for node in self.report.nodes if node.resource_type == kind)


def _build(home: Path, what: str, tell: Tell) -> _Build:
    tell(f"transform: {what}")
    told = time.monotonic()

    def progress(done: int, total: int, name: str) -> None:
        nonlocal told
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            tell(f"transform: {what}, {done} of {total} nodes, last {name}")

    started, used = time.perf_counter(), cpu_seconds()
    report = build(home, progress=progress)
    return _Build(time.perf_counter() - started, cpu_seconds() - used, report)


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


def bench_transform(items: int = 1_000_000, tell: Tell = say_nothing) -> list[Figure]:
    """Build marts from a lake of `items` changelog items, then again with 1% of issues changed.

    Ratios by CPU seconds are given beside those by the clock, because builds take long enough for a
    machine's other work to show in them.
    """
    histories = 8
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        lake = Lake(home, items // (histories * ITEMS_PER_HISTORY), histories)
        tell(f"transform: a lake of {items:,} changelog items")
        lake.write()
        floor = _read_everything(home)
        full = _build(home, "full build", tell)
        idle = _build(home, "nothing new", tell)
        touched = lake.append(NEW_SHARE)
        delta = _build(home, f"{touched:,} issues changed", tell)
    full_models, models = full.spent_on("model"), delta.spent_on("model")
    share = len(delta.report.nodes) / len(full.report.nodes)
    by_cpu = f"full build ({delta.cpu_seconds / full.cpu_seconds:.3f}x by CPU seconds)"
    return [
        Figure("DuckDB alone reads every item from the JSON", floor, "s"),
        Figure(
            "full build, with all tests",
            full.seconds,
            "s",
            floor="DuckDB alone",
            ratio=full.seconds / floor,
        ),
        Figure("models alone in it", full_models, "s"),
        Figure("build with nothing new", idle.seconds, "s"),
        Figure(
            f"build with {touched:,} issues changed, with all tests",
            delta.seconds,
            "s",
            floor=by_cpu,
            ratio=delta.seconds / full.seconds,
            goal="<= 0.05x at 10 M items",
        ),
        Figure("nodes run in it", len(delta.report.nodes), "nodes", "full build", share),
        Figure("models alone in it", models, "s", "models of full build", models / full_models),
        Figure(
            "dbt's own in it, while no node ran",
            delta.report.overhead_seconds,
            "s",
            goal="<= 0.3 s",
        ),
    ]
