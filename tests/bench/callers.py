"""`python -m tests.bench.callers`: clients that ask as fast as they are answered, for a while.

A process of its own, so that what the clients do costs the server no turn of its interpreter.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import uvloop

from tests.bench.report import percentile

_PATIENCE = 60.0


@dataclass(frozen=True)
class Answered:
    """How many answers every client got, in how many seconds, and how long they took."""

    numbers: list[int]
    elapsed: float
    p50: float
    p99: float

    @classmethod
    def of(cls, waits: Sequence[Sequence[float]], elapsed: float) -> Answered:
        """Return the figures of the seconds that every client waited for each of its answers."""
        times = [one for client in waits for one in client]
        return cls(list(map(len, waits)), elapsed, percentile(times, 0.5), percentile(times, 0.99))

    @property
    def rate(self) -> float:
        """Answers a second."""
        return sum(self.numbers) / self.elapsed


class _Caller(asyncio.Protocol):
    """One connection: sends the next request when the answer to the last one is complete."""

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self.waits: list[float] = []
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._until = until
        self._received = bytearray()
        self._expected = 0
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._expected:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._received[:end]).lower()
            if not head.startswith(b"http/1.1 200 "):
                self._fail(self._received.decode(errors="replace")[:500])
                return
            length = head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
            self._expected = end + 4 + int(length)
        if len(self._received) < self._expected:
            return
        now = time.perf_counter()
        self.waits.append(now - self._asked_at)
        if now <= self._until:
            self._ask()
        else:
            self.finished.set_result(None)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self._fail(f"the server closed the connection: {exc}")

    def _ask(self) -> None:
        self._received.clear()
        self._expected = 0
        request = next(self._requests, None)
        if request is None:
            self._fail("more questions are needed than were given")
            return
        self._asked_at = time.perf_counter()
        self._transport.write(request)

    def _fail(self, reason: str) -> None:
        if not self.finished.done():
            self.finished.set_exception(RuntimeError(reason))
        self._transport.close()


async def _call(port: int, clients: int, seconds: float, addresses: list[str]) -> Answered:
    requests = [f"GET {one} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() for one in addresses]
    # One address is asked again and again, several are asked once each.
    asked = itertools.repeat(requests[0]) if len(requests) == 1 else iter(requests)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    until = began + seconds
    callers = [
        (await loop.create_connection(lambda: _Caller(asked, until), "127.0.0.1", port))[1]
        for _ in range(clients)
    ]
    async with asyncio.timeout(seconds + _PATIENCE):
        await asyncio.gather(*(caller.finished for caller in callers))
    return Answered.of([caller.waits for caller in callers], time.perf_counter() - began)


def main(port: str, clients: str, seconds: str, addresses: str) -> None:
    """Ask the addresses in the file `addresses`; print an `Answered` as JSON.

    RuntimeError when an answer is not 200, or the addresses do not suffice; TimeoutError when one
    does not come within a minute.
    """
    asked = Path(addresses).read_text().splitlines()
    answered = uvloop.run(_call(int(port), int(clients), float(seconds), asked))
    sys.stdout.write(json.dumps(asdict(answered)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
