"""`python -m tests.bench`: measure everything, or the parts that are named."""

import enum
from typing import Annotated

import typer

from tests.bench.load import bench_extract, bench_load
from tests.bench.report import show

app = typer.Typer(add_completion=False)


class Part(enum.StrEnum):
    """What can be measured alone."""

    load = "load"
    extract = "extract"


@app.command()
def main(
    parts: Annotated[
        list[Part] | None, typer.Argument(help="What to measure; everything when none is named.")
    ] = None,
    issues: Annotated[int, typer.Option(min=400, help="Issues to load.")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per part.")] = False,
) -> None:
    """Measure speed and memory as ratios to floors taken in the same run.

    The machine's other work shows in every figure; only the ratios of one run compare.
    """
    chosen = set(parts or Part)
    if Part.load in chosen:
        show("Extract and load, heavy issues", bench_load(issues), as_json=as_json)
    if Part.extract in chosen:
        show("Extract over a line with latency", bench_extract(issues * 6), as_json=as_json)


if __name__ == "__main__":
    app()
