"""The command line `audit-log`: sync, build, publish, serve, and how things stand.

Commands call the functions that the Dagster assets call. An error is one line on standard error
with its remedy; AUDIT_LOG_DEBUG=1 adds the traceback.

Exit codes: 0 done, or skipped because a run is going on; 1 failed; 2 wrong usage or settings;
130 interrupted.

Imports that take seconds (dlt, FastAPI) wait until a command needs them.
"""

import errno
import importlib.metadata
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from orchestration import doctor as diagnosis
from orchestration.coverage import coverage_tables
from orchestration.inbox import SOURCE as INBOX_SOURCE
from orchestration.inbox import follow_inbox, stopped_by_signals
from orchestration.locking import AlreadyRunningError, run_lock
from orchestration.publishing import POINTER, publish
from orchestration.state import SourceState, read_home
from orchestration.transformation import build
from pipelines import lake
from pipelines.config import Settings, load_settings
from pipelines.connections import CONNECTIONS
from pipelines.errors import ConfigurationError, NotConnectedError, PipelineError
from pipelines.registry import SOURCES
from pipelines.sync import Progress
from pipelines.terminal import console, print_report, shown_progress
from serve.errors import ProblemError, ServeError

DISTRIBUTION = "user-activity-audit-log"
FAILED, MISUSED, INTERRUPTED = 1, 2, 130


class OneLineErrors(TyperGroup):
    """Turns what commands raise into one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  (typer's own context type is private)
        """Run the command."""
        try:
            return super().invoke(ctx)
        except AlreadyRunningError as running:
            typer.echo(f"Skipped: {running}.")
            return None
        except KeyboardInterrupt:
            self._end(ctx, "Interrupted. The next run repairs what is left.", INTERRUPTED)
        except Exception as error:
            if type(error).__module__.startswith("typer."):
                raise  # wrong usage, which typer itself says, or an exit
            code = MISUSED if isinstance(error, ConfigurationError | ServeError) else FAILED
            self._end(ctx, _line_of(error), code)

    @staticmethod
    def _end(ctx: Any, line: str, code: int) -> None:  # noqa: ANN401 - typer's own context type is private
        typer.echo(f"audit-log: {line}", err=True)
        if ctx.params["debug"]:
            traceback.print_exc()
        raise typer.Exit(code) from None


COVERAGE_WIDTH = 200
"""Columns that the coverage tables need to be read; a narrower terminal wraps their lines."""

app = typer.Typer(
    cls=OneLineErrors,
    help="A self-hosted audit log of Atlassian Cloud: who did what, and when.",
    epilog="Settings come from the environment and from .env: AUDIT_LOG_HOME (default ./data),"
    " ATLASSIAN_SITE_URL, ATLASSIAN_EMAIL, ATLASSIAN_API_TOKEN, PORT.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

SourceOption = Annotated[
    list[str] | None,
    typer.Option("--source", help="Only this source; may be repeated. Default: all of them."),
]
FullOption = Annotated[bool, typer.Option("--full", help="Read everything again.")]
ReconcileOption = Annotated[
    bool | None,
    typer.Option(
        "--reconcile/--no-reconcile",
        help="Compare the complete list of issues to find deletions, or do not. Default: when due.",
    ),
]
AcceptShrinkOption = Annotated[
    bool,
    typer.Option(
        "--accept-shrink",
        help="Believe listings that lost more than the threshold: the objects are deleted.",
    ),
]
FullRefreshOption = Annotated[
    bool,
    typer.Option("--full-refresh", help="Build from the whole lake again, from empty databases."),
]


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"audit-log {importlib.metadata.version(DISTRIBUTION)}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version."),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", envvar="AUDIT_LOG_DEBUG", help="Show tracebacks of errors."),
    ] = False,
) -> None:
    """Read by OneLineErrors; this function only declares the options of all commands."""


@app.command()
def run(
    source: SourceOption = None,
    full: FullOption = False,
    reconcile: ReconcileOption = None,
    accept_shrink: AcceptShrinkOption = False,
    full_refresh: FullRefreshOption = False,
) -> None:
    """Sync every source, build and test the marts, publish the snapshot.

    If a source of the Jira site fails the others are still synced, but nothing is built or
    published. A connection of another kind that fails costs only its own sources.
    """
    settings = load_settings()
    names = _names(source)
    with run_lock(settings.home, is_for_inbox=names == [INBOX_SOURCE]):
        failures = _sync(settings, names, full, reconcile, accept_shrink)
        _build(settings, full_refresh)
        _publish(settings)
    if failures:
        raise _sync_error(failures, "Everything else was published.")


@app.command()
def sync(
    source: SourceOption = None,
    full: FullOption = False,
    reconcile: ReconcileOption = None,
    accept_shrink: AcceptShrinkOption = False,
) -> None:
    """Copy what is new on the site into the raw lake."""
    settings = load_settings()
    names = _names(source)
    with run_lock(settings.home):
        failures = _sync(settings, names, full, reconcile, accept_shrink)
    if failures:
        raise _sync_error(failures, "Nothing was published by this command.")


@app.command()
def follow(
    every: Annotated[
        float,
        typer.Option(min=1, help="Minutes between two syncs of all sources."),
    ] = 30,
) -> None:
    """Keep the log current without Dagster: webhooks within seconds, everything now and then.

    Ends with Ctrl+C or SIGTERM, after the run it is in. A run that fails says so; the next one
    tries again.
    """
    settings = load_settings()
    with stopped_by_signals() as stopped:
        follow_inbox(
            settings,
            stopped,
            timedelta(minutes=every),
            lambda names: _attempt(settings, names or list(SOURCES)),
        )


@app.command("build")
def build_command(full_refresh: FullRefreshOption = False) -> None:
    """Bring the marts up to the lake and test them."""
    settings = load_settings()
    with run_lock(settings.home):
        _build(settings, full_refresh)


@app.command("publish")
def publish_command() -> None:
    """Make the tested marts the snapshot that is served."""
    settings = load_settings()
    with run_lock(settings.home):
        _publish(settings)


@app.command()
def compact() -> None:
    """Rewrite the lake's files of closed months into one file per table and month."""
    settings = load_settings()
    with run_lock(settings.home):
        for made in lake.compact(settings.home):
            typer.echo(f"{made.file}: {made.rows:,} rows of {len(made.replaces)} files")


