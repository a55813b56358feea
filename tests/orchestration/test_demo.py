"""`make demo` on a small site: it answers its own questions, starts again, stops cleanly."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pytest

from tests.e2e.product import assert_secrets_are_kept
from tests.sandbox import checker

START_SECONDS = 1800


def free_port() -> int:
    """Return a port that stays free: if possible none that the system gives to whoever asks."""
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(given.read_text().split()[0]) if given.exists() else 0
    asked = random.sample(range(1_024, first), k=50) if first > 2_000 else []
    for port in (*asked, 0):
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    pytest.fail("no port is free")


def demo_command(*options: str) -> list[str]:
    return [sys.executable, "-m", "tests.sandbox.demo", "--actions-per-year", "3000", *options]


def environment(home: Path, port: int) -> dict[str, str]:
    return os.environ | {"AUDIT_LOG_HOME": str(home), "PORT": str(port)}


class RunningDemo:
    """A started demo; `output` is everything it said so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.output = ""

    def wait_for(self, text: str) -> None:
        """Read on until `text` was said; fails when the demo ends before."""
        assert self.process.stdout is not None
        while text not in self.output:
            line = self.process.stdout.readline()
            assert line, self.output
            self.output += line

    def children(self) -> list[int]:
        """Return the process ids of the site and of the server."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(number) for number in found.split()]


@contextmanager
def running_demo(home: Path, port: int, errors: IO[str]) -> Iterator[RunningDemo]:
    process = subprocess.Popen(
        demo_command(),
        env=environment(home, port),
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )
    watchdog = threading.Timer(START_SECONDS, process.terminate)
    watchdog.start()
    try:
        yield RunningDemo(process)
    finally:
        watchdog.cancel()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=300)


def ask(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=300) as response:  # noqa: S310  (our own server)
        answer: dict[str, Any] = json.load(response)
    return answer


def test_the_demo_answers_its_questions_and_starts_again_and_stops(tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    with (tmp_path / "errors").open("w+") as errors, running_demo(home, port, errors) as first:
        first.wait_for("Ctrl-C stops everything.")
        questions = re.findall(r"curl -s '(http://[^']+)'", first.output)
        assert len(questions) == 3
        for url in questions:
            assert url.startswith(f"http://127.0.0.1:{port}/api/v1/")
            assert ask(url)["items"], url
        children = first.children()
        assert len(children) == 2
    assert first.process.returncode == 0
    assert still_running(children) == []
    assert_run_was_clean_and_whole(home, first.output, (tmp_path / "errors").read_text())

    with (tmp_path / "errors").open("w+") as errors, running_demo(home, port, errors) as second:
        second.wait_for("Ctrl-C stops everything.")
        assert "demo: sync, build" not in second.output  # the last snapshot is served at once
        assert ask(questions[0])["items"]
        second.wait_for("== sync")
        children = second.children()
        assert len(children) == 3
    assert second.process.returncode == 0
    assert still_running(children) == []


def assert_run_was_clean_and_whole(home: Path, printed: str, errors: str) -> None:
    """Fail unless `audit-log run`, in a process of its own, published all, once, and no secret."""
    assert errors == ""
    of_the_site = home / "sandbox"
    of_the_log = [path for path in home.rglob("*") if of_the_site not in (path, *path.parents)]
    assert_secrets_are_kept(of_the_log, printed)
    report = checker.check(of_the_site, home)
    assert report.total("expected") > 1_000
    assert {verdict: report.total(verdict) for verdict in ("lost", "doubled", "invented")} == {
        "lost": 0,
        "doubled": 0,
        "invented": 0,
    }


def still_running(processes: list[int]) -> list[int]:
    return [number for number in processes if Path(f"/proc/{number}").exists()]


def refuse(home: Path, port: int) -> str:
    """Return what a demo that must not start says; it has to be quick and one line."""
    answer = subprocess.run(
        demo_command(),
        env=environment(home, port),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    return answer.stderr


def test_a_taken_port_is_one_line_before_anything_starts(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert f"demo: port {port} cannot be used" in refuse(tmp_path / "home", port)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("has_sandbox", [False, True])
def test_data_of_another_site_is_left_alone(tmp_path: Path, *, has_sandbox: bool) -> None:
    (tmp_path / "raw").mkdir()
    if has_sandbox:
        (tmp_path / "sandbox").mkdir()
    assert "holds data of another site" in refuse(tmp_path, free_port())
    assert not (tmp_path / "run.lock").exists()
