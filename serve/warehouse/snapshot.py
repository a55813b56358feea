"""One open snapshot: a locked-down, read-only DuckDB that never changes."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import duckdb
from cachetools import LRUCache

from serve.catalogue import ActionType, Catalogue
from serve.config import ServeSettings
from serve.errors import ProblemError
from serve.query import dimensions
from serve.query.compiler import Query
from serve.query.jql.compiler import Selection
from serve.query.jql.names import fold
from serve.query.rights import Policy, is_known
from serve.query.scope import Condition
from serve.query.visibility import MACHINE, Rights, Viewer
from serve.warehouse import contract
from serve.warehouse.deadlines import Deadlines, interrupt
from serve.warehouse.issue_sets import IssueSets
from serve.warehouse.prefetch import Prefetch
from serve.warehouse.turns import Turns
from serve.warehouse.viewers import ViewersRights

BATCH_ROWS = 4_096
MOST_KEPT = 200
"""Vocabularies and the like that are kept of one snapshot."""

MOST_NAMES = 50_000
"""Names of issues that are kept of one snapshot: about 25 MB."""

MOST_STATEMENTS = 2_000_000
"""Characters of the statements that are kept of one snapshot: about 40 MB."""

_NUMBERS = itertools.count()

Kept = TypeVar("Kept")
_UNKNOWN = object()

_log = logging.getLogger(__name__)


class SnapshotError(Exception):
    """The file is not a snapshot that this version can read."""


class User(NamedTuple):
    """What a person is called, and a site that knows them."""

    display_name: str | None
    avatar_url: str | None
    site_id: str


class Project(NamedTuple):
    """What a project is called."""

    key: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many actions there are, and the times of the first and the last; null without any."""

    action_count: int
    oldest_at: datetime | None
    newest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Directory:
    """The small dimensions of one snapshot, kept in memory for as long as it is open."""

    catalogue: Catalogue
    users: dict[str, User]
    projects: dict[tuple[str, str], Project]
    project_ids: dict[str, tuple[str, ...]]
    issue_types: dict[tuple[str, str], str]
    request_types: dict[tuple[str, str], str]
    ids: dict[str, dict[str, tuple[str, ...]]]
    """Kind of thing -> id, or id or name as JQL folds it -> the ids it stands for."""
    names: dict[str, dict[str, str]]
    """Kind of thing -> id -> name; of a project its key."""
    action_count: int
    oldest_at: datetime | None
    newest_at: datetime | None
    now: datetime

    def ids_of(self, kind: str, text: str) -> tuple[str, ...]:
        """Return the ids that an id or a name in any case stands for; none: nothing has it."""
        known = self.ids[kind]
        return known.get(text) or known.get(fold(text), ())

    @property
    def has_one_site(self) -> bool:
        """Whether all projects are of one site."""
        return len({site_id for site_id, _ in self.projects}) <= 1


