"""Speed of JQL: finding the issues of a question for the first time, and asking on about them.

The floor of finding is the least SQL that gives the same issues from the marts: ids instead of
names, no rights, no grammar. It leaves out the page of actions, which is measured by itself: once a
question has been asked, its issues are known, and pages, numbers and lists only use them.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from serve.actions.schemas import ActionsRequest
from serve.actions.service import ActionsService
from serve.app import create_app
from serve.config import ServeSettings
from serve.query.compiler import Query
from serve.query.jql.compiler import compile_query
from serve.query.jql.moments import Clock
from serve.query.jql.parser import parse
from serve.query.visibility import OPERATOR
from serve.warehouse.names import SnapshotNames
from serve.warehouse.snapshot import Snapshot
from serve.warehouse.warehouse import Warehouse
from tests.bench.report import Figure, cpu_seconds
from tests.bench.synthetic import Shape

ROUNDS = 15
FEWEST_ROUNDS = 3
SECONDS_A_QUESTION = 20

_PRESENT = "is_secured is not true and deletion_state not in ('deleted', 'trashed')"
_STATUSES = (
    "To Do", "In Progress", "In Review", "Done", "Closed", "Blocked", "Open", "Waiting",
)  # fmt: skip
_PERIODS = """
    select
        issue_id, new_value_id as status, occurred_at as since,
        lead(occurred_at) over (partition by issue_id order by occurred_at, action_id) as until
    from fct_action_changes where field_id = 'status'
