"""Snapshots in use: swapped under readers, locked down, limited in time and number."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from serve.config import ServeSettings
from serve.errors import ProblemError
from serve.query.compiler import Query, compile_detail
from serve.query.scope import Scope
from serve.query.spec import Interval
from serve.query.visibility import OPERATOR, Rights
from serve.warehouse.warehouse import Warehouse
from tests.serve.conftest import make_client, publish_copy

ENDLESS = Query("select count(*) from range(1000000000000) as a (i) where i % 7 = 8")
SCOPE = Scope(
    Interval(start=datetime(2025, 1, 1, tzinfo=UTC), end=datetime(2027, 1, 1, tzinfo=UTC))
)


@pytest.fixture
def home(tmp_path: Path, marts: Path) -> Path:
    publish_copy(tmp_path, marts)
    return tmp_path


def open_warehouse(home: Path, **settings: object) -> Warehouse:
    return Warehouse(ServeSettings.model_validate({"home": home, **settings}))


@pytest.fixture
def warehouse(home: Path) -> Iterator[Warehouse]:
    made = open_warehouse(home)
    yield made
    made.close()


def test_readers_never_notice_a_publish(home: Path, marts: Path, warehouse: Warehouse) -> None:
    query = compile_detail(
        SCOPE,
        Rights(OPERATOR),
        limit=100,
        not_before=SCOPE.interval.start,
        before=SCOPE.interval.end,
    )
    with warehouse.lease() as snapshot:
        wanted = snapshot.run(query)
    stop = threading.Event()
    seen: list[list[str]] = [[] for _ in range(4)]
    failures: list[BaseException] = []

    def read(ids: list[str]) -> None:
        try:
            while not stop.is_set():
                with warehouse.lease() as snapshot:
                    ids.append(snapshot.id)
                    assert snapshot.run(query) == wanted
        except BaseException as error:  # noqa: BLE001 - the test fails on whatever it was
            failures.append(error)

    threads = [threading.Thread(target=read, args=(ids,)) for ids in seen]
    for thread in threads:
        thread.start()
    snapshots = home / "snapshots"
    for _ in range(12):
        newest = publish_copy(home, marts)
        for old in sorted(snapshots.iterdir())[:-3]:
            old.unlink()
    while not all(ids and ids[-1] == newest for ids in seen) and not failures:
        stop.wait(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert all(ids == sorted(ids) for ids in seen), "no reader ever went back"


def test_a_statement_is_read_once_and_asked_with_any_values_by_any_thread(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    extract = duckdb.extract_statements

    def extract_and_tell(sql: str) -> list[duckdb.Statement]:
        read.append(sql)
        return extract(sql)

    monkeypatch.setattr("duckdb.extract_statements", extract_and_tell)
    sql = "select $value, typeof($value) from range(2)"
    values = [*range(300), "text", 1.5, None, date(2026, 1, 1)]

    def ask(value: object) -> list[tuple[object, ...]]:
        with warehouse.lease() as snapshot:
            return snapshot.run(Query(sql, {"value": value}))

    ask("first")  # threads that begin together may each read it
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, values))
    assert [[value for value, _ in rows] for rows in found] == [[value] * 2 for value in values]
    kinds = [rows[0][1] for rows in found]
    assert kinds == ["INTEGER"] * 300 + ["VARCHAR", "DOUBLE", '"NULL"', "DATE"]
    assert read.count(sql) == 1


def test_lease_outlives_its_file(home: Path, marts: Path, warehouse: Warehouse) -> None:
    with warehouse.lease() as snapshot:
        publish_copy(home, marts)
        with warehouse.lease() as newer:
            assert newer.id != snapshot.id
        snapshot.path.unlink()
        assert snapshot.run(Query("select count(*) from fct_actions")) == [(3_000,)]
    with pytest.raises(ProblemError) as refused, warehouse.lease(snapshot.id):
        pass
    assert refused.value.problem.status == 410
    with pytest.raises(duckdb.ConnectionException):
        snapshot.run(Query("select 1"))  # closed as soon as nobody used it


def test_idle_old_snapshots_are_let_go(home: Path, marts: Path, warehouse: Warehouse) -> None:
    leased = []
    for _ in range(5):
        with warehouse.lease() as snapshot:
            leased.append(snapshot)
        publish_copy(home, marts)
    with warehouse.lease():
        pass
    usable = []
    for snapshot in leased:
        try:
            usable.append(snapshot.run(Query("select 1")) == [(1,)])
        except duckdb.ConnectionException:
            usable.append(False)
    assert usable == [False, False, False, True, True]


def test_broken_snapshot_leaves_the_old_one_serving(
    home: Path, warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    with warehouse.lease() as snapshot:
        good = snapshot.id
    broken = "01KE6JH6Y4ZC2JW3X7M1Q9V5TB"
    (home / "snapshots" / f"{broken}.duckdb").write_bytes(b"not a database")
    (home / "CURRENT").write_text(f"snapshots/{broken}.duckdb\n")
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            with warehouse.lease() as snapshot:
                assert snapshot.id == good
    assert [broken in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("drop table fct_issue_views", "fct_issue_views is missing"),
        ("alter table fct_actions drop change_count", "fct_actions.change_count is missing"),
        (
            "alter table dim_users alter is_active set data type varchar",
            "dim_users.is_active is VARCHAR instead of BOOLEAN",
        ),
        (
            "create or replace table dim_users as select 1 as account_id",
            "dim_users.account_id is INTEGER instead of VARCHAR, dim_users.display_name is missing",
        ),
    ],
)
def test_a_snapshot_of_another_version_is_refused_when_it_is_opened(
    tmp_path: Path, marts: Path, change: str, fault: str
) -> None:
    """503 with the remedy, or the old one served on; of a cursor pinned to it 410."""
    old = tmp_path / "old.duckdb"
    old.write_bytes(marts.read_bytes())
    with duckdb.connect(str(old)) as database:
        database.execute(change)
    other = publish_copy(tmp_path, old)
    with make_client(tmp_path) as client:
        for path in ("actions", "activity", "freshness", "meta"):
            refused = client.get(f"/api/v1/{path}")
            assert refused.status_code == 503
            assert f"published by another version: {fault}" in refused.json()["detail"]
            assert "audit-log run" in refused.json()["remedy"]
        good = publish_copy(tmp_path, marts)
        page = client.get("/api/v1/actions").json()
        assert page["snapshot_id"] == good
        publish_copy(tmp_path, old)
        assert client.get("/api/v1/actions").json()["snapshot_id"] == good
    warehouse = open_warehouse(tmp_path)
    with pytest.raises(ProblemError) as gone, warehouse.lease(other):
        pass
    assert gone.value.problem.status == 410


def test_a_snapshot_without_what_nobody_reads_is_served(tmp_path: Path, marts: Path) -> None:
    """So that a new column of the marts does not take the API down until the next publish."""
    old = tmp_path / "old.duckdb"
    old.write_bytes(marts.read_bytes())
    with duckdb.connect(str(old)) as database:
        database.execute("alter table agg_source_freshness drop last_run_id")
        database.execute("drop table if exists bridge_named_issues")
    publish_copy(tmp_path, old)
    with make_client(tmp_path) as client:
        for path in ("actions", "activity", "freshness", "coverage", "meta"):
            assert client.get(f"/api/v1/{path}").status_code == 200


@pytest.mark.parametrize(
    "pointer",
    ["", "snapshots/../../etc/passwd", "/etc/passwd\n", "snapshots/x.duckdb\n", "\x00", "é"],
)
def test_pointer_that_names_no_snapshot_is_no_snapshot(tmp_path: Path, pointer: str) -> None:
    (tmp_path / "CURRENT").write_text(pointer)
    with make_client(tmp_path) as client:
        response = client.get("/api/v1/actions")
        assert response.status_code == 503
        assert "audit-log run" in response.json()["remedy"]
        assert client.get("/healthz").json() == {"status": "ok", "snapshot_id": None}


def test_nothing_published_then_published(tmp_path: Path, marts: Path) -> None:
    with make_client(tmp_path) as client:
        for path in ("actions", "activity", "actions.xlsx", "freshness", "meta"):
            response = client.get(f"/api/v1/{path}")
            assert response.status_code == 503
            assert "audit-log run" in response.json()["remedy"]
        snapshot_id = publish_copy(tmp_path, marts)
        assert client.get("/api/v1/actions").json()["snapshot_id"] == snapshot_id
        assert client.get("/healthz").json()["snapshot_id"] == snapshot_id


@pytest.mark.parametrize(
    "attack",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from glob('/*')",
        "select * from '/etc/passwd'",
        "copy (select 1) to '/tmp/leak.csv'",
        "attach '/tmp/other.duckdb'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "set memory_limit = '100GB'",
        "create table t (i integer)",
        "delete from fct_actions",
        "update fct_actions set old_value = ''",
        "drop table fct_actions",
        "export database '/tmp/leak'",
    ],
)
def test_connection_reads_the_snapshot_and_nothing_else(warehouse: Warehouse, attack: str) -> None:
    with warehouse.lease() as snapshot:
        with pytest.raises(duckdb.Error):
            snapshot.run(Query(attack))
        assert snapshot.run(Query("select count(*) from fct_actions")) == [(3_000,)]


def test_no_thread_outlives_the_warehouse(home: Path) -> None:
    """One that does may hold a cursor while the interpreter ends."""
    before = set(threading.enumerate())
    warehouse = open_warehouse(home)
    with warehouse.lease() as snapshot:
        assert snapshot.run(Query("select 1")) == [(1,)]
        assert snapshot.rights(OPERATOR).is_admitted
    kinds = {thread.name.partition("_")[0] for thread in set(threading.enumerate()) - before}
    assert {"deadlines", "rights"} <= kinds
    warehouse.close()
    assert set(threading.enumerate()) <= before


def test_slow_query_is_interrupted(home: Path) -> None:
    warehouse = open_warehouse(home, query_seconds=0.3)
    with warehouse.lease() as snapshot:
        with pytest.raises(ProblemError) as slow:
            snapshot.run(ENDLESS)
        assert slow.value.problem.status == 503
        assert "interrupted after 0.3 seconds" in slow.value.problem.detail
        assert snapshot.run(Query("select 1")) == [(1,)]
    warehouse.close()


def test_a_short_time_limit_of_questions_opens_a_snapshot_all_the_same(home: Path) -> None:
    warehouse = open_warehouse(home, query_seconds=1e-6)
    with warehouse.lease() as snapshot:
        with pytest.raises(ProblemError) as slow:
            snapshot.run(ENDLESS)
        assert slow.value.kind == "query-too-slow"
    warehouse.close()


def test_hungry_query_is_refused(home: Path) -> None:
    warehouse = open_warehouse(home, query_memory="64MB")
    with warehouse.lease() as snapshot:
        with pytest.raises(ProblemError) as hungry:
            snapshot.run(Query("select list(repeat('x', 1000) || i) from range(1000000) as t (i)"))
        assert "more than 64MB of memory" in hungry.value.problem.detail
        assert snapshot.run(Query("select 1")) == [(1,)]
    warehouse.close()


def test_queries_beyond_the_limit_wait_and_then_give_up(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = open_warehouse(home, queries_at_once=1)
    is_running, may_end = threading.Event(), threading.Event()

    def runs_on(_query: Query, _seconds: float) -> list[tuple[int]]:
        is_running.set()
        assert may_end.wait(300)
        return [(1,)]

    with warehouse.lease() as snapshot, ThreadPoolExecutor(2) as threads:
        impatient = snapshot._settings.model_copy(update={"query_seconds": 0.3})
        monkeypatch.setattr(snapshot, "_fetch", runs_on)
        monkeypatch.setattr(snapshot, "_settings", impatient)
        first = threads.submit(snapshot.run, Query("select 1"))
        assert is_running.wait(300)
        with pytest.raises(ProblemError) as busy:
            snapshot.run(Query("select 2"))
        assert busy.value.kind == "busy"
        monkeypatch.undo()
        may_end.set()
        assert first.result() == [(1,)]
        assert snapshot.run(Query("select 3")) == [(3,)]
    warehouse.close()