@app.command()
def serve(
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one. [env: PORT]"),
    ] = None,
) -> None:
    """Serve the current snapshot over HTTP on the loopback interface."""
    from serve import app as api  # noqa: PLC0415 - seconds to import, for one command
    from serve.config import load_settings as load_serve_settings  # noqa: PLC0415 - seconds to import, for one command

    settings = load_serve_settings()
    api.run(settings if port is None else settings.model_copy(update={"port": port}))


@app.command()
def status() -> None:
    """Show per source the last success, lag, rows and cursor; the snapshot; who runs now."""
    settings = load_settings()
    state = read_home(settings.home, tuple(SOURCES))
    table = Table("source", "last success", "lag", "rows", "requests", "read up to (UTC)")
    for source in state.sources:
        table.add_row(*_source_cells(source))
    console.print(table)
    for source in state.sources:
        for warning in source.warnings:
            typer.echo(f"warning: {source.source}: {warning}")
        if source.quarantined:
            typer.echo(f"warning: {source.source}: {source.quarantined} records in quarantine")
    snapshot = state.snapshot
    if snapshot is None:
        typer.echo("snapshot: none yet; `audit-log run` makes the first one")
    else:
        typer.echo(
            f"snapshot: {snapshot.snapshot_id}, {snapshot.size / 1e6:,.1f} MB,"
            f" {_age(snapshot.published_at)} old, {snapshot.path}"
        )
    typer.echo(f"running:  {state.running}" if state.running else "running:  nothing")


