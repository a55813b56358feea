"""Speed of questions at several sizes of the log, in process and over HTTP, against floors.

All of it is measured in one run. The floor of a question in process is DuckDB answering it with
the least SQL there is on the facts: no names, no visibility, no pages, no rollups. The floor over
HTTP is a route that does nothing. The cost of a question should follow what it asks for, not all
that was ever logged: how it grows from one size to the next is a figure of its own.
"""

from __future__ import annotations

import random
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

from serve.actions.schemas import ActionsRequest, ActivityRequest
from serve.actions.service import ActionsService
from serve.app import create_app
from serve.config import ServeSettings
from serve.paging import microseconds
from serve.query.compiler import Query
from serve.query.cursors import DetailCursor, digest
from serve.query.visibility import OPERATOR, Role, Viewer
from serve.warehouse.prefetch import Prefetch
from serve.warehouse.warehouse import Warehouse
from tests.bench.jql import bench_jql
from tests.bench.report import Figure, cpu_seconds
from tests.bench.serving import EMPTY, serving, serving_nothing
from tests.bench.synthetic import Shape, publish_synthetic

ROUNDS = 40
FEWEST_ROUNDS = 10
FEWEST_FLOORS = 3
SECONDS_A_QUESTION = 20
Params = dict[str, str | list[str]]
SOMEBODY = Viewer("somebody", Role.MANAGER, "account-1")
"""Sees some issues with a security level, some of Assets, and some projects' views of issues."""
_BEGINNING = datetime(1971, 1, 1)  # noqa: DTZ001 - marts hold naive UTC
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
_PERSON = (
    "select * from fct_actions where occurred_at >= $start and occurred_at <= $end "
    "and actor_account_id = $person order by occurred_at desc limit 50"
)
_ISSUES = (
    "select * from fct_actions where occurred_at >= $start and occurred_at <= $end "
    "and issue_id in (select unnest($issues)) order by occurred_at desc limit 50"
)
_ISSUES_COUNT = (
    "select count(*) from fct_actions where occurred_at >= $start and occurred_at < $end "
    "and issue_id in (select unnest($issues)) and not is_secured"
)
_ISSUES_COUNTS = (
    "select actor_account_id, action_code, count(*) from fct_actions "
    "where occurred_at >= $start and occurred_at < $end "
    "and issue_id in (select unnest($issues)) group by all"
)
_ISSUES_SORTED = (
    "select * from fct_actions where occurred_at >= $start and occurred_at < $end "
    "and issue_id in (select unnest($issues)) order by action_code, occurred_at desc limit 50"
)
_FIELD = (
    "select * from fct_actions where occurred_at >= $start and occurred_at < $end "
    "and action_id in (select action_id from fct_action_changes where field_id = 'priority' "
    "and occurred_at >= $start and occurred_at < $end) order by occurred_at desc limit 50"
)
_COUNT = (
    "select count(*) from fct_actions "
    "where occurred_at >= $start and occurred_at < $end and not is_secured"
)
_HISTORY = (
    "select * from fct_actions where occurred_at >= $start and occurred_at <= $end "
    "and issue_id in (select issue_id from fct_action_changes "
    "where field_id = 'status' and new_value_id = $status) order by occurred_at desc limit 50"
)


@dataclass(frozen=True)
class Question:
    """A question as a request, as the least SQL, and with the goal of the design."""

    name: str
    path: str
    params: Callable[[], Params]
    floor: Callable[[], object]
    goal: str
    viewer: Viewer = OPERATOR


def bench_query(
    sizes: Sequence[int], logs: Path | None = None, say: Callable[[str], None] = lambda _: None
) -> Iterator[tuple[str, list[Figure]]]:
    """Measure the questions on synthetic logs of so many actions; p50 and p99 in milliseconds.

    Yields a table (title, figures) for each size and, after several, how many times dearer a
    question is than at the first. The logs are kept in the directory `logs`, and found there again;
    `say` is told what is going on.
    """
    costs: list[dict[str, Cost]] = []
    for actions in sizes:
        shape = Shape(actions=actions)
        with home_of(shape, logs, say) as home:
            # A floor may take long, and nothing but the end of it tells how long. What is asked
            # again is to be worked out again.
            settings = ServeSettings(home=home, query_seconds=3_600, answer_memory="0MB")
            with serving(home, query_seconds="3600", answer_memory="0MB") as place:
                figures, cost = _measure(settings, place, shape, say)
            say(f"{actions:,} actions: JQL")
            questions_of_jql = bench_jql(settings, shape)
        costs.append(cost)
        yield f"Query, {actions:,} actions", figures
        yield f"JQL, {actions:,} actions", questions_of_jql
    growth = []
    small, before = sizes[0], costs[0]
    for large, after in zip(sizes[1:], costs[1:], strict=True):
        for question, dearer in after.items():
            wall = dearer.milliseconds / before[question].milliseconds
            cpu = dearer.cpu_milliseconds / before[question].cpu_milliseconds
            step = f"{question}, {small:,} to {large:,}"
            growth.append(Figure(f"{step}, p50", wall, "x", goal="<= 4x from 1 M to 100 M"))
            growth.append(Figure(f"{step}, CPU", cpu, "x"))
    if growth:
        yield "Query, growth with the log", growth


