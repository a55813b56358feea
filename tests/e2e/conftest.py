"""One life of a site, lived once and looked at by many tests.

`story` runs the product as a person does, by its command line, lets the world move on, and keeps
the checker's verdict of every stage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.product import Product
from tests.sandbox.running import running_sandbox
from tests.sandbox.verdicts import Report

DAYS = 30
STEPS_MINUTES = (30, 45, 4 * 24 * 60)
"""Between syncs: the usual interval, a longer one, and days without any."""


@dataclass(frozen=True)
class Story:
    """A product and the verdicts on it: after the first sync, then after each further one."""

    product: Product
    verdicts: list[Report]


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Run four times on a site where nothing goes wrong."""
    with running_sandbox(days=DAYS, domains=()) as sandbox:
        product = Product(tmp_path_factory.mktemp("story"), sandbox, from_nothing=True)
        product.run()
        verdicts = [product.check()]
        for minutes in STEPS_MINUTES:
            sandbox.advance(minutes)
            product.run()
            verdicts.append(product.check())
        yield Story(product, verdicts)
