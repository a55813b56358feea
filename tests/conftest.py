"""What tests of several parts need."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import URL

from tests import postgres

# By default every 700 new objects: a tenth of the suite's time, beside what dbt and pytest keep.
gc.set_threshold(50_000, 10, 10)

# A run of the suite says whether the code is right, not whether the machine is busy or luck is bad:
# no time limits, and the same examples each time. `--hypothesis-profile random` looks for new ones.
settings.register_profile("random", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("random"), derandomize=True, database=None)
settings.load_profile("same")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """Run a Postgres server for the tests of this process."""
    with postgres.running_postgres() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: URL) -> str:
    """Give the address of an empty Postgres database."""
    postgres.empty(postgres_server)
    return postgres_server.render_as_string(hide_password=False)
