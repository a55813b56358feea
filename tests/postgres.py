"""A Postgres server of the tests' own on a private socket, where one is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import OperationalError

START_SECONDS = 120
UNPRIVILEGED = ("postgres", "nobody")
"""Who runs the server when we are root, as whom it refuses to run."""


@contextmanager
def running_postgres() -> Iterator[URL]:
    """Start a server for as long as the context lasts; skips the test, saying so, without one."""
    initdb, postgres = _program("initdb"), _program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("NOT TESTED ON POSTGRES: no server (initdb, postgres) is installed here")
    # In the system's folder for such things: the path of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="postgres-") as directory:
        place, account = Path(directory), _account()
        if account:
            os.chown(place, account["user"], account["group"])
        data, log = place / "data", place / "log"
        made: dict[str, Any] = {"cwd": place, "env": {"LC_ALL": "C", "PATH": os.defpath}} | account
        with log.open("wb") as said:
            output: dict[str, Any] = {"stdout": said, "stderr": subprocess.STDOUT}
            subprocess.run(
                [initdb, "-D", data, "-U", "postgres", "--no-sync", "-A", "trust", "-E", "UTF8"],
                check=True,
                **made,
                **output,
            )
            server = subprocess.Popen(
                [postgres, "-D", data, "-k", place, "-c", "listen_addresses=", "-c", "fsync=off"],
                **made,
                **output,
            )
        try:
            url = URL.create(
                "postgresql+psycopg",
                "postgres",
                database="postgres",
                query={"host": str(place)},
            )
            _wait_for(url, server, log)
            yield url
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: what it holds is thrown away
            server.wait()


def empty(url: URL) -> None:
    """Remove everything from the database."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("drop schema public cascade"))
        connection.execute(text("create schema public"))
    engine.dispose()


def _program(name: str) -> str | None:
    """Find a program of the server, on the path or where Debian keeps it; the newest there."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(kept[-1]) if kept else None)


def _account() -> dict[str, Any]:
    """Return who is to run the server, for subprocess; empty: whoever runs the tests."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = next(known[name] for name in UNPRIVILEGED if name in known)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _wait_for(url: URL, server: subprocess.Popen[bytes], log: Path) -> None:
    engine = create_engine(url)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            engine.connect().close()
        except OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Postgres did not start:\n{log.read_text()}") from None
            time.sleep(0.05)
        else:
            engine.dispose()
            return
