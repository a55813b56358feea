"""Progress and results on the terminal, the same for every command that syncs or builds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

if TYPE_CHECKING:
    # both load libraries that a command like `--help` does not need
    from pipelines.runner import SyncReport
    from pipelines.sync import Progress

LINE_SECONDS = 3.0

console = Console()


def say(line: str) -> None:
    """Print a line as it is: no markup read out of it, no wrapping that would break a log."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def shown_progress() -> Iterator[Callable[[Progress], None]]:
    """Bars on a terminal, a plain line every few seconds elsewhere."""
    if not console.is_terminal:
        yield _PlainLines()
        return
    tasks: dict[str, TaskID] = {}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console) as bars:

        def show(progress: Progress) -> None:
            if progress.resource not in tasks:
                tasks[progress.resource] = bars.add_task(progress.resource, rate=0.0)
            bars.update(
                tasks[progress.resource],
                completed=progress.done,
                total=progress.total,
                rate=progress.per_second,
            )

        yield show


class _PlainLines:
    """Progress as text for logs: each resource at most every few seconds, and its end."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        is_done = progress.done == progress.total
        if not is_done and now - self._last.get(progress.resource, 0.0) < LINE_SECONDS:
            return
        self._last[progress.resource] = now
        of = f" of {progress.total}" if progress.total is not None else ""
        left = f", {progress.eta_seconds:.0f} s left" if progress.eta_seconds else ""
        say(
            f"{progress.source} {progress.resource}: {progress.done}{of}, "
            f"{progress.per_second:.0f}/s{left}"
        )


def print_report(report: SyncReport) -> None:
    """Print what a sync did and what a person should know about it."""
    rows = ", ".join(f"{count} {name}" for name, count in report.rows.items()) or "nothing new"
    say(
        f"{report.source} of {report.site_id} ({report.mode}): {rows}; "
        f"{sum(report.requests.values())} requests"
    )
    for warning in report.warnings:
        say(f"warning: {warning}")
    if report.quarantined:
        say(f"warning: {report.quarantined} records are in quarantine.")
