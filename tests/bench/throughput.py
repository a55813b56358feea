"""How many questions are answered in a second, by how many clients, and how fairly.

New questions are measured beside such questions asked in process by as many threads, answers that
are kept beside a route that does nothing. What is compared takes turns within one run; servers and
clients have processes of their own.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from serve.actions.schemas import ActionsRequest
from serve.actions.service import ActionsService
from serve.app import create_app, settled
from serve.config import ServeSettings
from serve.query.visibility import OPERATOR
from tests.bench.callers import Answered
from tests.bench.query import Drawn, Params, home_of
from tests.bench.report import Figure, Tell, in_own_process, say_nothing
from tests.bench.serving import EMPTY, serving, serving_nothing
from tests.bench.synthetic import Shape

CLIENTS = (1, 8, 32)
ROUNDS = 5
"""After a first one that does not count: its answers come from cold blocks."""
SECONDS = 2.0
# Ten times what two cores have been seen to answer in a round.
MOST_NEW = 4_000
ACTIONS = "/api/v1/actions"


def bench_throughput(
    actions: int, logs: Path | None = None, tell: Tell = say_nothing
) -> list[Figure]:
    """Measure a log of `actions` actions; logs are kept in `logs` as by `bench_query`."""
    shape = Shape(actions=actions)
    with home_of(shape, logs, tell) as home, serving(home) as (_, port):
        application = create_app(ServeSettings(home=home))
        try:
            with settled(), serving_nothing() as (_, empty_port):
                return [
                    figure
                    for clients in CLIENTS
                    for figure in _at_once(
                        application.state.actions, port, empty_port, shape, clients, tell
                    )
                ]
        finally:
            application.state.warehouse.close()


def _at_once(
    service: ActionsService, port: int, empty_port: int, shape: Shape, clients: int, tell: Tell
) -> Iterator[Figure]:
    drawn = Drawn(service.warehouse, shape, seed=clients)
    kept = f"{ACTIONS}?{urlencode(drawn.since(30), doseq=True)}"
    ways: dict[str, Callable[[], Answered]] = {
        "in process": lambda: _in_process(service, clients, drawn.page),
        "new questions": lambda: _over_http(
            port, clients, [f"{ACTIONS}?{urlencode(drawn.page())}" for _ in range(MOST_NEW)]
        ),
        "empty route": partial(_over_http, empty_port, clients, [EMPTY]),
        "kept answer": partial(_over_http, port, clients, [kept]),
    }
    rounds: defaultdict[str, list[Answered]] = defaultdict(list)
    for number in range(ROUNDS + 1):
        tell(f"throughput: {clients} at once, round {number} of {ROUNDS}")
        for way, measure in ways.items():
            answered = measure()
            rounds[way] += [answered] if number else []
    rates = {way: statistics.median(one.rate for one in found) for way, found in rounds.items()}
    for way, floor in (
        ("in process", None),
        ("new questions", "in process"),
        ("empty route", None),
        ("kept answer", "empty route"),
    ):
        named = f"{way}, {clients} at once"
        # A client that waits for each answer measures latency, of which `bench_query` has the goal.
        is_busy = clients > 1 or way == "kept answer"
        yield Figure(
            named,
            rates[way],
            "answers/s",
            floor=f"{floor}, {clients} at once" if floor else None,
            ratio=rates[way] / rates[floor] if floor else None,
            goal=">= 0.8x" if floor and is_busy else "",
        )
        found = rounds[way]
        p50 = statistics.median(one.p50 for one in found)
        p99 = statistics.median(one.p99 for one in found)
        yield Figure(f"{named}, p50", p50 * 1_000, "ms")
        yield Figure(f"{named}, p99", p99 * 1_000, "ms", floor=f"{named}, p50", ratio=p99 / p50)
        if floor and clients > 1:
            # Of each round by itself: connections are new, so who came off badly is somebody else.
            shares = [min(one.numbers) / statistics.mean(one.numbers) for one in found]
            yield Figure(
                f"{named}, the client with fewest answers",
                statistics.median(min(one.numbers) for one in found),
                "answers",
                floor="the mean of all clients",
                ratio=statistics.median(shares),
                goal="fair: >= 0.8x",
            )


def _in_process(service: ActionsService, threads: int, draw: Callable[[], Params]) -> Answered:
    questions = [ActionsRequest.model_validate(draw()) for _ in range(MOST_NEW)]
    waited: list[list[float]] = [[] for _ in range(threads)]
    began = time.perf_counter()

    def ask(waits: list[float]) -> None:
        asked_at = began
        while asked_at < began + SECONDS:
            service.actions(questions.pop(), OPERATOR)
            answered_at = time.perf_counter()
            waits.append(answered_at - asked_at)
            asked_at = answered_at

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(ask, waited))
    return Answered.of(waited, time.perf_counter() - began)


def _over_http(port: int, clients: int, addresses: list[str]) -> Answered:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(addresses))
        file.flush()
        told = in_own_process(
            "tests.bench.callers", str(port), str(clients), str(SECONDS), file.name
        )
    return Answered(**told)
