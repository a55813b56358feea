"""One run of the product's own pipeline, alone in its process.

`python -m tests.bench.product URL HOME [--extract-only]` syncs `jira_issues` from the page site at
URL and prints one JSON object: seconds, CPU seconds, rows, requests, those of the busiest endpoint,
and peak memory in MB. With `--extract-only` the tables are made and thrown away, the lake and dlt
are left out.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pydantic import SecretStr

from pipelines.config import Settings
from pipelines.runner import run_source
from pipelines.sync import ResourceTable
from tests.bench.report import cpu_seconds, peak_mb


def _discard(
    _home: Path, _source: str, extract: Callable[[dict[str, Any]], Iterator[ResourceTable]]
) -> list[str]:
    for _ in extract({}):
        pass
    return []


def main() -> None:
    """Sync once and print what it cost."""
    parser = argparse.ArgumentParser(description="Sync the benchmark's site once.")
    parser.add_argument("url")
    parser.add_argument("home", type=Path)
    parser.add_argument("--extract-only", action="store_true")
    arguments = parser.parse_args()
    settings = Settings(
        home=arguments.home,
        site_url=arguments.url,
        email="bench@example.com",
        api_token=SecretStr("bench"),
    )
    before, started = cpu_seconds(), time.perf_counter()
    if arguments.extract_only:
        with patch("pipelines.runner.load", _discard):
            report = run_source("jira_issues", settings)
    else:
        report = run_source("jira_issues", settings)
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
