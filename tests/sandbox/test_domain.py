"""The skeleton of domains: time order, records, webhooks, endpoints, listings, permissions."""

from __future__ import annotations

import hashlib
import http.client
import itertools
import random
from collections.abc import Iterator, Sequence
from contextlib import closing

import msgspec
import pytest

from tests.sandbox import domains
from tests.sandbox.clock import DAY, HOUR, parse_iso
from tests.sandbox.domain import Call, Carrier, Domain, LineItem, Reply, Route, World
from tests.sandbox.generator import build_world
from tests.sandbox.ledger import Line
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.server import ORG_KEY
from tests.sandbox.world import Webhook

START = parse_iso("2025-06-01T00:00:00")
ISSUE_STREAM_OF_SEED_7 = "e7cc15effa252cda274f66f2ab893597fba4278874e39c8b478685c6aad725c4"


class Shelf(Domain):
    """A made-up domain: a book comes to the shelf every six hours."""

    name = "shelf"

    def __init__(self, world: World, rng: random.Random, start: int | None) -> None:
        super().__init__(world, rng, start)
        self.books: list[dict[str, str]] = []

    def step(self) -> None:
        """Add a book."""
        self.add(int(self.next_at))
        self.next_at += 6 * HOUR

    def add(self, at: int) -> None:
        """Write the book's line, with two exact channels and a listing."""
        number = str(len(self.books) + 1)
        self.books.append({"id": number, "title": f"Book {self.rng.random():.3f}"})
        actor = self.world.me
        key = self.world.emit("book_added", at, actor, lambda: {"book": self.books[-1]})
        self.world.record(
            "BOOK_ADDED",
            at,
            actor=actor,
            target_id=number,
            target_label=self.books[-1]["title"],
            items=[LineItem("title", "title", None, None, None, self.books[-1]["title"])],
            carriers=[Carrier(f"book:{number}", tells_items=True), Carrier(key)],
            listing="list:books:1",
        )

    def routes(self) -> Sequence[Route]:
        """Read the shelf with the site's token, its administration with the organisation's."""
        return (
            Route("GET", r"/shelf/(?P<shelf>\d+)/books", self.read),
            Route("POST", r"/shelf/admin", self.admin, auth="bearer"),
        )

    def read(self, call: Call) -> Reply:
        """GET books, paged."""
        self.demand("ASSETS")
        return self.page(call, self.books, "books", call.path_params["shelf"], default=3)

    def admin(self, call: Call) -> Reply:
        """POST: the body comes back."""
        return self.listing(call.body, "shelves", keys=["book:1"])


@pytest.fixture(autouse=True)
def _shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "DOMAINS", (*domains.DOMAINS, Shelf))


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(days=1, actions_per_year=20_000, domains=("shelf",)) as running:
        yield running


def ask(
    sandbox: RunningSandbox, method: str, path: str, token: str | None = None, body: bytes = b""
) -> tuple[int, object]:
    headers = {"Authorization": token or "Basic YWRtaW5AZXhhbXBsZS5jb206c2FuZGJveC10b2tlbg=="}
    with closing(http.client.HTTPConnection("127.0.0.1", sandbox.port)) as connection:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, msgspec.json.decode(response.read())


def issue_stream(*, is_alone: bool) -> tuple[str, list[Line]]:
    """Digest of the issue stream's 6,871 lines of 40 days of seed 7, without their numbers."""
    lines: list[Line] = []
    world = build_world(seed=7, start=START, sink=lines.append)
    if not is_alone:
        domains.attach(world, START)
    world.advance(START + 40 * DAY)
    digest = hashlib.sha256()
    for line in lines:
        if line.listing is msgspec.UNSET:  # World.record always names carriers and listings
            parts = msgspec.to_builtins(line)
            digest.update(
                msgspec.json.encode({k: parts[k] for k in parts if k not in ("n", "carriers")})
            )
    return digest.hexdigest(), lines


@pytest.mark.parametrize("is_alone", [True, False])
def test_no_domain_disturbs_the_issue_stream(is_alone: bool) -> None:  # noqa: FBT001 - parametrized
    assert issue_stream(is_alone=is_alone)[0] == ISSUE_STREAM_OF_SEED_7


def test_streams_and_domains_step_in_the_order_of_time() -> None:
    lines: list[Line] = []
    world = build_world(seed=7, start=START, sink=lines.append)
    domains.attach(world, START, ("shelf",))
    world.advance(START + 2 * DAY)
    assert sum(line.code == "BOOK_ADDED" for line in lines) == 9
    assert len(lines) > 100
    at = [parse_iso(line.at) for line in lines]
    assert all(later > before - 1_200 for before, later in itertools.pairwise(at))
    assert world.domain(Shelf).books[0]["title"] == lines[0].target_label


def test_webhooks_are_counted_always_and_rendered_only_for_a_receiver() -> None:
    lines: list[Line] = []
    received: list[Webhook] = []
    world = build_world(seed=7, start=START, actions_per_year=1, sink=lines.append)
    domains.attach(world, START, ("shelf",))
    world.advance(START)
    world.receiver = received.append
    world.advance(START + 6 * HOUR)
    assert [line.carriers[1].key for line in lines if line.carriers] == ["webhook:1", "webhook:2"]
    assert [hook.number for hook in received] == [2]
    assert received[0].body == {"book": world.domain(Shelf).books[1]}


def test_listings_are_served_when_read_to_their_end(sandbox: RunningSandbox) -> None:
    path = "/shelf/1/books?startAt="
    assert ask(sandbox, "GET", f"{path}3")[0] == 200  # without its beginning: no listing
    assert ask(sandbox, "GET", f"{path}0")[0] == 200
    assert not [entry for entry in sandbox.served() if entry["key"].startswith("list:")]
    sandbox.advance(10)
    assert ask(sandbox, "GET", f"{path}3")[0] == 200
    entry = next(entry for entry in sandbox.served() if entry["key"] == "list:books:1")
    assert (entry["began"], entry["ended"], entry["count"]) == (
        "2026-06-01T12:00:00.000Z",
        "2026-06-01T12:10:00.000Z",
        5,
    )


def test_routes_ask_for_their_own_credentials_and_permissions(sandbox: RunningSandbox) -> None:
    assert ask(sandbox, "POST", "/shelf/admin")[0] == 401
    status, body = ask(sandbox, "POST", "/shelf/admin", f"Bearer {ORG_KEY}", b'{"a":1}')
    assert (status, body) == (200, {"a": 1})
    assert [e["key"] for e in sandbox.served()] == ["book:1", "list:shelves"]
    sandbox.permission("ASSETS", granted=False)
    assert ask(sandbox, "GET", "/shelf/1/books")[0] == 403
    sandbox.revoke_token(organization=True)
    assert ask(sandbox, "POST", "/shelf/admin", f"Bearer {ORG_KEY}")[0] == 401
    assert ask(sandbox, "GET", "/rest/api/3/serverInfo")[0] == 200


def test_an_answer_that_was_cut_off_is_no_listing(sandbox: RunningSandbox) -> None:
    sandbox.fault("/shelf/*", "truncated", times=1)
    with pytest.raises((http.client.HTTPException, msgspec.DecodeError, OSError)):
        ask(sandbox, "GET", "/shelf/1/books?maxResults=50")
    assert not [entry for entry in sandbox.served() if entry["key"].startswith("list:")]
