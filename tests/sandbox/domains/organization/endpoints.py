"""The organisation's admin API: `/admin/v1/orgs/{id}/...`, its paging and its limits a minute."""

from __future__ import annotations

import base64
import bisect
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from tests.sandbox.clock import DAY, MINUTE, from_ms, iso
from tests.sandbox.domain import ApiError, Call, Reply, Route
from tests.sandbox.domains.organization.catalogue import EVENT_ACTIONS
from tests.sandbox.domains.organization.events import Event, render_event
from tests.sandbox.objects import JsonObject

if TYPE_CHECKING:
    from tests.sandbox.domains.organization.organization import Organization

ORG_ID = "org-sandbox"
RETENTION = 180 * DAY
LIMITS = {"events": 10, "event-actions": 10, "events-stream": 50, "last-active-dates": 200}
"""Requests a minute, by the last part of the path."""

NextStyle = Literal["mixed", "url", "bare", "absent"]
_ROOT = r"/admin/v1/orgs/(?P<org>[^/]+)"


class Endpoints:
    """Answers the requests. `next_style`: how the next page is named (mixed: sometimes so).

    Limits count by the minute of the world's clock. On a clock that stands still they are
    enforced only when `is_limited` is set. Cursors given out before `cursors_from` are refused.
    """

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self.counts: Counter[tuple[str, int]] = Counter()
        self.is_limited = False
        self.next_style: NextStyle = "mixed"
        self.cursors_from = 0

    def routes(self) -> Sequence[Route]:
        """Give the endpoints."""
        return [
            Route("GET", f"{_ROOT}/{path}", handler, "bearer")
            for path, handler in (
                ("events-stream", self.events_stream),
                ("events", self.events),
                (r"events/(?P<event>[^/]+)", self.event),
                ("event-actions", self.event_actions),
                ("users", self.users),
                (r"directory/users/(?P<account>[^/]+)/last-active-dates", self.last_active),
            )
        ]

    def _enter(self, call: Call, endpoint: str = "") -> None:
        """Refuse strangers (403), other organisations (404) and too many in a minute (429)."""
        self._organization.demand("ORG_ADMIN")
        if call.path_params["org"] != ORG_ID:
            raise ApiError(404, "No such organization.", body=_problem(404, "Not found"))
        limit = LIMITS.get(endpoint)
        world = self._organization.world
        if limit is None or not (self.is_limited or world.is_live):
            return
        minute = world.now // MINUTE
        self.counts[endpoint, minute] += 1
        if self.counts[endpoint, minute] > limit:
            reset = from_ms((minute + 1) * MINUTE)
            raise ApiError(
                429,
                "Rate limit exceeded.",
                body=_problem(429, "Too many requests"),
                headers={
                    "X-RateLimit-Limit": str(limit),
                    "X-RateLimit-Remaining": "0",
                    "X-RateLimit-Reset": f"{reset:%Y-%m-%dT%H:%MZ}",
                },
            )

    @property
    def _base(self) -> str:
        return f"https://api.atlassian.com/admin/v1/orgs/{ORG_ID}"

    # -- events ---------------------------------------------------------------------------------

    def events_stream(self, call: Call) -> Reply:
        """GET events-stream: by the time of processing, ascending; a cursor polls for more."""
        self._enter(call, "events-stream")
        world, processed = self._organization.world, self._organization.processed
        limit = max(1, call.number("limit", 100, 500))
        cursor = call.one("cursor")
        after = self._after(cursor) if cursor else (0, 0)
        since, until = call.number("from", 0, 2**53), call.number("to", 2**53, 2**53)
        since = max(since, world.now - RETENTION)
        found: list[tuple[int, int]] = []
        is_more = False
        position = bisect.bisect_right(processed, after)
        last = after
        for place in processed[position:]:
            if place[0] > world.now:
                break
            if len(found) == limit:
                is_more = True
                break
            last = place
            if since <= self._organization.events[place[1]].at <= until:
                found.append(place)
        events = [self._organization.events[number] for _, number in found]
        reply = self._reply(events)
        reply.body |= self._next(call, _encode(*last, world.now), limit, is_more=is_more)
        return reply

    def _after(self, cursor: str) -> tuple[int, int]:
        after = _decode(cursor)
        if len(after) != 3 or after[2] < self.cursors_from:
            raise ApiError(400, "Invalid cursor.", body=_problem(400, "Invalid cursor"))
        return after[0], after[1]

    def _reply(self, events: Sequence[Event]) -> Reply:
        world = self._organization.world
        rows = [render_event(event, world, self._base) for event in events]
        return Reply({"data": rows}, keys=[f"org_event:{event.id}" for event in events])

    def _next(self, call: Call, cursor: str, limit: int, *, is_more: bool) -> JsonObject:
        style = self.next_style
        if style == "mixed":
            style = "url" if is_more else "bare"
        self_link = f"https://api.atlassian.com{call.path}"
        body: JsonObject = {"meta": {"page_size": limit}, "links": {"self": self_link}}
        if style == "url":
            body["links"]["next"] = f"{self_link}?limit={limit}&cursor={cursor}"
        elif style == "bare" or is_more:
            body["meta"]["next"] = cursor
        return body

    def events(self, call: Call) -> Reply:
        """GET events: newest first, by the time of the event."""
        self._enter(call, "events")
        world = self._organization.world
        since = max(call.number("from", 0, 2**53), world.now - RETENTION)
        until = call.number("to", 2**53, 2**53)
        events = [
            self._organization.events[number]
            for at, number in self._organization.processed
            if at <= world.now
        ]
        events = [
            event
            for event in sorted(events, key=lambda one: (one.at, one.number), reverse=True)
            if since <= event.at <= until and call.one("action", event.kind.id) == event.kind.id
        ]
        limit = max(1, call.number("limit", 100, 500))
        cursor = call.one("cursor")
        start = _decode(cursor)[0] if cursor else 0
        reply = self._reply(events[start : start + limit])
        is_more = start + limit < len(events)
        if is_more:
            reply.body |= self._next(call, _encode(start + limit), limit, is_more=True)
        else:
            reply.body |= {"meta": {"page_size": limit}, "links": {}}
        return reply

    def event(self, call: Call) -> Reply:
        """GET events/{id}."""
        self._enter(call)
        for event in self._organization.events.values():
            if event.id == call.path_params["event"]:
                reply = self._reply([event])
                return Reply({"data": reply.body["data"][0]}, keys=reply.keys)
        raise ApiError(404, "No such event.", body=_problem(404, "Not found"))

    def event_actions(self, call: Call) -> Reply:
        """GET event-actions: ids and display names, whole."""
        self._enter(call, "event-actions")
        rows = [
            {
                "id": action.id,
                "type": "event-actions",
                "attributes": {
                    "displayName": action.display_name,
                    "groupDisplayName": action.group,
                },
            }
            for action in EVENT_ACTIONS.values()
        ]
        return self._organization.listing({"data": rows}, "event_actions")

    # -- accounts -------------------------------------------------------------------------------

    def users(self, call: Call) -> Reply:
        """GET users: the managed accounts, by cursor."""
        self._enter(call)
        cursor = call.one("cursor")
        start = _decode(cursor)[0] if cursor else 0
        limit = 100
        people = [
            p for p in self._organization.world.people.values() if p.account_type == "atlassian"
        ]
        page = people[start : start + limit]
        rows = []
        keys: list[str] = []
        for person in page:
            active = self._organization.active.get(person.account_id)
            row: JsonObject = {
                "account_id": person.account_id,
                "account_type": person.account_type,
                "account_status": "active" if person.active else "inactive",
                "name": person.name,
                "email": person.email,
                "access_billable": person.active,
                "product_access": [],
            }
            if active is not None:
                row["last_active"] = iso(active)
                keys.append(f"last_active:{person.account_id}:{active}")
            rows.append(row)
        next_page = None
        if start + limit < len(people):
            next_page = f"https://api.atlassian.com{call.path}?cursor={_encode(start + limit)}"
        return Reply(
            {"data": rows, "links": {"next": next_page}},
            keys=keys,
            details=self._organization.listed("org_users", None, start, len(page), len(people)),
        )

    def last_active(self, call: Call) -> Reply:
        """GET directory/users/{account}/last-active-dates."""
        self._enter(call, "last-active-dates")
        account = call.path_params["account"]
        if account not in self._organization.world.people:
            raise ApiError(404, "No such user.", body=_problem(404, "Not found"))
        active = self._organization.active.get(account)
        access: list[JsonObject] = []
        keys: list[str] = []
        if active is not None:
            moment = iso(active)
            access = [
                {
                    "id": "ari:cloud:jira-software::site/sandbox",
                    "key": "jira-software",
                    "last_active": moment[:10],
                    "last_active_timestamp": moment,
                },
                {"id": "ari:cloud:confluence::site/sandbox", "key": "confluence"},
            ]
            keys = [f"last_active:{account}:{active}"]
        body = {
            "data": {"product_access": access, "added_to_org": "2020-01-01"},
            "links": {"next": None},
        }
        return Reply(body, keys=keys)


def _encode(*numbers: int) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(numbers)).decode().rstrip("=")


def _decode(cursor: str) -> tuple[int, ...]:
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        numbers = msgspec.json.decode(data, type=tuple[int, ...])
    except (ValueError, msgspec.DecodeError):
        numbers = ()
    if not numbers:
        raise ApiError(400, "Invalid cursor.", body=_problem(400, "Invalid cursor"))
    return numbers


def _problem(status: int, title: str) -> JsonObject:
    return {"errors": [{"status": str(status), "title": title}], "message": title}
