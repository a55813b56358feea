"""Webhooks: what is said of each change of an issue, how it is signed, and what goes wrong."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from aiohttp import web
from msgspec import Struct

from tests.loopback import answering
from tests.sandbox.clock import MINUTE
from tests.sandbox.objects import Issue
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.world import World

SECRET = "of-the-test"  # noqa: S105 - of a receiver that lives for one test


class Received(Struct):
    """One request as it arrived."""

    query: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object."""
        return msgspec.json.decode(self.raw, type=dict[str, Any])

    @property
    def is_genuine(self) -> bool:
        """Whether the signature is that of the raw body."""
        digest = hmac.new(SECRET.encode(), self.raw, hashlib.sha256).hexdigest()
        return self.headers.get("X-Hub-Signature") == f"sha256={digest}"


class Receiver:
    """Keeps what it is sent; answers with `status`, or the next of `answers`."""

    def __init__(self) -> None:
        self.got: list[Received] = []
        self.answers: list[int] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Keep a request and answer it."""
        found = Received(request.query_string, dict(request.headers), await request.read())
        self.got.append(found)
        is_known = found.is_genuine or found.headers.get("Authorization") == f"Bearer {SECRET}"
        default = 200 if is_known else 401
        return web.Response(status=self.answers.pop(0) if self.answers else default)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    with answering(made.answer) as url:
        made.url = f"{url}/in?kept=1"
        yield made


@pytest.fixture
def site() -> Iterator[RunningSandbox]:
    with running_sandbox(days=0, actions_per_year=1, domains=()) as running:
        yield running


def live_one_day(world: World, at: int) -> None:
    """Let everything happen to a few issues that can happen to issues."""
    ada, bob = [person for person in world.people if person != world.me][:2]
    project, other = list(world.projects)[:2]
    issuetype = next(iter(world.issue_types))
    todo, done = next(iter(world.statuses)), list(world.statuses)[-1]

    def new(summary: str) -> Issue:
        return world.create_issue(
            at,
            ada,
            project,
            issuetype=issuetype,
            status=todo,
            summary=summary,
            attachments=[("at birth.txt", 10, "text/plain")],
        )

    first, second = new("one"), new("two")
    resolution = next(iter(world.resolutions))
    world.edit(at, bob, first, {"status": done, "resolution": resolution, "summary": "uno"})
    world.edit(at, bob, first, {"summary": "anonymous"}, is_anonymous=True)
    world.add_remote_link(at, ada, first, "a page")
    comment = world.comment(at, ada, first, "hello")
    world.edit_comment(at + MINUTE, bob, first, comment, "hello, all")
    world.delete_comment(at + 2 * MINUTE, bob, first, comment)
    worklog = world.log_work(at, ada, first, 3_600, "did it")
    world.edit_worklog(at + MINUTE, bob, worklog, 1_800)
    world.delete_worklog(at + 2 * MINUTE, bob, worklog)
    world.attach(at, ada, first, [("a.txt", 5, "text/plain"), ("b.txt", 5, "text/plain")])
    world.detach(at, bob, first, next(iter(first.attachments.values())))
    link = world.link(at, ada, first, second, next(iter(world.link_types)), 30)
    world.unlink(at + MINUTE, bob, link, 30)
    world.link(at, ada, first, second, next(iter(world.link_types)), 30)
    world.comment(at, ada, second, "goes with its issue")
    world.move(at, ada, first, other)
    world.delete_issue(at + 3 * MINUTE, bob, second)


def test_every_change_is_told_and_names_its_ledger_lines(
    site: RunningSandbox, receiver: Receiver
) -> None:
    site.webhooks(receiver.url, SECRET)
    site.do(live_one_day)
    sent = site.settle()["webhooks"]
    assert sent["delivered"] == len(receiver.got) == site.site.world.webhook_count
    assert all(got.is_genuine for got in receiver.got)
    events = Counter(got.body["webhookEvent"] for got in receiver.got)
    assert set(events) == {
        "jira:issue_created", "jira:issue_updated", "jira:issue_deleted",
        "comment_created", "comment_updated", "comment_deleted",
        "worklog_created", "worklog_updated", "worklog_deleted",
        "attachment_created", "attachment_deleted",
        "issuelink_created", "issuelink_deleted",
    }  # fmt: skip
    served = {row["key"] for row in site.served()}
    lines = site.ledger()
    actions = [line for line in lines if not line["code"].startswith("_")]
    assert actions
    assert all({c["key"] for c in line["carriers"]} & served for line in actions)
    secondary = [
        got.body["webhookEvent"]
        for got in receiver.got
        if got.headers["X-Atlassian-Webhook-Flow"] == "Secondary"
    ]
    assert sorted(secondary) == ["attachment_deleted", "comment_deleted", "issuelink_deleted"]


def test_the_actor_is_in_the_body_of_issues_and_in_the_query_of_the_rest(
    site: RunningSandbox, receiver: Receiver
) -> None:
    site.webhooks(receiver.url, SECRET)
    site.do(live_one_day)
    site.settle()
    for got in receiver.got:
        body = got.body
        is_issue = body["webhookEvent"].startswith("jira:issue_")
        assert ("triggeredByUser=" in got.query) != is_issue
        assert got.query.startswith("kept=1")
        assert ("user" in body) <= is_issue
        assert isinstance(body["timestamp"], int)
        assert isinstance(body.get("comment", {}).get("body", ""), str)
    nameless = [g for g in receiver.got if "user" not in g.body and "issue_event" in g.raw.decode()]
    assert [got.body["changelog"]["items"][0]["toString"] for got in nameless] == ["anonymous"]


def test_a_receiver_in_trouble_is_tried_again_under_the_same_identifier(
    site: RunningSandbox, receiver: Receiver
) -> None:
    receiver.answers = [503, 429, 500]
    site.webhooks(receiver.url, SECRET, retry_ms=1)
    site.do(lambda world, now: world.emit("made_up", now, "somebody", lambda: {"a": 1}))
    assert site.settle()["webhooks"]["delivered"] == 1
    identifiers = {got.headers["X-Atlassian-Webhook-Identifier"] for got in receiver.got}
    assert len(identifiers) == 1
    retries = [got.headers.get("X-Atlassian-Webhook-Retry") for got in receiver.got]
    assert retries == [None, "1", "2", "3"]
    receiver.answers = [500] * 6
    key = site.do(lambda world, now: world.emit("made_up", now, None, lambda: {"a": 2}))
    assert site.settle()["webhooks"]["failed"] == 1
    receiver.answers = [400]
    site.do(lambda world, now: world.emit("made_up", now, None, lambda: {"a": 3}))
    assert site.settle()["webhooks"]["failed"] == 2
    assert len(receiver.got) == 4 + 6 + 1
    assert key not in {row["key"] for row in site.served()}


def test_the_plan_drops_repeats_replays_forges_and_shuffles(
    site: RunningSandbox, receiver: Receiver
) -> None:
    site.webhooks(
        receiver.url, SECRET,
        drop=0.3, duplicate=0.2, replay=0.2, forge=0.2, shuffle=0.5, delay_ms=20, retry_ms=1,
    )  # fmt: skip
    count = 300

    def emit(world: World, now: int) -> None:
        for number in range(count):
            world.emit("made_up", now, None, lambda number=number: {"n": number})  # type: ignore[misc]  # mypy cannot infer a lambda with a default

    site.do(emit)
    sent = site.settle()["webhooks"]
    assert sent["delivered"] + sent["dropped"] == count
    assert count * 0.2 < sent["dropped"] < count * 0.4
    assert sent["forged"] > 10
    assert sent["accepted_forged"] == sent["failed"] == 0
    genuine = [got for got in receiver.got if got.is_genuine]
    assert len(genuine) == sent["delivered"] + sent["repeated"]
    assert len(receiver.got) - len(genuine) == sent["forged"]
    numbers = [got.body["n"] for got in genuine]
    assert len(set(numbers)) == sent["delivered"]
    assert numbers != sorted(numbers)
    identifiers = {got.headers["X-Atlassian-Webhook-Identifier"] for got in genuine}
    assert len(identifiers) > len(set(numbers))


def test_only_loopback_is_sent_to(site: RunningSandbox) -> None:
    for url in ("http://example.com/", "https://127.0.0.1/", "http://10.0.0.1/", "nonsense"):
        with pytest.raises(ValueError, match="loopback"):
            site.webhooks(url, SECRET)
    with pytest.raises(ValueError, match="views"):
        site.views("http://127.0.0.1:1/", SECRET)
