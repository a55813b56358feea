"""How long to go on asking, how much at once, and how long a server asks us to wait."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Clock:
    """How time passes, in seconds. Tests have one on which minutes of waiting pass at once."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to keep trying, by which clock.

    `attempts` bounds failures of one request; being told to wait is no failure and is bounded
    by `total_seconds` alone. `try_seconds` bounds one try, body included, so that a server that
    drips bytes cannot hold a sync.
    """

    attempts: int = 8
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 60.0
    try_seconds: float = 120.0
    total_seconds: float = 1800.0
    clock: Clock = Clock()


USUAL = Patience()

FIRST_CONTACT = Patience(attempts=5, first_pause_seconds=0.25, try_seconds=20.0, total_seconds=60.0)
"""For the first request of a run: a person with a typing mistake should not wait for minutes."""


class EndpointLimiter:
    """How many requests of one endpoint may be in flight, and from when on.

    With `per_minute` no more than so many start within any 60 seconds.
    Told to slow down it halves the number and grows it back one by one as answers succeed.
    """

    def __init__(
        self,
        maximum: int,
        per_minute: int | None = None,
        clock: Clock = Clock(),
    ) -> None:
        self._maximum = maximum
        self._clock = clock
        self._started: deque[float] | None = deque(maxlen=per_minute) if per_minute else None
        self._allowed = float(maximum)
        self._in_flight = 0
        self._not_before = 0.0
        self._last_slowed = 0.0
        self._freed = asyncio.Condition()

    @property
    def allowed(self) -> int:
        """Requests that may be in flight now."""
        return int(self._allowed)

    async def __aenter__(self) -> None:
        while True:
            async with self._freed:
                await self._freed.wait_for(lambda: self._in_flight < self.allowed)
                now = self._clock.monotonic()
                pause = max(self._not_before, self._next_start()) - now
                if pause <= 0:
                    self._in_flight += 1
                    if self._started is not None:
                        self._started.append(now)
                    return
            await self._clock.sleep(pause)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        async with self._freed:
            self._in_flight -= 1
            # as many as there is room for; each of them wakes the next when it leaves
            self._freed.notify(max(0, self.allowed - self._in_flight))

    def _next_start(self) -> float:
        """Return when the budget of a minute lets another request start."""
        if self._started is None or len(self._started) != self._started.maxlen:
            return 0.0
        return self._started[0] + MINUTE

    def pause(self, seconds: float) -> None:
        """Let nobody start for `seconds`, and fewer afterwards."""
        self._not_before = max(self._not_before, self._clock.monotonic() + seconds)
        self.slow_down()

    def slow_down(self) -> None:
        """Halve the requests in flight; answers to one burst count once (a second long)."""
        now = self._clock.monotonic()
        if now - self._last_slowed >= 1.0:
            self._last_slowed = now
            self._allowed = max(1.0, self._allowed / 2)

    def speed_up(self) -> None:
        """Let a little more through: an answer came without complaint."""
        self._allowed = min(float(self._maximum), self._allowed + 1 / self._allowed)


TURNS_OF_A_REQUEST = 5
"""Turns of the event loop from bytes that came in to the request that takes the freed place."""


class Turnstile:
    """Lets those who hold the event loop for long pass one at a time, and the network before each.

    Answers come in bursts. Were they read one after the other as they come, the place that each
    frees would stay empty until the last of them has been read.
    """

    def __init__(self) -> None:
        self._passing = asyncio.Lock()

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """Wait for those before, and let the network go first; nobody else passes meanwhile."""
        async with self._passing:
            for _ in range(TURNS_OF_A_REQUEST):
                await asyncio.sleep(0)
            yield


def seconds_to_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how long the server asks us to wait, or None when it does not say.

    Reads `Retry-After` (seconds or an HTTP date), else `X-RateLimit-Reset` (ISO time of minute
    precision, `2026-01-02T03:04Z`). `now` is the server's clock.
    """
    after = headers.get("Retry-After", "").strip()
    if after:
        try:
            return max(0.0, float(after)) if float(after) < float("inf") else None
        except ValueError:
            moment = http_date(after)
            if moment:
                return max(0.0, (moment - now).total_seconds())
    try:
        reset = datetime.fromisoformat(headers.get("X-RateLimit-Reset", "").strip())
    except ValueError:
        return None
    if reset.tzinfo is None:
        reset = reset.replace(tzinfo=UTC)
    return max(0.0, (reset - now).total_seconds())


def http_date(text: str) -> datetime | None:
    """Read a date of HTTP (UTC unless it says otherwise); None when it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
