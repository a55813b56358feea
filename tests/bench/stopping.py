"""A measurement that is stopped ends what it has started."""

from __future__ import annotations

import signal
import sys
from types import FrameType

STOPPED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def unwind_when_stopped() -> None:
    """Let the first signal to stop raise SystemExit, so that every `with` ends what it began.

    Further ones do nothing: an end must not be interrupted half-way. What is ignored (by `nohup`)
    stays so. For the main thread.
    """
    for number in STOPPED_BY:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, _frame: FrameType | None) -> None:
    for other in STOPPED_BY:
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)
