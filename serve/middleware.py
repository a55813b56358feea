"""What holds for every request before anything else looks at it: host, size, headers."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.errors import ProblemError
from serve.problems import respond

MAX_BODY_BYTES = 1024 * 1024
# The parsers of addresses give up at 65,535 bytes, and then answer in words of their own.
MAX_ADDRESS_BYTES = 60_000
API_PREFIX = "/api/v1"
# Jira's webhooks carry whole issues, and come under the name of a reverse proxy or a tunnel.
INGEST_PREFIX = "/ingest/"
MAX_INGEST_BODY_BYTES = 2 * 1024 * 1024
# An answer that comes before the body's end: so much of the rest is still taken, and thrown away.
DISCARDED_BYTES = 16 * 1024 * 1024
DISCARD_SECONDS = 10.0
SILENCE_SECONDS = 5.0
_MOST_DIGITS = 15
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# As ASGI wants them, made once.
_RAW_SECURITY_HEADERS = [
    (name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()
]


class Guard:
    """ASGI middleware: security headers on every response, limits of addresses and bodies.

    The Host header must name loopback. Without accounts the loopback address is the only lock, and
    a web page could get round it by letting its own name resolve to 127.0.0.1. What lies under
    `/ingest/` is locked by secrets of its own instead, and shows nothing, so any Host may be named
    there; a tunnel that keeps the public name in the Host header can reach nothing else.

    Whoever is answered before the end of their body is still listened to for a moment: a connection
    that is closed on unread bytes is reset, and a reset takes the answer away from a sender.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it before the application sees it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_ingest = scope["path"].startswith(INGEST_PREFIX)
        incoming = _Incoming(
            receive, headers, MAX_INGEST_BODY_BYTES if is_ingest else MAX_BODY_BYTES
        )
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                # Where more comes than is listened to, the connection cannot be used again.
                _complete(message, is_last=not incoming.has_ended)
            elif not incoming.has_ended and not message.get("more_body", False):
                await send({**message, "more_body": True})
                await incoming.discard_rest()
                message = {"type": "http.response.body"}
            await send(message)

        refusal = None if is_ingest else _wrong_host(headers)
        refusal = refusal or _too_long(scope) or incoming.refusal()
        if refusal is None:
            try:
                await self._app(scope, incoming.receive, send_guarded)
            except ProblemError as error:
                if started:
                    raise
                refusal = error
        if refusal is not None:
            response = respond(refusal)
            await response(scope, receive, send_guarded)


class _Incoming:
    """The body of one request: at most `limit` bytes for the application, a little more for us."""

    def __init__(self, receive: Receive, headers: Headers, limit: int) -> None:
        self._receive = receive
        self._announced = headers.get("content-length", "0")
        self._limit = limit
        self._received = 0
        self.has_ended = self._announced == "0" and "transfer-encoding" not in headers

    def refusal(self) -> ProblemError | None:
        """Return the problem of a body that announces more than the limit."""
        length = self._announced
        # A text of any length can be announced: numbers of many digits are slow to read.
        is_short = len(length) <= _MOST_DIGITS
        if length.isdecimal() and is_short and int(length) <= self._limit:
            return None
        return self._too_large()

    async def receive(self) -> Message:
        """ASGI's `receive` for the application. ProblemError beyond the limit."""
        message = await self._next()
        if self._received > self._limit:
            raise self._too_large()
        return message

    async def discard_rest(self) -> None:
        """Receive and forget until the body or the connection ends, or patience does."""
        most = self._received + DISCARDED_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_SECONDS):
                while not self.has_ended and self._received < most:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        await self._next()

    async def _next(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if not message.get("more_body", False):  # the last part, or the connection is gone
            self.has_ended = True
        return message

    def _too_large(self) -> ProblemError:
        return ProblemError(
            "body-too-large",
            f"a request to this address may carry at most {self._limit} bytes",
            "send less",
        )


def _complete(start: Message, *, is_last: bool) -> None:
    """Add what every response says, and what the last one of a connection does."""
    headers = start["headers"]
    said = {name for name, _ in headers}
    headers += [header for header in _RAW_SECURITY_HEADERS if header[0] not in said]
    if is_last and b"connection" not in said:
        headers.append((b"connection", b"close"))


def _wrong_host(headers: Headers) -> ProblemError | None:
    if _host_name(headers.get("host", "")) in LOOPBACK_NAMES:
        return None
    return ProblemError(
        "wrong-host",
        "the Host header does not name a loopback address",
        "open the page as http://127.0.0.1 or http://localhost, with the port of serve",
    )


def _too_long(scope: Scope) -> ProblemError | None:
    if len(scope["query_string"]) + len(scope["path"]) <= MAX_ADDRESS_BYTES:
        return None
    return ProblemError(
        "address-too-long",
        f"an address may have at most {MAX_ADDRESS_BYTES} bytes",
        "give fewer values; POST /api/v1/filters/describe reads longer filters",
    )


def _host_name(host: str) -> str:
    """Return the name without its port; brackets of an IPv6 address stay."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()
