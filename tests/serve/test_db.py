"""The application's database: its tables, how they come to be, and what it promises."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable

from serve.app import create_app
from serve.config import ServeSettings
from serve.db.engine import database_address, open_engine
from serve.db.migrate import configuration, migrate
from serve.db.models import InboxDelivery, Model
from serve.errors import ServeError
from serve.ingest.repository import Delivery, InboxRepository


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """Return an engine of each kind, on an empty database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    return open_engine(database_address(tmp_path, url))


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def delivery(number: int) -> Delivery:
    return Delivery("jira", {"n": str(number)}, "", b"{}", f"hash {number}")


def test_the_migrations_make_what_the_models_say(engine: Engine) -> None:
    migrate(engine)
    migrate(engine)
    with engine.begin() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Model.metadata)
    assert differences == []
    with engine.begin() as connection:
        command.downgrade(configuration(connection), "base")
    assert tables(engine) == {"alembic_version"}
    migrate(engine)
    assert "inbox_deliveries" in tables(engine)


def test_a_migration_that_is_cut_off_leaves_nothing_behind(engine: Engine) -> None:
    class CutOffError(Exception):
        pass

    def cut_off() -> None:
        with engine.begin() as connection:
            command.upgrade(configuration(connection), "head")
            raise CutOffError

    with pytest.raises(CutOffError):
        cut_off()
    assert tables(engine) == set()
    migrate(engine)
    assert "inbox_deliveries" in tables(engine)


def test_many_may_migrate_at_once(engine: Engine) -> None:
    address = engine.url
    failures: list[BaseException] = []

    def start() -> None:
        try:
            migrate(open_engine(address))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test shows it
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert failures == []
    assert "inbox_deliveries" in tables(engine)


def test_a_newer_database_is_refused_with_the_remedy(engine: Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(ServeError, match="start the newer version"):
        migrate(engine)


def test_deliveries_get_growing_numbers_and_times_whatever_the_clock_does(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = InboxRepository(engine)
    repository.start()
    try:
        results = [repository.add([delivery(n // 2)]) for n in range(400)]
        assert sum(result.result(timeout=300) for result in results) == 200
        monkeypatch.setattr("serve.ingest.repository.datetime", StoppedClock)
        assert repository.add([delivery(n) for n in range(1_000, 1_005)]).result(timeout=300) == 5
        with Session(engine) as session:
            rows = session.scalars(select(InboxDelivery).order_by(InboxDelivery.id)).all()
        assert len(rows) == 205
        times = [row.received_at for row in rows]
        assert times == sorted(set(times))
        assert all(moment.tzinfo is UTC for moment in times)
        assert rows[0].headers == {"n": "0"}
    finally:
        repository.close()


class StoppedClock(datetime):
    """A clock that stands still, in the past."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # only ever called with UTC
        """Return the same moment always."""
        assert tz is UTC
        return datetime(2020, 1, 1, tzinfo=UTC)


def test_the_number_of_a_deleted_delivery_is_not_given_again(engine: Engine) -> None:
    repository = InboxRepository(engine)
    repository.start()
    try:
        repository.add([delivery(1)]).result(timeout=300)
        with engine.begin() as connection:
            first = connection.execute(text("select max(id) from inbox_deliveries")).scalar()
            connection.execute(text("delete from inbox_deliveries"))
        repository.add([delivery(2)]).result(timeout=300)
        with engine.begin() as connection:
            second = connection.execute(text("select max(id) from inbox_deliveries")).scalar()
        assert second > first  # type: ignore[operator]  # both are numbers
    finally:
        repository.close()


def test_a_time_without_zone_cannot_be_stored(tmp_path: Path) -> None:
    engine = open_engine(database_address(tmp_path, None))
    migrate(engine)
    naive = InboxDelivery(
        kind="jira", received_at=datetime(2026, 1, 1), headers={}, query="", body=b"",  # noqa: DTZ001 - the point of the test
        content_hash="x",
    )  # fmt: skip
    with Session(engine) as session:
        session.add(naive)
        with pytest.raises(StatementError, match="without a zone"):
            session.flush()


def test_sqlite_is_private_and_survives_a_power_cut(tmp_path: Path) -> None:
    engine = open_engine(database_address(tmp_path / "home", None))
    migrate(engine)
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"pragma {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
        assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        for path in (tmp_path / "home").glob("app.db*"):
            assert path.stat().st_mode & 0o077 == 0, path
        # A transaction that only reads so far has the write lock already.
        with closing(sqlite3.connect(tmp_path / "home" / "app.db", timeout=0)) as other:
            assert other.execute("select count(*) from inbox_deliveries").fetchone() == (0,)
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("delete from inbox_deliveries")


def test_the_tables_can_be_made_on_postgres() -> None:
    ddl = str(CreateTable(InboxDelivery.metadata.tables["inbox_deliveries"]).compile(
        dialect=postgresql.dialect()  # type: ignore[no-untyped-call]  # without types in SQLAlchemy
    ))  # fmt: skip
    for part in ("id BIGSERIAL", "BYTEA", "TIMESTAMP WITH TIME ZONE", "UNIQUE (kind, content_hash"):
        assert part in ddl


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "no(t a)? database address"),
        ("mysql://localhost/x", "'mysql'"),
        ("sqlite://", "no file"),
        ("sqlite:///:memory:", "no file"),
        ("postgresql+nosuchdriver://localhost/x", "no driver"),
    ],
)
def test_an_address_that_is_none_is_one_line(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(ServeError, match=words) as caught:
        create_app(ServeSettings(home=tmp_path, database_url=SecretStr(url)))
    assert "\n" not in str(caught.value)


def test_the_password_of_an_address_is_not_told(tmp_path: Path) -> None:
    settings = ServeSettings(
        home=tmp_path, database_url=SecretStr("postgresql+nosuchdriver://me:canary@localhost/x")
    )
    assert "canary" not in repr(settings)
    with pytest.raises(ServeError) as caught:
        create_app(settings)
    assert "canary" not in str(caught.value)
