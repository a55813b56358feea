"""`python -m tests.sandbox.demo`: a made-up site, synced, built, published and served.

    sandbox (HTTP, live clock)  ->  audit-log run  ->  audit-log serve on http://127.0.0.1:$PORT

Each is a process of its own, started the way a user would start it. State is in AUDIT_LOG_HOME
(default ./data), the sandbox's under `sandbox/` there, so a second start continues the same world:
it serves the last snapshot at once and brings it up to date meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from tests.sandbox.running import environment_of

SEED = 7
FAILED = 1
START_SECONDS = 180
STOP_SECONDS = 8
STOPPED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a request to end, and the end of the terminal."""
AUDIT_LOG = (sys.executable, "-m", "orchestration.cli")


class DemoError(Exception):
    """The demo cannot go on; the text is one line with the remedy."""


class StoppedError(Exception):
    """Someone pressed Ctrl-C, sent SIGTERM or closed the terminal."""


def main() -> int:
    """Run the demo; 0 when it was stopped or `--no-serve` is done, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox.demo", description=__doc__)
    parser.add_argument("--no-serve", action="store_true", help="sync, build and publish only")
    parser.add_argument("--actions-per-year", type=int, default=62_000, help="size of the site")
    arguments = parser.parse_args()
    for number in STOPPED_BY:
        # `nohup` lets the terminal's end be ignored; a test runner lets SIGTERM be by accident.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    try:
        _demonstrate(arguments.actions_per_year, serves=not arguments.no_serve)
    except DemoError as error:
        sys.stderr.write(f"demo: {error}\n")
        return FAILED
    except StoppedError:
        _say("demo: stopped")
    return 0


def _demonstrate(actions_per_year: int, *, serves: bool) -> None:
    home = Path(os.environ.get("AUDIT_LOG_HOME") or "data").absolute()
    port = _port() if serves else 0
    _check_home(home)
    with _running_sandbox(home / "sandbox", actions_per_year) as site_url:
        site = environment_of(site_url) | {"AUDIT_LOG_HOME": str(home)}
        variables = home / "sandbox" / "site.env"
        variables.write_text(
            "".join(f"{name}={shlex.quote(value)}\n" for name, value in site.items())
        )
        environment = os.environ | site | {"PORT": str(port)}
        is_first = not (home / "CURRENT").exists()
        if is_first or not serves:
            _run_audit_log(environment)
        if serves:
            with _serving(environment, port) as server:
                _print_questions(f"http://127.0.0.1:{port}", variables)
                if not is_first:
                    _run_audit_log(environment)
                    _say(f"demo: http://127.0.0.1:{port} is up to date")
                server.wait()
                raise DemoError("`audit-log serve` ended by itself; its last line says why.")


def _run_audit_log(environment: dict[str, str]) -> None:
    _say("demo: sync, build and publish (audit-log run)")
    with _child([*AUDIT_LOG, "run"], environment) as run:
        if run.wait() != 0:
            raise DemoError("`audit-log run` failed; its last line says why and what to do.")


@contextlib.contextmanager
def _serving(environment: dict[str, str], port: int) -> Iterator[subprocess.Popen[str]]:
    _say("demo: serve (audit-log serve)")
    command = [*AUDIT_LOG, "serve", "--port", str(port)]
    with _child(command, environment | {"AUDIT_LOG_HOST": "127.0.0.1"}) as server:
        _wait_until_served(server, port)
        yield server


def _port() -> int:
    """Return PORT if nobody listens there, before anything slow begins."""
    text = os.environ.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) <= 65_535:
        raise DemoError(f"PORT={text} is not a port; give a number from 1 to 65535.")
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(text)))
        except OSError as error:
            raise DemoError(
                f"port {text} cannot be used ({error.strerror}); stop what listens there,"
                " or choose another: PORT=8001 make demo"
            ) from error
    return int(text)


def _check_home(home: Path) -> None:
    """Refuse a home with data that no demo made: the demo's own always has its sandbox beside."""
    if (home / "raw").exists() and not (home / "sandbox" / "ledger.jsonl").exists():
        raise DemoError(
            f"{home} holds data of another site; give the demo a directory of its own:"
            " AUDIT_LOG_HOME=./demo-data make demo"
        )
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(
            f"{home} cannot be made ({error.strerror}); set AUDIT_LOG_HOME to another directory."
        ) from error


