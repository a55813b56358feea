"""A measurement that is stopped leaves no process behind, however its children take it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.product import REPOSITORY

STOPPED = """
import signal, sys
from pathlib import Path
from tests.bench.serving import process
from tests.bench.stopping import unwind_when_stopped

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as at a terminal, whoever runs the tests
unwind_when_stopped()
with process(["stubborn"], {}, Path(sys.argv[1])):
    signal.pause()
"""

# It ends when it is asked to; what it has started does not, and holds a pipe open while it lives.
STUBBORN = """
import os, signal, subprocess, sys

child = '''
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pipe = open(os.environ["PIPE"], "w")
print("up", file=pipe, flush=True)
signal.pause()
'''
subprocess.Popen([sys.executable, "-c", child]).wait()
"""
PATIENCE_SECONDS = 300


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_measurement_ends_all_it_has_started(number: int, tmp_path: Path) -> None:
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    os.mkfifo(tmp_path / "pipe")
    python_path = f"{REPOSITORY}{os.pathsep}{tmp_path}"
    measuring = subprocess.Popen(
        [sys.executable, "-c", STOPPED, str(tmp_path / "log")],
        env=os.environ | {"PYTHONPATH": python_path, "PIPE": str(tmp_path / "pipe")},
    )
    pipe = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert _next_of(pipe) == b"up\n"
        measuring.send_signal(number)
        assert _next_of(pipe) == b""  # comes when nobody holds the other end any more
        assert measuring.wait(PATIENCE_SECONDS) == 128 + number
    finally:
        os.close(pipe)
        measuring.kill()
        measuring.wait()


def _next_of(pipe: int) -> bytes:
    readable, _, _ = select.select([pipe], [], [], PATIENCE_SECONDS)
    assert readable, "nothing came"
    return os.read(pipe, 100)