@contextmanager
def home_of(shape: Shape, logs: Path | None, say: Callable[[str], None]) -> Iterator[Path]:
    """Lend a home with the log of `shape`: one that is kept, or one for the time being."""
    with tempfile.TemporaryDirectory() as directory:
        home = logs / str(shape.actions) if logs else Path(directory)
        if (home / "CURRENT").exists():
            say(f"{shape.actions:,} actions: found in {home}")
        else:
            say(f"{shape.actions:,} actions: writing the log, 10 M take about a minute")
            began = time.monotonic()
            publish_synthetic(home, shape)
            say(f"{shape.actions:,} actions: written in {time.monotonic() - began:.0f} s")
        yield home


@dataclass(frozen=True)
class Cost:
    """What a question cost in process: p50 of the clock, mean of the CPU."""

    milliseconds: float
    cpu_milliseconds: float


def _measure(
    settings: ServeSettings, place: tuple[str, int], shape: Shape, say: Callable[[str], None]
) -> tuple[list[Figure], dict[str, Cost]]:
    application = create_app(settings)
    service: ActionsService = application.state.actions
    warehouse: Warehouse = application.state.warehouse
    figures: list[Figure] = []
    costs: dict[str, Cost] = {}
    with serving_nothing() as address, Client(address) as client:
        empty_times = _times(lambda: client.get(EMPTY))
    with closing(warehouse), Client(place) as client:
        figures += _beginnings(warehouse)
        figures += _figures("HTTP: empty route", empty_times, None, "")
        for question in _questions(warehouse, shape):
            say(f"{shape.actions:,} actions: {question.name}")
            _read_ahead(warehouse)
            # Interleaved, so that a busy moment of the machine meets all three alike.
            floors: list[float] = []
            inside: list[float] = []
            outside: list[float] = []
            cpu = 0.0
            until = time.monotonic() + SECONDS_A_QUESTION
            for turn in range(ROUNDS + 1):
                if turn > FEWEST_ROUNDS and time.monotonic() > until:
                    break
                params = question.params()
                # A slow floor is asked less often than what is compared with it.
                if turn <= FEWEST_FLOORS or sum(floors) < SECONDS_A_QUESTION * 1_000:
                    floors.append(_timed(question.floor))
                begun = cpu_seconds()
                asked = _timed(partial(_ask, service, question, params))
                used = cpu_seconds() - begun
                fetched = None
                if question.viewer is OPERATOR:
                    # Drawn anew: what has just been asked in process lies at hand.
                    asked_anew = question.params()
                    # Serve ends connections that were silent for seconds, as during a long floor.
                    client.connect()
                    fetched = _timed(partial(client.get, question.path, asked_anew))
                if turn == 0:
                    floors.clear()
                    continue  # the first one reads what the others find in memory
                inside.append(asked)
                outside += [fetched] if fetched is not None else []
                cpu += used
            costs[question.name] = Cost(statistics.median(inside), cpu * 1_000 / len(inside))
            floor_name = f"bare SQL: {question.name}"
            figures += _figures(floor_name, floors, None, "")
            figures += _figures(
                f"in process: {question.name}",
                inside,
                (floor_name, statistics.median(floors)),
                question.goal,
            )
            figures.append(
                Figure(
                    f"in process: {question.name}, CPU",
                    costs[question.name].cpu_milliseconds,
                    "ms",
                )
            )
            if outside:
                figures += _figures(
                    f"HTTP: {question.name}",
                    outside,
                    (f"in process: {question.name}", statistics.median(inside)),
                    "3 ms more than in process",
                )
    return figures, costs


