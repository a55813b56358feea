"""Events of the organisation and views of issues: state, commands, and a seeded life of its own."""

from __future__ import annotations

import bisect
import heapq
import itertools
import random
import uuid
import zlib
from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Struct

from tests.sandbox.clock import HOUR, MINUTE, SECOND, iso
from tests.sandbox.domain import Carrier, Domain, LineItem, Route, World
from tests.sandbox.domains.organization.catalogue import DETAILED, EVENT_ACTIONS
from tests.sandbox.domains.organization.endpoints import Endpoints
from tests.sandbox.domains.organization.events import Event
from tests.sandbox.objects import Issue, JsonObject, Person

YEAR = 365 * 24 * HOUR
_RATES = (1.0, 0.06, 0.04)
"""Activity in the hours 6-17 UTC of a weekday, in its other hours, and at weekends."""
_MEAN_RATE = (5 * (12 * _RATES[0] + 12 * _RATES[1]) + 2 * 24 * _RATES[2]) / (7 * 24)

_PER_YEAR = {
    "visit": 8_500,
    "sign": 3_100,
    "grant_access": 80,
    "revoke_access": 50,
    "site_invite": 80,
    "site_removal": 50,
    "email_changed": 40,
    "name_changed": 40,
    "token_created": 260,
    "token_revoked": 180,
    "deletion_scheduled": 40,
    "deletion_canceled": 25,
}
"""Commands of a usual year; a visit is about two and a half views."""
_SIGNS: dict[str | None, int] = {
    "login": 52,
    None: 4,
    "logout": 2,
    "issue_created": 1,
    "page_viewed": 1,
    "password_link": 1,
    "policy_updated": 1,
}
"""Signs of activity that are no action of the catalogue, and how often; None: in no log."""


class View(Struct, frozen=True):
    """A view told by a collector (Forge app or portal beacon); `number` counts from 1.

    `body`: {"accountId", "issueKey" | "issueId", "source", "viewedAt"}.
    """

    number: int
    at: int
    source: str
    body: JsonObject


