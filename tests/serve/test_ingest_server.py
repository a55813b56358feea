"""Receiving over real sockets: odd senders, a killed server, a busy hour, and readers beside it."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import socket
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from serve.middleware import DISCARDED_BYTES, MAX_INGEST_BODY_BYTES
from tests.serve.conftest import publish_copy
from tests.serve.test_http import exchange, running, start
from tests.serve.test_ingest import SECRET, signature

ENVIRONMENT = {"AUDIT_LOG_WEBHOOK_SECRET": SECRET, "AUDIT_LOG_VIEWS_SECRET": SECRET}


# A server that waits for bodies a tenth as long.
HASTY = """
from functools import partial
from serve import app
from serve.ingest.bodies import BODY_SECONDS, BodyReader
app.BodyReader = partial(BodyReader, BODY_SECONDS / 10)
app.main()
"""


def body_of(number: int, size: int = 4_000) -> bytes:
    content = {"timestamp": number, "webhookEvent": "board_created", "text": "x" * size}
    return json.dumps(content).encode()


def request_of(body: bytes) -> bytes:
    return (
        b"POST /ingest/jira?triggeredByUser=a HTTP/1.1\r\nHost: audit.example.com\r\n"
        b"X-Hub-Signature: " + signature(body).encode() + b"\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )


def kept(home: Path) -> set[int]:
    """Return the numbers of the bodies in the inbox, after checking that the file is sound."""
    with closing(sqlite3.connect(home / "app.db")) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        rows = database.execute("select body from inbox_deliveries").fetchall()
    numbers = [json.loads(body)["timestamp"] for (body,) in rows]
    assert len(numbers) == len(set(numbers))
    return set(numbers)


async def post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> int:
    """Send one webhook on an open connection; the status of the answer."""
    writer.write(request_of(body))
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))
    return int(head.split(b" ", 2)[1])


def in_chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


def test_chunked_and_broken_bodies(tmp_path: Path) -> None:
    head = b"POST /ingest/jira HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    with running(tmp_path, **ENVIRONMENT) as address:
        body = body_of(1)
        signed = head + b"X-Hub-Signature: " + signature(body).encode() + b"\r\n"
        whole = in_chunks(body[:7], body[7:], b"")
        chunked = b"Transfer-Encoding: chunked\r\n\r\n"
        assert exchange(address, signed + chunked + whole)[0] == 200
        # A body that ends early is no body.
        with socket.create_connection(address, timeout=300) as connection:
            connection.sendall(signed + b"Content-Length: %d\r\n\r\n" % len(body) + body[:-1])
            connection.shutdown(socket.SHUT_WR)
            connection.recv(65_536)
        assert kept(tmp_path) == {1}


def test_bodies_that_are_too_large_are_told_so_and_not_taken(tmp_path: Path) -> None:
    """Senders hear 413 at once, and even when they look only after their last byte."""
    head = b"POST /ingest/jira HTTP/1.1\r\nHost: x\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    part = in_chunks(b"x" * 65_536)
    parts = 3 * MAX_INGEST_BODY_BYTES // 65_536
    size = parts * 65_536
    with running(tmp_path, **ENVIRONMENT) as address:
        # Announced: refused before a byte of it is read.
        assert exchange(address, head + b"Content-Length: %d\r\n\r\n" % size)[0] == 413
        # Who sends all of it first, more than the buffers hold, finds the answer undamaged.
        announced = head + b"Content-Length: %d\r\n\r\n" % size + b"x" * size
        for blunt in (announced, chunked + part * parts + in_chunks(b"")):
            status, answer = exchange(address, blunt)
            assert status == 413
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"].endswith("too-large")
        # Who never ends is told, at the limit or before it, and cut off not far beyond it.
        past_limit = chunked + part * (MAX_INGEST_BODY_BYTES // 65_536 + 1)
        wrong_bearer = (
            b"POST /ingest/issue-views HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        a_question = (
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for endless, status in ((past_limit, 413), (wrong_bearer, 401), (a_question, 200)):
            with socket.create_connection(address, timeout=300) as connection:
                connection.sendall(endless)
                assert connection.recv(65_536).startswith(b"HTTP/1.1 %d " % status)
                with pytest.raises((ConnectionResetError, BrokenPipeError)):  # noqa: PT012 - which send meets it is up to the buffers
                    for _ in range(2 * DISCARDED_BYTES // 65_536 + 1_000):
                        connection.sendall(part)
    assert kept(tmp_path) == set()


def test_a_slow_body_is_given_up_and_harms_nobody(tmp_path: Path) -> None:
    """Forty senders that never finish: others are served as ever, and each is told in the end."""
    with running(tmp_path, "-c", HASTY, **ENVIRONMENT) as address:
        head = b"POST /ingest/jira HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
        slow = [socket.create_connection(address, timeout=300) for _ in range(40)]
        for connection in slow:
            connection.sendall(head)
        for number in range(20):
            assert exchange(address, _closing(request_of(body_of(number))))[0] == 200
        answers = [connection.recv(65_536) for connection in slow]
        assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
        for connection in slow:
            connection.close()
    assert kept(tmp_path) == set(range(20))


def _closing(request: bytes) -> bytes:
    return request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)


def test_whatever_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    """Five kills while eight senders post; every body answered with 2xx is there afterwards."""
    rng = random.Random(7)
    acknowledged: set[int] = set()
    numbers = iter(range(1_000_000))

    async def storm(address: tuple[str, int], server: subprocess.Popen[str]) -> None:
        underway = asyncio.Event()

        async def send() -> None:
            reader, writer = await asyncio.open_connection(*address)
            try:
                while True:
                    number = next(numbers)
                    if await post(reader, writer, body_of(number)) == 200:
                        acknowledged.add(number)
                        underway.set()
            except (OSError, asyncio.IncompleteReadError):
                return
            finally:
                writer.close()

        senders = [asyncio.create_task(send()) for _ in range(8)]
        async with asyncio.timeout(300):
            await underway.wait()
        await asyncio.sleep(rng.uniform(0, 0.5))
        server.send_signal(signal.SIGKILL)
        await asyncio.gather(*senders)

    for _ in range(5):
        before = len(acknowledged)
        server = start(tmp_path, PORT="0", **ENVIRONMENT)
        assert server.stdout is not None
        address = ("127.0.0.1", int(server.stdout.readline().split(":")[2].split(" ")[0]))
        asyncio.run(storm(address, server))
        server.communicate()
        assert len(acknowledged) > before
    assert acknowledged <= kept(tmp_path)


def test_a_hundred_a_second_are_all_kept_beside_readers(tmp_path: Path, marts: Path) -> None:
    """Deliveries and readers at once: nothing is lost, nothing meets an error."""
    publish_copy(tmp_path, marts)
    answered: list[int] = []
    reads: list[int] = []
    rate, count = 100, 500

    async def storm(address: tuple[str, int]) -> None:
        connections = [await asyncio.open_connection(*address) for _ in range(30)]
        free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        for connection in connections:
            free.put_nowait(connection)

        async def send(number: int) -> None:
            connection = await free.get()
            assert await post(*connection, body_of(number)) == 200
            free.put_nowait(connection)
            answered.append(number)

        async def read() -> None:
            reader, writer = await asyncio.open_connection(*address)
            while len(answered) < count:
                writer.write(b"GET /api/v1/actions?limit=5 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                head = await reader.readuntil(b"\r\n\r\n")
                reads.append(int(head.split(b" ", 2)[1]))
                length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
                await reader.readexactly(int(length))
                await asyncio.sleep(0.05)
            writer.close()

        readers = [asyncio.create_task(read()) for _ in range(2)]
        sends = []
        for number in range(count):
            sends.append(asyncio.create_task(send(number)))
            await asyncio.sleep(1 / rate)
        await asyncio.gather(*sends, *readers)
        for _, writer in connections:
            writer.close()

    with running(tmp_path, **ENVIRONMENT) as address:
        asyncio.run(storm(address))
    assert kept(tmp_path) == set(range(count))
    assert set(reads) == {200}
