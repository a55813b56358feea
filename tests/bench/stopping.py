"""A measurement that is stopped ends what it has started."""

from __future__ import annotations

import signal
import sys
from types import FrameType

STOPPED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def unwind_when_stopped() -> None:
    """Let the first signal to stop raise SystemExit, so that every `with` ends what it began.

    Further ones do nothing: an end must not be interrupted half-way. Under `nohup` the end of the
    terminal does nothing either. For the main thread.
    """
    for number in STOPPED_BY:
        # Only this one: shells and test runners let their children ignore the others by accident.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, _frame: FrameType | None) -> None:
    for other in STOPPED_BY:
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)
