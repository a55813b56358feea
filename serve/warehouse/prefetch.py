"""Reads a snapshot file once when it is opened, so that no question waits for the disk.

A page from far back touches a block of every column; what was published on this machine is mostly
still in memory, but not after a restart.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import ExitStack
from pathlib import Path

_CHUNK_BYTES = 4 * 1024 * 1024

_log = logging.getLogger(__name__)


class Prefetch:
    """A thread that reads one file from its beginning to its end, for the operating system to keep.

    A file of more than half of the machine's memory is left alone: it would push out itself. One
    that was read stays open until `close`: closing it gives up every lock that this process has on
    it, and with DuckDB's own anybody might write into it.
    """

    def __init__(self, path: Path, most_bytes: int | None = None) -> None:
        """Begin to read `path`; `most_bytes` stands for half of the machine's memory."""
        self.bytes_read = 0
        self._path = path
        self._most_bytes = _half_of_memory() if most_bytes is None else most_bytes
        self._opened = ExitStack()
        self._is_wanted = threading.Event()
        self._is_wanted.set()
        self._thread = threading.Thread(target=self._read, name="prefetch", daemon=True)
        self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the file has been read, or left alone."""
        self._thread.join(seconds)

    def close(self) -> None:
        """Stop reading, and let go of the file."""
        self._is_wanted.clear()
        self._thread.join()
        self._opened.close()

    def _read(self) -> None:
        began = time.monotonic()
        try:
            size = self._path.stat().st_size
            if size > self._most_bytes:
                _log.info("not read ahead, it has %d bytes: %s", size, self._path.name)
                return
            chunk = bytearray(min(size, _CHUNK_BYTES) or 1)
            file = self._opened.enter_context(self._path.open("rb", buffering=0))
            while self._is_wanted.is_set() and (read := file.readinto(chunk)):
                self.bytes_read += read
        except OSError as error:  # a question that needs these bytes will say so
            _log.warning("could not be read ahead: %s: %s", self._path.name, error)
        else:
            seconds = time.monotonic() - began
            _log.info("read ahead in %.1f seconds: %s", seconds, self._path.name)


def _half_of_memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
