"""The client accepts whole answers only, waits as it is told, and names what is wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import msgspec
import pytest
from aiohttp import web

from pipelines.client import Answer, AtlassianClient
from pipelines.config import Connection
from pipelines.errors import (
    AuthenticationError,
    BadResponseError,
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    PipelineError,
    RequestRefusedError,
    SiteFailingError,
    SiteUnreachableError,
)
from pipelines.patience import Clock, EndpointLimiter, Patience, Turnstile, seconds_to_wait
from tests.loopback import Handler
from tests.pipelines.conftest import QUICK, ScriptedSite

PATH = "/rest/api/3/field"
GOOD = web.json_response


def ask(
    url: str, *, times: int = 1, patience: Patience = QUICK, concurrency: int = 8
) -> list[Answer[object]]:
    """GET one endpoint `times` at once."""

    async def run() -> list[Answer[object]]:
        connection = Connection.to_site(url, "me@example.com", "secret")
        async with AtlassianClient(
            connection, patience=patience, concurrency=concurrency
        ) as client:
            one = (client.get(PATH, msgspec.json.decode) for _ in range(times))
            answers = await asyncio.gather(*one)
            assert client.requests[f"GET {PATH}"] >= times
            return answers

    return asyncio.run(run())


def always(**answer: Any) -> Handler:  # noqa: ANN401  (as web.Response takes it)
    """Make a handler that gives the same answer to every request."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(**answer)

    return handler


def first_then(site: ScriptedSite, bad: Handler) -> None:
    """Script the site: the bad answer first, a good one ever after."""
    waiting = [bad]

    async def handler(request: web.Request) -> web.StreamResponse:
        return await waiting.pop()(request) if waiting else GOOD({"ok": True})

    site.handler = handler


async def cut_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    response.content_type = "application/json"
    await response.prepare(request)
    await response.write(b'{"ok": tr')
    assert request.transport is not None
    request.transport.close()
    return response


async def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def json_text(text: str) -> Handler:
    """Make a handler that calls any text JSON."""
    return always(text=text, content_type="application/json")


half_gzip = always(
    body=b"\x1f\x8b\x08",
    headers={"Content-Encoding": "gzip"},
    content_type="application/json",
)


@pytest.mark.parametrize(
    "bad",
    [
        always(status=429, headers={"Retry-After": "0"}),
        always(status=500),
        always(status=503),
        always(text="<html>maintenance</html>", content_type="text/html"),
        json_text("<html>"),
        json_text('{"ok": true'),
        json_text('{"ok": true} trailing'),
        json_text("[" * 5_000),
        half_gzip,
        cut_off,
        reset,
    ],
)
def test_a_bad_answer_is_asked_for_again(site: ScriptedSite, bad: Handler) -> None:
    first_then(site, bad)
    (answer,) = ask(site.url)
    assert answer.content == {"ok": True}
    assert len(site.requests) == 2


@pytest.mark.parametrize(
    ("response", "error", "words"),
    [
        ({"status": 401}, AuthenticationError, "ATLASSIAN_API_TOKEN"),
        ({"status": 403}, PermissionDeniedError, "pipelines check"),
        ({"status": 404}, NotFoundError, "ATLASSIAN_SITE_URL"),
        ({"status": 400}, RequestRefusedError, "GET /rest/api/3/field"),
        ({"status": 302, "headers": {"Location": "/login"}}, ConfigurationError, "redirects"),
    ],
)
def test_refusals_are_final_and_name_the_remedy(
    site: ScriptedSite, response: dict[str, Any], error: type[PipelineError], words: str
) -> None:
    body = '{"errorMessages":["No\\u0007 way."],"errors":{}}'

    site.handler = always(text=body, content_type="application/json", **response)
    with pytest.raises(error) as raised:
        ask(site.url)
    assert words in str(raised.value)
    assert len(site.requests) == 1
    if error is not ConfigurationError:
        assert "No way." in raised.value.message


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (always(status=503), SiteFailingError),
        (always(text="<html>", content_type="text/html"), BadResponseError),
        (json_text("nonsense"), BadResponseError),
    ],
)
def test_patience_ends_with_a_typed_error(
    site: ScriptedSite, bad: Handler, error: type[PipelineError]
) -> None:
    site.handler = bad
    with pytest.raises(error):
        ask(site.url)
    assert len(site.requests) == QUICK.attempts


