"""What JQL finds is worked out once for each question, and never given to another question."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fastapi.testclient import TestClient

from serve.config import ServeSettings
from serve.query.compiler import Query
from serve.query.jql.compiler import Selection
from serve.query.scope import Condition
from serve.query.spec import FilterSpec
from serve.query.visibility import Role, Viewer
from serve.scoping import resolve
from serve.warehouse import issue_sets
from serve.warehouse.issue_sets import IssueSets
from serve.warehouse.snapshot import Snapshot
from serve.warehouse.turns import Turns
from tests.bench.synthetic import publish
from tests.serve.conftest import make_client
from tests.serve.jql_marts import SITE, write_jql_marts

ANN = Viewer("ann", Role.ADMINISTRATOR, "ann")
BOB = Viewer("bob", Role.ADMINISTRATOR, "bob")


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the site of nine issues; bob is on the list of the level of issue 7, ann is not."""
    path = tmp_path_factory.mktemp("jql") / "marts.duckdb"
    write_jql_marts(path)
    with duckdb.connect(str(path)) as database:
        database.execute("delete from bridge_security_level_holders")
        database.execute(
            "insert into bridge_security_level_holders (site_id, level_id, holder_type, holder_id) "
            "values (?, '50', 'user', 'bob')",
            [SITE],
        )
    return path


@pytest.fixture(scope="module")
def snapshot(marts: Path) -> Iterator[Snapshot]:
    opened = opened_at(marts)
    yield opened
    opened.close()


def opened_at(path: Path) -> Snapshot:
    return Snapshot("jql", path, ServeSettings(home=path.parent), Turns(4))


def found(snapshot: Snapshot, jql: str, viewer: Viewer = ANN, time_zone: str = "UTC") -> set[int]:
    """Return the numbers of the issues whose actions a filter keeps."""
    spec = FilterSpec(period="all", jql=jql, time_zone=time_zone)
    scope = resolve(spec, snapshot, snapshot.rights(viewer))
    assert scope.jql is not None
    query = f"select distinct issue_id from dim_issues as actions where {scope.jql.sql}"
    return {int(one) for (one,) in snapshot.run(Query(query, scope.jql.params))}


@pytest.fixture
def made(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what will be all statements that work a set out."""
    statements: list[str] = []
    fetch = snapshot._fetch

    def noted(query: Query, seconds: float) -> list[tuple[Any, ...]]:
        if query.sql.startswith("create table"):
            statements.append(query.sql)
        return fetch(query, seconds)

    monkeypatch.setattr(snapshot, "_fetch", noted)
    return statements


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no set be so small that it is written as a list."""
    monkeypatch.setattr(issue_sets, "FEW", -1)


@pytest.mark.usefixtures("many")
def test_a_question_is_worked_out_once(snapshot: Snapshot, made: list[str]) -> None:
    for _ in range(3):
        assert found(snapshot, "labels = red") == {1, 3}
    assert len(made) == 1


def test_few_issues_are_a_list_and_none_are_nothing(snapshot: Snapshot) -> None:
    assert found(snapshot, "labels in (red, green)") == {1, 3, 5}
    assert found(snapshot, "labels = red and labels = green") == set()


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("jql", "ann", "bob"),
    [
        ("assignee = currentUser()", {3}, {1}),
        ("summary ~ secret", set(), {7}),
        ("labels = red", {1, 3}, {1, 3, 7}),
    ],
)
def test_viewers_with_different_rights_share_nothing(
    snapshot: Snapshot, jql: str, ann: set[int], bob: set[int]
) -> None:
    assert found(snapshot, jql, ANN) == ann
    assert found(snapshot, jql, BOB) == bob
    assert found(snapshot, jql, ANN) == ann


