"""One HTTP client for a site or an organisation: account, limits, patience, typed errors.

An answer is accepted only whole: right status, JSON content type, every byte, one valid JSON
document. Anything else is asked for again, and after bounded patience becomes an error that
names the remedy. Each endpoint has a limiter of its own, so that a busy one slows no other.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Any, Generic, NamedTuple, Self, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from pipelines.config import Connection
from pipelines.errors import (
    AuthenticationError,
    BadResponseError,
    ConfigurationError,
    NotFoundError,
    NotJsonError,
    PermissionDeniedError,
    PipelineError,
    RequestRefusedError,
    SiteFailingError,
    SiteUnreachableError,
)
from pipelines.patience import (
    USUAL,
    EndpointLimiter,
    Patience,
    Turnstile,
    http_date,
    seconds_to_wait,
)
from pipelines.rows import NEVER, is_plain, mend, us_of

T = TypeVar("T")

MAX_BODY_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A decoded body, our clock and the server's clock (UTC) when it arrived.

    `fetched_us` is our clock in microseconds since 1970. `is_plain` is False when records of the
    body may hold text that has to be mended. `asked_at` (UTC) is a server's time not after the
    question was sent: what had happened by then, the answer had to show.
    """

    content: T
    fetched_us: int
    server_time: datetime
    is_plain: bool = True
    asked_at: datetime = NEVER


class _Retry(Exception):  # noqa: N818  (a signal between two methods, never an error to report)
    def __init__(self, error: PipelineError, wait_seconds: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait_seconds = wait_seconds


@dataclass(frozen=True, slots=True)
class _Request:
    """One thing to ask. `template` has `{names}` that `path` fills; it names the endpoint."""

    method: str
    template: str
    path: Mapping[str, str]
    params: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes | None = None

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.template}"

    def filled_path(self) -> str:
        names = {name: quote(value, safe="") for name, value in self.path.items()}
        return self.template.format_map(names)


class _Reply(NamedTuple):
    """A body that came whole with status 200, its type, and the times of its `Answer`."""

    payload: bytes
    content_type: str
    fetched_us: int
    server_time: datetime
    asked_at: datetime


