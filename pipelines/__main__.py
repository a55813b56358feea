"""`python -m pipelines run <source> | list | check`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer
from rich.table import Table

from pipelines.check import check_connection
from pipelines.config import load_settings
from pipelines.connections import CONNECTIONS
from pipelines.errors import PipelineError
from pipelines.registry import SOURCES
from pipelines.runner import run_source
from pipelines.terminal import console, print_report, say, shown_progress

app = typer.Typer(
    help="Copy what an Atlassian site says into the raw lake.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


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
    with _errors_as_lines(), shown_progress() as progress:
        report = run_source(
            source,
            load_settings(),
            full=full,
            reconcile=reconcile,
            accept_shrink=accept_shrink,
            progress=progress,
        )
    print_report(report)


@app.command("list")
def list_sources() -> None:
    """Show the sources, their resources and connections, set up or not."""
    for source in SOURCES.values():
        table = Table(title=f"{source.name}: {source.description}", title_justify="left")
        table.add_column("resource")
        table.add_column("what a row is")
        for resource in source.resources:
            table.add_row(resource.name, resource.description)
        console.print(table)
        connection = CONNECTIONS[source.connection]
        say(f"connection: {connection.name}; schedule (UTC): {source.schedule}\n")
    with _errors_as_lines():
        settings = load_settings()
    for connection in CONNECTIONS.values():
        state = "set up       " if connection.is_set_up(settings) else "NOT CONNECTED"
        say(
            f"{state}  {connection.name} ({connection.title}): needs {connection.needs}; "
            f"without it {connection.loses}."
        )


@app.command()
def check() -> None:
    """Test the login and each permission, and say what a missing one loses."""
    with _errors_as_lines():
        findings = check_connection(load_settings())
    for finding in findings:
        if finding.is_granted:
            say(f"ok       {finding.permission} ({finding.source}): {finding.detail}")
        else:
            mark = "MISSING " if finding.is_connected else "NOT CONNECTED "
            say(
                f"{mark} {finding.permission} ({finding.source}): without it "
                f"{finding.loses}. {finding.detail}"
            )
    if any(finding.is_connected and not finding.is_granted for finding in findings):
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


if __name__ == "__main__":
    app()