@contextlib.contextmanager
def _running_sandbox(state: Path, actions_per_year: int) -> Iterator[str]:
    """Start the made-up site and yield its address."""
    _say("demo: a made-up Jira site (python -m tests.sandbox serve)")
    command = [sys.executable, "-m", "tests.sandbox", "serve", "--seed", str(SEED), "--port", "0"]
    command += ["--state", str(state), "--actions-per-year", str(actions_per_year)]
    with _child(command, os.environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            _say(f"  {line.rstrip()}")
            if line.startswith("listening on "):
                yield line.split()[2]
                return
        raise DemoError(f"the sandbox site did not start; its message is above. State: {state}")


@contextlib.contextmanager
def _child(
    command: list[str],
    environment: Mapping[str, str],
    stdout: int | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Run a process that ends when the block does: asked to first, then made to."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=stdout,
        text=True,
        # Ctrl-C reaches the demo alone, which then stops its children in order.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in STOPPED_BY:
        signal.signal(number, signal.SIG_IGN)  # stopping must not be interrupted half-way
    raise StoppedError


def _wait_until_served(server: subprocess.Popen[str], port: int) -> None:
    deadline = datetime.now(UTC) + timedelta(seconds=START_SECONDS)
    while datetime.now(UTC) < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(0.1)
            raise DemoError("`audit-log serve` did not start; its last line says why.")
        with contextlib.suppress(OSError), contextlib.closing(socket.socket()) as probe:
            probe.connect(("127.0.0.1", port))
            return
    raise DemoError(f"`audit-log serve` did not answer within {START_SECONDS} s.")


def _print_questions(base: str, variables: Path) -> None:
    week_ago = datetime.now(UTC).date() - timedelta(days=7)
    project, day = _lively_project(f"{base}/api/v1/actions?limit=1000")
    questions = {
        "Who did most in the last 7 days?": f"/activity?from={week_ago}&limit=5",
        f"What happened in project {project} on {day}?": (
            f"/actions?project={project}&from={day}&to={day + timedelta(days=1)}&limit=5"
        ),
        "Who deleted attachments, worklogs or links in the last 30 days?": (
            "/activity?action_code=ATTACHMENT_DELETED&action_code=WORKLOG_DELETED"
            "&action_code=ISSUELINK_DELETED&limit=5"
        ),
    }
    _say(f"\nThe audit log is served on {base} (documentation: {base}/api/docs). Ask it:\n")
    for question, path in questions.items():
        _say(f"  # {question}\n  curl -s '{base}/api/v1{path}' | python3 -m json.tool\n")
    _say(
        "The made-up site goes on working. To bring in what has happened since:\n"
        f"  (set -a; . {shlex.quote(str(variables))}; .venv/bin/audit-log run)\n"
        "Ctrl-C stops everything."
    )


def _lively_project(url: str) -> tuple[str, date]:
    """Return the project that occurs most among the latest actions, and its latest day."""
    try:
        with urllib.request.urlopen(url, timeout=START_SECONDS) as response:  # noqa: S310 - our own loopback address
            page: dict[str, Any] = json.load(response)
    except (OSError, json.JSONDecodeError) as error:
        raise DemoError(f"{url} does not answer as it should: {error}") from error
    days = [
        (item["project"]["key"], datetime.fromisoformat(item["occurred_at"]).date())
        for item in page["items"]
        if item["project"]
    ]
    if not days:
        raise DemoError("the audit log holds no action of the last 30 days; is the clock right?")
    keys = [key for key, _day in days]
    liveliest = max(keys, key=keys.count)
    return liveliest, max(day for key, day in days if key == liveliest)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
