"""`audit-log doctor`: everything a run needs, tested one by one, each with its remedy."""

import importlib.metadata
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.locking import current_holder
from orchestration.publishing import FREE_SPACE_FACTOR, LINK, current_snapshot, read_relations
from orchestration.transformation import MARTS, WAREHOUSE
from pipelines.config import Settings, load_settings
from pipelines.errors import PipelineError

LEAST_FREE_BYTES = 1_000_000_000
COMPONENTS = ("dlt", "dbt-core", "dbt-duckdb", "duckdb", "dagster", "fastapi", "pyarrow")


@dataclass(frozen=True)
class Finding:
    """One thing tested; `remedy` is what to do about it, None when all is well."""

    subject: str
    detail: str
    remedy: str | None = None


def examine(*, offline: bool = False) -> list[Finding]:
    """Test everything; `offline` leaves out the site. Nothing is changed."""
    findings = [_python(), _versions()]
    try:
        settings = load_settings()
    except PipelineError as error:
        return [*findings, Finding("settings", error.message, error.remedy)]
    findings += [
        *_home(settings.home),
        _free_space(settings.home),
        *_databases(settings.home),
        _snapshot(settings.home),
        _port(),
    ]
    if not offline:
        findings += _account(settings)
    return findings


def _python() -> Finding:
    remedy = "Install Python 3.11 or newer and run `make setup`."
    is_new_enough = sys.version_info >= (3, 11)
    return Finding("python", platform.python_version(), None if is_new_enough else remedy)


def _versions() -> Finding:
    try:
        found = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in COMPONENTS)
    except importlib.metadata.PackageNotFoundError as error:
        return Finding("versions", f"{error.name} is not installed", "Run `make setup`.")
    return Finding("versions", found)


def _home(home: Path) -> Iterator[Finding]:
    nearest = _nearest_directory(home)
    is_writable = os.access(nearest, os.W_OK | os.X_OK)
    remedy = f"Give this user the right to write in {nearest}, or set AUDIT_LOG_HOME."
    yield Finding(
        "home",
        f"{home.absolute()}" + ("" if home.exists() else " (made by the first run)"),
        None if is_writable else remedy,
    )
    if home.exists():
        mode = home.stat().st_mode & 0o777
        is_private = mode & 0o077 == 0
        yield Finding("home's mode", f"{mode:o}", None if is_private else f"chmod 700 {home}")


def _nearest_directory(home: Path) -> Path:
    return next(path for path in (home, *home.absolute().parents) if path.is_dir())


def _free_space(home: Path) -> Finding:
    marts = home / MARTS
    size = marts.stat().st_size if marts.exists() else 0
    needed = max(LEAST_FREE_BYTES, FREE_SPACE_FACTOR * size)
    free = shutil.disk_usage(_nearest_directory(home)).free
    remedy = "Free some space, or move AUDIT_LOG_HOME to a larger disk."
    return Finding(
        "free disk space",
        f"{free / 1e9:,.1f} GB free, {needed / 1e9:,.1f} GB wanted",
        None if free >= needed else remedy,
    )


def _databases(home: Path) -> Iterator[Finding]:
    if current_holder(home):
        yield Finding("databases", "in use by the run that is going on")
        return
    for name in (WAREHOUSE, MARTS):
        path = home / name
        if not path.exists():
            yield Finding(name, "not built yet")
            continue
        yield _reads(
            name,
            path,
            "Close other programs that have it open; if it is damaged, the next"
            " `audit-log build` rebuilds it from the lake.",
        )


def _snapshot(home: Path) -> Finding:
    try:
        path = current_snapshot(home)
    except PipelineError as error:
        return Finding("snapshot", error.message, error.remedy)
    if path is None:
        return Finding("snapshot", "none published yet")
    link = home / LINK
    if not link.exists() or link.resolve() != path.resolve():
        return Finding("snapshot", f"{link} is not it", "Run `audit-log publish`.")
    return _reads("snapshot", path, "Run `audit-log build --full-refresh` and `audit-log publish`.")


def _reads(subject: str, path: Path, remedy: str) -> Finding:
    try:
        relations = read_relations(path)
    except duckdb.Error as error:
        return Finding(subject, str(error).splitlines()[0], remedy)
    rows = sum(relation.rows for relation in relations.values())
    holds = f", {rows:,} rows in {len(relations)} public relations" if relations else ""
    return Finding(subject, f"{path.name} opens{holds}")


def _port() -> Finding:
    from serve.config import load_settings as load_serve_settings  # noqa: PLC0415 - seconds to import, for one command
    from serve.errors import ServeError  # noqa: PLC0415 - seconds to import, for one command

    try:
        settings = load_serve_settings()
    except ServeError as error:
        return Finding("port", str(error), "Correct the setting.")
    address = f"{settings.host}:{settings.port}"
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            reason = error.strerror or str(error)
            remedy = "Set PORT to a free one, unless it is `audit-log serve` that listens there."
            return Finding("port", f"{address}: {reason}", remedy)
    return Finding("port", f"{address} is free")


def _account(settings: Settings) -> Iterator[Finding]:
    from pipelines.check import check_connection  # noqa: PLC0415 - seconds to import, for one command

    try:
        permissions = check_connection(settings)
    except PipelineError as error:
        yield Finding("site", error.message, error.remedy)
        return
    for permission in permissions:
        subject = f"{permission.source}: {permission.permission}"
        if permission.is_connected:
            remedy = f"Grant it to the account; without it {permission.loses}."
            yield Finding(subject, permission.detail, None if permission.is_granted else remedy)
        else:
            yield Finding(subject, f"not connected; without it {permission.loses}")
