"""One run of the product's own pipeline, alone in its process.

`python -m tests.bench.product URL HOME` syncs `jira_issues` from the page site at URL and prints
one JSON object: seconds, rows, requests and peak memory in MB.
"""

import argparse
import json
import resource
import time
from pathlib import Path

from pydantic import SecretStr

from pipelines.config import Settings
from pipelines.runner import run_source


def main() -> None:
    """Sync once and print what it cost."""
    parser = argparse.ArgumentParser(description="Sync the benchmark's site once.")
    parser.add_argument("url")
    parser.add_argument("home", type=Path)
    arguments = parser.parse_args()
    settings = Settings(
        home=arguments.home,
        site_url=arguments.url,
        email="bench@example.com",
        api_token=SecretStr("bench"),
    )
    started = time.perf_counter()
    report = run_source("jira_issues", settings)
    seconds = time.perf_counter() - started
    measured = {
        "seconds": seconds,
        "rows": sum(report.rows.values()),
        "requests": sum(report.requests.values()),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(measured))  # noqa: T201 - the parent process reads this line


if __name__ == "__main__":
    main()
