"""Extract and load: the product against DuckDB, a hand-written writer and dlt's own ways."""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.pages import HEAVY, LIGHT, Shape, write_ndjson
from tests.bench.report import Figure, in_own_process

SLOW_SAMPLE = 500
"""Issues given to the contenders that need minutes for more."""

LATENCY_SECONDS = 0.05
IN_FLIGHT = 8
"""The pipelines' default number of requests in flight, from which the latency limit follows."""


@contextlib.contextmanager
def page_site(folder: Path, latency: float = 0.0) -> Iterator[str]:
    """Serve `folder` in a process of its own; yields the URL, ends the process."""
    command = [sys.executable, "-m", "tests.bench.pages", str(folder), "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            if server.stdout is None:
                message = "the page site has no output to read its port from"
                raise RuntimeError(message)
            yield f"http://127.0.0.1:{json.loads(server.stdout.readline())['port']}"
        finally:
            server.terminate()


def _sync(folder: Path, scratch: Path, latency: float = 0.0) -> dict[str, Any]:
    home = scratch / f"home-{folder.name}-{latency}"
    with page_site(folder, latency) as url:
        return in_own_process("tests.bench.product", url, str(home))


def _pages(scratch: Path, name: str, issues: int, shape: Shape) -> Path:
    folder = scratch / name
    write_ndjson(folder, issues, shape)
    return folder


def bench_load(issues: int = 10_000) -> list[Figure]:
    """Load `issues` heavy issues (about 21 kB of JSON each, 8 histories) in every way."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        many = _pages(scratch, "many", issues, HEAVY)
        few = _pages(scratch, "few", min(issues, SLOW_SAMPLE), HEAVY)
        measured = {
            "DuckDB reads the JSON from disk": in_own_process(
                "tests.bench.contenders", "duckdb_objects", str(many)
            ),
            "hand-written Parquet writer": in_own_process(
                "tests.bench.contenders", "handwritten_parquet", str(many)
            ),
            "dlt default (sample)": in_own_process(
                "tests.bench.contenders", "dlt_default", str(few)
            ),
            "dlt nested Parquet (sample)": in_own_process(
                "tests.bench.contenders", "dlt_nested_parquet", str(few)
            ),
        }
        product = _sync(many, scratch)
        quarter = _sync(_pages(scratch, "quarter", issues // 4, HEAVY), scratch)
    rate = issues / product["seconds"]
    goals = {
        "hand-written Parquet writer": "product >= 0.8x",
        "dlt default (sample)": "product >= 80x",
        "dlt nested Parquet (sample)": "product >= 15x",
    }
    for name, result in measured.items():
        floor_rate = result["issues"] / result["seconds"]
        figures.append(
            Figure(
                name,
                floor_rate,
                "issues/s",
                floor="product / this",
                ratio=rate / floor_rate,
                peak_mb=result["peak_mb"],
                goal=goals.get(name, ""),
            )
        )
    figures.append(
        Figure(
            "product: HTTP site to lake",
            rate,
            "issues/s",
            peak_mb=product["peak_mb"],
            goal="<= 500 MB",
        )
    )
    figures.append(
        Figure("product: rows into the lake", product["rows"] / product["seconds"], "rows/s")
    )
    figures.append(
        Figure(
            "product: peak memory at a quarter of the issues",
            quarter["peak_mb"],
            "MB",
            floor="all issues / a quarter",
            ratio=product["peak_mb"] / quarter["peak_mb"],
            goal="flat",
        )
    )
    figures.append(
        Figure(
            "product: requests per 1,000 issues",
            product["requests"] / issues * 1_000,
            "requests",
            goal="no request per issue",
        )
    )
    return figures


def bench_extract(issues: int = 60_000) -> list[Figure]:
    """Sync light issues from a site that answers after 50 ms, against the latency limit."""
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        result = _sync(_pages(scratch, "light", issues, LIGHT), scratch, LATENCY_SECONDS)
    limit = IN_FLIGHT / LATENCY_SECONDS
    reached = result["requests"] / result["seconds"]
    return [
        Figure("latency limit (8 in flight, 50 ms)", limit, "requests/s"),
        Figure(
            "product, the lake written",
            reached,
            "requests/s",
            floor="latency limit",
            ratio=reached / limit,
            peak_mb=result["peak_mb"],
            goal=">= 0.75x",
        ),
    ]
