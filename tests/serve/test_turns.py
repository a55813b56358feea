"""Turns: never more at once than allowed, in the order of those who wait, and none is lost."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from serve.warehouse.turns import NoTurnError, QuestionTurns, Turns


def test_never_more_at_once_than_allowed_and_no_turn_is_lost() -> None:
    turns = Turns(3)
    lock = threading.Lock()
    running = 0
    most = 0
    draw = random.Random(3)
    patiences = [draw.choice((0.0, 0.000_01, 0.001, 60.0)) for _ in range(2_000)]

    def work(patience: float) -> bool:
        nonlocal running, most
        try:
            with turns.take(patience):
                with lock:
                    running += 1
                    most = max(most, running)
                time.sleep(0.000_1)
                with lock:
                    running -= 1
        except NoTurnError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(work, patiences))
    assert most == 3
    assert all(had for had, patience in zip(done, patiences, strict=True) if patience > 1)
    assert not all(done)
    # However many gave up, all three turns are there.
    with turns.take(0), turns.take(0), turns.take(0):
        with pytest.raises(NoTurnError), turns.take(0):
            pass
        with pytest.raises(NoTurnError), turns.take(0.001):
            pass
    with turns.take(0):
        pass


def test_who_waits_longest_is_next_also_before_whoever_has_just_finished() -> None:
    turns = Turns(1)
    order: list[str] = []
    greedy_has_it = threading.Event()
    may_go_on = threading.Event()

    def greedy() -> None:
        for number in range(3):
            with turns.take(60):
                order.append(f"greedy {number}")
                greedy_has_it.set()
                may_go_on.wait(60)

    def patient(name: str) -> None:
        with turns.take(60):
            order.append(name)

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(greedy)
        assert greedy_has_it.wait(60)
        others = []
        for number, name in enumerate(("one", "two")):
            others.append(pool.submit(patient, name))
            while len(turns._waiting) == number:
                assert not others[-1].done()
        may_go_on.set()
        for one in (first, *others):
            one.result(60)
    assert order == ["greedy 0", "one", "two", "greedy 1", "greedy 2"]


def test_an_error_gives_the_turn_back() -> None:
    turns = Turns(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), turns.take(0):
            raise ZeroDivisionError


def test_questions_take_turns_in_the_order_they_came() -> None:
    turns = QuestionTurns(2)
    began: list[int] = []
    running: list[int] = []

    async def ask(number: int) -> None:
        async with turns.take(60):
            began.append(number)
            running.append(number)
            assert len(running) <= 2
            await anyio.sleep(0.001)
            running.remove(number)

    async def all_at_once() -> None:
        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(ask, number)

    # Each time in another event loop.
    for _ in range(2):
        anyio.run(all_at_once)
        assert began == list(range(20))
        began.clear()


def test_a_question_gives_up_and_leaves_no_turn_behind() -> None:
    turns = QuestionTurns(1)

    async def in_vain() -> None:
        with pytest.raises(NoTurnError, match="1 queries are running"):
            async with turns.take(0.001):
                pass

    async def ask() -> None:
        async with turns.take(60), anyio.create_task_group() as others:
            others.start_soon(in_vain)
            others.start_soon(in_vain)
        with pytest.raises(ZeroDivisionError):
            async with turns.take(0):
                raise ZeroDivisionError
        async with turns.take(0):
            pass

    anyio.run(ask)
