"""HTTP in front of a site: authentication, faults, latency, compression, the served log, controls.

Controls (no authentication, loopback only), all POST with a JSON body unless said otherwise:
`/__control/state` (GET), `advance {"minutes"}` (frozen clock), `hide_project`/`unhide_project
{"key"}`, `hide_level {"id", "hidden": true}`, `revoke_token {"revoked": true, "organization":
false}`, `permission {"key", "granted"}`,
`break_json {"path", "times"}` (HTML with status 200), `fault {…a rule of a plan…}`,
`latency {"ms"}`, `webhooks {"url", "secret", …}` and
`views {…}` (send from now on; see `tests.sandbox.webhooks.Plan`).
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import random
import socket
import struct
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from tests.sandbox.api import ApiError, Call, Reply
from tests.sandbox.clock import MINUTE, SECOND, from_ms, iso
from tests.sandbox.faults import Fault
from tests.sandbox.furniture import ADMIN_EMAIL
from tests.sandbox.objects import JsonObject
from tests.sandbox.site import Site
from tests.sandbox.webhooks import Plan, Sender

API_TOKEN = "sandbox-token"  # noqa: S105 - the fake site's only token, fixed by its documentation

ORG_ID = "org-sandbox"
ORG_KEY = "sandbox-org-key"

_AUTHORIZATION = {
    "basic": "Basic " + base64.b64encode(f"{ADMIN_EMAIL}:{API_TOKEN}".encode()).decode(),
    "bearer": f"Bearer {ORG_KEY}",
}
_MAX_BODY = 4 * 1024 * 1024
_GZIP_FROM = 1_000
_KEPT_PAGES = 16
_GOES_ON = frozenset({"slow", "near_limit", "truncated", "issue_error", "overtaken"})
_HTML = b"<!DOCTYPE html><html><head><title>Scheduled maintenance</title></head></html>"


class Server:
    """The request handler of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._latency = 0.0
        self._revoked: set[str] = set()
        self._pages: dict[str, Any] = {}  # next-page token -> the page that gave it
        self._senders: dict[int, asyncio.Task[None]] = {}
        self._jitter = random.Random(site.world.seed)
        self._controls: dict[str, Callable[[JsonObject], None]] = {
            "advance": lambda body: site.advance(float(body["minutes"])),
            "hide_project": lambda body: site.hide_project(body["key"], is_hidden=True),
            "unhide_project": lambda body: site.hide_project(body["key"], is_hidden=False),
            "hide_level": self._hide_level,
            "revoke_token": self._revoke,
            "permission": self._permission,
            "break_json": self._break_json,
            "fault": lambda body: site.faults.add(msgspec.convert(body, Fault)),
            "latency": self._set_latency,
            "webhooks": lambda body: self._connect("webhooks", body),
            "views": lambda body: self._connect("views", body),
            "state": lambda _: None,
        }

    async def send(self) -> None:
        """Let every sender send until cancelled; on a live clock, look for news every second."""
        for sender in self._site.senders.values():
            self._start(sender)
        while True:
            await asyncio.sleep(1)
            if self._senders and not self._site.clock.is_frozen:
                self._site.catch_up()

    async def stop(self) -> None:
        """End all senders; what waits is not sent."""
        for task in self._senders.values():
            task.cancel()
        await asyncio.gather(*self._senders.values(), return_exceptions=True)

    def _connect(self, kind: str, body: JsonObject) -> None:
        self._start(self._site.connect(kind, msgspec.convert(body, Plan)))

    def _start(self, sender: Sender) -> None:
        if id(sender) not in self._senders:
            self._senders[id(sender)] = asyncio.create_task(sender.run())

    def application(self) -> web.Application:
        """Make the aiohttp application."""
        application = web.Application(client_max_size=_MAX_BODY)
        application.router.add_route("*", "/{path:.*}", self._handle)
        return application

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        if request.path.startswith("/__control/"):
            return self._control(request.path.removeprefix("/__control/"), raw)
        site = self._site
        site.requests += 1
        number = site.requests
        if self._latency:
            await asyncio.sleep(self._latency)
        now = site.catch_up()
        auth = site.api.auth(request.method, request.path)
        given = request.headers.get("Authorization")
        if auth in self._revoked or given != _AUTHORIZATION[auth]:
            error = ApiError(401, "Client must be authenticated to access this resource.")
            return await self._send(request, 401, error.body)
        try:
            call = self._call(request, raw)
            fault = self._fault(call, number, now)
            if fault is not None and fault.kind not in _GOES_ON:
                return await self._send_fault(request, call, fault)
            if fault is not None and fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
                now = site.catch_up()
            call.is_refusing = fault is not None and fault.kind == "issue_error"
            site.api.request = number
            reply = site.api.handle(request.method, call)
        except ApiError as error:
            return await self._send(request, error.status, error.body, **error.headers)
        self._keep_page(reply)
        data = msgspec.json.encode(reply.body)
        if fault is not None and fault.kind == "truncated":
            return await self._send_truncated(request, data)
        if fault is not None and fault.kind == "overtaken":
            self._overtake(reply, fault.minutes)
        is_near = fault is not None and fault.kind == "near_limit"
        headers = {"X_RateLimit_NearLimit": "true"} if is_near else {}
        response = await self._send(request, 200, data, **headers)
        site.served.write(number, now, reply.keys, reply.details)
        site.api.delivered(reply)
        return response

    def _keep_page(self, reply: Reply) -> None:
        if reply.token is not None:
            self._pages[reply.token] = reply.body
            if len(self._pages) > _KEPT_PAGES:
                del self._pages[next(iter(self._pages))]

    def _overtake(self, reply: Reply, minutes: float) -> None:
        """Let time pass before a reply is sent; for those who asked, a listing ends with that."""
        self._site.advance(minutes)
        for detail in reply.details:
            if detail.ended is not None:
                detail.ended = iso(self._site.clock.now())

    def _call(self, request: web.Request, raw: bytes) -> Call:
        body: JsonObject = {}
        if raw:
            try:
                body = msgspec.json.decode(raw, type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise ApiError(400, f"There was an error parsing JSON: {error}") from error
        return Call(request.path, parse_qs(request.query_string, keep_blank_values=True), body)

    # -- answers -------------------------------------------------------------------------------

    def _headers(self) -> dict[str, str]:
        return {
            "Date": formatdate(self._site.world.now / SECOND, usegmt=True),
            "Content-Type": "application/json;charset=UTF-8",
            "X-AREQUESTID": f"{self._site.requests:032x}",
        }

    async def _send(
        self,
        request: web.Request,
        status: int,
        body: bytes | JsonObject,
        **headers: str,
    ) -> web.StreamResponse:
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        response_headers = self._headers() | {k.replace("_", "-"): v for k, v in headers.items()}
        if len(data) >= _GZIP_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
            data = gzip.compress(data, 1, mtime=0)
            response_headers["Content-Encoding"] = "gzip"
        response = web.Response(body=data, status=status, headers=response_headers)
        await response.prepare(request)
        await response.write_eof()
        return response

    # -- faults --------------------------------------------------------------------------------

    def _fault(self, call: Call, number: int, now: int) -> Fault | None:
        has_token = bool(call.one("nextPageToken") or call.body.get("nextPageToken"))
        fault = self._site.faults.pick(call.path, has_token=has_token)
        if fault is not None:
            self._site.fault_log.write(number, now, call.path, fault.kind)
        return fault

    async def _send_fault(
        self, request: web.Request, call: Call, fault: Fault
    ) -> web.StreamResponse:
        match fault.kind:
            case "rate_limited":
                return await self._send(
                    request,
                    429,
                    ApiError(429, "Rate limit exceeded.").body,
                    **self._limit_headers(fault),
                )
            case "server_error":
                headers = self._retry_after(fault)
                error = ApiError(fault.status, "Internal server error")
                return await self._send(request, fault.status, error.body, **headers)
            case "html":
                return await self._send(request, 200, _HTML, Content_Type="text/html;charset=UTF-8")
            case "expired_token":
                error = ApiError(400, "The provided next page token is invalid or expired.")
                return await self._send(request, 400, error.body)
            case "repeated_page":
                token = call.one("nextPageToken") or call.body["nextPageToken"]
                page = self._pages.get(token, {"isLast": False, "nextPageToken": token})
                return await self._send(request, 200, page)
            case _:
                return self._reset(request)

    def _retry_after(self, fault: Fault) -> dict[str, str]:
        if not fault.retry_after:
            return {}
        if fault.style == "seconds":
            return {"Retry_After": str(fault.retry_after)}
        moment = self._site.world.now / SECOND + fault.retry_after
        return {"Retry_After": formatdate(moment, usegmt=True)}

    def _limit_headers(self, fault: Fault) -> dict[str, str]:
        reset = from_ms(self._site.world.now + fault.retry_after * SECOND + MINUTE)
        headers = {
            "X_RateLimit_Limit": "350",
            "X_RateLimit_Remaining": "0",
            "X_RateLimit_Reset": f"{reset:%Y-%m-%dT%H:%MZ}",
            "X_RateLimit_NearLimit": "true",
            "RateLimit_Reason": "jira-burst-based",
        }
        return headers | self._retry_after(fault)

    def _reset(self, request: web.Request) -> web.StreamResponse:
        """Close the connection with a TCP reset, before any answer."""
        transport = request.transport
        if transport is not None:
            connection = transport.get_extra_info("socket")
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        return web.Response(status=503)

    async def _send_truncated(self, request: web.Request, data: bytes) -> web.StreamResponse:
        """Announce the whole length, send a part, and close."""
        response = web.StreamResponse(
            headers=self._headers() | {"Content-Length": str(len(data) + 1)}
        )
        await response.prepare(request)
        await response.write(data[: self._jitter.randrange(len(data) + 1)])
        if request.transport is not None:
            request.transport.close()
        return response

    # -- controls ------------------------------------------------------------------------------

    def _control(self, name: str, raw: bytes) -> web.Response:
        control = self._controls.get(name)
        if control is None:
            return _problem(404, f"no control {name}; there are {', '.join(self._controls)}")
        try:
            control(msgspec.json.decode(raw or b"{}", type=dict[str, Any]))
        except (KeyError, ValueError, TypeError, msgspec.DecodeError) as error:
            return _problem(400, f"{name}: {error}")
        return web.Response(
            body=msgspec.json.encode(self._site.describe()), content_type="application/json"
        )

    def _revoke(self, body: JsonObject) -> None:
        change = self._revoked.add if body.get("revoked", True) else self._revoked.discard
        change("bearer" if body.get("organization") else "basic")

    def _hide_level(self, body: JsonObject) -> None:
        is_hidden = bool(body.get("hidden", True))
        self._site.world.hide_level(self._site.catch_up(), body["id"], is_hidden=is_hidden)
        self._site.ledger.flush()

    def _permission(self, body: JsonObject) -> None:
        if body["key"] not in self._site.api.permissions:
            raise KeyError(body["key"])
        self._site.api.permissions[body["key"]] = bool(body["granted"])

    def _break_json(self, body: JsonObject) -> None:
        path = body.get("path", "/rest/api/3/*")
        self._site.faults.add(Fault(path=path, kind="html", times=body.get("times", 1_000_000)))

    def _set_latency(self, body: JsonObject) -> None:
        self._latency = float(body["ms"]) / SECOND


def _problem(status: int, text: str) -> web.Response:
    body = msgspec.json.encode({"error": text})
    return web.Response(body=body, status=status, content_type="application/json")


def bind(port: int) -> socket.socket:
    """Bind a loopback socket; port 0 lets the system choose. OSError when it is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    return listener


async def serve(site: Site, listener: socket.socket, stopped: asyncio.Event) -> None:
    """Serve a site on a bound socket until `stopped` is set."""
    server = Server(site)
    runner = web.AppRunner(
        server.application(), access_log=None, shutdown_timeout=1, handle_signals=False
    )
    await runner.setup()
    await web.SockSite(runner, listener).start()
    sending = asyncio.create_task(server.send())
    try:
        await stopped.wait()
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await server.stop()
        await runner.cleanup()