@pytest.mark.usefixtures("many")
def test_time_zones_share_nothing(snapshot: Snapshot, made: list[str]) -> None:
    # 2 was created on 4 January at 23:00 UTC, and now is noon UTC: it is tomorrow on Kiritimati
    for _ in range(2):
        assert found(snapshot, "created < 2026-01-05", time_zone="UTC") == {1, 2, 8}
        assert found(snapshot, "created < 2026-01-05", time_zone="Europe/Zurich") == {1, 8}
        assert found(snapshot, "due = startOfDay()", time_zone="UTC") == {1}
        assert found(snapshot, "due = startOfDay()", time_zone="Pacific/Kiritimati") == {2}
    assert len(made) == 4


@pytest.mark.usefixtures("many")
def test_snapshots_share_nothing(marts: Path, snapshot: Snapshot, tmp_path: Path) -> None:
    later = tmp_path / "later.duckdb"
    later.write_bytes(marts.read_bytes())
    with duckdb.connect(str(later)) as database:
        database.execute("update agg_source_freshness set last_success_at = '2026-03-02 12:00'")
        database.execute("update dim_issues set status_id = '3' where issue_id = '1'")
    other = opened_at(later)
    try:
        for _ in range(2):
            assert found(snapshot, "status = Done") == {3, 4}
            assert found(other, "status = Done") == {1, 3, 4}
            assert found(snapshot, "due = now()") == {1}
            assert found(other, "due = now()") == {2}
    finally:
        other.close()


QUESTIONS = [
    *(f"key >= DEV-{number}" for number in range(1, 5)),
    *(f"labels = {color}" for color in ("red", "blue", "green")),
    *(f"status was {name}" for name in ("'To Do'", "Done", "'In Progress'")),
    *(f"summary ~ '{word}'" for word in ("shed", "paint*", "café")),
    "key in (DEV-1, OPS-1)",
    "created >= startOfYear()",
    "issue in linkedIssues(DEV-1)",
]


@pytest.mark.usefixtures("many")
def test_many_threads_ask_the_same_and_other_things(marts: Path) -> None:
    lone = opened_at(marts)
    expected = {
        (jql, viewer): found(lone, jql, viewer) for jql in QUESTIONS for viewer in (ANN, BOB)
    }
    lone.close()
    shared = opened_at(marts)
    try:
        with ThreadPoolExecutor(8) as threads:
            asked = list(expected) * 8
            answers = list(threads.map(lambda one: found(shared, *one), asked))
    finally:
        shared.close()
    assert answers == [expected[one] for one in asked]
    assert len({frozenset(one) for one in answers}) > 8