class AtlassianClient:
    """Asks one Atlassian site, or the organisation's administration. An async context manager.

    `requests` counts what was really sent, by endpoint (`GET /rest/api/3/field`), retries
    included; `mended` counts answers that held text no JSON reader takes, which was replaced.
    `server_time` (UTC) is the newest that an answer told.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        concurrency: int = 8,
        patience: Patience = USUAL,
    ) -> None:
        self.requests: Counter[str] = Counter()
        self.mended: Counter[str] = Counter()
        self.server_time = NEVER
        self._connection = connection
        self._concurrency = concurrency
        self.patience = patience
        self._limiters: dict[str, EndpointLimiter] = {}
        self._reading = Turnstile()
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={
                "Accept": "application/json",
                "Authorization": self._connection.authorization.get_secret_value(),
            },
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0),
            read_bufsize=2**20,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def get(
        self,
        template: str,
        decode: Callable[[bytes], T],
        *,
        path: Mapping[str, str] | None = None,
        params: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        patience: Patience | None = None,
    ) -> Answer[T]:
        """GET `template`, whose `{names}` are filled from `path`; see `_ask` for the errors."""
        return await self._ask(
            _Request("GET", template, path or {}, params, headers or {}), decode, patience
        )

    async def post(
        self,
        template: str,
        decode: Callable[[bytes], T],
        *,
        body: object,
        path: Mapping[str, str] | None = None,
        params: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        patience: Patience | None = None,
    ) -> Answer[T]:
        """POST `body` as JSON. Only for endpoints that read: a POST may be sent again."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        request = _Request("POST", template, path or {}, params, sent, msgspec.json.encode(body))
        return await self._ask(request, decode, patience)

    def pace(self, endpoint: str, *, per_minute: int) -> None:
        """Start at most so many requests of `endpoint` (`GET /path/{name}`) in any 60 seconds.

        Call it before the first of them.
        """
        clock = self.patience.clock
        self._limiters[endpoint] = EndpointLimiter(self._concurrency, per_minute, clock)

    async def _ask(
        self, request: _Request, decode: Callable[[bytes], T], patience: Patience | None
    ) -> Answer[T]:
        """Ask until a whole answer comes or patience ends.

        Raises the errors of `pipelines.errors`: AuthenticationError (401),
        PermissionDeniedError (403), NotFoundError (404), RequestRefusedError (other 4xx),
        SiteUnreachableError, SiteFailingError (429, 5xx), BadResponseError (no complete JSON).
        """
        patience = patience or self.patience
        endpoint = request.endpoint
        clock = self.patience.clock
        limiter = self._limiters.get(endpoint)
        if limiter is None:
            limiter = self._limiters[endpoint] = EndpointLimiter(self._concurrency, clock=clock)
        deadline = clock.monotonic() + patience.total_seconds
        failures = 0
        while True:
            try:
                async with limiter:
                    self.requests[endpoint] += 1
                    reply = await self._try(request, patience, limiter)
                async with self._reading.passing():
                    answer = self._accepted(reply, decode, endpoint)
            except _Retry as retry:
                if retry.wait_seconds is None:
                    failures += 1
                    pause = min(
                        patience.longest_pause_seconds,
                        patience.first_pause_seconds * 2 ** (failures - 1),
                    ) * random.uniform(0.5, 1.0)  # noqa: S311  (jitter, not a secret)
                else:
                    limiter.pause(retry.wait_seconds)
                    pause = retry.wait_seconds + random.uniform(0.0, 0.2)  # noqa: S311 - jitter, not a secret
                if failures >= patience.attempts or clock.monotonic() + pause > deadline:
                    raise retry.error from retry.__cause__
                await clock.sleep(pause)
            else:
                return answer

    async def _try(self, request: _Request, patience: Patience, limiter: EndpointLimiter) -> _Reply:
        endpoint = request.endpoint
        asked_at = self.server_time
        try:
            async with self._session.request(
                request.method,
                self._connection.url + request.filled_path(),
                params=request.params,
                data=request.body,
                headers=request.headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=patience.try_seconds, sock_connect=10),
            ) as response:
                server_time = http_date(response.headers.get("Date", "")) or datetime.now(UTC)
                payload = await _read_whole(response)
        except aiohttp.ClientConnectorDNSError as error:
            raise _Retry(self._unreachable("its host name is unknown")) from error
        except aiohttp.ClientSSLError as error:
            raise self._unreachable("its certificate is not trusted") from error
        except aiohttp.ClientPayloadError as error:
            raise _Retry(self._bad_response(endpoint, "was cut off")) from error
        except TimeoutError as error:
            raise _Retry(self._unreachable("it did not answer in time")) from error
        except (aiohttp.ClientError, OSError) as error:
            raise _Retry(self._unreachable("it does not accept or keep connections")) from error
        self._check_status(response, payload, endpoint, server_time)
        if response.headers.get("X-RateLimit-NearLimit", "").lower() == "true":
            limiter.slow_down()
        else:
            limiter.speed_up()
        now_us = us_of(datetime.now(UTC))
        return _Reply(payload, response.content_type, now_us, server_time, asked_at)

    def _accepted(self, reply: _Reply, decode: Callable[[bytes], T], endpoint: str) -> Answer[T]:
        """Return a reply as an answer if it is one whole JSON document, else ask for a retry."""
        if "json" not in reply.content_type:
            wrong = f"is {reply.content_type}, not JSON"
            raise _Retry(self._bad_response(endpoint, wrong, NotJsonError))
        try:
            content = self._decode(reply.payload, decode, endpoint)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            wrong = "is not the JSON document it should be"
            raise _Retry(self._bad_response(endpoint, wrong)) from error
        self.server_time = max(self.server_time, reply.server_time)
        return Answer(
            content, reply.fetched_us, reply.server_time, is_plain(reply.payload), reply.asked_at
        )

    def _decode(self, payload: bytes, decode: Callable[[bytes], T], endpoint: str) -> T:
        """Decode a body, mending text that no JSON reader takes when that is all it needs."""
        try:
            return decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            mended, replaced = mend(payload)
            if not replaced:
                raise
            content = decode(mended)
            self.mended[endpoint] += 1
            return content

    def _check_status(
        self,
        response: aiohttp.ClientResponse,
        payload: bytes,
        endpoint: str,
        server_time: datetime,
    ) -> None:
        status = response.status
        if status == HTTPStatus.OK:
            return
        said = _error_text(payload)
        match status:
            case 408 | 425 | 429 | 500 | 502 | 503 | 504:
                raise _Retry(
                    SiteFailingError(
                        f"{endpoint} keeps answering {status}.",
                        "Try again later; the next sync goes on where the last one ended.",
                    ),
                    seconds_to_wait(response.headers, server_time),
                )
            case 301 | 302 | 303 | 307 | 308:
                raise ConfigurationError(
                    f"The server at {self._connection.url} redirects {endpoint} elsewhere.",
                    f"Set {self._connection.url_setting} to the address it has now.",
                )
            case 401:
                raise AuthenticationError(
                    f"The site refused the account{said} (401).",
                    self._connection.key_remedy,
                )
            case 403:
                raise PermissionDeniedError(
                    f"The account may not read {endpoint}{said} (403).",
                    "`python -m pipelines check` names the permission it lacks.",
                )
            case 404:
                raise NotFoundError(
                    f"The site does not show {endpoint}{said} (404).",
                    f"Check that {self._connection.url_setting} is the right address.",
                )
            case _:
                raise RequestRefusedError(
                    f"The site refused {endpoint}{said} ({status}).",
                    "If this stays, report it with this line.",
                )

    def _unreachable(self, reason: str) -> SiteUnreachableError:
        return SiteUnreachableError(
            f"The site {self._connection.url} cannot be reached: {reason}.",
            f"Check {self._connection.url_setting} and the network.",
        )

    def _bad_response(
        self, endpoint: str, what: str, kind: type[BadResponseError] = BadResponseError
    ) -> BadResponseError:
        return kind(
            f"The answer to {endpoint} {what}.",
            "The site may be under maintenance, or a proxy may stand in between; "
            f"open the address of {self._connection.url_setting} in a browser and try again.",
        )


async def _read_whole(response: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise aiohttp.ClientPayloadError(f"more than {MAX_BODY_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


class _SaidError(msgspec.Struct):
    title: str = ""
    detail: str = ""


class _ErrorBody(msgspec.Struct):
    """Jira says `errorMessages`, Confluence `message`, the organisation's API `errors`."""

    errorMessages: list[str] = []  # noqa: N815  (Atlassian's name)
    message: str = ""
    errors: list[_SaidError] | dict[str, Any] = {}


def _error_text(payload: bytes) -> str:
    """Return Atlassian's own words for an error as `: …`, printable and short, or nothing."""
    try:
        body = msgspec.json.decode(payload, type=_ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    errors = body.errors if isinstance(body.errors, list) else ()
    more = (error.detail or error.title for error in errors)
    text = " ".join([*body.errorMessages, body.message, *more]).strip()
    return f": {''.join(c for c in text if c.isprintable())[:200]}" if text else ""


def server_time_after(answer: Answer[T]) -> datetime:
    """Return a server time not before the answer was made (`Date` has whole seconds)."""
    return answer.server_time + timedelta(seconds=1)
