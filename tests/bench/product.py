"""One run of the product's own pipeline, alone in its process.

`python -m tests.bench.product URL HOME [--extract-only | --typed] [--page N]` syncs `jira_issues`
from the page site at URL and prints one JSON object: seconds, CPU seconds, rows, requests, those of
the busiest endpoint, and peak memory in MB. With `--extract-only` the tables are made and thrown
away, the lake and dlt are left out. With `--typed` the source's staging models are built from the
lake, too, by dbt in this process; seconds and CPU seconds are those of both. `--page` changes how
many issues a request asks for.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch

from pydantic import SecretStr

from orchestration.transformation import DBT_PROJECT
from pipelines.config import Settings
from pipelines.lake import write_manifest
from pipelines.runner import run_source
from pipelines.sources.jira_issues import issues
from pipelines.sync import ResourceTable
from tests.bench.report import cpu_seconds, peak_mb

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest


def _discard(
    _home: Path, _source: str, extract: Callable[[dict[str, Any]], Iterator[ResourceTable]]
) -> list[str]:
    for _ in extract({}):
        pass
    return []


STAGED = "staging.jira_issues"
"""The models that type what the source's lake holds: issues, histories, comments, worklogs, ..."""


def _staging(home: Path) -> Callable[[], None]:
    """Parse the dbt project, as a process does once; return what builds the staging models."""
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - takes seconds, and other modes need none

    os.environ["AUDIT_LOG_HOME"] = str(home)
    options = [
        *("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)),
        *("--target-path", str(home / "target"), "--log-path", str(home / "logs")),
        *("--log-level", "none", "--no-send-anonymous-usage-stats", "--no-version-check"),
    ]
    home.mkdir(parents=True, exist_ok=True)
    manifest = cast("Manifest", dbtRunner().invoke(["parse", *options]).result)

    def stage() -> None:
        write_manifest(home)
        arguments = ["run", *options, "--no-write-json", "--select", STAGED]
        answer = dbtRunner(manifest).invoke(arguments)
        if not answer.success:
            raise RuntimeError(answer.exception or answer.result)

    return stage


def main() -> None:
    """Sync once and print what it cost."""
    parser = argparse.ArgumentParser(description="Sync the benchmark's site once.")
    parser.add_argument("url")
    parser.add_argument("home", type=Path)
    parser.add_argument("--extract-only", action="store_true")
    parser.add_argument("--typed", action="store_true")
    parser.add_argument("--page", type=int, default=issues.ISSUES_PER_REQUEST)
    arguments = parser.parse_args()
    settings = Settings(
        home=arguments.home,
        site_url=arguments.url,
        email="bench@example.com",
        api_token=SecretStr("bench"),
    )
    stage = _staging(arguments.home) if arguments.typed else None
    issues.ISSUES_PER_REQUEST = arguments.page
    before, started = cpu_seconds(), time.perf_counter()
    if arguments.extract_only:
        with patch("pipelines.runner.load", _discard):
            report = run_source("jira_issues", settings)
    else:
        report = run_source("jira_issues", settings)
    if stage:
        stage()
    measured = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": cpu_seconds() - before,
        "rows": sum(report.rows.values()),
        "requests": sum(report.requests.values()),
        "busiest_requests": max(report.requests.values()),
        "peak_mb": peak_mb(),
    }
    print(json.dumps(measured))  # noqa: T201 - the parent process reads this line


if __name__ == "__main__":
    main()
