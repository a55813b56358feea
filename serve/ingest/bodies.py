"""Reads request bodies: bounded in time and in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from starlette.requests import ClientDisconnect, Request

from serve.errors import ProblemError

BODY_SECONDS = 20
HELD_BYTES = 64 * 1024 * 1024
"""Bytes of all bodies that are being received or stored at once."""


class BodyReader:
    """Reads bodies of requests that are in flight together.

    The size of each is bounded by `serve.middleware.Guard`; this bounds all of them together, since
    nobody is known before their whole body has been read.
    """

    def __init__(self, seconds: float = BODY_SECONDS, held_bytes: int = HELD_BYTES) -> None:
        self._seconds = seconds
        self._free = held_bytes

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """Lend the body of `request`, whose bytes count as held until the block ends.

        ProblemError: compressed (415), too slow (408), given up by the client (400), or too many
        bytes at once (503).
        """
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise ProblemError(
                "encoded-body",
                "the body has a Content-Encoding",
                "send it as it is, without a Content-Encoding",
            )
        chunks: list[bytes] = []
        with self._counted(chunks):
            try:
                async with asyncio.timeout(self._seconds):
                    async for chunk in request.stream():
                        self._take(len(chunk))
                        chunks.append(chunk)
            except TimeoutError:
                raise ProblemError(
                    "body-timeout",
                    f"the body did not arrive within {self._seconds:g} seconds",
                    "send it again",
                ) from None
            except ClientDisconnect:
                raise ProblemError(
                    "bad-request", "the connection ended before the body did", "send it again"
                ) from None
            yield b"".join(chunks)

    @contextmanager
    def _counted(self, chunks: list[bytes]) -> Iterator[None]:
        try:
            yield
        finally:
            self._free += sum(map(len, chunks))
            chunks.clear()  # an error's traceback would keep them until it is answered

    def _take(self, size: int) -> None:
        if size > self._free:
            raise ProblemError(
                "busy", "too many bodies are being received at once", "send it again in a moment"
            )
        self._free -= size
