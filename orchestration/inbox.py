"""Real time: what was pushed to us is in the published snapshot soon after it came.

Whoever runs (the Dagster sensor, `audit-log follow`) looks every few seconds whether anything
waits, and then reads all of it in one run: what comes meanwhile waits for the next one. A burst
therefore costs a run or two, however many deliveries it has.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import FrameType

from orchestration.state import last_cursor
from pipelines.config import Settings
from pipelines.errors import NotConnectedError, PipelineError
from pipelines.sources.inbox.database import open_inbox

SOURCE = "inbox"
INTERVAL_SECONDS = 5
RETRY_SECONDS = 60
"""Pause after a run that left behind what it should have read."""


def waiting_since(settings: Settings) -> datetime | None:
    """Return when the oldest delivery came that no finished load holds; None: nothing waits.

    Times are UTC. Raises PipelineError when the application's database cannot be read.
    """
    try:
        with open_inbox(settings) as inbox:
            return inbox.oldest_after(last_cursor(settings.home, SOURCE))
    except NotConnectedError:
        return None


def follow_inbox(
    settings: Settings,
    stopped: threading.Event,
    every: timedelta,
    attempt: Callable[[list[str] | None], None],
) -> None:
    """Call `attempt` until stopped: for the inbox whenever something waits, for all (None) `every`.

    `attempt` raises nothing. What a run leaves behind is tried again after a pause.
    """
    next_full = time.monotonic()
    next_inbox = time.monotonic()
    while not stopped.is_set():
        now = time.monotonic()
        if now >= next_full:
            attempt(None)
            next_full = now + every.total_seconds()
        elif now >= next_inbox and (since := _waiting_or_none(settings)) is not None:
            attempt([SOURCE])
            left = _waiting_or_none(settings)
            is_left_behind = left is not None and left <= since
            next_inbox = time.monotonic() + (RETRY_SECONDS if is_left_behind else 0)
        stopped.wait(INTERVAL_SECONDS)


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Lend an event that SIGINT and SIGTERM set; what is going on then may end first."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _waiting_or_none(settings: Settings) -> datetime | None:
    """Do as `waiting_since`; a database that cannot be read now has nothing to offer now."""
    try:
        return waiting_since(settings)
    except PipelineError:
        return None