def _beginnings(warehouse: Warehouse) -> list[Figure]:
    """Measure what the first question on a snapshot waits for, and the first one of a viewer."""
    with warehouse.lease() as snapshot:
        snapshot.prefetch.wait()
        first = _timed(lambda: snapshot.rights(OPERATOR))
        second = _timed(lambda: snapshot.rights(SOMEBODY))
    return [
        Figure("rights of the first viewer of a snapshot", first, "ms"),
        Figure("rights of another viewer", second, "ms"),
    ]


class Drawn:
    """Requests and the least SQL for them; what varies is drawn anew each time."""

    def __init__(self, warehouse: Warehouse, shape: Shape, seed: int = 7) -> None:
        self._warehouse = warehouse
        self._shape = shape
        self._draw = random.Random(seed)
        self.everything: Params = {"from": "1971-01-01", "to": shape.until.isoformat()}

    def bare(
        self, sql: str, start: datetime, end: datetime, **params: object
    ) -> list[tuple[object, ...]]:
        """Return the rows of a statement, as the product would run it."""
        with self._warehouse.lease() as snapshot:
            return snapshot.run(Query(sql, {"start": start, "end": end, **params}))

    def _since(self, days: int) -> datetime:
        return self._shape.until - timedelta(days=days)

    def _somewhen(self) -> datetime:
        return self._shape.until - timedelta(
            seconds=self._draw.random() * 86_400 * (self._shape.days - 10)
        )

    def _issues(self, count: int) -> list[int]:
        """Return the numbers of so many issues that everybody may see."""
        drawn = self._draw.sample(range(self._shape.issues), 2 * count + 10)
        return [number for number in drawn if number % 100 != 7][:count]

    def since(self, days: int) -> Params:
        """Return the parameters of the last so many days."""
        return self.everything | {"from": self._since(days).isoformat()}

    def counts(self, days: int) -> object:
        """Count the last so many days in two steps: who did most, then what they did."""
        start, end = self._since(days), self._shape.until
        authors = self.bare(_AUTHORS, start, end)
        return self.bare(_COUNTS, start, end, authors=[row[0] for row in authors])

    def one_count(self, days: int) -> object:
        """Count the last so many days."""
        return self.bare(_COUNT, self._since(days), self._shape.until)

    def newest(self) -> object:
        """Read the newest page."""
        return self.bare(_PAGE, self._since(30), self._shape.until)

    def page(self) -> Params:
        """Return the parameters of a page from a random place in the whole log."""
        with self._warehouse.lease() as snapshot:
            cursor = DetailCursor(
                snapshot=snapshot.id,
                question=digest(ActionsRequest.model_validate(self.everything)),
                occurred_at_us=microseconds(self._somewhen()),
                action_id="8" * 32,
            )
        return self.everything | {"cursor": cursor.encode()}

    def bare_page(self) -> object:
        """Read a page from a random place in the whole log."""
        return self.bare(_PAGE, _BEGINNING, self._somewhen())

    def page_of(self, person: str) -> Params:
        """Return the parameters of a page of one person that begins at a random time."""
        return self.everything | {"to": self._somewhen().isoformat(), "user": [person]}

    def bare_page_of(self, person: str) -> object:
        """Read a page of one person that begins at a random time."""
        return self.bare(_PERSON, _BEGINNING, self._somewhen(), person=person)

    def bare_field(self) -> object:
        """Read a page of the changes of a field in the last year."""
        return self.bare(_FIELD, self._since(365), self._shape.until)

    def keys(self, number_of: int = 50, **more: str) -> Params:
        """Return the parameters of so many issues that nobody has asked for before."""
        projects = self._shape.projects
        keys = [
            f"P{number % projects}-{number // projects + 1}" for number in self._issues(number_of)
        ]
        return self.everything | {"jql": f"issue in ({', '.join(keys)})"} | more

    def bare_keys(self, sql: str, count: int = 50) -> object:
        """Ask about so many issues."""
        ids = [str(100_000 + number) for number in self._issues(count)]
        return self.bare(sql, _BEGINNING, self._shape.until, issues=ids)