"""


@dataclass(frozen=True)
class Finding:
    """A question of JQL, and the least SQL that finds its issues. `%` stands for a number."""

    name: str
    jql: str
    floor: str


def _findings(shape: Shape) -> list[Finding]:
    keys = [f"P{number}-{number % 40 + 1}" for number in range(shape.projects) if number % 100 != 7]
    some = ", ".join(keys[:50])
    days = [f"2025-{1 + number % 12:02}-{1 + number % 28:02}" for number in range(40)]
    was = " or ".join(
        f'status was "{_STATUSES[number % 8]}" during ("{day}", "{day} 12:00")'
        for number, day in enumerate(days)
    )
    was_floor = " or ".join(
        f"status = '{1 + number % 8}' and since < '{day} 12:01' and coalesce(until > '{day}', true)"
        for number, day in enumerate(days)
    )
    words = [f"token{number}" for number in range(50)]
    texts = """
        select issue_id, summary as text from dim_issues
        union all
        select issue_id, value_text from bridge_issue_field_values where field_id = 'description'
        union all
        select issue_id, body_text from dim_comments where not is_restricted and not is_deleted
    """
    return [
        Finding(
            "a status",
            "status = Blocked",
            f"select issue_id from dim_issues where status_id = '6' and {_PRESENT}",
        ),
        Finding(
            "50 keys",
            f"key in ({some})",
            f"select issue_id from dim_issues where issue_key in "
            f"({', '.join(repr(key) for key in keys[:50])}) and {_PRESENT}",
        ),
        Finding(
            "a text",
            "text ~ token%",
            f"select distinct issue_id from ({texts}) where contains(lower(text), 'token%')",
        ),
        Finding(
            "50 texts",
            " or ".join(f"text ~ {word}" for word in words),
            f"select distinct issue_id from ({texts}) where "
            + " or ".join(f"contains(lower(text), '{word}')" for word in words),
        ),
        Finding(
            "50 texts with wildcards",
            " or ".join(f'text ~ "*q{number}?z*"' for number in range(50)),
            f"select distinct issue_id from ({texts}) where "
            + " or ".join(f"regexp_matches(text, 'q{number}.z', 'i')" for number in range(50)),
        ),
        Finding(
            "a status once",
            "status was Blocked",
            f"select issue_id from dim_issues where {_PRESENT} and (status_id = '6' or issue_id in "
            "(select issue_id from fct_action_changes where field_id = 'status' "
            "and (old_value_id = '6' or new_value_id = '6')))",
        ),
        Finding(
            "a change by somebody",
            "status changed to Blocked by account-%",
            "select distinct changes.issue_id from fct_action_changes as changes "
            "join fct_actions as actions using (action_id, occurred_at) "
            "where changes.field_id = 'status' and new_value_id = '6' "
            "and actor_account_id = 'account-%'",
        ),
        Finding(
            "a status on a day",
            'status was Blocked on "2025-06-1%"',
            f"select distinct issue_id from ({_PERIODS}) where status = '6' "
            "and since < '2025-06-12' and coalesce(until > '2025-06-11', true)",
        ),
        Finding(
            "40 comparisons with the history",
            was,
            f"select distinct issue_id from ({_PERIODS}) where {was_floor}",
        ),
    ]


_NUMBERS = itertools.count()


def bench_jql(settings: ServeSettings, shape: Shape) -> list[Figure]:
    """Measure questions of JQL on the published snapshot of `shape`; p50 in milliseconds.

    Each round asks something that was not asked before, so that nothing is known from earlier.
    """
    application = create_app(settings)
    service: ActionsService = application.state.actions
    warehouse: Warehouse = application.state.warehouse
    figures = []
    try:
        with warehouse.lease() as snapshot:
            figures += _measure_new_snapshot(snapshot)
            for finding in _findings(shape):
                figures += _measure(snapshot, service, finding, shape)
            figures += _measure_parsing(shape)
    finally:
        warehouse.close()
    return figures


def _find(snapshot: Snapshot, jql: str) -> None:
    """Find the issues of a question as if it had never been asked."""
    rights = snapshot.rights(OPERATOR)
    clock = Clock(snapshot.directory.now, ZoneInfo("UTC"))
    snapshot.issues_found(
        ("bench", next(_NUMBERS)),
        lambda: compile_query(parse(jql), SnapshotNames(snapshot, rights), rights, clock),
    )


def _measure_new_snapshot(snapshot: Snapshot) -> list[Figure]:
    """Compare the first question on a snapshot with the next one, which names as much."""
    snapshot.rights(OPERATOR)
    times = [
        _timed(
            lambda: _find(
                snapshot,
                f'fixVersion = "{number}.0" and assignee = account-{number} and Team = "Team {number}"'  # noqa: B023, E501 - called at once; one query
                f' and Sprint = "P{number} Sprint {number}" and issueLinkType = blocks',  # noqa: B023 - as above
            )
        )
        for number in (1, 2, 3)
    ]
    name = "found: JQL that names things of five kinds"
    second = f"{name}, second question"
    return [
        Figure(
            f"{name}, first question on a new snapshot",
            times[0],
            "ms",
            floor=second,
            ratio=times[0] / times[1],
            goal="about the second",
        ),
        Figure(second, times[1], "ms"),
    ]


def _measure(
    snapshot: Snapshot, service: ActionsService, finding: Finding, shape: Shape
) -> list[Figure]:
    def ask(jql: str) -> None:
        request = {"from": "1971-01-01", "to": shape.until.isoformat(), "jql": jql}
        service.actions(ActionsRequest.model_validate(request), OPERATOR)

    floors, found, asked, again = [], [], [], []
    cpu = 0.0
    until = time.monotonic() + SECONDS_A_QUESTION
    for turn in range(ROUNDS):
        if turn >= FEWEST_ROUNDS and time.monotonic() > until:
            break
        jql = finding.jql.replace("%", str(turn % 10))
        floors.append(_timed(lambda: snapshot.run(Query(finding.floor.replace("%", "1")))))
        begun = cpu_seconds()
        found.append(_timed(partial(_find, snapshot, jql)))
        cpu += cpu_seconds() - begun
        # blanks make it another question, for which nothing is kept
        other = jql + " " * (turn + 1)
        asked.append(_timed(partial(ask, other)))
        again.append(_timed(partial(ask, other)))
    name = f"JQL, {finding.name}"
    floor = statistics.median(floors)
    return [
        Figure(f"bare SQL: {name}", floor, "ms"),
        _against(f"found: {name}", found, (f"bare SQL: {name}", floor)),
        Figure(f"found: {name}, CPU", cpu * 1_000 / len(found), "ms"),
        Figure(f"first page: {name}", statistics.median(asked), "ms"),
        _against(f"asked again: {name}", again, (f"first page: {name}", statistics.median(asked))),
    ]


def _against(name: str, times: list[float], floor: tuple[str, float]) -> Figure:
    p50 = statistics.median(times)
    return Figure(name, p50, "ms", floor=floor[0], ratio=p50 / floor[1])


def _measure_parsing(shape: Shape) -> list[Figure]:
    longest = max((finding.jql for finding in _findings(shape)), key=len)
    return [
        Figure(
            f"reading {len(text):,} characters",
            statistics.median(_timed(partial(parse, text)) for _ in range(ROUNDS)),
            "ms",
        )
        for text in ("status = Blocked", longest)
    ]


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1_000