def test_a_dripping_server_cannot_hold_a_sync(site: ScriptedSite) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        response.content_type = "application/json"
        await response.prepare(request)
        for _ in range(100):
            await response.write(b" ")
            await asyncio.sleep(0.02)
        return response

    site.handler = drip
    patience = Patience(attempts=2, first_pause_seconds=0.01, try_seconds=0.2)
    with pytest.raises(SiteUnreachableError, match="did not answer in time"):
        ask(site.url, patience=patience)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1", "does not accept"),
        ("https://no-such-site.invalid", "host name is unknown"),
    ],
)
def test_an_unreachable_site_names_the_setting(url: str, words: str) -> None:
    with pytest.raises(SiteUnreachableError, match=words) as raised:
        ask(url)
    assert "ATLASSIAN_SITE_URL" in raised.value.remedy


def test_lone_surrogates_do_not_cost_the_page(site: ScriptedSite) -> None:
    site.handler = json_text(r'{"a":"\ud800","b":"\ud83d\ude00"}')
    (answer,) = ask(site.url)
    assert answer.content == {"a": "\ufffd", "b": "\U0001f600"}
    assert len(site.requests) == 1


def test_credentials_go_as_basic_auth_and_redirects_are_not_followed(site: ScriptedSite) -> None:
    seen: list[str | None] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        return GOOD([])

    site.handler = handler
    ask(site.url)
    assert seen == ["Basic bWVAZXhhbXBsZS5jb206c2VjcmV0"]