def test_all_pages_and_numbers_of_a_question_are_of_one_set(
    marts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issue_sets, "FEW", -1)
    (tmp_path / "marts.duckdb").write_bytes(marts.read_bytes())
    publish(tmp_path, tmp_path / "marts.duckdb")
    made = 0
    work_out = IssueSets._work_out

    def counted(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever it takes and gives
        nonlocal made
        made += 1
        return work_out(*args, **kwargs)

    monkeypatch.setattr(IssueSets, "_work_out", counted)
    with make_client(tmp_path, viewer_account_id="ann") as client:
        parameters = {"period": "all", "jql": "summary ~ shed"}
        keys = _keys_of_all_pages(client, parameters)
        for path in ("activity", "issues", "issues/links"):
            answer = client.get(f"/api/v1/{path}", params=parameters)
            assert answer.status_code == 200, answer.text
    assert keys == {"DEV-1", "DEV-2", "OPS-1"}
    assert made == 1


def _keys_of_all_pages(client: TestClient, parameters: dict[str, str]) -> set[str]:
    keys, cursor, pages = set(), None, 0
    while cursor is not None or not pages:
        page = client.get(
            "/api/v1/actions",
            params=parameters
            | {"limit": "3", "count": "true"}
            | ({"cursor": cursor} if cursor else {}),
        ).json()
        keys |= {item["issue"]["key"] for item in page["items"]}
        cursor, pages = page["next_cursor"], pages + 1
    assert pages > 2
    return keys


# -- the sets themselves ---------------------------------------------------------------------------


class Ledger:
    """A database in memory whose statements are noted."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("create table numbers as select i from range(1000) as numbers (i)")
        self.sets = IssueSets("main", self.run, self.run)

    def run(self, query: Query) -> list[tuple[Any, ...]]:
        """Run a statement on a cursor of its own."""
        return self.connection.cursor().execute(query.sql, dict(query.params)).fetchall()

    def ask(self, count: int) -> Condition:
        """Ask for a set of so many issues."""
        return self.sets.find(count, lambda: selection(count), has_one_site=True)

    def tables(self) -> set[str]:
        """Return the tables of sets there are."""
        rows = self.run(Query("select table_name, estimated_size from duckdb_tables()"))
        return {name for name, _ in rows if name != "numbers"}

    def size(self, condition: Condition) -> int:
        """Count the issues that meet a condition."""
        actions = "(select i::varchar as issue_id from numbers) as actions"
        ((count,),) = self.run(
            Query(f"select count(*) from {actions} where {condition.sql}", condition.params)
        )
        return int(count)


def selection(count: int) -> Selection:
    sql = "select 'site' as site_id, i::varchar as issue_id from numbers where i < $jql_0"
    return Selection(sql, {"jql_0": count})


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    made = Ledger()
    yield made
    made.connection.close()


def test_sets_that_were_asked_for_longest_ago_are_dropped(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issue_sets, "MOST_ISSUES", 500)
    for count in (200, 201, 202, 203, 201, 204):
        assert ledger.size(ledger.ask(count)) == count
    assert len(ledger.tables()) == 2
    kept = ledger.tables()
    ledger.ask(201)
    assert ledger.tables() == kept, "what was asked for again was not dropped"
    monkeypatch.setattr(issue_sets, "MOST_SETS", 3)
    monkeypatch.setattr(issue_sets, "MOST_ISSUES", 10_000)
    for count in range(300, 310):
        ledger.ask(count)
    assert len(ledger.tables()) == 3


def test_what_somebody_holds_is_not_dropped(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issue_sets, "MOST_SETS", 1)
    held = ledger.ask(100)
    for count in range(200, 205):
        ledger.ask(count)
    assert ledger.size(held) == 100
    assert len(ledger.tables()) == 2
    del held
    ledger.ask(300)
    assert len(ledger.tables()) == 1


def test_a_failure_is_not_kept(ledger: Ledger) -> None:
    def fails() -> Selection:
        msg = "no"
        raise ValueError(msg)

    def broken() -> Selection:
        return Selection("select nothing from nowhere", {})

    for failing, error in ((fails, ValueError), (broken, duckdb.Error)):
        with pytest.raises(error):
            ledger.sets.find(100, failing, has_one_site=True)
    assert ledger.size(ledger.ask(100)) == 100


def test_one_of_many_threads_works_a_set_out(ledger: Ledger) -> None:
    together = threading.Barrier(8)
    made: list[int] = []

    def ask(_: int) -> int:
        together.wait()
        return ledger.size(ledger.sets.find(1, slow, has_one_site=True))

    def slow() -> Selection:
        made.append(1)
        return selection(700)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == [700] * 8
    assert made == [1]


class Question:
    """A question that counts how often it is looked up."""

    def __init__(self) -> None:
        self.looked_up = 0

    def __hash__(self) -> int:
        self.looked_up += 1
        return 1


def test_all_who_wait_for_a_failure_hear_of_it(ledger: Ledger) -> None:
    go_on = threading.Event()
    question = Question()

    def fails() -> Selection:
        assert go_on.wait(300)
        msg = "no"
        raise ValueError(msg)

    def ask(select: Callable[[], Selection]) -> str:
        try:
            ledger.sets.find(question, select, has_one_site=True)
        except ValueError as error:
            return str(error)
        return "found"

    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(ask, fails)
        while question.looked_up < 2:
            time.sleep(0.01)
        others = [threads.submit(ask, lambda: selection(3)) for _ in range(3)]
        while question.looked_up < 2 + 3:
            time.sleep(0.01)
        go_on.set()
        assert {one.result() for one in (first, *others)} == {"no"}
    assert ask(lambda: selection(3)) == "found"
