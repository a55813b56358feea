"""The dbt build, in this process: seeds, models and data tests of `dbt_project`.

Unit tests are left out: they test the SQL, which is the same in every build, and would be most of
a small build's time. `tests/dbt` runs them.

Data flow: `$AUDIT_LOG_HOME/raw` (lake) -> `warehouse.duckdb` (staging, intermediate)
-> `marts.duckdb` (marts). Both files can be rebuilt from the lake at any time, so a file that
cannot be read is moved aside and rebuilt rather than repaired.

dbt is called through its own `dbtRunner`: a dbt process costs seconds before it does anything, a
kept manifest tenths of one. dbt is imported inside the functions because importing it takes longer
than most commands of `audit-log` run.
"""

import contextlib
import copy
import hashlib
import itertools
import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb

from orchestration import selection
from orchestration.errors import StorageError
from pipelines import lake
from pipelines.errors import PipelineError

if TYPE_CHECKING:
    from dbt.artifacts.schemas.results import NodeResult
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner, dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest
    from dbt_common.events.base_types import EventMsg

DBT_PROJECT = Path(__file__).resolve().parent.parent / "dbt_project"
WAREHOUSE = "warehouse.duckdb"
MARTS = "marts.duckdb"
_MARK = "made_by.project"

# What DuckDB says of a file that no retry will make readable. Anything else it says (a lock,
# a permission, a full disk) is the user's to mend and must not cost a rebuild.
_UNREADABLE = re.compile(
    r"not a valid DuckDB database file"
    r"|corrupt"
    r"|Could not read enough bytes"
    r"|Failure while replaying WAL"
    r"|storage version"
    r"|latest version supported by this DuckDB"
    r"|Failed to deserialize",
    re.IGNORECASE,
)
_FAILED = frozenset({"error", "fail", "runtime error", "partial success"})

BuildProgress = Callable[[int, int, str], None]
"""Called with (nodes done, nodes in all, name of the node just done)."""


@dataclass(frozen=True)
class NodeOutcome:
    """What became of one dbt node (model, seed, data test)."""

    unique_id: str
    name: str
    resource_type: str
    status: str
    seconds: float
    failures: int
    message: str

    @property
    def failed(self) -> bool:
        """Whether it keeps the marts from being published."""
        return self.status in _FAILED

    @property
    def line(self) -> str:
        """One line: kind, name and what dbt said of it."""
        return f"{self.resource_type} {self.name}: {_one_line(self.message) or self.status}"