class Snapshot:
    """An open snapshot file; safe for many threads, each query runs on a cursor of its own."""

    def __init__(self, snapshot_id: str, path: Path, settings: ServeSettings, turns: Turns) -> None:
        """Open `path`; `turns` are the places of the queries that may run at once."""
        self.id = snapshot_id
        self.path = path
        self._settings = settings
        self._turns = turns
        self._kept: LRUCache[Hashable, object] = LRUCache(MOST_KEPT)
        self._names: LRUCache[Hashable, object] = LRUCache(MOST_NAMES)
        self._statements: LRUCache[str, duckdb.Statement] = LRUCache(
            MOST_STATEMENTS, getsizeof=lambda statement: len(statement.query)
        )
        self._kept_lock = threading.Lock()
        self._deadlines = Deadlines()
        self._is_closing = False
        self._unhurried: duckdb.DuckDBPyConnection | None = None
        # DuckDB shares what is attached among all who opened the same file in one process.
        self._memory = f"rights_{next(_NUMBERS)}"
        policy = Policy(settings.jira_admin_groups, settings.views_need_browse)
        self._viewers = ViewersRights(
            self._memory, policy, self._ask_unhurried, settings.query_seconds
        )
        self._issue_sets = IssueSets(
            f"{self._memory}.main",
            self.run,
            lambda query: self._fetch(query, self._settings.query_seconds),
        )
        try:
            self._connection = duckdb.connect(
                str(path),
                read_only=True,
                config={
                    "enable_external_access": "false",
                    "autoload_known_extensions": "false",
                    "autoinstall_known_extensions": "false",
                    "allow_community_extensions": "false",
                    "memory_limit": settings.query_memory,
                    "max_temp_directory_size": "0B",
                    "threads": str(settings.query_threads),
                    "lock_configuration": "true",
                },
            )
            lacking = contract.difference(self._connection.execute(contract.DESCRIBE).fetchall())
        except duckdb.Error as error:
            raise SnapshotError(_first_line(error)) from error
        if lacking:
            self._connection.close()
            raise SnapshotError(f"it was published by another version: {lacking}")
        self.prefetch = Prefetch(path)
        try:
            # What is particular to a viewer is laid down beside the file, in memory.
            self._connection.execute(f"attach ':memory:' as {self._memory} (read_write)")
            self.directory = self._read_directory()
        except (ProblemError, duckdb.Error) as error:
            self.close()
            raise SnapshotError(_first_line(error)) from error

    def run(self, query: Query) -> list[tuple[Any, ...]]:
        """Return all rows of `query`; ProblemError if no turn comes, or it takes too much."""
        with self._turns.take(self._settings.query_seconds):
            return self._fetch(query, self._settings.query_seconds)

    def kept(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """Return what `make` made when it was first asked for under `key`; it never changes.

        What was asked for longest ago is forgotten, and made again if need be.
        """
        with self._kept_lock:
            if key in self._kept:
                return cast("Kept", self._kept[key])
        # two threads may both make it: the same thing twice
        made = make()
        with self._kept_lock:
            self._kept[key] = made
        return made

    def kept_names(
        self,
        whose: Hashable,
        things: Sequence[str],
        read: Callable[[Sequence[str]], Mapping[str, Kept]],
    ) -> dict[str, Kept]:
        """Return what things are called for `whose`; `read` is asked only for what is not kept.

        What `read` leaves out has no name, which is kept as well.
        """
        with self._kept_lock:
            known = {one: self._names.get((whose, one), _UNKNOWN) for one in things}
        wanted = [one for one, name in known.items() if name is _UNKNOWN]
        if wanted:
            found = read(wanted)
            known |= {one: found.get(one) for one in wanted}
            with self._kept_lock:
                for one in wanted:
                    self._names[whose, one] = known[one]
        return cast("dict[str, Kept]", {one: name for one, name in known.items() if name})

    def issues_found(self, question: Hashable, select: Callable[[], Selection]) -> Condition:
        """Return the condition on `actions` that their issue is one of those that `select` finds.

        `question` is all that the answer depends on besides the snapshot: it is worked out once.
        """
        return self._issue_sets.find(question, select, has_one_site=self.directory.has_one_site)

    def stream(self, query: Query) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of an export in batches; exports have limits of their own."""
        with self._execute(query, self._settings.export_seconds) as cursor:
            while batch := cursor.fetchmany(BATCH_ROWS):
                yield batch

    def rights(self, viewer: Viewer) -> Rights:
        """Return what `viewer` may see in this snapshot.

        ProblemError: the viewer has no business here (403), or it takes long to find out (503).
        """
        rights = self._viewers.of(viewer)
        if not rights.is_admitted:
            raise ProblemError(
                "forbidden",
                f"{viewer.name} has no role in this application and is no Jira administrator",
                "set AUDIT_LOG_VIEWER_ROLE, or add the account to a group that "
                "AUDIT_LOG_JIRA_ADMIN_GROUPS names",
            )
        return rights

    def bounds(self, rights: Rights) -> Bounds:
        """Return the bounds of the actions that may be counted."""
        if rights.counts_everything:
            directory = self.directory
            return Bounds(directory.action_count, directory.oldest_at, directory.newest_at)
        ((action_count, oldest_at, newest_at),) = self.run(dimensions.compile_bounds(rights))
        return Bounds(action_count, as_utc_or_none(oldest_at), as_utc_or_none(newest_at))

    def knows(self, viewer: Viewer) -> bool:
        """Return whether the account of `viewer` is an active one, or none is needed."""
        return is_known(viewer, self._ask)

    @property
    def max_range_days(self) -> int | None:
        """Most days that one question may cover; null: any number."""
        return self._settings.max_range_days

    def close(self) -> None:
        """Release the file."""
        self._is_closing = True
        if self._unhurried is not None:
            interrupt(self._unhurried)
        self._viewers.close()
        self._deadlines.close()
        with suppress(duckdb.Error):  # a query that was cut off may still hold on to it
            self._connection.execute(f"detach {self._memory}")
        self._connection.close()
        self.prefetch.close()

    def _fetch(self, query: Query, seconds: float) -> list[tuple[Any, ...]]:
        with self._execute(query, seconds) as cursor:
            return cursor.fetchall()

    @contextmanager
    def _execute(self, query: Query, seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._connection.cursor()
        try:
            with self._deadlines.end_after(cursor, seconds):
                cursor.execute(self._statement(query.sql), dict(query.params))
                yield cursor
        except duckdb.InterruptException:
            _log.warning("interrupted after %g seconds: %s", seconds, query.description)
            raise ProblemError(
                "query-too-slow",
                f"the query was interrupted after {seconds:g} seconds",
                "ask for a shorter time or fewer people and projects, "
                "or raise AUDIT_LOG_QUERY_SECONDS (AUDIT_LOG_EXPORT_SECONDS for exports)",
            ) from None
        except duckdb.OutOfMemoryException:
            raise self._too_large() from None
        finally:
            with suppress(duckdb.Error):
                cursor.close()

    def _statement(self, sql: str) -> duckdb.Statement:
        """Return `sql` as DuckDB reads it: that takes a tenth of a page, and the texts recur."""
        with self._kept_lock:
            statement = self._statements.get(sql)
        if statement is None:
            (statement,) = duckdb.extract_statements(sql)
            if len(sql) <= MOST_STATEMENTS:
                with self._kept_lock:
                    self._statements[sql] = statement
        return statement

    def _too_large(self) -> ProblemError:
        return ProblemError(
            "query-too-large",
            f"the query needs more than {self._settings.query_memory} of memory",
            "ask for a shorter time or fewer people and projects, or raise AUDIT_LOG_QUERY_MEMORY",
        )

    def _ask(self, sql: str, params: Mapping[str, object]) -> list[tuple[Any, ...]]:
        return self._fetch(Query(sql, params), self._settings.query_seconds)

    def _fetch_once(self, query: Query) -> list[tuple[Any, ...]]:
        """Return all rows of what is read once for a snapshot, whatever is asked of it later."""
        return self._fetch(query, self._settings.export_seconds)

    def _ask_unhurried(self, sql: str, params: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Do as `_ask`, for as long as it takes; for one thread, until the snapshot is closed."""
        self._unhurried = self._unhurried or self._connection.cursor()
        if self._is_closing:
            raise duckdb.InterruptException
        try:
            return self._unhurried.execute(sql, dict(params)).fetchall()
        except duckdb.OutOfMemoryException:
            raise self._too_large() from None

    def _read_directory(self) -> Directory:
        projects = {
            (site_id, project_id): Project(key, name)
            for site_id, project_id, key, name in self._fetch_once(dimensions.PROJECTS)
        }
        project_ids: dict[str, tuple[str, ...]] = {}
        for (_, project_id), project in projects.items():
            for name in {project_id, project.key} - {None}:
                project_ids[name] = (*project_ids.get(name, ()), project_id)
        ((action_count, oldest_at, newest_at),) = self._fetch_once(
            dimensions.compile_bounds(MACHINE)
        )
        things = {
            kind: sorted(set(self._fetch_once(query)), key=str)
            for kind, query in dimensions.NAMES.items()
        }
        successes = [at for (at,) in self._fetch_once(dimensions.SUCCESSES) if at is not None]
        # The end of an interval is not included, the newest action has to be.
        ends = [*successes, *([newest_at + timedelta(microseconds=1)] if newest_at else [])]
        return Directory(
            catalogue=Catalogue(
                ActionType(*row) for row in self._fetch_once(dimensions.ACTION_TYPES)
            ),
            users={
                account_id: User(*user) for account_id, *user in self._fetch_once(dimensions.USERS)
            },
            projects=projects,
            project_ids=project_ids,
            issue_types={
                (site_id, issue_type_id): name
                for site_id, issue_type_id, name in self._fetch_once(dimensions.ISSUE_TYPES)
            },
            request_types={
                (site_id, request_type_id): name
                for site_id, request_type_id, name in self._fetch_once(dimensions.REQUEST_TYPES)
                if name is not None
            },
            ids={kind: _ids(rows) for kind, rows in things.items()},
            names={
                kind: {thing_id: name for thing_id, name in rows if name is not None}
                for kind, rows in things.items()
            }
            | {
                "project": {
                    project_id: one.key for (_, project_id), one in projects.items() if one.key
                }
            },
            action_count=action_count,
            oldest_at=as_utc_or_none(oldest_at),
            newest_at=as_utc_or_none(newest_at),
            now=as_utc(max(ends)) if ends else datetime.now(UTC),
        )


def _ids(things: Sequence[tuple[str, str | None]]) -> dict[str, tuple[str, ...]]:
    """Return for every id, and every id and name as JQL folds it, the ids that it stands for."""
    ids: dict[str, tuple[str, ...]] = {}
    for thing_id, name in things:
        if name is not None:
            known = ids.get(fold(name), ())
            ids[fold(name)] = known if thing_id in known else (*known, thing_id)
    # An id means itself, whatever else bears it as a name, or differs from it in case.
    return (
        ids
        | {fold(thing_id): (thing_id,) for thing_id, _ in things}
        | {thing_id: (thing_id,) for thing_id, _ in things}
    )


def as_utc(moment: datetime) -> datetime:
    """Give a time of the marts (naive UTC) its zone."""
    # `replace` is three times as slow, and a page has a hundred times.
    return datetime.combine(moment.date(), moment.time(), UTC)


def as_utc_or_none(moment: datetime | None) -> datetime | None:
    """Do as `as_utc`; null stays null."""
    return None if moment is None else as_utc(moment)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
