"""`python -m tests.bench`: measure everything, or the parts that are named."""

import enum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tests.bench.ingest import bench_ingest
from tests.bench.load import bench_extract, bench_load, bench_typed
from tests.bench.query import bench_query
from tests.bench.realtime import bench_realtime
from tests.bench.report import show
from tests.bench.stopping import unwind_when_stopped
from tests.bench.throughput import bench_throughput
from tests.bench.transform import bench_transform

app = typer.Typer(add_completion=False)


class Part(enum.StrEnum):
    """What can be measured alone."""

    load = "load"
    extract = "extract"
    transform = "transform"
    query = "query"
    throughput = "throughput"
    realtime = "realtime"


@app.command()
def main(
    parts: Annotated[
        list[Part] | None, typer.Argument(help="What to measure; everything when none is named.")
    ] = None,
    issues: Annotated[int, typer.Option(min=400, help="Issues to load.")] = 10_000,
    items: Annotated[
        int,
        typer.Option(
            min=16_000,
            help="Changelog items to transform. 10 M take 3 GB of disk and a quarter of an hour.",
        ),
    ] = 1_000_000,
    actions: Annotated[
        list[int] | None,
        typer.Option(
            min=10_000,
            help="Actions to query; repeat it for several sizes, small ones first. "
            "100 M take 12 GB of disk and half an hour. [default: 100000, 1000000]",
        ),
    ] = None,
    logs: Annotated[
        Path | None,
        typer.Option(help="Where logs to query are kept, to be found again; default: nowhere."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per part.")] = False,
) -> None:
    """Measure speed and memory as ratios to floors taken in the same run.

    The machine's other work shows in every figure; only the ratios of one run compare.
    """
    unwind_when_stopped()
    chosen = set(parts or Part)
    tell = partial(typer.echo, err=True)
    if Part.load in chosen:
        show("Extract and load, heavy issues", bench_load(issues, tell), as_json=as_json)
        title = "Pages to typed tables, heavy issues"
        show(title, bench_typed(issues, tell=tell), as_json=as_json)
    if Part.extract in chosen:
        title = "Extract over a line with latency; requests of every source"
        show(title, bench_extract(issues * 6, tell), as_json=as_json)
    if Part.transform in chosen:
        title = f"Transform, {items:,} changelog items"
        show(title, bench_transform(items, tell), as_json=as_json)
    if Part.query in chosen:
        sizes = sorted(actions or (100_000, 1_000_000))
        for title, figures in bench_query(sizes, logs, tell):
            show(title, figures, as_json=as_json)
    if Part.throughput in chosen:
        most = max(actions or (1_000_000,))
        title = f"Answers a second, {most:,} actions"
        show(title, bench_throughput(most, logs, tell), as_json=as_json)
    if Part.realtime in chosen:
        show("Webhook to acknowledgement", bench_ingest(tell), as_json=as_json)
        show("Webhook to snapshot, the demo's size", bench_realtime(tell), as_json=as_json)


if __name__ == "__main__":
    app()
