"""The sandbox's domains. A new one is a module or package here and one entry of `DOMAINS`."""

from __future__ import annotations

import random
from collections.abc import Collection

from tests.sandbox.domain import Domain
from tests.sandbox.domains.admin import Admin
from tests.sandbox.domains.assets import Assets
from tests.sandbox.domains.confluence import Confluence
from tests.sandbox.domains.organization import Organization
from tests.sandbox.domains.software import Software
from tests.sandbox.world import World

DOMAINS: tuple[type[Domain], ...] = (Admin, Assets, Confluence, Organization, Software)


def attach(world: World, start: int | None, only: Collection[str] | None = None) -> None:
    """Give a world its domains, each with random numbers of its own; `only` names some of them."""
    for kind in DOMAINS:
        if only is None or kind.name in only:
            rng = random.Random(f"{world.seed}:{kind.name}")
            world.domains[kind.name] = kind(world, rng, start)
