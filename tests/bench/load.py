"""Extract and load: the product against DuckDB, a hand-written writer and dlt's own ways."""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.bench.contenders import DESIGN_PAGE
from tests.bench.contenders import ISSUES_PER_REQUEST as PAGE
from tests.bench.pages import HEAVY, LIGHT, Shape, write_ndjson
from tests.bench.report import Figure, in_own_process
from tests.bench.requests import bench_requests

SLOW_SAMPLE = 500
"""Issues given to the contenders that need minutes for more."""
ROUNDS = 3
"""The product and the hand-written writers take turns; the best round of each counts."""

LATENCY_SECONDS = 0.05
IN_FLIGHT = 8
"""The pipelines' default number of requests in flight per endpoint."""


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


def _sync(url: str, home: Path, *options: str) -> dict[str, Any]:
    return in_own_process("tests.bench.product", url, str(home), *options)


def _contender(name: str, folder: Path, url: str = "") -> dict[str, Any]:
    return in_own_process("tests.bench.contenders", name, str(folder), "--url", url)


def _best(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return min(rounds, key=lambda measured: float(measured["seconds"]))


def _pages(scratch: Path, name: str, issues: int, shape: Shape) -> Path:
    folder = scratch / name
    write_ndjson(folder, issues, shape)
    return folder


FROM_PAGES = "hand-written Parquet writer, the same pages"
FROM_DISK = "hand-written Parquet writer, from disk"
BY_DLT = "dlt default (sample)"
BY_DLT_PARQUET = "dlt nested Parquet (sample)"
GOALS = {FROM_PAGES: "product >= 0.8x", BY_DLT: "product >= 80x", BY_DLT_PARQUET: "product >= 15x"}


def bench_load(issues: int = 10_000) -> list[Figure]:
    """Load `issues` heavy issues (about 21 kB of JSON each, 8 histories) in every way.

    The product reads them from a site over HTTP and writes five tables. The hand-written writers
    write three of them with half the columns: one reads the same pages, the other files on disk.
    """
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        many = _pages(scratch, "many", issues, HEAVY)
        few = _pages(scratch, "few", min(issues, SLOW_SAMPLE), HEAVY)
        products, by_hand, from_disk = [], [], []
        with page_site(many) as url:
            for number in range(ROUNDS):
                products.append(_sync(url, scratch / f"home-{number}"))
                by_hand.append(_contender("handwritten_pages", many, url))
                from_disk.append(_contender("handwritten_parquet", many))
        measured = {
            "DuckDB reads the JSON from disk": _contender("duckdb_objects", many),
            FROM_PAGES: _best(by_hand),
            FROM_DISK: _best(from_disk),
            BY_DLT: _contender("dlt_default", few),
            BY_DLT_PARQUET: _contender("dlt_nested_parquet", few),
        }
        with page_site(_pages(scratch, "quarter", issues // 4, HEAVY)) as url:
            quarter = _sync(url, scratch / "home-quarter")
    product = _best(products)
    rate = issues / product["seconds"]
    cpu_rate = issues / product["cpu_seconds"]
    figures: list[Figure] = []
    for name, result in measured.items():
        floor_rate = result["issues"] / result["seconds"]
        cpu_ratio = cpu_rate / (result["issues"] / result["cpu_seconds"])
        figures.append(
            Figure(
                name,
                floor_rate,
                "issues/s",
                floor=f"product / this ({cpu_ratio:.2f}x by CPU seconds)",
                ratio=rate / floor_rate,
                peak_mb=result["peak_mb"],
                goal=GOALS.get(name, ""),
            )
        )
    peak = max(one["peak_mb"] for one in products)
    return [
        *figures,
        Figure("product: HTTP site to lake", rate, "issues/s", peak_mb=peak, goal="<= 500 MB"),
        Figure("product: rows into the lake", product["rows"] / product["seconds"], "rows/s"),
        Figure(
            "product: peak memory at a quarter of the issues",
            quarter["peak_mb"],
            "MB",
            floor="all issues / a quarter",
            ratio=peak / quarter["peak_mb"],
            goal="flat",
        ),
        Figure(
            "product: requests per 1,000 issues",
            product["requests"] / issues * 1_000,
            "requests",
            goal="no request per issue",
        ),
    ]


FROM_JSON = "DuckDB read_json unnests the files on disk"
BY_HAND_TYPED = "hand-written: pages to Parquet, DuckDB types it"
TYPED_GOALS = {FROM_JSON: "product >= 0.22x"}


def bench_typed(issues: int = 10_000, times: int = 4) -> list[Figure]:
    """From pages to typed tables: the sync of heavy issues, then the staging models of the source.

    Measured for `issues` and for `times` as many, because a run of dlt and one of dbt cost what
    they cost for a single issue, too: the larger one and what each further issue takes say more.
    The floor reads files instead of pages, and keeps the fields it names; the product keeps all of
    them, and tells versions of one object apart. Goal: 6,000 where the floor does 27,000.
    """
    figures: list[Figure] = []
    seconds: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as directory:
        for count in (issues, issues * times):
            scratch = Path(directory) / str(count)
            pages = _pages(scratch, "pages", count, HEAVY)
            products: list[dict[str, Any]] = []
            measured: dict[str, list[dict[str, Any]]] = {FROM_JSON: [], BY_HAND_TYPED: []}
            with page_site(pages) as url:
                for number in range(ROUNDS if count == issues else 1):
                    products.append(_sync(url, scratch / f"home-{number}", "--typed"))
                    measured[FROM_JSON].append(_contender("duckdb_typed", pages))
                    measured[BY_HAND_TYPED].append(_contender("handwritten_typed", pages, url))
            shutil.rmtree(scratch)
            product = _best(products)
            seconds[count] = product["seconds"]
            rate, cpu_rate = count / product["seconds"], count / product["cpu_seconds"]
            figures.append(
                Figure(
                    f"product: pages to typed tables, {count:,} issues",
                    rate,
                    "issues/s",
                    peak_mb=product["peak_mb"],
                )
            )
            for name, rounds in measured.items():
                floor = _best(rounds)
                floor_rate, floor_cpu = count / floor["seconds"], count / floor["cpu_seconds"]
                figures.append(
                    Figure(
                        f"{name}, {count:,} issues",
                        floor_rate,
                        "issues/s",
                        floor=f"product / this ({cpu_rate / floor_cpu:.2f}x by CPU seconds)",
                        ratio=rate / floor_rate,
                        peak_mb=floor["peak_mb"],
                        goal=TYPED_GOALS.get(name, ""),
                    )
                )
    each = (seconds[issues * times] - seconds[issues]) / (issues * (times - 1))
    return [
        *figures,
        Figure("product: every further issue", 1 / each, "issues/s", goal=">= 6,000"),
        Figure("product: a run without any", seconds[issues] - issues * each, "s"),
    ]


def bench_extract(issues: int = 60_000) -> list[Figure]:
    """Sync light issues from a site that answers after 50 ms, against two limits.

    The latency limit is that of one endpoint with its requests in flight; endpoints are asked side
    by side, so the one that needs most requests decides how long latency alone makes a sync. Pages
    have to be sent and read, too: what a client reaches that asks the same and throws the answers
    away is the other limit, and the smaller the pages, the nearer it is to the first. The product
    asks for 100 issues a request, because that gives more issues a second; the goals are those of
    the design, which counts pages of 50 issues, so both are measured. All endpoints together may
    exceed the limit of one, and do not count against it.

    dlt's own way extracts a sample as dictionaries. Five times as much as it reaches (the design's
    goal) is more than the latency limit allows where dlt has more than a fifth of the limit.
    """
    figures: list[Figure] = []
    limit = IN_FLIGHT / LATENCY_SECONDS
    by_latency = "latency limit of an endpoint"
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        light = _pages(scratch, "light", issues, LIGHT)
        sample = _pages(scratch, "sample", issues // 10, LIGHT)
        with page_site(light, LATENCY_SECONDS) as url:
            by_dlt = _contender("dlt_parallelized", sample, url)
            for page, client in ((DESIGN_PAGE, "bare_small_requests"), (PAGE, "bare_requests")):
                bare: list[dict[str, Any]] = []
                extracted: list[dict[str, Any]] = []
                stored: list[dict[str, Any]] = []
                for number in range(ROUNDS):
                    bare.append(_contender(client, light, url))
                    for rounds, options in ((extracted, ["--extract-only"]), (stored, [])):
                        home = scratch / f"{page}-{number}-{len(options)}"
                        rounds.append(_sync(url, home, "--page", str(page), *options))
                reached = issues / page / _best(bare)["seconds"]
                named = f"{page} issues a page"
                by_client = f"a client that forgets every answer, {named}"
                figures.append(
                    Figure(by_client, reached, "requests/s", by_latency, reached / limit)
                )
                for what, rounds, goal in (
                    ("listing and fetching only", extracted, 0.90),
                    ("the lake written", stored, 0.75),
                ):
                    figures += _beside(
                        f"product, {named}, {what}", _best(rounds), limit, reached, goal
                    )
        counted = bench_requests(scratch / "requests")
    dlt_rate = by_dlt["issues"] / PAGE / by_dlt["seconds"]
    best = issues / PAGE / _best(extracted)["seconds"]
    return [
        Figure(f"{by_latency} (8 in flight, 50 ms)", limit, "requests/s"),
        *figures,
        Figure(
            f"dlt's parallelized dictionaries, {PAGE} issues a page (sample)",
            dlt_rate,
            "requests/s",
            floor="product, listing and fetching only / this",
            ratio=best / dlt_rate,
            goal=f">= 5x; the limit allows {limit / dlt_rate:.1f}x",
        ),
        *counted,
    ]


def _beside(
    name: str, result: dict[str, Any], limit: float, client: float, goal: float
) -> list[Figure]:
    """Compare the busiest endpoint of a sync with the latency limit and with a bare client."""
    reached = result["busiest_requests"] / result["seconds"]
    return [
        Figure(
            f"{name}: busiest endpoint",
            reached,
            "requests/s",
            floor="latency limit of an endpoint",
            ratio=reached / limit,
            peak_mb=result["peak_mb"],
            goal=f">= {goal:.2f}x with {DESIGN_PAGE} issues a page",
        ),
        Figure(f"{name}: beside it", reached, "requests/s", "the client", reached / client),
        Figure(f"{name}: all endpoints", result["requests"] / result["seconds"], "requests/s"),
    ]
