"""What a benchmark measures, and how it is shown."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

Tell = Callable[[str], None]
"""Is told what is measured next: a benchmark takes minutes, and a person waits for it."""


def say_nothing(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    `value` is in `unit`; `ratio` is this figure against `floor` (the name of another figure of
    the same run, higher is better for rates and lower is better for times); `goal` is the ratio
    or value the design asks for, in words.
    """

    name: str
    value: float
    unit: str
    floor: str | None = None
    ratio: float | None = None
    peak_mb: float | None = None
    goal: str = ""


def show(title: str, figures: Sequence[Figure], *, as_json: bool = False) -> None:
    """Print the figures as a table, or as one JSON line for a machine."""
    if as_json:
        sys.stdout.write(json.dumps({"title": title, "figures": [asdict(f) for f in figures]}))
        sys.stdout.write("\n")
        return
    table = Table(title=title, title_justify="left")
    for heading in ("figure", "value", "unit", "ratio", "to", "peak MB", "goal"):
        numeric = heading in {"value", "ratio", "peak MB"}
        table.add_column(heading, justify="right" if numeric else "left")
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.value:,.1f}",
            figure.unit,
            "" if figure.ratio is None else f"{figure.ratio:.2f}x",
            figure.floor or "",
            "" if figure.peak_mb is None else f"{figure.peak_mb:,.0f}",
            figure.goal,
        )
    Console(width=150).print(table)


def cpu_seconds() -> float:
    """CPU seconds of this process so far, all threads.

    On a machine that others use too they tell more than the clock.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> float:
    """Most memory this process held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def percentile(values: list[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def in_own_process(module: str, *arguments: str) -> dict[str, Any]:
    """Run `python -m module arguments` and return the JSON object it prints last.

    Each contender gets a process of its own, so that peak memory is its own and nothing another
    one imported or cached helps it. Raises CalledProcessError with its output when it fails.
    """
    finished = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    if finished.returncode != 0:
        sys.stderr.write(finished.stdout[-4000:] + finished.stderr[-4000:])
        finished.check_returncode()
    measured: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return measured
