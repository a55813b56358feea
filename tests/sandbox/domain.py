"""A domain of the sandbox: a part of the site with activity, endpoints and truth of its own.

A domain is a class below `tests/sandbox/domains/` and one entry of `DOMAINS` there. It keeps its
objects itself, moves on in time beside the issue stream (which no domain may disturb: objects that
the stream works with, such as its projects, versions, sprints and people, are never taken away),
answers the requests of its `routes`, and writes each action to the ledger with `World.record`.

A handler tells by the reply's `keys` which exact channels it has just told of (`audit:<id>`, the
same names as the `carriers` of ledger lines), and by its `details` which listing it has just ended:
`Domain.page` and `Domain.listing` make both answers.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from typing import ClassVar, TypeVar

from tests.sandbox.api import ApiError, Call, Reply, Route, page_bean
from tests.sandbox.ledger import Carrier, LineItem
from tests.sandbox.logs import Listings, Served
from tests.sandbox.world import World

__all__ = ["ApiError", "Call", "Carrier", "Domain", "LineItem", "Reply", "Route", "Served", "World"]

T = TypeVar("T")


class Domain:
    """One part of a site. `start`: ms since 1970 UTC; None on a site image, where nothing happens.

    `rng` is the domain's own stream of random numbers; its rates are multiplied by
    `world.activity` (1 for the usual site of 62,000 issue actions a year, near 0 in an empty one).
    """

    name: ClassVar[str]

    def __init__(self, world: World, rng: random.Random, start: int | None) -> None:
        self.world = world
        self.rng = rng
        self.next_at: int | float = math.inf if start is None else start
        self._lists = Listings()

    def step(self) -> None:
        """Do the next command and set `next_at` (ms; `math.inf`: none) to the following one's."""
        self.next_at = math.inf

    def routes(self) -> Sequence[Route]:
        """Give the endpoints of this domain."""
        return ()

    def observed(self, code: str, at: int, target_id: str) -> None:
        """Take note of a fact (`_USER_RENAMED`, …) that the issue stream or a script made."""

    # -- answers -------------------------------------------------------------------------------

    def demand(self, permission: str) -> None:
        """Refuse with 403 what the account may not do (`permission` control of the site)."""
        if not self.world.permissions[permission]:
            raise ApiError(403, "You do not have permission to perform this operation.")

    def listing(
        self, body: object, resource: str, parent: str | None = None, *, keys: Iterable[str] = ()
    ) -> Reply:
        """Answer with a list that comes whole in one response."""
        return Reply(body, keys=list(keys), details=self.listed(resource, parent, 0, 1, 1))

    def page(
        self,
        call: Call,
        items: Sequence[T],
        resource: str,
        parent: str | None = None,
        *,
        default: int = 50,
        high: int = 100,
    ) -> Reply:
        """Answer with the asked page of a list (PageBean: startAt, maxResults, total, isLast)."""
        shown, body = page_bean(self.world.site, call, items, default=default, high=high)
        body["values"] = list(shown)
        return Reply(
            body,
            details=self.listed(resource, parent, body["startAt"], len(shown), len(items)),
        )

    def listed(
        self, resource: str, parent: str | None, start: int, count: int, total: int
    ) -> list[Served]:
        """Give the entry of a listing that ends with this page, or none while it goes on."""
        name = f"list:{resource}" if parent is None else f"list:{resource}:{parent}"
        return self._lists.page(name, self.world, start, count, total)
