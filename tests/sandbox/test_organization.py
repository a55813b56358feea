"""The organisation's admin API in the sandbox: its order, its cursors, its refusals and limits."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.clock import HOUR, iso, parse_iso
from tests.sandbox.domains.organization import Organization
from tests.sandbox.domains.organization.endpoints import LIMITS, RETENTION
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.server import ORG_KEY
from tests.sandbox.world import World

ROOT = "/admin/v1/orgs/org-sandbox"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """Run a site with some weeks of life in its organisation."""
    with running_sandbox(days=20, domains=("organization",)) as running:
        yield running


def ask(
    sandbox: RunningSandbox, path: str, key: str = ORG_KEY
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """GET with the organisation's key; status, body and headers."""
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=300)
    connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
    response = connection.getresponse()
    body = json.loads(response.read())
    connection.close()
    return response.status, body, dict(response.headers)


def test_the_stream_is_in_the_order_of_processing_not_of_happening(
    sandbox: RunningSandbox,
) -> None:
    _, page, _ = ask(sandbox, f"{ROOT}/events-stream?limit=500")
    times = [parse_iso(event["attributes"]["time"]) for event in page["data"]]
    assert len(times) == 500
    assert times != sorted(times)
    # Hours late at most: nothing is out of place by more.
    newest = 0
    for time in times:
        newest = max(newest, time)
        assert newest - time < 7 * HOUR


def test_every_event_comes_once_by_cursor(sandbox: RunningSandbox) -> None:
    seen: list[str] = []
    first = path = f"{ROOT}/events-stream?limit=100"
    styles = set()
    while True:
        _, page, _ = ask(sandbox, path)
        seen += [event["id"] for event in page["data"]]
        url = page["links"].get("next")
        styles.add("url" if url else "bare")
        if not page["data"]:
            break
        bare = f"{first}&cursor={page['meta'].get('next')}"
        path = url.removeprefix("https://api.atlassian.com") if url else bare
    assert styles == {"url", "bare"}
    assert len(seen) == len(set(seen)) > 500
    assert ask(sandbox, f"{ROOT}/events-stream?cursor=nonsense")[0] == 400


def test_events_are_newest_first_and_filtered_by_time(sandbox: RunningSandbox) -> None:
    now = parse_iso(sandbox.state()["now"])
    since = now - 48 * HOUR
    _, page, _ = ask(sandbox, f"{ROOT}/events?limit=500&from={since}")
    times = [event["attributes"]["time"] for event in page["data"]]
    assert times == sorted(times, reverse=True)
    assert times[-1] >= iso(since)
    event_id = page["data"][0]["id"]
    assert ask(sandbox, f"{ROOT}/events/{event_id}")[1]["data"] == page["data"][0]
    assert ask(sandbox, f"{ROOT}/events/none")[0] == 404


def test_events_older_than_the_log_is_kept_are_gone() -> None:
    with running_sandbox(days=200, actions_per_year=6_000, domains=("organization",)) as old:
        now = parse_iso(old.state()["now"])
        _, page, _ = ask(old, f"{ROOT}/events-stream?limit=500")
        oldest = min(event["attributes"]["time"] for event in page["data"])
        assert iso(now - RETENTION) <= oldest < iso(now - RETENTION + 7 * 24 * HOUR)


def test_strangers_are_refused(sandbox: RunningSandbox) -> None:
    assert ask(sandbox, f"{ROOT}/users", key="wrong")[0] == 401
    assert ask(sandbox, "/admin/v1/orgs/another/users")[0] == 404
    sandbox.permission("ORG_ADMIN", granted=False)
    assert ask(sandbox, f"{ROOT}/users")[0] == 403
    sandbox.permission("ORG_ADMIN", granted=True)
    assert ask(sandbox, f"{ROOT}/users")[0] == 200


def test_each_endpoint_has_its_limit_a_minute(sandbox: RunningSandbox) -> None:
    def limit(world: World, _: int) -> None:
        world.domain(Organization).endpoints.is_limited = True

    sandbox.advance(1)
    sandbox.do(limit)
    for endpoint in ("events", "events-stream"):
        path = f"{ROOT}/{endpoint}?limit=1"
        for _ in range(LIMITS[endpoint]):
            assert ask(sandbox, path)[0] == 200
        status, _, headers = ask(sandbox, path)
        assert status == 429
        now = parse_iso(sandbox.state()["now"])
        reset = parse_iso(headers["X-RateLimit-Reset"].replace("Z", ":00Z"))
        assert 0 < reset - now <= 60_000
    sandbox.advance(1)
    assert ask(sandbox, f"{ROOT}/events?limit=1")[0] == 200


def test_the_same_seed_gives_the_same_events(sandbox: RunningSandbox) -> None:
    with running_sandbox(days=20, domains=("organization",)) as again:
        path = f"{ROOT}/event-actions"
        assert ask(again, path)[1] == ask(sandbox, path)[1]
        first = [
            list(running.do(lambda world, _: world.domain(Organization).events.values()))[:500]
            for running in (again, sandbox)
        ]
        assert first[0] == first[1]
