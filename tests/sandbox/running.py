"""A sandbox site for a test: a real HTTP server on a free loopback port, in a thread.

    with running_sandbox(now="2026-06-01T12:00:00", days=30) as sandbox:
        sandbox.environment          # ATLASSIAN_SITE_URL, ATLASSIAN_EMAIL, ATLASSIAN_API_TOKEN
        sandbox.advance(minutes=30)  # the world moves on
        sandbox.ledger()             # what happened so far

The clock is frozen unless `now="live"`.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tests.sandbox.clock import DAY, parse_iso
from tests.sandbox.furniture import ADMIN_EMAIL
from tests.sandbox.objects import JsonObject
from tests.sandbox.server import API_TOKEN, ORG_ID, ORG_KEY, bind, serve
from tests.sandbox.site import Options, Site
from tests.sandbox.world import World

T = TypeVar("T")

DEFAULT_NOW = "2026-06-01T12:00:00"


def environment_of(base_url: str, *, has_organization: bool = True) -> dict[str, str]:
    """Return the variables that point the product at the site that answers at `base_url`."""
    site = {
        "ATLASSIAN_SITE_URL": base_url,
        "ATLASSIAN_EMAIL": ADMIN_EMAIL,
        "ATLASSIAN_API_TOKEN": API_TOKEN,
    }
    organization = {
        "ATLASSIAN_ORG_ID": ORG_ID,
        "ATLASSIAN_ORG_API_KEY": ORG_KEY,
        "ATLASSIAN_ADMIN_URL": base_url,
    }
    return site | organization if has_organization else site


class RunningSandbox:
    """Handle of a running site: its address, its state directory, its controls and its logs."""

    def __init__(self, site: Site, port: int, loop: asyncio.AbstractEventLoop) -> None:
        self.site = site
        self.port = port
        self.base_url = f"http://127.0.0.1:{port}"
        self.state_dir = site.state
        self._loop = loop

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point the product at this site."""
        has_organization = "organization" in self.site.world.domains
        return environment_of(self.base_url, has_organization=has_organization)

    def control(self, name: str, **body: object) -> JsonObject:
        """POST a control; returns the site's state. ValueError when it is refused."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        with contextlib.closing(connection):
            connection.request("POST", f"/__control/{name}", msgspec.json.encode(body))
            response = connection.getresponse()
            text = response.read()
        if response.status != http.HTTPStatus.OK:
            raise ValueError(text.decode())
        return msgspec.json.decode(text, type=dict[str, Any])

    def state(self) -> JsonObject:
        """Where the site stands: now, counts, requests."""
        return self.control("state")

    def advance(self, minutes: float) -> JsonObject:
        """Let virtual time pass."""
        return self.control("advance", minutes=minutes)

    def hide_project(self, key: str) -> JsonObject:
        """Make the API user lose the right to browse a project."""
        return self.control("hide_project", key=key)

    def unhide_project(self, key: str) -> JsonObject:
        """Give the API user the right back."""
        return self.control("unhide_project", key=key)

    def hide_level(self, level_id: str, *, hidden: bool = True) -> JsonObject:
        """Take the API user out of a security level, or put them back."""
        return self.control("hide_level", id=level_id, hidden=hidden)

    def revoke_token(self, *, revoked: bool = True, organization: bool = False) -> JsonObject:
        """Answer every request with 401; `organization`: those with the organisation's key."""
        return self.control("revoke_token", revoked=revoked, organization=organization)

    def permission(self, key: str, *, granted: bool) -> JsonObject:
        """Grant or take a permission of /mypermissions (ADMINISTER, USER_PICKER, …)."""
        return self.control("permission", key=key, granted=granted)

    def break_json(self, path: str = "/rest/api/3/*", times: int = 1_000_000) -> JsonObject:
        """Answer the next requests on `path` (fnmatch) with HTML and status 200."""
        return self.control("break_json", path=path, times=times)

    def fault(self, path: str, kind: str, **rule: object) -> JsonObject:
        """Add a fault rule as in a plan (`times=`, `nth=[…]` or `probability=`)."""
        return self.control("fault", path=path, kind=kind, **rule)

    def latency(self, ms: float) -> JsonObject:
        """Make every answer take at least so long."""
        return self.control("latency", ms=ms)

    def webhooks(self, url: str, secret: str, **plan: float) -> JsonObject:
        """Send webhooks from now on; `plan` as in `tests.sandbox.webhooks.Plan`."""
        return self.control("webhooks", url=url, secret=secret, **plan)

    def views(self, url: str, secret: str, **plan: float) -> JsonObject:
        """Send the views of issues that collectors see from now on."""
        return self.control("views", url=url, secret=secret, **plan)

    def settle(self, seconds: float = 300) -> JsonObject:
        """Wait until nothing waits to be sent; what was sent. TimeoutError if it takes longer."""
        deadline = time.monotonic() + seconds
        while True:
            sent: JsonObject = self.state()["sent"]
            if not any(tally["waiting"] for tally in sent.values()):
                return sent
            if time.monotonic() > deadline:
                raise TimeoutError(f"still waiting to be sent: {sent}")
            time.sleep(0.02)

    def do(self, command: Callable[[World, int], T]) -> T:
        """Run `command(world, now)` in the server's thread: scripted changes of the world.

        Scripted changes are in the ledger but not in the state directory's recipe, so such a site
        cannot be continued after a restart.
        """

        async def run() -> T:
            now = self.site.catch_up()
            result = command(self.site.world, now)
            self.site.ledger.flush()
            return result

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(timeout=300)

    def ledger(self) -> list[JsonObject]:
        """Read the ledger's lines so far."""
        return _rows(self.state_dir / "ledger.jsonl")

    def served(self) -> list[JsonObject]:
        """Read the served log's entries so far."""
        self.state()  # a response is logged after it is sent; the next request waits for that
        return _rows(self.state_dir / "served.jsonl")

    def faults(self) -> list[JsonObject]:
        """Read the injected faults so far."""
        return _rows(self.state_dir / "faults.jsonl")


