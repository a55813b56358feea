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
from urllib.request import urlopen

from tests.bench.contenders import DESIGN_PAGE
from tests.bench.contenders import ISSUES_PER_REQUEST as PAGE
from tests.bench.pages import HEAVY, LATENCY, LIGHT, Shape, write_ndjson
from tests.bench.report import Figure, Tell, in_own_process, say_nothing
from tests.bench.requests import bench_requests

ROUNDS = 3
"""The product and the hand-written writers take turns; the best round of each counts."""
EXTRACT_ROUNDS = TYPED_ROUNDS = 2
"""The same where a round takes long."""

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
BY_DLT = "dlt default"
BY_DLT_PARQUET = "dlt nested Parquet"
GOALS = {FROM_PAGES: "product >= 0.8x", BY_DLT: "product >= 80x", BY_DLT_PARQUET: "product >= 15x"}


def bench_load(issues: int = 10_000, tell: Tell = say_nothing) -> list[Figure]:
    """Load `issues` heavy issues (about 21 kB of JSON each, 8 histories) in every way.

    The product reads them from a site over HTTP and writes five tables. The hand-written writers
    write three of them with half the columns: one reads the same pages, the other files on disk, as
    dlt's own ways do.
    """
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        tell(f"load: {issues:,} heavy issues")
        many = _pages(scratch, "many", issues, HEAVY)
        products, by_hand, from_disk = [], [], []
        with page_site(many) as url:
            for number in range(ROUNDS):
                tell(f"load: product and hand-written writers, round {number + 1} of {ROUNDS}")
                products.append(_sync(url, scratch / f"home-{number}"))
                by_hand.append(_contender("handwritten_pages", many, url))
                from_disk.append(_contender("handwritten_parquet", many))
        tell("load: DuckDB, and dlt's own ways, which take minutes and up to 10 GB")
        measured = {
            "DuckDB reads the JSON from disk": _contender("duckdb_objects", many),
            FROM_PAGES: _best(by_hand),
            FROM_DISK: _best(from_disk),
            BY_DLT: _contender("dlt_default", many),
            BY_DLT_PARQUET: _contender("dlt_nested_parquet", many),
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


def bench_typed(issues: int = 10_000, times: int = 4, tell: Tell = say_nothing) -> list[Figure]:
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
            tell(f"typed tables: {count:,} heavy issues")
            pages = _pages(scratch, "pages", count, HEAVY)
            products: list[dict[str, Any]] = []
            measured: dict[str, list[dict[str, Any]]] = {FROM_JSON: [], BY_HAND_TYPED: []}
            with page_site(pages) as url:
                rounds_of_this = TYPED_ROUNDS if count == issues else 1
                for number in range(rounds_of_this):
                    tell(f"typed tables: {count:,} issues, round {number + 1} of {rounds_of_this}")
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


def bench_extract(issues: int = 60_000, tell: Tell = say_nothing) -> list[Figure]:
    """Sync light issues from a site that answers after 50 ms, against what is possible.

    The product asks for 100 issues a request, because that gives more issues a second; the goals
    are those of the design, which counts pages of 50 issues, so both are measured.

    dlt's own way makes dictionaries of the same issues, and is spared the listing and the
    changelogs. Of light issues five times as much as it reaches (the design's goal) can be more
    than the latency limit allows; what holds it up with issues as heavy as those of the design is
    not latency.
    """
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        tell(f"extract: {issues:,} light issues, {LATENCY_SECONDS * 1_000:.0f} ms an answer")
        light = _pages(scratch, "light", issues, LIGHT)
        with page_site(light, LATENCY_SECONDS) as url:
            small, _ = _extracted(scratch, url, issues, DESIGN_PAGE, tell)
            usual, best = _extracted(scratch, url, issues, PAGE, tell)
            limit = _limit(url) * PAGE
            tell("extract: dlt's parallelized dictionaries of light issues")
            by_dlt = [_contender("dlt_parallelized", light, url) for _ in range(EXTRACT_ROUNDS)]
        shutil.rmtree(light)
        figures = [*small, *usual]
        figures.append(_against_dictionaries(f"{issues:,} light", by_dlt, best * PAGE, limit))
        figures += _of_heavy(scratch, issues // 10, limit, tell)
        tell("extract: requests of every source, on a sandbox site")
        counted = bench_requests(scratch / "requests")
    return [*figures, *counted]


def _of_heavy(scratch: Path, issues: int, limit: float, tell: Tell) -> Iterator[Figure]:
    """Extract heavy issues, and load them, in the product's way and in dlt's."""
    heavy = _pages(scratch, "heavy", issues, HEAVY)
    with page_site(heavy, LATENCY_SECONDS) as url:
        for contender, options, does in (
            ("dlt_parallelized", ["--extract-only"], "listing and fetching only"),
            ("dlt_parallelized_lake", [], "the lake written"),
        ):
            by_dlt, products = [], []
            for number in range(EXTRACT_ROUNDS):
                tell(f"extract: {issues:,} heavy issues, {does}, round {number + 1}")
                by_dlt.append(_contender(contender, heavy, url))
                products.append(_sync(url, scratch / f"{contender}-{number}", *options))
            rate = issues / _best(products)["seconds"]
            yield _against_dictionaries(f"{issues:,} heavy", by_dlt, rate, limit, does)


def _against_dictionaries(
    issues: str,
    by_dlt: Sequence[dict[str, Any]],
    product_rate: float,
    limit: float,
    does: str = "listing and fetching only",
) -> Figure:
    """Compare issues/s; `limit` is what the latency allows."""
    best = _best(by_dlt)
    dlt_rate = best["issues"] / best["seconds"]
    return Figure(
        f"dlt's parallelized dictionaries, {issues} issues, {PAGE} a page, {does}",
        dlt_rate,
        "issues/s",
        floor="product / this",
        ratio=product_rate / dlt_rate,
        peak_mb=best["peak_mb"],
        goal=f">= 5x; the limit allows {limit / dlt_rate:.1f}x",
    )


CLIENTS = {
    DESIGN_PAGE: ("bare_small_requests", "handwritten_small_pages"),
    PAGE: ("bare_requests", "handwritten_pages"),
}
"""Issues a page -> who forgets such pages, and who writes them by hand."""


def _extracted(
    scratch: Path, url: str, issues: int, page: int, tell: Tell
) -> tuple[list[Figure], float]:
    """Measure at one size of pages; return the figures, and requests/s without the lake.

    The latency limit is that of one endpoint with its requests in flight. Endpoints are asked side
    by side, so the one that needs most requests decides how long latency alone makes a sync; all of
    them together may exceed the limit, and do not count against it. Pages have to be listed, sent
    and read, too: a client that asks the same and throws the answers away says what can be reached
    at all, and one that writes them to Parquet by hand what a lake costs at least.
    """
    forgets, writes = CLIENTS[page]
    kinds: dict[str, list[dict[str, Any]]] = {"": [], "--extract-only": [], forgets: [], writes: []}
    for number in range(EXTRACT_ROUNDS):
        tell(f"extract: {page} issues a page, round {number + 1} of {EXTRACT_ROUNDS}")
        for client in (forgets, writes):
            kinds[client].append(_contender(client, scratch / "light", url))
        for option in ("--extract-only", ""):
            home = scratch / f"{page}-{number}{option}"
            options = [option] if option else []
            kinds[option].append(_sync(url, home, "--page", str(page), *options))
    limit = _limit(url)
    by_latency = "latency limit of an endpoint"
    figures = [Figure(f"{by_latency} ({IN_FLIGHT} in flight, as answered)", limit, "requests/s")]
    rate = 0.0
    for what, option, client, does, goal in (
        ("the lake written", "", writes, "writes Parquet by hand", 0.75),
        ("listing and fetching only", "--extract-only", forgets, "forgets every answer", 0.90),
    ):
        possible = issues / page / _best(kinds[client])["seconds"]
        product = _best(kinds[option])
        rate = product["busiest_requests"] / product["seconds"]
        everything = product["requests"] / product["seconds"]
        named = f"a client that {does}"
        name = f"product, {page} issues a page, {what}"
        figures += [
            Figure(
                f"{named}, {page} issues a page",
                possible,
                "requests/s",
                by_latency,
                possible / limit,
            ),
            Figure(
                f"{name}: busiest endpoint",
                rate,
                "requests/s",
                floor=by_latency,
                ratio=rate / limit,
                peak_mb=product["peak_mb"],
                goal=f">= {goal:.2f}x with {DESIGN_PAGE} issues a page",
            ),
            Figure(f"{name}: beside it", rate, "requests/s", named, rate / possible),
            Figure(f"{name}: all endpoints", everything, "requests/s"),
        ]
    return figures, rate


def _limit(url: str) -> float:
    """Return requests/s that `IN_FLIGHT` waiting ones allow, by the latency that the site measured.

    A timer of an event loop is up to a millisecond late, and a loaded machine adds its own.
    """
    with urlopen(url + LATENCY) as answer:  # noqa: S310 - the server that was started here
        return IN_FLIGHT / float(answer.read())
