"""Queries that run over their time are interrupted, by one thread for all of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import cast

import duckdb
import pytest

from serve.warehouse.deadlines import Deadlines

ENDLESS = "select count(*) from range(1000000000000) as a (i) where i % 7 = 8"
LONG = 3_600.0


@pytest.fixture
def deadlines() -> Iterator[Deadlines]:
    made = Deadlines()
    yield made
    made.close()


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


class Counted:
    """A cursor that counts how often it is interrupted."""

    def __init__(self) -> None:
        self.times = 0
        self.was_interrupted = threading.Event()

    def interrupt(self) -> None:
        """Do as DuckDB's cursors do."""
        self.times += 1
        self.was_interrupted.set()


def watchers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "deadlines"}


def test_what_runs_over_its_time_ends_although_others_may_run_on(
    deadlines: Deadlines, connection: duckdb.DuckDBPyConnection
) -> None:
    patient, hasty = connection.cursor(), connection.cursor()
    with deadlines.end_after(patient, LONG):
        # The thread sleeps until the long one is due: the short one has to wake it.
        with pytest.raises(duckdb.InterruptException), deadlines.end_after(hasty, 0.05):
            hasty.execute(ENDLESS)
        assert patient.execute("select 1").fetchone() == (1,)


def test_a_cursor_is_left_alone_after_its_query(
    deadlines: Deadlines, connection: duckdb.DuckDBPyConnection
) -> None:
    first = Counted()
    with deadlines.end_after(cast("duckdb.DuckDBPyConnection", first), 0):
        assert first.was_interrupted.wait(300)
    # Interrupts are repeated until the block ends: more would be due while another one runs.
    before = first.times
    with pytest.raises(duckdb.InterruptException), deadlines.end_after(connection, 0.5):
        connection.execute(ENDLESS)
    assert first.times == before


def test_an_interrupt_that_comes_too_early_is_repeated(
    deadlines: Deadlines, connection: duckdb.DuckDBPyConnection
) -> None:
    with deadlines.end_after(connection, 0):
        threading.Event().wait(0.05)  # the first interrupt meets a cursor that runs nothing
        with pytest.raises(duckdb.InterruptException):
            connection.execute(ENDLESS)


def test_one_thread_watches_all_and_ends(connection: duckdb.DuckDBPyConnection) -> None:
    before = watchers()  # those of other tests may end at any time
    deadlines = Deadlines()
    assert watchers() <= before
    for _ in range(5):
        with deadlines.end_after(connection, LONG), deadlines.end_after(connection, LONG / 2):
            connection.execute("select 1").fetchall()
    (watcher,) = watchers() - before
    deadlines.close()
    watcher.join(timeout=300)
    assert not watcher.is_alive()