class StandingClock:
    """A clock that stands still: whoever sleeps does so until it is let go."""

    def __init__(self) -> None:
        self.sleepers = 0
        self._seconds = 0.0
        self._over = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Sleep, if it is for the future at all."""
        if seconds > 0:
            self.sleepers += 1
            await self._over.wait()

    def let_go(self) -> None:
        """Let a minute pass at once, and every pause from now on."""
        self._seconds += 60
        self._over.set()

    @property
    def patience(self) -> Patience:
        """The patience of these tests, by this clock."""
        return replace(QUICK, clock=Clock(lambda: self._seconds, self.sleep))


def test_rate_limits_pause_the_whole_endpoint(site: ScriptedSite) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        if len(site.requests) == 1:
            return web.Response(status=429, headers={"Retry-After": "7"})
        return GOOD([])

    site.handler = handler

    async def run() -> int:
        clock = StandingClock()
        connection = Connection.to_organization(site.url, "key")
        async with AtlassianClient(connection, concurrency=2, patience=clock.patience) as client:
            asked = [
                asyncio.create_task(client.get("/events", msgspec.json.decode)) for _ in range(12)
            ]
            async with asyncio.timeout(300):
                while True:
                    await asyncio.sleep(0.001)
                    # The one that was told to wait sleeps, and the one whose turn it would be.
                    answered = sum(task.done() for task in asked)
                    if clock.sleepers > 1 and answered == len(site.requests) - 1:
                        break
            # One was told to wait; only the one that was under way with it may have been answered.
            before = len(site.requests)
            clock.let_go()
            await asyncio.gather(*asked)
        return before

    assert asyncio.run(run()) <= 2
    assert len(site.requests) == 13


def crowd(site: ScriptedSite, size: int, answer: Handler) -> list[int]:
    """Answer `size` requests only when all of them are there; returns how many were, each time."""
    there: list[int] = []
    running = 0
    full = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal running
        running += 1
        there.append(running)
        if running == size:
            full.set()
        await full.wait()
        await asyncio.sleep(0.01)
        running -= 1
        return await answer(request)

    site.handler = handler
    return there


def test_no_more_than_the_agreed_number_are_in_flight(site: ScriptedSite) -> None:
    there = crowd(site, 5, json_text("[]"))
    ask(site.url, times=30, concurrency=5)
    assert max(there) == 5


def test_the_places_of_a_burst_of_answers_are_taken_before_the_first_is_read() -> None:
    under_way = 0
    seen: list[int] = []
    burst = asyncio.Event()

    async def run() -> None:
        limiter, turnstile = EndpointLimiter(2), Turnstile()

        async def ask() -> None:
            nonlocal under_way
            async with limiter:
                under_way += 1
                await burst.wait()
                under_way -= 1
            async with turnstile.passing():
                seen.append(under_way)

        async def answer_in_bursts() -> None:
            nonlocal burst
            for read in (0, 2, 4):
                while under_way < 2 or len(seen) < read:  # noqa: ASYNC110 - turns are what is tested
                    await asyncio.sleep(0)
                answered, burst = burst, asyncio.Event()
                answered.set()

        async with asyncio.timeout(60):
            await asyncio.gather(answer_in_bursts(), *(ask() for _ in range(6)))

    asyncio.run(run())
    assert seen == [2, 2, 2, 2, 0, 0]


def test_near_limit_slows_down_and_success_speeds_up() -> None:
    async def run() -> tuple[int, int, int]:
        limiter = EndpointLimiter(8, clock=Clock(lambda: 100.0, asyncio.sleep))
        limiter.slow_down()
        limiter.slow_down()  # the same burst: counted once
        slowed = limiter.allowed
        for _ in range(10):
            limiter.speed_up()
        growing = limiter.allowed
        for _ in range(100):
            limiter.speed_up()
        return slowed, growing, limiter.allowed

    assert asyncio.run(run()) == (4, 6, 8)


def test_a_paced_endpoint_stays_within_its_budget() -> None:
    passed = 0.0
    starts: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    async def run() -> None:
        limiter = EndpointLimiter(8, per_minute=4, clock=Clock(lambda: passed, sleep))
        for _ in range(10):
            async with limiter:
                starts.append(passed)

    asyncio.run(run())
    assert starts == [0.0] * 4 + [60.0] * 4 + [120.0] * 2


def test_the_organisation_is_asked_with_its_key_and_errors_name_its_settings(
    site: ScriptedSite,
) -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers["Authorization"])
        error = {"errors": [{"title": "Unauthorized", "detail": "The key has expired"}]}
        return web.json_response(error, status=401)

    site.handler = handler

    async def run() -> None:
        connection = Connection.to_organization(site.url, "key")
        async with AtlassianClient(connection, patience=QUICK) as client:
            await client.get("/events", msgspec.json.decode)

    with pytest.raises(AuthenticationError, match="The key has expired") as raised:
        asyncio.run(run())
    assert seen == ["Bearer key"]
    assert "ATLASSIAN_ORG_API_KEY" in raised.value.remedy


def test_a_near_limit_header_is_obeyed(site: ScriptedSite) -> None:
    async def near(_: web.Request) -> web.StreamResponse:
        return web.json_response([], headers={"X-RateLimit-NearLimit": "true"})

    there = crowd(site, 8, near)
    ask(site.url, times=40, concurrency=8)
    assert max(there) == 8
    assert max(there[-10:]) <= 4


NOW = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "-3"}, 0),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=40), usegmt=True)}, 40),
        ({"X-RateLimit-Reset": "2026-06-01T12:02Z"}, 90),
        ({"X-RateLimit-Reset": "2026-06-01T11:00Z"}, 0),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "2026-06-01T12:01Z"}, 30),
        ({"X-RateLimit-Reset": "later"}, None),
    ],
)
def test_how_long_the_server_asks_us_to_wait(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert seconds_to_wait(headers, NOW) == seconds
