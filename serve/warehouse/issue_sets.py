"""The issues that questions of JQL find in one snapshot, worked out once for each question.

They lie in the database in memory that belongs to the snapshot, so they go with it. A set stays as
long as somebody holds its condition, or it is among those asked for last.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from serve.query.compiler import Query
from serve.query.jql.compiler import Selection
from serve.query.jql.kept import (
    FEW,
    compile_drop,
    compile_keep,
    compile_kept,
    is_among_few,
    is_among_kept,
)
from serve.query.scope import Condition

Run = Callable[[Query], list[tuple[Any, ...]]]

MOST_SETS = 500
MOST_ISSUES = 2_000_000
"""Issues in all sets that nobody holds: about 100 MB."""


class _Table:
    """A table of issues; when nobody holds it any more, it is to be dropped."""

    def __init__(self, name: str) -> None:
        self.name = name


@dataclass(frozen=True, slots=True)
class _Found:
    condition: Condition
    issue_count: int


class IssueSets:
    """What JQL finds in one snapshot; safe for many threads, each question is answered by one."""

    def __init__(self, schema: str, run: Run, drop: Run) -> None:
        """Keep sets as tables of `schema`.

        `run` runs a question, which waits for its turn and may raise anything; `drop` gives a table
        up, at once.
        """
        self._schema = schema
        self._run = run
        self._drop = drop
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._found: OrderedDict[Hashable, Future[_Found]] = OrderedDict()
        # A table may be let go anywhere, even within a statement: it is dropped by the next set.
        self._stale: deque[str] = deque()

    def find(
        self, question: Hashable, select: Callable[[], Selection], *, has_one_site: bool
    ) -> Condition:
        """Return the condition on `actions` that their issue is one of those that `select` finds.

        `question` says all that the answer depends on. Whoever asks the same meanwhile waits for
        the first, and gets its error if it fails; after that it is tried again.
        """
        with self._lock:
            future = self._found.get(question)
            is_first = future is None
            if future is None:
                future = self._found[question] = Future()
            self._found.move_to_end(question)
        if is_first:
            try:
                future.set_result(self._work_out(select(), has_one_site=has_one_site))
            except BaseException as error:
                with self._lock:
                    del self._found[question]
                future.set_exception(error)
                raise
            finally:
                self._forget()
        return future.result().condition

    def _work_out(self, selection: Selection, *, has_one_site: bool) -> _Found:
        table = _Table(f"{self._schema}.found_{next(self._numbers)}")
        ((issue_count,),) = self._run(compile_keep(selection, table.name))
        weakref.finalize(table, self._stale.append, table.name)
        if issue_count <= FEW:
            few: list[Any] = self._run(compile_kept(table.name))
            return _Found(is_among_few(few), issue_count)
        condition = is_among_kept(table.name, issue_count, has_one_site=has_one_site)
        return _Found(replace(condition, holds=table), issue_count)

    def _forget(self) -> None:
        """Let go of the sets that were asked for longest ago, and drop what nobody holds."""
        with self._lock:
            done = [
                (question, one.result().issue_count)
                for question, one in self._found.items()
                if one.done()
            ]
            issue_count = sum(count for _, count in done)
            for question, count in done[:-1]:
                if len(self._found) <= MOST_SETS and issue_count <= MOST_ISSUES:
                    break
                del self._found[question]
                issue_count -= count
            names = [self._stale.popleft() for _ in range(len(self._stale))]
        for name in names:
            self._drop(compile_drop(name))