@app.command()
def coverage(
    as_json: Annotated[
        bool, typer.Option("--json", help="Everything, as the API gives it, instead of tables.")
    ] = False,
) -> None:
    """Show what the log can tell: per source and action if it is connected, and what is lost.

    It is what the published snapshot knows; `audit-log run` brings it up to date.
    """
    from serve.config import load_settings as load_serve_settings  # noqa: PLC0415 - seconds to import, for one command
    from serve.coverage.service import read_coverage  # noqa: PLC0415 - seconds to import, for one command
    from serve.query.visibility import OPERATOR  # noqa: PLC0415 - seconds to import, for one command
    from serve.warehouse.warehouse import Warehouse  # noqa: PLC0415 - seconds to import, for one command

    warehouse = Warehouse(load_serve_settings())
    try:
        with warehouse.lease() as snapshot:
            told = read_coverage(snapshot, snapshot.rights(OPERATOR))
    except ProblemError as error:
        raise ServeError(error.problem.detail, error.problem.remedy) from None
    finally:
        warehouse.close()
    if as_json:
        typer.echo(told.model_dump_json(indent=2))
    else:
        wide = Console(width=max(console.width, COVERAGE_WIDTH))
        for table in coverage_tables(told):
            wide.print(table)
        if told.uncovered_actions:
            codes = ", ".join(told.uncovered_actions)
            typer.echo(
                f"No connected source tells of {len(told.uncovered_actions)} actions: {codes}"
            )


@app.command()
def doctor(
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not ask the site for the account's permissions.")
    ] = False,
) -> None:
    """Test everything a run needs and say how to mend what is missing."""
    findings = diagnosis.examine(offline=offline)
    for finding in findings:
        mark = "FAIL" if finding.remedy else "ok  "
        typer.echo(f"{mark} {finding.subject}: {finding.detail}")
        if finding.remedy:
            typer.echo(f"     -> {finding.remedy}")
    if any(finding.remedy for finding in findings):
        raise typer.Exit(FAILED)


def main() -> None:
    """Run the command line."""
    app()


def _names(source: list[str] | None) -> list[str]:
    """Return the chosen sources, or all of them. Raises BadParameter for one there is not."""
    for name in source or ():
        if name not in SOURCES:
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(SOURCES)}.")
    return source or list(SOURCES)


def _attempt(settings: Settings, names: list[str]) -> None:
    """Sync, build and publish once; whatever goes wrong is one line."""
    try:
        with run_lock(settings.home, is_for_inbox=names == [INBOX_SOURCE]):
            failures = _sync(settings, names, full=False, reconcile=None, accept_shrink=False)
            _build(settings, full_refresh=False)
            _publish(settings)
        if failures:
            raise _sync_error(failures, "Everything else was published.")
    except AlreadyRunningError as running:
        typer.echo(f"Skipped: {running}.")
    except (PipelineError, OSError) as error:
        typer.echo(f"audit-log: {_line_of(error)}", err=True)


def _sync(
    settings: Settings,
    names: list[str],
    full: bool,
    reconcile: bool | None,
    accept_shrink: bool,
) -> dict[str, PipelineError]:
    """Sync sources; one that is not connected is told and left out.

    Returns the failures that cost only their own source; raises PipelineError for others.
    """
    from pipelines.runner import run_source  # noqa: PLC0415 - seconds to import, for one command

    connections = {name: CONNECTIONS[SOURCES[name].connection] for name in names}
    if any(connection.asks != "nobody" for connection in connections.values()):
        settings.connection()
    failures: dict[str, PipelineError] = {}
    for name, connection in connections.items():
        try:
            connection.require(settings)
            with _stage(f"sync {name}"), shown_progress() as progress:
                report = run_source(
                    name,
                    settings,
                    full=full,
                    reconcile=reconcile,
                    accept_shrink=accept_shrink,
                    progress=progress,
                )
        except NotConnectedError as missing:
            typer.echo(f"{name} is not connected, so {connection.loses}. {missing}")
        except PipelineError as error:
            failures[name] = error
        else:
            print_report(report)
    if any(connections[name].is_essential for name in failures):
        is_served = (settings.home / POINTER).exists()
        served = "the last snapshot stays current" if is_served else "there is no snapshot yet"
        raise _sync_error(failures, f"Nothing was published ({served}).")
    return failures