def _questions(warehouse: Warehouse, shape: Shape) -> list[Question]:
    drawn = Drawn(warehouse, shape)
    activity, actions = "/api/v1/activity", "/api/v1/actions"
    everything = drawn.everything
    rare, busy = f"account-{shape.actors - 1}", "account-1"
    history: Params = everything | {"jql": 'status was "Blocked" and priority is not empty'}
    return [
        Question(
            "aggregated, 30 days",
            activity,
            partial(drawn.since, 30),
            partial(drawn.counts, 30),
            "<= 40 ms",
        ),
        Question(
            "aggregated, 1 year",
            activity,
            partial(drawn.since, 365),
            partial(drawn.counts, 365),
            "<= 40 ms",
        ),
        Question("detail, first page", actions, partial(drawn.since, 30), drawn.newest, "<= 10 ms"),
        Question("detail, deep page", actions, drawn.page, drawn.bare_page, "<= 10 ms"),
        Question(
            "detail, rare person",
            actions,
            lambda: everything | {"user": [rare]},
            lambda: drawn.bare(_PERSON, _BEGINNING, shape.until, person=rare),
            "<= 20 ms",
        ),
        Question(
            "detail, busy person, deep page",
            actions,
            partial(drawn.page_of, busy),
            partial(drawn.bare_page_of, busy),
            "<= 20 ms",
        ),
        Question(
            "detail, 50 given issues",
            actions,
            drawn.keys,
            partial(drawn.bare_keys, _ISSUES),
            "",
        ),
        Question(
            "detail by action, 50 given issues",
            actions,
            partial(drawn.keys, sort="action"),
            partial(drawn.bare_keys, _ISSUES_SORTED),
            "",
        ),
        Question(
            "detail of 1 year, one field",
            actions,
            lambda: drawn.since(365) | {"field": ["priority"]},
            drawn.bare_field,
            "",
        ),
        *(
            question
            for count, issues in ((1, "one given issue"), (50, "50 given issues"))
            for question in (
                Question(
                    f"count, {issues}",
                    actions,
                    partial(drawn.keys, count, count="true", limit="1"),
                    partial(drawn.bare_keys, _ISSUES_COUNT, count),
                    "",
                ),
                Question(
                    f"aggregated, {issues}",
                    activity,
                    partial(drawn.keys, count),
                    partial(drawn.bare_keys, _ISSUES_COUNTS, count),
                    "",
                ),
            )
        ),
        Question(
            "count of 1 year, with one row",
            actions,
            lambda: drawn.since(365) | {"count": "true", "limit": "1"},
            partial(drawn.one_count, 365),
            "<= 25 ms",
        ),
        Question(
            "aggregated, 1 year, with some rights",
            activity,
            partial(drawn.since, 365),
            partial(drawn.counts, 365),
            "",
            SOMEBODY,
        ),
        Question(
            "count of 1 year, with some rights",
            actions,
            lambda: drawn.since(365) | {"count": "true", "limit": "1"},
            partial(drawn.one_count, 365),
            "",
            SOMEBODY,
        ),
        Question(
            "JQL with history",
            actions,
            lambda: history,
            lambda: drawn.bare(_HISTORY, _BEGINNING, shape.until, status="6"),
            "",
        ),
    ]


def _ask(service: ActionsService, question: Question, params: Params) -> None:
    if question.path.endswith("activity"):
        service.activity(ActivityRequest.model_validate(params), question.viewer)
    else:
        service.actions(ActionsRequest.model_validate(params), question.viewer)


class Client:
    """One connection to a server on this machine, used again and again.

    It reads no more of the headers than it must: `http.client` takes 0.1 to 0.2 ms for them, which
    is no part of what the product adds to a question.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._socket = socket.create_connection(address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def connect(self) -> None:
        """Begin a new connection."""
        self._socket.close()
        self._socket = socket.create_connection(self._address)

    def get(self, path: str, params: Params | None = None) -> bytes:
        """Return the body of the answer; RuntimeError for any status but 200."""
        address = f"{path}?{urlencode(params, doseq=True)}" if params else path
        self._socket.sendall(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive(address)
        head, _, body = received.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        while len(body) < length:
            body += self._receive(address)
        if not lines[0].startswith(b"http/1.1 200"):
            msg = f"{path} answered {lines[0]!r}: {body[:200]!r}"
            raise RuntimeError(msg)
        return body

    def _receive(self, address: str) -> bytes:
        received = self._socket.recv(1 << 20)
        if not received:
            msg = f"the server closed the connection: {address}"
            raise RuntimeError(msg)
        return received


def _read_ahead(warehouse: Warehouse) -> None:
    """Read the snapshot once more: some machines soon take the memory of a file back."""
    with warehouse.lease() as snapshot, closing(Prefetch(snapshot.path)) as again:
        again.wait()


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
