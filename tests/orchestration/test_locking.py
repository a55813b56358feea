"""The lock under real processes: races, kills, and what a second start is told."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.locking import AlreadyRunningError, current_holder, run_lock

RACER = """
import sys, time
from pathlib import Path
from orchestration.locking import AlreadyRunningError, run_lock
print("ready", flush=True)
sys.stdin.readline()
try:
    with run_lock(Path(sys.argv[1])):
        print("ran", flush=True)
        sys.stdin.readline()
except AlreadyRunningError as skipped:
    print(f"skipped: {skipped}", flush=True)
"""

LOOKER = """
import sys
from pathlib import Path
from orchestration.locking import current_holder
while True:
    current_holder(Path(sys.argv[1]))
"""


def start_racer(home: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", RACER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert answer(process) == "ready"
    return process


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_of_twenty_starts_at_once_one_runs_and_nineteen_are_skipped(tmp_path: Path) -> None:
    racers = [start_racer(tmp_path) for _ in range(20)]
    for racer in racers:
        go(racer)
    answers = [answer(racer) for racer in racers]
    assert answers.count("ran") == 1
    winner = racers[answers.index("ran")]
    skipped = [text for text in answers if text.startswith("skipped: already running (")]
    assert len(skipped) == 19
    holder = current_holder(tmp_path)
    assert holder is not None
    assert holder.pid == winner.pid
    go(winner)
    for racer in racers:
        racer.communicate(timeout=300)
        assert racer.returncode == 0
    assert current_holder(tmp_path) is None


def test_a_killed_holder_leaves_no_lock_behind(tmp_path: Path) -> None:
    racer = start_racer(tmp_path)
    go(racer)
    assert answer(racer) == "ran"
    told = f"already running \\(pid {racer.pid}, since 20.* UTC\\)"
    with pytest.raises(AlreadyRunningError, match=told), run_lock(tmp_path):
        pass
    os.kill(racer.pid, signal.SIGKILL)
    racer.communicate(timeout=300)
    assert current_holder(tmp_path) is None
    with run_lock(tmp_path):
        holder = current_holder(tmp_path)
        assert holder is not None
        assert holder.pid == os.getpid()


def test_looking_at_the_lock_never_turns_a_start_away(tmp_path: Path) -> None:
    looker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            LOOKER,
            str(tmp_path),
        ]
    )
    try:
        for _ in range(200):
            with run_lock(tmp_path):
                pass
    finally:
        looker.kill()
        looker.wait(timeout=300)


def test_files_made_while_held_are_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    before = os.umask(0o022)
    try:
        with run_lock(home):
            (home / "secret").write_text("x")
        (home / "open").write_text("x")
    finally:
        os.umask(before)
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "secret").stat().st_mode & 0o777 == 0o600
    assert (home / "run.lock").stat().st_mode & 0o777 == 0o600
    assert (home / "open").stat().st_mode & 0o777 == 0o644
