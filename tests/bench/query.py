"""Speed of questions at a million actions, in process and over HTTP, against floors.

All of it is measured in one run. The floor of a question in process is DuckDB answering it with
the least SQL there is: no names, no visibility, no pages. The floor over HTTP is a route that does
nothing.
"""

from __future__ import annotations

import random
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI

from serve.actions.schemas import ActionsRequest, ActivityRequest
from serve.actions.service import ActionsService
from serve.app import create_app
from serve.config import ServeSettings
from serve.query.codec import DetailCursor, digest
from serve.query.compiler import Query
from serve.query.visibility import OPERATOR
from serve.warehouse.warehouse import Warehouse
from tests.bench.report import Figure
from tests.bench.synthetic import Shape, publish_synthetic

ROUNDS = 40
_AUTHORS = (
    "select actor_account_id, count(*) from fct_actions "
    "where occurred_at >= $start and occurred_at < $end "
    "group by all order by 2 desc limit 50"
)
_COUNTS = (
    "select actor_account_id, action_code, count(*) from fct_actions "
    "where occurred_at >= $start and occurred_at < $end "
    "and actor_account_id in (select unnest($authors)) group by all"
)
_PAGE = (
    "select * from fct_actions where occurred_at >= $start and occurred_at <= $end "
    "order by occurred_at desc limit 50"
)


@dataclass(frozen=True)
class Question:
    """A question as a request, as the least SQL, and with the goal of the design."""

    name: str
    path: str
    params: Callable[[], dict[str, str]]
    floor: Callable[[], object]
    goal: str


def bench_query(actions: int = 1_000_000) -> list[Figure]:
    """Measure the questions on a synthetic log; times in milliseconds, p50 and p99 of each."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        shape = Shape(actions=actions)
        publish_synthetic(home, shape)
        settings = ServeSettings(home=home, port=0)
        warehouse = Warehouse(settings)
        try:
            return _measure(warehouse, settings, shape)
        finally:
            warehouse.close()


def _measure(warehouse: Warehouse, settings: ServeSettings, shape: Shape) -> list[Figure]:
    service = ActionsService(warehouse)
    application = create_app(settings)

    @application.get("/empty", include_in_schema=False)
    async def empty() -> None:
        """Do nothing: what HTTP itself costs."""

    figures: list[Figure] = []
    with _serving(application) as connection:
        empty_times = _times(lambda: _fetch(connection, "/empty", {}))
        figures += _figures("HTTP: empty route", empty_times, None, "")
        for question in _questions(warehouse, shape):
            # Interleaved, so that a busy moment of the machine meets all three alike.
            floors, inside, outside = [], [], []
            for _ in range(ROUNDS):
                params = question.params()
                floors.append(_timed(question.floor))
                inside.append(_timed(lambda: _ask(service, question.path, params)))  # noqa: B023 - called before the loop goes on
                outside.append(_timed(lambda: _fetch(connection, question.path, params)))  # noqa: B023 - called before the loop goes on
            floor_name = f"bare SQL: {question.name}"
            figures += _figures(floor_name, floors, None, "")
            figures += _figures(
                f"in process: {question.name}",
                inside,
                (floor_name, statistics.median(floors)),
                question.goal,
            )
            figures += _figures(
                f"HTTP: {question.name}",
                outside,
                (f"in process: {question.name}", statistics.median(inside)),
                "3 ms more than in process",
            )
    return figures


def _questions(warehouse: Warehouse, shape: Shape) -> list[Question]:
    draw = random.Random(7)

    def bare(
        sql: str, start: datetime, end: datetime, **params: object
    ) -> list[tuple[object, ...]]:
        with warehouse.lease() as snapshot:
            return snapshot.run(Query(sql, {"start": start, "end": end, **params}))

    def counted(days: int) -> Callable[[], object]:
        start = shape.until - timedelta(days=days)

        def floor() -> object:
            authors = bare(_AUTHORS, start, shape.until)
            return bare(_COUNTS, start, shape.until, authors=[row[0] for row in authors])

        return floor

    def since(days: int) -> Callable[[], dict[str, str]]:
        start = shape.until - timedelta(days=days)
        return lambda: {"from": start.isoformat(), "to": shape.until.isoformat()}

    def anywhere() -> dict[str, str]:
        """Return the parameters of a page from a random place in the whole log."""
        filters = {"from": "1971-01-01", "to": shape.until.isoformat()}
        with warehouse.lease() as snapshot:
            place = shape.until - timedelta(seconds=draw.random() * 86_400 * (shape.days - 10))
            cursor = DetailCursor(
                snapshot=snapshot.id,
                question=digest(ActionsRequest.model_validate(filters)),
                occurred_at_us=(place - datetime(1970, 1, 1)) // timedelta(microseconds=1),  # noqa: DTZ001 - marts hold naive UTC
                action_id="8" * 32,
            )
        return filters | {"cursor": cursor.encode()}

    def newest() -> object:
        return bare(_PAGE, shape.until - timedelta(days=30), shape.until)

    def deep() -> object:
        end = shape.until - timedelta(seconds=draw.random() * 86_400 * (shape.days - 10))
        return bare(_PAGE, datetime(1971, 1, 1), end)  # noqa: DTZ001 - marts hold naive UTC

    activity, actions = "/api/v1/activity", "/api/v1/actions"
    return [
        Question("aggregated, 30 days", activity, since(30), counted(30), "7-20 ms"),
        Question("aggregated, 1 year", activity, since(365), counted(365), "17 ms"),
        Question("detail, first page", actions, since(30), newest, "8-10 ms"),
        Question("detail, deep page", actions, anywhere, deep, "10 ms"),
    ]


def _ask(service: ActionsService, path: str, params: dict[str, str]) -> None:
    if path.endswith("activity"):
        service.activity(ActivityRequest.model_validate(params), OPERATOR)
    else:
        service.actions(ActionsRequest.model_validate(params), OPERATOR)


def _fetch(connection: HTTPConnection, path: str, params: dict[str, str]) -> None:
    connection.request("GET", f"{path}?{urlencode(params)}" if params else path)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        msg = f"{path} answered {response.status}: {body[:200]!r}"
        raise RuntimeError(msg)


@contextmanager
def _serving(application: FastAPI) -> Iterator[HTTPConnection]:
    """Serve `application` on a free loopback port from a thread of this process."""
    server = uvicorn.Server(uvicorn.Config(application, log_level="warning", access_log=False))
    # Listening already, so that the first request waits for the server instead of being refused.
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    connection = HTTPConnection(*listener.getsockname()[:2])
    try:
        yield connection
    finally:
        connection.close()
        server.should_exit = True
        thread.join()
        listener.close()


def _times(work: Callable[[], object]) -> list[float]:
    return [_timed(work) for _ in range(ROUNDS)]


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1_000


def _figures(
    name: str, times: list[float], floor: tuple[str, float] | None, goal: str
) -> list[Figure]:
    p50 = statistics.median(times)
    p99 = statistics.quantiles(times, n=100)[98]
    return [
        Figure(
            f"{name}, p50",
            p50,
            "ms",
            floor=f"{floor[0]}, p50" if floor else None,
            ratio=p50 / floor[1] if floor else None,
            goal=goal,
        ),
        Figure(f"{name}, p99", p99, "ms"),
    ]
