"""One run at a time: an advisory lock on ``$AUDIT_LOG_HOME/run.lock``.

Whoever syncs, builds or publishes holds it; DuckDB lets one process write a file, and the lake's
manifest has one author. The lock is the kernel's (``flock``), so it ends with its holder however
that holder ends: there is no stale lock to clear away. The text in the file only tells people who
holds it.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.errors import ConfigurationError

LOCK_NAME = "run.lock"
PRIVATE_UMASK = 0o077
# Looking at the lock (`current_holder`) takes it, shared, for microseconds. Trying a few times
# keeps a look from turning a start away.
_ATTEMPTS = 4
_PAUSE_SECONDS = 0.02
MAX_WAIT_SECONDS = 300.0


@dataclass(frozen=True)
class Holder:
    """Who holds the lock: process id, start (UTC) and Dagster run; None where not (yet) known.

    `is_for_inbox`: it reads the inbox and no other source.
    """

    pid: int | None = None
    since: datetime | None = None
    run_id: str | None = None
    is_for_inbox: bool = False

    def __str__(self) -> str:
        if self.pid is None or self.since is None:
            return "started just now"
        return f"pid {self.pid}, since {self.since:%Y-%m-%d %H:%M:%S} UTC"


class AlreadyRunningError(Exception):
    """Another process holds the lock: this start is skipped, which is no failure."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(f"already running ({holder})")
        self.holder = holder


@contextmanager
def run_lock(
    home: Path,
    *,
    run_id: str | None = None,
    is_for_inbox: bool = False,
) -> Iterator[None]:
    """Hold the lock of `home` (created if missing); files made while it is held are private.

    `run_id` tells others which Dagster run this is. A run for the inbox alone is waited for by all
    others, at most MAX_WAIT_SECONDS: there is one every few seconds while webhooks come in, and a
    full run must not be turned away by them again and again.

    Raises AlreadyRunningError when another process, or another holder in this one, has it, and
    ConfigurationError when `home` cannot be a directory.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, FileNotFoundError, NotADirectoryError) as error:
        raise ConfigurationError(
            f"{home} cannot be a directory: {error.strerror}.",
            "Set AUDIT_LOG_HOME to a directory, or to a place where one can be made.",
        ) from error
    descriptor = os.open(home / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        while not _try_exclusive(descriptor):
            holder = _read_holder(descriptor)
            if is_for_inbox or not holder.is_for_inbox or time.monotonic() > deadline:
                raise AlreadyRunningError(holder)
        previous_umask = os.umask(PRIVATE_UMASK)
        try:
            holder = Holder(os.getpid(), datetime.now(UTC), run_id, is_for_inbox)
            _write_holder(descriptor, holder)
            yield
        finally:
            os.umask(previous_umask)
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def current_holder(home: Path) -> Holder | None:
    """Who runs in `home` now; None when nobody does."""
    try:
        descriptor = os.open(home / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_holder(descriptor)
    else:
        return None
    finally:
        os.close(descriptor)


def _try_exclusive(descriptor: int) -> bool:
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_SECONDS)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return True
    return False


def _write_holder(descriptor: int, holder: Holder) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(asdict(holder), default=str).encode(), 0)


def _read_holder(descriptor: int) -> Holder:
    try:
        content = json.loads(os.pread(descriptor, 1000, 0))
        return Holder(
            int(content["pid"]),
            datetime.fromisoformat(content["since"]),
            content["run_id"],
            content["is_for_inbox"],
        )
    except (ValueError, KeyError, TypeError):
        return Holder()
