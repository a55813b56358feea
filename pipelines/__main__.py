"""`python -m pipelines run <source> | list | check`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table

from pipelines.check import check_connection
from pipelines.config import load_settings
from pipelines.errors import PipelineError
from pipelines.registry import SOURCES
from pipelines.runner import SyncReport, run_source
from pipelines.sync import Progress

LINE_SECONDS = 3.0

app = typer.Typer(
    help="Copy what an Atlassian site says into the raw lake.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
console = Console()


@app.command()
def run(
    source: Annotated[str, typer.Argument(help="Name of a source, as `list` shows it.")],
    full: Annotated[bool, typer.Option("--full", help="Read everything again.")] = False,
    reconcile: Annotated[
        bool | None,
        typer.Option(help="Compare the complete list of issues, or do not; default: when due."),
    ] = None,
    accept_shrink: Annotated[
        bool,
        typer.Option(
            "--accept-shrink",
            help="Believe listings that lost more than the threshold: the objects are deleted.",
        ),
    ] = False,
) -> None:
    """Sync one source into the lake."""
    with _errors_as_lines(), _shown_progress() as progress:
        report = run_source(
            source,
            load_settings(),
            full=full,
            reconcile=reconcile,
            accept_shrink=accept_shrink,
            progress=progress,
        )
    _print_report(report)


@app.command("list")
def list_sources() -> None:
    """Show the sources, their resources and the connection each needs."""
    for source in SOURCES.values():
        table = Table(title=f"{source.name}: {source.description}", title_justify="left")
        table.add_column("resource")
        table.add_column("what a row is")
        for resource in source.resources:
            table.add_row(resource.name, resource.description)
        console.print(table)
        console.print(f"needs: {source.connection}; schedule (UTC): {source.schedule}\n")


@app.command()
def check() -> None:
    """Test the login and each permission, and say what a missing one loses."""
    with _errors_as_lines():
        findings = check_connection(load_settings())
    for finding in findings:
        if finding.is_granted:
            console.print(f"ok       {finding.permission} ({finding.source}): {finding.detail}")
        else:
            console.print(
                f"MISSING  {finding.permission} ({finding.source}): without it "
                f"{finding.loses}. {finding.detail}"
            )
    if not all(finding.is_granted for finding in findings):
        raise typer.Exit(1)


@contextmanager
def _errors_as_lines() -> Iterator[None]:
    try:
        yield
    except PipelineError as error:
        _fail(f"{error.message} {error.remedy}")
    except KeyboardInterrupt:
        _fail("Interrupted. Nothing of this run counts; the next one repairs what is left.")
    except OSError as error:
        _fail(f"{error.strerror or error}: {error.filename}. Check the disk and its permissions.")


def _fail(line: str) -> NoReturn:
    print(line, file=sys.stderr)  # noqa: T201  (the one line a person or a log gets)
    raise typer.Exit(1)


@contextmanager
def _shown_progress() -> Iterator[Callable[[Progress], None]]:
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
        console.print(
            f"{progress.source} {progress.resource}: {progress.done}{of}, "
            f"{progress.per_second:.0f}/s{left}"
        )


def _print_report(report: SyncReport) -> None:
    rows = ", ".join(f"{count} {name}" for name, count in report.rows.items()) or "nothing new"
    console.print(
        f"{report.source} of {report.site_id} ({report.mode}): {rows}; "
        f"{sum(report.requests.values())} requests"
    )
    for warning in report.warnings:
        console.print(f"warning: {warning}")
    if report.quarantined:
        console.print(f"warning: {report.quarantined} records are in quarantine.")


if __name__ == "__main__":
    app()
