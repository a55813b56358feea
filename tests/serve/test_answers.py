"""Answers that are kept: the same as a fresh one, for the same viewer, until the next publish."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient

from serve.answering import CACHE_STATUS, HIT, MISS, SnapshotRoute
from serve.api import fixed_questions
from serve.config import ServeSettings
from serve.query.visibility import OPERATOR, Role, Viewer
from serve.warehouse.answers import Answers, Asked
from serve.warehouse.snapshot import Snapshot
from serve.warehouse.warehouse import Warehouse
from tests.serve.conftest import app_of, make_client, publish_copy
from tests.serve.test_http import running
from tests.serve.test_routes import DOOR, PARAMETERS, POLICY, routes_of

ALL_TIME = "from=2024-01-01&to=2027-01-01"
# How fresh the log is tells the time that has passed; a description is made in no time.
ASKED = Asked(OPERATOR, "/", b"")
NEVER_KEPT = {"/api/v1/freshness", "/api/v1/filters/describe"}


@pytest.fixture
def home(tmp_path: Path, marts: Path) -> Path:
    publish_copy(tmp_path, marts)
    return tmp_path


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    with make_client(home) as made:
        yield made


def status_of(client: TestClient, address: str) -> str | None:
    response = client.get(address)
    assert response.status_code == 200, response.text
    return response.headers.get(CACHE_STATUS)


def test_every_question_to_a_snapshot_is_kept_and_given_again_as_it_was(
    client: TestClient,
) -> None:
    app = app_of(client)
    for name in POLICY:
        method, path = name.split(" ")
        if POLICY[name] != DOOR or method != "GET":
            continue
        if path.endswith(".xlsx"):  # streamed: who asks for the same file must not wait for it
            assert not isinstance(routes_of(app)[name], SnapshotRoute), name
            continue
        address = path.replace("{kind}", "projects")
        fresh = client.get(address, params=PARAMETERS.get(name))
        again = client.get(address, params=PARAMETERS.get(name))
        if path in NEVER_KEPT:
            assert CACHE_STATUS not in fresh.headers | again.headers, name
            continue
        assert isinstance(routes_of(app)[name], SnapshotRoute), name
        assert (fresh.headers.pop(CACHE_STATUS), again.headers.pop(CACHE_STATUS)) == (MISS, HIT)
        assert (again.status_code, again.content) == (200, fresh.content), name
        assert dict(again.headers) == dict(fresh.headers), name


def test_the_short_way_answers_as_the_router_does(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = fixed_questions()
    with make_client(home) as short:
        known = {
            name.removeprefix("GET ")
            for name, route in routes_of(app_of(short)).items()
            if isinstance(route, SnapshotRoute)
        }
        assert questions.keys() == {path for path in known if "{" not in path}
        monkeypatch.setattr("serve.api.fixed_questions", dict)
        with make_client(home) as long:
            for path in questions:
                for query in (PARAMETERS.get(f"GET {path}"), {"nothing": "1"}, {"limit": "x"}):
                    for method in ("GET", "HEAD", "POST"):
                        one, other = (
                            client.request(method, path, params=query) for client in (short, long)
                        )
                        assert one.status_code == other.status_code, (method, path, query)
                        assert (one.content, dict(one.headers)) == (
                            other.content,
                            dict(other.headers),
                        ), (method, path, query)
            for client in (short, long):
                app_of(client).state.viewer = Viewer("nobody")
            told = [client.get("/api/v1/actions") for client in (short, long)]
            assert [one.status_code for one in told] == [403, 403]
            assert told[0].content == told[1].content


def test_another_question_is_another_answer(client: TestClient) -> None:
    addresses = [
        "/api/v1/actions?limit=2",
        "/api/v1/actions?limit=3",
        f"/api/v1/actions?limit=2&{ALL_TIME}",
        "/api/v1/activity?limit=2",
    ]
    bodies = {client.get(address).content for address in addresses}
    assert len(bodies) == len(addresses)
    assert {client.get(address).content for address in addresses} == bodies


def test_every_viewer_has_answers_of_their_own(client: TestClient) -> None:
    state = app_of(client).state
    address = f"/api/v1/actions?count=true&limit=1&{ALL_TIME}"
    told = {}
    for viewer in (OPERATOR, Viewer("somebody", Role.MANAGER, "account-1")):
        state.viewer = viewer
        assert status_of(client, address) == MISS
        told[viewer] = client.get(address).json()["action_count"]
    assert len(set(told.values())) == 2
    for viewer, action_count in told.items():
        state.viewer = viewer
        again = client.get(address)
        assert (again.headers[CACHE_STATUS], again.json()["action_count"]) == (HIT, action_count)
    state.viewer = Viewer("nobody")
    assert client.get(address).status_code == 403


def test_a_publish_ends_what_was_kept(client: TestClient, home: Path, marts: Path) -> None:
    first = client.get("/api/v1/actions?limit=2").json()
    assert status_of(client, "/api/v1/actions?limit=2") == HIT
    pinned = f"/api/v1/actions?limit=2&cursor={first['next_cursor']}"
    page = client.get(pinned).json()
    newest = publish_copy(home, marts)
    fresh = client.get("/api/v1/actions?limit=2")
    assert fresh.json()["snapshot_id"] == newest != first["snapshot_id"]
    assert status_of(client, "/api/v1/actions?limit=2") == HIT
    # A cursor goes on in its own snapshot, and says the same as before.
    assert client.get(pinned).json() == page
    assert status_of(client, pinned) == HIT


def test_a_snapshot_that_comes_back_is_answered_from_itself(
    client: TestClient, home: Path, marts: Path
) -> None:
    pointer = home / "CURRENT"
    old = pointer.read_bytes()
    for _ in range(2):
        assert client.get("/api/v1/meta").json()["snapshot_id"].encode() in old
    newest = publish_copy(home, marts)
    assert client.get("/api/v1/meta").json()["snapshot_id"] == newest
    pointer.write_bytes(old)
    assert client.get("/api/v1/meta").json()["snapshot_id"].encode() in old


def test_errors_and_workbooks_are_not_kept(client: TestClient) -> None:
    for _ in range(2):
        refused = client.get("/api/v1/actions?project=NOWHERE")
        assert (refused.status_code, refused.headers.get(CACHE_STATUS)) == (422, None)
        workbook = client.get("/api/v1/actions.xlsx")
        assert (workbook.status_code, workbook.headers.get(CACHE_STATUS)) == (200, None)


def test_nothing_is_kept_where_no_memory_is_given(home: Path) -> None:
    with make_client(home, answer_memory="0MB") as client:
        for _ in range(3):
            assert status_of(client, "/api/v1/actions?limit=2") == MISS


def test_the_memory_is_what_the_setting_says() -> None:
    assert ServeSettings(answer_memory="0MB").answer_bytes == 0
    assert ServeSettings(answer_memory="64MB").answer_bytes == 64_000_000
    assert ServeSettings(answer_memory="2GB").answer_bytes == 2_000_000_000


def test_a_route_with_a_body_cannot_be_kept() -> None:
    router = APIRouter(route_class=SnapshotRoute)
    with pytest.raises(TypeError, match="only a GET"):
        router.add_api_route("/ask", lambda: None, methods=["POST"])


def test_many_who_ask_the_same_wait_for_one(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()
    may_go_on = threading.Event()
    asked: list[Viewer] = []
    rights = Snapshot.rights

    def slow(snapshot: Snapshot, viewer: Viewer) -> object:
        asked.append(viewer)
        begun.set()
        assert may_go_on.wait(300)
        return rights(snapshot, viewer)

    monkeypatch.setattr(Snapshot, "rights", slow)
    with ThreadPoolExecutor(16) as pool:
        first = pool.submit(client.get, "/api/v1/actions?limit=7")
        assert begun.wait(300)
        others = [pool.submit(client.get, "/api/v1/actions?limit=7") for _ in range(15)]
        assert client.get("/healthz").status_code == 200  # nobody else waits
        may_go_on.set()
        responses = [one.result(300) for one in (first, *others)]
    assert {response.content for response in responses} == {responses[0].content}
    assert [response.status_code for response in responses] == [200] * 16
    assert len(asked) == 1


async def ask(answers: Answers, work_out: Callable[[], Awaitable[bytes]]) -> bytes:
    """Ask as a route does."""
    body = await answers.coming(ASKED) or answers.known(ASKED)
    if body is None:
        with answers.working_out(ASKED) as keep:
            body = await work_out()
            keep(body)
    return body


class Work:
    """Works out an answer, and counts how often; what it does first can be told."""

    def __init__(self, at_first: Callable[[], Awaitable[object]] | None = None) -> None:
        self.attempts = 0
        self._at_first = at_first

    async def __call__(self) -> bytes:
        """Return the answer, in a later turn of the event loop."""
        self.attempts += 1
        is_first = self.attempts == 1
        await asyncio.sleep(0)
        if is_first and self._at_first is not None:
            await self._at_first()
        return b"answer"


async def ask_at_once(answers: Answers, work: Work) -> list[bytes | BaseException]:
    """Let five ask before the first of them has its answer."""
    asking = (ask(answers, work) for _ in range(5))
    return await asyncio.gather(*asking, return_exceptions=True)


def test_who_waits_shares_a_failure_and_it_leaves_no_trace() -> None:
    async def fail() -> None:
        msg = "it failed"
        raise ValueError(msg)

    answers, work = Answers(10_000), Work(fail)
    found = asyncio.run(ask_at_once(answers, work))
    assert [str(one) for one in found] == ["it failed"] * 5
    assert work.attempts == 1
    assert asyncio.run(ask_at_once(answers, work)) == [b"answer"] * 5
    assert work.attempts == 2
    assert answers.known(ASKED) == b"answer"


def test_who_works_it_out_and_is_stopped_leaves_it_to_the_others() -> None:
    answers, work = Answers(10_000), Work(asyncio.Event().wait)

    async def stop_the_first() -> list[bytes]:
        first = asyncio.create_task(ask(answers, work))
        await asyncio.sleep(0)
        others = [asyncio.create_task(ask(answers, work)) for _ in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        return await asyncio.gather(*others)

    assert asyncio.run(stop_the_first()) == [b"answer"] * 3


def test_who_stops_waiting_does_not_stop_the_work() -> None:
    answers = Answers(10_000)

    async def wait_twice() -> bytes | None:
        with answers.working_out(ASKED) as keep:
            impatient = asyncio.create_task(answers.coming(ASKED))
            patient = asyncio.create_task(answers.coming(ASKED))
            await asyncio.sleep(0)
            impatient.cancel()
            await asyncio.sleep(0)
            keep(b"answer")
        return await patient

    assert asyncio.run(wait_twice()) == b"answer"


def test_what_is_too_large_to_be_kept_is_still_shared() -> None:
    answers, work = Answers(0), Work()
    assert asyncio.run(ask_at_once(answers, work)) == [b"answer"] * 5
    assert (work.attempts, answers.known(ASKED)) == (1, None)


def test_what_was_kept_ends_in_the_moment_in_which_another_snapshot_is_current(
    home: Path, marts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sees the new snapshot named sees none of the old answers, however long it takes."""
    is_being_made = threading.Event()
    may_go_on = threading.Event()

    class Slow(Answers):
        def __init__(self, most_bytes: int) -> None:
            is_being_made.set()
            assert may_go_on.wait(60)
            super().__init__(most_bytes)

    warehouse = Warehouse(ServeSettings(home=home))
    seen: list[Answers | None] = []

    def look() -> None:
        seen.append(warehouse.answers)

    warehouse.open_current()
    look()
    publish_copy(home, marts)
    monkeypatch.setattr("serve.warehouse.warehouse.Answers", Slow)
    opening = threading.Thread(target=warehouse.open_current)
    opening.start()
    try:
        assert is_being_made.wait(60)
        look()
    finally:
        may_go_on.set()
        opening.join()
    look()
    warehouse.close()
    look()
    assert [type(one) for one in seen] == [Answers, type(None), Slow, type(None)]


