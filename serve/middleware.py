"""What holds for every request before anything else looks at it: host, size, headers."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.errors import ProblemError
from serve.problems import render

MAX_BODY_BYTES = 1024 * 1024
# The parsers of addresses give up at 65,535 bytes, and then answer in words of their own.
MAX_ADDRESS_BYTES = 60_000
# Jira's webhooks carry whole issues, and come under the name of a reverse proxy or a tunnel.
INGEST_PREFIX = "/ingest/"
MAX_INGEST_BODY_BYTES = 2 * 1024 * 1024
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


class Guard:
    """ASGI middleware: security headers on every response, limits of addresses and bodies.

    The Host header must name loopback. Without accounts the loopback address is the only lock, and
    a web page could get round it by letting its own name resolve to 127.0.0.1. What lies under
    `/ingest/` is locked by secrets of its own instead, and shows nothing, so any Host may be named
    there; a tunnel that keeps the public name in the Host header can reach nothing else.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it before the application sees it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        is_ingest = scope["path"].startswith(INGEST_PREFIX)
        limit = MAX_INGEST_BODY_BYTES if is_ingest else MAX_BODY_BYTES
        refusal = None if is_ingest else _wrong_host(headers)
        refusal = refusal or _too_long(scope) or _announced_too_large(headers, limit)
        if refusal is None:
            try:
                await self._app(scope, _limited(receive, limit), send_guarded)
            except ProblemError as error:
                if started:
                    raise
                refusal = error
        if refusal is not None:
            # The rest of the body is never read, so the connection cannot be used again.
            response = render(refusal.problem, {"Connection": "close"})
            await response(scope, receive, send_guarded)


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


def _announced_too_large(headers: Headers, limit: int) -> ProblemError | None:
    length = headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 15 or int(length) > limit:  # noqa: PLR2004 - no int of fifteen digits is slow to parse
        return _too_large(limit)
    return None


def _host_name(host: str) -> str:
    """Return the name without its port; brackets of an IPv6 address stay."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _limited(receive: Receive, limit: int) -> Receive:
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise _too_large(limit)
        return message

    return receive_limited


def _too_large(limit: int) -> ProblemError:
    return ProblemError(
        "body-too-large",
        f"a request to this address may carry at most {limit} bytes",
        "send less",
    )