@dataclass(frozen=True)
class BuildReport:
    """One dbt build. `overhead_seconds` is the part of `seconds` in which no node ran."""

    nodes: tuple[NodeOutcome, ...]
    seconds: float
    overhead_seconds: float
    rebuilt_because: str | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line per test of severity `warn` that found something."""
        return tuple(node.line for node in self.nodes if node.status == "warn")

    @property
    def failures(self) -> tuple[NodeOutcome, ...]:
        """Nodes that failed, in the order dbt ran them."""
        return tuple(node for node in self.nodes if node.failed)


class BuildError(PipelineError):
    """dbt did not build everything, or a test failed; `report` says what (None: nothing ran)."""

    def __init__(self, message: str, remedy: str, report: BuildReport | None = None) -> None:
        super().__init__(message, remedy)
        self.report = report


def build(
    home: Path,
    *,
    full_refresh: bool = False,
    project: Path = DBT_PROJECT,
    progress: BuildProgress | None = None,
) -> BuildReport:
    """Bring the marts up to the lake and test them; the caller holds the run lock.

    `full_refresh` starts from empty databases, and so does a build by another state of the project
    than the one that made them: dbt alters neither seeds nor incremental tables. Raises BuildError
    when a node or a test failed and StorageError when the databases cannot be used; until a build
    succeeds, `is_tested` is false and nothing is published. Many small files of the lake are made
    one in the end.
    """
    home = home.resolve()
    _tested_marker(home).unlink(missing_ok=True)
    last = selection.take_last_built(home)
    files = [entry.file for entry in lake.write_manifest(home)]
    built = selection.Built(_fingerprint(project), files)
    rebuilt_because = None
    if full_refresh:
        _remove_databases(home)
    else:
        rebuilt_because = _unreadable_database(home)
        if rebuilt_because is not None:
            _set_databases_aside(home)
        elif _database_files(home) and not _is_of(home / "dbt", project):
            rebuilt_because = "the dbt project is not the one that built the databases"
            _remove_databases(home)
    _mark_as_of(home / "dbt", project)
    if not all((home / name).exists() for name in (WAREHOUSE, MARTS)):
        last = None
    report = _run_dbt(home, project, progress, built, last)
    if rebuilt_because is None:
        rebuilt_because = _corruption_met_by(report)
        if rebuilt_because is not None:
            _set_databases_aside(home)
            report = _run_dbt(home, project, progress, built, None)
    report = BuildReport(report.nodes, report.seconds, report.overhead_seconds, rebuilt_because)
    if report.failures:
        raise _build_error(home, report)
    selection.remember_built(home, built)
    _mark_tested(home)
    # Now, because every file has been read: one made of them counts as read, too.
    lake.compact(home, only_crowded=True)
    return report


def is_tested(home: Path) -> bool:
    """Whether `marts.duckdb` is the result of a build whose tests all passed."""
    return _tested_marker(home).exists()


def dbt_manifest(home: Path, *, project: Path = DBT_PROJECT) -> dict[str, Any]:
    """Return manifest.json of the project as it is now; parses only when the project changed.

    Raises BuildError when the project cannot be parsed.
    """
    home = home.resolve()
    target = _target(home)
    manifest, stamp = target / "manifest.json", target / "project.fingerprint"
    fingerprint = _fingerprint(project)
    known = stamp.read_text() if stamp.exists() and manifest.exists() else None
    if known != fingerprint:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _parse(home, project)
        stamp.write_text(fingerprint)
    return cast("dict[str, Any]", json.loads(manifest.read_bytes()))


# --- dbt ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Parsed:
    """A parsed project; `nodes` are as they were before any run."""

    fingerprint: str
    manifest: "Manifest"
    nodes: dict[str, Any]

    def to_run(self, chosen: Collection[str]) -> "Manifest":
        """Return the manifest with fresh copies of the nodes that are to run, marked as such.

        Fresh because a run leaves its SQL in them. Marked because dbt compares every node with
        every name of a selection, three times: seventy names took half a second, a tag takes none.
        """
        fresh = {node: copy.deepcopy(self.nodes[node]) for node in chosen}
        for node in fresh.values():
            node.tags.append(_IN_THIS_RUN)
        self.manifest.nodes = self.nodes | fresh
        return self.manifest


_IN_THIS_RUN = "in_this_run"

_kept: dict[tuple[Path, Path], _Parsed] = {}
"""(home, project) -> the project as it was last parsed by this process."""


def _run_dbt(
    home: Path,
    project: Path,
    progress: BuildProgress | None,
    built: selection.Built,
    last: selection.Built | None,
) -> BuildReport:
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - dbt takes seconds to import

    started = time.monotonic()
    parsed = _parse(home, project)
    models = selection.models_to_run(parsed.manifest, built, last)
    if models is not None and not models:
        return BuildReport((), time.monotonic() - started, 0.0)
    nodes = selection.nodes_to_run(parsed.manifest, models)
    manifest = parsed.to_run(nodes)
    callbacks = [_node_counter(len(nodes), progress)] if progress else []
    # Written at parsing, and half a second each time: manifest.json does not change in a run.
    options = ["--no-write-json", "--exclude-resource-type=unit_test"]
    if models is not None:
        options += ["--select", f"tag:{_IN_THIS_RUN}", "--indirect-selection", "empty"]
    answer = _invoke(dbtRunner(manifest, callbacks), "build", home, project, *options)
    seconds = time.monotonic() - started
    if answer.exception is not None:
        _kept.pop((home, project), None)
        raise _invocation_error(home, answer.exception)
    results = cast("RunExecutionResult", answer.result).results
    return BuildReport(
        nodes=tuple(_outcome(cast("NodeResult", result)) for result in results),
        seconds=seconds,
        overhead_seconds=max(0.0, seconds - _span(cast("list[NodeResult]", results))),
    )


def _parse(home: Path, project: Path) -> _Parsed:
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - dbt takes seconds to import

    fingerprint = _fingerprint(project)
    known = _kept.get((home, project))
    if known is not None and known.fingerprint == fingerprint:
        return known
    if not _is_of(_target(home), project):
        # dbt takes a description that moved to another file for a second one of the same model.
        (_target(home) / "partial_parse.msgpack").unlink(missing_ok=True)
    answer = _invoke(dbtRunner(), "parse", home, project)
    if answer.exception is not None:
        raise _invocation_error(home, answer.exception)
    _mark_as_of(_target(home), project)
    manifest = cast("Manifest", answer.result)
    parsed = _Parsed(fingerprint, manifest, dict(manifest.nodes))
    _kept[home, project] = parsed
    return parsed


def _invoke(
    runner: "dbtRunner", command: str, home: Path, project: Path, *options: str
) -> "dbtRunnerResult":
    arguments = [
        command,
        *("--project-dir", str(project), "--profiles-dir", str(project)),
        *("--target-path", str(_target(home)), "--log-path", str(home / "dbt" / "logs")),
        *("--log-level", "none", "--log-level-file", "info"),
        *("--no-send-anonymous-usage-stats", "--no-version-check", "--no-use-colors"),
        *options,
    ]
    with _environment(AUDIT_LOG_HOME=str(home)):
        try:
            return runner.invoke(arguments)
        finally:
            _close_databases()


def _close_databases() -> None:
    """Close what dbt-duckdb keeps open for a next call: others may open the files now."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415 - dbt takes seconds to import
    from dbt.adapters.factory import cleanup_connections  # noqa: PLC0415 - dbt takes seconds to import

    cleanup_connections()  # type: ignore[no-untyped-call]  # dbt has no types here
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]  # dbt has no types here


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Lend dbt our settings for one call: it reads them only through env_var()."""
    previous = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in previous.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _fingerprint(project: Path) -> str:
    """Names, sizes and change times of the project's files: differs when dbt must parse again."""
    files = sorted(
        path
        for directory in [project, *(entry for entry in project.iterdir() if entry.is_dir())]
        if directory.name not in {"target", "logs"}
        for path in (directory.iterdir() if directory == project else directory.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    )
    return json.dumps([(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files])


def _node_counter(total: int, progress: BuildProgress) -> "Callable[[EventMsg], None]":
    """Make a dbt event callback that counts finished nodes; several threads of dbt call it."""
    numbers = itertools.count(1)

    def on_event(event: "EventMsg") -> None:
        if event.info.name == "NodeFinished":
            node = event.data.node_info
            if node.materialized != "ephemeral" and node.resource_type != "exposure":
                progress(next(numbers), total, node.node_name)

    return on_event


def _outcome(result: "NodeResult") -> NodeOutcome:
    return NodeOutcome(
        unique_id=result.node.unique_id,
        name=result.node.name,
        resource_type=str(result.node.resource_type),
        status=str(result.status),
        seconds=result.execution_time,
        failures=result.failures or 0,
        message=result.message or "",
    )


def _span(results: "list[NodeResult]") -> float:
    """Seconds from the first node's start to the last node's end."""
    times: list[datetime] = [
        moment
        for result in results
        for timing in result.timing
        for moment in (timing.started_at, timing.completed_at)
        if moment is not None
    ]
    return (max(times) - min(times)).total_seconds() if times else 0.0


def _target(home: Path) -> Path:
    return home / "dbt" / "target"


def _build_error(home: Path, report: BuildReport) -> BuildError:
    first, *others = (node.line for node in report.failures)
    more = f" (and {len(others)} more)" if others else ""
    if "No space left on device" in first:
        return BuildError(f"The disk is full: {first}", "Free some space and run again.", report)
    return BuildError(
        f"dbt: {first}{more}",
        f"Nothing was published. Details: {_log(home)}",
        report,
    )


def _invocation_error(home: Path, exception: BaseException) -> PipelineError:
    if isinstance(exception, KeyboardInterrupt):
        raise exception
    text = _one_line(str(exception)) or type(exception).__name__
    if "No space left on device" in text:
        return StorageError(f"The disk is full: {text}", "Free some space and run again.")
    return BuildError(f"dbt: {text}", f"Details: {_log(home)}")


def _log(home: Path) -> Path:
    return home / "dbt" / "logs" / "dbt.log"


def _one_line(text: str, limit: int = 400) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


# --- The two databases -------------------------------------------------------------------------


def _unreadable_database(home: Path) -> str | None:
    """Why one of the databases must be rebuilt; None when both open (or do not exist yet).

    Raises StorageError when a database cannot be opened for a reason that rebuilding cannot mend.
    """
    for name in (WAREHOUSE, MARTS):
        path = home / name
        if not path.exists():
            continue
        try:
            duckdb.connect(str(path)).close()
        except duckdb.Error as error:
            text = _one_line(str(error))
            if _UNREADABLE.search(text):
                return f"{name} cannot be read ({text})"
            raise _cannot_open(path, text) from error
    return None


def _cannot_open(path: Path, text: str) -> StorageError:
    if "Could not set lock" in text:
        holder = re.search(r"PID (\d+)", text)
        return StorageError(
            f"{path} is open in another process" + (f" (pid {holder[1]})" if holder else "") + ".",
            "Close it there; to look at the data, open CURRENT.duckdb instead.",
        )
    return StorageError(
        f"{path} cannot be opened: {text}",
        "Check the file's owner and permissions, and the free space of its disk.",
    )


def _corruption_met_by(report: BuildReport) -> str | None:
    """Say why the databases must be rebuilt after all: damaged blocks show only when read.

    A damaged file of the lake is another matter: no rebuild mends it.
    """
    for node in report.failures:
        if _UNREADABLE.search(node.message) and ".parquet" not in node.message:
            return f"a database is damaged ({node.line})"
    return None


def _set_databases_aside(home: Path) -> None:
    """Keep one copy of what could not be read, as `<name>.unreadable`, in place of the last."""
    for path in _database_files(home):
        path.replace(path.with_name(path.name + ".unreadable"))


def _remove_databases(home: Path) -> None:
    for path in _database_files(home):
        path.unlink()


def _is_of(directory: Path, project: Path) -> bool:
    """Whether `directory` was marked as made by this state of the project."""
    try:
        return (directory / _MARK).read_text() == _digest(project)
    except FileNotFoundError:
        return False


def _mark_as_of(directory: Path, project: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / _MARK).write_text(_digest(project))


def _digest(project: Path) -> str:
    """Return a digest of what the tables are made by: models, macros, seeds and their settings."""
    digest = hashlib.sha256()
    parts = [project / "dbt_project.yml", project / "profiles.yml"]
    for folder in ("macros", "models", "seeds"):
        parts += sorted(path for path in (project / folder).rglob("*") if path.is_file())
    for path in parts:
        digest.update(f"{path.relative_to(project)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _database_files(home: Path) -> list[Path]:
    """Both databases and their write-ahead logs, those that exist.

    They go together: the marts' bookkeeping names rows of the warehouse they were built from.
    """
    names = [name + suffix for name in (WAREHOUSE, MARTS) for suffix in ("", ".wal")]
    return [home / name for name in names if (home / name).exists()]


def _tested_marker(home: Path) -> Path:
    return home / "dbt" / "marts.tested"


def _mark_tested(home: Path) -> None:
    _tested_marker(home).touch(mode=0o600)