def test_what_is_kept_stays_within_its_memory_and_is_what_was_given() -> None:
    most = 50_000
    answers = Answers(most)
    draw = random.Random(5)

    def ask_one(number: int) -> None:
        asked = Asked(OPERATOR, "/api/v1/actions", b"q=%d" % (number % 97) * 50)
        body = answers.known(asked)
        wanted = b"%d" % (number % 97) * (1 + number % 97) * 20
        assert body in {None, wanted}
        if body is None:
            with answers.working_out(asked) as keep:
                keep(wanted)
        assert 0 < answers.size <= most

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask_one, [draw.randrange(10_000) for _ in range(600)]))
    huge = Asked(OPERATOR, "/", b"x" * most)
    with answers.working_out(huge) as keep:
        keep(b"")
    assert answers.known(huge) is None


def test_no_reader_is_given_an_older_answer_than_before(
    client: TestClient, home: Path, marts: Path
) -> None:
    stop = threading.Event()
    seen: list[list[str]] = [[] for _ in range(4)]

    def read(ids: list[str]) -> None:
        while not stop.is_set():
            response = client.get("/api/v1/actions?limit=1")
            assert response.status_code == 200, response.text
            ids.append(response.json()["snapshot_id"])

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read, ids) for ids in seen]
        try:
            for _ in range(8):
                newest = publish_copy(home, marts)
            while not all(ids and ids[-1] == newest for ids in seen):
                assert not any(reader.done() for reader in readers)
                stop.wait(0.01)
        finally:
            stop.set()
        for reader in readers:
            reader.result(60)
    assert all(ids == sorted(ids) for ids in seen)


def test_thirty_two_clients_at_once_get_what_one_alone_gets(home: Path) -> None:
    """Over real connections to a real server: every answer is there, and is the right one."""
    questions = [
        f"/api/v1/{view}?{ALL_TIME}&limit={limit}"
        for view in ("actions", "activity", "issues")
        for limit in range(1, 9)
    ]
    with make_client(home) as alone:
        wanted = {question: alone.get(question).content for question in questions}
    draw = random.Random(32)

    def ask(address: tuple[str, int], asked: list[str]) -> list[str]:
        connection = HTTPConnection(*address, timeout=120)
        wrong = []
        for question in asked:
            connection.request("GET", question)
            response = connection.getresponse()
            if (response.read(), response.status) != (wanted[question], 200):
                wrong.append(question)
        connection.close()
        return wrong

    with running(home) as address, ThreadPoolExecutor(32) as pool:
        asked = [draw.sample(questions, 10) for _ in range(32)]
        found = list(pool.map(ask, [address] * 32, asked))
    assert found == [[]] * 32