def _sync_error(failures: dict[str, PipelineError], outcome: str) -> PipelineError:
    """One error for all sources that failed; says once what failed alike."""
    messages = dict.fromkeys(error.message for error in failures.values())
    remedies = dict.fromkeys(error.remedy for error in failures.values())
    names = " and ".join(failures)
    return PipelineError(
        f"{names} not synced: {' '.join(messages)}", f"{' '.join(remedies)} {outcome}"
    )


def _build(settings: Settings, full_refresh: bool) -> None:
    finished_at: list[float] = []

    with _stage("build"), shown_progress() as progress:

        def show(done: int, total: int, _node: str) -> None:
            finished_at.append(time.monotonic())  # starting dbt says nothing about the rate
            elapsed = finished_at[-1] - finished_at[0]
            rate = (done - 1) / elapsed if elapsed else 0.0
            eta = (total - done) / rate if rate else None
            progress(Progress("dbt", "build", done, total, rate, eta))

        report = build(settings.home, full_refresh=full_refresh, progress=show)
    if report.rebuilt_because:
        typer.echo(f"warning: rebuilt from the lake because {report.rebuilt_because}")
    for warning in report.warnings:
        typer.echo(f"warning: {warning}")


def _publish(settings: Settings) -> None:
    with _stage("publish"):
        report = publish(settings.home)
    typer.echo(
        f"snapshot {report.snapshot_id}: {report.rows.get('fct_actions', 0):,} actions,"
        f" {report.size / 1e6:,.1f} MB"
    )


@contextmanager
def _stage(name: str) -> Iterator[None]:
    """Say what begins, and how long it took."""
    typer.echo(f"== {name}")
    started = time.monotonic()
    yield
    typer.echo(f"== {name} done in {time.monotonic() - started:.1f} s")


def _source_cells(state: SourceState) -> tuple[str, ...]:
    if state.last_success_at is None:
        return state.source, "never", "", "", "", ""
    return (
        state.source,
        f"{_age(state.last_success_at)} ago",
        "" if state.lag_seconds is None else f"{state.lag_seconds:,.0f} s",
        f"{state.rows:,}",
        f"{state.requests:,}",
        f"{state.cursor:%Y-%m-%d %H:%M}" if state.cursor else "",
    )


def _age(moment: datetime) -> str:
    seconds = max(0, int((datetime.now(UTC) - moment).total_seconds()))
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _line_of(error: BaseException) -> str:
    """One line for any error, preferring what lies at its root."""
    chain = [error]
    # a chain may bite its own tail, as that of a full disk does behind threads and generators
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    for link in chain:
        if isinstance(link, PipelineError | ServeError):
            return str(link)
        if isinstance(link, OSError) and link.errno in {errno.ENOSPC, errno.EDQUOT}:
            return f"The disk is full{_at(link)}. Free some space and run again."
        if isinstance(link, OSError) and link.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            return f"{link.strerror}{_at(link)}. Give this user the right to write there."
    if isinstance(error, OSError):
        return f"{error.strerror or error}{_at(error)}."
    text = " ".join(str(error).split()) or "no message"
    return f"{type(error).__name__}: {text[:400]} (AUDIT_LOG_DEBUG=1 shows where)"


def _at(error: OSError) -> str:
    return f": {error.filename}" if error.filename else ""


if __name__ == "__main__":
    main()