class Organization(Domain):
    """The organisation `org-sandbox`. See the module; `Endpoints` answers its requests.

    Events are found in the stream when they have been processed, some of them hours late.
    `receiver` is told of each view that a collector sees, at once.
    """

    name = "organization"

    def __init__(self, world: World, rng: random.Random, start: int | None) -> None:
        super().__init__(world, rng, start)
        self.receiver: Callable[[View], None] | None = None
        self.events: dict[int, Event] = {}
        self.processed: list[tuple[int, int]] = []
        """(processed at, number) of all events, also those still to be processed, in order."""
        self.active: dict[str, int] = {}
        """Account -> its date of last activity (ms)."""
        self.late_share = 0.1
        self.view_count = 0
        self.endpoints = Endpoints(self)
        self._tokens: list[tuple[str, str]] = []
        self._leaving: list[str] = []
        self._token_count = 0
        self._coming: list[tuple[int, int, Callable[[int], None]]] = []
        self._order = itertools.count()
        self._issues: list[int] = []
        if start is not None and world.activity > 0:
            total = sum(_PER_YEAR.values()) * world.activity
            self._gap = YEAR * _MEAN_RATE / total
            self._schedule(start)
            self._find_next()

    def routes(self) -> Sequence[Route]:
        """Give the endpoints of the organisation's admin API."""
        return self.endpoints.routes()

    # -- what others tell -----------------------------------------------------------------------

    def tell(
        self,
        action: str,
        at: int,
        *,
        actor: str | None,
        account_id: str | None = None,
        group: tuple[str, str] | None = None,
        issue: str | None = None,
        detail: str | None = None,
    ) -> Carrier:
        """Write an event of the log; the carrier to record with the action.

        `action` is a name of `EVENT_ACTIONS`, `group` its (id, name), `issue` an id or key.
        """
        number = len(self.events) + 1
        kind = EVENT_ACTIONS[action]
        event = Event(
            number=number,
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.world.seed}:{number}")),
            at=at,
            kind=kind,
            actor=actor,
            account_id=account_id,
            group=group,
            issue=issue,
            detail=detail,
        )
        self.events[number] = event
        appears = at + self._lag(number)
        bisect.insort(self.processed, (appears, number))
        return Carrier(
            f"org_event:{event.id}",
            tells_actor=actor is not None,
            tells_items=action in DETAILED,
            appears=appears,
        )

    def _lag(self, number: int) -> int:
        digest = zlib.crc32(b"%d:%d" % (self.world.seed, number))
        if digest % 1_000 < self.late_share * 1_000:
            return 5 * MINUTE + digest % (6 * HOUR)
        return digest % (2 * MINUTE)

    @staticmethod
    def sub_action(action: str) -> list[LineItem]:
        """Give the items of a line whose action of the catalogue several events share."""
        if action not in DETAILED:
            return []
        name = EVENT_ACTIONS[action].display_name
        return [LineItem("Organization action", "organization_action", None, None, None, name)]

    # -- commands -------------------------------------------------------------------------------

    def change(self, action: str, at: int, *, actor: str | None, account_id: str) -> None:
        """Do something to an account that only the organisation's log tells of.

        `action`: a key of `ACCOUNT_ACTIONS`.
        """
        carrier = self.tell(action, at, actor=actor, account_id=account_id)
        self.world.record(
            ACCOUNT_ACTIONS[action],
            at,
            actor=actor,
            target_id=account_id,
            target_label=self._person(account_id).name,
            items=self.sub_action(action),
            carriers=[carrier],
        )

    def create_token(self, at: int, account_id: str) -> None:
        """Let a person make an API token."""
        self._token_count += 1
        self._tokens.append((account_id, f"token {self._token_count}"))
        self._change_token("token_created", at, account_id, account_id, self._tokens[-1][1])

    def revoke_token(self, at: int, actor: str) -> None:
        """Revoke a token, of any person who has one; make one first if there is none."""
        if not self._tokens:
            self.create_token(at, actor)
            return
        owner, label = self._tokens.pop(self.rng.randrange(len(self._tokens)))
        self._change_token("token_revoked", at, actor, owner, label)

    def _change_token(self, action: str, at: int, actor: str, owner: str, label: str) -> None:
        carrier = self.tell(action, at, actor=actor, account_id=owner, detail=label)
        self.world.record(
            ACCOUNT_ACTIONS[action],
            at,
            actor=actor,
            target_id=owner,
            target_label=self._person(owner).name,
            carriers=[carrier],
        )

    def be_active(self, at: int, account_id: str, action: str | None = None) -> None:
        """Let a person do what is no action of the catalogue; `action` None: in no log either.

        The dates of last activity tell of it (`active`).
        """
        self.active[account_id] = at
        carriers = [Carrier(f"last_active:{account_id}:{at}")]
        if action is not None:
            carriers.append(self.tell(action, at, actor=account_id, account_id=account_id))
        self.world.record(
            "_USER_ACTIVE", at, actor=account_id, target_id=account_id, carriers=carriers
        )

    def view(self, at: int, account_id: str, issue: Issue, source: str = "issue_view") -> None:
        """Let a person look at an issue, as `issue_view` or `customer_portal`.

        The event log knows nothing of the portal; the collector sees both. Both name some issues
        by id and the others by key: the line's `target_label` is that name.
        """
        self.view_count += 1
        by_id = issue.id % 5 == 0
        name = str(issue.id) if by_id else issue.key
        carriers = [Carrier(f"view:{self.view_count}")]
        if source == "issue_view":
            carriers.append(self.tell("issue_viewed", at, actor=account_id, issue=name))
        self.world.record(
            "ISSUE_VIEWED",
            at,
            actor=account_id,
            target_id=str(issue.id),
            target_label=name,
            issue=issue,
            items=[LineItem("View source", "view_source", None, None, None, source)],
            carriers=carriers,
        )
        if self.receiver is not None:
            named = {"issueId" if by_id else "issueKey": name}
            body = {"accountId": account_id, **named, "source": source, "viewedAt": iso(at)}
            self.receiver(View(self.view_count, at, source, body))

    # -- activity -------------------------------------------------------------------------------

    def step(self) -> None:
        """Do the next command."""
        at, _, command = heapq.heappop(self._coming)
        command(at)
        self._find_next()

    def _find_next(self) -> None:
        self.next_at = self._coming[0][0]

    def _plan(self, at: int, command: Callable[[int], None]) -> None:
        heapq.heappush(self._coming, (at, next(self._order), command))

    def _schedule(self, after: int) -> None:
        """Plan the next command by the rhythm of a working week."""
        at = after
        while True:
            at += 1 + int(self.rng.expovariate(1 / self._gap))
            hours = at // HOUR
            weekday, hour = (hours // 24 + 3) % 7, hours % 24
            rate = _RATES[2] if weekday > 4 else _RATES[0] if 6 <= hour < 18 else _RATES[1]
            if self.rng.random() < rate:
                break
        self._plan(at, self._act)

    def _act(self, at: int) -> None:
        rng = self.rng
        action = rng.choices(list(_PER_YEAR), list(_PER_YEAR.values()))[0]
        people = self._people()
        if people:
            person, admin = rng.choice(people).account_id, rng.choice(people[:4]).account_id
            # Now and then a directory that is synchronised does it, and nobody is named.
            who = None if rng.random() < 0.05 else admin
            match action:
                case "visit":
                    self._visit(at, person)
                case "sign":
                    self.be_active(at, person, rng.choices(list(_SIGNS), list(_SIGNS.values()))[0])
                case "token_created":
                    self.create_token(at, person)
                case "token_revoked":
                    self.revoke_token(at, admin)
                case "deletion_scheduled":
                    self._leaving.append(person)
                    self.change(action, at, actor=who, account_id=person)
                case "deletion_canceled":
                    leaving = self._leaving.pop() if self._leaving else None
                    if leaving is not None:
                        self.change(action, at, actor=who, account_id=leaving)
                case _:
                    self.change(action, at, actor=who, account_id=person)
        self._schedule(at)

    def _people(self) -> list[Person]:
        return [p for p in self.world.people.values() if p.active and p.account_type == "atlassian"]

    def _person(self, account_id: str) -> Person:
        return self.world.people.get(account_id) or Person(account_id, account_id)

    def _visit(self, at: int, account_id: str) -> None:
        """Look at an issue, and mostly once more: at once, within or after the five minutes."""
        rng = self.rng
        issue = self._some_issue()
        if issue is None:
            return
        source = "customer_portal" if rng.random() < 0.15 else "issue_view"
        moment = at
        self.view(moment, account_id, issue, source)
        pauses = (2 * SECOND, 40 * SECOND, 4 * MINUTE, 300 * SECOND - 1, 300 * SECOND, 7 * MINUTE)
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3, 4))):
            moment += rng.choice(pauses)
            again = rng.choice((source, source, source, "issue_view"))
            self._plan(moment, partial(self._look, account_id, issue, again))

    def _look(self, account_id: str, issue: Issue, source: str, at: int) -> None:
        if issue.id in self.world.issues:
            self.view(at, account_id, issue, source)

    def _some_issue(self) -> Issue | None:
        if not self._issues or self.rng.random() < 0.05:
            self._issues = list(self.world.issues)
        if not self._issues:
            return None
        recent = min(len(self._issues) - 1, int(self.rng.expovariate(1 / 200)))
        return self.world.issues.get(self._issues[-1 - recent])


ACCOUNT_ACTIONS = {
    "grant_access": "USER_CREATED",
    "revoke_access": "USER_DELETED",
    "site_invite": "USER_INVITED_TO_SITE",
    "site_removal": "USER_REMOVED_FROM_SITE",
    "email_changed": "USER_DETAIL_CHANGED",
    "name_changed": "USER_DETAIL_CHANGED",
    "token_created": "API_TOKEN_CREATED",
    "token_revoked": "API_TOKEN_REVOKED",
    "deletion_scheduled": "ACCOUNT_DELETION_SCHEDULED",
    "deletion_canceled": "ACCOUNT_DELETION_CANCELED",
}
"""Commands on accounts that no other log tells of, and the actions of the catalogue they are."""