def _rows(path: Path) -> list[JsonObject]:
    return msgspec.json.Decoder(dict[str, Any]).decode_lines(path.read_bytes())


@contextlib.contextmanager
def running_sandbox(
    *,
    seed: int = 7,
    now: str = DEFAULT_NOW,
    days: float = 30,
    state: Path | None = None,
    plan: Path | None = None,
    image: Path | None = None,
    port: int = 0,
    actions_per_year: int = 62_000,
    max_lag_minutes: float = 4,
    late_share: float = 0,
    time_zone: str = "Europe/Zurich",
    page_limit: int | None = None,
    domains: tuple[str, ...] | None = None,
    activity: float | None = None,
) -> Iterator[RunningSandbox]:
    """Start a site that began `days` before `now` (ISO, UTC; or "live") and stop it at the end.

    30 days hold about 5,000 actions. `state` None is a temporary directory that is removed;
    given again, it continues the same world. `page_limit` is the most that a page of search or
    bulk changelogs holds, so that small worlds have many pages. `days=0` with
    `actions_per_year=1` gives an empty site for scripted changes by `do`. The search index lags
    by at most `max_lag_minutes`, and by 3 to 30 hours for `late_share` (0 to 1) of the changes.
    `domains` names the domains beside the issue stream, None for all of them; `activity` makes them
    busier (or less) than the issues: 1 is what they do on a site of 62,000 issue actions a year.
    """
    with contextlib.ExitStack() as stack:
        if state is None:
            state = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        frozen = None if now == "live" else parse_iso(now)
        begin = None if frozen is None else frozen - int(days * DAY)
        site = Site(
            Options(
                state=state,
                seed=seed,
                start=begin,
                now=frozen,
                image=image,
                plan=plan,
                actions_per_year=actions_per_year,
                max_lag_minutes=max_lag_minutes,
                late_share=late_share,
                time_zone=time_zone,
                page_limit=page_limit,
                domains=domains,
                activity=activity,
            )
        )
        stack.callback(site.close)
        listener = bind(port)
        port = listener.getsockname()[1]
        loop = asyncio.new_event_loop()
        stopped = asyncio.Event()
        started = threading.Event()

        async def run() -> None:
            loop.call_soon(started.set)
            await serve(site, listener, stopped)

        thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
        thread.start()
        assert started.wait(timeout=300)
        try:
            yield RunningSandbox(site, port, loop)
        finally:
            loop.call_soon_threadsafe(stopped.set)
            thread.join(timeout=300)
            loop.close()
