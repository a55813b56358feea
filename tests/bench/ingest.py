"""From a webhook on the line to its acknowledgement: one process of serve, at a steady rate.

Deliveries are sent when their time has come, whether earlier ones were answered or not: a receiver
that falls behind shows as latency, and not as fewer requests.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import tempfile
import time
from pathlib import Path

import aiohttp

from tests.bench.realtime import SECRET
from tests.bench.report import Figure, Tell, percentile, say_nothing
from tests.bench.serving import address, process

PER_SECOND = 100
SECONDS = 20
BODY_BYTES = 4_000


def _body(number: int) -> bytes:
    event = {"timestamp": number, "webhookEvent": "board_created", "text": "x" * BODY_BYTES}
    return json.dumps(event).encode()


async def _send(url: str, count: int) -> list[float]:
    """Post `count` webhooks, `PER_SECOND` of them a second; the seconds each took from its time on.

    RuntimeError when one is not acknowledged.
    """
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post(number: int) -> None:
            body = _body(number)
            signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            headers = {"X-Hub-Signature": f"sha256={signature}"}
            async with session.post(url, data=body, headers=headers) as response:
                if response.status != 200:
                    raise RuntimeError(await response.text())

        async def one(number: int, due: float) -> float:
            await asyncio.sleep(due - time.perf_counter())
            await post(number)
            return time.perf_counter() - due

        await post(-1)  # the first request of a server makes its tables
        began = time.perf_counter()
        dues = [began + number / PER_SECOND for number in range(count)]
        return await asyncio.gather(*(one(number, due) for number, due in enumerate(dues)))


def _written(folder: Path, count: int) -> list[float]:
    """Write and force the same bodies to disk one by one; the seconds each took."""
    seconds = []
    with (folder / "bodies").open("wb", buffering=0) as file:
        for number in range(count):
            body = _body(number)
            began = time.perf_counter()
            file.write(body)
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - began)
    return seconds


def bench_ingest(tell: Tell = say_nothing) -> list[Figure]:
    """Measure `POST /ingest/jira` against the disk alone: each body written and forced to it."""
    count = PER_SECOND * SECONDS
    tell(f"realtime: {count:,} webhooks in {SECONDS} s")
    with tempfile.TemporaryDirectory() as directory:
        home, log = Path(directory) / "home", Path(directory) / "log.txt"
        home.mkdir()
        floor = _written(home, count)
        environment = {
            "AUDIT_LOG_HOME": str(home),
            "AUDIT_LOG_WEBHOOK_SECRET": SECRET,
            "PORT": "0",
        }
        with process(["orchestration.cli", "serve"], environment, log) as server:
            seconds = asyncio.run(_send(f"{address(log, server)}/ingest/jira", count))
    figures = []
    for share, goal in ((0.5, ""), (0.99, "<= 200 ms")):
        on_disk, answered = percentile(floor, share), percentile(seconds, share)
        named = f"p{share * 100:.0f}"
        figures += [
            Figure(f"write and fsync alone, {named}", on_disk * 1_000, "ms"),
            Figure(
                f"POST /ingest/jira at {PER_SECOND} a second, {named}",
                answered * 1_000,
                "ms",
                floor="write and fsync alone",
                ratio=answered / on_disk,
                goal=goal,
            ),
        ]
    return figures
