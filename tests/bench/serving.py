"""Servers in processes of their own: the product's, and one that does nothing as their floor.

`python -m tests.bench.serving` runs the latter on a free loopback port, until it is ended.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from serve.middleware import Guard

EMPTY = "/empty"
ROOT = Path(__file__).parents[2]
LONGEST_WAIT = 240
LOOK_SECONDS = 0.1


@contextmanager
def process(
    arguments: list[str], environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m …` in a process group of its own, and end the whole group."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=os.environ | dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield started
        finally:
            with suppress(ProcessLookupError):  # it may have ended by itself
                os.killpg(started.pid, signal.SIGTERM)
            try:
                started.wait(60)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()
            finally:
                with suppress(ProcessLookupError):  # what it had started, and left
                    os.killpg(started.pid, signal.SIGKILL)


def address(log: Path, server: subprocess.Popen[bytes]) -> str:
    """Return the URL that `server` says in its log; waits for it.

    RuntimeError with the log when it ends before, TimeoutError when it takes too long.
    """
    deadline = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(log.read_text())
        found = re.findall(r"Serving on (http://\S+)", log.read_text())
        if found:
            return str(found[-1])
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(log.read_text())


@contextmanager
def serving(home: Path, **settings: str) -> Iterator[tuple[str, int]]:
    """Serve the snapshots under `home`; yields host and port.

    `settings` are those of `serve.config`, as they are written in the environment.
    """
    named = {f"AUDIT_LOG_{name.upper()}": value for name, value in settings.items()}
    environment = named | {"AUDIT_LOG_HOME": str(home), "PORT": "0"}
    with _listening(["orchestration.cli", "serve"], environment) as place:
        yield place


@contextmanager
def serving_nothing() -> Iterator[tuple[str, int]]:
    """Serve the application whose one route does nothing; yields host and port."""
    with _listening(["tests.bench.serving"], {}) as place:
        yield place


@contextmanager
def _listening(arguments: list[str], environment: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "log.txt"
        with process(arguments, environment, log) as server:
            parts = urlsplit(address(log, server))
            yield str(parts.hostname), int(parts.port or 0)


def empty_application() -> FastAPI:
    """Return an application whose one route does nothing, behind the guard of the product."""
    application = FastAPI(openapi_url=None)
    application.add_middleware(Guard)

    @application.get(EMPTY)
    async def empty() -> None:
        """Do nothing: what HTTP itself costs."""

    return application


def main() -> None:
    """Serve the empty application, with the settings of uvicorn that the product has."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    sys.stdout.write(f"Serving on http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        empty_application(), log_level="warning", access_log=False, server_header=False
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
