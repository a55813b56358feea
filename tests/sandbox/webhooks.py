"""Sends what the world emits: signed webhooks and views of issues, to receivers on loopback.

Deliveries of one receiver go out in the order of their events, a few at a time, unless its plan
says otherwise. A receiver that cannot take one (408, 409, 425, 429, 5xx, no answer) is tried again
up to five times under the same identifier. What it answers with 2xx is written to the served log
(`webhook:<n>`, `view:<n>`).

The plan of a receiver (shares from 0 to 1, drawn for each number alone, so they do not depend on
the order): `drop` never sends it; `duplicate` sends it twice; `replay` sends it again later under
another identifier; `forge` first sends a changed body with the proof of the true one (a view: with
a wrong bearer); `shuffle` delays it by up to `delay_ms`, so that later ones overtake it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import random
import uuid
from collections.abc import Callable
from typing import Literal
from urllib.parse import quote, urlsplit

import aiohttp
import msgspec
from msgspec import Struct

from tests.sandbox.objects import JsonObject
from tests.sandbox.world import Webhook

MAX_RETRIES = 5
AT_ONCE = 8
ANSWER_SECONDS = 30
_RETRIED = frozenset({408, 409, 425, 429})


class Plan(Struct, forbid_unknown_fields=True, frozen=True):
    """Where to send, with which secret, and what goes wrong on the way."""

    url: str
    secret: str
    drop: float = 0
    duplicate: float = 0
    replay: float = 0
    forge: float = 0
    shuffle: float = 0
    delay_ms: float = 200
    retry_ms: float = 100

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        is_loopback = parts.hostname == "localhost" or _is_loopback(parts.hostname or "")
        if parts.scheme != "http" or not is_loopback:
            raise ValueError(f"{self.url} is not an http address on loopback")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Push(Struct, frozen=True):
    """One thing to send."""

    kind: Literal["webhook", "view"]
    number: int
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        """Its name in the served log and in the ledger's carriers."""
        return f"{self.kind}:{self.number}"


class Tally(Struct):
    """What became of all pushes. `accepted_forged` must stay 0."""

    waiting: int = 0
    delivered: int = 0
    dropped: int = 0
    failed: int = 0
    repeated: int = 0
    forged: int = 0
    accepted_forged: int = 0


def webhook_push(site: str, webhook: Webhook) -> Push:
    """Make the request of a webhook; its identifier is the same whenever it is made."""
    names_its_actor = webhook.event.startswith("jira:issue_") or webhook.event == "user_deleted"
    query = ""
    if webhook.actor is not None and not names_its_actor:
        query = f"triggeredByUser={quote(webhook.actor)}"
    headers = {
        "X-Atlassian-Webhook-Identifier": str(
            uuid.uuid5(uuid.NAMESPACE_URL, f"{site}/webhook/{webhook.number}")
        ),
        "X-Atlassian-Webhook-Flow": webhook.flow,
    }
    content = {"timestamp": webhook.at, "webhookEvent": webhook.event, **webhook.body}
    return Push("webhook", webhook.number, query, headers, msgspec.json.encode(content))


class Sender:
    """Sends to one receiver. `served` is told the keys of what it accepted.

    `push` may be called at any time, also before the loop runs; `run` sends until it is cancelled.
    """

    def __init__(self, plan: Plan, seed: int, served: Callable[[str], None]) -> None:
        self.plan = plan
        self.tally = Tally()
        self._seed = seed
        self._served = served
        self._queue: asyncio.Queue[Push] = asyncio.Queue()

    def push(self, push: Push) -> None:
        """Send something when its turn comes, or drop it as the plan says."""
        if self._draw("drop", push) < self.plan.drop:
            self.tally.dropped += 1
            return
        self.tally.waiting += 1
        self._queue.put_nowait(push)

    async def run(self) -> None:
        """Send, a few at a time."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._work(session))

    async def _work(self, session: aiohttp.ClientSession) -> None:
        while True:
            push = await self._queue.get()
            await self._deliver(session, push)
            self.tally.waiting -= 1

    async def _deliver(self, session: aiohttp.ClientSession, push: Push) -> None:
        if self._draw("shuffle", push) < self.plan.shuffle:
            await asyncio.sleep(self._draw("delay", push) * self.plan.delay_ms / 1_000)
        if self._draw("forge", push) < self.plan.forge:
            self.tally.forged += 1
            if await self._send(session, *self._forged(push), 0) // 100 == 2:
                self.tally.accepted_forged += 1
        is_delivered = False
        for retry in range(MAX_RETRIES + 1):
            status = await self._send(session, push, self._proof(push), retry)
            is_delivered = status // 100 == 2
            if is_delivered or (status < 500 and status not in _RETRIED and status != 0):
                break
            await asyncio.sleep(self.plan.retry_ms / 1_000)
        if not is_delivered:
            self.tally.failed += 1
            return
        self.tally.delivered += 1
        self._served(push.key)
        await self._repeat(session, push)

    async def _repeat(self, session: aiohttp.ClientSession, push: Push) -> None:
        proof = self._proof(push)
        if self._draw("duplicate", push) < self.plan.duplicate:
            self.tally.repeated += 1
            await self._send(session, push, proof, 0)
        if self._draw("replay", push) < self.plan.replay:
            self.tally.repeated += 1
            other = {
                "X-Atlassian-Webhook-Identifier": str(uuid.uuid5(uuid.NAMESPACE_URL, push.key))
            }
            again = msgspec.structs.replace(push, headers=push.headers | other)
            await self._send(session, again, proof, 0)

    async def _send(
        self, session: aiohttp.ClientSession, push: Push, proof: dict[str, str], retry: int
    ) -> int:
        """Send once; the status, or 0 when no answer came."""
        headers = {"Content-Type": "application/json", **push.headers, **proof}
        if retry:
            headers["X-Atlassian-Webhook-Retry"] = str(retry)
        joint = "&" if urlsplit(self.plan.url).query else "?"
        url = self.plan.url + (joint + push.query if push.query else "")
        try:
            async with session.post(url, data=push.body, headers=headers) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    def _proof(self, push: Push) -> dict[str, str]:
        if push.kind == "view":
            return {"Authorization": f"Bearer {self.plan.secret}"}
        digest = hmac.new(self.plan.secret.encode(), push.body, hashlib.sha256).hexdigest()
        return {"X-Hub-Signature": f"sha256={digest}"}

    def _forged(self, push: Push) -> tuple[Push, dict[str, str]]:
        if push.kind == "view":
            return push, {"Authorization": f"Bearer {self.plan.secret}x"}
        changed = push.body.replace(b'"', b' "', 1)
        return msgspec.structs.replace(push, body=changed), self._proof(push)

    def _draw(self, what: str, push: Push) -> float:
        return random.Random(f"{self._seed} {what} {push.key}").random()


def describe(senders: dict[str, Sender]) -> JsonObject:
    """Give the tallies by kind."""
    return {kind: msgspec.to_builtins(sender.tally) for kind, sender in senders.items()}
